//! Queries that many operations take, and none at all.

use serde::Deserialize;

/// No query, or no body.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Nothing {}

/// Only whether secrets are to be shown.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RevealQuery {
    /// Shows secrets, to a token that may see them.
    pub reveal: bool,
}
