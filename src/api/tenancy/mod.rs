//! Tenants and what belongs to them: access paths, sites, models, settings, templates, certificates, quotas.

pub mod access_paths;
pub mod certificates;
pub mod limits;
pub mod models;
pub mod settings;
pub mod sites;
pub mod templates;
pub mod tenants;
