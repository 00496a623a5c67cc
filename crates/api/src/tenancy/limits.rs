//! What a tenant uses and may use.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A quota of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotaView {
    /// What the tenant uses now.
    pub used: u64,
    /// The most that the tenant may use.
    pub limit: u64,
}

/// The quotas of a tenant.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LimitsView {
    /// What is used and what may be used, by the name of the quota.
    pub quotas: BTreeMap<&'static str, QuotaView>,
    /// Limits that are not the defaults, as `PUT` takes them.
    pub limits: Limits,
}

/// The limits of a tenant that are not the defaults. A member that the Worker does not know is passed over: a
/// newer version may have stored the member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// How many devices; null is 100,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<u64>,
    /// How many sites; null is 5,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<u64>,
    /// How many models; null is 1,000, which is also the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<u64>,
    /// How many API tokens are bound to the tenant; null is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Bytes of names and values of settings as they are stored; null is 64 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_bytes: Option<u64>,
    /// Bytes of templates; null is 8 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_bytes: Option<u64>,
    /// Bytes of the tenant's entries in the audit log, beyond which its own tokens change nothing until
    /// the log is cut; null is 128 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_bytes: Option<u64>,
}
