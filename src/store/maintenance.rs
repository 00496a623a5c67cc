//! What time does: unused bootstraps expire, old events go. In bounded batches, from the cron
//! event; what is left over waits for the next one.

use ringfence_sql::args;
use serde::Deserialize;

use super::claims::OVERDUE;
use super::json::json;
use crate::db::{Db, Statement, StorageError};

/// A bootstrap whose time is over.
#[derive(Clone, Debug, Deserialize)]
pub struct Overdue {
    pub id: String,
}

/// Devices whose bootstrap was not taken in time, the longest overdue first.
pub async fn overdue(db: &Db, now: u64, limit: u32) -> Result<Vec<Overdue>, StorageError> {
    db.rows(&overdue_sql(), args![limit, now]).await
}

pub(super) fn overdue_sql() -> String {
    format!("SELECT id FROM devices WHERE {OVERDUE} ORDER BY armed_until LIMIT ?1")
}

/// A tenant and for how many days it keeps events.
#[derive(Clone, Debug, Deserialize)]
pub struct Retention {
    pub id: String,
    pub days: Option<u64>,
}

/// Tenants in the order of their ids, after `after`.
pub async fn retentions(db: &Db, after: &str, limit: u32) -> Result<Vec<Retention>, StorageError> {
    db.rows(
        "SELECT id, options ->> '$.event_retention_days' AS days FROM tenants \
         WHERE id > ?1 ORDER BY id LIMIT ?2",
        args![after, limit],
    )
    .await
}

/// Removes events below an id for each tenant, at most `limit` of those that are kept now and as many of those that a Worker of
/// before has kept.
pub async fn delete_events(
    db: &Db,
    floors: &[(String, String)],
    limit: u32,
) -> Result<usize, StorageError> {
    const KEPT: &str = "DELETE FROM phone_events WHERE (tenant_id, id) IN (SELECT e.tenant_id, e.id FROM json_each(?1) j \
         JOIN phone_events e ON e.tenant_id = j.value ->> 0 AND e.id < j.value ->> 1 LIMIT ?2)";
    const KEPT_BEFORE: &str = "DELETE FROM events WHERE id IN (SELECT e.id FROM json_each(?1) j \
         JOIN events e ON e.tenant_id = j.value ->> 0 AND e.id < j.value ->> 1 LIMIT ?2)";
    let floors = json(&floors)?;
    let of = |sql| Statement::new(sql, args![&floors, limit]);
    let [kept, before] = db.batch_of([of(KEPT), of(KEPT_BEFORE)]).await?;
    Ok(kept.changes + before.changes)
}

/// Removes the counters of minutes before `minute`, at most `limit`.
pub async fn delete_minutes(db: &Db, minute: u64, limit: u32) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM event_minutes WHERE (tenant_id, minute) IN (SELECT tenant_id, minute \
         FROM event_minutes WHERE minute < ?1 LIMIT ?2)",
        args![minute, limit],
    )
    .await
}
