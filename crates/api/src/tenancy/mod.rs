//! A tenant and what it consists of.

pub mod access_paths;
pub mod certificates;
pub mod file_tests;
pub mod history;
pub mod limits;
pub mod models;
pub mod names;
pub mod options;
pub mod settings;
pub mod sites;
pub mod templates;
pub mod tenants;
