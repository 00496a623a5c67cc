//! Tenants and what belongs to them: access paths, sites, models, settings, templates, their history, tests of files,
//! certificates, quotas.

pub mod access_paths;
pub mod certificates;
pub mod file_tests;
pub mod history;
pub mod limits;
pub mod models;
pub mod names;
pub mod settings;
pub mod sites;
pub mod templates;
pub mod tenants;
