//! What an operation takes: queries that many take, and none at all.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A query or a body, as an operation takes it.
#[cfg(not(feature = "schema"))]
pub trait Input: DeserializeOwned {}
#[cfg(not(feature = "schema"))]
impl<T: DeserializeOwned> Input for T {}

/// A query or a body, as an operation takes it and the OpenAPI document describes it.
#[cfg(feature = "schema")]
pub trait Input: DeserializeOwned + schemars::JsonSchema {}
#[cfg(feature = "schema")]
impl<T: DeserializeOwned + schemars::JsonSchema> Input for T {}

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
