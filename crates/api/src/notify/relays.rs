//! Relays of a pool.

use serde::{Deserialize, Serialize};

/// A relay to be added.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RelayInput {
    /// A name for people, which no other relay of the pool has; 1 to 100 characters.
    pub name: String,
}

/// Why a relay is drained.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DrainInput {
    /// The reason, for the relay's log; at most 100 characters.
    pub reason: String,
}

/// A relay. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RelayView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The id of the pool that the relay belongs to.
    pub pool: String,
    /// The name that people know the relay by.
    pub name: String,
    /// The time at which the relay was made, in Unix milliseconds.
    pub created_at: u64,
    /// Whether the relay is connected to its pool now.
    pub connected: bool,
    /// When the relay was last heard of; null is never.
    pub last_seen_at: Option<u64>,
    /// When the relay last said hello.
    pub hello_at: Option<u64>,
    /// The version of the program that the relay runs.
    pub software_version: Option<String>,
    /// The name of the program that the relay runs.
    pub software: Option<String>,
    /// Most jobs that the relay is willing to hold at one time.
    pub capacity: Option<u32>,
    /// The transports that the relay can send by: `udp4`, `udp6`.
    pub transports: Vec<String>,
    /// Number of jobs that the relay holds.
    pub in_flight: u64,
    /// Whether the relay gets no more jobs until it connects again.
    pub draining: bool,
    /// What the relay sends as its bearer; only in the answer that makes the relay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}
