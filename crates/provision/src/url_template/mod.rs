//! URL templates: how the name of a kind of file is written, and what a path asks for.
//!
//! `Phone{MAC}.cfg` goes forwards, to the name that one device asks for
//! ([`UrlTemplate::render`]), and backwards, from a path to the file and the device that it means
//! ([`RouteTable::resolve`]). The macros are the phones' own but for one, case-sensitive:
//!
//! | macro | also written | stands for |
//! |---|---|---|
//! | `{MAC}` | `<MAC>` | twelve hexadecimal digits, upper case |
//! | `{mac}` | `<mac>` | twelve hexadecimal digits, lower case |
//! | `{MAC:COLONS}` | `<MAC:COLONS>` | six pairs of hexadecimal digits with colons between them, in either case: no phone's macro, but what some make of `{mac}` |
//! | `{MODEL}` | `<MODEL>` | `A`–`Z` `a`–`z` `0`–`9` `.` `_` `-`, at least one letter or digit, at most 32, and not twelve hexadecimal digits: a model is never mistaken for a MAC |
//! | `{fwver}` | `<fwver>` | letters, digits and dots, at least one digit, at most 16 |
//!
//! Anything else in braces is refused: a phone would send it literally. A template is a path below
//! the access path, written in characters that need no escaping in a URL, and names each thing
//! once (`{MAC}` and `{mac}` are the same thing): that keeps what a template can read regular, so
//! that [`RouteTable::new`] can compare templates exactly.

mod automaton;
mod macros;
mod near;
mod path;
mod routes;
mod shown;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

pub use macros::Macro;
pub use near::{NearMiss, Slip};
pub use path::{MAX_PATH_LEN, PathError, decode};
pub use routes::{MAX_ROUTES, Resolved, Route, RouteConflict, RouteError, RouteTable};
pub use shown::{MAX_SHOWN_LEN, shown};

use crate::mac::Mac;

/// The longest URL that a phone takes, macros replaced.
pub const MAX_URL_LEN: usize = 384;

/// The longest template, in characters: what is left of a URL when scheme, host and access path
/// are written.
pub const MAX_TEMPLATE_LEN: usize = 256;

/// The longest `{MODEL}`.
pub const MAX_MODEL_LEN: usize = 32;

/// The longest `{fwver}`.
pub const MAX_FWVER_LEN: usize = 16;

/// A relative path with macros; see the [module](self).
///
/// ```
/// use ringfence_provision::mac::Mac;
/// use ringfence_provision::url_template::{UrlTemplate, UrlVars};
///
/// let template = UrlTemplate::parse("Phone<MAC>.cfg")?;
/// let vars = UrlVars { mac: Some(Mac::parse("00:80:f0:c5:71:eb")?), ..UrlVars::default() };
/// assert_eq!(template.render(&vars)?, "Phone0080F0C571EB.cfg");
/// assert_eq!(template.with_phone_macros(), "Phone{MAC}.cfg");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct UrlTemplate {
    source: String,
    parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Macro(Macro),
}

/// What a phone puts in the place of the macros.
#[derive(Clone, Copy, Debug, Default)]
pub struct UrlVars<'a> {
    /// For `{MAC}`, `{mac}` and `{MAC:COLONS}`.
    pub mac: Option<Mac>,
    /// For `{MODEL}`, as the phone reports it, with its regional suffix: `KX-HDV130N`.
    pub model: Option<&'a str>,
    /// For `{fwver}`, as `01.000`.
    pub fwver: Option<&'a str>,
}

/// Why a text is not a URL template. Positions count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlTemplateError {
    /// Nothing was given.
    #[error("a URL template is a path such as Config{{MAC}}.cfg, and this is empty")]
    Empty,
    /// Longer than [`MAX_TEMPLATE_LEN`].
    #[error("the template is {0} characters long; at most {MAX_TEMPLATE_LEN} fit into a URL")]
    TooLong(usize),
    /// A scheme and host.
    #[error("write the path only, below the access path: scheme and host are the tenant's own")]
    Absolute,
    /// Braces or angle brackets around something that no phone replaces.
    #[error(
        "{found:?} at character {position} is no macro: phones know {{MAC}}, {{mac}}, {{MODEL}} \
         and {{fwver}}, in exactly this case"
    )]
    UnknownMacro {
        /// What stands there, brackets included, cut after 24 characters.
        found: String,
        /// Where.
        position: usize,
    },
    /// A bracket without its partner, as in `{/{fwver}`.
    #[error("{bracket:?} at character {position} has no partner")]
    Bracket {
        /// The bracket.
        bracket: char,
        /// Where.
        position: usize,
    },
    /// The same thing twice.
    #[error(
        "{second} at character {position} repeats {first}: name each thing once, so that a path \
         can be read backwards"
    )]
    Repeated {
        /// The macro that was there first.
        first: Macro,
        /// The one that repeats it.
        second: Macro,
        /// Where.
        position: usize,
    },
    /// A character that would have to be escaped in a URL.
    #[error(
        "{character:?} at character {position} does not belong into the path of a URL: use \
         letters, digits and - . _ ~ + = @ , : /"
    )]
    Character {
        /// The character.
        character: char,
        /// Where.
        position: usize,
    },
    /// A leading, trailing or doubled slash.
    #[error("a part of the path between slashes is empty: no slash first, last or doubled")]
    EmptySegment,
    /// `.` or `..` between slashes.
    #[error("the path has a part {0:?}, which a client removes before it asks: leave it out")]
    DotSegment(String),
}

/// Why a template cannot be rendered for a device.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UrlRenderError {
    /// The template names something that is not known.
    #[error("{template:?} needs {missing}, and there is none for this file")]
    Missing {
        /// The template.
        template: String,
        /// The macro.
        missing: Macro,
    },
    /// A value outside of what its macro may stand for, so that no path could be read back.
    #[error("{value:?} cannot stand for {wanted}: {}", wanted.describe())]
    Value {
        /// The value, cut after 64 characters.
        value: String,
        /// The macro.
        wanted: Macro,
    },
}

/// A URL is longer than a phone takes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the URL is {len} characters long; a phone takes at most {MAX_URL_LEN}")]
pub struct UrlTooLong {
    /// How long it is.
    pub len: usize,
}

impl UrlTemplate {
    /// Reads a template in either spelling of the macros.
    ///
    /// # Errors
    /// Anything that a phone would not expand or a server could not read back, with its place.
    pub fn parse(source: &str) -> Result<Self, UrlTemplateError> {
        if source.is_empty() {
            return Err(UrlTemplateError::Empty);
        }
        let len = source.chars().count();
        if len > MAX_TEMPLATE_LEN {
            return Err(UrlTemplateError::TooLong(len));
        }
        if source.contains("://") {
            return Err(UrlTemplateError::Absolute);
        }
        let parts = parse_parts(source)?;
        check_segments(&parts)?;
        let source = source.to_owned();
        Ok(Self { source, parts })
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it names the device.
    pub fn uses_mac(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, Part::Macro(each) if each.is_mac()))
    }

    /// Whether it names the model.
    pub fn uses_model(&self) -> bool {
        self.uses(Macro::Model)
    }

    /// The path for one device. It needs no escaping in a URL.
    ///
    /// # Errors
    /// A macro without a value, or a value that could not be read back.
    pub fn render(&self, vars: &UrlVars<'_>) -> Result<String, UrlRenderError> {
        let mut path = String::with_capacity(self.source.len() + 16);
        for part in &self.parts {
            match part {
                Part::Literal(text) => path.push_str(text),
                Part::Macro(each) => path.push_str(&self.value(*each, vars)?),
            }
        }
        Ok(path)
    }

    /// The shortest path that it can stand for.
    pub fn shortest(&self) -> String {
        let short = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Macro(Macro::MacUpper | Macro::MacLower) => "0".repeat(12),
            Part::Macro(Macro::MacColons) => ["00"; 6].join(":"),
            Part::Macro(Macro::Model) => "M".to_owned(),
            Part::Macro(Macro::Fwver) => "1".to_owned(),
        };
        self.parts.iter().map(short).collect()
    }

    /// The path with the macros that a phone itself expands, in curly braces: for `{MAC:COLONS}` it is told `{mac}`.
    pub fn with_phone_macros(&self) -> String {
        let told = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Macro(each) => each.told().to_string(),
        };
        self.parts.iter().map(told).collect()
    }

    /// The path with what `write` makes of each macro, which is told what character stands behind it.
    ///
    /// # Errors
    /// The first macro of which `write` makes nothing.
    pub fn written<'a>(
        &self,
        write: impl Fn(Macro, Option<char>) -> Option<&'a str>,
    ) -> Result<String, Macro> {
        let mut path = String::with_capacity(self.source.len() + 16);
        let behind = self.parts.iter().skip(1).map(Some).chain([None]);
        for (part, next) in self.parts.iter().zip(behind) {
            match part {
                Part::Literal(text) => path.push_str(text),
                Part::Macro(each) => {
                    let next = match next {
                        Some(Part::Literal(text)) => text.chars().next(),
                        _ => None,
                    };
                    path.push_str(write(*each, next).ok_or(*each)?);
                }
            }
        }
        Ok(path)
    }

    /// The same template with one macro in the place of another.
    #[must_use]
    pub fn with(&self, old: Macro, new: Macro) -> Self {
        let parts: Vec<Part> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Macro(each) if *each == old => Part::Macro(new),
                other => other.clone(),
            })
            .collect();
        let written = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Macro(each) => each.to_string(),
        };
        let source = parts.iter().map(written).collect();
        Self { source, parts }
    }

    /// The macros in it.
    pub fn macros(&self) -> impl Iterator<Item = Macro> + '_ {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Macro(each) => Some(*each),
        })
    }

    /// What stands before its last slash; empty where there is none.
    pub fn folder(&self) -> String {
        self.with_phone_macros()
            .rsplit_once('/')
            .map_or_else(String::new, |(folder, _)| folder.to_owned())
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn uses(&self, wanted: Macro) -> bool {
        self.parts.contains(&Part::Macro(wanted))
    }

    fn value(&self, wanted: Macro, vars: &UrlVars<'_>) -> Result<String, UrlRenderError> {
        let value = match wanted {
            Macro::MacUpper => vars.mac.map(Mac::upper),
            Macro::MacLower => vars.mac.map(Mac::lower),
            Macro::MacColons => vars.mac.map(Mac::with_colons),
            Macro::Model => vars.model.map(str::to_owned),
            Macro::Fwver => vars.fwver.map(str::to_owned),
        };
        let value = value.ok_or_else(|| UrlRenderError::Missing {
            template: self.source.clone(),
            missing: wanted,
        })?;
        if wanted.accepts(&value) {
            return Ok(value);
        }
        let value = value.chars().take(64).collect();
        Err(UrlRenderError::Value { value, wanted })
    }
}

/// Two spellings of the same template are equal.
impl PartialEq for UrlTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for UrlTemplate {}

impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlTemplate({:?})", self.source)
    }
}

impl fmt::Display for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl FromStr for UrlTemplate {
    type Err = UrlTemplateError;

    fn from_str(source: &str) -> Result<Self, UrlTemplateError> {
        Self::parse(source)
    }
}

impl Serialize for UrlTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}

impl<'de> Deserialize<'de> for UrlTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let source = String::deserialize(deserializer)?;
        Self::parse(&source).map_err(serde::de::Error::custom)
    }
}

/// Checks that a phone takes the URL made of `base` (scheme, host and access path) and the path of
/// a rendered template.
///
/// # Errors
/// More than [`MAX_URL_LEN`] characters.
pub fn check_url_len(base: &str, path: &str) -> Result<(), UrlTooLong> {
    let slash = usize::from(!base.ends_with('/'));
    let len = base.chars().count() + slash + path.chars().count();
    if len > MAX_URL_LEN {
        return Err(UrlTooLong { len });
    }
    Ok(())
}

fn parse_parts(source: &str) -> Result<Vec<Part>, UrlTemplateError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = source;
    let mut position = 1;
    while let Some(character) = rest.chars().next() {
        let taken = match character {
            '{' | '<' => {
                let found = parse_macro(rest, position)?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                }
                check_repeated(&parts, found, position)?;
                parts.push(Part::Macro(found));
                found.name().len() + 2
            }
            '}' | '>' => {
                return Err(UrlTemplateError::Bracket {
                    bracket: character,
                    position,
                });
            }
            'A'..='Z' | 'a'..='z' | '0'..='9' => {
                literal.push(character);
                1
            }
            '-' | '.' | '_' | '~' | '+' | '=' | '@' | ',' | ':' | '/' => {
                literal.push(character);
                1
            }
            _ => {
                return Err(UrlTemplateError::Character {
                    character,
                    position,
                });
            }
        };
        // All that gets here is ASCII: one byte, one character.
        rest = rest.get(taken..).unwrap_or_default();
        position += taken;
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// The macro at the start of `rest`, which begins with `{` or `<`.
fn parse_macro(rest: &str, position: usize) -> Result<Macro, UrlTemplateError> {
    let (bracket, partner) = match rest.chars().next() {
        Some('<') => ('<', '>'),
        _ => ('{', '}'),
    };
    let inner = rest.get(1..).unwrap_or_default();
    let end = inner.find(['{', '}', '<', '>']);
    match end.and_then(|end| Some((inner.get(..end)?, inner.get(end..)?))) {
        Some((name, after)) if after.starts_with(partner) => {
            Macro::parse(name).ok_or_else(|| UrlTemplateError::UnknownMacro {
                found: rest
                    .chars()
                    .take((name.chars().count() + 2).min(24))
                    .collect(),
                position,
            })
        }
        _ => Err(UrlTemplateError::Bracket { bracket, position }),
    }
}

fn check_repeated(parts: &[Part], second: Macro, position: usize) -> Result<(), UrlTemplateError> {
    let first = parts.iter().find_map(|part| match part {
        Part::Macro(first) if first.same_thing(second) => Some(*first),
        _ => None,
    });
    match first {
        Some(first) => Err(UrlTemplateError::Repeated {
            first,
            second,
            position,
        }),
        None => Ok(()),
    }
}

/// No segment is empty or made of dots alone, whatever the macros stand for.
fn check_segments(parts: &[Part]) -> Result<(), UrlTemplateError> {
    // No value of a macro is empty or made of dots alone, so any letter may stand for it.
    let shape: String = parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => text.as_str(),
            Part::Macro(_) => "x",
        })
        .collect();
    for segment in shape.split('/') {
        match segment {
            "" => return Err(UrlTemplateError::EmptySegment),
            "." | ".." => return Err(UrlTemplateError::DotSegment(segment.to_owned())),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
