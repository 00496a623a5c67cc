//! The deployment's own: tokens, sessions, the audit log, events, a restored database, a new master key.

pub mod audit;
pub mod audit_chain;
pub mod events;
pub mod metrics;
pub mod restored;
pub mod rotation;
pub mod sessions;
pub mod sign_in_codes;
pub mod tokens;
pub mod webhooks;
