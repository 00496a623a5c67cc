//! The deployment's own: tokens, the audit log, events, a restored database, a new master key.

pub mod audit;
pub mod audit_chain;
pub mod events;
pub mod restored;
pub mod rotation;
pub mod tokens;
