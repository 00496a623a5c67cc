//! Lines of a name and a value without quotes: a name with full stops, an equals sign and a value, or a name of
//! several words, a colon and a value.
//!
//! No vendor of such files publishes an escape. So what a family's lines cannot hold is refused
//! ([`LineSyntax::refused`]), and so are blanks at the ends of a value, which a phone cuts off. Lines end in LF, as
//! in every public template.

use super::Parameter;
use super::escape::{EscapeError, escape};
use super::finding::{Finding, Findings, Place, codes};
use super::message::{message, shown};
use super::modules::{Frame, Reader};
use super::source;
use crate::family::{Family, Format, LineSyntax};

/// The longest name, in bytes. No guide prints a limit; the longest names in use have 60.
pub(super) const MAX_NAME: usize = 96;

/// A file of lines: parameters in order.
#[derive(Clone)]
pub struct Document {
    syntax: &'static LineSyntax,
    parameters: Vec<Parameter>,
    /// What stands around them, in a file of modules.
    frame: Frame,
}

impl Document {
    /// A file without parameters.
    pub fn new(syntax: &'static LineSyntax) -> Self {
        Self {
            syntax,
            parameters: Vec::new(),
            frame: Frame::default(),
        }
    }

    /// Adds a parameter at the end.
    ///
    /// # Errors
    /// When the value cannot be written in this format, or the name is none of a parameter.
    pub fn push(&mut self, name: &str, value: &str) -> Result<(), EscapeError> {
        if !is_name(self.syntax, name) || name.len() > MAX_NAME {
            return Err(EscapeError::Name);
        }
        escape(Format::Lines, value)?;
        if value.contains(self.syntax.refused) {
            return Err(EscapeError::NoEscape {
                name: "a character that ends the value",
            });
        }
        self.parameters.push(Parameter {
            path: path(self.syntax, name, value),
            ..Parameter::new(name, value)
        });
        Ok(())
    }

    /// Every parameter, in the order of the file. The path of one that may be repeated has its value in it, so
    /// that two of them are no duplicates.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.parameters.clone()
    }

    /// The same where they are.
    pub(super) fn in_place(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The magic line, if there is one, and one line for each parameter; all with LF. A file of modules has their
    /// lines as well, and CR LF.
    pub fn to_bytes(&self) -> Vec<u8> {
        if let Some(modules) = &self.syntax.modules {
            let file = self.frame.write(self.syntax, modules, &self.parameters);
            return file.into_bytes();
        }
        let mut out = String::new();
        if !self.syntax.magic_line.is_empty() {
            out.push_str(self.syntax.magic_line);
            out.push('\n');
        }
        for Parameter { name, value, .. } in &self.parameters {
            let written = match value.is_empty() {
                true => self.syntax.written.trim_end(),
                false => self.syntax.written,
            };
            for part in [name, written, value, "\n"] {
                out.push_str(part);
            }
        }
        out.into_bytes()
    }
}

/// Places are no part of what a file says.
impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        let mine = self.parameters.iter().map(|own| (&own.name, &own.value));
        let its = other.parameters.iter().map(|own| (&own.name, &own.value));
        self.syntax == other.syntax && self.frame == other.frame && mine.eq(its)
    }
}

impl Eq for Document {}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("lines::Document")
            .field("parameters", &self.parameters.len())
            .finish_non_exhaustive()
    }
}

/// Reads what can be read, and says everything that is wrong.
pub(super) fn read(
    family: Family,
    syntax: &'static LineSyntax,
    bytes: &[u8],
    findings: &mut Findings,
) -> Document {
    let mut document = Document::new(syntax);
    let Some(text) = source::decode(family, bytes, findings) else {
        return document;
    };
    source::control_characters(&text, findings);
    check_magic(syntax, &text, findings);
    let mut modules = Reader::new(syntax);
    let mut last = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if findings.is_hopeless() {
            break;
        }
        last = number;
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let before = document.parameters.len();
        if let Some(modules) = &mut modules
            && modules.takes(number, line, before, findings)
        {
            continue;
        }
        if let Some(parameter) = read_line(syntax, number, line, findings) {
            let parameter = match &modules {
                Some(modules) => modules.place(parameter, findings),
                None => parameter,
            };
            document.parameters.push(parameter);
        }
    }
    if let Some(modules) = modules {
        document.frame = modules.finish(last, findings);
    }
    document
}

fn check_magic(syntax: &LineSyntax, text: &str, findings: &mut Findings) {
    let magic = syntax.magic_line;
    let first = text.lines().next().unwrap_or_default();
    let good = match syntax.modules {
        // A version follows.
        Some(_) => first.starts_with(magic),
        None => first == magic,
    };
    if magic.is_empty() || good {
        return;
    }
    findings.push(Finding::error(
        codes::MAGIC_LINE,
        Place::new(1, 1),
        "the first line is not the magic line",
        message![
            "Begin the file with `",
            magic,
            "`; without it a phone drops the whole file."
        ],
    ));
}

/// One line that is neither empty nor a comment.
fn read_line(
    syntax: &LineSyntax,
    number: u32,
    line: &str,
    findings: &mut Findings,
) -> Option<Parameter> {
    let start = Place::new(number, 1);
    let Some((before, after)) = split(line, syntax.separator) else {
        findings.push(Finding::error(
            codes::NOT_A_PARAMETER,
            start,
            "the line is neither a parameter nor a comment nor empty",
            message![
                "Write name",
                syntax.written,
                "value or begin the line with `#`."
            ],
        ));
        return None;
    };
    let name = before.trim();
    check_name(syntax, name, start, findings);
    let value = after.trim();
    let blanks = after.chars().count() - after.trim_start().chars().count();
    let at = start.right(before.chars().count() + 1 + blanks);
    source::check_value(Format::Lines, name, value, at, findings);
    if let Some(place) = value.find(syntax.refused) {
        let place = value.get(..place).unwrap_or_default().chars().count();
        findings.push(Finding::error(
            codes::VALUE_CHARACTER,
            at.right(place),
            message![
                "the value of ",
                shown(name),
                " has a character that this format has no way to write"
            ],
            syntax.refused_help,
        ));
    }
    Some(Parameter {
        path: path(syntax, name, value),
        line: number,
        column: at.column,
        ..Parameter::new(name, value)
    })
}

/// The line before and after its first separator. Lines are short, and of a sign of ASCII bytes are looked through at once.
fn split(line: &str, separator: char) -> Option<(&str, &str)> {
    if !separator.is_ascii() {
        return line.split_once(separator);
    }
    let at = line
        .bytes()
        .position(|byte| char::from(byte) == separator)?;
    Some((line.get(..at)?, line.get(at + 1..)?))
}

/// What tells a parameter from others of the file: of one that may be repeated its value, too.
fn path(syntax: &LineSyntax, name: &str, value: &str) -> String {
    match syntax.repeatable.contains(&name) {
        true => format!("{name} {value}"),
        false => name.to_owned(),
    }
}

fn check_name(syntax: &LineSyntax, name: &str, at: Place, findings: &mut Findings) {
    if !is_name(syntax, name) {
        findings.push(Finding::error(
            codes::NAME_INVALID,
            at,
            "the name of a parameter is empty or has a character that names do not have",
            "Look the name up in the guide of the model; a comment begins with `#`.",
        ));
    } else if name.len() > MAX_NAME {
        findings.push(Finding::error(
            codes::NAME_TOO_LONG,
            at,
            message![
                "a name of ",
                name.len(),
                " bytes, of ",
                MAX_NAME,
                " allowed"
            ],
            "Look the name up in the guide of the model.",
        ));
    }
}

fn is_name(syntax: &LineSyntax, name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || syntax.name_characters.contains(&it))
}
