//! NOTIFY jobs.

pub use ringfence_queue::job::State;
use ringfence_queue::store::Attempt;
use serde::{Deserialize, Serialize};

/// A job. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The MAC of the device that the job notifies.
    pub device: String,
    /// Text of the Event header.
    pub event: String,
    /// The id of the pool that it belongs to.
    pub pool: String,
    /// `queued`, `leased` (with a relay), `answered` (2xx, its download is waited for); and for good
    /// `fetched`, `rejected`, `unreachable`, `expired` or `cancelled`.
    pub state: State,
    /// Why it is where it is: a stable word.
    pub reason: String,
    /// What became of the job and why, for people.
    pub message: String,
    /// The last SIP status code.
    pub code: Option<u16>,
    /// The version of the device's files that it should come for.
    pub version: u64,
    /// The rollout that it belongs to.
    pub rollout: Option<String>,
    /// The relay that has it, or had it last.
    pub relay: Option<String>,
    /// The number of NOTIFYs that were sent in vain.
    pub tries: u32,
    /// Further requests that joined it.
    pub joined: u32,
    /// The time at which it was made, in Unix milliseconds.
    pub created_at: u64,
    /// While queued: not before.
    pub due_at: u64,
    /// While queued: not after.
    pub expires_at: u64,
    /// When it was last given to a relay.
    pub sent_at: Option<u64>,
    /// The time at which the phone answered the NOTIFY, in Unix milliseconds.
    pub answered_at: Option<u64>,
    /// When the phone took its files.
    pub fetched_at: Option<u64>,
    /// The time at which it ended, in Unix milliseconds; null while it goes on.
    pub ended_at: Option<u64>,
    /// Its history: each time it was given to a relay. Only where one job is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<Attempt>>,
}

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobQuery {
    /// Only those of this device: a MAC in any notation.
    pub device: Option<String>,
    /// Only those of this rollout.
    pub rollout: Option<String>,
    /// Only those in this state.
    pub state: Option<State>,
    /// How many items; 1 to 200, by default 50. With a filter a page may be shorter and still not
    /// the last: `next` tells.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}
