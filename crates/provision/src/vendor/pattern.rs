//! A small pattern language for what phones call themselves and what they ask for: text with holes.
//!
//! | hole | takes |
//! |---|---|
//! | `{model}` | the name of a model: letters, digits, `.`, `_`, `-` and single blanks between them |
//! | `{firmware}` | a version: it begins with a digit and has a dot |
//! | `{mac}` | a MAC in any notation |
//! | `{}` | anything |
//!
//! Letter case does not matter, and a blank stands for one blank or more. A model, like anything, is as short
//! as can be; a version and a MAC are as long as can be. Whatever a stranger sends is cut to [`MAX_TEXT`]
//! first, and a hole takes [`MAX_HOLE`] at most, so the work is bounded whatever is sent.

use crate::mac::Mac;

/// How many bytes of a text are looked at.
pub(super) const MAX_TEXT: usize = 256;

/// How many bytes a hole takes at most: what is found is kept and shown.
pub(super) const MAX_HOLE: usize = 40;

/// How long a MAC is: in pairs, in fours, in sixes, bare.
const MAC_LENGTHS: [usize; 4] = [17, 14, 13, 12];

/// What stood in a pattern's holes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holes<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) firmware: Option<&'a str>,
    pub(super) mac: Option<Mac>,
}

/// Where a text may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the pattern.
    Here,
    /// Anywhere behind it.
    Anywhere,
}

/// What stands in the holes, if a text fits.
pub(super) fn fit<'a>(pattern: &str, text: &'a str, end: End) -> Option<Holes<'a>> {
    let mut holes = Holes::default();
    fits(pattern, cut(text, MAX_TEXT), end, &mut holes).then_some(holes)
}

/// The beginning of a text, at most `most` bytes.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most))
        .unwrap_or_default()
}

fn fits<'a>(pattern: &str, text: &'a str, end: End, holes: &mut Holes<'a>) -> bool {
    let Some((before, rest)) = pattern.split_once('{') else {
        return behind(pattern, text).is_some_and(|left| end == End::Anywhere || left.is_empty());
    };
    let Some(text) = behind(before, text) else {
        return false;
    };
    let (hole, rest) = rest.split_once('}').unwrap_or((rest, ""));
    match hole.to_ascii_lowercase().as_str() {
        "firmware" => {
            let (word, left) = run(text, |c| c.is_ascii_alphanumeric() || "._+".contains(c));
            let sound = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
            if !sound || word.len() > MAX_HOLE || !fits(rest, left, end, holes) {
                return false;
            }
            holes.firmware = Some(word);
            true
        }
        "mac" => {
            let whole = |at: &usize| !text.as_bytes().get(*at).is_some_and(u8::is_ascii_hexdigit);
            let found = MAC_LENGTHS.into_iter().filter(whole).find_map(|at| {
                let (word, left) = text.split_at_checked(at)?;
                Some((Mac::parse(word).ok()?, left))
            });
            let Some((mac, left)) = found else {
                return false;
            };
            if !fits(rest, left, end, holes) {
                return false;
            }
            holes.mac = Some(mac);
            true
        }
        "model" => {
            for (at, c) in text.char_indices().take(MAX_HOLE) {
                if !(c.is_ascii_alphanumeric() || "._- ".contains(c)) {
                    return false;
                }
                let (word, left) = text.split_at(at + 1);
                if is_model(word) && fits(rest, left, end, holes) {
                    holes.model = Some(word);
                    return true;
                }
            }
            false
        }
        _ => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.take(MAX_HOLE)
                .filter_map(|at| text.get(at..))
                .any(|left| fits(rest, left, end, holes))
        }
    }
}

/// Whether a text is the name of a model, as phones write it: it begins and ends with a letter or a digit.
fn is_model(word: &str) -> bool {
    let whole = |c: char| c.is_ascii_alphanumeric();
    word.starts_with(whole) && word.ends_with(whole) && !word.contains("  ")
}

/// What comes behind a literal, if the text begins with it.
fn behind<'a>(literal: &str, text: &'a str) -> Option<&'a str> {
    let mut text = text;
    for wanted in literal.chars() {
        let mut left = text.chars();
        if !left.next()?.eq_ignore_ascii_case(&wanted) {
            return None;
        }
        text = left.as_str();
        if wanted == ' ' {
            text = text.trim_start_matches(' ');
        }
    }
    Some(text)
}

/// The longest beginning of a text that has only such characters, and the rest.
fn run(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn model<'a>(pattern: &str, text: &'a str) -> Option<&'a str> {
        fit(pattern, text, End::Anywhere).and_then(|holes| holes.model)
    }

    #[test]
    fn a_model_is_as_short_as_can_be_and_a_version_as_long() {
        let holes = fit("X {model} {firmware} {mac}", "x  A  B", End::Anywhere);
        assert_eq!(holes, None);
        let text = "X A Pro 1.2.3b 00:80:f0:c5:71:eb and more";
        let holes = fit("X {model} {firmware} {mac}", text, End::Anywhere).unwrap();
        assert_eq!(
            (holes.model, holes.firmware),
            (Some("A Pro"), Some("1.2.3b"))
        );
        assert_eq!(holes.mac, Mac::parse("0080F0C571EB").ok());
        assert_eq!(
            model("X/{model}-{firmware}", "X/SPA-942-6.1.5(a)"),
            Some("SPA-942")
        );
        assert_eq!(model("X {model} y", "X A B"), None);
    }

    #[test]
    fn a_name_fits_to_its_end() {
        assert!(fit("{MAC}.xml", "0080F0C571EB.xml", End::Here).is_some());
        assert!(fit("{MAC}.xml", "00:80:f0:c5:71:eb.xml", End::Here).is_some());
        assert!(fit("{MAC}.xml", "0080F0C571EBA.xml", End::Here).is_none());
        assert!(fit("cfg{}.xml", "cfg1.xml", End::Here).is_some());
        assert!(fit("cfg{}.xml", "cfg1.xml.bak", End::Here).is_none());
    }

    #[test]
    fn a_hole_is_bounded() {
        let long = format!("X/{}/1.0", "a".repeat(MAX_HOLE + 1));
        assert_eq!(model("X/{model}/{firmware}", &long), None);
        let fits = format!("X/{}/1.0", "a".repeat(MAX_HOLE));
        assert_eq!(
            model("X/{model}/{firmware}", &fits).unwrap().len(),
            MAX_HOLE
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}|[X0-9a-f:./ é-]{0,300}") {
            for pattern in ["X {model} {firmware} {mac}", "X{}{model}-{}:{mac}", "{mac}{", "{"] {
                let _ = fit(pattern, &text, End::Anywhere);
                let _ = fit(pattern, &text, End::Here);
            }
        }
    }
}
