//! The operator's API as types: what its operations take and give.

pub mod admin;
pub mod changing;
pub mod check;
pub mod devices;
pub mod explain;
pub mod families;
pub mod health;
pub mod notify;
pub mod operations;
pub mod page;
pub mod query;
pub mod tenancy;
