//! D1: one module per table, every statement of the Worker is here.

mod db;

pub mod audit;
pub mod devices;
pub mod events;
pub mod settings;
pub mod templates;
pub mod tenants;
pub mod tokens;

pub use db::{Arg, Db, StorageError, changes, rows};
