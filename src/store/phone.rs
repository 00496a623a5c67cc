//! What answering a phone reads and writes.

use ringfence_provision::family::Family;
use ringfence_provision::lifecycle::KeyState;
use ringfence_provision::serving::Present;
use ringfence_sql::{Arg, args};
use serde::Deserialize;
use worker::{D1PreparedStatement, D1Result};

use super::standing;
use crate::db::{Db, StorageError, changes, rows};
use crate::model::device::DeviceRow;
use crate::model::published::{Fence, PublishedTenant};
use crate::model::standing::Standing;
use crate::model::tenant::TenantOptions;

/// The columns of [`DeviceRow`]; the joined tables are `d`, `m` and `t`.
pub const DEVICE_COLUMNS: &str = "d.id, d.tenant_id, d.mac, d.model, d.site_id, d.label, \
     d.disabled, d.version, d.key_state, d.generation, d.ever_delivered, d.key_wrapped, \
     d.armed_at, d.armed_until, d.delivered_at, d.delivered_address, d.delivered_user_agent, \
     d.delivered_country, d.confirmed_at, d.last_seen_at, d.last_seen_address, \
     d.last_seen_user_agent, d.fetched_version, d.fetched_at, d.revision, d.created_at, \
     d.updated_at, d.forward_until, m.family, m.profile, t.version AS tenant_version";

/// The tables of [`DEVICE_COLUMNS`].
pub const DEVICE_TABLES: &str = "devices d \
     JOIN models m ON m.tenant_id = d.tenant_id AND m.name = d.model \
     JOIN tenants t ON t.id = d.tenant_id";

#[derive(Deserialize)]
struct TenantRow {
    id: String,
    hostname: Option<String>,
    options: String,
    version: u64,
    seq: u64,
}

impl TenantRow {
    fn options(&self) -> Result<TenantOptions, StorageError> {
        serde_json::from_str(&self.options)
            .map_err(|error| StorageError(format!("options of tenant {}: {error}", self.id)))
    }
}

#[derive(Deserialize)]
struct AccessPathRow {
    id: String,
    hash: String,
    expires_at: Option<u64>,
}

/// The tenant behind an access path, without fences: what comes from D1 needs none. With where the
/// database stands, for D1 alone vouches for it.
///
/// # Errors
/// D1 does not answer.
pub async fn tenant_of(
    db: &Db,
    hash: &str,
) -> Result<(Option<PublishedTenant>, Standing), StorageError> {
    #[derive(Deserialize)]
    struct Row {
        #[serde(flatten)]
        tenant: TenantRow,
        access_path: String,
        expires_at: Option<u64>,
    }
    let sql = "SELECT t.id, t.hostname, t.options, t.version, t.seq, a.id AS access_path, \
         a.expires_at FROM access_paths a JOIN tenants t ON t.id = a.tenant_id WHERE a.hash = ?1";
    let (row, standing) = standing::row_vouched::<Row>(db, sql, hash).await?;
    let Some(row) = row else {
        return Ok((None, standing));
    };
    let edge = PublishedTenant {
        options: row.tenant.options()?,
        tenant: row.tenant.id,
        // A file cached before a fence must not pass: nothing cached does.
        version: row.tenant.seq + 1,
        hostname: row.tenant.hostname,
        expires_at: row.expires_at,
        access_path: Some(row.access_path),
        fences: Vec::new(),
    };
    Ok((Some(edge), standing))
}

/// What KV is to hold of a tenant.
pub struct Published {
    /// Hash of an access path, and the value under it.
    pub entries: Vec<(String, PublishedTenant)>,
    /// The tenant's sequence number that this shows.
    pub sequence: u64,
}

impl Published {
    /// Whether the tenant has that access path.
    pub fn has(&self, hash: &str) -> bool {
        self.entries.iter().any(|(entry, _)| entry == hash)
    }
}

/// Reads what KV is to hold of a tenant. More than `fences_max` fences since `fenced_since` become
/// one: the tenant's version goes up, and every file of it is rendered again on its next request.
///
/// # Errors
/// D1 does not answer.
pub async fn edge_of(
    db: &Db,
    tenant_id: &str,
    fenced_since: u64,
    fences_max: usize,
) -> Result<Published, StorageError> {
    loop {
        let results = db
            .batch(vec![
                db.statement(
                    "SELECT id, hostname, options, version, seq FROM tenants WHERE id = ?1",
                    args![tenant_id],
                )?,
                db.statement(
                    "SELECT id, hash, expires_at FROM access_paths WHERE tenant_id = ?1",
                    args![tenant_id],
                )?,
                db.statement(
                    // A device that left has no row here: its move is its fence.
                    "SELECT mac, version FROM devices INDEXED BY devices_by_fence \
                     WHERE tenant_id = ?1 AND fenced_at > ?2 \
                     AND version > (SELECT version FROM tenants WHERE id = ?1) \
                     UNION ALL SELECT mac, version FROM moves INDEXED BY moves_by_fence \
                     WHERE tenant_id = ?1 AND moved_at > ?2 \
                     AND version > (SELECT version FROM tenants WHERE id = ?1) LIMIT ?3",
                    args![tenant_id, fenced_since, fences_max as u64 + 1],
                )?,
            ])
            .await?;
        let [tenant, paths, fences] = results.as_slice() else {
            return Err(StorageError("a batch lost a result".into()));
        };
        let Some(tenant) = rows::<TenantRow>(tenant)?.into_iter().next() else {
            return Ok(Published {
                entries: Vec::new(),
                sequence: 0,
            });
        };
        #[derive(Deserialize)]
        struct FenceRow {
            mac: String,
            version: u64,
        }
        let fences: Vec<Fence> = rows::<FenceRow>(fences)?
            .into_iter()
            .map(|row| Fence {
                mac: row.mac,
                version: row.version,
            })
            .collect();
        if fences.len() > fences_max {
            db.run(
                "UPDATE tenants SET seq = seq + 1, version = seq + 1 WHERE id = ?1",
                args![tenant_id],
            )
            .await?;
            continue;
        }
        let options = tenant.options()?;
        let entries = rows::<AccessPathRow>(paths)?
            .into_iter()
            .map(|path| {
                let edge = PublishedTenant {
                    tenant: tenant.id.clone(),
                    version: tenant.version,
                    hostname: tenant.hostname.clone(),
                    expires_at: path.expires_at,
                    access_path: Some(path.id),
                    options: options.clone(),
                    fences: fences.clone(),
                };
                (path.hash, edge)
            })
            .collect();
        return Ok(Published {
            entries,
            sequence: tenant.seq,
        });
    }
}

/// The last version given to a change of a tenant; 0 if it is gone.
///
/// # Errors
/// D1 does not answer.
pub async fn sequence_of(db: &Db, tenant_id: &str) -> Result<u64, StorageError> {
    let sql = "SELECT seq FROM tenants WHERE id = ?1";
    Ok(db.value(sql, args![tenant_id]).await?.unwrap_or(0))
}

/// A setting as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct SettingRow {
    pub scope: String,
    pub name: String,
    pub value: String,
    pub master: Option<String>,
}

/// An operator-written template as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct TemplateRow {
    pub kind: String,
    pub model: String,
    pub source: String,
}

/// All that a device's files are made from.
pub struct DeviceParts {
    pub device: DeviceRow,
    pub settings: Vec<SettingRow>,
    pub templates: Vec<TemplateRow>,
}

/// When a device's settings and templates are wanted along with it. What a phone is going to be
/// refused is not read: it would tell a stranger by its time that the device exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads<'a> {
    /// Always: an operator asks.
    Always,
    /// If the device is in service.
    InService,
    /// If the device is in service and its key was delivered.
    Sealed,
    /// If the device is in service and gets something at the plain name.
    Plain(AtPlainName<'a>),
}

/// What gets something at the plain name of a standard file, besides devices whose files are not
/// sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtPlainName<'a> {
    /// Where the request may take a bootstrap.
    pub claim: Option<Claimant<'a>>,
    /// Whether the sealed file is served there once a key was delivered.
    pub sealed: bool,
}

/// Who would take a bootstrap, as far as it decides whether one is there for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant<'a> {
    pub now: u64,
    pub address: &'a str,
    /// 0 is off.
    pub retry_window_ms: u64,
}

impl<'a> Reads<'a> {
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
                    "d.mac = ?2 AND d.disabled = 0 AND d.ever_delivered = 1".into(),
                    Vec::new(),
                );
            }
            Self::Plain(plain) => plain,
        };
        let mut reasons = String::from(
            "EXISTS (SELECT 1 FROM models p WHERE p.tenant_id = d.tenant_id \
             AND p.name = d.model AND p.profile IS NULL)",
        );
        let mut values = Vec::new();
        if plain.sealed {
            reasons.push_str(" + (d.ever_delivered = 1)");
        }
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
        let condition =
            format!("CASE WHEN {reasons} > 0 THEN d.mac = ?2 AND d.disabled = 0 ELSE 0 END");
        (condition, values)
    }
}

/// Reads a device with its settings and templates, in one round trip. For a MAC that the tenant does
/// not have, another device of it is read and passed over, so that what D1 does, and how long it
/// takes, does not tell which MACs exist. With where the database stood.
///
/// # Errors
/// D1 does not answer.
pub async fn device(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    reads: Reads<'_>,
) -> Result<(Option<DeviceParts>, Standing), StorageError> {
    let results = db
        .batch(device_statements(db, tenant_id, mac, reads)?)
        .await?;
    let [device, settings, templates, standing] = results.as_slice() else {
        return Err(StorageError("a batch lost a result".into()));
    };
    let standing = standing::one(standing)?;
    Ok((parts(mac, device, settings, templates)?, standing))
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
}

/// Reads what the initial file of a device is made from, in one round trip: the same whether the
/// device is there, left the tenant or never was. With where the database stood.
///
/// # Errors
/// D1 does not answer.
pub async fn initial(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    now: u64,
) -> Result<(InitialParts, Standing), StorageError> {
    let mut statements = device_statements(db, tenant_id, mac, Reads::InService)?;
    statements.push(db.statement(CERTIFICATE_NAMES, args![tenant_id])?);
    statements.push(db.statement(FORWARD, args![tenant_id, mac, now])?);
    let results = db.batch(statements).await?;
    let [device, settings, templates, standing, certificates, forward] = results.as_slice() else {
        return Err(StorageError("a batch lost a result".into()));
    };
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    #[derive(Deserialize)]
    struct Moved {
        live: i64,
        #[serde(flatten)]
        forward: Forward,
    }
    let certificates = rows::<Named>(certificates)?;
    let moved = rows::<Moved>(forward)?.into_iter().next();
    let parts = InitialParts {
        device: parts(mac, device, settings, templates)?,
        certificates: certificates.into_iter().map(|row| row.name).collect(),
        forward: moved.filter(|moved| moved.live == 1).map(|it| it.forward),
    };
    Ok((parts, standing::one(standing)?))
}

/// Where the phone of a device that left is sent on to. For a MAC that did not leave, the first move from
/// the tenant is read and passed over, and for what is gone (an access path, the device) something of
/// the tenant's own: as many rows, whatever became of the device. Only `live` says whether it counts.
const FORWARD: &str = "SELECT v.device_id, v.target_id, t.hostname, t.options, \
     coalesce(v.access_path_id, '') AS access_path_id, coalesce(a.segment, '') AS segment, \
     v.mac = ?2 AND v.ends_at > ?3 AND a.id IS v.access_path_id AND a.tenant_id IS v.target_id \
     AND a.segment IS NOT NULL AND (a.expires_at IS NULL OR a.expires_at > ?3) \
     AND d.id IS v.device_id AND d.tenant_id IS v.target_id AND d.disabled IS 0 AS live \
     FROM moves v JOIN tenants t ON t.id = v.target_id \
     LEFT JOIN access_paths a ON a.id = coalesce(\
     (SELECT id FROM access_paths WHERE id = v.access_path_id), \
     (SELECT min(id) FROM access_paths WHERE tenant_id = ?1)) \
     LEFT JOIN devices d ON d.id = coalesce((SELECT id FROM devices WHERE id = v.device_id), \
     (SELECT id FROM devices WHERE tenant_id = ?1 ORDER BY mac LIMIT 1)) \
     WHERE v.tenant_id = ?1 AND v.mac = coalesce(\
     (SELECT mac FROM moves WHERE tenant_id = ?1 AND mac = ?2), \
     (SELECT min(mac) FROM moves WHERE tenant_id = ?1))";

/// What reads a device, its settings, its templates, and where the database stands.
fn device_statements(
    db: &Db,
    tenant_id: &str,
    mac: &str,
    reads: Reads<'_>,
) -> Result<Vec<D1PreparedStatement>, StorageError> {
    // The device, or the tenant's first one.
    const PICKED: &str = "d.tenant_id = ?1 AND d.mac = coalesce(\
         (SELECT mac FROM devices WHERE tenant_id = ?1 AND mac = ?2), \
         (SELECT min(mac) FROM devices WHERE tenant_id = ?1))";
    let (condition, more) = reads.condition();
    let mut values: Vec<Arg<'_>> = vec![tenant_id.into(), mac.into()];
    values.extend(more);
    Ok(vec![
        db.statement(
            &format!("SELECT {DEVICE_COLUMNS} FROM {DEVICE_TABLES} WHERE {PICKED}"),
            args![tenant_id, mac],
        )?,
        db.statement(
            &format!(
                "SELECT s.scope, s.name, s.value, s.master FROM devices d \
                 JOIN settings s ON s.tenant_id = d.tenant_id AND s.scope IN \
                 ('tenant', 'site:' || d.site_id, 'model:' || d.model, 'device:' || d.id) \
                 WHERE {PICKED} AND {condition}"
            ),
            &values,
        )?,
        db.statement(
            &format!(
                "SELECT f.kind, f.model, f.source FROM devices d \
                 JOIN models m ON m.tenant_id = d.tenant_id AND m.name = d.model \
                 JOIN file_templates f ON f.tenant_id = d.tenant_id AND f.kind IN \
                 ('initial', 'standard', 'product', 'master', 'system') \
                 AND f.family = m.family AND f.model IN ('', d.model) \
                 WHERE {PICKED} AND {condition}"
            ),
            &values,
        )?,
        standing::statement(db)?,
    ])
}

/// The device of that MAC; another one was read in its place and is passed over.
fn parts(
    mac: &str,
    device: &D1Result,
    settings: &D1Result,
    templates: &D1Result,
) -> Result<Option<DeviceParts>, StorageError> {
    let device = rows::<DeviceRow>(device)?.into_iter().next();
    let Some(device) = device.filter(|device| device.mac == mac) else {
        return Ok(None);
    };
    Ok(Some(DeviceParts {
        device,
        settings: rows(settings)?,
        templates: rows(templates)?,
    }))
}

/// All that a file of a model or of a whole tenant is made from.
pub struct SharedParts {
    pub model: String,
    pub family: Family,
    pub profile: Option<String>,
    pub tenant_version: u64,
    pub settings: Vec<SettingRow>,
    pub templates: Vec<TemplateRow>,
}

#[derive(Deserialize)]
struct ModelRow {
    name: String,
    family: Family,
    profile: Option<String>,
    tenant_version: u64,
}

/// Reads a model with its settings and templates, in one round trip. With where the database
/// stood.
///
/// # Errors
/// D1 does not answer.
pub async fn model(
    db: &Db,
    tenant_id: &str,
    model: &str,
) -> Result<(Option<SharedParts>, Standing), StorageError> {
    let results = db
        .batch(vec![
            db.statement(
                "SELECT m.name, m.family, m.profile, t.version AS tenant_version FROM models m \
                 JOIN tenants t ON t.id = m.tenant_id WHERE m.tenant_id = ?1 AND m.name = ?2",
                args![tenant_id, model],
            )?,
            db.statement(
                "SELECT scope, name, value, master FROM settings \
                 WHERE tenant_id = ?1 AND scope IN ('tenant', 'model:' || ?2)",
                args![tenant_id, model],
            )?,
            db.statement(
                "SELECT f.kind, f.model, f.source FROM models m \
                 JOIN file_templates f ON f.tenant_id = m.tenant_id AND f.kind IN \
                 ('initial', 'standard', 'product', 'master', 'system') \
                 AND f.family = m.family AND f.model IN ('', m.name) \
                 WHERE m.tenant_id = ?1 AND m.name = ?2",
                args![tenant_id, model],
            )?,
            standing::statement(db)?,
        ])
        .await?;
    let [model, settings, templates, standing] = results.as_slice() else {
        return Err(StorageError("a batch lost a result".into()));
    };
    let standing = standing::one(standing)?;
    let Some(model) = rows::<ModelRow>(model)?.into_iter().next() else {
        return Ok((None, standing));
    };
    let parts = SharedParts {
        model: model.name,
        family: model.family,
        profile: model.profile,
        tenant_version: model.tenant_version,
        settings: rows(settings)?,
        templates: rows(templates)?,
    };
    Ok((Some(parts), standing))
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
///
/// # Errors
/// D1 does not answer.
pub async fn families(db: &Db, tenant_id: &str) -> Result<Vec<FamilyRow>, StorageError> {
    db.rows(
        "SELECT family, coalesce(min(CASE WHEN profile IS NULL THEN name END), min(name)) \
         AS model, max(profile IS NULL) AS in_clear \
         FROM models WHERE tenant_id = ?1 GROUP BY family",
        args![tenant_id],
    )
    .await
}

/// Notes that a device was here; `fetched` is the version of the standard file it took, if it did.
pub struct Seen<'a> {
    /// Where it asked. One that left the tenant meanwhile was not here: versions are the tenant's.
    pub tenant_id: &'a str,
    pub device_id: &'a str,
    pub now: u64,
    pub address: &'a str,
    pub user_agent: &'a str,
    pub fetched: Option<u64>,
}

impl Seen<'_> {
    /// Notes it where there is no event to write; the device as it is now.
    ///
    /// # Errors
    /// D1 does not answer.
    pub async fn write(
        &self,
        db: &Db,
        used: Option<&Use<'_>>,
    ) -> Result<Option<Now>, StorageError> {
        let mut statements = vec![self.statement(db)?];
        if let Some(used) = used {
            statements.push(used.statement(db)?);
        }
        let results = db.batch(statements).await?;
        let device = results.first().map(rows::<Now>).transpose()?;
        Ok(device.and_then(|rows| rows.into_iter().next()))
    }

    /// The statement, for a batch with the event. Answers are noted in any order, so what was
    /// taken and who was here are each compared with their own time: the note about a later
    /// product file must not cost the one about the standard file before it. Its row is [`Now`].
    ///
    /// # Errors
    /// The statement cannot be made.
    fn statement(&self, db: &Db) -> Result<worker::D1PreparedStatement, StorageError> {
        db.statement(
            "UPDATE devices SET last_seen_at = max(coalesce(last_seen_at, ?2), ?2), \
             last_seen_address = CASE WHEN last_seen_at > ?2 THEN last_seen_address ELSE ?3 END, \
             last_seen_user_agent = CASE WHEN last_seen_at > ?2 THEN last_seen_user_agent \
             ELSE ?4 END, \
             fetched_version = CASE WHEN ?5 IS NULL OR fetched_at > ?2 THEN fetched_version \
             ELSE ?5 END, \
             fetched_at = CASE WHEN ?5 IS NULL OR fetched_at > ?2 THEN fetched_at ELSE ?2 END \
             WHERE id = ?1 AND tenant_id = ?6 \
             RETURNING version, generation, disabled, forward_until",
            args![
                self.device_id,
                self.now,
                self.address,
                self.user_agent,
                self.fetched,
                self.tenant_id
            ],
        )
    }
}

/// A device's files as they have to be now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Now {
    /// Of the device's last change.
    pub version: u64,
    pub generation: u32,
    pub disabled: i64,
    /// Until when the tenant that it was in sends it here, if it did not come before.
    pub forward_until: Option<u64>,
}

impl Now {
    /// Whether the tenant that it was in sends the phone here: it came.
    pub fn is_expected(&self) -> bool {
        self.forward_until.is_some()
    }

    /// Whether a file of that version, and of that generation where it is sealed, may no longer
    /// be served to the device.
    pub fn voids(&self, version: u64, generation: Option<u32>) -> bool {
        self.disabled != 0
            || version < self.version
            || generation.is_some_and(|served| served != self.generation)
    }
}

/// How exact the times are at which access paths were used: oftener than that nothing is written.
pub const USE_STEP_MS: u64 = 3600 * 1000;

/// Notes that a file went out under an access path.
pub struct Use<'a> {
    /// Its SHA-256, hex.
    pub hash: &'a str,
    /// The device that got it, if it is known.
    pub device_id: Option<&'a str>,
    pub now: u64,
}

impl Use<'_> {
    /// The statement, for a batch. It writes nothing where the note is younger than
    /// [`USE_STEP_MS`], nor where access path or device is gone.
    ///
    /// # Errors
    /// The statement cannot be made.
    fn statement(&self, db: &Db) -> Result<worker::D1PreparedStatement, StorageError> {
        let before = self.now.saturating_sub(USE_STEP_MS);
        match self.device_id {
            Some(device_id) => db.statement(
                "INSERT INTO access_path_devices (access_path_id, device_id, last_at) \
                 SELECT a.id, d.id, ?3 FROM access_paths a JOIN devices d ON d.id = ?2 \
                 WHERE a.hash = ?1 \
                 ON CONFLICT DO UPDATE SET last_at = excluded.last_at WHERE last_at <= ?4",
                args![self.hash, device_id, self.now, before],
            ),
            None => db.statement(
                "UPDATE access_paths SET last_used_at = ?2 \
                 WHERE hash = ?1 AND (last_used_at IS NULL OR last_used_at <= ?3)",
                args![self.hash, self.now, before],
            ),
        }
    }
}

/// The device of a tenant that has one of these MACs, the first of them that any has: its id and MAC.
///
/// # Errors
/// D1 does not answer.
pub async fn device_among(
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
            args![tenant_id, super::settings::json(&macs)?],
        )
        .await?;
    Ok(row.map(|row| (row.id, row.mac)))
}

/// The state of a device's key, if the device's files are still of that version, and of that
/// generation where they are sealed, and the device is in service and still the tenant's.
///
/// # Errors
/// D1 does not answer.
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

/// The body of a certificate file, base64.
///
/// # Errors
/// D1 does not answer.
pub async fn certificate(
    db: &Db,
    tenant_id: &str,
    name: &str,
) -> Result<Option<String>, StorageError> {
    db.value(
        "SELECT body FROM certificates WHERE tenant_id = ?1 AND name = ?2",
        args![tenant_id, name],
    )
    .await
}

const CERTIFICATE_NAMES: &str =
    "SELECT name FROM certificates WHERE tenant_id = ?1 ORDER BY name LIMIT 3";

/// The names of a tenant's certificates, in the order in which an initial file names them.
///
/// # Errors
/// D1 does not answer.
pub async fn certificate_names(db: &Db, tenant_id: &str) -> Result<Vec<String>, StorageError> {
    db.values(CERTIFICATE_NAMES, args![tenant_id]).await
}

/// What is known once an event is written.
pub struct Written {
    /// How many events the minute has seen, this one included.
    pub minute: u64,
    /// The device that was seen; `None` if there is no such device (any more).
    pub device: Option<Now>,
}

/// Writes an event, as long as its tenant's minute has room, and what is to be noted with it.
///
/// # Errors
/// D1 does not answer.
pub async fn write_event(
    db: &Db,
    event: &EventRow<'_>,
    seen: Option<&Seen<'_>>,
    used: Option<&Use<'_>>,
) -> Result<Written, StorageError> {
    #[derive(Deserialize)]
    struct Minute {
        seen: u64,
    }
    let minute = event.at / 60_000;
    let mut statements = vec![
        db.statement(
            "INSERT INTO event_minutes (tenant_id, minute, seen) VALUES (?1, ?2, 1) \
             ON CONFLICT DO UPDATE SET seen = seen + 1 RETURNING seen",
            args![event.tenant_id, minute],
        )?,
        db.statement(
            "INSERT INTO events (id, tenant_id, device_id, mac, kind, form, outcome, reason, \
             status, bytes, address, user_agent, country, request_id, detail, at, path, access_path) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?19, \
             coalesce(?20, (SELECT id FROM access_paths WHERE hash = ?21)) \
             WHERE (SELECT seen FROM event_minutes WHERE tenant_id = ?2 AND minute = ?17) <= ?18",
            args![
                event.id,
                event.tenant_id,
                event.device_id,
                event.mac,
                event.kind,
                event.form,
                event.outcome,
                event.reason,
                u32::from(event.status),
                event.bytes,
                event.address,
                event.user_agent,
                event.country,
                event.request_id,
                event.detail,
                event.at,
                minute,
                event.limit,
                event.path,
                event.access_path,
                event.access_path_hash
            ],
        )?,
    ];
    if let Some(seen) = seen {
        statements.push(seen.statement(db)?);
    }
    if let Some(used) = used {
        statements.push(used.statement(db)?);
    }
    let results = db.batch(statements).await?;
    let minute = results
        .first()
        .map(rows::<Minute>)
        .transpose()?
        .and_then(|rows| rows.into_iter().next());
    let device = results
        .get(2)
        .filter(|_| seen.is_some())
        .map(rows::<Now>)
        .transpose()?
        .and_then(|rows| rows.into_iter().next());
    Ok(Written {
        minute: minute.map_or(0, |minute| minute.seen),
        device,
    })
}

/// An event as it is written.
pub struct EventRow<'a> {
    pub id: &'a str,
    pub tenant_id: &'a str,
    pub device_id: Option<&'a str>,
    pub mac: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub form: Option<&'a str>,
    pub outcome: &'a str,
    pub reason: &'a str,
    pub status: u16,
    pub bytes: u64,
    pub address: &'a str,
    pub user_agent: &'a str,
    pub country: &'a str,
    pub request_id: &'a str,
    pub detail: Option<&'a str>,
    pub at: u64,
    /// What was asked for, fit to be read; of a request that got a file there is none.
    pub path: Option<&'a str>,
    /// Id of the access path; `None` where KV has a value of before it knew it.
    pub access_path: Option<&'a str>,
    /// By which the id is looked up then.
    pub access_path_hash: &'a str,
    /// How many a minute may be written.
    pub limit: u32,
}

/// Counts events that were not written.
///
/// # Errors
/// D1 does not answer.
pub async fn count_events(
    db: &Db,
    tenant_id: &str,
    minute: u64,
    number: u64,
) -> Result<(), StorageError> {
    let counted = db.statement(
        "INSERT INTO event_minutes (tenant_id, minute, seen) VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET seen = seen + ?3",
        args![tenant_id, minute, number],
    )?;
    changes(&counted.run().await?)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_before_a_change_or_under_another_key_is_void() {
        let now = Now {
            version: 5,
            generation: 2,
            disabled: 0,
            forward_until: None,
        };
        assert!(!now.voids(5, Some(2)));
        assert!(!now.voids(9, None));
        assert!(now.voids(4, Some(2)));
        assert!(now.voids(9, Some(1)));
        assert!(Now { disabled: 1, ..now }.voids(9, Some(2)));
    }
}
