//! What both formats have in common when bytes come in: bounds, UTF-8, lines and columns, and the
//! rules for a parameter's name and value.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{DefaultHasher, Hasher as _};

use super::Parameter;
use super::escape::{self, EscapeError, MAX_VALUE};
use super::finding::{Finding, Findings, Place, codes};
use super::message::{MessagePart, message, shown};
use crate::family::{Duplicates, Family, Format};

/// The longest name of a parameter, in characters.
const MAX_NAME: usize = 32;

/// The text of a file, or `None` when it is too large to be looked at.
///
/// Bytes that are not UTF-8 become U+FFFD, after a finding that is an error, so that the rest can
/// be looked at too.
pub(super) fn decode<'a>(
    family: Family,
    bytes: &'a [u8],
    findings: &mut Findings,
) -> Option<Cow<'a, str>> {
    let limit = family.total_limit();
    if bytes.len() > limit {
        findings.push(Finding::error(
            codes::FILE_TOO_LARGE,
            Place::FILE,
            message![
                "the file has ",
                bytes.len(),
                " bytes, of ",
                limit,
                " allowed"
            ],
            "Leave out what the phones have as their own defaults.",
        ));
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let good = std::str::from_utf8(good).unwrap_or_default();
            findings.push(Finding::error(
                codes::NOT_UTF8,
                Lines::new(good).place(good.len()),
                "the bytes from here on are not UTF-8",
                "Save the file as UTF-8 without a byte order mark.",
            ));
            String::from_utf8_lossy(bytes)
        }
    };
    if !text.starts_with('\u{feff}') {
        return Some(text);
    }
    findings.push(Finding::error(
        codes::BYTE_ORDER_MARK,
        Place::new(1, 1),
        "the file begins with a byte order mark, which hides its first line from the phone",
        "Save the file as UTF-8 without a byte order mark.",
    ));
    Some(Cow::Owned(text.trim_start_matches('\u{feff}').to_owned()))
}

/// With one LF at each line's end, as XML 1.0 §2.11 has it. Hardly any text has the other form, and to look for one sign
/// is cheap.
pub(crate) fn with_lf(text: &str) -> Cow<'_, str> {
    match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n")),
        false => Cow::Borrowed(text),
    }
}

/// Names the first control character of each line; tabs are left to whoever knows whether they are
/// in a value.
pub(super) fn control_characters(text: &str, findings: &mut Findings) {
    // Nearly every file has none, and bytes are looked through many times as fast as characters.
    if !may_have_control_characters(text.as_bytes()) {
        return;
    }
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if findings.is_hopeless() {
            return;
        }
        // A CR is a part of a line end or a control character.
        let line = line
            .strip_suffix('\n')
            .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        let found = line
            .chars()
            .enumerate()
            .find(|(_, character)| *character != '\t' && escape::forbidden(*character));
        if let Some((before, character)) = found {
            findings.push(control_character(
                Place::new(number, 1).right(before),
                character,
            ));
        }
    }
}

/// Whether some byte of UTF-8 begins or is a [forbidden](escape::forbidden) character: below a blank, but for TAB, LF and
/// CR before LF; DEL; U+0080 to U+009F, which begin with C2, and U+FFFE and U+FFFF, which begin with EF.
fn may_have_control_characters(bytes: &[u8]) -> bool {
    /// As many bytes are looked at together, without a branch: the compiler makes a few instructions of it.
    const TOGETHER: usize = 32;
    let suspicious = |byte: u8| {
        (byte < b' ') & (byte != b'\n') & (byte != b'\t')
            | (byte == 0x7f)
            | (byte == 0xc2)
            | (byte == 0xef)
    };
    let may_be = |at: usize| match bytes.get(at..) {
        Some([byte, ..]) if !suspicious(*byte) => false,
        Some([b'\r', b'\n', ..] | [0xc2, 0xa0..=0xff, ..]) => false,
        _ => true,
    };
    bytes.chunks(TOGETHER).enumerate().any(|(number, chunk)| {
        let is_plain = !chunk
            .iter()
            .fold(false, |any, byte| any | suspicious(*byte));
        let from = number * TOGETHER;
        !is_plain && (from..from + chunk.len()).any(may_be)
    })
}

fn control_character(at: Place, character: char) -> Finding {
    Finding::error(
        codes::CONTROL_CHARACTER,
        at,
        message![
            "the control character ",
            MessagePart::Code(character.into())
        ],
        "Delete it; no value can carry it.",
    )
}

/// From byte offsets to lines and columns.
///
/// Offsets are asked for in rising order, all but a few: each count goes on from the last one, so
/// that a file of one long line costs no more than one of many short ones.
pub(super) struct Lines<'a> {
    text: &'a str,
    last: Cell<(usize, Place)>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            last: Cell::new((0, Place::new(1, 1))),
        }
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let (mut from, mut place) = self.last.get();
        if offset < from {
            (from, place) = (0, Place::new(1, 1));
        }
        let mut between = self.text.get(from..offset).unwrap_or_default();
        #[cfg(test)]
        crate::steps::took(between.len());
        if let Some(end) = between.rfind('\n') {
            let lines = between.matches('\n').count();
            let lines = u32::try_from(lines).unwrap_or(u32::MAX);
            place = Place::new(place.line.saturating_add(lines), 1);
            between = between.get(end + 1..).unwrap_or_default();
        }
        place = place.right(between.chars().count());
        self.last.set((offset, place));
        place
    }
}

/// What may be wrong with a parameter's name in either format.
pub(super) fn check_name(name: &str, at: Place, findings: &mut Findings) {
    if name.is_empty() {
        findings.push(Finding::error(
            codes::NAME_INVALID,
            at,
            "there is no name before `=`",
            "Write NAME=\"value\".",
        ));
    } else if let Some(bad) = name.chars().find(|c| !is_name_character(*c)) {
        let bad = shown(&bad.escape_default().to_string());
        findings.push(Finding::error(
            codes::NAME_INVALID,
            at,
            message!["a name of a parameter cannot have `", bad, "` in it"],
            "Names are made of A-Z, 0-9 and `_`; a comment begins with `#`.",
        ));
    } else if name.contains(|c: char| c.is_ascii_lowercase()) {
        findings.push(Finding::warning(
            codes::NAME_CASE,
            at,
            message!["`", shown(name), "` is in small letters"],
            "The guides write every parameter in capitals; a phone ignores a name that it does \
             not know.",
        ));
    }
    let length = name.chars().count();
    if length > MAX_NAME {
        findings.push(Finding::error(
            codes::NAME_TOO_LONG,
            at,
            message![
                "a name of ",
                length,
                " characters, of ",
                MAX_NAME,
                " allowed"
            ],
            "Look the name up in the guide of the model.",
        ));
    }
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Whether the word could be the name of a parameter, as the guides write them.
pub(super) fn is_parameter_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The same for a writer.
pub(super) fn require_name(name: &str) -> Result<(), EscapeError> {
    match is_parameter_name(name) && name.len() <= MAX_NAME {
        true => Ok(()),
        false => Err(EscapeError::Name),
    }
}

/// What may be wrong with a value in either format, its syntax apart.
pub(super) fn check_value(
    format: Format,
    name: &str,
    value: &str,
    at: Place,
    findings: &mut Findings,
) {
    // No text has more characters than bytes.
    let is_long = value.len() > MAX_VALUE && value.chars().count() > MAX_VALUE;
    if is_long {
        let name = shown(name);
        let length = value.chars().count();
        let message = message![
            "the value of ",
            name,
            " has ",
            length,
            " characters, of ",
            MAX_VALUE,
            " allowed"
        ];
        let help = "Shorten it; the phone loses a longer one.";
        findings.push(match format {
            Format::Text => Finding::error(codes::VALUE_TOO_LONG, at, message, help),
            Format::Lines | Format::Xml => {
                Finding::warning(codes::VALUE_TOO_LONG, at, message, help)
            }
        });
    }
    if !value.bytes().any(|byte| byte < b' ') {
        return;
    }
    if value.contains(['\r', '\n']) {
        let name = shown(name);
        findings.push(Finding::error(
            codes::VALUE_OVER_LINES,
            at,
            message!["the value of ", name, " goes over several lines"],
            "Write it on one line.",
        ));
    } else if let Some(before) = value.chars().position(|c| c == '\t') {
        findings.push(control_character(at.right(before), '\t'));
    }
}

/// Names each parameter that a file sets more than once, and which of them the phone obeys.
pub(super) fn check_duplicates(family: Family, parameters: &[Parameter], findings: &mut Findings) {
    if all_differ(parameters) {
        return;
    }
    let mut first: BTreeMap<&str, &Parameter> = BTreeMap::new();
    for parameter in parameters {
        #[cfg(test)]
        crate::steps::took(parameter.path.len());
        if findings.is_hopeless() {
            return;
        }
        let earlier = match first.entry(&parameter.path) {
            Entry::Vacant(place) => {
                place.insert(parameter);
                continue;
            }
            Entry::Occupied(earlier) => *earlier.get(),
        };
        let (path, line) = (shown(&parameter.path), earlier.line);
        let at = Place::new(parameter.line, parameter.column);
        let help = "Keep one of them.";
        findings.push(match family.duplicate_rule() {
            Duplicates::FirstWins => Finding::warning(
                codes::DUPLICATE_PARAMETER,
                at,
                message![
                    path,
                    " is set in line ",
                    line,
                    " already; the phone obeys the first"
                ],
                help,
            ),
            Duplicates::LastWins => Finding::warning(
                codes::DUPLICATE_PARAMETER,
                at,
                message![
                    path,
                    " is set in line ",
                    line,
                    " already; the phone obeys the last"
                ],
                help,
            ),
            Duplicates::Unstated if earlier.value == parameter.value => Finding::warning(
                codes::DUPLICATE_PARAMETER,
                at,
                message![path, " is set to the same in line ", line, " already"],
                help,
            ),
            Duplicates::Unstated => Finding::error(
                codes::DUPLICATE_PARAMETER,
                at,
                message![
                    path,
                    " is set otherwise in line ",
                    line,
                    " already, and the guide does not say which one the phone obeys"
                ],
                help,
            ),
        });
    }
}

/// Whether no two paths are alike, as far as their hashes tell: hashes that differ are of paths that do. Nearly every file is
/// such a one, and to sort numbers costs a fraction of sorting texts.
fn all_differ(parameters: &[Parameter]) -> bool {
    let hash = |parameter: &Parameter| {
        #[cfg(test)]
        crate::steps::took(parameter.path.len());
        // With keys that are always the same: who finds two paths with one hash makes the file compared the long way.
        let mut hasher = DefaultHasher::new();
        hasher.write(parameter.path.as_bytes());
        hasher.finish()
    };
    let mut hashes: Vec<u64> = parameters.iter().map(hash).collect();
    hashes.sort_unstable();
    hashes
        .iter()
        .zip(hashes.iter().skip(1))
        .all(|(one, next)| one != next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let lines = Lines::new("aü\r\nöb\n");
        assert_eq!(lines.place(0), Place::new(1, 1));
        assert_eq!(lines.place(3), Place::new(1, 3));
        assert_eq!(lines.place(7), Place::new(2, 2));
        assert_eq!(lines.place(9), Place::new(3, 1));
        assert_eq!(lines.place(3), Place::new(1, 3));
    }

    #[test]
    fn the_look_at_bytes_misses_no_character_that_is_forbidden() {
        for character in ('\0'..='\u{ffff}').filter(|it| !matches!(it, '\t' | '\n')) {
            let text = format!("a{character}b");
            if escape::forbidden(character) {
                assert!(
                    may_have_control_characters(text.as_bytes()),
                    "{character:?}"
                );
            }
        }
        assert!(may_have_control_characters(b"a\r"));
        for good in ["", "a\tb\r\nc\n", "äöü°±ñ€", "\u{a0}\u{bf}", "\u{10ffff}"] {
            assert!(!may_have_control_characters(good.as_bytes()), "{good:?}");
        }
    }
}
