//! Webhooks: where they are, what they are signed with, and what they look for.

use ringfence_sql::{Arg, args};
use serde::Deserialize;

use super::{Change, ChangeError, Entry};
use crate::db::{D1Result, Db, Statement, StorageError, rows};

/// The most webhooks of a tenant, and of the installation.
pub const MAX_WEBHOOKS: u32 = 10;

/// A webhook as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WebhookRow {
    pub id: String,
    /// `None`: of the whole installation.
    pub tenant_id: Option<String>,
    pub name: String,
    pub url: String,
    /// JSON: the kinds of which it is told.
    pub kinds: String,
    /// JSON, see [`WebhookOptions`](crate::model::webhook::WebhookOptions).
    pub options: String,
    pub disabled: i64,
    /// How many of its messages were given up, as its object last said.
    pub dead: u64,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

/// A secret as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookSecretRow {
    pub webhook_id: String,
    pub number: u64,
    /// Wrapped for [`secret_identity`].
    pub secret: String,
    pub ends_at: Option<u64>,
}

/// What a wrapped secret is bound to.
pub fn secret_identity(webhook_id: &str, number: u64) -> String {
    format!("webhook-secret:{webhook_id}:{number}")
}

/// A secret, wrapped.
#[derive(Clone, Copy)]
pub struct WrappedSecret<'a> {
    pub number: u64,
    pub secret: &'a str,
    pub master: &'a str,
}

const COLUMNS: &str =
    "id, tenant_id, name, url, kinds, options, disabled, dead, revision, created_at, updated_at";

/// A webhook of a tenant, or of the installation.
pub async fn find(
    db: &Db,
    tenant_id: Option<&str>,
    id: &str,
) -> Result<Option<WebhookRow>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE id = ?1 AND tenant_id IS ?2");
    db.row(&sql, args![id, tenant_id]).await
}

/// Webhooks of a tenant, or of the installation, in the order of their ids, after `after`.
pub async fn list(
    db: &Db,
    tenant_id: Option<&str>,
    after: &str,
    limit: u32,
) -> Result<Vec<WebhookRow>, StorageError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM webhooks WHERE tenant_id IS ?1 AND id > ?2 ORDER BY id LIMIT ?3"
    );
    db.rows(&sql, args![tenant_id, after, limit]).await
}

/// Webhooks of every tenant and of the installation with messages that were given up, in the order of their ids,
/// after `after`.
pub async fn with_dead(db: &Db, after: &str, limit: u32) -> Result<Vec<WebhookRow>, StorageError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM webhooks INDEXED BY webhooks_with_dead \
         WHERE dead > 0 AND id > ?1 ORDER BY id LIMIT ?2"
    );
    db.rows(&sql, args![after, limit]).await
}

/// Notes how many messages of a webhook were given up. It is no change that anybody makes, so it has no entry and no
/// revision.
pub async fn set_dead(db: &Db, id: &str, dead: u64) -> Result<(), StorageError> {
    let sql = "UPDATE webhooks SET dead = ?2 WHERE id = ?1";
    db.batch(vec![Statement::new(sql, args![id, dead])])
        .await
        .map(drop)
}

/// A webhook with its secrets, the newest first, for whoever sends.
pub async fn with_secrets(
    db: &Db,
    id: &str,
) -> Result<Option<(WebhookRow, Vec<WebhookSecretRow>)>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE id = ?1");
    let [webhook, secrets] = db
        .batch_of([
            Statement::new(&sql, args![id]),
            Statement::new(
                "SELECT webhook_id, number, secret, ends_at FROM webhook_secrets \
                 WHERE webhook_id = ?1 ORDER BY number DESC LIMIT 2",
                args![id],
            ),
        ])
        .await?;
    let webhook = rows::<WebhookRow>(&webhook)?.into_iter().next();
    let secrets = rows(&secrets)?;
    Ok(webhook.map(|webhook| (webhook, secrets)))
}

/// Ids of webhooks that are switched on, after `after`.
pub async fn enabled(db: &Db, after: &str, limit: u32) -> Result<Vec<String>, StorageError> {
    let sql = "SELECT id FROM webhooks WHERE id > ?1 AND disabled = 0 ORDER BY id LIMIT ?2";
    db.values(sql, args![after, limit]).await
}

/// Where a change is written: in the tenant's history of changes, or in nobody's.
fn change_of<'a>(db: &'a Db, tenant_id: Option<&str>) -> Change<'a> {
    match tenant_id {
        Some(tenant_id) => Change::new(db, tenant_id, super::Invalidates::Device),
        None => Change::of_no_tenant(db),
    }
}

/// Adds a webhook with its first secret. Its id would become NULL, which the schema refuses, where there are
/// [`MAX_WEBHOOKS`] already.
///
/// # Errors
/// [`ChangeError::Overtaken`] if there are too many, or D1 fails.
pub async fn insert(
    db: &Db,
    row: &WebhookRow,
    secret: WrappedSecret<'_>,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let tenant_id = row.tenant_id.as_deref();
    let mut change = change_of(db, tenant_id);
    change.push(
        "INSERT INTO webhooks (id, tenant_id, name, url, kinds, options, disabled, created_at, updated_at) \
         SELECT CASE WHEN (SELECT count(*) FROM webhooks WHERE tenant_id IS ?2) < ?9 THEN ?1 END, \
         ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8",
        args![
            &row.id,
            tenant_id,
            &row.name,
            &row.url,
            &row.kinds,
            &row.options,
            row.disabled,
            row.created_at,
            MAX_WEBHOOKS
        ],
    );
    push_secret(&mut change, &row.id, secret);
    write(change, entry).await
}

fn push_secret(change: &mut Change<'_>, id: &str, secret: WrappedSecret<'_>) {
    change.push(
        "INSERT INTO webhook_secrets (webhook_id, number, secret, master) VALUES (?1, ?2, ?3, ?4)",
        args![id, secret.number, secret.secret, secret.master],
    );
}

async fn write(change: Change<'_>, entry: &Entry) -> Result<(), ChangeError> {
    change.write(entry).await.map_err(|error| match error {
        ChangeError::Storage(error)
            if matches!(
                error.violates_not_null(),
                Some("webhooks.id" | "webhooks.revision")
            ) =>
        {
            ChangeError::Overtaken
        }
        error => error,
    })
}

/// Replaces what an operator decides about a webhook that is still at `row.revision`.
///
/// # Errors
/// The webhook is no longer at that revision, or D1 fails.
pub async fn update(db: &Db, row: &WebhookRow, now: u64, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = change_of(db, row.tenant_id.as_deref());
    change.push(
        "UPDATE webhooks SET name = ?3, url = ?4, kinds = ?5, options = ?6, disabled = ?7, updated_at = ?8, \
         revision = CASE WHEN revision = ?2 THEN revision + 1 END WHERE id = ?1",
        args![
            &row.id,
            row.revision,
            &row.name,
            &row.url,
            &row.kinds,
            &row.options,
            row.disabled,
            now
        ],
    );
    write(change, entry).await
}

/// Adds a newer secret. The one before is good until `ends_at`, and older ones go.
///
/// # Errors
/// Somebody else did so at the same time, or D1 fails.
pub async fn rotate(
    db: &Db,
    row: &WebhookRow,
    secret: WrappedSecret<'_>,
    ends_at: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = change_of(db, row.tenant_id.as_deref());
    change.push(
        "DELETE FROM webhook_secrets WHERE webhook_id = ?1 AND number < ?2 - 1",
        args![&row.id, secret.number],
    );
    change.push(
        "UPDATE webhook_secrets SET ends_at = ?3 WHERE webhook_id = ?1 AND number = ?2 - 1",
        args![&row.id, secret.number, ends_at],
    );
    push_secret(&mut change, &row.id, secret);
    change.write(entry).await.map_err(|error| match error {
        ChangeError::Storage(error) if error.violates_unique("webhook_secrets.number") => {
            ChangeError::Overtaken
        }
        error => error,
    })
}

/// Removes a webhook with its secrets.
///
/// # Errors
/// D1 fails.
pub async fn delete(db: &Db, row: &WebhookRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = change_of(db, row.tenant_id.as_deref());
    change.push("DELETE FROM webhooks WHERE id = ?1", args![&row.id]);
    change.write(entry).await
}

/// A device that something happened to.
#[derive(Clone, Debug, Deserialize)]
pub struct FoundDevice {
    pub id: String,
    pub tenant_id: String,
    pub mac: String,
    pub address: Option<String>,
    pub country: Option<String>,
    pub at: u64,
}

/// A site with many silent devices.
#[derive(Clone, Debug, Deserialize)]
pub struct FoundSite {
    pub id: String,
    pub tenant_id: String,
    pub name: String,
    pub devices: u64,
    pub silent: u64,
}

/// An address that asks for names that nobody has.
#[derive(Clone, Debug, Deserialize)]
pub struct FoundScan {
    pub tenant_id: String,
    pub address: String,
    pub requests: u64,
    pub at: u64,
}

/// A broken file.
#[derive(Clone, Debug, Deserialize)]
pub struct FoundFile {
    pub tenant_id: String,
    pub mac: Option<String>,
    pub kind: Option<String>,
    pub requests: u64,
    pub at: u64,
}

/// A look: what is in it is asked for. Times are Unix milliseconds, and a `from` is in, an `until` is not.
#[derive(Clone, Debug, Default)]
pub struct Look<'a> {
    /// `None`: of every tenant.
    pub tenant_id: Option<&'a str>,
    pub unexpected: Option<(u64, u64)>,
    pub never_came_back: Option<(u64, u64)>,
    /// Ids of events between, and from how many requests on it is a scan.
    pub scan: Option<(String, String, u32)>,
    /// Ids of events between.
    pub broken: Option<(String, String)>,
    /// The time since when silent devices were not heard of, and the percentage that silent devices of a site must exceed.
    pub sites: Option<(u64, u32)>,
}

/// What a look found.
#[derive(Clone, Debug, Default)]
pub struct LookRows {
    pub unexpected: Vec<FoundDevice>,
    pub never_came_back: Vec<FoundDevice>,
    pub scan: Vec<FoundScan>,
    pub broken: Vec<FoundFile>,
    pub sites: Vec<FoundSite>,
}

/// Most things of a kind that one look finds.
const MAX_FOUND: u32 = 500;

const UNEXPECTED: &str = "SELECT id, tenant_id, mac, delivered_address AS address, delivered_country AS country, \
     delivered_at AS at FROM devices INDEXED BY devices_unexpected_since WHERE unexpected_network = 1 \
     AND delivered_at >= ?2 AND delivered_at < ?3 AND (?1 IS NULL OR tenant_id = ?1) \
     ORDER BY delivered_at LIMIT ?4";

const NEVER_CAME_BACK: &str = "SELECT id, tenant_id, mac, delivered_address AS address, \
     delivered_country AS country, delivered_at AS at FROM devices INDEXED BY devices_delivered_since \
     WHERE key_state = 'delivered' AND disabled = 0 AND delivered_at >= ?2 AND delivered_at < ?3 \
     AND (?1 IS NULL OR tenant_id = ?1) ORDER BY delivered_at LIMIT ?4";

const SITES: &str = "SELECT s.id, s.tenant_id, s.name, count(*) AS devices, \
     sum(d.last_seen_at < ?2) AS silent FROM sites s CROSS JOIN devices d INDEXED BY devices_by_site_alone \
     ON d.site_id = s.id WHERE s.tenant_id = ?1 AND d.disabled = 0 AND d.last_seen_at IS NOT NULL \
     GROUP BY s.id HAVING count(*) >= 5 AND 100 * sum(d.last_seen_at < ?2) > ?3 * count(*) LIMIT ?4";

const SITES_OF_ALL: &str = "SELECT s.id, s.tenant_id, s.name, count(*) AS devices, \
     sum(d.last_seen_at < ?2) AS silent FROM sites s CROSS JOIN devices d INDEXED BY devices_by_site_alone \
     ON d.site_id = s.id WHERE ?1 IS NULL AND s.id > '' AND d.disabled = 0 AND d.last_seen_at IS NOT NULL \
     GROUP BY s.id HAVING count(*) >= 5 AND 100 * sum(d.last_seen_at < ?2) > ?3 * count(*) LIMIT ?4";

/// Events of a tenant, or of all, between two ids.
fn of_events(tenant_id: Option<&str>) -> &'static str {
    match tenant_id {
        Some(_) => "phone_events e WHERE e.tenant_id = ?1 AND e.id >= ?2 AND e.id < ?3",
        None => {
            "tenants t CROSS JOIN phone_events e ON e.tenant_id = t.id AND e.id >= ?2 AND e.id < ?3 \
             WHERE ?1 IS NULL AND t.id > ''"
        }
    }
}

/// Looks, in one round trip to D1.
pub async fn look(db: &Db, look: &Look<'_>) -> Result<LookRows, StorageError> {
    let tenant = || Arg::from(look.tenant_id);
    let limit = || Arg::from(MAX_FOUND);
    let mut statements: Vec<Statement> = Vec::new();
    if let Some((from, until)) = look.unexpected {
        statements.push(Statement::new(
            UNEXPECTED,
            &[tenant(), from.into(), until.into(), limit()],
        ));
    }
    if let Some((from, until)) = look.never_came_back {
        statements.push(Statement::new(
            NEVER_CAME_BACK,
            &[tenant(), from.into(), until.into(), limit()],
        ));
    }
    if let Some((from, until, requests)) = &look.scan {
        let sql = format!(
            "SELECT tenant_id, address, count(*) AS requests, max(at) AS at FROM {} \
             AND reason IN ('no_such_path', 'unknown_device', 'unknown_model') \
             GROUP BY tenant_id, address HAVING count(*) >= ?5 LIMIT ?4",
            of_events(look.tenant_id)
        );
        let values = [
            tenant(),
            from.into(),
            until.into(),
            limit(),
            (*requests).into(),
        ];
        statements.push(Statement::new(&sql, &values));
    }
    if let Some((from, until)) = &look.broken {
        let sql = format!(
            "SELECT tenant_id, mac, kind, count(*) AS requests, max(at) AS at FROM {} \
             AND outcome = 'broken' GROUP BY tenant_id, mac, kind LIMIT ?4",
            of_events(look.tenant_id)
        );
        statements.push(Statement::new(
            &sql,
            &[tenant(), from.into(), until.into(), limit()],
        ));
    }
    if let Some((before, percent)) = look.sites {
        let sql = if look.tenant_id.is_some() {
            SITES
        } else {
            SITES_OF_ALL
        };
        statements.push(Statement::new(
            sql,
            &[tenant(), before.into(), percent.into(), limit()],
        ));
    }
    if statements.is_empty() {
        return Ok(LookRows::default());
    }
    found(look, &db.batch(statements).await?)
}

/// Reads the results in the order of the statements.
fn found(look: &Look<'_>, results: &[D1Result]) -> Result<LookRows, StorageError> {
    fn next<T: serde::de::DeserializeOwned>(
        asked: bool,
        results: &mut std::slice::Iter<'_, D1Result>,
    ) -> Result<Vec<T>, StorageError> {
        match results.as_slice().first().filter(|_| asked) {
            Some(result) => {
                results.next();
                rows(result)
            }
            None => Ok(Vec::new()),
        }
    }
    let mut results = results.iter();
    Ok(LookRows {
        unexpected: next(look.unexpected.is_some(), &mut results)?,
        never_came_back: next(look.never_came_back.is_some(), &mut results)?,
        scan: next(look.scan.is_some(), &mut results)?,
        broken: next(look.broken.is_some(), &mut results)?,
        sites: next(look.sites.is_some(), &mut results)?,
    })
}
