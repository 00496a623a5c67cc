//! Pools, and who belongs to which.

use std::str::Utf8Error;

use ringfence_provision::wrap::{Keyring, WrapError};
use ringfence_sip_notify::{Credentials, CredentialsError};
use ringfence_sql::args;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Change, ChangeError, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError};

/// What a pool that sends itself answers its proxy's challenge with.
#[derive(Clone, Debug, Deserialize)]
pub struct CredentialsRow {
    pub pool_id: String,
    pub username: String,
    pub realm: Option<String>,
    /// Wrapped for [`password_identity`].
    pub password: String,
    pub updated_at: u64,
}

/// What a wrapped password is bound to.
pub fn password_identity(pool: &str) -> String {
    format!("pool-credentials:{pool}")
}

/// Why the credentials of a pool for its proxy are of no use.
#[derive(Debug, thiserror::Error)]
pub enum PoolCredentialsError {
    #[error("the password for the proxy does not open: {0}")]
    Wrapped(#[from] WrapError),
    #[error("the password for the proxy is no text")]
    NoText(#[from] Utf8Error),
    #[error("the credentials for the proxy: {0}")]
    Unusable(#[from] CredentialsError),
}

impl CredentialsRow {
    /// As a NOTIFY needs them.
    pub fn open(&self, keyring: &Keyring) -> Result<Credentials, PoolCredentialsError> {
        let plain = keyring
            .unwrap(&password_identity(&self.pool_id), &self.password)
            .map(Zeroizing::new)?;
        let password = std::str::from_utf8(&plain)?;
        Ok(Credentials::new(
            &self.username,
            password,
            self.realm.as_deref(),
        )?)
    }
}

/// The credentials of a pool for its proxy.
pub async fn credentials(db: &Db, pool: &str) -> Result<Option<CredentialsRow>, StorageError> {
    db.row(
        "SELECT pool_id, username, realm, password, updated_at FROM pool_credentials WHERE pool_id = ?1",
        args![pool],
    )
    .await
}

/// Sets the credentials of a pool for its proxy; the password is wrapped under `master`.
///
/// # Errors
/// D1 fails.
pub async fn put_credentials(
    db: &Db,
    row: &CredentialsRow,
    master: &str,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "INSERT INTO pool_credentials (pool_id, username, realm, password, master, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET username = excluded.username, \
         realm = excluded.realm, password = excluded.password, master = excluded.master, \
         updated_at = excluded.updated_at",
        args![
            &row.pool_id,
            &row.username,
            row.realm.as_ref(),
            &row.password,
            master,
            row.updated_at
        ],
    );
    change.write(entry).await
}

/// Removes the credentials of a pool for its proxy.
///
/// # Errors
/// D1 fails.
pub async fn delete_credentials(db: &Db, pool: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "DELETE FROM pool_credentials WHERE pool_id = ?1",
        args![pool],
    );
    change.write(entry).await
}

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
pub async fn find(db: &Db, id: &str) -> Result<Option<PoolRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM pools WHERE id = ?1"),
        args![id],
    )
    .await
}

/// Pools in the order of their ids, after `after`.
pub async fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<PoolRow>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM pools WHERE id > ?1 ORDER BY id LIMIT ?2");
    db.rows(&sql, args![after, limit]).await
}

/// The statement that reads the first `limit` pools, for a batch.
pub fn first(limit: u32) -> Statement {
    let sql = format!("SELECT {COLUMNS} FROM pools WHERE id > '' ORDER BY id LIMIT ?1");
    Statement::new(&sql, args![limit])
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
    );
    change.write(entry).await
}

/// Replaces a pool's name and options. The revision would become NULL, which the schema refuses,
/// if the pool is no longer at `row.revision`.
///
/// # Errors
/// The pool is no longer at that revision, another pool has the name, or D1 fails.
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
    );
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
    change.push("DELETE FROM pools WHERE id = ?1", args![id]);
    change.write(entry).await
}

/// How many of what would keep a pool refer to it: the foreign keys of the schema refuse the removal.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Referring {
    pub tenants: u64,
    pub sites: u64,
    pub relays: u64,
}

/// What refers to a pool.
pub async fn referring(db: &Db, pool: &str) -> Result<Referring, StorageError> {
    let sql = "SELECT (SELECT count(*) FROM tenants WHERE pool_id = ?1) AS tenants, \
               (SELECT count(*) FROM sites WHERE pool_id = ?1) AS sites, \
               (SELECT count(*) FROM relays WHERE pool_id = ?1) AS relays";
    let found = db.row(sql, args![pool]).await?;
    Ok(found.unwrap_or_default())
}

/// The pool that a tenant names, and every pool that may have its jobs: its own, its sites', those
/// it ever gave jobs to.
pub async fn of_tenant(db: &Db, tenant_id: &str) -> Result<Vec<String>, StorageError> {
    let sql = "SELECT coalesce(pool_id, 'default') AS pool FROM tenants WHERE id = ?1 \
               UNION SELECT pool_id FROM sites WHERE tenant_id = ?1 AND pool_id IS NOT NULL \
               UNION SELECT pool_id FROM tenant_pools WHERE tenant_id = ?1 ORDER BY 1 LIMIT 100";
    db.values(sql, args![tenant_id]).await
}

/// Records that a tenant gives jobs to a pool.
pub async fn record_use(db: &Db, tenant_id: &str, pool: &str) -> Result<(), StorageError> {
    let sql =
        "INSERT INTO tenant_pools (tenant_id, pool_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    db.run(sql, args![tenant_id, pool]).await.map(drop)
}

/// What a tenant, or a site of it, names as its pool.
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

/// How many devices in service are reached by the pool that a tenant names, or a site of the tenant.
pub async fn reached_by_assignment(
    db: &Db,
    tenant_id: &str,
    site: Option<&str>,
) -> Result<u64, StorageError> {
    let number: Option<u64> = match site {
        Some(site) => {
            let sql = "SELECT count(*) FROM devices WHERE tenant_id = ?1 AND site_id = ?2 AND disabled = 0";
            db.value(sql, args![tenant_id, site]).await?
        }
        None => {
            let sql = "SELECT count(*) FROM devices d LEFT JOIN sites s ON s.id = d.site_id \
                 WHERE d.tenant_id = ?1 AND d.disabled = 0 AND s.pool_id IS NULL";
            db.value(sql, args![tenant_id]).await?
        }
    };
    Ok(number.unwrap_or_default())
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
    let mut change = Change::new(db, tenant_id, Invalidates::Device);
    match site_id {
        Some(site) => change.push(
            "UPDATE sites SET pool_id = ?3 WHERE id = ?2 AND tenant_id = ?1",
            args![tenant_id, site, pool],
        ),
        None => change.push(
            "UPDATE tenants SET pool_id = ?2 WHERE id = ?1",
            args![tenant_id, pool],
        ),
    }
    change.write(entry).await
}
