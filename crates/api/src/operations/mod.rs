//! Operations: one change of many devices.

pub mod action;

use std::collections::BTreeMap;

use action::Action;
use ringfence_provision::mac::Mac;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A change of many devices.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationInput {
    /// The devices that are changed. The selection is made when the operation starts: a device that
    /// fits later is not in it.
    pub selection: SelectionInput,
    /// What is done to each device.
    pub action: Action,
    /// Whether devices are left alone that an operator changed since the operation started, as with `If-Match`.
    #[serde(default)]
    pub if_unchanged: bool,
}

/// The devices of an operation, by `query` or by `macs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SelectionInput {
    /// What `listDevices` takes as its query, such as `model=KX-UTG300B&never_seen=true`, without `sort`, `limit`
    /// and `cursor`; an empty text is every device of the tenant.
    pub query: Option<String>,
    /// MAC addresses in any notation, 10,000 at most; those that are no devices of the tenant are passed over.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>"))]
    pub macs: Option<Vec<Mac>>,
}

/// Whether to do it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StartQuery {
    /// Only says which devices there are and what would happen; nothing is written.
    pub dry_run: bool,
}

/// What was started, or would be.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Started {
    /// The operation; null after a dry run.
    pub operation: Option<OperationView>,
    /// The number of devices.
    pub devices: u64,
    /// Number of devices by the state of their keys.
    pub by_state: BTreeMap<String, u64>,
    /// MACs of the selection that are no devices of the tenant, the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub missing: Vec<String>,
    /// What happens to each device, for people.
    pub message: String,
    /// What would become of the files of the first devices of the selection; null where the action changes no files, and
    /// where the operation was started.
    pub sample: Option<Sample>,
}

/// What an action would do to the files of some devices. Nothing was written.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sample {
    /// Number of devices that were tried, at most 10.
    pub devices: u64,
    /// Number of devices whose files would not be the same.
    pub changed: u64,
    /// Number of devices that would be refused, most often because a file could not be served.
    pub refused: u64,
    /// Why the first refused device would be refused.
    pub cause: Option<String>,
    /// The MAC of the first device whose files would not be the same.
    pub mac: Option<String>,
    /// The differences of the files of that device, as a dry run of its own shows them; secrets are masked.
    pub diff: Vec<Value>,
}

/// A change of many devices, and how far the change is. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationView {
    /// The id, a ULID: that of the request that started the operation. The audit entries of the operation's changes
    /// have this id as their `request_id`.
    pub id: String,
    /// `running`; and for good `done`, `cancelled`, or `stopped` for a `cause`.
    pub state: String,
    /// Why the operation was stopped: `token_removed`, `token_expired` or `database_restored`.
    pub cause: Option<String>,
    /// What is done to each device; secrets are masked.
    pub action: Value,
    /// The selection as the request that started the operation has it.
    pub selection: Value,
    /// Whether devices are left alone that an operator changed since the operation started.
    pub if_unchanged: bool,
    /// Id of the token that started the operation; `admin` for the deployment's own.
    pub token: String,
    /// How many devices there are, by what became of them.
    pub devices: OutcomeCounts,
    /// Why the operation makes no progress; the Worker tries the step again.
    pub failure: Option<String>,
    /// The time at which the operation was started, in Unix milliseconds.
    pub created_at: u64,
    /// The time at which the operation ended, in Unix milliseconds; null while the operation goes on.
    pub ended_at: Option<u64>,
}

/// The devices of an operation by what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutcomeCounts {
    /// How many devices the operation has.
    pub all: u64,
    /// Number of devices without a final outcome.
    pub pending: u64,
    /// Number of devices that were changed, or whose phones were notified.
    pub done: u64,
    /// Number of devices that were already what they were to become.
    pub unchanged: u64,
    /// Number of devices whose change was refused, each for a cause of its own.
    pub refused: u64,
    /// Number of devices that were left alone because the operation was cancelled or stopped.
    pub cancelled: u64,
}

/// What became of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Outcome {
    /// The turn of the device has not come.
    Waiting,
    /// The device is changed, and the change is being published.
    Applied,
    /// The device is changed, or its phone is notified.
    Done,
    /// The device was already what it was to become.
    Unchanged,
    /// The change of the device was refused.
    Refused,
    /// The device was left alone because the operation was cancelled or stopped.
    Cancelled,
}

impl Outcome {
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Waiting, "waiting"),
        (Self::Applied, "applied"),
        (Self::Done, "done"),
        (Self::Unchanged, "unchanged"),
        (Self::Refused, "refused"),
        (Self::Cancelled, "cancelled"),
    ];

    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(outcome, _)| *outcome == self)
            .map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map_or(Self::Waiting, |(outcome, _)| *outcome)
    }
}

/// A device of an operation.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OperationDevice {
    /// The MAC address: twelve upper-case hexadecimal digits.
    pub mac: String,
    /// Id of the device.
    pub device: String,
    /// What became of the device.
    pub outcome: Outcome,
    /// The kind of problem that refused the device's change, as in the `type` of a problem: `conflict`, `not-found`.
    pub cause: Option<String>,
    /// What the call for this device alone would have said, for people.
    pub detail: Option<String>,
    /// The time of the device's turn, in Unix milliseconds.
    pub at: Option<u64>,
}

/// Which devices of an operation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OutcomeQuery {
    /// Only devices with this outcome.
    pub outcome: Option<Outcome>,
    /// How many items; 1 to 200, by default 50.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}
