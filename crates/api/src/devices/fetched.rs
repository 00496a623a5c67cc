//! What a phone last fetched of a file against what it would fetch now.

use serde::Serialize;

use crate::changing::FileDiff;

/// How the file that a phone has fetched is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Source {
    /// The file was made from the history, and is what the edge still keeps of that version.
    Kept,
    /// The file was made from the history of templates, settings and options, with the device's
    /// present model, site and certificates. The edge no longer keeps that version.
    History,
    /// The file that the phone fetched is not known any more.
    Unknown,
}

/// What a phone last fetched against what it would fetch now.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FetchedView {
    /// The version that the phone last fetched of any of its files; null: none.
    pub fetched_version: Option<u64>,
    /// The time of that download, in Unix milliseconds.
    pub fetched_at: Option<u64>,
    /// The version that the phone would get now.
    pub version: u64,
    /// How the file that the phone fetched is known.
    pub source: Source,
    /// Why the file that the phone fetched is not known; null where that file is known.
    pub reason: Option<String>,
    /// How the files differ; null where the file that the phone fetched is not known.
    pub diff: Option<FileDiff>,
}
