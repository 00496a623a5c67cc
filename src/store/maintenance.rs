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

/// Brings events from the table that a Worker of before writes to where they are read, the newest first and at most `limit`.
/// Where one is there already, that one stays.
pub async fn bring_old_events(db: &Db, limit: u32) -> Result<usize, StorageError> {
    const COLUMNS: &str = "tenant_id, id, device_id, mac, kind, form, outcome, reason, status, bytes, address, \
         user_agent, country, request_id, detail, at, path, access_path";
    const NEWEST: &str = "FROM events WHERE id > '' ORDER BY id DESC LIMIT ?1";
    let brought = format!(
        "INSERT INTO phone_events ({COLUMNS}) SELECT {COLUMNS} FROM (SELECT {COLUMNS} {NEWEST}) WHERE true \
         ON CONFLICT (tenant_id, id) DO NOTHING"
    );
    let removed = format!("DELETE FROM events WHERE id IN (SELECT id {NEWEST})");
    let [_, removed] = db
        .batch_of([
            Statement::new(&brought, args![limit]),
            Statement::new(&removed, args![limit]),
        ])
        .await?;
    Ok(removed.changes)
}

/// Removes events below an id for each tenant, at most `limit` altogether.
pub async fn delete_events(
    db: &Db,
    floors: &[(String, String)],
    limit: u32,
) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM phone_events WHERE (tenant_id, id) IN (SELECT e.tenant_id, e.id FROM json_each(?1) j \
         JOIN phone_events e ON e.tenant_id = j.value ->> 0 AND e.id < j.value ->> 1 LIMIT ?2)",
        args![json(&floors)?, limit],
    )
    .await
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
