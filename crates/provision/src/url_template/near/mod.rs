//! What a path that asks for nothing nearly asks for.
//!
//! Phones ask for names that people typed: in other letter case, with a macro that this phone does
//! not know, with a blank behind. For the operator only: nothing is ever served for a near miss.

use std::collections::BTreeSet;

use super::routes::RouteTable;
use super::shown::unescaped;
use super::{MAX_FWVER_LEN, MAX_MODEL_LEN, MAX_PATH_LEN, Macro, Part, UrlTemplate};
use crate::mac::Mac;

/// How many places of templates are tried for one path at most, which bounds the work whatever the
/// names and the path are. Names that people write take some hundred.
const MAX_STEPS: usize = 20_000;

/// The longest name of a macro that some phone may know.
const MAX_TOKEN_LEN: usize = 24;

/// What is wrong with a name that nearly fits; the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slip {
    /// A macro arrived as it was written, such as `{MAC}`, `<mac>`, `$MA` or `%MAC%`.
    MacroNotReplaced,
    /// A percent sign was escaped once more: `%257B`.
    EncodedTwice,
    /// White space or a control character.
    BlankInName,
    /// A query or fragment was escaped and so became part of the name.
    QueryInName,
    /// The MAC has separators.
    MacNotation,
    /// A slash too many, or a backslash.
    ExtraSlash,
    /// There is a folder before the name.
    ExtraFolder,
    /// Another extension.
    WrongExtension,
    /// Other letter case.
    WrongCase,
}

impl Slip {
    /// Every slip.
    pub const ALL: [Self; 9] = [
        Self::MacroNotReplaced,
        Self::EncodedTwice,
        Self::BlankInName,
        Self::QueryInName,
        Self::MacNotation,
        Self::ExtraSlash,
        Self::ExtraFolder,
        Self::WrongExtension,
        Self::WrongCase,
    ];

    /// The word in events and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MacroNotReplaced => "macro_not_replaced",
            Self::EncodedTwice => "encoded_twice",
            Self::BlankInName => "blank_in_name",
            Self::QueryInName => "query_in_name",
            Self::MacNotation => "mac_notation",
            Self::ExtraSlash => "extra_slash",
            Self::ExtraFolder => "extra_folder",
            Self::WrongExtension => "wrong_extension",
            Self::WrongCase => "wrong_case",
        }
    }
}

/// A name that a path nearly is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The gravest of what is wrong.
    pub slip: Slip,
    /// What is wrong besides.
    pub also: Vec<Slip>,
    /// The name that would have fitted. Where a macro was not replaced it is still there, in the
    /// spelling of the template. May hold what a stranger wrote: show it by [`super::shown()`].
    pub expected: String,
}

/// How a path is held against a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Whole,
    WithoutFolder,
    OtherExtension,
}

/// A search through the names of a table.
struct Search {
    steps: usize,
    /// Whether any unreplaced macro may stand for any other.
    loose: bool,
}

impl RouteTable {
    /// The name that a path nearly is: the path below the access path, as it came. `None` where
    /// nothing is near, and where the path reads as it is; but for one that reads as the name of a model,
    /// which may be called anything.
    pub fn near_miss(&self, path: &str) -> Option<NearMiss> {
        let reads = self
            .resolve(path)
            .is_some_and(|named| named.model.is_none());
        if reads { None } else { near_miss(self, path).0 }
    }
}

/// The near miss, and how many steps the search took.
fn near_miss(table: &RouteTable, path: &str) -> (Option<NearMiss>, usize) {
    if path.len() > MAX_PATH_LEN {
        return (None, 0);
    }
    let decoded = unescaped(path);
    let (text, slips) = mended(&decoded);
    // A name with the MAC in it says the most, and is what phones are told apart by.
    let routes = || table.routes().map(|route| &route.template);
    let by_mac = routes().filter(|template| template.uses_mac());
    let others = routes().filter(|template| !template.uses_mac());
    let templates: Vec<&UrlTemplate> = by_mac.chain(others).collect();
    let mut steps = 0;
    for stage in [Stage::Whole, Stage::WithoutFolder, Stage::OtherExtension] {
        for loose in [false, true] {
            for template in &templates {
                let Some(candidate) = stage.apply(&text, template) else {
                    continue;
                };
                let mut search = Search { steps, loose };
                let pieces = search.read(template.parts(), &candidate);
                steps = search.steps;
                let near = pieces.and_then(|pieces| {
                    let slips = slips.iter().copied().chain(stage.slip());
                    compared(template.parts(), &pieces, slips.collect())
                });
                if near.is_some() {
                    return (near, steps);
                }
            }
        }
    }
    (None, steps)
}

/// A path without what is not part of any name, and what that was.
fn mended(decoded: &str) -> (String, BTreeSet<Slip>) {
    let mut slips = BTreeSet::new();
    let mut text = decoded.to_owned();
    let mut mend = |slip, to: String| {
        if to != text {
            slips.insert(slip);
            text = to;
        }
        text.clone()
    };
    let text = mend(Slip::EncodedTwice, unescaped(decoded));
    let name = text.split(['?', '#']).next().unwrap_or_default();
    let text = mend(Slip::QueryInName, name.to_owned());
    let visible = |c: &char| !c.is_whitespace() && !c.is_control() && !is_invisible(*c);
    let text = mend(Slip::BlankInName, text.chars().filter(visible).collect());
    let text = text.replace('\\', "/");
    let segments: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
    let text = mend(Slip::ExtraSlash, segments.join("/"));
    (text, slips)
}

/// Characters of no width that a name picks up when it is copied from a page.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{AD}'
    )
}

impl Stage {
    fn slip(self) -> Option<Slip> {
        match self {
            Self::Whole => None,
            Self::WithoutFolder => Some(Slip::ExtraFolder),
            Self::OtherExtension => Some(Slip::WrongExtension),
        }
    }

    /// The text to hold against a template; `None` where this stage has nothing to say about it.
    fn apply(self, text: &str, template: &UrlTemplate) -> Option<String> {
        match self {
            Self::Whole => Some(text.to_owned()),
            Self::WithoutFolder => {
                let folders = template.as_str().matches('/').count();
                let (begin, _) = text.rmatch_indices('/').nth(folders)?;
                text.get(begin + 1..).map(str::to_owned)
            }
            Self::OtherExtension => {
                // A model may be called anything: every file of a web site would be near.
                if template.uses_model() && !template.uses_mac() {
                    return None;
                }
                let Some(Part::Literal(end)) = template.parts().last() else {
                    return None;
                };
                let (_, wanted) = end.rsplit_once('.')?;
                let (stem, found) = match text.rsplit_once('.') {
                    Some((stem, found)) if !found.contains('/') => (stem, found),
                    _ => (text, ""),
                };
                let other = !found.eq_ignore_ascii_case(wanted);
                other.then(|| format!("{stem}.{wanted}"))
            }
        }
    }
}

impl Search {
    /// The piece of `text` that each part stands for, letter case aside; an unreplaced macro and a
    /// MAC in any notation stand for a macro too.
    fn read<'t>(&mut self, parts: &[Part], text: &'t str) -> Option<Vec<&'t str>> {
        let Some((part, rest)) = parts.split_first() else {
            return text.is_empty().then(Vec::new);
        };
        let lengths = match part {
            Part::Literal(literal) => {
                let same = text
                    .get(..literal.len())
                    .is_some_and(|piece| piece.eq_ignore_ascii_case(literal));
                if same {
                    vec![literal.len()]
                } else {
                    Vec::new()
                }
            }
            Part::Macro(each) => self.lengths(*each, text),
        };
        for length in lengths {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return None;
            }
            let (piece, after) = text.split_at_checked(length)?;
            if let Some(mut pieces) = self.read(rest, after) {
                pieces.insert(0, piece);
                return Some(pieces);
            }
        }
        None
    }

    /// How long the value of a macro at the beginning of `text` may be.
    fn lengths(&self, wanted: Macro, text: &str) -> Vec<usize> {
        let token = token(text).filter(|(_, name)| self.loose || names(name, wanted));
        let most = match wanted {
            Macro::MacUpper | Macro::MacLower | Macro::MacColons => 17,
            Macro::Model => MAX_MODEL_LEN,
            Macro::Fwver => MAX_FWVER_LEN,
        };
        let values = (1..=most.min(text.len()))
            .filter(|&length| text.get(..length).is_some_and(|value| fits(wanted, value)));
        token
            .map(|(length, _)| length)
            .into_iter()
            .chain(values)
            .collect()
    }
}

/// Whether a text is what a macro stands for, in any letter case and notation.
fn fits(wanted: Macro, value: &str) -> bool {
    match wanted {
        Macro::MacUpper | Macro::MacLower | Macro::MacColons => {
            value.len() >= 12 && Mac::parse(value).is_ok()
        }
        Macro::Model | Macro::Fwver => wanted.accepts(value),
    }
}

/// An unreplaced macro at the beginning of a text: its length, and its name.
fn token(text: &str) -> Option<(usize, &str)> {
    const BRACKETS: [(&str, &str); 7] = [
        ("${", "}"),
        ("$(", ")"),
        ("{", "}"),
        ("<", ">"),
        ("[", "]"),
        ("%", "%"),
        ("$", ""),
    ];
    BRACKETS.iter().find_map(|(open, close)| {
        let rest = text.strip_prefix(open)?;
        let of_a_name = |c: &char| c.is_ascii_alphabetic() || *c == '_';
        let length = rest.chars().take_while(of_a_name).count();
        let (name, after) = rest.split_at_checked(length)?;
        let whole = (1..=MAX_TOKEN_LEN).contains(&length) && after.starts_with(close);
        whole.then_some((open.len() + length + close.len(), name))
    })
}

/// Whether what some phone calls a macro stands for the same.
fn names(name: &str, wanted: Macro) -> bool {
    let name = name.to_ascii_lowercase();
    match wanted {
        Macro::MacUpper | Macro::MacLower | Macro::MacColons => {
            name.contains("mac") || matches!(&*name, "ma" | "mau")
        }
        Macro::Model => name.contains("model") || matches!(&*name, "pn" | "psn"),
        Macro::Fwver => name.contains("ver"),
    }
}

/// The name that the pieces stand for, and what is wrong with them; `None` if nothing is.
fn compared(parts: &[Part], pieces: &[&str], mut slips: BTreeSet<Slip>) -> Option<NearMiss> {
    let mut expected = String::new();
    for (part, piece) in parts.iter().zip(pieces) {
        let right = match part {
            Part::Literal(literal) => literal.clone(),
            Part::Macro(each) if token(piece).is_some() => {
                slips.insert(Slip::MacroNotReplaced);
                expected.push_str(&each.to_string());
                continue;
            }
            Part::Macro(Macro::MacUpper) => Mac::parse(piece).ok()?.upper(),
            Part::Macro(Macro::MacLower) => Mac::parse(piece).ok()?.lower(),
            Part::Macro(Macro::MacColons) => Mac::parse(piece).ok()?.with_colons(),
            Part::Macro(Macro::Model | Macro::Fwver) => (*piece).to_owned(),
        };
        if right.len() != piece.len() {
            slips.insert(Slip::MacNotation);
        } else if right != *piece {
            slips.insert(Slip::WrongCase);
        }
        expected.push_str(&right);
    }
    let mut slips = slips.into_iter();
    Some(NearMiss {
        slip: slips.next()?,
        also: slips.collect(),
        expected,
    })
}

#[cfg(test)]
mod tests;
