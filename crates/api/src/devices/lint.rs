//! Files that are checked.

use ringfence_provision::family::Family;
use ringfence_provision::format::{Finding, RenderedFinding};
use ringfence_provision::kind::FileKind;
use ringfence_provision::unused::Unused;
use serde::{Deserialize, Serialize};

/// A text to check.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LintInput {
    /// The family whose rules the text is held to.
    pub family: Family,
    /// The kind of file that the text is.
    pub kind: FileKind,
    /// The text of the file that is checked.
    pub text: String,
}

/// What lint says of a text.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LintView {
    /// Whether the text may be served: no finding is an error.
    pub ok: bool,
    /// What is wrong with the file, each with its place and what to do.
    pub findings: Vec<Finding>,
}

/// What lint says of one of a device's files.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileLintView {
    /// The kind of the file that was checked.
    pub kind: FileKind,
    /// Whether the file may be served.
    pub ok: bool,
    /// Why the file cannot be rendered, where it cannot.
    pub error: Option<String>,
    /// What is wrong with the file, each with its place and what to do.
    pub findings: Vec<RenderedFinding>,
}

/// What lint says of all of a device's files.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LintPage {
    /// The items of this page, in the order of the list.
    pub items: Vec<FileLintView>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
    /// Settings of any layer that reach none of the device's files; at most the first 100. Empty
    /// where a file cannot be made.
    pub unused: Vec<Unused>,
}
