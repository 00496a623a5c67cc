//! What lint has to say about a file.
//!
//! A message names parameters, tags and places, never a value. But what a reader takes for a name
//! may be a value, where a quote or an `=` is missing: so findings about what somebody wrote himself
//! are for him alone, and those about a file that was made from settings are a type of their own,
//! [`RenderedFinding`](super::RenderedFinding).

use serde::Serialize;

use super::message::{Message, message};

/// How many findings one file yields at most; a file with more is rubbish, and reading it on would
/// only cost time.
const MAX_FINDINGS: usize = 100;

/// Whether a file may be served in spite of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Severity {
    /// A phone may do something else than was meant, or the canonical writer mends it.
    Warning,
    /// A phone drops the file or the parameter, or obeys something else than was written: the file
    /// must not be served.
    Error,
}

/// One thing that is wrong with a file, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The kind of the finding, as a word for programs; never renamed.
    pub code: &'static str,
    /// An error forbids serving the file.
    pub severity: Severity,
    /// Line, counted from 1; 0 where the finding is about the file as a whole.
    pub line: u32,
    /// Column in characters, counted from 1; 0 where the finding is about the file as a whole.
    pub column: u32,
    /// What is wrong, for people.
    pub message: String,
    /// What to do about the finding.
    pub help: String,
    /// `message` and `help` without pieces of the file, where one of them has some.
    #[serde(skip)]
    bare: Option<Box<(String, String)>>,
}

impl Finding {
    pub(crate) fn error(
        code: &'static str,
        at: Place,
        message: impl Into<Message>,
        help: impl Into<Message>,
    ) -> Self {
        let (message, help) = (message.into(), help.into());
        Self {
            code,
            severity: Severity::Error,
            line: at.line,
            column: at.column,
            bare: (message.quotes() || help.quotes())
                .then(|| Box::new((message.bare(), help.bare()))),
            message: message.whole(),
            help: help.whole(),
        }
    }

    pub(crate) fn warning(
        code: &'static str,
        at: Place,
        message: impl Into<Message>,
        help: impl Into<Message>,
    ) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, at, message, help)
        }
    }
}

impl Finding {
    /// Whether parts of it are pieces of the file.
    pub(super) fn quotes(&self) -> bool {
        self.bare.is_some()
    }

    /// Message and help without pieces of the file.
    pub(super) fn bare(self) -> (String, String) {
        self.bare.map_or((self.message, self.help), |bare| *bare)
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}: ", self.line, self.column)?;
        write!(f, "{severity}[{}]: {}", self.code, self.message)
    }
}

/// Whether any of the findings forbids serving the file.
pub fn has_errors(findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

/// A line and a column, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    /// The file as a whole.
    pub(crate) const FILE: Self = Self { line: 0, column: 0 };

    pub(crate) fn new(line: u32, column: u32) -> Self {
        Self { line, column }
    }

    /// The place that is `characters` further on the same line.
    pub(crate) fn right(self, characters: usize) -> Self {
        let characters = u32::try_from(characters).unwrap_or(u32::MAX);
        Self {
            line: self.line,
            column: self.column.saturating_add(characters),
        }
    }
}

/// Collects findings up to [`MAX_FINDINGS`]; an error takes the place of a warning rather than be dropped.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    kept: Vec<Finding>,
    errors: usize,
    dropped: bool,
}

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        let is_error = finding.severity == Severity::Error;
        self.errors += usize::from(is_error);
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(finding);
            return;
        }
        self.dropped = true;
        let is_warning = |kept: &Finding| kept.severity == Severity::Warning;
        if is_error && let Some(warning) = self.kept.iter().rposition(is_warning) {
            self.kept.remove(warning);
            self.kept.push(finding);
        }
    }

    /// Whether a reader need not go on, since [`MAX_FINDINGS`] errors were found. Warnings never stop
    /// a reader: what they are about is served, and must have been read to its end.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.errors >= MAX_FINDINGS
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// The findings in the order of the file.
    pub(crate) fn into_vec(mut self) -> Vec<Finding> {
        self.kept
            .sort_by_key(|finding| (finding.line, finding.column));
        if self.dropped || self.is_hopeless() {
            self.kept.push(Finding::warning(
                codes::TOO_MANY_FINDINGS,
                Place::FILE,
                message!["only ", MAX_FINDINGS, " findings are listed"],
                "Mend these and look again.",
            ));
        }
        self.kept
    }
}

/// The codes of findings. A code keeps its meaning for ever; programs may depend on it.
pub mod codes {
    /// More findings than are listed.
    pub const TOO_MANY_FINDINGS: &str = "too-many-findings";
    /// The family's phones never ask for this kind of file.
    pub const KIND_NOT_OF_FAMILY: &str = "kind-not-of-family";
    /// No parameter of the family is known for a setting of the vocabulary.
    pub const SETTING_NOT_OF_FAMILY: &str = "setting-not-of-family";
    /// A line that has a user, although the model has fewer lines.
    pub const LINE_BEYOND_MODEL: &str = "line-beyond-model";
    /// A character that the format has no way to write stands in a value.
    pub const VALUE_CHARACTER: &str = "value-character";
    /// One file is larger than all files of a device may be together.
    pub const FILE_TOO_LARGE: &str = "file-too-large";
    /// All files of a device together are too large.
    pub const TOTAL_TOO_LARGE: &str = "total-too-large";
    /// Bytes that are not UTF-8.
    pub const NOT_UTF8: &str = "not-utf8";
    /// A byte order mark, which hides the first line from the phone.
    pub const BYTE_ORDER_MARK: &str = "byte-order-mark";
    /// A control character, such as NUL or a tab in a value.
    pub const CONTROL_CHARACTER: &str = "control-character";

    /// The first line is not the one that the family demands.
    pub const MAGIC_LINE: &str = "magic-line";
    /// Lines that do not end in CRLF.
    pub const LINE_END: &str = "line-end";
    /// The file does not end with an empty line.
    pub const FINAL_EMPTY_LINE: &str = "final-empty-line";
    /// A line longer than a phone reads; it loses it silently.
    pub const LINE_TOO_LONG: &str = "line-too-long";
    /// A line that is no parameter, comment or empty line.
    pub const NOT_A_PARAMETER: &str = "not-a-parameter";
    /// Blanks before a name.
    pub const INDENTED: &str = "indented";
    /// Blanks beside `=`.
    pub const SPACE_AROUND_EQUALS: &str = "space-around-equals";
    /// A name with characters that no parameter has, or none at all.
    pub const NAME_INVALID: &str = "name-invalid";
    /// A name in small letters.
    pub const NAME_CASE: &str = "name-case";
    /// A parameter whose name is not as the family calls its own.
    pub const NAME_NOT_OF_FAMILY: &str = "name-not-of-family";
    /// A module of lines that these phones do not know.
    pub const MODULE_UNKNOWN: &str = "module-unknown";
    /// A line that ends the file is missing, or is not the last.
    pub const LAST_LINE: &str = "last-line";
    /// A parameter that a phone passes over, since another one that it needs is not there.
    pub const PARAMETER_IGNORED: &str = "parameter-ignored";
    /// A name longer than 32 characters.
    pub const NAME_TOO_LONG: &str = "name-too-long";
    /// A value without straight double quotes.
    pub const VALUE_UNQUOTED: &str = "value-unquoted";
    /// A quote as word processors write it.
    pub const TYPOGRAPHIC_QUOTE: &str = "typographic-quote";
    /// A value whose quote is never closed.
    pub const QUOTE_NOT_CLOSED: &str = "quote-not-closed";
    /// A straight double quote within a value.
    pub const QUOTE_IN_VALUE: &str = "quote-in-value";
    /// Something behind the closing quote.
    pub const TEXT_AFTER_VALUE: &str = "text-after-value";
    /// A value over more than one line.
    pub const VALUE_OVER_LINES: &str = "value-over-lines";
    /// A value longer than 500 characters.
    pub const VALUE_TOO_LONG: &str = "value-too-long";
    /// Blanks at an end of an XML value.
    pub const VALUE_BLANKS: &str = "value-blanks";
    /// Blanks at an end of a value that the phone drops.
    pub const VALUE_TRIMMED: &str = "value-trimmed";
    /// A value with which a phone does something else than was meant, or never comes back.
    pub const VALUE_MEANING: &str = "value-meaning";
    /// A secret in a file that other devices get, too.
    pub const SECRET_FOR_ALL: &str = "secret-for-all";
    /// The same parameter twice in a file.
    pub const DUPLICATE_PARAMETER: &str = "duplicate-parameter";

    /// A document type declaration.
    pub const XML_DOCTYPE: &str = "xml-doctype";
    /// A bad XML declaration: not first, not 1.0 or not UTF-8.
    pub const XML_DECLARATION: &str = "xml-declaration";
    /// A processing instruction.
    pub const XML_INSTRUCTION: &str = "xml-instruction";
    /// Markup that XML does not know.
    pub const XML_MARKUP: &str = "xml-markup";
    /// An ampersand that begins no reference that XML knows.
    pub const XML_REFERENCE: &str = "xml-reference";
    /// A tag that is not complete: no `>`, no name or not a name.
    pub const XML_BROKEN_TAG: &str = "xml-broken-tag";
    /// A start tag without its end tag.
    pub const XML_UNCLOSED_TAG: &str = "xml-unclosed-tag";
    /// The same end tag twice.
    pub const XML_DOUBLED_END_TAG: &str = "xml-doubled-end-tag";
    /// An end tag that belongs to another start tag.
    pub const XML_MISMATCHED_END_TAG: &str = "xml-mismatched-end-tag";
    /// An end tag without its start tag.
    pub const XML_STRAY_END_TAG: &str = "xml-stray-end-tag";
    /// Attributes that are not written as XML demands.
    pub const XML_ATTRIBUTE: &str = "xml-attribute";
    /// An attribute that means nothing to the phone there.
    pub const XML_UNKNOWN_ATTRIBUTE: &str = "xml-unknown-attribute";
    /// A namespace: in one of them an element is a script to a browser.
    pub const XML_NAMESPACE: &str = "xml-namespace";
    /// A value of `perm` that the guide does not know.
    pub const XML_PERM: &str = "xml-perm";
    /// A value of `access` that the guide does not know.
    pub const XML_ACCESS: &str = "xml-access";
    /// `<Line>` without a good `idx`.
    pub const XML_LINE_INDEX: &str = "xml-line-index";
    /// Elements nested too deep.
    pub const XML_DEPTH: &str = "xml-depth";
    /// The outermost element is another one, or there is none.
    pub const XML_ROOT: &str = "xml-root";
    /// Something behind the outermost element.
    pub const XML_AFTER_ROOT: &str = "xml-after-root";
    /// Text where only elements may be.
    pub const XML_STRAY_TEXT: &str = "xml-stray-text";
    /// A value in an element whose name is none of a parameter.
    pub const XML_LEAF_NAME: &str = "xml-leaf-name";
    /// A parameter outside of its section.
    pub const XML_SECTION: &str = "xml-section";

    /// A URL whose scheme is followed by one slash or none.
    pub const URL_SLASHES: &str = "url-slashes";
    /// A URL without a scheme that phones know.
    pub const URL_SCHEME: &str = "url-scheme";
    /// A URL without a host.
    pub const URL_HOST: &str = "url-host";
    /// A blank or an angle bracket in a URL.
    pub const URL_CHARACTER: &str = "url-character";
    /// A URL longer than 384 characters.
    pub const URL_TOO_LONG: &str = "url-too-long";
    /// Braces in a URL that make no macro.
    pub const MACRO_BROKEN: &str = "macro-broken";
    /// A macro that phones send literally.
    pub const MACRO_UNKNOWN: &str = "macro-unknown";
    /// A macro in angle brackets.
    pub const MACRO_ANGLE: &str = "macro-angle";
    /// The event of a NOTIFY as if it were a switch.
    pub const RESYNC_NOT_AN_EVENT: &str = "resync-not-an-event";
    /// An initial file that does not name the standard file.
    pub const INITIAL_WITHOUT_STANDARD: &str = "initial-without-standard";
    /// A file key in a file that an operator wrote.
    pub const KEY_IN_FILE: &str = "key-in-file";
    /// A key cannot be put into this file.
    pub const KEY_NOT_INSERTED: &str = "key-not-inserted";
    /// A parameter after which a phone takes no bootstrap any more, whatever is served.
    pub const IRREVERSIBLE: &str = "irreversible";
    /// A value that phones do not take for the parameter.
    pub const VALUE_NOT_TAKEN: &str = "value-not-taken";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_takes_the_place_of_a_warning() {
        let mut findings = Findings::default();
        for line in 0..200 {
            findings.push(Finding::warning("a", Place::new(200 - line, 1), "", ""));
        }
        assert!(!findings.has_errors() && !findings.is_hopeless());
        findings.push(Finding::error("b", Place::new(1000, 1), "", ""));
        assert!(findings.has_errors() && !findings.is_hopeless());

        let mut findings = findings.into_vec();
        assert_eq!(findings.len(), MAX_FINDINGS + 1);
        assert_eq!(
            findings.pop().map(|last| last.code),
            Some("too-many-findings")
        );
        assert_eq!(findings.last().map(|last| last.code), Some("b"));
        assert!(findings.is_sorted_by_key(|finding| finding.line));
    }

    #[test]
    fn a_reader_stops_at_errors_only() {
        let mut findings = Findings::default();
        for _ in 0..MAX_FINDINGS {
            assert!(!findings.is_hopeless());
            findings.push(Finding::error("b", Place::FILE, "", ""));
        }
        assert!(findings.is_hopeless());
    }
}
