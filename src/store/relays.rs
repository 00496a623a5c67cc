//! Relays: their credentials. Its secret part is stored hashed; it is shown once, when it is made.

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, standing};
use crate::db::{Db, StorageError};
use crate::model::standing::Standing;

/// A relay as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct RelayRow {
    pub id: String,
    pub pool_id: String,
    pub name: String,
    /// SHA-256 of the secret part, hex.
    pub hash: String,
    pub created_at: u64,
}

const COLUMNS: &str = "id, pool_id, name, hash, created_at";

/// A relay by its id.
pub async fn find(db: &Db, id: &str) -> Result<Option<RelayRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM relays WHERE id = ?1"),
        args![id],
    )
    .await
}

/// A relay by its id, and where the database stands, for D1 alone vouches for it.
pub async fn find_vouched(db: &Db, id: &str) -> Result<(Option<RelayRow>, Standing), StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM relays WHERE id = ?1");
    standing::row_vouched(db, &sql, id).await
}

/// Relays of a pool in the order of their ids, after `after`.
pub async fn list(
    db: &Db,
    pool: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<RelayRow>, StorageError> {
    let sql =
        format!("SELECT {COLUMNS} FROM relays WHERE pool_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
    db.rows(&sql, args![pool, after, limit]).await
}

/// Adds a relay.
///
/// # Errors
/// There is no such pool, another relay of it has the name, or D1 fails.
pub async fn insert(db: &Db, row: &RelayRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "INSERT INTO relays (id, pool_id, name, hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        args![&row.id, &row.pool_id, &row.name, &row.hash, row.created_at],
    );
    change.write(entry).await
}

/// Removes a relay: its credential is worth nothing from now on.
///
/// # Errors
/// D1 fails.
pub async fn delete(db: &Db, id: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push("DELETE FROM relays WHERE id = ?1", args![id]);
    change.write(entry).await
}
