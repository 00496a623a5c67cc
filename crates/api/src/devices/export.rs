//! The length of a table of devices.

use serde::{Deserialize, Serialize};

/// How long a table is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TableView {
    /// How many devices are in the table.
    pub devices: usize,
    /// `cursor` of the next table; null when this is the last one.
    pub next: Option<String>,
}
