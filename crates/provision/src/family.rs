//! The families of phones and the rules each has for its files.

use serde::{Deserialize, Serialize};

/// The syntax of a family's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `NAME="value"` lines.
    Text,
    /// `<PANASIPPhoneConfig>`.
    Xml,
}
