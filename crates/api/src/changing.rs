//! How a change is made, and what one that is only tried would do.

use ringfence_provision::diff::Hunk;
use ringfence_provision::kind::FileKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a change is made.
// Which of these an operation takes, its type of query says; `Changing` reads them for all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(dead_code)]
pub struct ChangeQuery {
    /// Writes nothing, and answers what the change would do: how many devices would get other files, how many
    /// files would break, and with `device` the lines that would differ. Names that are
    /// taken and quotas that are full are refused only by the change itself.
    pub dry_run: bool,
    /// The MAC of a device of which each file's differing lines are shown; only with `dry_run`.
    pub device: Option<String>,
    /// What people are told about the change, in the history and in the audit log; one line of at most 200 characters.
    pub comment: Option<String>,
}

/// How a change is made of something that no file is made from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(dead_code)]
pub struct TrialQuery {
    /// Writes nothing, and answers what the change would do. Names that are taken and quotas that are full are refused
    /// only by the change itself.
    pub dry_run: bool,
    /// What people are told about the change, in the audit log; one line of at most 200 characters.
    pub comment: Option<String>,
}

/// What a change would do that was only tried. Nothing was written.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DryRun {
    /// Number of devices that the change concerns.
    pub affected: u64,
    /// Number of devices whose files were rendered, as they are and as they would be.
    pub compared: u64,
    /// Number of devices whose files would not be the same.
    pub changed: u64,
    /// Number of devices of which a file could not be served.
    pub broken: u64,
    /// What was rendered, as in the answer to the change itself; null where no file depends on it.
    pub checked: Option<Value>,
    /// Files that could not be served, each with its findings; at most the first 20.
    pub files: Vec<Value>,
    /// Tests of files that the change would break; at most the first 20.
    pub tests: Vec<Value>,
    /// The files of the device that was asked for; null where none was.
    pub diff: Option<Vec<FileDiff>>,
    /// What the change would do besides, in numbers and in sentences; empty where it changes files alone.
    pub effects: Vec<Effect>,
}

/// Something that a change would do besides what it does to the contents of files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Effect {
    /// What the effect is about.
    pub about: About,
    /// How many things the effect concerns; null where the effect has no number.
    pub number: Option<u64>,
    /// The effect in a sentence.
    pub text: String,
}

/// What an effect is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum About {
    /// The key of a device.
    Key,
    /// The one plaintext file that has the key in it.
    PlaintextFile,
    /// The files that are sealed under the key.
    SealedFiles,
    /// Whether a phone gets files at all.
    Service,
    /// Phones that ask under an access path.
    Access,
    /// Phones that can be notified.
    Reach,
    /// The NOTIFY jobs that would be made or left.
    Jobs,
    /// The tests of files.
    Tests,
    /// What a tenant uses and may use.
    Quota,
    /// Something that would be added.
    Added,
    /// Something that would be replaced.
    Replaced,
    /// Something that would be removed.
    Removed,
    /// The absence of any change.
    Nothing,
}

impl Effect {
    /// An effect that is a number of something.
    pub fn counted(about: About, number: u64, text: impl Into<String>) -> Self {
        Self {
            about,
            number: Some(number),
            text: text.into(),
        }
    }

    /// An effect that is no number.
    pub fn said(about: About, text: impl Into<String>) -> Self {
        Self {
            about,
            number: None,
            text: text.into(),
        }
    }
}

impl DryRun {
    /// A trial of a change that no file is made from.
    pub fn of(effects: Vec<Effect>) -> Self {
        Self {
            effects,
            ..Self::default()
        }
    }
}

/// How a file of a device differs.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileDiff {
    /// The kind of the file.
    pub kind: FileKind,
    /// Whether the phone would read anything else, secrets included.
    pub changed: bool,
    /// Why the file cannot be made as it is now, where it cannot; its lines count as none.
    pub from_error: Option<String>,
    /// Why the file cannot be made as it would be, where it cannot; its lines count as none.
    pub to_error: Option<String>,
    /// The lines that differ and those around them, with secrets masked.
    pub hunks: Vec<Hunk>,
}
