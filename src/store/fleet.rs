//! What the NOTIFY queue asks of D1: the devices of a selection, what there is to know of some of
//! them, and which came back. Lists of ids travel as one JSON parameter, because D1 binds a hundred.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_provision::family::Family;
use ringfence_provision::vendor::{DEFAULT_EVENT, EVENT_SETTINGS};
use ringfence_provision::wrap::Keyring;
use ringfence_queue::rollout::Selection;
use ringfence_queue::store::NewJob;
use ringfence_queue::target::{self, Reach, Settings, TargetError};
use ringfence_sql::args;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::json::json;
use super::object::Scope;
use super::reach;
use crate::db::{Db, Statement, StorageError, rows};
use crate::platform::log;

/// The pool of whatever names none.
pub const DEFAULT_POOL: &str = "default";

/// A device, as far as notifying it is concerned.
#[derive(Clone, Debug, Deserialize)]
pub struct FleetRow {
    pub id: String,
    pub tenant_id: String,
    pub mac: String,
    pub model: String,
    /// Of the model.
    pub family: Option<Family>,
    pub site_id: Option<String>,
    pub disabled: i64,
    /// Of its files.
    pub version: u64,
    pub fetched_version: Option<u64>,
    pub fetched_at: Option<u64>,
    pub last_seen_address: Option<String>,
    /// When anything last changed that its files may be made of, in Unix milliseconds.
    pub changed_at: u64,
    /// The pool that reaches it.
    pub pool: String,
}

impl FleetRow {
    /// When what it has not taken yet changed; nothing if it has everything.
    pub fn pending_change(&self) -> Option<u64> {
        (self
            .fetched_version
            .is_none_or(|fetched| fetched < self.version))
        .then_some(self.changed_at)
    }

    /// What it took last, and when.
    pub fn fetched(&self) -> Option<(u64, u64)> {
        self.fetched_version.zip(self.fetched_at)
    }

    /// A job for it as it is now.
    pub fn new_job(&self, id: String, settings: &Settings, event: String) -> NewJob {
        NewJob {
            id,
            tenant: self.tenant_id.clone(),
            device: self.id.clone(),
            mac: self.mac.clone(),
            event,
            version: self.version,
            changed_at: self.pending_change(),
            destination: target::destination(settings, self.last_seen_address.as_deref()),
        }
    }

    /// The layers that count for it, the farthest first.
    fn scopes(&self) -> Vec<String> {
        let mut scopes = vec![Scope::Tenant.key()];
        scopes.extend(self.site_id.clone().map(|site| Scope::Site(site).key()));
        scopes.push(Scope::Model(self.model.clone()).key());
        scopes.push(Scope::device_key(&self.id));
        scopes
    }
}

const COLUMNS: &str = "d.id, d.tenant_id, d.mac, d.model, m.family, d.site_id, d.disabled, \
     max(d.version, t.version) AS version, d.fetched_version, d.fetched_at, d.last_seen_address, \
     max(d.updated_at, t.updated_at, coalesce(m.updated_at, 0), \
       coalesce((SELECT max(l.updated_at) FROM layers l WHERE l.tenant_id = d.tenant_id AND l.scope IN \
         ('tenant', 'site:' || d.site_id, 'model:' || d.model, 'device:' || d.id)), 0), \
       coalesce((SELECT max(f.updated_at) FROM file_templates f WHERE f.tenant_id = d.tenant_id), 0)) AS changed_at, \
     coalesce(s.pool_id, t.pool_id, 'default') AS pool";

const TABLES: &str = "JOIN tenants t ON t.id = d.tenant_id LEFT JOIN sites s ON s.id = d.site_id \
     LEFT JOIN models m ON m.tenant_id = d.tenant_id AND m.name = d.model";

/// Devices by their ids; those that were deleted are not in it.
pub async fn by_ids(db: &Db, ids: &[&str]) -> Result<Vec<FleetRow>, StorageError> {
    let sql =
        format!("SELECT {COLUMNS} FROM json_each(?1) j JOIN devices d ON d.id = j.value {TABLES}");
    db.rows(&sql, args![json(ids)?]).await
}

/// Devices of a tenant by their MACs, that this pool reaches and that are in service.
pub async fn by_macs(
    db: &Db,
    tenant_id: &str,
    pool: &str,
    macs: &[String],
) -> Result<Vec<FleetRow>, StorageError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM json_each(?1) j JOIN devices d ON d.tenant_id = ?2 AND d.mac = j.value {TABLES} \
         WHERE coalesce(s.pool_id, t.pool_id, 'default') = ?3 AND d.disabled = 0 ORDER BY j.key"
    );
    db.rows(&sql, args![json(macs)?, tenant_id, pool]).await
}

/// The next devices of a selection without MACs, in the order of their ids, that this pool reaches
/// and that are in service.
pub async fn next(
    db: &Db,
    tenant_id: &str,
    pool: &str,
    selection: &Selection,
    after: &str,
    limit: u64,
) -> Result<Vec<FleetRow>, StorageError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM devices d {TABLES} WHERE d.tenant_id = ?1 AND {} \
         AND coalesce(s.pool_id, t.pool_id, 'default') = ?4 AND d.id > ?5 AND d.disabled = 0 ORDER BY d.id LIMIT ?6",
        narrowed(selection)
    );
    let (site, model) = (selection.site.as_deref(), selection.model.as_deref());
    db.rows(&sql, args![tenant_id, site, model, pool, after, limit])
        .await
}

/// How many devices in service a selection without MACs has, by the pool that reaches them.
pub async fn count(
    db: &Db,
    tenant_id: &str,
    selection: &Selection,
) -> Result<Vec<(String, u64)>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        pool: String,
        n: u64,
    }
    let sql = format!(
        "SELECT coalesce(s.pool_id, t.pool_id, 'default') AS pool, count(*) AS n FROM devices d \
         JOIN tenants t ON t.id = d.tenant_id LEFT JOIN sites s ON s.id = d.site_id \
         WHERE d.tenant_id = ?1 AND {} AND d.disabled = 0 GROUP BY 1",
        narrowed(selection)
    );
    let (site, model) = (selection.site.as_deref(), selection.model.as_deref());
    let rows: Vec<Row> = db.rows(&sql, args![tenant_id, site, model]).await?;
    Ok(rows.into_iter().map(|row| (row.pool, row.n)).collect())
}

/// Which of these MACs are devices in service of a selection, each with the pool that reaches it.
pub async fn known(
    db: &Db,
    tenant_id: &str,
    selection: &Selection,
    macs: &[String],
) -> Result<Vec<(String, String)>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        mac: String,
        pool: String,
    }
    let sql = format!(
        "SELECT d.mac, coalesce(s.pool_id, t.pool_id, 'default') AS pool FROM json_each(?4) j \
         JOIN devices d ON d.tenant_id = ?1 AND d.mac = j.value \
         JOIN tenants t ON t.id = d.tenant_id LEFT JOIN sites s ON s.id = d.site_id \
         WHERE {} AND d.disabled = 0 ORDER BY d.mac",
        narrowed(selection)
    );
    let (site, model) = (selection.site.as_deref(), selection.model.as_deref());
    let rows: Vec<Row> = db
        .rows(&sql, args![tenant_id, site, model, json(macs)?])
        .await?;
    Ok(rows.into_iter().map(|row| (row.mac, row.pool)).collect())
}

/// What each of these devices took last, and when; those that were deleted are not in it.
pub async fn fetched(
    db: &Db,
    ids: &[&str],
) -> Result<Vec<(String, Option<(u64, u64)>)>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        fetched_version: Option<u64>,
        fetched_at: Option<u64>,
    }
    let sql = "SELECT d.id, d.fetched_version, d.fetched_at FROM json_each(?1) j JOIN devices d ON d.id = j.value";
    let rows: Vec<Row> = db.rows(sql, args![json(ids)?]).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.fetched_version.zip(row.fetched_at)))
        .collect())
}

/// A setting's name and value; no value where a secret does not unwrap.
type SettingValue = (String, Option<Zeroizing<String>>);

/// The settings that say whom to tell, of each of these devices, in their order. A device for which
/// a secret counts that does not unwrap has none: the others do not suffer for it.
pub async fn settings(
    db: &Db,
    keyring: &Keyring,
    devices: &[FleetRow],
) -> Result<Vec<Result<Settings, TargetError>>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        tenant_id: String,
        scope: String,
        name: String,
        value: String,
        master: Option<String>,
    }
    let mut layers: Vec<(&str, String)> = devices
        .iter()
        .flat_map(|device| {
            device
                .scopes()
                .into_iter()
                .map(|scope| (device.tenant_id.as_str(), scope))
        })
        .collect();
    layers.sort_unstable();
    layers.dedup();
    let sql = "SELECT s.tenant_id, s.scope, s.name, s.value, s.master FROM json_each(?1) j JOIN settings s \
               ON s.tenant_id = j.value ->> 0 AND s.scope = j.value ->> 1 \
               WHERE s.name GLOB 'NOTIFY_*' OR s.name IN (SELECT value FROM json_each(?2))";
    let others: Vec<&str> = EVENT_SETTINGS
        .iter()
        .chain(&target::OF_LINE_1)
        .copied()
        .collect();
    let mut pairs: Vec<reach::Pair> = devices
        .iter()
        .map(|device| (device.tenant_id.clone(), device.pool.clone()))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    let layers = Statement::new(sql, args![json(&layers)?, json(&others)?]);
    let [layers, reached] = db.batch_of([layers, reach::statement(&pairs)?]).await?;
    let rows: Vec<Row> = rows(&layers)?;
    let reached = reach::read(&reached)?;
    let mut by_layer: BTreeMap<(String, String), Vec<SettingValue>> = BTreeMap::new();
    for row in rows {
        let value = match row.master {
            None => Some(Zeroizing::new(row.value)),
            Some(_) => {
                let identity =
                    super::settings::associated_data(&row.tenant_id, &row.scope, &row.name);
                match keyring.unwrap(&identity, &row.value) {
                    Ok(bytes) => {
                        let bytes = Zeroizing::new(bytes);
                        Some(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
                    }
                    Err(error) => {
                        log::warn(
                            "setting_unreadable",
                            &[
                                ("tenant", &row.tenant_id),
                                ("scope", &row.scope),
                                ("setting", &row.name),
                                ("error", &error.to_string()),
                            ],
                        );
                        None
                    }
                }
            }
        };
        by_layer
            .entry((row.tenant_id, row.scope))
            .or_default()
            .push((row.name, value));
    }
    let mut all: Vec<Result<Settings, TargetError>> = devices
        .iter()
        .map(|device| {
            let event = device.family.map(|family| family.spec().fetch_event);
            let mut settings = Settings::new(EVENT_SETTINGS, event.unwrap_or(DEFAULT_EVENT));
            let pair = (device.tenant_id.clone(), device.pool.clone());
            settings.set_reach(reached.get(&pair).cloned().unwrap_or_default());
            let mut unreadable: BTreeSet<&str> = BTreeSet::new();
            for scope in device.scopes() {
                for (name, value) in by_layer
                    .get(&(device.tenant_id.clone(), scope))
                    .into_iter()
                    .flatten()
                {
                    // A nearer layer's value counts instead, readable or not.
                    match value {
                        Some(value) => {
                            settings.set(name, value.clone());
                            unreadable.remove(name.as_str());
                        }
                        None => {
                            unreadable.insert(name);
                        }
                    }
                }
            }
            match unreadable.first() {
                Some(name) => Err(TargetError::Unreadable {
                    name: (*name).to_owned(),
                }),
                None => Ok(settings),
            }
        })
        .collect();
    mark_taken(db, devices, &mut all).await?;
    mark_alone(db, devices, &mut all).await?;
    Ok(all)
}

/// Notes whose first line is in a domain that no other tenant of the pool may address. Where no other tenant is in
/// a pool, nothing is asked.
async fn mark_alone(
    db: &Db,
    devices: &[FleetRow],
    all: &mut [Result<Settings, TargetError>],
) -> Result<(), StorageError> {
    let mut by_domain: BTreeMap<reach::AddressInPool, Vec<&mut Settings>> = BTreeMap::new();
    for (device, settings) in devices.iter().zip(all) {
        if let Ok(settings) = settings
            && let Some(domain) = target::line_1_host(settings)
        {
            let asked = (device.tenant_id.clone(), device.pool.clone(), domain);
            by_domain.entry(asked).or_default().push(settings);
        }
    }
    if by_domain.is_empty() {
        return Ok(());
    }
    let asked: Vec<reach::AddressInPool> = by_domain.keys().cloned().collect();
    let shared: BTreeSet<usize> = reach::shared(db, &asked).await?.into_iter().collect();
    let alone = by_domain.into_values().enumerate();
    for settings in alone
        .filter(|(place, _)| !shared.contains(place))
        .flat_map(|(_, all)| all)
    {
        let reach = Reach {
            has_domain_alone: true,
            ..settings.reach().clone()
        };
        settings.set_reach(reach);
    }
    Ok(())
}

/// Notes whose address of record another tenant of the pool has. Where no other tenant is in a pool,
/// nothing is asked.
async fn mark_taken(
    db: &Db,
    devices: &[FleetRow],
    all: &mut [Result<Settings, TargetError>],
) -> Result<(), StorageError> {
    let mut asked: Vec<reach::AddressInPool> = Vec::new();
    let mut guarded: Vec<&mut Settings> = Vec::new();
    for (device, settings) in devices.iter().zip(all) {
        if let Ok(settings) = settings
            && settings.reach().guarded
            && let Some(aor) = target::aor_of(settings)
        {
            asked.push((device.tenant_id.clone(), device.pool.clone(), aor));
            guarded.push(settings);
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    for place in reach::taken(db, &asked, None).await? {
        if let Some(settings) = guarded.get_mut(place) {
            let reach = Reach {
                taken: true,
                ..settings.reach().clone()
            };
            settings.set_reach(reach);
        }
    }
    Ok(())
}

/// A tenant's own setting of that name, if it is no secret.
pub async fn tenant_setting(
    db: &Db,
    tenant_id: &str,
    name: &str,
) -> Result<Option<String>, StorageError> {
    let sql = "SELECT value FROM settings WHERE tenant_id = ?1 AND scope = 'tenant' AND name = ?2 AND master IS NULL";
    db.value(sql, args![tenant_id, name]).await
}

/// What narrows a selection; the site is `?2`, the model `?3`.
fn narrowed(selection: &Selection) -> &'static str {
    match (&selection.site, &selection.model) {
        (None, None) => "?2 IS NULL AND ?3 IS NULL",
        (Some(_), None) => "d.site_id = ?2 AND ?3 IS NULL",
        (None, Some(_)) => "?2 IS NULL AND d.model = ?3",
        (Some(_), Some(_)) => "d.site_id = ?2 AND d.model = ?3",
    }
}
