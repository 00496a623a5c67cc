//! How far the database has come: the number that only grows, and the steps it counts.

use serde::{Deserialize, Serialize};

/// Where the database stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How many steps there were.
    pub number: u64,
    /// Of the last step. Two histories of the same length do not share it.
    pub mark: String,
    /// Of the step before.
    pub previous: String,
    /// How often a restored database was taken into use.
    pub era: u64,
}

/// A step, as it is reported to the witness: what an operator needs to know of it should it be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Where the database stood after it.
    pub standing: Standing,
    /// As in the audit log, or `device.claim`.
    pub action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// As in the audit log.
    pub object: String,
    /// Id of the token that did it; empty for a phone.
    pub token: String,
    /// Of the key that was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Unix milliseconds.
    pub at: u64,
}
