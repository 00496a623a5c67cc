//! The files themselves: reading them strictly, writing them canonically, and saying what is wrong
//! with them.
//!
//! A phone that gets a bad file drops it whole or, worse, in part; so nothing is served that has
//! not been through [`Document::parse`] and is not what [`Document::to_bytes`] wrote. One reader
//! serves [`Document::parse`] and [`lint()`]: a file that parses has no error in its lint that is a
//! matter of syntax, and the other way round.
//!
//! - What the writer mends without guessing (line ends, the final empty line, indentation) is a
//!   *warning* in what an operator wrote. Everything else that a phone could read differently is
//!   an *error* and is never mended.
//! - The canonical form has no comments: they are the operator's, not the phone's.
//! - Values may be secrets. `Debug` of every type here leaves them out, and so do findings.

mod escape;
mod finding;
mod key;
#[cfg(test)]
mod linear;
pub mod lines;
mod lint;
mod message;
mod modules;
mod rendered;
mod source;
pub mod text;
mod url;
pub mod xml;

pub use escape::{EscapeError, MAX_VALUE, escape};
pub use finding::{Finding, Severity, codes, has_errors};
pub use key::{insert_key, key_carrier};
pub use lint::{Examined, lint, lint_bootstrap, lint_sizes};
pub use rendered::{Confidence, RenderedFinding, beyond_model, judge};

pub(crate) use finding::{Findings, Place};
pub(crate) use message::{Message, MessagePart, message, shown};
pub(crate) use source::with_lf;

use std::borrow::Cow;

use crate::family::{Family, Format, Syntax};

/// A file in either format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// `NAME="value"` lines.
    Text(text::Document),
    /// Lines of a name and a value, without quotes.
    Lines(lines::Document),
    /// Elements below the one that the family's files have outermost.
    Xml(xml::Document),
}

/// One parameter of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Names the parameter within its file: in a text file its name, in an XML file of elements those
    /// below the root, as `Device/Lines/Line[1]/Sip/NAME`.
    pub path: String,
    /// Its own name.
    pub name: String,
    /// Its value, unescaped. May be a secret.
    pub value: String,
    /// The line that it is on, counted from 1; 0 where it was not read from a file.
    pub line: u32,
    /// The column, in characters counted from 1, where its value begins.
    pub column: u32,
}

impl Parameter {
    /// One that was not read from a file, at the top of it.
    fn new(name: &str, value: &str) -> Self {
        Self {
            path: name.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
            line: 0,
            column: 0,
        }
    }

    /// Its text without double quotes, where it has these around it.
    fn unquote(&mut self) {
        let bare = self
            .value
            .strip_prefix('"')
            .and_then(|it| it.strip_suffix('"'));
        if let Some(bare) = bare.map(str::to_owned) {
            self.value = bare;
        }
    }
}

impl Document {
    /// Reads a file of the family's format.
    ///
    /// # Errors
    /// Every finding of the reader, when at least one of them is an error. Nothing is repaired.
    pub fn parse(family: Family, bytes: &[u8]) -> Result<Self, Vec<Finding>> {
        let (document, mut findings) = Self::scan(family, bytes);
        source::check_duplicates(family, &document.in_place(), &mut findings);
        if findings.has_errors() {
            return Err(findings.into_vec());
        }
        Ok(document)
    }

    /// The file as it is served.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(document) => document.to_bytes(),
            Self::Lines(document) => document.to_bytes(),
            Self::Xml(document) => document.to_bytes(),
        }
    }

    /// Every parameter, in the order of the file.
    pub fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::Text(document) => document.parameters(),
            Self::Lines(document) => document.parameters(),
            Self::Xml(document) => document.parameters(),
        }
    }

    /// The syntax that it is written in.
    pub fn format(&self) -> Format {
        match self {
            Self::Text(_) => Format::Text,
            Self::Lines(_) => Format::Lines,
            Self::Xml(_) => Format::Xml,
        }
    }

    /// The same, borrowed where the file is a list of them.
    pub(crate) fn in_place(&self) -> Cow<'_, [Parameter]> {
        match self {
            Self::Text(document) => Cow::Borrowed(document.in_place()),
            Self::Lines(document) => Cow::Borrowed(document.in_place()),
            Self::Xml(document) => Cow::Owned(document.parameters()),
        }
    }

    /// What can be made out of the file, and everything that is wrong with its syntax but for parameters that it sets twice.
    fn scan(family: Family, bytes: &[u8]) -> (Self, Findings) {
        let mut findings = Findings::default();
        let document = match &family.spec().syntax {
            Syntax::Text { .. } => Self::Text(text::read(family, bytes, &mut findings)),
            Syntax::Lines(syntax) => Self::Lines(lines::read(family, syntax, bytes, &mut findings)),
            Syntax::Xml(syntax) => Self::Xml(xml::read(family, syntax, bytes, &mut findings)),
        };
        (document, findings)
    }
}

impl std::fmt::Debug for Parameter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parameter")
            .field("path", &self.path)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
