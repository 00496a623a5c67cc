//! D1: every statement of the Worker is here. A module is named after the table that it writes, or after what it does
//! to several:
//!
//! - how anything is written: `change`, `turn`, `json`, `batch`, `limits`, `object`, `history`;
//! - lists and searches: `by_id`, `device_list`, `device_counts`, `search`;
//! - what others than the operator's API ask of several tables: `claims` (the life of a key), `file_inputs`, `published`,
//!   `requests` (what phones' requests leave), `fleet` and `reach` (NOTIFY);
//! - what time and operators do to the whole database: `maintenance`, `metrics`, `rotation`, `restored`.

mod change;
mod json;
mod turn;

pub mod access_paths;
pub mod audit;
pub mod audit_chain;
pub mod batch;
pub mod by_id;
pub mod certificates;
pub mod claims;
pub mod device_counts;
pub mod device_list;
pub mod devices;
pub mod events;
pub mod file_inputs;
pub mod file_tests;
pub mod fleet;
pub mod history;
pub mod limits;
pub mod maintenance;
pub mod metrics;
pub mod models;
pub mod moves;
pub mod object;
pub mod operations;
pub mod pools;
pub mod published;
pub mod reach;
pub mod relays;
pub mod requests;
pub mod restored;
pub mod rotation;
pub mod search;
pub mod sessions;
pub mod settings;
pub mod sign_in_codes;
pub mod sites;
pub mod standing;
pub mod templates;
pub mod tenants;
#[cfg(test)]
mod testing;
pub mod tokens;
pub mod unknown;
pub mod webhooks;

pub use audit::Entry;
pub use change::{Change, ChangeError, CheckedAgainst, Invalidates, SEQ};
pub use turn::Turn;

/// Sorts after every ULID.
pub const LAST_ID: &str = "~";
