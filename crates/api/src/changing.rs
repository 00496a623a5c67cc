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
    /// files would break, and with `device` the lines that would differ.
    pub dry_run: bool,
    /// With `dry_run`: the MAC of a device of which each file's differing lines are shown.
    pub device: Option<String>,
    /// What people are told about the change, in the history and in the audit log; one line of at most 200 characters.
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
    /// Number of these whose files would not be the same.
    pub changed: u64,
    /// Number of these of which a file could not be served.
    pub broken: u64,
    /// What was rendered, as in the answer to the change itself; null where no file depends on it.
    pub checked: Option<Value>,
    /// Files that could not be served, each with its findings; at most the first 20.
    pub files: Vec<Value>,
    /// Tests of files that the change would break; at most the first 20.
    pub tests: Vec<Value>,
    /// The files of the device that was asked for; null where none was.
    pub diff: Option<Vec<FileDiff>>,
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
