//! The audit log as it is listed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which changes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditQuery {
    /// What was changed, such as `devices/0080F0C571EB`.
    pub object: Option<String>,
    /// What was done, for example `device.update`.
    pub action: Option<String>,
    /// Id of the token that made the change; `admin` for the deployment's own.
    pub token: Option<String>,
    /// The id of a request, or of an operation for all that it changed.
    pub request_id: Option<String>,
    /// Only entries at or after this time in Unix milliseconds.
    pub after: Option<u64>,
    /// Only entries before this time in Unix milliseconds.
    pub before: Option<u64>,
    /// How many items; 1 to 200, by default 50. With several filters a page may be shorter and still not the last:
    /// `next` tells.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A change. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuditView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The time, in Unix milliseconds.
    pub at: u64,
    /// The id of the tenant whose data was changed; null if the change concerns no tenant.
    pub tenant: Option<String>,
    /// Id of the token; `admin` for the deployment's own, `time` for what nobody did.
    pub token: String,
    /// What was done, for example `device.update`.
    pub action: String,
    /// What was changed: a path of the API below its tenant; empty for the tenant itself.
    pub object: String,
    /// What the object had been, without secrets and cut where it was long.
    pub before: Option<Value>,
    /// What the object became, without secrets and cut where it was long.
    pub after: Option<Value>,
    /// Where the change came from.
    pub address: String,
    /// The id of the request, which is also in the log and in the answer.
    pub request_id: String,
}
