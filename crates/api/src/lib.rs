//! The operator's API as types: what its operations take and give.

pub mod admin;
pub mod answer;
pub mod changing;
pub mod check;
pub mod devices;
pub mod explain;
pub mod families;
pub mod health;
pub mod notify;
#[cfg(feature = "schema")]
pub mod openapi;
pub mod operation;
pub mod operations;
pub mod page;
pub mod path;
pub mod problem;
pub mod query;
pub mod tenancy;
