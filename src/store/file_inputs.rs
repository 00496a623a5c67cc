//! What files are made from: for a phone's request, for an operator's look, and for the check of a change.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::lifecycle::KeyState;
use ringfence_provision::serving::Present;
use ringfence_sql::{Arg, args};
use serde::Deserialize;

use super::devices::{DEVICE_COLUMNS, DEVICE_TABLES};
use super::file_tests::{self, FileTestRow};
use super::object::{Scope, SettingRow};
use super::{certificates, models, settings, standing, templates};
use crate::db::{D1Result, Db, Statement, StorageError, exactly, rows};
use crate::model::device::DeviceRow;
use crate::model::standing::Standing;

/// An operator-written template as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct TemplateSource {
    pub kind: String,
    pub model: String,
    pub source: String,
}

/// All that a device's files are made from, but for what was known above it ([`KnownAbove`]).
pub struct DeviceParts {
    pub device: DeviceRow,
    pub addresses: Addresses,
    /// What has been read of the device's scopes; one that has no settings has an empty list.
    pub settings: BTreeMap<String, Vec<SettingRow>>,
    /// Of the device's model and of its family; `None` where those of the model are known, or nothing was read.
    pub templates: Option<Vec<TemplateSource>>,
}

/// What of a tenant need not be read once more: what is above its devices, as it was at a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownAbove<'a> {
    /// Of the tenant, which every change above its devices takes further; 0: nothing is known.
    pub version: u64,
    /// Of the database: in another one the same version may be another change.
    pub era: u64,
    /// The scopes whose settings are known, as a JSON list. Of a model that is in it the templates are known, too.
    pub scopes: &'a str,
}

/// What of a tenant says under which URLs its phones ask: read with what a file is made from, for the edge may
/// have it as it was a minute ago.
#[derive(Clone, Debug, Deserialize)]
pub struct Addresses {
    pub hostname: Option<String>,
    /// JSON.
    pub options: String,
    /// Id of the access path that the phones are to move to, and its segment, wrapped.
    pub target: Option<String>,
    pub target_segment: Option<String>,
}

/// The columns of [`Addresses`], of a tenant `t`.
const ADDRESSES: &str = "t.hostname, t.options, g.id AS target, g.segment AS target_segment";

/// The table of [`ADDRESSES`] besides the tenant's.
const TARGET: &str =
    "LEFT JOIN access_paths g ON g.tenant_id = t.id AND g.target_since IS NOT NULL";

/// When a device's settings and templates are read along with it. They are skipped for requests that
/// will be refused: the extra time would reveal that the device exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadWhen<'a> {
    /// Always: an operator asks.
    Always,
    /// If the device is in service.
    InService,
    /// If the device is in service and its key was delivered.
    Sealed,
    /// If the device is in service and gets something at the plain name.
    Plain(AtPlainName<'a>),
}

/// What gets something at the plain name of a standard file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtPlainName<'a> {
    /// Where the request may take a bootstrap.
    pub claim: Option<Claimant<'a>>,
    /// Whether the sealed file is served there once a key was delivered.
    pub sealed: bool,
    /// Whether devices whose files are not sealed get something there, too.
    pub in_clear: bool,
    /// The families whose name it is, as a JSON list; `None`: of all.
    pub families: Option<&'a str>,
    /// The sealed file that KV has: where the device is as it was then, nothing is read for another one.
    pub kept: Option<CachedFile<'a>>,
}

/// What a file that KV has was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedFile<'a> {
    pub device_id: &'a str,
    pub generation: u32,
    pub version: u64,
}

/// Who would take a bootstrap, as far as it decides whether one is there for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant<'a> {
    pub now: u64,
    pub address: &'a str,
    /// 0 is off.
    pub retry_window_ms: u64,
}

/// The device `d` whose files are served sealed, by its key: `ringfence_provision::lifecycle::may_serve_sealed` as
/// SQL. Properties of `claims.rs` hold it to that.
const MAY_SERVE_SEALED: &str = "d.ever_delivered = 1 AND d.key_state <> 'replaced'";

impl<'a> ReadWhen<'a> {
    /// The condition, on a device `d` that may be another than that of the MAC `?2`, and its values,
    /// which begin at `?3`. It reads the same rows for every device that it refuses: SQLite begins with
    /// whichever part of an AND it likes, and stops at the first of an OR that holds, but not so in a
    /// CASE or a sum.
    pub(super) fn condition(self) -> (String, Vec<Arg<'a>>) {
        let plain = match self {
            Self::Always => return ("d.mac = ?2".into(), Vec::new()),
            Self::InService => return ("d.mac = ?2 AND d.disabled = 0".into(), Vec::new()),
            Self::Sealed => {
                return (
                    format!("d.mac = ?2 AND d.disabled = 0 AND {MAY_SERVE_SEALED}"),
                    Vec::new(),
                );
            }
            Self::Plain(plain) => plain,
        };
        let mut reasons = String::from(match plain.in_clear {
            true => {
                "EXISTS (SELECT 1 FROM models p WHERE p.tenant_id = d.tenant_id \
                 AND p.name = d.model AND p.profile IS NULL)"
            }
            false => "0",
        });
        let mut values = Vec::new();
        if let Some(claimant) = plain.claim {
            reasons.push_str(
                " + (d.key_state = 'armed' AND (d.armed_until IS NULL OR ?3 < d.armed_until)) \
                 + (d.key_state = 'delivered' AND d.delivered_address IS ?4 \
                 AND ?3 < coalesce(d.delivered_at, 0) + ?5)",
            );
            values = vec![
                claimant.now.into(),
                claimant.address.into(),
                claimant.retry_window_ms.into(),
            ];
        }
        match plain.kept.filter(|_| plain.sealed) {
            None if plain.sealed => reasons.push_str(&format!(" + ({MAY_SERVE_SEALED})")),
            None => {}
            Some(kept) => {
                let first = values.len() + 3;
                let (generation, version) = (first + 1, first + 2);
                reasons.push_str(&format!(
                    " + ({MAY_SERVE_SEALED} AND NOT (d.id = ?{first} AND d.generation = ?{generation} \
                     AND max(d.version, (SELECT version FROM tenants WHERE id = ?1)) = ?{version}))"
                ));
                values.extend([
                    kept.device_id.into(),
                    kept.generation.into(),
                    kept.version.into(),
                ]);
            }
        }
        let mut holds = format!("({reasons} > 0)");
        if let Some(families) = plain.families {
            values.push(families.into());
            let last = values.len() + 2;
            holds = format!(
                "{holds} + ((SELECT p.family FROM models p WHERE p.tenant_id = d.tenant_id \
                 AND p.name = d.model) IN (SELECT value FROM json_each(?{last}))) > 1"
            );
        }
        let condition = format!("CASE WHEN {holds} THEN d.mac = ?2 AND d.disabled = 0 ELSE 0 END");
        (condition, values)
    }
}

/// Reads a device with its settings and templates, in one round trip. For a MAC that the tenant does
/// not have, another device of it is read and passed over, so that what D1 does, and how long it
/// takes, does not tell which MACs exist. With where the database stood.
pub async fn device(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    reads: ReadWhen<'_>,
    known: KnownAbove<'_>,
) -> Result<(Option<DeviceParts>, Standing), StorageError> {
    let [device, settings, templates, standing] = db
        .batch_of(device_statements(tenant_id, mac, reads, known))
        .await?;
    let standing = standing::one(&standing)?;
    Ok((parts(mac, &device, &settings, &templates)?, standing))
}

/// Reads what is at the plain name of a device's standard file, as [`device`] does, and where the phone is sent on
/// to, if the device left the tenant, in one round trip: the same whether the device is there, left or never was.
pub async fn at_plain_name(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    reads: ReadWhen<'_>,
    known: KnownAbove<'_>,
    now: u64,
) -> Result<(Option<DeviceParts>, Option<Forward>, Standing), StorageError> {
    let [device, settings, templates, standing] = device_statements(tenant_id, mac, reads, known);
    let forward = Statement::new(FORWARD, args![tenant_id, mac, now]);
    let [device, settings, templates, standing, forward] = db
        .batch_of([device, settings, templates, standing, forward])
        .await?;
    let standing = standing::one(&standing)?;
    let device = parts(mac, &device, &settings, &templates)?;
    Ok((device, live(&forward)?, standing))
}

/// Where a phone is sent on to, if what was read counts.
fn live(forward: &D1Result) -> Result<Option<Forward>, StorageError> {
    #[derive(Deserialize)]
    struct LiveForward {
        live: i64,
        #[serde(rename = "$forward")]
        forward: Forward,
    }
    let moved = rows::<LiveForward>(forward)?.into_iter().next();
    Ok(moved.filter(|moved| moved.live == 1).map(|it| it.forward))
}

/// What an initial file is made from.
pub struct InitialParts {
    pub device: Option<DeviceParts>,
    /// Names of the tenant's certificates, in the order in which an initial file names them.
    pub certificates: Vec<String>,
    /// Where the phone is sent on to, if the device left the tenant. A device that is there comes first.
    pub forward: Option<Forward>,
}

/// Where the phone of a device that left a tenant is sent on to.
#[derive(Clone, Debug, Deserialize)]
pub struct Forward {
    pub device_id: String,
    /// The tenant that the device is in.
    pub target_id: String,
    pub hostname: Option<String>,
    /// JSON: the target's options.
    pub options: String,
    /// Id of the access path that its initial file names.
    pub access_path_id: String,
    /// The access path's segment, wrapped.
    pub segment: String,
    /// The device's family in the target, and the name of its sealing profile.
    pub family: Option<Family>,
    pub profile: Option<String>,
}

/// Reads what the initial file of a device is made from, in one round trip: the same whether the
/// device is there, left the tenant or never was. With where the database stood.
pub async fn initial(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    known: KnownAbove<'_>,
    now: u64,
) -> Result<(InitialParts, Standing), StorageError> {
    let [device, settings, templates, standing] =
        device_statements(tenant_id, mac, ReadWhen::InService, known);
    let [device, settings, templates, standing, certificates, forward] = db
        .batch_of([
            device,
            settings,
            templates,
            standing,
            Statement::new(certificates::NAMES, args![tenant_id]),
            Statement::new(FORWARD, args![tenant_id, mac, now]),
        ])
        .await?;
    let parts = InitialParts {
        device: parts(mac, &device, &settings, &templates)?,
        certificates: certificates::named(&certificates)?,
        forward: live(&forward)?,
    };
    Ok((parts, standing::one(&standing)?))
}

/// Where the phone of a device that left is sent on to. For a MAC that did not leave, the first move from
/// the tenant is read and passed over, and for what is gone (an access path, the device) something of
/// the tenant's own: as many rows, whatever became of the device. Only `live` says whether it counts.
const FORWARD: &str = "SELECT v.device_id, v.target_id, t.hostname, t.options, \
     coalesce(v.access_path_id, '') AS access_path_id, coalesce(a.segment, '') AS segment, \
     m.family, m.profile, v.mac = ?2 AND v.ends_at > ?3 AND a.id IS v.access_path_id AND a.tenant_id IS v.target_id \
     AND a.segment IS NOT NULL AND (a.expires_at IS NULL OR a.expires_at > ?3) \
     AND d.id IS v.device_id AND d.tenant_id IS v.target_id AND d.disabled IS 0 AS live \
     FROM moves v JOIN tenants t ON t.id = v.target_id \
     LEFT JOIN access_paths a ON a.id = coalesce(\
     (SELECT id FROM access_paths WHERE id = v.access_path_id), \
     (SELECT min(id) FROM access_paths WHERE tenant_id = ?1)) \
     LEFT JOIN devices d ON d.id = coalesce((SELECT id FROM devices WHERE id = v.device_id), \
     (SELECT id FROM devices WHERE tenant_id = ?1 ORDER BY mac LIMIT 1)) \
     LEFT JOIN models m ON m.tenant_id = d.tenant_id AND m.name = d.model \
     WHERE v.tenant_id = ?1 AND v.mac = coalesce(\
     (SELECT mac FROM moves WHERE tenant_id = ?1 AND mac = ?2), \
     (SELECT min(mac) FROM moves WHERE tenant_id = ?1))";

/// What reads a device, its settings, its templates, and where the database stands.
fn device_statements(
    tenant_id: &str,
    mac: &str,
    reads: ReadWhen<'_>,
    known: KnownAbove<'_>,
) -> [Statement; 4] {
    let inputs = Inputs::of(tenant_id, mac, reads, known);
    [
        Statement::new(
            &format!(
                "SELECT {DEVICE_COLUMNS}, {ADDRESSES} FROM {DEVICE_TABLES} {TARGET} WHERE {PICKED}"
            ),
            args![tenant_id, mac],
        ),
        Statement::new(&inputs.settings, &inputs.values),
        Statement::new(&inputs.templates, &inputs.values),
        standing::statement(),
    ]
}

/// The device of the MAC `?2`, or the tenant's first one.
const PICKED: &str = "d.tenant_id = ?1 AND d.mac = coalesce(\
     (SELECT mac FROM devices WHERE tenant_id = ?1 AND mac = ?2), \
     (SELECT min(mac) FROM devices WHERE tenant_id = ?1))";

/// The statements that read what a device's files are made from, and their values.
struct Inputs<'a> {
    /// The settings of each scope of the device that is not known. A scope without any has a row all the same, with no
    /// name: so it is known which were read, for the condition of [`ReadWhen`] may have let none be read.
    settings: String,
    /// What operators wrote for the files of the device's model and family, unless it is known.
    templates: String,
    values: Vec<Arg<'a>>,
}

impl<'a> Inputs<'a> {
    fn of(tenant_id: &'a str, mac: &'a str, reads: ReadWhen<'a>, known: KnownAbove<'a>) -> Self {
        let (condition, more) = reads.condition();
        let mut values: Vec<Arg<'a>> = vec![tenant_id.into(), mac.into()];
        values.extend(more);
        let version = values.len() + 1;
        let (era, scopes) = (version + 1, version + 2);
        let list = match known.scopes {
            "" => "[]",
            list => list,
        };
        values.extend([known.version.into(), known.era.into(), list.into()]);
        let unknown = |scope: &str| {
            format!(
                "NOT (t.version = ?{version} AND w.era = ?{era} \
                 AND {scope} IN (SELECT value FROM json_each(?{scopes})))"
            )
        };
        let whose = "devices d JOIN tenants t ON t.id = d.tenant_id JOIN standing w ON w.id = 1";
        let settings = format!(
            "SELECT list_of_scopes.value AS scope, s.name, s.value, s.master FROM {whose} \
             CROSS JOIN json_each(json_array(\
             'tenant', 'site:' || d.site_id, 'model:' || d.model, 'device:' || d.id)) AS list_of_scopes \
             LEFT JOIN settings s ON s.tenant_id = d.tenant_id AND s.scope = list_of_scopes.value \
             WHERE {PICKED} AND {condition} AND list_of_scopes.value IS NOT NULL AND {}",
            unknown("list_of_scopes.value")
        );
        let templates = format!(
            "SELECT f.kind, f.model, f.source FROM {whose} \
             JOIN models m ON m.tenant_id = d.tenant_id AND m.name = d.model \
             JOIN file_templates f ON f.tenant_id = d.tenant_id AND f.kind IN \
             ('initial', 'standard', 'product', 'master', 'system') \
             AND f.family = m.family AND f.model IN ('', d.model) \
             WHERE {PICKED} AND {condition} AND {}",
            unknown("'model:' || d.model")
        );
        Self {
            settings,
            templates,
            values,
        }
    }
}

/// The device of that MAC; another one was read in its place and is passed over.
fn parts(
    mac: &str,
    device: &D1Result,
    settings: &D1Result,
    templates: &D1Result,
) -> Result<Option<DeviceParts>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(rename = "$device")]
        device: DeviceRow,
        #[serde(rename = "$addresses")]
        addresses: Addresses,
    }
    let row = rows::<Row>(device)?.into_iter().next();
    let Some(Row { device, addresses }) = row.filter(|row| row.device.mac == mac) else {
        return Ok(None);
    };
    let settings = by_scope(rows(settings)?);
    let is_read = settings.contains_key(&Scope::Model(device.model.clone()).key());
    Ok(Some(DeviceParts {
        templates: is_read.then(|| rows(templates)).transpose()?,
        device,
        addresses,
        settings,
    }))
}

/// A setting of a scope, or a scope without one.
#[derive(Debug, Deserialize)]
struct ScopeRow {
    scope: String,
    name: Option<String>,
    value: Option<String>,
    master: Option<String>,
}

fn by_scope(rows: Vec<ScopeRow>) -> BTreeMap<String, Vec<SettingRow>> {
    let mut scopes: BTreeMap<String, Vec<SettingRow>> = BTreeMap::new();
    for row in rows {
        let settings = scopes.entry(row.scope.clone()).or_default();
        if let (Some(name), Some(value)) = (row.name, row.value) {
            settings.push(SettingRow {
                scope: row.scope,
                name,
                value,
                master: row.master,
            });
        }
    }
    scopes
}

/// All that a file of a model or of a whole tenant is made from.
pub struct SharedParts {
    pub model: String,
    pub family: Family,
    pub profile: Option<String>,
    pub tenant_version: u64,
    pub addresses: Addresses,
    pub settings: Vec<SettingRow>,
    pub templates: Vec<TemplateSource>,
}

#[derive(Deserialize)]
struct NamedModelRow {
    name: String,
    family: Family,
    profile: Option<String>,
    tenant_version: u64,
    #[serde(rename = "$addresses")]
    addresses: Addresses,
}

/// Reads a model with its settings and templates, in one round trip. With where the database
/// stood.
pub async fn model(
    db: &Db,
    tenant_id: &str,
    model: &str,
) -> Result<(Option<SharedParts>, Standing), StorageError> {
    let [model, settings, templates, standing] = db
        .batch_of([
            Statement::new(
                &format!(
                    "SELECT m.name, m.family, m.profile, t.version AS tenant_version, {ADDRESSES} \
                     FROM models m JOIN tenants t ON t.id = m.tenant_id {TARGET} \
                     WHERE m.tenant_id = ?1 AND m.name = ?2"
                ),
                args![tenant_id, model],
            ),
            Statement::new(
                "SELECT scope, name, value, master FROM settings \
                 WHERE tenant_id = ?1 AND scope IN ('tenant', 'model:' || ?2)",
                args![tenant_id, model],
            ),
            Statement::new(
                "SELECT f.kind, f.model, f.source FROM models m \
                 JOIN file_templates f ON f.tenant_id = m.tenant_id AND f.kind IN \
                 ('initial', 'standard', 'product', 'master', 'system') \
                 AND f.family = m.family AND f.model IN ('', m.name) \
                 WHERE m.tenant_id = ?1 AND m.name = ?2",
                args![tenant_id, model],
            ),
            standing::statement(),
        ])
        .await?;
    let standing = standing::one(&standing)?;
    let Some(model) = rows::<NamedModelRow>(&model)?.into_iter().next() else {
        return Ok((None, standing));
    };
    let parts = SharedParts {
        model: model.name,
        family: model.family,
        profile: model.profile,
        tenant_version: model.tenant_version,
        addresses: model.addresses,
        settings: rows(&settings)?,
        templates: rows(&templates)?,
    };
    Ok((Some(parts), standing))
}

/// What the files of a tenant are made from, but for the settings of its devices.
pub struct TenantParts {
    /// Every setting above the devices.
    pub settings: Vec<SettingRow>,
    pub models: Vec<models::ModelRow>,
    /// Everything that an operator wrote.
    pub templates: Vec<templates::TemplateRow>,
    /// Names of the tenant's certificates, in the order in which an initial file names them.
    pub certificates: Vec<String>,
    /// What the operator wants to be so in them.
    pub tests: Vec<FileTestRow>,
}

/// Reads what the files of a tenant are made from, and what is `also` asked for, in one round trip.
pub async fn of_tenant<const N: usize>(
    db: &Db,
    tenant_id: &str,
    also: [Statement; N],
) -> Result<(TenantParts, [D1Result; N]), StorageError> {
    let mut statements = vec![
        settings::above_devices(tenant_id),
        models::all(tenant_id),
        templates::all(tenant_id),
        Statement::new(certificates::NAMES, args![tenant_id]),
        file_tests::all(tenant_id),
    ];
    let own = statements.len();
    statements.extend(also);
    let mut results = db.batch(statements).await?;
    let others = results.split_off(own.min(results.len()));
    let [above, models, templates, certificates, tests] = exactly(results)?;
    let parts = TenantParts {
        settings: rows(&above)?,
        models: rows(&models)?,
        templates: rows(&templates)?,
        certificates: certificates::named(&certificates)?,
        tests: rows(&tests)?,
    };
    Ok((parts, exactly(others)?))
}

/// A family that a tenant has.
#[derive(Clone, Debug, Deserialize)]
pub struct FamilyRow {
    pub family: Family,
    /// A model of it; one without sealing where there is one, since that is whom a plain file is
    /// for.
    pub model: String,
    /// Whether that model has no sealing.
    in_clear: i64,
}

impl FamilyRow {
    /// What decides whether a plain file may be for it.
    pub fn present(&self) -> Present {
        Present {
            family: self.family,
            in_clear: self.in_clear != 0,
        }
    }
}

/// The families that a tenant has, for files that no name ties to a device or model.
pub async fn families(db: &Db, tenant_id: &str) -> Result<Vec<FamilyRow>, StorageError> {
    db.rows(
        "SELECT family, coalesce(min(CASE WHEN profile IS NULL THEN name END), min(name)) \
         AS model, max(profile IS NULL) AS in_clear \
         FROM models WHERE tenant_id = ?1 GROUP BY family",
        args![tenant_id],
    )
    .await
}

/// The state of a device's key, if the device's files are still of that version, and of that
/// generation where they are sealed, and the device is in service and still the tenant's.
pub async fn if_current(
    db: &Db,
    tenant_id: &str,
    device_id: &str,
    generation: Option<u32>,
    version: u64,
) -> Result<Option<KeyState>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        key_state: KeyState,
        generation: u32,
        version: u64,
        disabled: i64,
    }
    let row: Option<Row> = db
        .row(
            "SELECT d.key_state, d.generation, max(d.version, t.version) AS version, d.disabled \
             FROM devices d JOIN tenants t ON t.id = d.tenant_id \
             WHERE d.id = ?1 AND d.tenant_id = ?2",
            args![device_id, tenant_id],
        )
        .await?;
    Ok(row
        .filter(|row| {
            row.disabled == 0
                && row.version == version
                && generation.is_none_or(|wanted| wanted == row.generation)
        })
        .map(|row| row.key_state))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_sql::{Memory, Sql as _};

    use super::*;
    use crate::store::testing;

    const MAC: &str = "0080F0C571EB";

    /// A device `D` of the site `S` and the model `M`, with a setting on each layer but the site's, and templates.
    fn database() -> Memory {
        let memory = testing::with_tenant();
        for sql in [
            "UPDATE tenants SET seq = 5, version = 3",
            "INSERT INTO sites (id, tenant_id, name, created_at, updated_at) VALUES ('S', 'T', 'S', 0, 0)",
            "INSERT INTO models (tenant_id, name, family, created_at, updated_at) VALUES ('T', 'M', 'utg', 0, 0), \
             ('T', 'N', 'utg', 0, 0)",
            "INSERT INTO devices (id, tenant_id, mac, model, site_id, version, fenced_at, key_state, generation, \
             key_wrapped, key_master, key_fingerprint, armed_at, created_at, updated_at) \
             VALUES ('D', 'T', '0080F0C571EB', 'M', 'S', 4, 0, 'armed', 1, '', 'k', 'f', 0, 0, 0)",
            "INSERT INTO settings (tenant_id, scope, name, value) VALUES ('T', 'tenant', 'A', '1'), \
             ('T', 'tenant', 'B', '2'), ('T', 'model:M', 'A', '3'), ('T', 'model:N', 'A', '4'), ('T', 'device:D', 'A', '5')",
            "INSERT INTO file_templates (tenant_id, kind, family, model, source, created_at, updated_at) \
             VALUES ('T', 'standard', 'utg', '', 'all', 0, 0), ('T', 'standard', 'utg', 'M', 'near', 0, 0), \
             ('T', 'standard', 'utg', 'N', 'other', 0, 0)",
        ] {
            memory.run(sql, &[]).unwrap();
        }
        memory
    }

    /// The settings that are read, by scope, as `name=value`; and the sources of the templates.
    fn read(
        memory: &Memory,
        reads: ReadWhen<'_>,
        known: KnownAbove<'_>,
    ) -> (Vec<(String, String)>, Vec<String>) {
        let inputs = Inputs::of("T", MAC, reads, known);
        let settings = by_scope(memory.rows(&inputs.settings, &inputs.values).unwrap());
        let settings = settings.into_iter().map(|(scope, rows)| {
            let rows = rows.iter().map(|row| format!("{}={}", row.name, row.value));
            (scope, rows.collect::<Vec<_>>().join(" "))
        });
        let templates: Vec<TemplateSource> =
            memory.rows(&inputs.templates, &inputs.values).unwrap();
        let mut templates: Vec<String> = templates.into_iter().map(|row| row.source).collect();
        templates.sort();
        (settings.collect(), templates)
    }

    #[test]
    fn what_is_known_of_the_version_is_not_read_once_more_and_all_else_is() {
        let memory = database();
        let whole = [
            ("device:D", "A=5"),
            ("model:M", "A=3"),
            ("site:S", ""),
            ("tenant", "A=1 B=2"),
        ];
        let above = ["model:M", "site:S", "tenant"];
        for chosen in 0..1_u8 << above.len() {
            for (version, era, is_of_now) in
                [(3, 0, true), (2, 0, false), (4, 0, false), (3, 1, false)]
            {
                let known = above.iter().enumerate();
                let known = known.filter(|(at, _)| chosen & (1 << at) != 0);
                let known: Vec<&str> = known.map(|(_, scope)| *scope).collect();
                let list = serde_json::json!(known).to_string();
                let scopes = &list;
                let (settings, templates) = read(
                    &memory,
                    ReadWhen::Always,
                    KnownAbove {
                        version,
                        era,
                        scopes,
                    },
                );
                let is_left_out = |scope: &str| is_of_now && known.contains(&scope);
                let wanted = whole.iter().filter(|(scope, _)| !is_left_out(scope));
                let wanted: Vec<_> = wanted
                    .map(|(scope, settings)| ((*scope).to_owned(), (*settings).to_owned()))
                    .collect();
                assert_eq!(settings, wanted, "{version} {era} {known:?}");
                let of_model = ["all", "near"].map(str::to_owned).to_vec();
                let wanted = if is_left_out("model:M") {
                    Vec::new()
                } else {
                    of_model
                };
                assert_eq!(templates, wanted, "{version} {era} {known:?}");
            }
        }
    }

    #[test]
    fn a_scope_that_is_empty_is_told_from_one_that_was_not_read() {
        let memory = database();
        let scopes = |reads| read(&memory, reads, KnownAbove::default()).0.len();
        assert_eq!(scopes(ReadWhen::InService), 4);
        // Its key was never delivered.
        assert_eq!(scopes(ReadWhen::Sealed), 0);
        memory
            .run("UPDATE devices SET site_id = NULL", &[])
            .unwrap();
        assert_eq!(scopes(ReadWhen::InService), 3);
        memory.run("UPDATE devices SET disabled = 1", &[]).unwrap();
        assert_eq!(scopes(ReadWhen::InService), 0);
    }
}
