//! The operator's API: its operations as one table ([`operation`]), and what they take and give as types.
//!
//! The types are plain serde. Members that a type does not know are passed over: a newer version may have stored them,
//! or sent them. The Worker refuses them in a body by itself.

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
