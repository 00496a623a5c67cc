//! Sessions of the console. Their secret part is stored hashed; the cookie alone has it.

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, standing};
use crate::db::{Db, StorageError};
use crate::model::standing::Standing;

/// A session as it is stored, with what its token may do now. Of `ADMIN_TOKEN` there is no row, so that
/// nothing is known of it.
#[derive(Clone, Debug, Deserialize)]
pub struct SessionRow {
    pub id: String,
    /// SHA-256 of the secret part, hex.
    pub hash: String,
    pub token_id: String,
    /// Of `ADMIN_TOKEN` alone: the digest of the one that signed in.
    pub admin_mark: Option<String>,
    pub created_at: u64,
    pub last_used_at: u64,
    pub expires_at: u64,
    pub address: String,
    pub user_agent: String,
    /// Of a session that Cloudflare Access opened alone: whom it named.
    pub email: Option<String>,
    /// `None`: the token has been removed, or is `ADMIN_TOKEN`.
    pub token_name: Option<String>,
    pub tenant_id: Option<String>,
    pub access: Option<String>,
    pub reveal: Option<i64>,
    pub token_expires_at: Option<u64>,
}

const COLUMNS: &str = "s.id, s.hash, s.token_id, s.admin_mark, s.created_at, s.last_used_at, \
     s.expires_at, s.address, s.user_agent, s.email, t.name AS token_name, t.tenant_id, t.access, t.reveal, \
     t.expires_at AS token_expires_at";

/// The most sessions of a token: a further one ends the oldest.
pub const MAX_SESSIONS: u32 = 20;

/// A session by its id, and where the database stands, for D1 alone vouches for it.
pub async fn find_vouched(
    db: &Db,
    id: &str,
) -> Result<(Option<SessionRow>, Standing), StorageError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM sessions s LEFT JOIN tokens t ON t.id = s.token_id WHERE s.id = ?1"
    );
    standing::row_vouched(db, &sql, id).await
}

/// The same without the database's standing.
pub async fn find(db: &Db, id: &str) -> Result<Option<SessionRow>, StorageError> {
    db.row(
        &format!(
            "SELECT {COLUMNS} FROM sessions s LEFT JOIN tokens t ON t.id = s.token_id WHERE s.id = ?1"
        ),
        args![id],
    )
    .await
}

/// Sessions in the order of their ids, after `after`.
pub async fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<SessionRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {COLUMNS} FROM sessions s LEFT JOIN tokens t ON t.id = s.token_id \
             WHERE s.id > ?1 ORDER BY s.id LIMIT ?2"
        ),
        args![after, limit],
    )
    .await
}

/// Sessions of one token.
pub async fn of_token(
    db: &Db,
    token_id: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<SessionRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {COLUMNS} FROM sessions s LEFT JOIN tokens t ON t.id = s.token_id \
             WHERE s.token_id = ?1 AND s.id > ?2 ORDER BY s.id LIMIT ?3"
        ),
        args![token_id, after, limit],
    )
    .await
}

/// Adds a session, and ends the token's oldest ones where it has too many. `code` is the id of the code that
/// it is opened by: the session is added only while that code is there, and takes it away. Two that come with
/// one code at once get one session.
///
/// # Errors
/// The code is gone, or D1 fails.
pub async fn insert(
    db: &Db,
    row: &SessionRow,
    code: Option<&str>,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    // Without the code the session has no token, which the schema refuses, and with it D1 rolls back the batch.
    change.push(
        "INSERT INTO sessions (id, hash, token_id, admin_mark, created_at, last_used_at, expires_at, \
         address, user_agent, email) VALUES (?1, ?2, CASE WHEN ?10 IS NULL THEN ?3 ELSE \
         (SELECT token_id FROM sign_in_codes WHERE id = ?10 AND expires_at > ?5) END, \
         ?4, ?5, ?6, ?7, ?8, ?9, ?11)",
        args![
            &row.id,
            &row.hash,
            &row.token_id,
            row.admin_mark.as_deref(),
            row.created_at,
            row.last_used_at,
            row.expires_at,
            &row.address,
            &row.user_agent,
            code,
            row.email.as_deref()
        ],
    );
    if let Some(code) = code {
        change.push("DELETE FROM sign_in_codes WHERE id = ?1", args![code]);
    }
    change.push(
        "DELETE FROM sessions WHERE token_id = ?1 AND id NOT IN \
         (SELECT id FROM sessions WHERE token_id = ?1 ORDER BY id DESC LIMIT ?2)",
        args![&row.token_id, MAX_SESSIONS],
    );
    change.write(entry).await
}

/// Ends a session.
///
/// # Errors
/// D1 fails.
pub async fn delete(db: &Db, id: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push("DELETE FROM sessions WHERE id = ?1", args![id]);
    change.write(entry).await
}

/// Notes that a session was used.
pub async fn used(db: &Db, id: &str, at: u64) -> Result<(), StorageError> {
    db.run(
        "UPDATE sessions SET last_used_at = ?2 WHERE id = ?1",
        args![id, at],
    )
    .await
    .map(drop)
}

/// Removes sessions that are over, at most `limit`.
pub async fn forget(db: &Db, now: u64, limit: u32) -> Result<usize, StorageError> {
    db.run(
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ?1 LIMIT ?2)",
        args![now, limit],
    )
    .await
}
