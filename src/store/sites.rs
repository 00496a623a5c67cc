//! Sites.

use std::collections::BTreeMap;

use ringfence_sql::args;
use serde::Deserialize;

use super::json::json;
use super::object::Scope;
use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError, rows};
use crate::model::limits::Quota;

/// A site as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct SiteRow {
    pub id: String,
    pub name: String,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

const COLUMNS: &str = "id, name, revision, created_at, updated_at";
const AT_REVISION: &str =
    "EXISTS (SELECT 1 FROM sites WHERE id = ?2 AND tenant_id = ?1 AND revision = ?3)";

/// A site of a tenant.
pub async fn find(db: &Db, tenant_id: &str, id: &str) -> Result<Option<SiteRow>, StorageError> {
    Ok(rows(&db.all(one(tenant_id, id)).await?)?.pop())
}

/// What reads it.
pub(super) fn one(tenant_id: &str, id: &str) -> Statement {
    Statement::new(
        &format!("SELECT {COLUMNS} FROM sites WHERE id = ?2 AND tenant_id = ?1"),
        args![tenant_id, id],
    )
}

/// Sites of a tenant in the order of their ids, after `after`.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<SiteRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {COLUMNS} FROM sites WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        ),
        args![tenant_id, after, limit],
    )
    .await
}

/// The names of some sites of a tenant, by their ids.
pub async fn names(
    db: &Db,
    tenant_id: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, String>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        name: String,
    }
    let rows: Vec<Row> = db
        .rows(
            "SELECT s.id, s.name FROM json_each(?2) j CROSS JOIN sites s ON s.id = j.value \
             AND s.tenant_id = ?1",
            args![tenant_id, json(ids)?],
        )
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// Adds a site.
///
/// # Errors
/// Another one has its name, or D1 fails.
pub async fn insert(
    db: &Db,
    tenant_id: &str,
    id: &str,
    name: &str,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::new(db, tenant_id, Invalidates::Device);
    change.push(
        "INSERT INTO sites (tenant_id, id, name, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?4)",
        args![tenant_id, id, name, now],
    );
    change.within(tenant_id, Quota::Sites);
    change.write(entry).await
}

/// Renames a site.
///
/// # Errors
/// The site is no longer at `revision`, another site has the name, or D1 fails.
pub async fn rename(
    db: &Db,
    tenant_id: &str,
    site: &SiteRow,
    name: &str,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        AT_REVISION,
        args![&site.id, site.revision],
    );
    change.push(
        "UPDATE sites SET name = ?2, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
        args![&site.id, name, now],
    );
    change.write(entry).await
}

/// Removes a site and its settings. A site with devices stays: the foreign key refuses it.
///
/// # Errors
/// The site is no longer at `revision`, has devices, or D1 fails.
pub async fn delete(
    db: &Db,
    tenant_id: &str,
    site: &SiteRow,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Device,
        AT_REVISION,
        args![&site.id, site.revision],
    );
    change.push("DELETE FROM sites WHERE id = ?1", args![&site.id]);
    change.delete_layer(tenant_id, &Scope::Site(site.id.clone()).key())?;
    change.write(entry).await
}
