//! API tokens. Their secret part is stored hashed; it is shown once, when the token is made.

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, standing};
use crate::db::{Db, StorageError};
use crate::model::limits::Quota;
use crate::model::standing::Standing;

/// A token as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct TokenRow {
    pub id: String,
    /// SHA-256 of the secret part, hex.
    pub hash: String,
    pub name: String,
    /// `None`: every tenant.
    pub tenant_id: Option<String>,
    pub access: String,
    pub reveal: i64,
    pub created_at: u64,
    pub expires_at: Option<u64>,
}

const COLUMNS: &str = "id, hash, name, tenant_id, access, reveal, created_at, expires_at";

/// A token by its id.
///
/// # Errors
/// D1 does not answer.
pub async fn find(db: &Db, id: &str) -> Result<Option<TokenRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1"),
        args![id],
    )
    .await
}

/// A token by its id, and where the database stands, for D1 alone vouches for it.
///
/// # Errors
/// D1 does not answer.
pub async fn find_vouched(db: &Db, id: &str) -> Result<(Option<TokenRow>, Standing), StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1");
    standing::row_vouched(db, &sql, id).await
}

/// Tokens in the order of their ids, after `after`.
///
/// # Errors
/// D1 does not answer.
pub async fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<TokenRow>, StorageError> {
    db.rows(
        &format!("SELECT {COLUMNS} FROM tokens WHERE id > ?1 ORDER BY id LIMIT ?2"),
        args![after, limit],
    )
    .await
}

/// Tokens of one tenant.
///
/// # Errors
/// D1 does not answer.
pub async fn of_tenant(
    db: &Db,
    tenant_id: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<TokenRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {COLUMNS} FROM tokens WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        ),
        args![tenant_id, after, limit],
    )
    .await
}

/// Adds a token.
///
/// # Errors
/// Its tenant does not exist, or D1 fails.
pub async fn insert(db: &Db, row: &TokenRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "INSERT INTO tokens (id, hash, name, tenant_id, access, reveal, created_at, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        args![
            &row.id,
            &row.hash,
            &row.name,
            row.tenant_id.as_deref(),
            &row.access,
            row.reveal,
            row.created_at,
            row.expires_at
        ],
    )?;
    if let Some(tenant_id) = &row.tenant_id {
        change.within(tenant_id, Quota::Tokens)?;
    }
    change.write(entry).await
}

/// Removes a token; from now on it is worth nothing.
///
/// # Errors
/// D1 fails.
pub async fn delete(db: &Db, id: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push("DELETE FROM tokens WHERE id = ?1", args![id])?;
    change.write(entry).await
}
