//! Templates of files.

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use serde::{Deserialize, Serialize};

use crate::check::Checked;

/// A template, as an operator writes it.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TemplateInput {
    /// The text, for minijinja.
    pub source: String,
}

/// A template. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TemplateView {
    /// The kind of the file that the template makes.
    pub kind: FileKind,
    /// The family of phones that the template is for.
    pub family: Family,
    /// The name of the model that the template is for; null is every model of the family.
    pub model: Option<String>,
    /// The text of the template, in Jinja's syntax.
    pub source: String,
    /// Whether the template is the one that comes with Ringfence, because nobody wrote another.
    pub builtin: bool,
    /// Number of changes of the template; 0 while the template is the built-in one.
    pub revision: u64,
    /// The time at which the template was made, in Unix milliseconds.
    pub created_at: Option<u64>,
    /// The time of the last change of the template, in Unix milliseconds.
    pub updated_at: Option<u64>,
    /// What was rendered to see that a change breaks no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}
