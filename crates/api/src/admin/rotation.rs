//! What is left to wrap under the current master key.

use serde::{Deserialize, Serialize};

/// How much a step does.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StepInput {
    /// How many values; 1 to 90, by default 50.
    pub limit: Option<u32>,
}

/// How far a rotation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RotationView {
    /// Id of the master key that wraps.
    pub current: String,
    /// Id of the master key before the current one, if the deployment still has it.
    pub previous: Option<String>,
    /// Number of values under the previous key: to be wrapped again, or, in KV, to be removed. The
    /// end of the audit chain, which that key seals, is one. The answer to a step leaves out those
    /// that `failed`, which would stay for ever.
    pub remaining: u64,
    /// Whether there may be more values under the previous key or under neither: of each kind of
    /// value some 10,000 are counted at most.
    pub is_at_least: bool,
    /// How many of the remaining values are files in KV. A step counts the files once nothing else
    /// remains.
    pub files: u64,
    /// Number of values under neither key. Such a value cannot be read until its master key is back
    /// as the previous one.
    pub unreadable: u64,
    /// How many values this step wrapped again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrapped: Option<usize>,
    /// Values of this step that do not open although their master key is there, by their place:
    /// they were changed or moved in the database.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub failed: Vec<String>,
}
