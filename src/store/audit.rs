//! The audit log: who changed what. Entries are written by [`Change::commit`](super::Change::commit),
//! in the transaction of the change itself, and read here.

use ringfence_sql::args;
use worker::D1PreparedStatement;

use crate::db::{Db, StorageError};

pub use crate::audit::AuditRow;

/// One change, as it is written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub tenant_id: Option<String>,
    pub token_id: String,
    /// What was done, as `device.rekey`.
    pub action: &'static str,
    /// What it was done to, as a path of the API below its tenant.
    pub object: String,
    /// JSON without secrets, bounded by [`audit::bound`](crate::audit::bound).
    pub before: Option<String>,
    /// JSON without secrets, bounded likewise.
    pub after: Option<String>,
    pub address: String,
    pub request_id: String,
    pub at: u64,
    /// Whether it is refused where its tenant's entries have filled their part of the log.
    pub limited: bool,
}

impl Entry {
    /// The statement that adds it.
    ///
    /// # Errors
    /// The statement cannot be made.
    pub fn statement(&self, db: &Db) -> Result<D1PreparedStatement, StorageError> {
        db.statement(
            "INSERT INTO audit (id, tenant_id, token_id, action, object, before, after, address, \
             request_id, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            args![
                &self.id,
                self.tenant_id.as_deref(),
                &self.token_id,
                self.action,
                &self.object,
                self.before.as_deref(),
                self.after.as_deref(),
                &self.address,
                &self.request_id,
                self.at
            ],
        )
    }
}

pub(super) const AUDIT_COLUMNS: &str =
    "number, id, tenant_id, token_id, action, object, before, after, address, request_id, at";

/// The changes of everything, the newest first; `before` is the id to go on below.
///
/// # Errors
/// D1 does not answer.
pub async fn all(db: &Db, before: Option<&str>, limit: u32) -> Result<Vec<AuditRow>, StorageError> {
    db.rows(
        &format!("SELECT {AUDIT_COLUMNS} FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2"),
        args![before.unwrap_or(super::LAST_ID), limit],
    )
    .await
}

/// The changes of a tenant, the newest first.
///
/// # Errors
/// D1 does not answer.
pub async fn of_tenant(
    db: &Db,
    tenant_id: &str,
    object: Option<&str>,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<AuditRow>, StorageError> {
    let before = before.unwrap_or(super::LAST_ID);
    match object {
        Some(object) => {
            db.rows(
                &format!(
                    "SELECT {AUDIT_COLUMNS} FROM audit WHERE object = ?1 AND tenant_id = ?2 AND id < ?3 \
                     ORDER BY id DESC LIMIT ?4"
                ),
                args![object, tenant_id, before, limit],
            )
            .await
        }
        None => {
            db.rows(
                &format!(
                    "SELECT {AUDIT_COLUMNS} FROM audit WHERE tenant_id = ?1 AND id < ?2 \
                     ORDER BY id DESC LIMIT ?3"
                ),
                args![tenant_id, before, limit],
            )
            .await
        }
    }
}
