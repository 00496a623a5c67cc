//! Sites of a tenant.

use serde::{Deserialize, Serialize};

/// What an operator decides about a site.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SiteInput {
    /// A name for people, which no other site of the tenant has; 1 to 100 characters.
    pub name: String,
}

/// A site. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SiteView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The name that people know it by.
    pub name: String,
    /// The number of its changes, which is also its ETag.
    pub revision: u64,
    /// The time at which it was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of its last change, in Unix milliseconds.
    pub updated_at: u64,
}
