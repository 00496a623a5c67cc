//! Access paths: the first segments under which a tenant's phones ask. Stored hashed.

use ringfence_sql::args;
use serde::Deserialize;

use super::json::json;
use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError, rows};

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
    /// The segment, wrapped for [`segment_identity`]: only where phones are told to move to.
    pub segment: Option<String>,
    /// Since when the tenant's phones are to move to it, in Unix milliseconds; `None`: they are not.
    pub target_since: Option<u64>,
}

/// A segment, wrapped, and the id of the master key that wraps it.
pub type Wrapped<'a> = (&'a str, &'a str);

/// What a wrapped segment is bound to.
pub fn segment_identity(tenant_id: &str, id: &str) -> String {
    format!("access-path:{tenant_id}:{id}")
}

/// How many access paths a tenant has at most.
pub const MAX_ACCESS_PATHS: u32 = 20;

/// The columns of [`AccessPathRow`]. Devices are counted to 1,000: whether an old access path may go is
/// seen by far fewer. ?2 is the time since when devices are counted.
const COLUMNS: &str = "a.id, a.hash, a.label, a.created_at, a.expires_at, a.segment, \
     a.target_since, nullif(max(coalesce(a.last_used_at, 0), coalesce((SELECT max(u.last_at) \
     FROM access_path_devices u WHERE u.access_path_id = a.id), 0)), 0) AS last_used_at, \
     (SELECT count(*) FROM (SELECT 1 FROM access_path_devices u WHERE u.access_path_id = a.id \
     AND u.last_at >= ?2 LIMIT 1000)) AS devices";

/// An access path of a tenant, with the number of devices that used it since `since`.
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

/// The access path of a tenant whose segment is stored, and that is good until `until`: the one that its phones
/// are to move to anyway, or the newest.
pub async fn with_segment(
    db: &Db,
    tenant_id: &str,
    until: u64,
) -> Result<Option<AccessPathRow>, StorageError> {
    db.row(
        &format!(
            "SELECT {COLUMNS} FROM access_paths a WHERE a.tenant_id = ?1 AND a.segment IS NOT NULL \
             AND (a.expires_at IS NULL OR a.expires_at >= ?2) \
             ORDER BY a.target_since IS NULL, a.id DESC LIMIT 1"
        ),
        args![tenant_id, until],
    )
    .await
}

/// Access paths of a tenant in the order of their ids, after `after`.
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
    );
    push_insert(&mut change, tenant_id, row);
    change.write(entry).await
}

/// Adds an access path that the tenant's phones are to move to, unless the tenant has `most` already. `made` is
/// the entry of its making, `entry` that of its naming.
///
/// # Errors
/// As [`insert`].
pub async fn insert_target(
    db: &Db,
    tenant_id: &str,
    row: &AccessPathRow,
    segment: Wrapped<'_>,
    most: u32,
    made: &Entry,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Tenant,
        "(SELECT count(*) FROM access_paths WHERE tenant_id = ?1) < ?2",
        args![most],
    );
    push_insert(&mut change, tenant_id, row);
    push_target(&mut change, tenant_id, &row.id, Some(segment), entry.at);
    change.enter(made);
    change.write(entry).await
}

/// Names the access path that the tenant's phones are to move to; every file that names URLs is made anew.
/// `segment` is needed where it is not stored yet.
///
/// # Errors
/// The access path is gone or ends, its segment is not known, or D1 fails.
pub async fn set_target(
    db: &Db,
    tenant_id: &str,
    id: &str,
    segment: Option<Wrapped<'_>>,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Tenant,
        "EXISTS (SELECT 1 FROM access_paths WHERE id = ?2 AND tenant_id = ?1 \
         AND expires_at IS NULL AND (?3 OR segment IS NOT NULL))",
        args![id, u32::from(segment.is_some())],
    );
    push_target(&mut change, tenant_id, id, segment, entry.at);
    change.write(entry).await
}

fn push_target(
    change: &mut Change<'_>,
    tenant_id: &str,
    id: &str,
    segment: Option<Wrapped<'_>>,
    now: u64,
) {
    change.push(NO_TARGET, args![tenant_id]);
    let (wrapped, master) = segment.unzip();
    change.push(
        "UPDATE access_paths SET target_since = ?3, segment = coalesce(?4, segment), \
         master = coalesce(?5, master) WHERE id = ?2 AND tenant_id = ?1",
        args![tenant_id, id, now, wrapped, master],
    );
}

const NO_TARGET: &str = "UPDATE access_paths SET target_since = NULL \
     WHERE tenant_id = ?1 AND target_since IS NOT NULL";

/// Ends that the tenant's phones are to move to an access path; every file that names URLs is made anew.
///
/// # Errors
/// The access path is not the one, or D1 fails.
pub async fn end_target(
    db: &Db,
    tenant_id: &str,
    id: &str,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Tenant,
        "EXISTS (SELECT 1 FROM access_paths WHERE id = ?2 AND tenant_id = ?1 \
         AND target_since IS NOT NULL)",
        args![id],
    );
    change.push(NO_TARGET, args![tenant_id]);
    change.write(entry).await
}

/// Id of the access path that the tenant's phones are to move to.
pub async fn target(db: &Db, tenant_id: &str) -> Result<Option<String>, StorageError> {
    db.value(
        "SELECT id FROM access_paths WHERE tenant_id = ?1 AND target_since IS NOT NULL",
        args![tenant_id],
    )
    .await
}

/// How many of a tenant's devices that are in service ask under an access path by now, and how many do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct MoveProgress {
    pub moved: u64,
    pub not_moved: u64,
}

/// A device that does not ask under the access path that was asked about.
#[derive(Clone, Debug, Deserialize)]
pub struct NotMoved {
    pub mac: String,
    pub label: String,
    pub model: String,
    /// Under which it last got a file, and when, to the hour.
    pub access_path: Option<String>,
    pub last_used_at: Option<u64>,
}

/// That a device `d` last got a file under ?2, and under no other access path since.
const HAS_MOVED: &str = "coalesce((SELECT u.last_at FROM access_path_devices u \
     WHERE u.access_path_id = ?2 AND u.device_id = d.id), 0) > \
     coalesce((SELECT max(o.last_at) FROM access_path_devices o \
     WHERE o.device_id = d.id AND o.access_path_id <> ?2), 0)";

/// Which of these devices ask under an access path, by their ids.
pub async fn asking_under(
    db: &Db,
    id: &str,
    devices: &[&str],
) -> Result<Vec<String>, StorageError> {
    let sql = format!(
        "SELECT d.id FROM json_each(?1) j JOIN devices d ON d.id = j.value WHERE {HAS_MOVED}"
    );
    db.values(&sql, args![json(&devices)?, id]).await
}

/// How many devices in service have got files under an access path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Dependents {
    /// Those that ever did.
    pub ever: u64,
    /// Those that did since the time that was asked about.
    pub lately: u64,
    /// Those that did, and under no other access path since: they ask under it.
    pub asking: u64,
}

/// How many devices in service have got files under an access path.
pub async fn dependents(
    db: &Db,
    tenant_id: &str,
    id: &str,
    since: u64,
) -> Result<Dependents, StorageError> {
    let found: Option<Dependents> = db
        .row(
            "SELECT count(*) AS ever, coalesce(sum(u.last_at >= ?3), 0) AS lately, \
             coalesce(sum(u.last_at > coalesce((SELECT max(o.last_at) FROM access_path_devices o \
             WHERE o.device_id = u.device_id AND o.access_path_id <> ?2), 0)), 0) AS asking \
             FROM access_path_devices u CROSS JOIN devices d ON d.id = u.device_id \
             WHERE u.access_path_id = ?2 AND d.tenant_id = ?1 AND d.disabled = 0",
            args![tenant_id, id, since],
        )
        .await?;
    Ok(found.unwrap_or_default())
}

/// How far the devices of a tenant have moved to an access path, and those that have not, in the order of
/// their MACs, after `after`.
pub async fn moved(
    db: &Db,
    tenant_id: &str,
    id: &str,
    after: &str,
    limit: u32,
) -> Result<(MoveProgress, Vec<NotMoved>), StorageError> {
    let [counted, found] = db
        .batch_of([
            Statement::new(
                &format!(
                    "SELECT coalesce(sum({HAS_MOVED}), 0) AS moved, \
                     coalesce(sum(NOT {HAS_MOVED}), 0) AS not_moved \
                     FROM devices d WHERE d.tenant_id = ?1 AND d.disabled = 0"
                ),
                args![tenant_id, id],
            ),
            Statement::new(
                &format!(
                    "SELECT d.mac, d.label, d.model, l.access_path_id AS access_path, \
                     l.last_at AS last_used_at FROM devices d \
                     LEFT JOIN access_path_devices l ON l.device_id = d.id AND l.access_path_id = \
                     (SELECT n.access_path_id FROM access_path_devices n WHERE n.device_id = d.id \
                     ORDER BY n.last_at DESC LIMIT 1) \
                     WHERE d.tenant_id = ?1 AND d.mac > ?3 AND d.disabled = 0 AND NOT {HAS_MOVED} \
                     ORDER BY d.mac LIMIT ?4"
                ),
                args![tenant_id, id, after, limit],
            ),
        ])
        .await?;
    let counted = rows::<MoveProgress>(&counted)?.into_iter().next();
    let counted = counted.ok_or_else(|| StorageError::database("a count without a row"))?;
    Ok((counted, rows(&found)?))
}

/// Adds to a change that there is another access path. Its guard holds [`MAX_ACCESS_PATHS`].
pub fn push_insert(change: &mut Change<'_>, tenant_id: &str, row: &AccessPathRow) {
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
    );
}

/// Changes the label and the expiry of an access path.
///
/// # Errors
/// The access path is gone, or phones are to move to it and it would end, or D1 fails.
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
        "EXISTS (SELECT 1 FROM access_paths WHERE id = ?2 AND tenant_id = ?1 \
         AND (?3 OR target_since IS NULL))",
        args![id, u32::from(expires_at.is_none())],
    );
    change.push(
        "UPDATE access_paths SET label = ?2, expires_at = ?3 WHERE id = ?1",
        args![id, label, expires_at],
    );
    change.write(entry).await
}

/// Removes an access path.
///
/// # Errors
/// Phones are to move to it, or D1 fails.
pub async fn delete(db: &Db, tenant_id: &str, id: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        "NOT EXISTS (SELECT 1 FROM access_paths WHERE id = ?2 AND tenant_id = ?1 \
         AND target_since IS NOT NULL)",
        args![id],
    );
    change.push(
        "DELETE FROM access_paths WHERE id = ?2 AND tenant_id = ?1",
        args![tenant_id, id],
    );
    change.write(entry).await
}
