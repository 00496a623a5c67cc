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
    /// The text of the Event header.
    pub event: String,
    /// The id of the pool that the job belongs to.
    pub pool: String,
    /// `queued`, `leased` (with a relay), `answered` (2xx, its download is waited for); and for good
    /// `fetched`, `rejected`, `unreachable`, `expired` or `cancelled`.
    pub state: State,
    /// Why the job is in its state, in one word for programs.
    pub reason: String,
    /// What became of the job and why, for people.
    pub message: String,
    /// The last SIP status code.
    pub code: Option<u16>,
    /// The version of the device's files that the phone should come for.
    pub version: u64,
    /// Id of the rollout that the job belongs to.
    pub rollout: Option<String>,
    /// Id of the relay that has the job, or had the job last; `edge` is the pool that sends itself.
    pub relay: Option<String>,
    /// The number of NOTIFYs that were sent in vain.
    pub tries: u32,
    /// Number of further requests that joined the job.
    pub joined: u32,
    /// The time at which the job was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time before which a queued job is not sent, in Unix milliseconds.
    pub due_at: u64,
    /// The time after which a queued job is not sent, in Unix milliseconds.
    pub expires_at: u64,
    /// The time at which the job was last given to a relay, in Unix milliseconds.
    pub sent_at: Option<u64>,
    /// The time at which the phone answered the NOTIFY, in Unix milliseconds.
    pub answered_at: Option<u64>,
    /// The time at which the phone took its files, in Unix milliseconds.
    pub fetched_at: Option<u64>,
    /// The time at which the job ended, in Unix milliseconds; null while the job goes on.
    pub ended_at: Option<u64>,
    /// The history of the job: each time that the job was given to a relay. A list of jobs leaves the
    /// history out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<Attempt>>,
}

/// Which jobs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobQuery {
    /// Only jobs of this device: a MAC in any notation.
    pub device: Option<String>,
    /// Only jobs of this rollout.
    pub rollout: Option<String>,
    /// Only jobs in this state.
    pub state: Option<State>,
    /// How many items; 1 to 200, by default 50. With a filter a page may be shorter and still not
    /// the last: `next` tells.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}
