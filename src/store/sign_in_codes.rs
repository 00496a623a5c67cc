//! Codes that open one session of the console. Their secret part is stored hashed; a session that is opened
//! by one takes it away in the same transaction ([`super::sessions::insert`]).

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, standing};
use crate::db::{Db, StorageError};
use crate::model::standing::Standing;

/// The most codes of a token: a further one ends the oldest.
pub const MAX_CODES: u32 = 5;

/// A code to be stored.
#[derive(Clone, Debug)]
pub struct NewCode {
    pub id: String,
    /// SHA-256 of the secret part, hex.
    pub hash: String,
    pub token_id: String,
    /// Of `ADMIN_TOKEN` alone: the digest of the one that made it.
    pub admin_mark: Option<String>,
    pub expires_at: u64,
}

/// A code as it is stored, with what its token may do now. Of `ADMIN_TOKEN` there is no row, so that
/// nothing is known of it.
#[derive(Clone, Debug, Deserialize)]
pub struct CodeRow {
    pub hash: String,
    pub token_id: String,
    pub admin_mark: Option<String>,
    pub expires_at: u64,
    pub tenant_id: Option<String>,
    /// `None`: the token has been removed, or is `ADMIN_TOKEN`.
    pub access: Option<String>,
    pub reveal: Option<i64>,
    pub token_expires_at: Option<u64>,
}

/// A code by its id, and where the database stands, for D1 alone vouches for it.
pub async fn find_vouched(db: &Db, id: &str) -> Result<(Option<CodeRow>, Standing), StorageError> {
    let sql = "SELECT c.hash, c.token_id, c.admin_mark, c.expires_at, t.tenant_id, t.access, t.reveal, \
         t.expires_at AS token_expires_at \
         FROM sign_in_codes c LEFT JOIN tokens t ON t.id = c.token_id WHERE c.id = ?1";
    standing::row_vouched(db, sql, id).await
}

/// Adds a code, and ends the token's oldest ones where it has too many.
///
/// # Errors
/// D1 fails.
pub async fn insert(db: &Db, code: &NewCode, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push(
        "INSERT INTO sign_in_codes (id, hash, token_id, admin_mark, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        args![
            &code.id,
            &code.hash,
            &code.token_id,
            code.admin_mark.as_deref(),
            code.expires_at
        ],
    );
    change.push(
        "DELETE FROM sign_in_codes WHERE token_id = ?1 AND id NOT IN \
         (SELECT id FROM sign_in_codes WHERE token_id = ?1 ORDER BY id DESC LIMIT ?2)",
        args![&code.token_id, MAX_CODES],
    );
    change.write(entry).await
}

/// Removes codes that are over, at most `limit`.
pub async fn forget(db: &Db, now: u64, limit: u32) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM sign_in_codes WHERE id IN \
         (SELECT id FROM sign_in_codes WHERE expires_at <= ?1 LIMIT ?2)",
        args![now, limit],
    )
    .await
}
