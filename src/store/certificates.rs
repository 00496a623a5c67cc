//! Root certificates that an operator uploaded, served under their own names.

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{D1Result, Db, StorageError, rows};

/// A certificate as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct CertificateRow {
    pub name: String,
    /// The file as it was uploaded, base64.
    pub body: String,
    pub created_at: u64,
}

/// A certificate of a tenant.
pub async fn find(
    db: &Db,
    tenant_id: &str,
    name: &str,
) -> Result<Option<CertificateRow>, StorageError> {
    db.row(
        "SELECT name, body, created_at FROM certificates WHERE tenant_id = ?1 AND name = ?2",
        args![tenant_id, name],
    )
    .await
}

/// The body of a certificate file, base64.
pub async fn body(db: &Db, tenant_id: &str, name: &str) -> Result<Option<String>, StorageError> {
    db.value(
        "SELECT body FROM certificates WHERE tenant_id = ?1 AND name = ?2",
        args![tenant_id, name],
    )
    .await
}

/// The most certificates that an initial file names, the first by their names.
pub const MAX_NAMED: usize = 3;

pub(super) const NAMES: &str =
    "SELECT name FROM certificates WHERE tenant_id = ?1 ORDER BY name LIMIT 3";

/// What [`NAMES`] gave.
///
/// # Errors
/// The rows are others.
pub(super) fn named(result: &D1Result) -> Result<Vec<String>, StorageError> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    Ok(rows::<Named>(result)?
        .into_iter()
        .map(|row| row.name)
        .collect())
}

/// The names of a tenant's certificates, in the order in which an initial file names them.
pub async fn names(db: &Db, tenant_id: &str) -> Result<Vec<String>, StorageError> {
    db.values(NAMES, args![tenant_id]).await
}

/// All certificates of a tenant; there are few.
pub async fn list(db: &Db, tenant_id: &str) -> Result<Vec<CertificateRow>, StorageError> {
    db.rows(
        "SELECT name, body, created_at FROM certificates WHERE tenant_id = ?1 ORDER BY name",
        args![tenant_id],
    )
    .await
}

/// Adds or replaces a certificate, unless that would be more than `most`.
///
/// # Errors
/// There are too many ([`ChangeError::Overtaken`]), or D1 fails.
pub async fn put(
    db: &Db,
    tenant_id: &str,
    row: &CertificateRow,
    most: u32,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Tenant,
        "(SELECT count(*) FROM certificates WHERE tenant_id = ?1 AND name <> ?2) < ?3",
        args![&row.name, most],
    );
    change.push(
        "INSERT INTO certificates (tenant_id, name, body, created_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO UPDATE SET body = excluded.body, created_at = excluded.created_at",
        args![tenant_id, &row.name, &row.body, row.created_at],
    );
    change.write(entry).await
}

/// Removes a certificate.
///
/// # Errors
/// D1 fails.
pub async fn delete(
    db: &Db,
    tenant_id: &str,
    name: &str,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::new(db, tenant_id, Invalidates::Tenant);
    change.push(
        "DELETE FROM certificates WHERE tenant_id = ?1 AND name = ?2",
        args![tenant_id, name],
    );
    change.write(entry).await
}
