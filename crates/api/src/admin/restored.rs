//! A database that was put back to an earlier point.

use serde::{Deserialize, Serialize};

/// What may stay, although it would be removed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoredInput {
    /// Ids of tokens that are kept although they would be removed.
    pub keep_tokens: Vec<String>,
    /// Ids of access paths that are kept although they would be removed.
    pub keep_access_paths: Vec<String>,
    /// Removes every token and every access path but those that are kept, whatever the witness knows.
    pub remove_all: bool,
}

/// A step of the database that the restore undid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UndoneView {
    /// The time at which the step had been done, in Unix milliseconds.
    pub at: u64,
    /// Id of the tenant, if the step was about one.
    pub tenant: Option<String>,
    /// What had been done, in the word of the audit log; `device.claim` is a phone that took its
    /// bootstrap.
    pub action: String,
    /// What had been changed, as in the audit log.
    pub object: String,
    /// Id of the token that made the change; empty for a phone.
    pub token: String,
}

/// A device, by its tenant and its MAC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceRef {
    /// Id of the tenant.
    pub tenant: String,
    /// The MAC address: twelve upper-case hexadecimal digits.
    pub mac: String,
}

/// Whether the database was put back, and what that brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RestoredView {
    /// Whether the database is behind what was witnessed. Such a database vouches for nothing.
    pub behind: bool,
    /// How many steps (claims and changes) the database has.
    pub stands_at: u64,
    /// How many steps were witnessed; absent before the first one.
    pub witnessed: Option<u64>,
    /// Whether every undone step is known. If not, all tokens and access paths are removed but those
    /// that are kept by name: nobody can tell which of them had been removed.
    pub complete: bool,
    /// How many undone steps are known.
    pub undone: usize,
    /// How many undone steps are known by their number alone: the requests of these steps were cut off before they
    /// were answered, so nobody was told what these steps did.
    pub unknown: u64,
    /// The last 200 of the undone steps that are known, the newest first.
    pub steps: Vec<UndoneView>,
    /// Ids of tokens that had been removed and are there again.
    pub tokens: Vec<String>,
    /// Ids of access paths that are there again, or whose expiry may have been brought forward.
    pub access_paths: Vec<String>,
    /// Ids of relays that had been removed and are there again.
    pub relays: Vec<String>,
    /// Ids of tenants whose phones had been told to move to another access path than the database
    /// says, or to none. None of these tenants has a target any more.
    pub targets: Vec<String>,
    /// Ids of tenants that had been removed and are there again. The tokens and access paths of
    /// these tenants are removed.
    pub tenants: Vec<String>,
    /// Devices that had been removed or taken out of service. Each of them is disabled.
    pub disabled: Vec<DeviceRef>,
    /// Devices to which a phone that asks their former tenant is no longer sent on.
    pub forwards: Vec<DeviceRef>,
    /// Devices that had another key than the database has now. Each of them is to be re-keyed.
    pub rekey: Vec<DeviceRef>,
    /// Values of KV that were published before the restore and are still to be removed: repeat the
    /// call until there are none.
    pub remaining: u64,
}
