//! Operations: one change of many devices, with what became of each.
//!
//! A device is *waiting* until its turn. The change of its turn takes the row in its own transaction
//! ([`Turn`](super::Turn)): from *waiting* to *applied*, or nothing at all is written. So it is changed once, whatever
//! is cut off, and not after the operation was cancelled or its token removed. Once the change is published the
//! row is *done*. What needed no change, or was refused one, goes to *unchanged* or *refused* without.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_sql::args;
use serde::Deserialize;

use super::device_list::{Condition, Draft};
use super::json::json;
use super::object::{Scope, SettingRow};
use super::search::Needle;
use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Corrupt, Db, Statement, StorageError};

/// The most devices of one operation.
pub const MAX_DEVICES: u32 = 10_000;
/// The most operations of a tenant that go on at once.
pub const MAX_RUNNING: u64 = 3;
/// The most devices that all kept operations of a tenant have together.
pub const MAX_KEPT_DEVICES: u64 = 200_000;
/// The most operations of a tenant that are kept.
pub const MAX_KEPT: u64 = 1_000;

/// An operation as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct OperationRow {
    pub id: String,
    pub tenant_id: String,
    pub token_id: String,
    pub token_hash: String,
    pub address: String,
    /// JSON without secrets.
    pub action: String,
    /// JSON, for people.
    pub selection: String,
    pub if_unchanged: i64,
    pub state: String,
    pub cause: Option<String>,
    pub devices: u64,
    pub pending: u64,
    pub done: u64,
    pub unchanged: u64,
    pub refused: u64,
    pub cancelled: u64,
    /// Steps in a row that could not be done.
    pub failures: u64,
    pub trouble: Option<String>,
    pub created_at: u64,
    pub ended_at: Option<u64>,
}

impl OperationRow {
    /// Whether devices of it are still to be changed.
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }
}

const COLUMNS: &str = "id, tenant_id, token_id, token_hash, address, action, selection, \
     if_unchanged, state, cause, devices, pending, done, unchanged, refused, cancelled, failures, \
     trouble, created_at, ended_at";

/// A device of an operation.
#[derive(Clone, Debug, Deserialize)]
pub struct OperationDeviceRow {
    pub number: u64,
    pub device_id: String,
    pub mac: String,
    pub revision: u64,
    pub outcome: String,
    pub cause: Option<String>,
    pub detail: Option<String>,
    pub at: Option<u64>,
}

/// Which devices of a tenant.
pub enum Selection {
    /// What a list shows.
    Listed {
        needle: Option<Needle>,
        conditions: Vec<Condition>,
    },
    /// These MACs, each once; what is no device of the tenant is passed over.
    Macs(Vec<String>),
}

impl Selection {
    /// The statement that reads it, for a subquery; one more than there may be.
    fn draft<'a>(&'a self, tenant_id: &'a str) -> Result<Draft<'a>, StorageError> {
        const SELECTED: &str = "SELECT d.id, d.mac, d.revision, d.key_state FROM";
        let mut draft = Draft {
            sql: String::new(),
            args: vec![tenant_id.into()],
        };
        match self {
            Self::Macs(macs) => {
                let macs = draft.bind(json(macs)?);
                draft.sql = format!(
                    "{SELECTED} json_each({macs}) j CROSS JOIN devices d \
                     ON d.tenant_id = ?1 AND d.mac = j.value"
                );
            }
            Self::Listed { needle, conditions } => {
                draft.sql = format!("{SELECTED} devices d WHERE d.tenant_id = ?1");
                if let Some(needle) = needle {
                    let needle = draft.bind(needle.expression());
                    draft.sql = format!(
                        "{SELECTED} device_search_text f CROSS JOIN search_devices x \
                         ON x.number = f.rowid CROSS JOIN devices d ON d.id = x.device_id \
                         WHERE device_search_text MATCH {needle} AND d.tenant_id = ?1 \
                         AND f.rowid > (SELECT number << 24 FROM search_tenants WHERE tenant_id = ?1) \
                         AND f.rowid < (SELECT (number + 1) << 24 FROM search_tenants WHERE tenant_id = ?1)"
                    );
                }
                draft.also(conditions);
            }
        }
        let most = draft.bind(MAX_DEVICES + 1);
        draft.sql.push_str(&format!(" LIMIT {most}"));
        Ok(draft)
    }
}

/// How many devices a selection has, by the states of their keys; one more than there may be at most.
pub async fn preview(
    db: &Db,
    tenant_id: &str,
    selection: &Selection,
) -> Result<BTreeMap<String, u64>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        state: String,
        number: u64,
    }
    let draft = selection.draft(tenant_id)?;
    let sql = format!(
        "SELECT key_state AS state, count(*) AS number FROM ({}) GROUP BY key_state",
        draft.sql
    );
    let rows: Vec<Row> = db.rows(&sql, &draft.args).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.state, row.number))
        .collect())
}

/// A family, and the name of a sealing profile, that some devices have.
#[derive(Clone, Debug, Deserialize)]
pub struct FamilyRow {
    pub family: Family,
    pub profile: Option<String>,
}

/// Which families and profiles the devices of a selection have.
pub async fn families(
    db: &Db,
    tenant_id: &str,
    selection: &Selection,
) -> Result<Vec<FamilyRow>, StorageError> {
    let draft = selection.draft(tenant_id)?;
    let sql = format!(
        "SELECT DISTINCT m.family, m.profile FROM ({}) s JOIN devices d ON d.id = s.id \
         JOIN models m ON m.tenant_id = d.tenant_id AND m.name = d.model ORDER BY m.family, m.profile",
        draft.sql
    );
    db.rows(&sql, &draft.args).await
}

/// The MACs of the first devices of a selection.
pub async fn first(
    db: &Db,
    tenant_id: &str,
    selection: &Selection,
    limit: u32,
) -> Result<Vec<String>, StorageError> {
    let mut draft = selection.draft(tenant_id)?;
    let limit = draft.bind(limit);
    let sql = format!("SELECT mac FROM ({}) LIMIT {limit}", draft.sql);
    db.values(&sql, &draft.args).await
}

/// Those of some MACs that are no devices of the tenant, in their order.
pub async fn missing(
    db: &Db,
    tenant_id: &str,
    macs: &[String],
    limit: u32,
) -> Result<Vec<String>, StorageError> {
    db.values(
        "SELECT j.value AS mac FROM json_each(?2) j WHERE NOT EXISTS \
         (SELECT 1 FROM devices WHERE tenant_id = ?1 AND mac = j.value) ORDER BY j.key LIMIT ?3",
        args![tenant_id, json(macs)?, limit],
    )
    .await
}

/// What a tenant has of operations.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Usage {
    /// Those that go on.
    pub running: u64,
    /// Those that are kept, the running ones included.
    pub kept: u64,
    /// The devices of all that are kept.
    pub devices: u64,
}

/// What a tenant has of operations.
pub async fn usage(db: &Db, tenant_id: &str) -> Result<Usage, StorageError> {
    db.row(
        "SELECT count(*) AS kept, coalesce(sum(pending > 0), 0) AS running, \
         coalesce(sum(devices), 0) AS devices FROM operations WHERE tenant_id = ?1",
        args![tenant_id],
    )
    .await?
    .ok_or_else(|| Corrupt::NoAggregate.into())
}

/// An operation to be started.
pub struct NewOperation<'a> {
    pub id: &'a str,
    pub tenant_id: &'a str,
    pub token_id: &'a str,
    pub token_hash: &'a str,
    pub address: &'a str,
    pub action: &'a str,
    pub selection: &'a str,
    pub if_unchanged: bool,
    /// What of the action is secret, wrapped, in the scope of [`secrets_scope`].
    pub secrets: &'a [SettingRow],
    pub now: u64,
}

/// The scope under which secrets of an operation are kept: like a device's, of none that there is, so that
/// no file reads it and a rotation of the master key does.
pub fn secrets_scope(id: &str) -> String {
    Scope::device_key(&format!("operation-{id}"))
}

/// Starts an operation: fixes its selection.
///
/// # Errors
/// [`ChangeError::Overtaken`] if the tenant has too many, or the selection none or too many devices; or D1
/// fails.
pub async fn insert(
    db: &Db,
    new: &NewOperation<'_>,
    devices: &Selection,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        new.tenant_id,
        Invalidates::Device,
        "(SELECT count(*) FROM operations WHERE tenant_id = ?1 AND pending > 0) < ?2 AND \
         (SELECT count(*) FROM operations WHERE tenant_id = ?1) < ?3",
        args![MAX_RUNNING, MAX_KEPT],
    );
    change.push(
        "INSERT INTO operations (id, tenant_id, token_id, token_hash, address, action, selection, \
         if_unchanged, state, devices, pending, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'running', 0, 0, ?9)",
        args![
            new.id,
            new.tenant_id,
            new.token_id,
            new.token_hash,
            new.address,
            new.action,
            new.selection,
            new.if_unchanged,
            new.now
        ],
    );
    let mut draft = devices.draft(new.tenant_id)?;
    let id = draft.bind(new.id);
    let sql = format!(
        "INSERT INTO operation_devices (operation_id, number, device_id, mac, revision, outcome) \
         SELECT {id}, row_number() OVER (ORDER BY id), id, mac, revision, 'waiting' FROM ({})",
        draft.sql
    );
    change.push(&sql, &draft.args);
    change.push(
        "UPDATE operations SET (devices, pending) = (SELECT CASE WHEN count(*) BETWEEN 1 AND ?2 \
         THEN count(*) END, count(*) FROM operation_devices WHERE operation_id = ?1) WHERE id = ?1",
        args![new.id, MAX_DEVICES],
    );
    change.push(
        "INSERT INTO settings (tenant_id, scope, name, value, master) \
         SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?3)",
        args![
            new.tenant_id,
            secrets_scope(new.id),
            json(&written(new.secrets))?
        ],
    );
    change.write(entry).await
}

fn written(rows: &[SettingRow]) -> Vec<(&str, &str, Option<&str>)> {
    rows.iter()
        .map(|row| (row.name.as_str(), row.value.as_str(), row.master.as_deref()))
        .collect()
}

/// The secrets of an operation, as they are stored.
pub async fn secrets(db: &Db, operation: &OperationRow) -> Result<Vec<SettingRow>, StorageError> {
    db.rows(
        "SELECT scope, name, value, master FROM settings WHERE tenant_id = ?1 AND scope = ?2",
        args![&operation.tenant_id, secrets_scope(&operation.id)],
    )
    .await
}

/// An operation of a tenant.
pub async fn find(
    db: &Db,
    tenant_id: &str,
    id: &str,
) -> Result<Option<OperationRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM operations WHERE id = ?2 AND tenant_id = ?1"),
        args![tenant_id, id],
    )
    .await
}

/// Operations of a tenant, the newest first, below an id.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    below: &str,
    limit: u32,
) -> Result<Vec<OperationRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {COLUMNS} FROM operations WHERE tenant_id = ?1 AND id < ?2 \
             ORDER BY id DESC LIMIT ?3"
        ),
        args![tenant_id, below, limit],
    )
    .await
}

const RESULT_COLUMNS: &str = "number, device_id, mac, revision, outcome, cause, detail, at";

/// Devices of an operation in the order of the selection, after a number: all, or those with one outcome.
pub async fn devices(
    db: &Db,
    id: &str,
    outcome: Option<&str>,
    after: u64,
    limit: u32,
) -> Result<Vec<OperationDeviceRow>, StorageError> {
    match outcome {
        Some(outcome) => {
            db.rows(
                &format!(
                    "SELECT {RESULT_COLUMNS} FROM operation_devices WHERE operation_id = ?1 \
                     AND outcome = ?2 AND number > ?3 ORDER BY number LIMIT ?4"
                ),
                args![id, outcome, after, limit],
            )
            .await
        }
        None => {
            db.rows(
                &format!(
                    "SELECT {RESULT_COLUMNS} FROM operation_devices WHERE operation_id = ?1 \
                     AND number > ?2 ORDER BY number LIMIT ?3"
                ),
                args![id, after, limit],
            )
            .await
        }
    }
}

const IS_RUNNING: &str =
    "EXISTS (SELECT 1 FROM operations WHERE id = ?2 AND tenant_id = ?1 AND state = 'running')";

/// Cancels an operation that goes on: what waits is not changed any more.
///
/// # Errors
/// [`ChangeError::Overtaken`] if it does not go on; or D1 fails.
pub async fn cancel(
    db: &Db,
    operation: &OperationRow,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        &operation.tenant_id,
        Invalidates::Device,
        IS_RUNNING,
        args![&operation.id],
    );
    change.push(
        "UPDATE operations SET state = 'cancelled', ended_at = ?2 WHERE id = ?1",
        args![&operation.id, now],
    );
    change.write(entry).await
}

/// Removes an operation that is over, with what became of its devices.
///
/// # Errors
/// [`ChangeError::Overtaken`] if it is not over; or D1 fails.
pub async fn delete(db: &Db, operation: &OperationRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        &operation.tenant_id,
        Invalidates::Device,
        "NOT EXISTS (SELECT 1 FROM operations WHERE id = ?2 AND pending > 0)",
        args![&operation.id],
    );
    change.push("DELETE FROM operations WHERE id = ?1", args![&operation.id]);
    change.write(entry).await
}

/// The tenant's first operation with devices that have no final outcome.
pub async fn next(db: &Db, tenant_id: &str) -> Result<Option<OperationRow>, StorageError> {
    db.row(
        &format!(
            "SELECT {COLUMNS} FROM operations INDEXED BY operations_pending \
             WHERE tenant_id = ?1 AND pending > 0 ORDER BY id LIMIT 1"
        ),
        args![tenant_id],
    )
    .await
}

/// Tenants that have such operations.
pub async fn tenants_with_pending(db: &Db, limit: u32) -> Result<Vec<String>, StorageError> {
    db.values(
        "SELECT DISTINCT tenant_id FROM operations INDEXED BY operations_pending \
         WHERE tenant_id > '' AND pending > 0 LIMIT ?1",
        args![limit],
    )
    .await
}

/// What became of a device.
#[derive(Clone, Debug, serde::Serialize)]
pub struct TurnOutcome {
    pub number: u64,
    /// The final outcome, unless the device's change was applied: then that is *done*.
    pub outcome: &'static str,
    pub cause: Option<&'static str>,
    pub detail: Option<String>,
}

/// Notes what became of devices, once all that was applied is published, and whether the step got on; their
/// operation is done with the last of them.
pub async fn record(
    db: &Db,
    id: &str,
    outcomes: &[TurnOutcome],
    got_on: bool,
    now: u64,
) -> Result<(), StorageError> {
    let rows: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            (
                outcome.number,
                outcome.outcome,
                outcome.cause,
                &outcome.detail,
            )
        })
        .collect();
    db.batch(vec![
        Statement::new(
            "UPDATE operation_devices AS x SET at = coalesce(x.at, ?3), \
             outcome = CASE x.outcome WHEN 'applied' THEN 'done' ELSE j.value ->> 1 END, \
             cause = CASE x.outcome WHEN 'waiting' THEN j.value ->> 2 END, \
             detail = CASE x.outcome WHEN 'waiting' THEN j.value ->> 3 END \
             FROM json_each(?2) j WHERE x.operation_id = ?1 AND x.number = j.value ->> 0 \
             AND x.outcome IN ('waiting', 'applied')",
            args![id, json(&rows)?, now],
        ),
        Statement::new(
            "UPDATE operations SET failures = 0, trouble = NULL WHERE id = ?1 AND ?2",
            args![id, got_on],
        ),
        Statement::new(
            "UPDATE operations SET state = 'done', ended_at = ?2 \
             WHERE id = ?1 AND state = 'running' AND pending = 0",
            args![id, now],
        ),
        forget_secrets(id),
    ])
    .await
    .map(drop)
}

/// Removes the secrets of an operation without anything left to do.
fn forget_secrets(id: &str) -> Statement {
    Statement::new(
        "DELETE FROM settings WHERE scope = ?2 AND tenant_id = (SELECT tenant_id FROM operations \
         WHERE id = ?1 AND (pending = 0 OR state <> 'running'))",
        args![id, secrets_scope(id)],
    )
}

/// Ends what waits in an operation that does not go on; some of it.
pub async fn end_waiting(db: &Db, id: &str, now: u64, limit: u32) -> Result<(), StorageError> {
    db.batch(vec![
        Statement::new(
            "UPDATE operation_devices SET outcome = 'cancelled', at = ?2 WHERE operation_id = ?1 \
             AND number IN (SELECT number FROM operation_devices WHERE operation_id = ?1 \
             AND outcome = 'waiting' ORDER BY number LIMIT ?3)",
            args![id, now, limit],
        ),
        forget_secrets(id),
    ])
    .await
    .map(drop)
}

/// Why an operation is stopped while it goes on. A restored database stops them all by itself, with the cause
/// `database_restored`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// The token that it was started with is no longer there.
    TokenRemoved,
    TokenExpired,
}

impl StopCause {
    /// The word in the table and in the API.
    fn as_str(self) -> &'static str {
        match self {
            Self::TokenRemoved => "token_removed",
            Self::TokenExpired => "token_expired",
        }
    }
}

/// Stops an operation that goes on.
pub async fn stop(db: &Db, id: &str, cause: StopCause, now: u64) -> Result<(), StorageError> {
    db.run(
        "UPDATE operations SET state = 'stopped', cause = ?2, ended_at = ?3 \
         WHERE id = ?1 AND state = 'running'",
        args![id, cause.as_str(), now],
    )
    .await
    .map(drop)
}

/// Records that a step could not be done.
pub async fn record_failure(db: &Db, id: &str, failure: &str) -> Result<(), StorageError> {
    db.run(
        "UPDATE operations SET failures = failures + 1, trouble = ?2 WHERE id = ?1",
        args![id, failure],
    )
    .await
    .map(drop)
}

/// Removes some of what is over since before a time.
pub async fn forget(db: &Db, before: u64, limit: u32) -> Result<usize, StorageError> {
    let removed = db
        .run(
            "DELETE FROM operation_devices WHERE (operation_id, number) IN (SELECT x.operation_id, x.number \
             FROM operations o INDEXED BY operations_by_end CROSS JOIN operation_devices x \
             ON x.operation_id = o.id WHERE o.ended_at < ?1 AND o.pending = 0 LIMIT ?2)",
            args![before, limit],
        )
        .await?;
    if removed < limit as usize {
        db.run(
            "DELETE FROM operations WHERE id IN (SELECT o.id FROM operations o \
             INDEXED BY operations_by_end WHERE o.ended_at < ?1 AND o.pending = 0 \
             AND NOT EXISTS (SELECT 1 FROM operation_devices x WHERE x.operation_id = o.id) LIMIT ?2)",
            args![before, limit],
        )
        .await?;
    }
    Ok(removed)
}
