//! The frames between a relay and its pool's Durable Object.
//!
//! The relay dials out to `wss://HOST/relay/v1` with its own bearer credential in the
//! `Authorization` header; every text message after that is one frame, a JSON object of at most
//! [`MAX_FRAME_BYTES`] with a version and a type: `{"v":1,"type":"hello",…}`. The only other
//! messages are [`PING`] and [`PONG`], which the runtime answers without waking the object.
//!
//! A conversation:
//!
//! ```text
//! relay                                   object
//!   hello {capacity, in_flight, …}  ─────▶  frees what an earlier instance of the relay held
//!                                   ◀─────  welcome {pool, relay}
//!                                   ◀─────  job [{id, lease, lease_ms, target, …}, …]
//!   ack [{id, lease}, …]            ─────▶  the jobs arrived (none of them is sent yet)
//!   result [{id, lease, outcome}]   ─────▶  writes the outcome down, and then
//!                                   ◀─────  recorded [{id, lease}]: the relay may forget it
//!   return [{id, lease}], reason    ─────▶  back into the queue: nothing was sent, or not enough
//! ```
//!
//! Rules that make a job survive the loss of either side:
//!
//! - Whoever sends a job out again raises its `lease` number. Everything the relay says about a
//!   job carries the number, so a late word about an earlier lease can be told from a current one.
//! - A `result` is repeated after every reconnect until it is `recorded`, or until its lease has
//!   ended: then the object has given the job to somebody else.
//! - A relay starts nothing whose lease would end first, and stops what outlives it.
//! - `hello.in_flight` counts the jobs that the relay still holds; `hello.instance` is new for every
//!   process, so leases of another instance of the same relay are void.
//!
//! A job may say whom its tenant may address (`destinations`). The pool has checked what the job names;
//! the relay checks it again, and where DNS leads. A relay from before that field passes over it, and its
//! own configuration alone decides where DNS may lead.
//!
//! A reader ignores fields it does not know, and answers a frame of unknown type with an `error`
//! frame; it never answers an `error`.
#![deny(missing_docs)]

mod codec;
mod common;
mod destinations;
mod pool;
mod relay;
mod secret;

pub use codec::{DecodeError, EncodeError, batches};
pub use common::{ErrorCode, ErrorFrame, JobRef};
pub use destinations::{Destinations, DestinationsError, MAX_DESTINATIONS, domain_covers};
pub use pool::{Credentials, Drain, Header, Job, PoolFrame, Target, Welcome};
pub use relay::{
    DOMAIN_NOT_ALLOWED, Hello, JobResult, NEEDS_A_RELAY, Outcome, RelayFrame, Retry, ReturnReason,
    Transport,
};
pub use secret::Secret;

/// The `v` of every frame.
pub const PROTOCOL_VERSION: u8 = 1;

/// Longest text message that either side sends or reads, in bytes.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;

/// Path of the WebSocket.
pub const PATH: &str = "/relay/v1";

/// What a relay sends when nothing else was said for a while: a whole message, not a frame.
pub const PING: &str = "PING";

/// The object's answer to [`PING`], given by the runtime's auto-response while the object sleeps.
pub const PONG: &str = "PONG";

/// Code of the close frame for a connection that another one with the same credential has replaced.
/// To its own process it never comes: that has given the old connection up.
pub const CLOSE_REPLACED: u16 = 4001;

/// How long a lease should be, in milliseconds, where nothing speaks for another length: two NOTIFY
/// transactions of 32 s (RFC 3261 §17.1.2.2, timer F; the second carries the digest answer) and as
/// long again to wait for the pace of the destination.
pub const DEFAULT_LEASE_MS: u32 = 120_000;
