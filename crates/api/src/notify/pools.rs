//! Pools, and whom a tenant may address.

use ringfence_queue::messages::{EdgeStatus, OpenRollout};
use ringfence_queue::options::PoolOptions;
use ringfence_wire::Destinations;
use serde::{Deserialize, Serialize};

/// What an operator decides about a pool.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolInput {
    /// A name for people, which no other pool has; 1 to 100 characters.
    pub name: String,
    /// The options of the pool; what is left out has its default.
    #[serde(default)]
    pub options: PoolOptions,
}

/// A pool. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The name that people know the pool by.
    pub name: String,
    /// The options, each with its default where nothing was given.
    pub options: PoolOptions,
    /// The number of changes of the pool, which is also the ETag of the pool.
    pub revision: u64,
    /// The time at which the pool was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last change of the pool, in Unix milliseconds.
    pub updated_at: u64,
    /// What the queue of the pool holds; only where one pool is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueView>,
}

/// What a pool's queue holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QueueView {
    /// Number of jobs that wait for their turn.
    pub queued: u64,
    /// Number of jobs that relays have taken.
    pub leased: u64,
    /// Jobs whose phones answered and have not come back yet.
    pub answered: u64,
    /// Relays that are connected.
    pub relays_connected: u64,
    /// How the pool itself is as a sender; only where its options have it send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<EdgeStatus>,
    /// Rollouts that go on, of all tenants, the newest first; at most 20.
    pub rollouts: Vec<OpenRollout>,
}

/// Which pool reaches the phones of a tenant or site.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Assignment {
    /// Id of a pool; null: of a site its tenant's, of a tenant `default`.
    pub pool: Option<String>,
}

/// The destinations that a tenant may address through the relays of its pools.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reachable {
    /// The destinations that the tenant may address. With null, a tenant whose pools have no phones
    /// of other tenants may address whomever their relays may; any other tenant may address nobody.
    #[cfg_attr(feature = "schema", schemars(with = "Option<DestinationsShape>"))]
    pub destinations: Option<Destinations>,
}

/// What may stand in `destinations`.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct DestinationsShape {
    /// Names of hosts, `pbx.example`, or `*.phones.example` for everything below `phones.example`; at most 50.
    domains: Vec<String>,
    /// Networks, `198.51.100.0/24`; at most 50. With any, what the domains lead to has to be in one of
    /// the networks too.
    networks: Vec<String>,
}
