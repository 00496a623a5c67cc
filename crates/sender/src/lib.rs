//! The sender of NOTIFY jobs, without I/O: see [`engine`].

pub mod destination;
pub mod engine;
pub mod hop;
pub mod locate;

pub use destination::{Destinations, Refusal};
pub use engine::{Counts, Done, Engine, EngineConfig, Names, Pace, UNUSABLE, WHAT_TO_DO};
pub use hop::{Hop, StreamPeer};
