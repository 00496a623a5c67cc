//! Pools, and who belongs to which.

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError};

/// A pool as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct PoolRow {
    pub id: String,
    pub name: String,
    /// JSON, see [`PoolOptions`](ringfence_queue::options::PoolOptions).
    pub options: String,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

const COLUMNS: &str = "id, name, options, revision, created_at, updated_at";

/// A pool by its id.
///
/// # Errors
/// D1 does not answer.
pub async fn find(db: &Db, id: &str) -> Result<Option<PoolRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM pools WHERE id = ?1"),
        args![id],
    )
    .await
}

/// Pools in the order of their ids, after `after`.
///
/// # Errors
/// D1 does not answer.
pub async fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<PoolRow>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM pools WHERE id > ?1 ORDER BY id LIMIT ?2");
    db.rows(&sql, args![after, limit]).await
}

/// The statement that reads the first `limit` pools, for a batch.
///
/// # Errors
/// The statement cannot be made.
pub fn first(db: &Db, limit: u32) -> Result<Statement, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM pools WHERE id > '' ORDER BY id LIMIT ?1");
    db.statement(&sql, args![limit])
}

/// Adds a pool.
///
/// # Errors
/// Another one has its name, or D1 fails.
pub async fn insert(db: &Db, row: &PoolRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "INSERT INTO pools (id, name, options, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        args![
            &row.id,
            &row.name,
            &row.options,
            row.created_at,
            row.updated_at
        ],
    )?;
    change.write(entry).await
}

/// Replaces a pool's name and options. The revision would become NULL, which the schema refuses,
/// if the pool is no longer at `row.revision`.
///
/// # Errors
/// It is no longer at that revision, another one has the name, or D1 fails.
pub async fn update(
    db: &Db,
    row: &PoolRow,
    name: &str,
    options: &str,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "UPDATE pools SET name = ?3, options = ?4, updated_at = ?5, \
         revision = CASE WHEN revision = ?2 THEN revision + 1 END WHERE id = ?1",
        args![&row.id, row.revision, name, options, now],
    )?;
    change.commit(entry).await.map_err(|error| match error {
        ChangeError::Storage(error) if error.violates_not_null() == Some("pools.revision") => {
            ChangeError::Overtaken
        }
        error => error,
    })?;
    Ok(())
}

/// Removes a pool without relays, tenants and sites: foreign keys refuse any other.
///
/// # Errors
/// Something belongs to it, or D1 fails.
pub async fn delete(db: &Db, id: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push("DELETE FROM pools WHERE id = ?1", args![id])?;
    change.write(entry).await
}

/// The pool that a tenant names, and every pool that may have its jobs: its own, its sites', those
/// it ever gave jobs to.
///
/// # Errors
/// D1 does not answer.
pub async fn of_tenant(db: &Db, tenant_id: &str) -> Result<Vec<String>, StorageError> {
    let sql = "SELECT coalesce(pool_id, 'default') AS pool FROM tenants WHERE id = ?1 \
               UNION SELECT pool_id FROM sites WHERE tenant_id = ?1 AND pool_id IS NOT NULL \
               UNION SELECT pool_id FROM tenant_pools WHERE tenant_id = ?1 ORDER BY 1 LIMIT 100";
    db.values(sql, args![tenant_id]).await
}

/// Records that a tenant gives jobs to a pool.
///
/// # Errors
/// D1 does not answer.
pub async fn record_use(db: &Db, tenant_id: &str, pool: &str) -> Result<(), StorageError> {
    let sql =
        "INSERT INTO tenant_pools (tenant_id, pool_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    db.run(sql, args![tenant_id, pool]).await.map(drop)
}

/// What a tenant, or a site of it, names as its pool.
///
/// # Errors
/// D1 does not answer.
pub async fn assigned(
    db: &Db,
    tenant_id: &str,
    site_id: Option<&str>,
) -> Result<Option<String>, StorageError> {
    let pool: Option<Option<String>> = match site_id {
        Some(site) => {
            let sql = "SELECT pool_id FROM sites WHERE id = ?2 AND tenant_id = ?1";
            db.value(sql, args![tenant_id, site]).await?
        }
        None => {
            let sql = "SELECT pool_id FROM tenants WHERE id = ?1";
            db.value(sql, args![tenant_id]).await?
        }
    };
    Ok(pool.flatten())
}

/// Assigns a tenant, or a site of it, to a pool; `None` is the next above.
///
/// # Errors
/// There is no such pool, or D1 fails.
pub async fn assign(
    db: &Db,
    tenant_id: &str,
    site_id: Option<&str>,
    pool: Option<&str>,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::new(db, tenant_id, Invalidates::Device)?;
    match site_id {
        Some(site) => change.push(
            "UPDATE sites SET pool_id = ?3 WHERE id = ?2 AND tenant_id = ?1",
            args![tenant_id, site, pool],
        )?,
        None => change.push(
            "UPDATE tenants SET pool_id = ?2 WHERE id = ?1",
            args![tenant_id, pool],
        )?,
    }
    change.write(entry).await
}
