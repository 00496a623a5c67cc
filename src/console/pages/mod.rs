//! The pages: each asks the API for what it shows, and hands it to `crates/console`.

pub mod choices;
pub mod deeds;
pub mod device;
pub mod devices;
pub mod explain;
pub mod fleet;
pub mod forms;
pub mod history;
pub mod import;
pub mod lint;
pub mod notify;
pub mod operations;
pub mod parts;
pub mod people;
pub mod session;
pub mod settings;
pub mod start;
pub mod tables;
pub mod tenancy;
pub mod webhooks;
