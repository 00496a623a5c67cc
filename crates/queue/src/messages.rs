//! What the Worker and the object say to each other: Durable Objects written in Rust have no RPC, so
//! a call is a POST with JSON, and so is its answer.

use serde::{Deserialize, Serialize};

use super::job::{Job, State};
use super::options::PoolOptions;
use super::rollout::{RolloutState, Spec};
use super::store::{Attempt, JobFilter, NewJob, RelayRow, RolloutRow, TallyRow};

/// A call of the Worker. Who may make it was decided before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolCall {
    /// Queue jobs, or join pending ones.
    Submit {
        jobs: Vec<NewJob>,
    },
    /// A page of jobs.
    Jobs(JobFilter),
    /// One job with its history.
    Job {
        tenant: String,
        id: String,
    },
    CancelJob {
        tenant: String,
        id: String,
    },
    StartRollout(NewRollout),
    Rollouts {
        tenant: String,
        before: String,
        limit: u32,
    },
    Rollout {
        tenant: String,
        id: String,
    },
    ChangeRollout {
        tenant: String,
        id: String,
        change: RolloutChange,
    },
    /// The pool at a glance.
    Status,
    /// What is measured of it.
    Gauges,
    /// What in it may need a person.
    Watch,
    SetOptions {
        options: PoolOptions,
    },
    /// The credentials for the proxy are others: what is sending by those of before takes no more jobs.
    RenewCredentials,
    /// Closes a relay's connection and takes its jobs back: its credential was removed.
    DropRelay {
        relay: String,
    },
    /// Gives a relay no more jobs until it says hello again.
    DrainRelay {
        relay: String,
        reason: String,
    },
}

/// A rollout as it is ordered: checked, every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewRollout {
    pub id: String,
    pub tenant: String,
    pub spec: Spec,
    /// The selection's MACs, if it names some: only such as exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub macs: Vec<String>,
    /// How many devices the selection has now.
    pub total: u64,
}

/// What an operator can do to a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutChange {
    Pause,
    Resume,
    Cancel,
}

/// What the object answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolReply {
    Submitted {
        jobs: Vec<Submitted>,
    },
    Jobs {
        jobs: Vec<Job>,
        next: Option<String>,
    },
    Job {
        job: Box<Job>,
        attempts: Vec<Attempt>,
    },
    Rollouts {
        rollouts: Vec<(RolloutRow, Vec<TallyRow>)>,
    },
    Rollout {
        rollout: Box<RolloutRow>,
        tallies: Vec<TallyRow>,
    },
    Status(Status),
    Gauges(Gauges),
    Watched(Watched),
    Done,
    /// There is none of that id here.
    NotFound,
    /// Its state does not allow it; in words.
    Conflict {
        detail: String,
    },
    /// The object failed; for the log.
    Failed {
        detail: String,
    },
}

/// What became of one ordered job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Of the new job, or of the pending one that the request joined.
    pub id: String,
    pub device: String,
    pub mac: String,
    pub joined: bool,
    pub state: State,
    /// When it is sent at the earliest, Unix milliseconds.
    pub due_at: u64,
    pub event: String,
}

/// The pool at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Pending jobs by state.
    pub pending: Vec<(String, u64)>,
    /// Every relay that ever said hello and still has its credential.
    pub relays: Vec<RelayRow>,
    /// Those connected now.
    pub connected: Vec<Connected>,
    /// The pool itself, where its options have it send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<EdgeStatus>,
    /// Rollouts that go on, of all tenants, the newest first; at most [`MAX_OPEN_LISTED`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OpenRollout>,
}

/// How many of the rollouts that go on are told at most.
pub const MAX_OPEN_LISTED: usize = 20;

/// A rollout that goes on. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenRollout {
    /// The id of the rollout.
    pub id: String,
    /// The id of the tenant whose phones the rollout notifies.
    pub tenant: String,
    /// The state of the rollout: `running` or `paused`.
    pub state: RolloutState,
    /// What the rollout is doing, for people.
    pub message: String,
    /// How many devices the rollout is for.
    pub total: u64,
    /// Number of devices that have, or had, their job.
    pub released: u64,
    /// The time at which the rollout was made, in Unix milliseconds.
    pub created_at: u64,
}

/// The pool itself as the sender of its NOTIFYs. Times are Unix milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeStatus {
    /// Number of jobs that the pool holds for its proxy.
    pub in_flight: u64,
    /// The time at which the pool's proxy last accepted a connection.
    pub connected_at: Option<u64>,
    /// The time since which the pool itself cannot send, in Unix milliseconds: its proxy takes no connection, a connection
    /// broke with jobs on it, or what the pool needs for sending cannot be read. Null after the last connection that was taken.
    pub failing_since: Option<u64>,
    /// The time at which the pool last got no connection, or lost one with jobs on their way, in
    /// Unix milliseconds.
    pub failed_at: Option<u64>,
    /// Why the connection failed, as a part of a sentence.
    pub failure: Option<String>,
}

/// The longest [`EdgeStatus::failure`], in characters.
const MAX_FAILURE: usize = 300;

impl EdgeStatus {
    /// The proxy accepted a connection.
    pub fn connect(&mut self, now: u64) {
        self.connected_at = Some(now);
        self.failing_since = None;
    }

    /// Something went wrong with the connection.
    pub fn fail(&mut self, why: &str, now: u64) {
        self.failing_since.get_or_insert(now);
        self.failed_at = Some(now);
        self.failure = Some(
            why.chars()
                .filter(|c| !c.is_control())
                .take(MAX_FAILURE)
                .collect(),
        );
    }
}

/// What is measured of a pool, without a name of anything in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauges {
    /// Pending jobs, by state.
    pub jobs: Vec<PendingJobs>,
    /// Relays that have their credential and said hello at least once.
    pub relays: u64,
    /// Those that are connected now.
    pub connected: u64,
    /// Those of them that get no more jobs.
    pub draining: u64,
    pub rollouts_running: u64,
    pub rollouts_paused: u64,
    /// Whether the pool itself reached its proxy when it last tried; `None` if only relays send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge_up: Option<bool>,
}

/// What in a pool may need a person. Times are Unix milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    pub paused: Vec<PausedRollout>,
    /// Relays that have their credential and are not connected.
    pub away: Vec<AwayRelay>,
}

/// A rollout that is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedRollout {
    pub id: String,
    pub tenant: String,
    pub reason: String,
    pub message: String,
    pub since: u64,
}

/// A relay that is not connected; with the id [`EDGE`](crate::edge::EDGE) the pool itself, which does not reach its proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwayRelay {
    pub id: String,
    pub seen_at: u64,
}

/// The pending jobs that are in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingJobs {
    pub state: String,
    pub number: u64,
    /// When the oldest of them was queued, in Unix milliseconds; `None` if there is none.
    pub oldest_at: Option<u64>,
}

/// A relay that is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    pub relay: String,
    /// Jobs it holds.
    pub in_flight: u64,
    pub draining: bool,
    pub seen_at: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn call_json_format_unchanged() {
        for text in [
            r#"{"submit":{"jobs":[{"id":"J","tenant":"T","device":"D","mac":"0080F0C571EB","event":"check-sync","version":7,"changed_at":1,"destination":"198.51.100.7"}]}}"#,
            r#"{"jobs":{"tenant":"T","state":"queued","limit":50}}"#,
            r#"{"job":{"tenant":"T","id":"J"}}"#,
            r#"{"cancel_job":{"tenant":"T","id":"J"}}"#,
            r#"{"rollouts":{"tenant":"T","before":"~","limit":50}}"#,
            r#"{"change_rollout":{"tenant":"T","id":"R","change":"pause"}}"#,
            r#""status""#,
            r#""gauges""#,
            r#""watch""#,
            r#"{"drop_relay":{"relay":"R"}}"#,
            r#"{"drain_relay":{"relay":"R","reason":"maintenance"}}"#,
        ] {
            let call: PoolCall = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&call).unwrap(), text);
        }
    }

    #[test]
    fn reply_json_format_unchanged() {
        for text in [
            r#"{"submitted":{"jobs":[{"id":"J","device":"D","mac":"0080F0C571EB","joined":true,"state":"queued","due_at":1,"event":"check-sync"}]}}"#,
            r#"{"status":{"pending":[["queued",1]],"relays":[{"id":"R","instance":"i","software":"ringfence-relay","version":"0.1.0","capacity":5,"transports":"udp4","hello_at":1,"seen_at":2}],"connected":[{"relay":"R","in_flight":3,"draining":false,"seen_at":2}]}}"#,
            r#"{"gauges":{"jobs":[{"state":"queued","number":1,"oldest_at":5},{"state":"leased","number":0,"oldest_at":null}],"relays":2,"connected":1,"draining":0,"rollouts_running":0,"rollouts_paused":1}}"#,
            r#"{"watched":{"paused":[{"id":"R","tenant":"T","reason":"operator","message":"An operator paused it.","since":5}],"away":[{"id":"Y","seen_at":6}]}}"#,
            r#""done""#,
            r#""not_found""#,
            r#"{"conflict":{"detail":"It has ended."}}"#,
        ] {
            let reply: PoolReply = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&reply).unwrap(), text);
        }
    }
}
