//! Verbs that are more than one call.

pub mod admin;
pub mod change;
pub mod explain;
pub mod export;
pub mod files;
pub mod fleet;
pub mod follow;
pub mod import;
pub mod lint;
pub mod manual;
pub mod notify;
pub mod options;
pub mod package;
pub mod phone;
pub mod profiles;
pub mod settings;
pub mod templates;
pub mod tenancy;
pub mod webhooks;
