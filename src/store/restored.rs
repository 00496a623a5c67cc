//! Taking a database into use that was put back to an earlier point.

use ringfence_sql::args;
use serde::Serialize;

use super::claims::{self, DeviceName};
use super::json::{MAX_LIST, json};
use super::{Change, ChangeError, Entry};
use crate::db::{Db, StorageError};

/// What must not stay as the database has it. Each is a list of what it may have: what it does not
/// have is passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Undo {
    /// Tokens that were removed.
    pub tokens: Vec<String>,
    /// Access paths that were removed, or whose expiry may have been brought forward.
    pub access_paths: Vec<String>,
    /// Relays that were removed.
    pub relays: Vec<String>,
    /// Tenants whose phones were to move to another access path than the database says, or to none: they are
    /// not to move anywhere.
    pub targets: Vec<String>,
    /// Tenants that were removed: their access paths and tokens go.
    pub tenants: Vec<String>,
    /// Devices that were removed or taken out of service.
    pub disabled: Vec<DeviceName>,
    /// Devices that have another key: the one in the database may be a stranger's.
    pub rekeyed: Vec<DeviceName>,
    /// Devices whose phones were sent on to them from a tenant that they had left, and must not be again.
    pub forwards: Vec<DeviceName>,
    /// Devices that took their bootstrap, with the generation of the key.
    pub claimed: Vec<(String, String, u32)>,
}

/// What is kept, where the rest has to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptAccess {
    pub tokens: Vec<String>,
    pub access_paths: Vec<String>,
}

/// Where the database stands from now on.
pub struct NextStanding<'a> {
    /// A step above everything that was witnessed.
    pub number: u64,
    pub previous: &'a str,
    pub era: u64,
    /// The lowest version of the era.
    pub version: u64,
}

/// Takes the database into use, in one transaction: voids what is in `undo`, expires every bootstrap
/// that waits, removes all tokens and access paths but those to keep (where it says so), and gives
/// every tenant a version above all that were ever published.
///
/// # Errors
/// D1 fails; nothing is written then.
pub async fn take_into_use(
    db: &Db,
    undo: &Undo,
    only: Option<&KeptAccess>,
    next: &NextStanding<'_>,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::of_no_tenant(db);
    let removals = [
        (
            "DELETE FROM tokens WHERE id IN (SELECT value FROM json_each(?1))",
            &undo.tokens,
        ),
        (
            "DELETE FROM access_paths WHERE id IN (SELECT value FROM json_each(?1))",
            &undo.access_paths,
        ),
        (
            "DELETE FROM relays WHERE id IN (SELECT value FROM json_each(?1))",
            &undo.relays,
        ),
        (
            "DELETE FROM tokens WHERE tenant_id IN (SELECT value FROM json_each(?1))",
            &undo.tenants,
        ),
        (
            "DELETE FROM access_paths WHERE tenant_id IN (SELECT value FROM json_each(?1))",
            &undo.tenants,
        ),
    ];
    for (sql, ids) in removals {
        for some in ids.chunks(MAX_LIST) {
            change.push(sql, args![json(&some)?]);
        }
    }
    // Whoever was signed in signs in again: one that was ended since would be back otherwise.
    change.push("DELETE FROM sessions WHERE id > ''", &[]);
    // One that was used since would open another session.
    change.push("DELETE FROM sign_in_codes WHERE id > ''", &[]);
    // One that was removed since would be told again.
    change.push("UPDATE webhooks SET disabled = 1 WHERE id > ''", &[]);
    for some in undo.targets.chunks(MAX_LIST) {
        change.push(
            "UPDATE access_paths SET target_since = NULL WHERE target_since IS NOT NULL \
             AND tenant_id IN (SELECT value FROM json_each(?1))",
            args![json(&some)?],
        );
    }
    if let Some(keep) = only {
        change.push(
            "DELETE FROM tokens WHERE id > '' AND id NOT IN (SELECT value FROM json_each(?1))",
            args![json(&keep.tokens)?],
        );
        change.push(
            "DELETE FROM access_paths WHERE id > '' \
             AND id NOT IN (SELECT value FROM json_each(?1))",
            args![json(&keep.access_paths)?],
        );
        change.push(
            "UPDATE access_paths SET target_since = NULL \
             WHERE tenant_id > '' AND target_since IS NOT NULL",
            &[],
        );
    }
    for some in undo.disabled.chunks(MAX_LIST) {
        change.push(
            "UPDATE devices SET disabled = 1, revision = revision + 1, updated_at = ?2 \
             WHERE (tenant_id, mac) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
            args![json(&some)?, now],
        );
    }
    for some in undo.forwards.chunks(MAX_LIST) {
        change.push(
            "UPDATE moves SET ends_at = 0 WHERE device_id IN (SELECT d.id FROM json_each(?1) j \
             JOIN devices d ON d.tenant_id = j.value ->> 0 AND d.mac = j.value ->> 1)",
            args![json(&some)?],
        );
    }
    for (sql, values) in claims::restored(&undo.claimed, &undo.rekeyed, now)? {
        change.push(sql, &values);
    }
    change.push(
        "UPDATE operations SET state = 'stopped', cause = 'database_restored', ended_at = ?1 \
         WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM operations INDEXED BY operations_pending \
         WHERE tenant_id > '' AND pending > 0) AND state = 'running'",
        args![now],
    );
    change.push(
        "UPDATE tenants SET seq = ?1, version = ?1 WHERE id > ''",
        args![next.version],
    );
    // The step of this very change comes on top.
    change.push(
        "UPDATE standing SET number = ?1, mark = ?2, era = ?3 WHERE id = 1",
        args![next.number.saturating_sub(1), next.previous, next.era],
    );
    change.write(entry).await
}

/// Which of these the database has.
pub async fn there(db: &Db, undo: &Undo) -> Result<Undo, StorageError> {
    Ok(Undo {
        tokens: ids(
            db,
            "SELECT id FROM tokens WHERE id IN (SELECT value FROM json_each(?1))",
            &undo.tokens,
        )
        .await?,
        access_paths: ids(
            db,
            "SELECT id FROM access_paths WHERE id IN (SELECT value FROM json_each(?1))",
            &undo.access_paths,
        )
        .await?,
        relays: ids(
            db,
            "SELECT id FROM relays WHERE id IN (SELECT value FROM json_each(?1))",
            &undo.relays,
        )
        .await?,
        targets: ids(
            db,
            "SELECT tenant_id FROM access_paths WHERE target_since IS NOT NULL \
             AND tenant_id IN (SELECT value FROM json_each(?1))",
            &undo.targets,
        )
        .await?,
        tenants: ids(
            db,
            "SELECT id FROM tenants WHERE id IN (SELECT value FROM json_each(?1))",
            &undo.tenants,
        )
        .await?,
        disabled: devices(db, &undo.disabled).await?,
        rekeyed: devices(db, &undo.rekeyed).await?,
        forwards: devices(db, &undo.forwards).await?,
        claimed: undo.claimed.clone(),
    })
}

async fn ids(db: &Db, sql: &str, ids: &[String]) -> Result<Vec<String>, StorageError> {
    let mut found = Vec::new();
    for some in ids.chunks(MAX_LIST) {
        found.extend(db.values::<String>(sql, args![json(&some)?]).await?);
    }
    Ok(found)
}

async fn devices(db: &Db, names: &[DeviceName]) -> Result<Vec<DeviceName>, StorageError> {
    #[derive(serde::Deserialize)]
    struct Row {
        tenant_id: String,
        mac: String,
    }
    let mut found = Vec::new();
    for some in names.chunks(MAX_LIST) {
        let rows: Vec<Row> = db
            .rows(
                "SELECT d.tenant_id, d.mac FROM json_each(?1) j \
                 JOIN devices d ON d.tenant_id = j.value ->> 0 AND d.mac = j.value ->> 1",
                args![json(&some)?],
            )
            .await?;
        found.extend(rows.into_iter().map(|row| (row.tenant_id, row.mac)));
    }
    Ok(found)
}
