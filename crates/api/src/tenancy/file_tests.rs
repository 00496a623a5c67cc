//! Tests of files: what is to be so in them.

use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use serde::{Deserialize, Serialize};

/// A test, as an operator writes it.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileTestInput {
    /// What the test says, for people; unique within the tenant; 1 to 100 characters.
    pub name: String,
    /// The name of the model whose phones the test is about; left out, any.
    #[serde(default)]
    pub model: Option<String>,
    /// The id of the site whose phones the test is about; left out, any. Not of files that phones share.
    #[serde(default)]
    pub site: Option<String>,
    /// The MAC of the phone that the test is about; left out, any. Not of files that phones share.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub device: Option<Mac>,
    /// The kind of file.
    pub file: FileKind,
    /// The parameter: its path, as the effective parameters of a device show it, or its name, which then stands for
    /// every place that has it.
    pub parameter: String,
    /// What is expected of the parameter.
    pub expect: Expect,
    /// The text that the parameter's value is compared with, where `expect` is `equals` or
    /// `contains`. The text is stored and shown in clear: write no secret here.
    #[serde(default)]
    pub value: Option<String>,
}

/// A test. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileTestView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// What the test says, for people.
    pub name: String,
    /// The name of the model whose phones the test is about; null is any.
    pub model: Option<String>,
    /// The id of the site whose phones the test is about; null is any.
    pub site: Option<String>,
    /// The MAC of the phone that the test is about; null is any.
    pub device: Option<String>,
    /// The kind of file.
    pub file: FileKind,
    /// The path or the name of the parameter.
    pub parameter: String,
    /// What is expected of the parameter.
    pub expect: Expect,
    /// What the parameter is compared with; null where that is nothing.
    pub value: Option<String>,
    /// The number of changes of the test, which is also the ETag of the test.
    pub revision: u64,
    /// The time at which the test was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last change of the test, in Unix milliseconds.
    pub updated_at: u64,
}

/// What a test expects of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Expect {
    /// The parameter is there with this value, to the character.
    Equals,
    /// The parameter is there with this text in its value.
    Contains,
    /// The parameter is there, with whatever value.
    Present,
    /// The parameter is not there.
    Absent,
}

impl Expect {
    /// The word in the table and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::Contains => "contains",
            Self::Present => "present",
            Self::Absent => "absent",
        }
    }

    /// Whether it compares with a value.
    pub fn has_value(self) -> bool {
        matches!(self, Self::Equals | Self::Contains)
    }
}
