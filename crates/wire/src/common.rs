//! What both sides say.

use serde::{Deserialize, Serialize};

/// A job under one lease: what every word about a job names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobRef {
    /// The job's id, a ULID.
    pub id: String,
    /// Which lease of the job this is about: 1 for the first time it was given to a relay.
    pub lease: u32,
}

/// `error`: the other side said something that could not be followed. Never answered, so that two
/// sides cannot talk in circles; the connection stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorFrame {
    /// What kind of trouble.
    pub code: ErrorCode,
    /// For a person reading a log. No secrets.
    pub message: String,
}

/// The kinds of `error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// A frame of a type the reader does not know.
    UnknownType,
    /// A frame of another protocol version.
    Version,
    /// Not JSON, or not the fields of its type.
    Malformed,
    /// Longer than [`MAX_FRAME_BYTES`](crate::MAX_FRAME_BYTES).
    TooLarge,
    /// A code of a later version of this enum.
    #[serde(other)]
    Other,
}
