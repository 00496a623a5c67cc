//! D1: one module per table, every statement of the Worker is here.

mod change;

pub mod access_paths;
pub mod audit;
pub mod audit_chain;
pub mod certificates;
pub mod claims;
pub mod devices;
pub mod events;
pub mod file_inputs;
pub mod fleet;
pub mod limits;
pub mod maintenance;
pub mod models;
pub mod moves;
pub mod pools;
pub mod published;
pub mod reach;
pub mod relays;
pub mod restored;
pub mod rotation;
pub mod search;
pub mod settings;
pub mod sites;
pub mod standing;
pub mod templates;
pub mod tenants;
pub mod tokens;

pub use audit::Entry;
pub use change::{Change, ChangeError, CheckedAgainst, Invalidates, SEQ};

/// Sorts after every ULID.
pub const LAST_ID: &str = "~";
