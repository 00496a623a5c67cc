//! How many devices a tenant has, by what they are: one statement, which reads each of them once.

use ringfence_sql::args;
use serde::Deserialize;

use crate::db::{Db, StorageError};

/// The devices that have something in common.
#[derive(Clone, Debug, Deserialize)]
pub struct CountRow {
    /// What they have in common: `all`, `state`, `model` or `site`.
    pub of: String,
    /// The state, the model, or the site's id.
    pub name: Option<String>,
    /// The model's family, or the site's name.
    pub more: Option<String>,
    pub devices: u64,
    pub disabled: u64,
    pub stale: u64,
    pub failing: u64,
    pub never_seen: u64,
    pub seen_lately: u64,
    pub silent: u64,
    pub unexpected_network: u64,
}

/// Every device of a tenant is read once, into groups of those that are alike; then the groups are added up.
const COUNT: &str = "WITH alike AS MATERIALIZED (SELECT d.key_state, d.model, d.site_id, count(*) AS devices, \
     sum(d.disabled) AS disabled, sum(coalesce(d.fetched_version < max(d.version, t.version), 0)) AS stale, \
     sum(coalesce(d.failed_at > coalesce(d.last_seen_at, 0), 0)) AS failing, \
     sum(d.last_seen_at IS NULL) AS never_seen, sum(coalesce(d.last_seen_at >= ?2, 0)) AS seen_lately, \
     sum(coalesce(d.last_seen_at < ?3, 0)) AS silent, \
     sum(d.unexpected_network) AS unexpected_network \
     FROM tenants t CROSS JOIN devices d INDEXED BY devices_by_model ON d.tenant_id = t.id WHERE t.id = ?1 \
     GROUP BY d.model, d.site_id, d.key_state), \
     added AS MATERIALIZED (\
     SELECT 'all' AS of, NULL AS name, a.* FROM alike a UNION ALL \
     SELECT 'state', a.key_state, a.* FROM alike a UNION ALL \
     SELECT 'model', a.model, a.* FROM alike a UNION ALL \
     SELECT 'site', a.site_id, a.* FROM alike a) \
     SELECT g.of, g.name, CASE g.of \
     WHEN 'model' THEN (SELECT m.family FROM models m WHERE m.tenant_id = ?1 AND m.name = g.name) \
     WHEN 'site' THEN (SELECT s.name FROM sites s WHERE s.id = g.name) END AS more, \
     sum(g.devices) AS devices, sum(g.disabled) AS disabled, sum(g.stale) AS stale, \
     sum(g.failing) AS failing, sum(g.never_seen) AS never_seen, sum(g.seen_lately) AS seen_lately, sum(g.silent) AS silent, \
     sum(g.unexpected_network) AS unexpected_network FROM added g GROUP BY g.of, g.name";

/// Counts a tenant's devices; *lately* is since a time in Unix milliseconds, and *silent* who got nothing since another.
///
/// # Errors
/// D1 does not answer.
pub async fn count(
    db: &Db,
    tenant_id: &str,
    lately: u64,
    silent: u64,
) -> Result<Vec<CountRow>, StorageError> {
    db.rows(COUNT, args![tenant_id, lately, silent]).await
}
