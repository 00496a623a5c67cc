//! Tenants.

use serde::{Deserialize, Serialize};

use crate::check::Checked;
use crate::tenancy::names::StandsBack;
use crate::tenancy::options::TenantOptions;

/// What an operator decides about a tenant.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantInput {
    /// A name for people, which no other tenant has; 1 to 100 characters. A change of the name
    /// takes a token for all tenants, because whether a name is taken is about other tenants.
    pub name: String,
    /// The hostname at which alone the tenant's access paths answer; left out, they answer
    /// everywhere.
    #[serde(default)]
    pub hostname: Option<String>,
    /// The options of the tenant; what is left out has its default.
    #[serde(default)]
    pub options: TenantOptions,
}

/// A tenant. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TenantView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The name that people know the tenant by.
    pub name: String,
    /// The hostname at which alone the tenant's access paths answer; null is any.
    pub hostname: Option<String>,
    /// The options, each with its default where nothing was given.
    pub options: TenantOptions,
    /// Number of changes above the devices: of options, settings, templates and models.
    pub settings_version: u64,
    /// The number of changes of the tenant, which is also the ETag of the tenant.
    pub revision: u64,
    /// The time at which the tenant was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last change of the tenant, in Unix milliseconds.
    pub updated_at: u64,
    /// What was rendered to see that a change of options breaks no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// The names of families that a name of the tenant takes the place of; only in the answer to a
    /// change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub stands_back: Vec<StandsBack>,
}
