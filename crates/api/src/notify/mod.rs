//! Telling phones to fetch their files.

pub mod jobs;
pub mod pools;
pub mod proxy_credentials;
pub mod relays;
pub mod rollouts;

use serde::{Deserialize, Serialize};

use crate::notify::rollouts::RolloutView;

/// What a phone is asked to do.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotifyInput {
    /// Text of the Event header; absent is what the settings of the device's own event say, or the event that makes phones of its family fetch.
    pub event: Option<String>,
    /// Tells the phone to restart instead, by the event that makes phones of its family do so. A phone in a
    /// call may drop it. Refused for a family of which no such event is known, and together with `event`.
    pub restart: bool,
}

/// What was ordered for a device.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notified {
    /// The job; `GET` shows how the job goes on.
    pub job: JobBrief,
    /// Whether the job is an earlier request's that has not ended yet: a device has one pending job
    /// per event.
    pub joined: bool,
}

/// A job in short.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct JobBrief {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The MAC of the device that is notified.
    pub device: String,
    /// The text of the Event header of the NOTIFY.
    pub event: String,
    /// The id of the pool that the job belongs to.
    pub pool: String,
    /// The state that the job is in now.
    pub state: ringfence_queue::job::State,
    /// The earliest time at which the job goes out, in Unix milliseconds: a job about a change waits until every
    /// location can see the change.
    pub due_at: u64,
}

/// What came of `?notify=true`. The change itself is done, whatever this says.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Notices {
    /// The jobs that were queued or joined, one for each device.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub jobs: Vec<Notified>,
    /// The rollouts that were started, one for each pool that reaches some of the phones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub rollouts: Vec<RolloutView>,
    /// Why phones are not notified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// An answer with what came of `?notify=true`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WithNotices<T> {
    #[serde(flatten)]
    pub answer: T,
    /// What came of notifying the phone, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<Notices>,
}
