//! Access paths: the first segments under which a tenant's phones ask. Stored hashed.

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, StorageError};

/// An access path as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct AccessPathRow {
    pub id: String,
    /// SHA-256 of the segment, hex.
    pub hash: String,
    pub label: String,
    pub created_at: u64,
    pub expires_at: Option<u64>,
    /// When a file last went out under it, to the hour.
    pub last_used_at: Option<u64>,
    /// How many devices have got a file under it since the time that was asked about; at most
    /// 1,000.
    pub devices: u64,
    /// The segment, wrapped for [`segment_identity`]: only where moved phones are sent to.
    pub segment: Option<String>,
}

/// What a wrapped segment is bound to.
pub fn segment_identity(tenant_id: &str, id: &str) -> String {
    format!("access-path:{tenant_id}:{id}")
}

/// How many access paths a tenant has at most.
pub const MAX_ACCESS_PATHS: u32 = 20;

/// The columns of [`AccessPathRow`]. Devices are counted to 1,000: whether an old access path may go is
/// seen by far fewer. ?2 is the time since when devices are counted.
const COLUMNS: &str = "a.id, a.hash, a.label, a.created_at, a.expires_at, a.segment, \
     nullif(max(coalesce(a.last_used_at, 0), coalesce((SELECT max(u.last_at) \
     FROM access_path_devices u WHERE u.access_path_id = a.id), 0)), 0) AS last_used_at, \
     (SELECT count(*) FROM (SELECT 1 FROM access_path_devices u WHERE u.access_path_id = a.id \
     AND u.last_at >= ?2 LIMIT 1000)) AS devices";

/// An access path of a tenant, with the number of devices that used it since `since`.
///
/// # Errors
/// D1 does not answer.
pub async fn find(
    db: &Db,
    tenant_id: &str,
    id: &str,
    since: u64,
) -> Result<Option<AccessPathRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM access_paths a WHERE a.id = ?3 AND a.tenant_id = ?1"),
        args![tenant_id, since, id],
    )
    .await
}

/// The access path of a tenant with that hash. Here and below, no device's use since `until`, which is to
/// come, is counted.
///
/// # Errors
/// D1 does not answer.
pub async fn with_hash(
    db: &Db,
    tenant_id: &str,
    hash: &str,
    until: u64,
) -> Result<Option<AccessPathRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM access_paths a WHERE a.hash = ?3 AND a.tenant_id = ?1"),
        args![tenant_id, until, hash],
    )
    .await
}

/// The newest access path of a tenant whose segment is stored, and that is good until `until`.
///
/// # Errors
/// D1 does not answer.
pub async fn with_segment(
    db: &Db,
    tenant_id: &str,
    until: u64,
) -> Result<Option<AccessPathRow>, StorageError> {
    db.row(
        &format!(
            "SELECT {COLUMNS} FROM access_paths a WHERE a.tenant_id = ?1 AND a.segment IS NOT NULL \
             AND (a.expires_at IS NULL OR a.expires_at >= ?2) ORDER BY a.id DESC LIMIT 1"
        ),
        args![tenant_id, until],
    )
    .await
}

/// Access paths of a tenant in the order of their ids, after `after`.
///
/// # Errors
/// D1 does not answer.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    since: u64,
    after: &str,
    limit: u32,
) -> Result<Vec<AccessPathRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {COLUMNS} FROM access_paths a WHERE a.tenant_id = ?1 AND a.id > ?3 \
             ORDER BY a.id LIMIT ?4"
        ),
        args![tenant_id, since, after, limit],
    )
    .await
}

/// Adds an access path, unless the tenant has `most` already.
///
/// # Errors
/// There are too many ([`ChangeError::Overtaken`]), or D1 fails.
pub async fn insert(
    db: &Db,
    tenant_id: &str,
    row: &AccessPathRow,
    most: u32,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        "(SELECT count(*) FROM access_paths WHERE tenant_id = ?1) < ?2",
        args![most],
    )?;
    push_insert(&mut change, tenant_id, row)?;
    change.write(entry).await
}

/// Adds to a change that there is another access path. Its guard holds [`MAX_ACCESS_PATHS`].
///
/// # Errors
/// The statement cannot be made.
pub fn push_insert(
    change: &mut Change<'_>,
    tenant_id: &str,
    row: &AccessPathRow,
) -> Result<(), StorageError> {
    change.push(
        "INSERT INTO access_paths (tenant_id, id, hash, label, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        args![
            tenant_id,
            &row.id,
            &row.hash,
            &row.label,
            row.created_at,
            row.expires_at
        ],
    )
}

/// Changes the label and the expiry of an access path.
///
/// # Errors
/// It is gone, or D1 fails.
pub async fn update(
    db: &Db,
    tenant_id: &str,
    id: &str,
    label: &str,
    expires_at: Option<u64>,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        "EXISTS (SELECT 1 FROM access_paths WHERE id = ?2 AND tenant_id = ?1)",
        args![id],
    )?;
    change.push(
        "UPDATE access_paths SET label = ?2, expires_at = ?3 WHERE id = ?1",
        args![id, label, expires_at],
    )?;
    change.write(entry).await
}

/// Removes an access path.
///
/// # Errors
/// D1 fails.
pub async fn delete(db: &Db, tenant_id: &str, id: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::new(db, tenant_id, Invalidates::Device)?;
    change.push(
        "DELETE FROM access_paths WHERE id = ?2 AND tenant_id = ?1",
        args![tenant_id, id],
    )?;
    change.write(entry).await
}
