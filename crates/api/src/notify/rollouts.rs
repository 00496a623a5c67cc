//! Rollouts: NOTIFYs to many devices.

pub use ringfence_queue::rollout::RolloutState;
use ringfence_queue::rollout::{Selection, Stage, Threshold};
use ringfence_queue::window::TimeWindow;
use serde::{Deserialize, Serialize};

/// A rollout to be started. Whatever is left out is the pool's default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutInput {
    /// The devices in service that are notified: a site, a model, a group of MACs, several of them
    /// to narrow each other, or nothing for every device.
    pub selection: Selection,
    /// Text of the Event header; absent is what the settings of each device's own event say, or the event that makes phones of its family fetch.
    pub event: Option<String>,
    /// NOTIFYs a second, 0.001 to 10000.
    pub per_second: Option<f64>,
    /// NOTIFYs a second to one destination network, 0.001 to 10000; 0 is no limit.
    pub network_per_second: Option<f64>,
    /// Each job waits a random time of up to this number of seconds more; at most 86400.
    pub spread_s: u32,
    /// The time of the day in which NOTIFYs go out; null is any time.
    pub window: Option<TimeWindow>,
    /// How far to go before looking back; all comes last by itself.
    pub stages: Vec<Stage>,
    /// What must be true to go on; with stages by default nine of ten within a quarter of an hour.
    pub threshold: Option<Threshold>,
    /// How long each job may try, in seconds.
    pub expiry_s: Option<u32>,
    /// Id of a pool: needed where the selection is reached through several, and narrows the selection.
    pub pool: Option<String>,
}

/// A rollout. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RolloutView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The id of the pool that the rollout belongs to.
    pub pool: String,
    /// `running`, `paused`, `finished` or `cancelled`.
    pub state: RolloutState,
    /// Why the rollout is in its state: `running`, `window`, `no_relay`, `operator`, `threshold`, `stood_still`, `unreadable`,
    /// `finished`.
    pub reason: String,
    /// What the rollout is doing or why it ended, for people.
    pub message: String,
    /// Number of devices that the rollout is for.
    pub total: u64,
    /// Number of devices that have, or had, their job.
    pub released: u64,
    /// The stage that the rollout is in, counted from 0.
    pub stage: u32,
    /// The number of jobs in each state.
    pub progress: Progress,
    /// The stages, each with how far the stage goes and what came of the stage.
    pub stages: Vec<StageView>,
    /// The devices that the rollout is for.
    pub selection: Selection,
    /// The text of the Event header of the NOTIFY.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The number of NOTIFYs a second in all.
    pub per_second: f64,
    /// The number of NOTIFYs a second to one destination network.
    pub network_per_second: f64,
    /// Each job waits a random time of up to this number of seconds more.
    pub spread_s: u32,
    /// The time of the day in which NOTIFYs go out; null is any time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<TimeWindow>,
    /// What must be true for the rollout to go on: where it is not, the rollout pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// How long each job may wait to be fetched, in seconds.
    pub expiry_s: u32,
    /// The time at which the rollout was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time at which the rollout ended, in Unix milliseconds; null while the rollout goes on.
    pub ended_at: Option<u64>,
}

/// How many jobs of a rollout are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Progress {
    /// Jobs that wait for their turn.
    pub queued: u64,
    /// Jobs that a relay has taken and is sending.
    pub leased: u64,
    /// Jobs whose phone has answered and not fetched yet.
    pub answered: u64,
    /// Jobs whose phone has fetched the new version.
    pub fetched: u64,
    /// Jobs whose phone or proxy refused the NOTIFY.
    pub rejected: u64,
    /// Jobs whose phone did not answer any attempt.
    pub unreachable: u64,
    /// Jobs whose time was over before anything was fetched.
    pub expired: u64,
    /// Jobs that an operator or a newer job took back.
    pub cancelled: u64,
    /// Devices whose job is another rollout's, or that were deleted.
    pub skipped: u64,
}

/// A stage and how the stage went.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StageView {
    /// The part of the devices that have been notified when the stage is over.
    pub until: Stage,
    /// The number of devices notified when the stage is through, counted from the first.
    pub devices: u64,
    /// Number of devices that fetched in time.
    pub in_time: u64,
    /// Number of devices that did not fetch in time.
    pub late: u64,
    /// Number of devices that the result leaves out: the job of the device was cancelled or counts in another rollout,
    /// or the device was deleted.
    pub excluded: u64,
}
