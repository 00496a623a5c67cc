//! Settings of every layer. A layer's settings are one document with one revision.

use ringfence_sql::{Arg, args};
use serde::Deserialize;

use super::history::{self, SINCE, Sql};
use super::json::json;
use super::object::{Object, Scope, SettingRow};
use super::tenants::{self, TenantRow};
use super::{Change, ChangeError, CheckedAgainst, Entry, Invalidates, models, sites};
use crate::db::{D1Result, Db, Statement, StorageError, rows};
use crate::model::limits::Quota;

/// What a wrapped secret of a setting is bound to.
pub fn associated_data(tenant_id: &str, scope: &str, name: &str) -> String {
    format!("setting:{tenant_id}:{scope}:{name}")
}

/// A layer's settings as they are stored.
#[derive(Debug)]
pub struct LayerRows {
    pub rows: Vec<SettingRow>,
    /// 0 before anything was ever put there.
    pub revision: u64,
}

/// Reads a tenant and one of its layers above the devices, in one round trip; nothing if the tenant, or the
/// site or model that the layer is for, is not there.
pub async fn with_tenant(
    db: &Db,
    tenant_id: &str,
    scope: &Scope,
) -> Result<Option<(TenantRow, LayerRows)>, StorageError> {
    let [settings, revision] = layer_statements(tenant_id, &scope.key());
    let whose = match scope {
        Scope::Tenant | Scope::Device { .. } => tenants::one(tenant_id),
        Scope::Site(id) => sites::one(tenant_id, id),
        Scope::Model(name) => models::one(tenant_id, name),
    };
    let [tenant, whose, settings, revision] = db
        .batch_of([tenants::one(tenant_id), whose, settings, revision])
        .await?;
    let is_there = !rows::<serde_json::Value>(&whose)?.is_empty();
    let tenant = rows(&tenant)?.pop().filter(|_| is_there);
    let layer = layer_of(&settings, &revision)?;
    Ok(tenant.map(|tenant| (tenant, layer)))
}

fn layer_statements(tenant_id: &str, scope: &str) -> [Statement; 2] {
    [
        Statement::new(
            "SELECT scope, name, value, master FROM settings \
             WHERE tenant_id = ?1 AND scope = ?2",
            args![tenant_id, scope],
        ),
        Statement::new(
            "SELECT revision FROM layers WHERE tenant_id = ?1 AND scope = ?2",
            args![tenant_id, scope],
        ),
    ]
}

/// What reads the layer of a device by the device's MAC.
///
/// # Errors
/// The statements cannot be made.
pub(super) fn device_layer_statements(tenant_id: &str, mac: &str) -> [Statement; 2] {
    const SCOPE: &str = "(SELECT 'device:' || id FROM devices WHERE tenant_id = ?1 AND mac = ?2)";
    [
        Statement::new(
            &format!(
                "SELECT scope, name, value, master FROM settings \
                 WHERE tenant_id = ?1 AND scope = {SCOPE}"
            ),
            args![tenant_id, mac],
        ),
        Statement::new(
            &format!("SELECT revision FROM layers WHERE tenant_id = ?1 AND scope = {SCOPE}"),
            args![tenant_id, mac],
        ),
    ]
}

/// What either of them gave.
///
/// # Errors
/// The rows are others.
pub(super) fn layer_of(
    settings: &D1Result,
    revision: &D1Result,
) -> Result<LayerRows, StorageError> {
    #[derive(Deserialize)]
    struct Revision {
        revision: u64,
    }
    Ok(LayerRows {
        rows: rows(settings)?,
        revision: rows::<Revision>(revision)?
            .first()
            .map_or(0, |row| row.revision),
    })
}

/// What reads every setting of a tenant that is not one device's.
pub(super) fn above_devices(tenant_id: &str) -> Statement {
    // 'device:' and 'device;' are neighbours: everything but the scopes of devices.
    Statement::new(
        "SELECT scope, name, value, master FROM settings WHERE tenant_id = ?1 \
         AND (scope < 'device:' OR scope >= 'device;')",
        args![tenant_id],
    )
}

/// The settings of some devices, by their ids.
pub async fn of_devices(
    db: &Db,
    tenant_id: &str,
    ids: &[&str],
) -> Result<Vec<SettingRow>, StorageError> {
    let scopes: Vec<String> = ids.iter().map(|id| Scope::device_key(id)).collect();
    db.rows(
        "SELECT s.scope, s.name, s.value, s.master FROM json_each(?2) j \
         JOIN settings s ON s.tenant_id = ?1 AND s.scope = j.value",
        args![tenant_id, json(&scopes)?],
    )
    .await
}

/// How much the settings of some devices are.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Extent {
    pub settings: usize,
    /// Of how many names.
    pub names: usize,
}

/// How much the settings of some devices are, by the devices' ids.
pub async fn extent(db: &Db, tenant_id: &str, ids: &[&str]) -> Result<Extent, StorageError> {
    let found = db
        .row(
            "SELECT count(*) AS settings, count(DISTINCT s.name) AS names FROM json_each(?2) j \
             CROSS JOIN settings s WHERE s.tenant_id = ?1 AND s.scope = 'device:' || j.value",
            args![tenant_id, json(ids)?],
        )
        .await?;
    Ok(found.unwrap_or_default())
}

/// A layer's new content.
pub struct NewLayer {
    /// Rows to write; a secret comes wrapped.
    pub write: Vec<SettingRow>,
    /// Names of stored rows that stay as they are.
    pub keep: Vec<String>,
    /// Whether it takes more bytes than before.
    pub grows: bool,
}

/// Adds to a change that a layer's content is `layer`, and that what it was is kept.
///
/// What is kept is not read and written again, so that a rotation of the master key in between is
/// not undone.
///
/// # Errors
/// The rows of the layer do not serialise.
pub fn replace(
    change: &mut Change<'_>,
    tenant_id: &str,
    scope: &Scope,
    layer: &NewLayer,
    now: u64,
) -> Result<(), StorageError> {
    change.keep(tenant_id, Object::Layer(scope.clone()), now);
    for (sql, values) in replacing(tenant_id, &scope.key(), layer, now)? {
        change.push(&sql, &values);
    }
    if layer.grows {
        change.within(tenant_id, Quota::SettingsBytes);
    }
    Ok(())
}

/// The statements of it.
///
/// # Errors
/// The rows of the layer do not serialise.
pub(super) fn replacing<'a>(
    tenant_id: &'a str,
    scope: &'a str,
    layer: &NewLayer,
    now: u64,
) -> Result<Vec<Sql<'a>>, StorageError> {
    let keep = json(&layer.keep)?;
    let rows: Vec<(&str, &str, Option<&str>)> = layer
        .write
        .iter()
        .map(|row| (row.name.as_str(), row.value.as_str(), row.master.as_deref()))
        .collect();
    let own = |more: Arg<'a>| vec![tenant_id.into(), scope.into(), more];
    let mut statements = history::retire(tenant_id, scope, &keep);
    statements.extend([
        (
            "DELETE FROM settings WHERE tenant_id = ?1 AND scope = ?2 \
             AND name NOT IN (SELECT value FROM json_each(?3))"
                .to_owned(),
            own(keep.into()),
        ),
        (
            format!(
                "INSERT INTO settings (tenant_id, scope, name, value, master, since) \
                 SELECT ?1, ?2, value ->> 0, value ->> 1, value ->> 2, {SINCE} FROM json_each(?3)"
            ),
            own(json(&rows)?.into()),
        ),
        (
            "INSERT INTO layers (tenant_id, scope, revision, updated_at, bytes) \
             VALUES (?1, ?2, 1, ?3, \
             (SELECT coalesce(sum(octet_length(name) + octet_length(value)), 0) FROM settings \
             WHERE tenant_id = ?1 AND scope = ?2)) \
             ON CONFLICT DO UPDATE SET revision = revision + 1, \
             updated_at = excluded.updated_at, bytes = excluded.bytes"
                .to_owned(),
            own(now.into()),
        ),
    ]);
    Ok(statements)
}

/// Replaces a layer that is still at `revision`.
///
/// # Errors
/// The layer is no longer at `revision`, what the change was checked against is no longer so, or D1 fails.
pub async fn put(
    db: &Db,
    checked_against: &CheckedAgainst,
    scope: &Scope,
    revision: u64,
    layer: &NewLayer,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let key = scope.key();
    let tenant_id = checked_against.tenant_id.as_str();
    let (reach, exists) = match scope {
        Scope::Tenant => (Invalidates::Tenant, "1"),
        Scope::Site(_) => (
            Invalidates::Tenant,
            "EXISTS (SELECT 1 FROM sites WHERE tenant_id = ?1 AND 'site:' || id = ?2)",
        ),
        Scope::Model(_) => (
            Invalidates::Tenant,
            "EXISTS (SELECT 1 FROM models WHERE tenant_id = ?1 AND 'model:' || name = ?2)",
        ),
        Scope::Device { .. } => (
            Invalidates::Device,
            "EXISTS (SELECT 1 FROM devices WHERE id = ?4 AND tenant_id = ?1)",
        ),
    };
    let device = match scope {
        Scope::Device { id, .. } => id.as_str(),
        _ => "",
    };
    let mut values = vec![ringfence_sql::Arg::from(&key), revision.into()];
    if !device.is_empty() {
        values.push(device.into());
    }
    let mut change = Change::checked(
        db,
        checked_against,
        reach,
        &format!(
            "{exists} AND coalesce((SELECT revision FROM layers \
             WHERE tenant_id = ?1 AND scope = ?2), 0) = ?3"
        ),
        &values,
    );
    replace(&mut change, tenant_id, scope, layer, now)?;
    if !device.is_empty() {
        change.push(
            &format!(
                "UPDATE devices SET version = {}, updated_at = ?3 WHERE id = ?2",
                super::SEQ
            ),
            args![tenant_id, device, now],
        );
    }
    change.write(entry).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn associated_data_format_unchanged() {
        assert_eq!(
            associated_data("T", "tenant", "PASS"),
            "setting:T:tenant:PASS"
        );
    }
}
