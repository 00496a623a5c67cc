//! What time does: unused bootstraps expire, old events go. In bounded batches, from the cron
//! event; what is left over waits for the next one.

use ringfence_sql::args;
use serde::Deserialize;

use super::settings::json;
use crate::db::{Db, StorageError, changes};

/// A bootstrap whose time is over.
#[derive(Clone, Debug, Deserialize)]
pub struct Overdue {
    pub id: String,
}

/// Devices whose bootstrap was not taken in time, the longest overdue first.
///
/// # Errors
/// D1 does not answer.
pub async fn overdue(db: &Db, now: u64, limit: u32) -> Result<Vec<Overdue>, StorageError> {
    db.rows(
        "SELECT id FROM devices WHERE key_state = 'armed' AND armed_until <= ?1 \
         ORDER BY armed_until LIMIT ?2",
        args![now, limit],
    )
    .await
}

/// Marks bootstraps as expired, each with its audit entry, where they still wait.
///
/// `entries` are pairs of a device's id and the id of the entry. The claim checks the time itself,
/// so nothing depends on when this runs.
///
/// # Errors
/// D1 fails.
pub async fn expire(
    db: &Db,
    entries: &[(String, String)],
    now: u64,
    request_id: &str,
) -> Result<usize, StorageError> {
    let pairs = json(&entries)?;
    let results = db
        .batch(vec![
            db.statement(
                "INSERT INTO audit (id, tenant_id, token_id, action, object, before, after, \
                 address, request_id, at) \
                 SELECT j.value ->> 1, d.tenant_id, 'time', 'device.expire', 'devices/' || d.mac, \
                 json_object('key', json_object('generation', d.generation, 'state', 'armed')), \
                 json_object('key', json_object('generation', d.generation, 'state', 'expired')), \
                 '', ?3, ?2 FROM json_each(?1) j JOIN devices d ON d.id = j.value ->> 0 \
                 WHERE d.key_state = 'armed' AND d.armed_until <= ?2",
                args![&pairs, now, request_id],
            )?,
            db.statement(
                "UPDATE devices SET key_state = 'expired', updated_at = ?2 \
                 WHERE id IN (SELECT value ->> 0 FROM json_each(?1)) \
                 AND key_state = 'armed' AND armed_until <= ?2",
                args![&pairs, now],
            )?,
        ])
        .await?;
    results.get(1).map_or(Ok(0), changes)
}

/// A tenant and for how many days it keeps events.
#[derive(Clone, Debug, Deserialize)]
pub struct Retention {
    pub id: String,
    pub days: Option<u64>,
}

/// Tenants in the order of their ids, after `after`.
///
/// # Errors
/// D1 does not answer.
pub async fn retentions(db: &Db, after: &str, limit: u32) -> Result<Vec<Retention>, StorageError> {
    db.rows(
        "SELECT id, options ->> '$.event_retention_days' AS days FROM tenants \
         WHERE id > ?1 ORDER BY id LIMIT ?2",
        args![after, limit],
    )
    .await
}

/// Removes events below an id for each tenant, at most `limit` altogether.
///
/// # Errors
/// D1 fails.
pub async fn delete_events(
    db: &Db,
    floors: &[(String, String)],
    limit: u32,
) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM events WHERE id IN (SELECT e.id FROM json_each(?1) j \
         JOIN events e ON e.tenant_id = j.value ->> 0 AND e.id < j.value ->> 1 LIMIT ?2)",
        args![json(&floors)?, limit],
    )
    .await
}

/// Removes the counters of minutes before `minute`, at most `limit`.
///
/// # Errors
/// D1 fails.
pub async fn delete_minutes(db: &Db, minute: u64, limit: u32) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM event_minutes WHERE (tenant_id, minute) IN (SELECT tenant_id, minute \
         FROM event_minutes WHERE minute < ?1 LIMIT ?2)",
        args![minute, limit],
    )
    .await
}
