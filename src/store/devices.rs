//! Devices as an operator finds and changes them. [`claims`](super::claims) and [`events`](super::events) have
//! what a phone does to them.

use ringfence_provision::lifecycle::KeyState;
use ringfence_sql::{Arg, args};
use serde::Deserialize;

use super::json::json;
use super::object::Scope;
use super::settings::{self, LayerRows, NewLayer};
use super::sites::{self, SiteRow};
use super::tenants::{self, TenantRow};
use super::{Change, ChangeError, CheckedAgainst, Entry, Invalidates, SEQ, models, moves};
use crate::audit::device_object;
use crate::db::{D1Result, Db, Statement, StorageError, rows};
use crate::model::device::DeviceRow;
use crate::model::limits::Quota;

/// The columns of [`DeviceRow`]; the joined tables are `d`, `m` and `t`.
pub const DEVICE_COLUMNS: &str = "d.id, d.tenant_id, d.mac, d.model, d.site_id, d.label, \
     d.disabled, d.version, d.key_state, d.generation, d.ever_delivered, d.key_wrapped, \
     d.armed_at, d.armed_until, d.delivered_at, d.delivered_address, d.delivered_user_agent, \
     d.delivered_country, d.confirmed_at, d.last_seen_at, d.last_seen_address, \
     d.last_seen_user_agent, d.fetched_version, d.fetched_at, d.revision, d.created_at, \
     d.updated_at, d.forward_until, d.failed_at, d.failed_reason, d.unexpected_network, m.family, m.profile, t.version AS tenant_version";

/// The tables of [`DEVICE_COLUMNS`].
pub const DEVICE_TABLES: &str = "devices d \
     JOIN models m ON m.tenant_id = d.tenant_id AND m.name = d.model \
     JOIN tenants t ON t.id = d.tenant_id";

/// A key as it is stored.
pub struct StoredKey {
    pub wrapped: String,
    /// Id of the master key that wraps it.
    pub master: String,
    pub fingerprint: String,
    /// The fingerprint under the previous master key, while a rotation runs: it may be what another
    /// device with the same key has.
    pub previous_fingerprint: Option<String>,
}

/// That no device has this key, for the guard of a change; takes two values.
fn key_is_free(first: usize) -> String {
    let second = first + 1;
    format!("NOT EXISTS (SELECT 1 FROM devices WHERE key_fingerprint IN (?{first}, ?{second}))")
}

/// A device of a tenant by its MAC.
pub async fn find(db: &Db, tenant_id: &str, mac: &str) -> Result<Option<DeviceRow>, StorageError> {
    Ok(rows(&db.all(one(tenant_id, mac)).await?)?.pop())
}

fn one(tenant_id: &str, mac: &str) -> Statement {
    Statement::new(
        &format!(
            "SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE d.tenant_id = ?1 AND d.mac = ?2"
        ),
        args![tenant_id, mac],
    )
}

/// Devices of a tenant by their ids, in that order; those that are no longer there are not in it.
pub async fn by_ids(
    db: &Db,
    tenant_id: &str,
    ids: &[&str],
) -> Result<Vec<DeviceRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {DEVICE_COLUMNS} FROM json_each(?2) j CROSS JOIN {DEVICE_TABLES} \
             WHERE d.id = j.value AND d.tenant_id = ?1 ORDER BY j.key"
        ),
        args![tenant_id, json(ids)?],
    )
    .await
}

/// What a change of a device begins with.
pub struct DeviceSurroundings {
    pub tenant: TenantRow,
    pub device: Option<DeviceRow>,
    /// Its own settings; of none, and at revision 0, where there is no device.
    pub layer: LayerRows,
    /// Whether a device of this MAC was removed or moved away since the time that was asked about.
    pub left: bool,
    /// Whether the site that was asked for is one of the tenant.
    pub has_site: bool,
}

/// Reads a tenant, its device of a MAC with the device's settings, and whether a site is there, in one
/// round trip; nothing if there is no such tenant.
pub async fn surroundings(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    site: Option<&str>,
    left_since: u64,
) -> Result<Option<DeviceSurroundings>, StorageError> {
    let [settings, revision] = settings::device_layer_statements(tenant_id, mac);
    let [tenant, device, settings, revision, left, site] = db
        .batch_of([
            tenants::one(tenant_id),
            one(tenant_id, mac),
            settings,
            revision,
            Statement::new(
                "SELECT id FROM audit WHERE object = ?1 AND tenant_id = ?2 \
                 AND action IN ('device.delete', 'device.move') AND at >= ?3 LIMIT 1",
                args![device_object(mac), tenant_id, left_since],
            ),
            sites::one(tenant_id, site.unwrap_or_default()),
        ])
        .await?;
    let Some(tenant) = rows(&tenant)?.pop() else {
        return Ok(None);
    };
    Ok(Some(DeviceSurroundings {
        tenant,
        device: rows(&device)?.pop(),
        layer: settings::layer_of(&settings, &revision)?,
        left: !rows::<serde_json::Value>(&left)?.is_empty(),
        has_site: !rows::<SiteRow>(&site)?.is_empty(),
    }))
}

/// The device of a tenant that has one of these MACs, the first of them that any has: its id and MAC.
pub async fn first_among(
    db: &Db,
    tenant_id: &str,
    macs: &[String],
) -> Result<Option<(String, String)>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        mac: String,
    }
    let row: Option<Row> = db
        .row(
            "SELECT d.id, d.mac FROM json_each(?2) j \
             CROSS JOIN devices d ON d.tenant_id = ?1 AND d.mac = j.value ORDER BY j.key LIMIT 1",
            args![tenant_id, json(&macs)?],
        )
        .await?;
    Ok(row.map(|row| (row.id, row.mac)))
}

/// A device to be added.
pub struct NewDevice<'a> {
    pub row: &'a DeviceRow,
    /// What its files were checked against.
    pub checked_against: &'a CheckedAgainst,
    pub key: StoredKey,
    /// When everything cached for its MAC became void; 0 where nothing was.
    pub fenced_at: u64,
    /// The model, if it is to be added too.
    pub model: Option<&'a models::ModelRow>,
    pub settings: Option<&'a NewLayer>,
}

/// Adds a device; what it is then.
///
/// # Errors
/// [`ChangeError::Overtaken`] if another device has its key, or what it was checked against is no
/// longer so; its MAC is taken, its site or model was deleted, or D1 fails.
pub async fn insert(db: &Db, new: &NewDevice<'_>, entry: &Entry) -> Result<DeviceRow, ChangeError> {
    let row = new.row;
    let tenant_id = row.tenant_id.as_str();
    let mut change = Change::checked(
        db,
        new.checked_against,
        Invalidates::Device,
        &key_is_free(2),
        args![
            &new.key.fingerprint,
            new.key.previous_fingerprint.as_deref()
        ],
    );
    if let Some(model) = new.model {
        models::push_insert(&mut change, tenant_id, model);
    }
    moves::push_return(&mut change, tenant_id, &row.mac);
    change.push(
        &format!(
            "INSERT INTO devices (tenant_id, id, mac, model, site_id, label, version, fenced_at, \
             key_state, generation, ever_delivered, key_wrapped, key_master, key_fingerprint, \
             armed_at, armed_until, delivered_at, created_at, updated_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, {SEQ}, ?17, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
             ?16, ?7, ?7)"
        ),
        args![
            tenant_id,
            &row.id,
            &row.mac,
            &row.model,
            row.site_id.as_deref(),
            &row.label,
            row.created_at,
            row.key_state.as_str(),
            row.generation,
            row.ever_delivered,
            &new.key.wrapped,
            &new.key.master,
            &new.key.fingerprint,
            row.armed_at,
            row.armed_until,
            row.delivered_at,
            new.fenced_at
        ],
    );
    if let Some(layer) = new.settings {
        settings::replace(
            &mut change,
            tenant_id,
            &Scope::of_device(row),
            layer,
            row.created_at,
        )?;
    }
    change.within(tenant_id, Quota::Devices);
    written(change, tenant_id, &row.mac, entry).await
}

/// Writes a change; the device as it is then.
async fn written(
    mut change: Change<'_>,
    tenant_id: &str,
    mac: &str,
    entry: &Entry,
) -> Result<DeviceRow, ChangeError> {
    let place = change.add(one(tenant_id, mac));
    let results = change.commit(entry).await?;
    let row = results.get(place).map(rows).transpose()?;
    row.and_then(|mut rows| rows.pop())
        .ok_or(ChangeError::Overtaken)
}

/// What an operator decides about a device, besides its settings.
pub struct DeviceValues<'a> {
    /// What its files were checked against.
    pub checked_against: &'a CheckedAgainst,
    pub model: &'a str,
    pub site_id: Option<&'a str>,
    pub label: &'a str,
}

const AT_REVISION: &str = "EXISTS (SELECT 1 FROM devices WHERE id = ?2 AND revision = ?3)";

fn at_revision<'a>(db: &'a Db, device: &DeviceRow) -> Change<'a> {
    Change::guarded(
        db,
        &device.tenant_id,
        Invalidates::Device,
        AT_REVISION,
        args![&device.id, device.revision],
    )
}

/// Replaces what an operator decided about a device; what it is then.
///
/// # Errors
/// The row is no longer at the revision of `device`, what the change was checked against is no longer so, the site or
/// model is gone, or D1 fails.
pub async fn update(
    db: &Db,
    device: &DeviceRow,
    values: &DeviceValues<'_>,
    model: Option<&models::ModelRow>,
    settings: Option<(&NewLayer, u64)>,
    now: u64,
    entry: &Entry,
) -> Result<DeviceRow, ChangeError> {
    let mut condition = AT_REVISION.to_owned();
    let mut guards: Vec<Arg<'_>> = vec![(&device.id).into(), device.revision.into()];
    if let Some((_, layer_revision)) = settings {
        condition.push_str(
            " AND coalesce((SELECT revision FROM layers \
             WHERE tenant_id = ?1 AND scope = 'device:' || ?2), 0) = ?4",
        );
        guards.push(layer_revision.into());
    }
    let mut change = Change::checked(
        db,
        values.checked_against,
        Invalidates::Device,
        &condition,
        &guards,
    );
    if let Some(model) = model {
        models::push_insert(&mut change, &device.tenant_id, model);
    }
    // What was cached for another model must not outlive it: fenced like a new key.
    change.push(
        &format!(
            "UPDATE devices SET model = ?3, site_id = ?4, label = ?5, updated_at = ?6, \
             fenced_at = CASE WHEN model = ?3 THEN fenced_at ELSE ?6 END, \
             version = {SEQ}, revision = revision + 1 WHERE id = ?2"
        ),
        args![
            &device.tenant_id,
            &device.id,
            values.model,
            values.site_id,
            values.label,
            now
        ],
    );
    if let Some((layer, _)) = settings {
        settings::replace(
            &mut change,
            &device.tenant_id,
            &Scope::of_device(device),
            layer,
            now,
        )?;
    }
    written(change, &device.tenant_id, &device.mac, entry).await
}

/// Puts a device in or out of service.
///
/// # Errors
/// The row is no longer at the revision of `device`, or D1 fails.
pub async fn set_disabled(
    db: &Db,
    device: &DeviceRow,
    disabled: bool,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = at_revision(db, device);
    change.push(
        &format!(
            "UPDATE devices SET disabled = ?3, fenced_at = ?4, updated_at = ?4, \
             version = {SEQ}, revision = revision + 1 WHERE id = ?2"
        ),
        args![&device.tenant_id, &device.id, disabled, now],
    );
    change.write(entry).await
}

/// Removes a device and its settings.
///
/// # Errors
/// The row is no longer at the revision of `device`, or D1 fails.
pub async fn delete(db: &Db, device: &DeviceRow, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = at_revision(db, device);
    change.push("DELETE FROM devices WHERE id = ?1", args![&device.id]);
    change.delete_layer(&device.tenant_id, &Scope::of_device(device).key())?;
    change.write(entry).await
}

/// What a device's key becomes.
pub struct NextKey<'a> {
    pub state: KeyState,
    pub generation: u32,
    pub ever_delivered: bool,
    pub armed_at: u64,
    pub armed_until: Option<u64>,
    pub delivered_at: Option<u64>,
    pub confirmed_at: Option<u64>,
    /// With a new generation; without one the key stays, and so does who took it last.
    pub key: Option<&'a StoredKey>,
}

/// Moves a device's key on, if it is still where `device` says: a phone may have taken the
/// bootstrap in the meantime.
///
/// # Errors
/// [`ChangeError::Overtaken`] if it is not, or if another device has the new key; or D1 fails.
pub async fn set_key(
    db: &Db,
    device: &DeviceRow,
    next: &NextKey<'_>,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    const UNMOVED: &str = "EXISTS (SELECT 1 FROM devices WHERE id = ?2 AND revision = ?3 \
                           AND key_state = ?4 AND generation = ?5 AND delivered_at IS ?6)";
    let mut values: Vec<Arg<'_>> = vec![
        (&device.id).into(),
        device.revision.into(),
        device.key_state.as_str().into(),
        device.generation.into(),
        device.delivered_at.into(),
    ];
    let mut condition = UNMOVED.to_owned();
    if let Some(key) = next.key {
        values.push((&key.fingerprint).into());
        values.push(key.previous_fingerprint.as_deref().into());
        condition = format!("{UNMOVED} AND {}", key_is_free(7));
    }
    let mut change = Change::guarded(
        db,
        &device.tenant_id,
        Invalidates::Device,
        &condition,
        &values,
    );
    change.push(
        &format!(
            "UPDATE devices SET key_state = ?3, generation = ?4, ever_delivered = ?5, \
             armed_at = ?6, armed_until = ?7, delivered_at = ?8, confirmed_at = ?9, \
             fenced_at = ?10, updated_at = ?10, version = {SEQ}, revision = revision + 1 \
             WHERE id = ?2 AND generation = ?11 AND key_state = ?12"
        ),
        args![
            &device.tenant_id,
            &device.id,
            next.state.as_str(),
            next.generation,
            next.ever_delivered,
            next.armed_at,
            next.armed_until,
            next.delivered_at,
            next.confirmed_at,
            now,
            device.generation,
            device.key_state.as_str()
        ],
    );
    if let Some(key) = next.key {
        change.push(
            "UPDATE devices SET key_wrapped = ?2, key_master = ?3, key_fingerprint = ?4, \
             delivered_address = NULL, delivered_user_agent = NULL, delivered_country = NULL, \
             unexpected_network = 0 WHERE id = ?1 AND generation = ?5",
            args![
                &device.id,
                &key.wrapped,
                &key.master,
                &key.fingerprint,
                next.generation
            ],
        );
    }
    change.write(entry).await
}

/// Which devices a change may affect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affected {
    All,
    Site(String),
    /// Devices of these models.
    Models(Vec<String>),
}

impl Affected {
    fn condition(&self) -> Result<(&'static str, Arg<'_>), StorageError> {
        Ok(match self {
            Self::All => ("", Arg::Null),
            Self::Site(id) => (" AND d.site_id = ?2", id.into()),
            Self::Models(names) => (
                " AND d.model IN (SELECT value FROM json_each(?2))",
                json(names)?.into(),
            ),
        })
    }
}

/// Whether a tenant has devices.
pub async fn has_any(db: &Db, tenant_id: &str) -> Result<bool, StorageError> {
    let sql = "SELECT 1 FROM devices WHERE tenant_id = ?1 LIMIT 1";
    let found: Option<i64> = db.value(sql, args![tenant_id]).await?;
    Ok(found.is_some())
}

/// What counts the devices that a change may affect, and reads the first of them in the order of their
/// ids. [`counted`] and [`rows`] read what it gives.
///
/// # Errors
/// The statements cannot be made.
pub fn affected(
    tenant_id: &str,
    affected: &Affected,
    limit: u32,
) -> Result<[Statement; 2], StorageError> {
    let (condition, value) = affected.condition()?;
    let count = format!(
        "SELECT count(*) AS number FROM devices d WHERE d.tenant_id = ?1 AND ?2 IS ?2{condition}"
    );
    let first = format!(
        "SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE d.tenant_id = ?1 AND ?2 IS ?2\
         {condition} ORDER BY d.id LIMIT ?3"
    );
    Ok([
        Statement::new(&count, &[tenant_id.into(), value.reborrow()]),
        Statement::new(&first, &[tenant_id.into(), value.reborrow(), limit.into()]),
    ])
}

/// How many devices are at a site.
pub async fn at_site(db: &Db, tenant_id: &str, site_id: &str) -> Result<u64, StorageError> {
    let sql = "SELECT count(*) FROM devices WHERE tenant_id = ?1 AND site_id = ?2";
    let number = db.value(sql, args![tenant_id, site_id]).await?;
    Ok(number.unwrap_or_default())
}

/// How many devices are of a model.
pub async fn of_model(db: &Db, tenant_id: &str, model: &str) -> Result<u64, StorageError> {
    let sql = "SELECT count(*) FROM devices WHERE tenant_id = ?1 AND model = ?2";
    let number = db.value(sql, args![tenant_id, model]).await?;
    Ok(number.unwrap_or_default())
}

/// Whether another device has a key with one of these fingerprints.
pub async fn has_key_elsewhere(
    db: &Db,
    id: &str,
    fingerprints: &[&str],
) -> Result<bool, StorageError> {
    let found: Option<String> = db
        .value(
            "SELECT d.id FROM json_each(?2) AS list_of_keys \
             CROSS JOIN devices d ON d.key_fingerprint = list_of_keys.value \
             WHERE d.id <> ?1 LIMIT 1",
            args![id, json(&fingerprints)?],
        )
        .await?;
    Ok(found.is_some())
}

/// What the first of them gave.
///
/// # Errors
/// The rows are others.
pub fn counted(result: &D1Result) -> Result<u64, StorageError> {
    #[derive(Deserialize)]
    struct Counted {
        number: u64,
    }
    Ok(rows::<Counted>(result)?.first().map_or(0, |row| row.number))
}

/// One affected device of every combination of model and site.
pub async fn one_of_each_combination(
    db: &Db,
    tenant_id: &str,
    affected: &Affected,
    limit: u32,
) -> Result<Vec<DeviceRow>, StorageError> {
    let (condition, value) = affected.condition()?;
    let sql = format!(
        "SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE d.id IN (\
         SELECT min(d.id) FROM devices d WHERE d.tenant_id = ?1 AND ?2 IS ?2{condition} \
         GROUP BY d.model, d.site_id LIMIT ?3)"
    );
    db.rows(&sql, &[tenant_id.into(), value, limit.into()])
        .await
}

/// Affected devices from all over the tenant: every `stride`-th row.
pub async fn sample(
    db: &Db,
    tenant_id: &str,
    affected: &Affected,
    stride: u64,
    limit: u32,
) -> Result<Vec<DeviceRow>, StorageError> {
    let (condition, value) = affected.condition()?;
    let sql = format!(
        "SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE d.tenant_id = ?1 AND ?2 IS ?2\
         {condition} AND d.rowid % ?3 = 0 LIMIT ?4"
    );
    db.rows(
        &sql,
        &[tenant_id.into(), value, stride.into(), limit.into()],
    )
    .await
}
