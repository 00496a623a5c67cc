//! The macros, and which texts each may stand for.
//!
//! Each macro is a small deterministic automaton over characters: its state is a [`Progress`].
//! Upper bounds on lengths are not part of it (see [`super::routes`] for why).

use std::fmt;

use super::{MAX_FWVER_LEN, MAX_MODEL_LEN};
use crate::mac::Mac;

/// What a phone replaces in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Macro {
    /// `{MAC}`
    MacUpper,
    /// `{mac}`
    MacLower,
    /// `{MAC:COLONS}`, which no phone replaces: as some write their MAC where they are told `{mac}`.
    MacColons,
    /// `{MODEL}`
    Model,
    /// `{fwver}`
    Fwver,
}

/// How far into a value a reader is.
pub(crate) type Progress = u8;

/// The progress before the first character.
pub(crate) const START: Progress = 0;

const MAC_DIGITS: Progress = 12;
/// Of a MAC with colons, the colons counted.
const MAC_CHARACTERS: Progress = 17;
/// A model of which it is certain that it is not twelve hexadecimal digits.
const NOT_A_MAC: Progress = 13;
/// Added to the progress of a model once a letter or a digit was seen: without one it could be `.` or `..`, which
/// a client takes out of a path.
const NAMED: Progress = 16;
const FWVER_NO_DIGIT: Progress = 1;
const FWVER_DIGIT: Progress = 2;

impl Macro {
    /// Every macro.
    pub const ALL: [Self; 5] = [
        Self::MacUpper,
        Self::MacLower,
        Self::MacColons,
        Self::Model,
        Self::Fwver,
    ];

    /// Its name, without brackets.
    pub fn name(self) -> &'static str {
        match self {
            Self::MacUpper => "MAC",
            Self::MacLower => "mac",
            Self::MacColons => "MAC:COLONS",
            Self::Model => "MODEL",
            Self::Fwver => "fwver",
        }
    }

    /// The macro of this name, case-sensitive.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.name() == name)
    }

    /// Whether `value` is one of the texts that it stands for.
    pub fn accepts(self, value: &str) -> bool {
        let limit = match self {
            Self::MacUpper | Self::MacLower | Self::MacColons => {
                return self.reads(value) && Mac::parse(value).is_ok();
            }
            Self::Model => MAX_MODEL_LEN,
            Self::Fwver => MAX_FWVER_LEN,
        };
        value.len() <= limit && self.reads(value)
    }

    /// What it stands for, in words.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::MacUpper => "twelve hexadecimal digits in upper case",
            Self::MacLower => "twelve hexadecimal digits in lower case",
            Self::MacColons => "six pairs of hexadecimal digits with colons between them",
            Self::Model => {
                "1 to 32 letters, digits, dots, dashes or underscores, at least one of them a \
                 letter or a digit, and not twelve hexadecimal digits"
            }
            Self::Fwver => "1 to 16 letters, digits or dots, at least one of them a digit",
        }
    }

    /// Whether it stands for the MAC, in whatever notation.
    pub(crate) fn is_mac(self) -> bool {
        self.same_thing(Self::MacUpper)
    }

    /// The one that a phone is told, to have it ask by this one.
    pub(crate) fn told(self) -> Self {
        match self {
            Self::MacColons => Self::MacLower,
            each => each,
        }
    }

    /// Whether two macros stand for the same thing about a phone.
    pub(crate) fn same_thing(self, other: Self) -> bool {
        let thing = |each| match each {
            Self::MacLower | Self::MacColons => Self::MacUpper,
            each => each,
        };
        thing(self) == thing(other)
    }

    /// The progress after one more character, or `None` where no value goes on so.
    pub(crate) fn advance(self, progress: Progress, byte: u8) -> Option<Progress> {
        match self {
            Self::MacUpper => advance_mac(progress, matches!(byte, b'0'..=b'9' | b'A'..=b'F')),
            Self::MacLower => advance_mac(progress, matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
            Self::MacColons => {
                let fits = match progress % 3 {
                    2 => byte == b':',
                    _ => byte.is_ascii_hexdigit(),
                };
                (fits && progress < MAC_CHARACTERS).then_some(progress + 1)
            }
            Self::Model => advance_model(progress, byte),
            Self::Fwver => match byte {
                b'0'..=b'9' => Some(FWVER_DIGIT),
                b'A'..=b'Z' | b'a'..=b'z' | b'.' => Some(progress.max(FWVER_NO_DIGIT)),
                _ => None,
            },
        }
    }

    /// Whether a value may end here.
    pub(crate) fn complete(self, progress: Progress) -> bool {
        match self {
            Self::MacUpper | Self::MacLower => progress == MAC_DIGITS,
            Self::MacColons => progress == MAC_CHARACTERS,
            Self::Model => progress >= NAMED && progress != NAMED + MAC_DIGITS,
            Self::Fwver => progress == FWVER_DIGIT,
        }
    }

    fn reads(self, value: &str) -> bool {
        value
            .bytes()
            .try_fold(START, |progress, byte| self.advance(progress, byte))
            .is_some_and(|progress| self.complete(progress))
    }
}

impl fmt::Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.name())
    }
}

fn advance_mac(progress: Progress, is_digit: bool) -> Option<Progress> {
    (is_digit && progress < MAC_DIGITS).then_some(progress + 1)
}

/// The low bits count hexadecimal digits, up to certainty; `NAMED` is added once a letter or a digit was seen.
fn advance_model(progress: Progress, byte: u8) -> Option<Progress> {
    if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
        return None;
    }
    let digits = match progress % NAMED {
        digits if byte.is_ascii_hexdigit() => (digits + 1).min(NOT_A_MAC),
        _ => NOT_A_MAC,
    };
    let named = progress >= NAMED || byte.is_ascii_alphanumeric();
    Some(digits + if named { NAMED } else { 0 })
}
