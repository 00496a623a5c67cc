//! How many devices a tenant has, by what they are: one statement, which reads each of them once. What it counted of a
//! tenant with many is said again for a while.

use ringfence_sql::args;
use serde::{Deserialize, Serialize};

use super::json::json;
use crate::db::{Db, StorageError};
use crate::platform::DAY_MS;

/// The devices that have something in common.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// How many devices a tenant may have at most for them to be counted whenever somebody asks.
const MAX_COUNTED_AT_ONCE: u64 = 10_000;

/// How many rows of one tenant's devices may be read in a day to count them.
const MAX_ROWS_A_DAY: u64 = 20_000_000;

/// What is said of a tenant's devices.
pub struct Counted {
    pub rows: Vec<CountRow>,
    /// Unix milliseconds.
    pub counted_at: u64,
}

/// Whose devices are counted, and for when.
#[derive(Clone, Copy, Debug)]
pub struct CountRequest<'a> {
    pub tenant_id: &'a str,
    /// Unix milliseconds.
    pub now: u64,
    /// Whoever got a file since then got one *lately*.
    pub lately: u64,
    /// Whoever got a file once, and none since then, is *silent*.
    pub silent: u64,
    /// Counts in any case.
    pub again: bool,
}

/// What was counted last.
#[derive(Deserialize)]
struct KeptRow {
    /// How many devices the tenant has now.
    devices: u64,
    counted_at: Option<u64>,
    counts: Option<String>,
}

const KEPT: &str = "SELECT t.devices, c.counted_at, c.counts FROM tenants t \
     LEFT JOIN device_counts c ON c.tenant_id = t.id WHERE t.id = ?1";

const KEEP: &str = "INSERT INTO device_counts (tenant_id, counted_at, counts) VALUES (?1, ?2, ?3) \
     ON CONFLICT DO UPDATE SET counted_at = excluded.counted_at, counts = excluded.counts \
     WHERE excluded.counted_at > counted_at";

/// Counts a tenant's devices, or says what was counted a moment ago where there are many.
pub async fn count(db: &Db, asked: CountRequest<'_>) -> Result<Counted, StorageError> {
    let CountRequest {
        tenant_id,
        now,
        lately,
        silent,
        again,
    } = asked;
    let kept: Option<KeptRow> = db.row(KEPT, args![tenant_id]).await?;
    let devices = kept.as_ref().map_or(0, |kept| kept.devices);
    let kept = kept.filter(|kept| !again && !is_due(kept.devices, kept.counted_at, now));
    if let Some(rows) = kept.as_ref().and_then(KeptRow::rows) {
        let counted_at = kept.and_then(|kept| kept.counted_at).unwrap_or(now);
        return Ok(Counted { rows, counted_at });
    }
    let rows: Vec<CountRow> = db.rows(COUNT, args![tenant_id, lately, silent]).await?;
    if devices > MAX_COUNTED_AT_ONCE {
        db.run(KEEP, args![tenant_id, now, json(&rows)?]).await?;
    }
    Ok(Counted {
        rows,
        counted_at: now,
    })
}

impl KeptRow {
    /// None where another version of this program has written them.
    fn rows(&self) -> Option<Vec<CountRow>> {
        ringfence_json::from_str(self.counts.as_deref()?).ok()
    }
}

/// Whether a tenant's devices are to be counted again: the more there are, the more seldom.
fn is_due(devices: u64, counted_at: Option<u64>, now: u64) -> bool {
    let pause = devices * DAY_MS / MAX_ROWS_A_DAY;
    devices <= MAX_COUNTED_AT_ONCE || counted_at.is_none_or(|at| now >= at + pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_devices_there_are_the_more_seldom_they_are_counted() {
        let day = DAY_MS;
        // A few always are, though they were counted just now.
        assert!(is_due(MAX_COUNTED_AT_ONCE, Some(day), day));
        for (devices, minutes) in [(50_000, 3.6), (100_000, 7.2), (1_000_000, 72.0)] {
            let pause = (minutes * 60_000.0) as u64;
            assert!(is_due(devices, None, day), "{devices} were never counted");
            assert!(!is_due(devices, Some(day), day + pause - 1), "{devices}");
            assert!(is_due(devices, Some(day), day + pause), "{devices}");
        }
    }
}
