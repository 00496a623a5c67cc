//! API tokens. Their secret part is stored hashed; it is shown once, when the token is made.

use ringfence_sql::args;
use serde::Deserialize;

use super::json::json;
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
    /// `read`, `write` or [`METRICS`].
    pub access: String,
    pub reveal: i64,
    pub created_at: u64,
    pub expires_at: Option<u64>,
    /// The e-mail address, in small letters, of whoever may sign in as this token by Cloudflare Access.
    pub email: Option<String>,
}

/// The access of a token that reads the metrics and nothing else.
pub const METRICS: &str = "metrics";

/// The end of a token for metrics that does not end. The largest integer that JavaScript holds exactly.
const NEVER: u64 = (1 << 53) - 1;

const COLUMNS: &str = "id, hash, name, tenant_id, \
     CASE WHEN metrics_until IS NULL THEN access ELSE 'metrics' END AS access, reveal, created_at, \
     CASE WHEN metrics_until IS NULL THEN expires_at WHEN metrics_until < 9007199254740991 THEN metrics_until END \
     AS expires_at, email";

impl TokenRow {
    /// `access`, `expires_at` and `metrics_until` as the table has them: to whoever does not know the last
    /// column, a token for metrics has expired long ago.
    fn stored(&self) -> (&str, Option<u64>, Option<u64>) {
        match self.access.as_str() {
            METRICS => ("read", Some(1), Some(self.expires_at.unwrap_or(NEVER))),
            access => (access, self.expires_at, None),
        }
    }
}

/// A token by its id.
pub async fn find(db: &Db, id: &str) -> Result<Option<TokenRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1"),
        args![id],
    )
    .await
}

/// What people call a token, and whose it is.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedToken {
    pub id: String,
    pub name: String,
    /// `None`: every tenant's.
    pub tenant_id: Option<String>,
}

/// Those of these tokens that there are.
pub async fn named(db: &Db, ids: &[&str]) -> Result<Vec<NamedToken>, StorageError> {
    db.rows(
        "SELECT t.id, t.name, t.tenant_id FROM json_each(?1) j JOIN tokens t ON t.id = j.value",
        args![json(ids)?],
    )
    .await
}

/// A token by its id, and where the database stands, for D1 alone vouches for it.
pub async fn find_vouched(db: &Db, id: &str) -> Result<(Option<TokenRow>, Standing), StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1");
    standing::row_vouched(db, &sql, id).await
}

/// The token of somebody's e-mail address, in the same way.
pub async fn find_by_email_vouched(
    db: &Db,
    email: &str,
) -> Result<(Option<TokenRow>, Standing), StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE email = ?1");
    standing::row_vouched(db, &sql, email).await
}

/// Tokens in the order of their ids, after `after`.
pub async fn list(db: &Db, after: &str, limit: u32) -> Result<Vec<TokenRow>, StorageError> {
    db.rows(
        &format!("SELECT {COLUMNS} FROM tokens WHERE id > ?1 ORDER BY id LIMIT ?2"),
        args![after, limit],
    )
    .await
}

/// Tokens of one tenant.
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
/// The token's tenant does not exist, or D1 fails.
pub async fn insert(db: &Db, row: &TokenRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    let (access, expires_at, metrics_until) = row.stored();
    change.push(
        "INSERT INTO tokens (id, hash, name, tenant_id, access, reveal, created_at, expires_at, metrics_until, email) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        args![
            &row.id,
            &row.hash,
            &row.name,
            row.tenant_id.as_deref(),
            access,
            row.reveal,
            row.created_at,
            expires_at,
            metrics_until,
            row.email.as_deref()
        ],
    );
    if let Some(tenant_id) = &row.tenant_id {
        change.within(tenant_id, Quota::Tokens);
    }
    change.write(entry).await
}

/// Removes a token; from now on it is worth nothing.
///
/// # Errors
/// D1 fails.
pub async fn delete(db: &Db, id: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    change.push("DELETE FROM tokens WHERE id = ?1", args![id]);
    change.write(entry).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_sql::Sql;

    use super::*;
    use crate::store::testing;

    const ID: &str = "01JD0000000000000000000000";

    fn token(access: &str, expires_at: Option<u64>) -> TokenRow {
        TokenRow {
            id: ID.into(),
            hash: "h".into(),
            name: "n".into(),
            tenant_id: None,
            access: access.into(),
            reveal: 0,
            created_at: 5,
            expires_at,
            email: None,
        }
    }

    #[test]
    fn stored_tokens_format_unchanged_and_one_for_metrics_has_expired_for_an_older_worker() {
        for (access, end, stored) in [
            ("read", None, ("read", None, None)),
            ("write", Some(9), ("write", Some(9), None)),
            (
                METRICS,
                None,
                ("read", Some(1), Some(9_007_199_254_740_991)),
            ),
            (METRICS, Some(9), ("read", Some(1), Some(9))),
        ] {
            let row = token(access, end);
            assert_eq!(row.stored(), stored);
            let sql = testing::with_schema();
            let (access, expires_at, until) = row.stored();
            sql.run(
                "INSERT INTO tokens (id, hash, name, access, created_at, expires_at, metrics_until) \
                 VALUES (?1, 'h', 'n', ?2, 5, ?3, ?4)",
                args![ID, access, expires_at, until],
            )
            .unwrap();
            let read: Vec<TokenRow> = sql
                .rows(&format!("SELECT {COLUMNS} FROM tokens"), args![])
                .unwrap();
            let [read] = &*read else {
                panic!("{read:?}");
            };
            assert_eq!((&*read.access, read.expires_at), (&*row.access, end));
        }
    }
}
