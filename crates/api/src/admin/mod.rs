//! What concerns the whole installation.

pub mod audit;
pub mod audit_chain;
pub mod events;
pub mod restored;
pub mod rotation;
pub mod sessions;
pub mod sign_in_codes;
pub mod tokens;
pub mod webhook_options;
pub mod webhooks;
