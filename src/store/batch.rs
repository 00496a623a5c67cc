//! Many devices of a tenant as one change: what [`super::devices`], [`super::settings`] and
//! [`super::history`] do to one, in as many statements whatever their number. A unit test holds the statements
//! to those for one.

use std::collections::BTreeMap;

use ringfence_sql::{Arg, args};
use serde::{Deserialize, Serialize};

use super::devices::{DEVICE_COLUMNS, DEVICE_TABLES, StoredKey};
use super::history::{self, Sql};
use super::json::{json, parts};
use super::models::ModelRow;
use super::object::SettingRow;
use super::sites::SiteRow;
use super::tenants::{self, TenantRow};
use super::{Change, ChangeError, CheckedAgainst, Entry, Invalidates, SEQ, audit};
use crate::db::{Db, Statement, StorageError, rows};
use crate::model::device::DeviceRow;
use crate::model::limits::Quota;

/// What a change of many devices begins with.
pub struct BatchSurroundings {
    pub tenant: TenantRow,
    /// By MAC.
    pub devices: BTreeMap<String, DeviceRow>,
    /// The settings of their own layers.
    pub settings: Vec<SettingRow>,
    /// The revisions of these layers, by scope.
    pub revisions: BTreeMap<String, u64>,
    /// MACs of which a device was removed or moved away since the time that was asked about.
    pub left: Vec<String>,
    /// The sites that were named.
    pub sites: Vec<SiteRow>,
}

/// Reads a tenant, its devices of some MACs with their settings, and its sites of these ids or names, in one round
/// trip; nothing if there is no such tenant.
pub async fn surroundings(
    db: &Db,
    tenant_id: &str,
    macs: &[String],
    sites: &[String],
    left_since: u64,
) -> Result<Option<BatchSurroundings>, StorageError> {
    #[derive(Deserialize)]
    struct Revision {
        scope: String,
        revision: u64,
    }
    #[derive(Deserialize)]
    struct Left {
        mac: String,
    }
    let [tenant, devices, settings, revisions, left, sites] = db
        .batch_of(reading(tenant_id, macs, sites, left_since)?)
        .await?;
    let Some(tenant) = rows(&tenant)?.pop() else {
        return Ok(None);
    };
    let devices: Vec<DeviceRow> = rows(&devices)?;
    let revisions: Vec<Revision> = rows(&revisions)?;
    let left: Vec<Left> = rows(&left)?;
    Ok(Some(BatchSurroundings {
        tenant,
        devices: devices
            .into_iter()
            .map(|row| (row.mac.clone(), row))
            .collect(),
        settings: rows(&settings)?,
        revisions: revisions
            .into_iter()
            .map(|row| (row.scope, row.revision))
            .collect(),
        left: left.into_iter().map(|row| row.mac).collect(),
        sites: rows(&sites)?,
    }))
}

fn reading(
    tenant_id: &str,
    macs: &[String],
    sites: &[String],
    left_since: u64,
) -> Result<[Statement; 6], StorageError> {
    let (macs, sites) = (json(macs)?, json(sites)?);
    Ok([
        tenants::one(tenant_id),
        Statement::new(
            &format!(
                "SELECT {DEVICE_COLUMNS} FROM json_each(?2) j CROSS JOIN {DEVICE_TABLES} \
                 WHERE d.tenant_id = ?1 AND d.mac = j.value"
            ),
            args![tenant_id, &macs],
        ),
        Statement::new(
            "SELECT s.scope, s.name, s.value, s.master FROM json_each(?2) j \
             CROSS JOIN devices d ON d.tenant_id = ?1 AND d.mac = j.value \
             CROSS JOIN settings s ON s.tenant_id = ?1 AND s.scope = 'device:' || d.id",
            args![tenant_id, &macs],
        ),
        Statement::new(
            "SELECT l.scope, l.revision FROM json_each(?2) j \
             CROSS JOIN devices d ON d.tenant_id = ?1 AND d.mac = j.value \
             CROSS JOIN layers l ON l.tenant_id = ?1 AND l.scope = 'device:' || d.id",
            args![tenant_id, &macs],
        ),
        Statement::new(
            "SELECT j.value AS mac FROM json_each(?2) j WHERE EXISTS (SELECT 1 FROM audit \
             WHERE tenant_id = ?1 AND object = 'devices/' || j.value \
             AND action IN ('device.delete', 'device.move') AND at >= ?3)",
            args![tenant_id, &macs, left_since],
        ),
        Statement::new(
            "SELECT s.id, s.name, s.revision, s.created_at, s.updated_at FROM json_each(?2) j \
             CROSS JOIN sites s ON s.id = j.value AND s.tenant_id = ?1 UNION \
             SELECT s.id, s.name, s.revision, s.created_at, s.updated_at FROM json_each(?2) j \
             CROSS JOIN sites s ON s.tenant_id = ?1 AND s.name = j.value",
            args![tenant_id, &sites],
        ),
    ])
}

/// What becomes of the layer of one device.
pub struct Layer {
    /// Of the device.
    pub scope: String,
    /// Rows to write; a secret comes wrapped.
    pub write: Vec<SettingRow>,
    /// Names of stored rows that are replaced or removed.
    pub retire: Vec<String>,
    /// Whether it takes more bytes than before.
    pub grows: bool,
}

/// A device to be added.
pub struct Added {
    pub row: DeviceRow,
    pub key: StoredKey,
    /// When everything cached for its MAC became void; 0 where nothing was.
    pub fenced_at: u64,
}

/// A device that becomes another.
pub struct Changed {
    /// As it was read, and so it must be still.
    pub was: DeviceRow,
    /// The revision of its layer, likewise.
    pub layer_revision: u64,
    pub model: String,
    pub site_id: Option<String>,
    pub label: String,
}

/// A change of many devices.
pub struct Batch<'a> {
    /// What their files were checked against.
    pub checked_against: &'a CheckedAgainst,
    pub reach: Invalidates,
    pub models: Vec<&'a ModelRow>,
    pub added: Vec<Added>,
    pub changed: Vec<Changed>,
    /// Those that change.
    pub layers: Vec<Layer>,
    pub now: u64,
}

/// Writes it, with an entry of the audit log for each device and one for all.
///
/// # Errors
/// [`ChangeError::Overtaken`] if one of the devices is no longer as it was read, has been added meanwhile, has the
/// key of another one, or what they were checked against is no longer so; a quota, or D1 fails.
pub async fn write(
    db: &Db,
    batch: &Batch<'_>,
    entries: &[Entry],
    entry: &Entry,
) -> Result<(), ChangeError> {
    let tenant_id = batch.checked_against.tenant_id.as_str();
    let [added, changed, keys] = guarded(batch)?;
    let mut change = Change::checked(
        db,
        batch.checked_against,
        batch.reach,
        GUARD,
        args![added, changed, keys],
    );
    let statements = statements(tenant_id, batch, entry)?;
    for (sql, values) in &statements {
        change.push(sql, values);
    }
    if !batch.models.is_empty() {
        change.within(tenant_id, Quota::Models);
    }
    if !batch.added.is_empty() {
        change.within(tenant_id, Quota::Devices);
    }
    if batch.layers.iter().any(|layer| layer.grows) {
        change.within(tenant_id, Quota::SettingsBytes);
    }
    for (sql, values) in audit::statements(entries)? {
        change.push(sql, &values);
    }
    change.write(entry).await
}

/// That no device of the first list (MACs) is there, those of the second (id, version, revision, revision of the layer)
/// are as they were read, and none has a key of the third (fingerprints).
const GUARD: &str = "NOT EXISTS (SELECT 1 FROM json_each(?2) j CROSS JOIN devices d \
     ON d.tenant_id = ?1 AND d.mac = j.value) AND NOT EXISTS (SELECT 1 FROM json_each(?3) j WHERE NOT EXISTS \
     (SELECT 1 FROM devices d WHERE d.id = j.value ->> 0 AND d.tenant_id = ?1 AND d.version = j.value ->> 1 \
     AND d.revision = j.value ->> 2 AND coalesce((SELECT l.revision FROM layers l WHERE l.tenant_id = ?1 \
     AND l.scope = 'device:' || d.id), 0) = j.value ->> 3)) AND NOT EXISTS (SELECT 1 FROM json_each(?4) j \
     CROSS JOIN devices d ON d.key_fingerprint = j.value)";

fn guarded(batch: &Batch<'_>) -> Result<[String; 3], StorageError> {
    let added: Vec<_> = batch.added.iter().map(|it| &it.row.mac).collect();
    let changed: Vec<_> = batch
        .changed
        .iter()
        .map(|it| {
            (
                &it.was.id,
                it.was.version,
                it.was.revision,
                it.layer_revision,
            )
        })
        .collect();
    let keys: Vec<_> = batch
        .added
        .iter()
        .flat_map(|it| std::iter::once(&it.key.fingerprint).chain(&it.key.previous_fingerprint))
        .collect();
    Ok([json(&added)?, json(&changed)?, json(&keys)?])
}

fn statements<'a>(
    tenant_id: &'a str,
    batch: &Batch<'_>,
    entry: &'a Entry,
) -> Result<Vec<Sql<'a>>, StorageError> {
    let mut all = models(tenant_id, batch)?;
    all.extend(added(tenant_id, batch)?);
    all.extend(changed(tenant_id, batch)?);
    all.extend(layers(tenant_id, &batch.layers, batch.now)?);
    if !batch.layers.is_empty() {
        let scopes = scopes(&batch.layers)?;
        all.extend(history::after_all(tenant_id, &scopes, entry));
    }
    Ok(all)
}

fn models<'a>(tenant_id: &'a str, batch: &Batch<'_>) -> Result<Vec<Sql<'a>>, StorageError> {
    let rows: Vec<_> = batch
        .models
        .iter()
        .map(|it| (&it.name, it.family.as_str(), &it.profile, it.created_at))
        .collect();
    let sql = "INSERT INTO models (tenant_id, name, family, profile, created_at, updated_at) \
               SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 3 FROM json_each(?2)";
    each(sql, tenant_id, &rows, &[])
}

fn added<'a>(tenant_id: &'a str, batch: &Batch<'_>) -> Result<Vec<Sql<'a>>, StorageError> {
    if batch.added.is_empty() {
        return Ok(Vec::new());
    }
    let macs: Vec<_> = batch.added.iter().map(|it| &it.row.mac).collect();
    let macs = json(&macs)?;
    let own = || -> Vec<Arg<'a>> { vec![tenant_id.into(), macs.clone().into()] };
    let mut all: Vec<Sql<'a>> = ["unknown_phones", "moves"]
        .map(|table| {
            let sql = format!(
                "DELETE FROM {table} WHERE tenant_id = ?1 AND mac IN (SELECT value FROM json_each(?2))"
            );
            (sql, own())
        })
        .into();
    let rows: Vec<_> = batch
        .added
        .iter()
        .map(
            |Added {
                 row,
                 key,
                 fenced_at,
             }| {
                (
                    (
                        &row.id,
                        &row.mac,
                        &row.model,
                        &row.site_id,
                        &row.label,
                        row.created_at,
                    ),
                    (row.key_state.as_str(), row.generation, row.ever_delivered),
                    (&key.wrapped, &key.master, &key.fingerprint),
                    (row.armed_at, row.armed_until, row.delivered_at, fenced_at),
                )
            },
        )
        .collect();
    let sql = format!(
        "INSERT INTO devices (tenant_id, id, mac, model, site_id, label, version, created_at, updated_at, \
         key_state, generation, ever_delivered, key_wrapped, key_master, key_fingerprint, \
         armed_at, armed_until, delivered_at, fenced_at) \
         SELECT ?1, value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]', \
         value ->> '$[0][4]', {SEQ}, value ->> '$[0][5]', value ->> '$[0][5]', value ->> '$[1][0]', \
         value ->> '$[1][1]', value ->> '$[1][2]', value ->> '$[2][0]', value ->> '$[2][1]', value ->> '$[2][2]', \
         value ->> '$[3][0]', value ->> '$[3][1]', value ->> '$[3][2]', value ->> '$[3][3]' FROM json_each(?2)"
    );
    all.extend(each(&sql, tenant_id, &rows, &[])?);
    Ok(all)
}

fn changed<'a>(tenant_id: &'a str, batch: &Batch<'_>) -> Result<Vec<Sql<'a>>, StorageError> {
    let rows: Vec<_> = batch
        .changed
        .iter()
        .map(|it| (&it.was.id, &it.model, &it.site_id, &it.label))
        .collect();
    // What was cached for another model must not outlive it: fenced like a new key.
    let sql = format!(
        "UPDATE devices AS d SET model = j.value ->> 1, site_id = j.value ->> 2, label = j.value ->> 3, \
         updated_at = ?3, fenced_at = CASE WHEN d.model = j.value ->> 1 THEN d.fenced_at ELSE ?3 END, \
         version = {SEQ}, revision = d.revision + 1 FROM json_each(?2) j WHERE d.id = j.value ->> 0"
    );
    each(&sql, tenant_id, &rows, &[batch.now])
}

fn scopes(layers: &[Layer]) -> Result<String, StorageError> {
    let scopes: Vec<_> = layers.iter().map(|it| &it.scope).collect();
    json(&scopes)
}

/// That the content of layers is another, and that what it was is kept.
fn layers<'a>(
    tenant_id: &'a str,
    layers: &[Layer],
    now: u64,
) -> Result<Vec<Sql<'a>>, StorageError> {
    if layers.is_empty() {
        return Ok(Vec::new());
    }
    let scopes = scopes(layers)?;
    let mut all = vec![history::before_all(tenant_id, &scopes, now)];
    let retired: Vec<(&str, &str)> = layers
        .iter()
        .flat_map(|it| {
            it.retire
                .iter()
                .map(|name| (it.scope.as_str(), name.as_str()))
        })
        .collect();
    let retired = parts(&retired)?;
    all.extend(history::retire_all(tenant_id, &scopes, &retired));
    for part in retired {
        all.push((
            "DELETE FROM settings WHERE (tenant_id, scope, name) IN \
             (SELECT ?1, value ->> 0, value ->> 1 FROM json_each(?2))"
                .to_owned(),
            vec![tenant_id.into(), part.into()],
        ));
    }
    let written: Vec<_> = layers
        .iter()
        .flat_map(|it| &it.write)
        .map(|row| (&row.scope, &row.name, &row.value, &row.master))
        .collect();
    let insert = format!(
        "INSERT INTO settings (tenant_id, scope, name, value, master, since) \
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, {} + 1 FROM json_each(?2)",
        history::newest_of("value ->> 0")
    );
    all.extend(each(&insert, tenant_id, &written, &[])?);
    all.push((
        "INSERT INTO layers (tenant_id, scope, revision, updated_at, bytes) \
         SELECT ?1, j.value, 1, ?3, \
         (SELECT coalesce(sum(octet_length(name) + octet_length(value)), 0) FROM settings \
         WHERE tenant_id = ?1 AND scope = j.value) FROM json_each(?2) j WHERE true \
         ON CONFLICT DO UPDATE SET revision = revision + 1, \
         updated_at = excluded.updated_at, bytes = excluded.bytes"
            .to_owned(),
        vec![tenant_id.into(), scopes.into(), now.into()],
    ));
    Ok(all)
}

/// A statement for each part of its rows, which are `?2`; `more` begins at `?3`.
fn each<'a, T: Serialize>(
    sql: &str,
    tenant_id: &'a str,
    rows: &[T],
    more: &[u64],
) -> Result<Vec<Sql<'a>>, StorageError> {
    let statement = |part: String| {
        let mut values: Vec<Arg<'a>> = vec![tenant_id.into(), part.into()];
        values.extend(more.iter().map(|value| Arg::from(*value)));
        (sql.to_owned(), values)
    };
    Ok(parts(rows)?.into_iter().map(statement).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use ringfence_sql::{Memory, Sql as _};

    use super::*;
    use crate::store::object::{Object, Scope};
    use crate::store::settings::NewLayer;
    use crate::store::testing::{entry, with_tenant};

    fn run(memory: &Memory, statements: Vec<Sql<'_>>) {
        for (sql, values) in statements {
            memory.run(&sql, &values).unwrap();
        }
    }

    fn take_seq(memory: &Memory) {
        memory.run("UPDATE tenants SET seq = seq + 1", &[]).unwrap();
    }

    /// What layers hold, by the number of the device.
    type Layers = BTreeMap<u8, BTreeMap<String, String>>;

    fn row(device: u8, name: &str, value: &str) -> SettingRow {
        SettingRow {
            scope: format!("device:D{device}"),
            name: name.to_owned(),
            value: value.to_owned(),
            master: None,
        }
    }

    /// Names that stay as they are, and rows that do not.
    fn difference(
        device: u8,
        was: &BTreeMap<String, String>,
        is: &BTreeMap<String, String>,
    ) -> (Vec<String>, Vec<SettingRow>) {
        let (keep, write): (Vec<_>, Vec<_>) = is
            .iter()
            .partition(|(name, value)| was.get(*name) == Some(*value));
        let keep = keep.into_iter().map(|(name, _)| name.clone()).collect();
        (
            keep,
            write
                .into_iter()
                .map(|(name, value)| row(device, name, value))
                .collect(),
        )
    }

    fn one_by_one(memory: &Memory, was: &Layers, is: &Layers, at: u64) {
        take_seq(memory);
        for (device, layer) in is {
            let none = BTreeMap::new();
            let (keep, write) = difference(*device, was.get(device).unwrap_or(&none), layer);
            let scope = format!("device:D{device}");
            let object = Object::Layer(Scope::Device {
                id: format!("D{device}"),
                mac: String::new(),
            });
            let new = NewLayer {
                write,
                keep,
                grows: false,
            };
            let entry = entry(at);
            let history = history::ObjectHistory::new("T", object);
            run(memory, history.before(at));
            run(
                memory,
                super::super::settings::replacing("T", &scope, &new, at).unwrap(),
            );
            run(memory, history.after(&entry));
        }
    }

    fn at_once(memory: &Memory, was: &Layers, is: &Layers, at: u64) {
        take_seq(memory);
        let none = BTreeMap::new();
        let all: Vec<Layer> = is
            .iter()
            .map(|(device, layer)| {
                let was = was.get(device).unwrap_or(&none);
                let (keep, write) = difference(*device, was, layer);
                Layer {
                    scope: format!("device:D{device}"),
                    write,
                    retire: was
                        .keys()
                        .filter(|name| !keep.contains(name))
                        .cloned()
                        .collect(),
                    grows: false,
                }
            })
            .collect();
        run(memory, layers("T", &all, at).unwrap());
        let entry = entry(at);
        if !all.is_empty() {
            run(
                memory,
                history::after_all("T", &scopes(&all).unwrap(), &entry),
            );
        }
    }

    /// Everything that they write, as text.
    fn all(memory: &Memory) -> Vec<serde_json::Value> {
        let tables = [
            "settings ORDER BY scope, name",
            "layers ORDER BY scope",
            "versions ORDER BY object, number",
            "setting_versions ORDER BY object, last, name",
            "tenants",
        ];
        let rows = tables.map(|table| memory.rows(&format!("SELECT * FROM {table}"), &[]).unwrap());
        rows.into_iter()
            .flat_map(|rows: Vec<serde_json::Value>| rows)
            .collect()
    }

    fn some_layers() -> impl Strategy<Value = Layers> {
        let layer = prop::collection::btree_map("[A-D]", "[xyz]{1,2}", 0..4);
        prop::collection::btree_map(0_u8..4, layer, 0..4)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn many_layers_are_written_as_each_alone(steps in prop::collection::vec(some_layers(), 1..5)) {
            let (one, many) = (with_tenant(), with_tenant());
            let mut was = Layers::new();
            for (at, is) in (1..).zip(&steps) {
                one_by_one(&one, &was, is, at);
                at_once(&many, &was, is, at);
                was.extend(is.clone());
                prop_assert_eq!(all(&one), all(&many));
            }
        }
    }

    #[test]
    fn no_more_versions_are_kept_than_of_one() {
        let (one, many) = (with_tenant(), with_tenant());
        let layer =
            |at: u64| Layers::from([(1, BTreeMap::from([("A".to_owned(), at.to_string())]))]);
        for at in 1..60 {
            one_by_one(&one, &layer(at - 1), &layer(at), at);
            at_once(&many, &layer(at - 1), &layer(at), at);
        }
        assert_eq!(all(&one), all(&many));
    }
}
