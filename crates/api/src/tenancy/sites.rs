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
    /// The name that people know the site by.
    pub name: String,
    /// The number of changes of the site, which is also the ETag of the site.
    pub revision: u64,
    /// The time at which the site was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last change of the site, in Unix milliseconds.
    pub updated_at: u64,
}
