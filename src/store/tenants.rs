//! Tenants.

use ringfence_sql::args;
use serde::Deserialize;

use super::object::Object;
use super::{Change, ChangeError, CheckedAgainst, Entry, Invalidates};
use crate::db::{Corrupt, Db, Statement, StorageError, rows};
use crate::model::tenant::TenantOptions;

/// A tenant as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct TenantRow {
    pub id: String,
    pub name: String,
    pub hostname: Option<String>,
    options: String,
    /// Of the last change above its devices.
    pub version: u64,
    /// Of the last change of anything in it.
    pub seq: u64,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

const COLUMNS: &str = "id, name, hostname, options, version, seq, revision, created_at, updated_at";

impl TenantRow {
    /// What the tenant has decided.
    ///
    /// # Errors
    /// The stored JSON is not what this program writes.
    pub fn options(&self) -> Result<TenantOptions, StorageError> {
        ringfence_json::from_str(&self.options).map_err(|why| {
            let tenant = self.id.clone();
            Corrupt::TenantOptions { tenant, why }.into()
        })
    }
}

/// What an operator decides about a tenant.
pub struct TenantValues<'a> {
    pub name: &'a str,
    pub hostname: Option<&'a str>,
    /// JSON.
    pub options: &'a str,
}

/// A tenant.
pub async fn find(db: &Db, id: &str) -> Result<Option<TenantRow>, StorageError> {
    Ok(rows(&db.all(one(id)).await?)?.pop())
}

/// What reads it.
pub(super) fn one(id: &str) -> Statement {
    Statement::new(
        &format!("SELECT {COLUMNS} FROM tenants WHERE id = ?1"),
        args![id],
    )
}

/// Tenants in the order of their ids, after `after`.
pub async fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<TenantRow>, StorageError> {
    db.rows(
        &format!("SELECT {COLUMNS} FROM tenants WHERE id > ?1 ORDER BY id LIMIT ?2"),
        args![after, limit],
    )
    .await
}

/// Adds a tenant.
///
/// # Errors
/// Another one has its name or hostname, or D1 fails.
pub async fn insert(
    db: &Db,
    id: &str,
    values: &TenantValues<'_>,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "INSERT INTO tenants (id, name, hostname, options, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        args![id, values.name, values.hostname, values.options, now],
    );
    change.write(entry).await
}

/// Replaces what an operator decided about a tenant.
///
/// # Errors
/// The row is no longer at the revision of `tenant`, what the change was checked against is no longer so, another
/// tenant has the name or hostname, or D1 fails.
pub async fn update(
    db: &Db,
    tenant: &TenantRow,
    checked_against: Option<&CheckedAgainst>,
    values: &TenantValues<'_>,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let id = tenant.id.as_str();
    let at_revision = "revision = ?2";
    let revision = args![tenant.revision];
    let mut change = match checked_against {
        Some(checked_against) => Change::checked(
            db,
            checked_against,
            Invalidates::Tenant,
            at_revision,
            revision,
        ),
        None => Change::guarded(db, id, Invalidates::Tenant, at_revision, revision),
    };
    if tenant.options != values.options {
        change.keep(id, Object::Options, now);
    }
    change.push(
        "UPDATE tenants SET name = ?2, hostname = ?3, options = ?4, updated_at = ?5, \
         revision = revision + 1 WHERE id = ?1",
        args![id, values.name, values.hostname, values.options, now],
    );
    change.write(entry).await
}

/// Removes a tenant that has no devices, and everything that belongs to it.
///
/// # Errors
/// The tenant is no longer at `revision` or has devices, or D1 fails.
pub async fn delete(db: &Db, id: &str, revision: u64, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        id,
        Invalidates::Tenant,
        "revision = ?2 AND NOT EXISTS (SELECT 1 FROM devices WHERE tenant_id = ?1)",
        args![revision],
    );
    change.push("DELETE FROM tenants WHERE id = ?1", args![id]);
    change.write(entry).await
}
