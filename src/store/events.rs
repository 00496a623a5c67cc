//! Events as an operator reads them. [`phone`](super::phone) writes them.

use ringfence_sql::Arg;
use serde::Deserialize;

use crate::db::{Db, StorageError};

/// What a phone asked for and got.
#[derive(Clone, Debug, Deserialize)]
pub struct EventRow {
    pub id: String,
    pub device_id: Option<String>,
    pub mac: Option<String>,
    pub kind: Option<String>,
    pub form: Option<String>,
    pub outcome: String,
    pub reason: String,
    pub status: u16,
    pub bytes: u64,
    pub address: String,
    pub user_agent: String,
    pub country: String,
    pub request_id: String,
    pub detail: Option<String>,
    pub at: u64,
    pub path: Option<String>,
    pub access_path: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    pub mac: Option<&'a str>,
    pub outcome: Option<&'a str>,
    /// Only ids below this one.
    pub below: Option<&'a str>,
    /// Only ids from this one on.
    pub from: Option<&'a str>,
}

/// Events of a tenant, the newest first.
///
/// # Errors
/// D1 does not answer.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    filter: &Filter<'_>,
    limit: u32,
) -> Result<Vec<EventRow>, StorageError> {
    let mut sql =
        "SELECT id, device_id, mac, kind, form, outcome, reason, status, bytes, address, \
                   user_agent, country, request_id, detail, at, path, access_path FROM events WHERE tenant_id = ?1"
            .to_owned();
    let mut args: Vec<Arg<'_>> = vec![tenant_id.into()];
    let conditions = [
        ("mac =", filter.mac),
        ("outcome =", filter.outcome),
        ("id <", filter.below),
        ("id >=", filter.from),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            args.push(value.into());
            sql.push_str(&format!(" AND {condition} ?{}", args.len()));
        }
    }
    args.push(limit.into());
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ?{}", args.len()));
    db.rows(&sql, &args).await
}
