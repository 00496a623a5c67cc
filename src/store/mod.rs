//! D1: one module per table, every statement of the Worker is here.

mod db;

pub mod phone;

pub use db::{Arg, Db, StorageError, changes, rows};
