//! Files of `NAME="value"` lines.
//!
//! A line is at most 537 bytes with its CRLF, a name 32 characters, a value 500. A phone silently
//! loses a longer line, and a whole file whose magic line is missing.

use super::Parameter;
use super::escape::{EscapeError, escape};
use super::finding::{Finding, Findings, Place, codes};
use super::message::{Message, message, shown};
use super::source;
use crate::family::{Family, Format};

/// The longest line, in bytes, with its CRLF.
const MAX_LINE: usize = 537;

/// How many lines a value without a closing quote is followed, to tell a value over several lines
/// from a forgotten quote.
const MAX_LINES_FOLLOWED: usize = 20;

/// Quotes that word processors put in the place of `"`.
const TYPOGRAPHIC: [char; 8] = [
    '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{ab}', '\u{bb}', '\u{2033}', '\u{ff02}',
];

/// Other quotes that somebody may take for a delimiter; within a value they are fine.
const SINGLE: [char; 5] = ['\'', '`', '\u{2018}', '\u{2019}', '\u{201a}'];

/// A text file: parameters in order.
#[derive(Clone)]
pub struct Document {
    family: Family,
    parameters: Vec<Parameter>,
}

impl Document {
    /// A file without parameters.
    pub fn new(family: Family) -> Self {
        Self {
            family,
            parameters: Vec::new(),
        }
    }

    /// Adds a parameter at the end.
    ///
    /// # Errors
    /// When the value cannot be written in the text format, or the name is none of a parameter.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), EscapeError> {
        source::require_name(name)?;
        escape(Format::Text, value)?;
        self.parameters.push(Parameter::new(name, value));
        Ok(())
    }

    /// Every parameter, in the order of the file.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.parameters.clone()
    }

    /// The same where they are.
    pub(super) fn in_place(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The magic line, one line for each parameter, an empty line; all with CRLF.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        if let Some(magic) = self.family.magic_line() {
            out.push_str(magic);
            out.push_str("\r\n");
        }
        for Parameter { name, value, .. } in &self.parameters {
            for part in [name, "=\"", value, "\"\r\n"] {
                out.push_str(part);
            }
        }
        out.push_str("\r\n");
        out.into_bytes()
    }
}

/// Places are no part of what a file says.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        let mine = self.parameters.iter().map(|own| (&own.name, &own.value));
        let its = other.parameters.iter().map(|own| (&own.name, &own.value));
        self.family == other.family && mine.eq(its)
    }
}

impl Eq for Document {}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("text::Document")
            .field("family", &self.family)
            .field("parameters", &self.parameters.len())
            .finish()
    }
}

/// Reads what can be read, and says everything that is wrong.
pub(super) fn read(family: Family, bytes: &[u8], findings: &mut Findings) -> Document {
    let mut document = Document::new(family);
    let Some(text) = source::decode(family, bytes, findings) else {
        return document;
    };
    source::control_characters(&text, findings);
    check_ends(&text, findings);
    check_magic(family, &text, findings);

    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if findings.is_hopeless() {
            break;
        }
        check_length(number, line, findings);
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        let Some((mut parameter, open)) = read_line(number, line, findings) else {
            continue;
        };
        if open && let Some(extra) = lines_to_closing_quote(lines.clone()) {
            let at = Place::new(number, parameter.column);
            parameter.value.clear();
            findings.push(Finding::error(
                codes::VALUE_OVER_LINES,
                at,
                message![
                    "the value of ",
                    shown(&parameter.name),
                    " goes over ",
                    extra + 1,
                    " lines"
                ],
                "Write it on one line.",
            ));
            for _ in 0..extra {
                lines.next();
            }
        } else if open {
            findings.push(Finding::error(
                codes::QUOTE_NOT_CLOSED,
                Place::new(number, parameter.column),
                message![
                    "the value of ",
                    shown(&parameter.name),
                    " has no closing quote"
                ],
                "End the value with a straight double quote.",
            ));
        }
        document.parameters.push(parameter);
    }
    document
}

/// CRLF on every line, and an empty line at the end. The writer mends both.
fn check_ends(text: &str, findings: &mut Findings) {
    let mut first = None;
    let mut count = 0_usize;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        if line.ends_with('\n') && !line.ends_with("\r\n") {
            count += 1;
            let width = line.chars().count().saturating_sub(1);
            first.get_or_insert(Place::new(number, 1).right(width));
        }
    }
    if let Some(at) = first {
        findings.push(Finding::warning(
            codes::LINE_END,
            at,
            match count {
                1 => Message::from("this line does not end in CRLF"),
                _ => message![count, " lines do not end in CRLF, this one first"],
            },
            "Ringfence writes CRLF when it serves the file; elsewhere, save it with DOS line ends.",
        ));
    }
    if !text.is_empty() && !text.ends_with("\n\n") && !text.ends_with("\n\r\n") {
        findings.push(Finding::warning(
            codes::FINAL_EMPTY_LINE,
            source::Lines::new(text).place(text.len()),
            "the file does not end with an empty line",
            "Ringfence writes one when it serves the file; elsewhere, add one.",
        ));
    }
}

fn check_magic(family: Family, text: &str, findings: &mut Findings) {
    let Some(magic) = family.magic() else { return };
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with(magic) {
        return;
    }
    let elsewhere = (1_u32..).zip(text.lines()).find(|(_, line)| {
        let line = line.trim_start();
        line.starts_with(magic)
    });
    let mut others = Family::ALL.into_iter().filter_map(Family::magic);
    let message = if let Some((number, _)) = elsewhere {
        message![
            "the magic line stands in line ",
            number,
            ", not first in line 1"
        ]
    } else if others.any(|other| first.starts_with(other)) {
        Message::from("the first line is the magic line of another family")
    } else {
        Message::from("the first line is not the magic line")
    };
    findings.push(Finding::error(
        codes::MAGIC_LINE,
        Place::new(1, 1),
        message,
        message![
            "Begin the file with `",
            magic,
            "`; without it a phone drops the whole file."
        ],
    ));
}

fn check_length(number: u32, line: &str, findings: &mut Findings) {
    let bytes = line.len() + "\r\n".len();
    if bytes <= MAX_LINE {
        return;
    }
    let at = Place::new(number, 1);
    let message = message![
        "a line of ",
        bytes,
        " bytes with CRLF, of ",
        MAX_LINE,
        " allowed"
    ];
    findings.push(if line.starts_with('#') {
        let help = "Break the comment.";
        Finding::warning(codes::LINE_TOO_LONG, at, message, help)
    } else {
        let help = "Shorten the value; a phone loses a longer line without a word.";
        Finding::error(codes::LINE_TOO_LONG, at, message, help)
    });
}

/// One line that is neither empty nor a comment; and whether its value is still open at the end.
fn read_line(number: u32, line: &str, findings: &mut Findings) -> Option<(Parameter, bool)> {
    let start = Place::new(number, 1);
    let Some((before, after)) = line.split_once('=') else {
        findings.push(Finding::error(
            codes::NOT_A_PARAMETER,
            start,
            "the line is neither a parameter nor a comment nor empty",
            "Write NAME=\"value\" or begin the line with `#`.",
        ));
        return None;
    };

    let name = before.trim();
    let indent = width(before) - width(before.trim_start());
    let equals = start.right(width(before));
    if indent > 0 && !name.is_empty() {
        findings.push(Finding::warning(
            codes::INDENTED,
            start,
            message!["there are blanks before ", shown(name)],
            "Ringfence leaves them out when it serves the file; elsewhere, begin the line with \
             the name.",
        ));
    }
    let raw = after.trim_start();
    let gap = width(after) - width(raw);
    if gap > 0 || before.len() != before.trim_end().len() {
        findings.push(Finding::error(
            codes::SPACE_AROUND_EQUALS,
            equals,
            message!["there are blanks beside the `=` of ", shown(name)],
            "Write NAME=\"value\" without blanks.",
        ));
    }
    source::check_name(name, start.right(indent), findings);

    let quote = equals.right(1 + gap);
    let (value, open) = read_value(name, raw, quote, findings);
    let inside = quote.right(1);
    source::check_value(Format::Text, name, value, inside, findings);
    let parameter = Parameter {
        path: name.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
        line: number,
        column: inside.column,
    };
    Some((parameter, open))
}

/// The value in what follows `=`, and whether its quote is still open. `at` is its first character.
fn read_value<'a>(name: &str, raw: &'a str, at: Place, findings: &mut Findings) -> (&'a str, bool) {
    let name = shown(name);
    let trimmed = raw.trim_end();
    let help = "Put the value in straight double quotes: NAME=\"value\".";
    let Some(rest) = trimmed.strip_prefix('"') else {
        let quote = |c: char| TYPOGRAPHIC.contains(&c) || SINGLE.contains(&c);
        if let Some(rest) = trimmed.strip_prefix(quote) {
            let (code, message) = if trimmed.starts_with(['\'', '`']) {
                let message = message!["the value of ", name, " is in single quotes"];
                (codes::VALUE_UNQUOTED, message)
            } else {
                let message = message!["the value of ", name, " begins with a typographic quote"];
                (codes::TYPOGRAPHIC_QUOTE, message)
            };
            findings.push(Finding::error(code, at, message, help));
            return (rest.trim_end_matches(['"']).trim_end_matches(quote), false);
        }
        let message = message!["the value of ", name, " is not in quotes"];
        findings.push(Finding::error(codes::VALUE_UNQUOTED, at, message, help));
        return (trimmed, false);
    };

    let inside = at.right(1);
    let Some((first, behind)) = rest.split_once('"') else {
        let Some(value) = rest.strip_suffix(TYPOGRAPHIC) else {
            return (rest, true);
        };
        findings.push(Finding::error(
            codes::TYPOGRAPHIC_QUOTE,
            inside.right(width(value)),
            message!["the value of ", name, " ends with a typographic quote"],
            help,
        ));
        return (value, false);
    };
    let closing = inside.right(width(first));
    if behind.ends_with('"') {
        findings.push(Finding::error(
            codes::QUOTE_IN_VALUE,
            closing,
            message!["there is a double quote within the value of ", name],
            "The format has no way to write it: choose a value without it.",
        ));
    } else if !behind.is_empty() {
        findings.push(Finding::error(
            codes::TEXT_AFTER_VALUE,
            closing.right(1),
            message!["something follows the closing quote of ", name],
            "End the line with the quote; a comment has a line of its own.",
        ));
    } else if raw.len() != trimmed.len() {
        findings.push(Finding::warning(
            codes::TEXT_AFTER_VALUE,
            closing.right(1),
            message!["blanks follow the closing quote of ", name],
            "Ringfence leaves them out when it serves the file; elsewhere, delete them.",
        ));
    }
    if let Some(before) = first.chars().position(|c| TYPOGRAPHIC.contains(&c)) {
        findings.push(Finding::warning(
            codes::TYPOGRAPHIC_QUOTE,
            inside.right(before),
            message!["there is a typographic quote within the value of ", name],
            "Check that it is meant: the phone takes it as a part of the value.",
        ));
    }
    (first, false)
}

/// How many of the next lines belong to a value whose quote is open, if one of them closes it.
fn lines_to_closing_quote<'a>(lines: impl Iterator<Item = (u32, &'a str)>) -> Option<usize> {
    for (extra, (_, line)) in (1..=MAX_LINES_FOLLOWED).zip(lines) {
        #[cfg(test)]
        crate::steps::took(line.len());
        let next = line.split_once("=\"").map_or("", |(name, _)| name);
        if source::is_parameter_name(next) {
            return None;
        }
        if line.trim_end().ends_with('"') {
            return Some(extra);
        }
    }
    None
}

fn width(text: &str) -> usize {
    text.chars().count()
}
