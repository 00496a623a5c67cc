//! How many devices there are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whether the devices are to be counted in any case.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CountQuery {
    /// Counts again, though a tenant with more than 10,000 devices was counted a moment ago.
    pub again: bool,
}

/// How many devices a tenant has, by what the devices are.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceCounts {
    /// The time at which the devices were counted, in Unix milliseconds: now, or a while ago where the tenant has more than 10,000 devices.
    pub counted_at: u64,
    /// All devices of the tenant.
    pub all: Counts,
    /// The devices by the state of their key; a state that no device has is left out.
    pub by_state: BTreeMap<String, Counts>,
    /// The devices by the vendor of their family.
    pub by_vendor: BTreeMap<String, Counts>,
    /// The devices by the family of their model.
    pub by_family: BTreeMap<String, Counts>,
    /// The devices by their model.
    pub by_model: BTreeMap<String, Counts>,
    /// The devices by their site, in the order of the sites' names; those at no site are the last.
    pub by_site: Vec<SiteCounts>,
}

/// How many of some devices there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Counts {
    /// How many devices the tenant has.
    pub devices: u64,
    /// Number of devices that are out of service.
    pub disabled: u64,
    /// Number of devices that took their standard file and lack the last version of it.
    pub stale: u64,
    /// Number of devices whose last request was refused, or for a file that is broken.
    pub failing: u64,
    /// Number of devices that never asked for anything.
    pub never_seen: u64,
    /// Number of devices that got a file in the last 24 hours.
    pub seen_24h: u64,
    /// Number of devices that got a file once, and none in the last 7 days.
    pub silent_7d: u64,
    /// Number of devices whose bootstrap was taken from none of the tenant's `expected_networks`.
    pub unexpected_network: u64,
}

/// The devices of a site.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SiteCounts {
    /// Id of the site; null for the devices at none.
    pub site: Option<String>,
    /// The name of the site.
    pub name: Option<String>,
    #[serde(flatten)]
    pub counts: Counts,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.devices += other.devices;
        self.disabled += other.disabled;
        self.stale += other.stale;
        self.failing += other.failing;
        self.never_seen += other.never_seen;
        self.seen_24h += other.seen_24h;
        self.silent_7d += other.silent_7d;
        self.unexpected_network += other.unexpected_network;
    }
}

/// How many devices all tenants have together, when they were last counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AllCounts {
    /// The time at which the devices were counted, in Unix milliseconds; null before the first count. The cron event
    /// counts the devices, the more seldom the more there are: 100,000 devices every 72 minutes.
    pub counted_at: Option<u64>,
    /// How many devices all tenants have.
    pub devices: u64,
    /// The devices by the state of their keys.
    pub by_state: BTreeMap<String, u64>,
    /// Number of devices that are out of service.
    pub disabled: u64,
    /// Number of devices that took their standard file and lack the last version of it.
    pub stale: u64,
    /// Number of devices whose last request was refused, or for a file that is broken.
    pub failing: u64,
    /// Number of devices that never asked for anything.
    pub never_seen: u64,
    /// Number of devices that took their bootstrap and did not come back within an hour.
    pub never_came_back: u64,
    /// Number of devices whose bootstrap was taken from none of their tenant's `expected_networks`.
    pub unexpected_network: u64,
}
