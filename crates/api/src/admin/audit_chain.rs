//! The chain over the audit log: its export, its verification and its cuts.

use serde::{Deserialize, Serialize};

/// Which entries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportQuery {
    /// Number of the last entry of the page before; left out, the export begins after the last cut.
    pub after: Option<u64>,
    /// Only entries before this time in Unix milliseconds.
    pub until: Option<u64>,
    /// How many entries; 1 to 500, by default 500.
    pub limit: Option<u32>,
}

/// Where a part begins.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartQuery {
    /// Number of the last entry of the part before; left out, the part begins after the last cut.
    pub after: Option<u64>,
}

/// A part of the audit log that is kept as one file.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PartView {
    /// How many entries the part has, at most 20,000.
    pub entries: u64,
    /// The number of the last entry of the part: `after` of the part that follows; null where none follows.
    pub next: Option<u64>,
}

/// Where to go on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerifyQuery {
    /// `next` of the call before; left out, the check begins after the last cut.
    pub after: Option<u64>,
}

/// What following the chain has shown.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VerifyView {
    /// Whether nothing is wrong as far as was looked.
    pub ok: bool,
    /// What is wrong, if anything is.
    pub fault: Option<String>,
    /// The entry after which the verification began.
    pub from: Link,
    /// The last entry that is as it was.
    pub to: Link,
    /// `after` of the call that goes on; null when the end was reached.
    pub next: Option<u64>,
    /// How many entries are so new that they are in no chain yet.
    pub pending: u64,
    /// What was cut, the newest first, at most 50.
    pub cuts: Vec<CutRow>,
}

/// The last entry of the audit log that is cut.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CutInput {
    /// Number of the last entry to be removed, from the last line of the export.
    pub number: u64,
    /// The hash of that entry, from the same line: who knows the hash has exported the log up to
    /// there.
    pub hash: String,
}

/// How far a chain goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Link {
    /// The number of the entry; 0 is before the first entry.
    pub number: u64,
    /// SHA-256 in hexadecimal digits.
    pub hash: String,
}

/// What stays behind of a period that was cut. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CutRow {
    /// The number of the last entry that was cut.
    pub number: u64,
    /// The hash of the last entry that was cut.
    pub hash: String,
    /// The number of the first entry that was cut.
    pub first_number: u64,
    /// The hash that stood before the first entry that was cut.
    pub first_hash: String,
    /// Number of entries that were cut.
    pub entries: u64,
    /// The time of the first entry that was cut, in Unix milliseconds.
    pub first_at: u64,
    /// The time of the last entry that was cut, in Unix milliseconds.
    pub last_at: u64,
    /// Id of the token that cut the period.
    pub token_id: String,
    /// The time of the cut, in Unix milliseconds.
    pub at: u64,
}

/// A page of the audit log as it is exported: JSON objects, one a line. The first line is what the first entry builds
/// on: `{"chain": {"number": …, "hash": "…"}}`. An entry a line follows, with its number. The last line is where the page
/// ends, in the same form; its `complete` says whether the log ends there, and its `number` is the next page's `after`.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditExport(pub String);

impl From<AuditExport> for String {
    fn from(export: AuditExport) -> Self {
        export.0
    }
}

/// The first and the last line of a page of an export.
// The members are written in the order of their names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChainLine {
    /// How far the chain goes there.
    pub chain: ChainMark,
}

/// How far the chain goes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChainMark {
    /// Whether the log ends there; only in the last line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// SHA-256 in hexadecimal digits.
    pub hash: String,
    /// The number of the entry; 0 is before the first entry.
    pub number: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn chain_line_json_format_unchanged() {
        let line = |complete| ChainLine {
            chain: ChainMark {
                complete,
                hash: "ab".into(),
                number: 7,
            },
        };
        let written = |complete| serde_json::to_string(&line(complete)).unwrap();
        assert_eq!(written(None), r#"{"chain":{"hash":"ab","number":7}}"#);
        assert_eq!(
            written(Some(true)),
            r#"{"chain":{"complete":true,"hash":"ab","number":7}}"#
        );
    }
}
