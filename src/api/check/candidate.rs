//! Whether a change would break files: every affected device is rendered and linted with the change
//! in it, before the change is stored.
//!
//! Up to [`MAX_ALL`] devices that is each of them. Above, it is one device of every combination of
//! model and site, which together see every template and every layer but the devices' own, and a
//! sample of the rest; the answer says so. What slips through is caught when it is rendered.
//!
//! The whole check has one budget ([`super::budget`]): where it is used up before all devices have had
//! their turn, the rest go unchecked, and the answer says that, too. One of each combination of model
//! and site has its turn before any second one. At the 21st broken file it ends. [`super::look`] goes
//! through the devices.
//!
//! What it was checked against must still be there when the change is written: that is the candidate's
//! [`CheckedAgainst`]. Where it is not, the request is worked on once more ([`unless_overtaken`](crate::api::request::commit::unless_overtaken)).

use std::collections::{BTreeMap, BTreeSet};

use ringfence_api::changing::Effect;
use ringfence_api::check::Method;
use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layer, LayerSettings};
use ringfence_provision::mac::Mac;
use ringfence_provision::unused::{Unused, Watch};

pub use crate::api::check::side::Named;
use crate::api::check::side::{AccessPaths, Side, Was};
use crate::api::check::unused;
use crate::api::request::changing::Trial;
use crate::app::App;
use crate::db::rows;
use crate::files::inputs::{self, FileInputs, InputsError, Whose};
use crate::files::names;
use crate::files::urls::{Base, Urls};
use crate::http::problem::{Problem, ProblemKind};
use crate::model::device::DeviceRow;
use crate::model::tenant::TenantOptions;
use crate::store::CheckedAgainst;
use crate::store::access_paths;
use crate::store::devices::{self, Affected};
use crate::store::file_inputs::{self, TenantParts};
use crate::store::file_tests::FileTestRow;
use crate::store::models::ModelRow;
use crate::store::object::{Scope, SettingRow, TemplateKey};
use crate::store::settings;
use crate::store::tenants::TenantRow;

/// The most devices that a change affects for each of them to be checked.
pub const MAX_ALL: u64 = 500;
/// The most combinations of model and site of which a device is checked, where there are more devices.
const MAX_COMBINATIONS: u32 = 1_000;
/// The most devices of the sample.
const MAX_SAMPLE: u32 = 200;
/// The most settings of devices that are read at once.
const MAX_ROWS_AT_ONCE: usize = 100_000;
/// From how many settings of devices on no further devices are read: an isolate's memory is well used with them.
const MAX_SETTINGS: usize = 250_000;

/// A tenant as it is and as it would be: what sets something replaces it, and [`check`](Self::check) looks
/// at what came of it.
pub struct Candidate {
    /// For the change that was checked in it.
    pub checked_against: CheckedAgainst,
    base: Base,
    /// When the change is checked, in Unix milliseconds.
    pub(super) now: u64,
    pub(super) certificates: Vec<String>,
    /// Which access paths files name, where the change is about these.
    access_paths: Option<AccessPaths>,
    /// The tenant that the device leaves, where it comes from another one: there is what it has now.
    pub(super) left: Option<Box<Candidate>>,
    pub(super) options: TenantOptions,
    pub(super) models: BTreeMap<String, ModelRow>,
    /// By scope.
    pub(super) layers: BTreeMap<String, LayerSettings>,
    pub(super) templates: BTreeMap<TemplateKey, String>,
    pub(super) devices: Vec<DeviceRow>,
    /// What the operator wants to be so in files.
    pub(super) tests: Vec<FileTestRow>,
    /// What the change replaces.
    pub(super) was: Was,
    /// Models whose shared files are checked though none of `devices` has them.
    pub(super) shared: BTreeSet<String>,
    /// How many devices the change affects; of many, `devices` has a sample.
    pub(super) affected: u64,
    pub(super) method: Method,
    /// What the change does besides, for a trial.
    pub effects: Vec<Effect>,
    /// The layer that is changed, by the scope of its settings.
    changed: Option<(Layer, String)>,
}

impl Candidate {
    /// Reads all that the files of the affected devices are made from.
    ///
    /// # Errors
    /// D1 does not answer, or a stored secret does not unwrap.
    pub async fn load(app: &App, tenant: &TenantRow, affected: &Affected) -> Result<Self, Problem> {
        let id = &tenant.id;
        let limit = u32::try_from(MAX_ALL).unwrap_or(u32::MAX);
        let also = devices::affected(id, affected, limit)?;
        let (parts, [count, first]) = file_inputs::of_tenant(&app.db, id, also).await?;
        let mut candidate = Self::of_parts(app, tenant, parts)?;
        candidate.affected = devices::counted(&count)?;
        candidate.shared = match affected {
            Affected::All => candidate.models.keys().cloned().collect(),
            Affected::Models(names) => names.iter().cloned().collect(),
            Affected::Site(_) => BTreeSet::new(),
        };
        candidate.devices = if candidate.affected <= MAX_ALL {
            rows(&first)?
        } else {
            candidate.method = Method::CombinationsAndSample;
            let stride = candidate.affected / u64::from(MAX_SAMPLE);
            let mut chosen =
                devices::one_of_each_combination(&app.db, id, affected, MAX_COMBINATIONS).await?;
            chosen.extend(devices::sample(&app.db, id, affected, stride.max(1), MAX_SAMPLE).await?);
            chosen.sort_by(|one, other| one.id.cmp(&other.id));
            chosen.dedup_by(|one, other| one.id == other.id);
            chosen
        };
        candidate.load_settings(app).await?;
        Ok(candidate)
    }

    /// Reads the layers of the devices, as far as memory goes: devices beyond that are not checked.
    async fn load_settings(&mut self, app: &App) -> Result<(), Problem> {
        let tenant_id = self.checked_against.tenant_id.clone();
        let mut loaded = 0;
        let mut at = 0;
        while at < self.devices.len() && loaded < MAX_SETTINGS {
            let rest = self.devices.get(at..).unwrap_or_default();
            let ids: Vec<&str> = rest
                .iter()
                .scan(0, |room, device| {
                    *room += device.family.settings_limit();
                    (*room <= MAX_ROWS_AT_ONCE).then_some(device.id.as_str())
                })
                .collect();
            let number = ids.len();
            let rows = settings::of_devices(&app.db, &tenant_id, &ids).await?;
            loaded += rows.len();
            self.layers.extend(unwrapped(app, &tenant_id, &rows)?);
            at += number.max(1);
        }
        self.devices.truncate(at);
        Ok(())
    }

    /// The same for a change that affects one device at most: [`set_device`](Self::set_device) says which.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn of_tenant(app: &App, tenant: &TenantRow) -> Result<Self, Problem> {
        let (parts, _) = file_inputs::of_tenant(&app.db, &tenant.id, []).await?;
        Self::of_parts(app, tenant, parts)
    }

    fn of_parts(app: &App, tenant: &TenantRow, parts: TenantParts) -> Result<Self, Problem> {
        let id = &tenant.id;
        Ok(Self {
            now: app.now,
            base: base(tenant.hostname.as_deref()),
            options: tenant.options()?,
            // `tenant` was read before everything else: whatever changed since then tells.
            checked_against: CheckedAgainst {
                tenant_id: id.clone(),
                seq: tenant.seq,
                version: tenant.version,
                device: None,
            },
            certificates: parts.certificates,
            access_paths: None,
            left: None,
            models: parts
                .models
                .into_iter()
                .map(|row| (row.name.clone(), row))
                .collect(),
            layers: unwrapped(app, id, &parts.settings)?,
            templates: parts
                .templates
                .into_iter()
                .map(|row| {
                    let key = TemplateKey {
                        kind: row.kind,
                        family: row.family,
                        model: row.model,
                    };
                    (key, row.source)
                })
                .collect(),
            devices: Vec::new(),
            tests: parts.tests,
            was: Was::default(),
            shared: BTreeSet::new(),
            affected: 0,
            method: Method::All,
            effects: Vec::new(),
            changed: None,
        })
    }

    /// Whose files are checked: those of one device, which need not be stored yet, with its own settings
    /// as they will be. `stored` is what it is, where it is the tenant's already.
    pub fn set_device(
        &mut self,
        device: DeviceRow,
        values: LayerSettings,
        stored: Option<(DeviceRow, LayerSettings)>,
    ) {
        self.checked_against.device = Some((device.id.clone(), device.version));
        self.devices.clear();
        self.affected = 0;
        self.add_device(device, values, stored);
    }

    /// Has one more device among those whose files are checked: of several, each [by itself](Self::check_each). Whether
    /// it is still as it was read is then for the change to see to.
    pub fn add_device(
        &mut self,
        device: DeviceRow,
        values: LayerSettings,
        stored: Option<(DeviceRow, LayerSettings)>,
    ) {
        let scope = Scope::Device {
            id: device.id.clone(),
            mac: device.mac.clone(),
        };
        let (before, layer) = stored.unzip();
        self.was.devices.insert(device.id.clone(), before);
        self.devices.push(device);
        self.affected += 1;
        if let Some(layer) = layer {
            self.layers.insert(scope.key(), layer);
        }
        self.set_layer(&scope, values);
    }

    /// Replaces the options.
    pub fn set_options(&mut self, options: TenantOptions) {
        let before = std::mem::replace(&mut self.options, options);
        self.was.options.get_or_insert(before);
    }

    /// Replaces the names of the certificates.
    pub fn set_certificates(&mut self, names: Vec<String>) {
        let before = std::mem::replace(&mut self.certificates, names);
        self.was.certificates.get_or_insert(before);
    }

    /// Has files name an access path, or no longer name it: what they name of the one with this id, before and after.
    ///
    /// # Errors
    /// The device that a trial is to show is not there, or D1 does not answer.
    pub async fn set_access_path(
        &mut self,
        app: &App,
        id: &str,
        [before, after]: [Named; 2],
        trial: Trial,
    ) -> Result<(), Problem> {
        let shown = match trial.device {
            Some(mac) => Some(self.fetch(app, &mac).await?),
            None => None,
        };
        let devices = self.devices.iter().chain(&shown);
        let ids: Vec<&str> = devices.map(|device| device.id.as_str()).collect();
        let there = access_paths::asking_under(&app.db, id, &ids).await?;
        self.access_paths = Some(AccessPaths {
            before,
            after,
            there: there.into_iter().collect(),
        });
        Ok(())
    }

    /// The device comes from another tenant, where it is `row` with settings of its own: what its phone has there is
    /// what its files are compared with.
    ///
    /// # Errors
    /// D1 does not answer, or a stored secret does not unwrap.
    pub async fn set_left(
        &mut self,
        app: &App,
        tenant: &TenantRow,
        row: DeviceRow,
        values: LayerSettings,
    ) -> Result<(), Problem> {
        let mut left = Self::of_tenant(app, tenant).await?;
        left.set_device(row.clone(), values.clone(), Some((row, values)));
        let named = |side| AccessPaths {
            before: side,
            after: side,
            there: BTreeSet::new(),
        };
        left.access_paths = Some(named(Named::Another));
        self.access_paths = Some(named(Named::This));
        self.left = Some(Box::new(left));
        Ok(())
    }

    /// What a device is compared with: what is there now, and what it is there; nothing, if it is nowhere yet.
    pub(super) fn compared<'a>(
        &'a self,
        device: &'a DeviceRow,
    ) -> Option<(&'a Self, &'a DeviceRow)> {
        let left = self.left.as_deref().and_then(|left| {
            let mut devices = left.devices.iter();
            Some((left, devices.find(|row| row.id == device.id)?))
        });
        left.or_else(|| Some((self, self.device(Side::Before, device)?)))
    }

    /// Adds a model, or replaces it.
    pub fn set_model(&mut self, model: ModelRow) {
        let before = self.models.insert(model.name.clone(), model.clone());
        self.was.models.entry(model.name).or_insert(before);
    }

    /// Writes a template, or removes it.
    pub fn set_template(&mut self, key: &TemplateKey, source: Option<&String>) {
        let before = match source {
            Some(source) => self.templates.insert(key.clone(), source.clone()),
            None => self.templates.remove(key),
        };
        self.was.templates.entry(key.clone()).or_insert(before);
    }

    /// The tenant's options.
    pub fn tenant_options(&self) -> &TenantOptions {
        &self.options
    }

    /// The models of the tenant.
    pub fn models(&self) -> &BTreeMap<String, ModelRow> {
        &self.models
    }

    /// The families whose phones may see a layer.
    pub fn families(&self, scope: &Scope) -> Vec<Family> {
        let of_model = |name: &str| self.models.get(name).map(|row| row.family);
        match scope {
            Scope::Tenant | Scope::Site(_) => self.models.values().map(|row| row.family).collect(),
            Scope::Model(name) => of_model(name).into_iter().collect(),
            Scope::Device { .. } => {
                let devices = self.devices.iter();
                devices
                    .filter_map(|device| of_model(&device.model))
                    .collect()
            }
        }
    }

    /// Replaces the settings of one layer. The check tells which of them reach no file.
    pub fn set_layer(&mut self, scope: &Scope, values: LayerSettings) {
        let key = scope.key();
        self.changed = inputs::layer_named(&key).map(|layer| (layer, key.clone()));
        let before = self.layers.insert(key.clone(), values);
        self.was.layers.entry(key).or_insert(before);
    }

    /// All that one device's files, or a model's, are made from; `None` where there is no such model.
    pub(super) fn inputs(
        &self,
        side: Side,
        device: Option<&DeviceRow>,
        model: &str,
    ) -> Result<Option<FileInputs>, Problem> {
        let Some(row) = self.model(side, model) else {
            return Ok(None);
        };
        let device = device.map(|device| DeviceRow {
            family: row.family,
            profile: row.profile.clone(),
            ..device.clone()
        });
        let whose = Whose {
            tenant_id: self.checked_against.tenant_id.clone(),
            tenant_version: self.checked_against.version,
            model: model.to_owned(),
            family: row.family,
            profile: row.profile.clone(),
            device,
            addresses: None,
        };
        inputs::assemble(
            whose,
            |scope| self.layer(side, scope).cloned().unwrap_or_default(),
            |kind, model| self.template(side, kind, row.family, model).cloned(),
        )
        .map(Some)
        .map_err(unreadable)
    }

    /// What the URLs of files that are made from these inputs are.
    pub(super) fn urls(&self, side: Side, inputs: &FileInputs) -> Urls {
        let options = self.options(side);
        let mut base = self.base.clone();
        if let Some(paths) = &self.access_paths {
            let device = inputs.device.as_ref().map(|device| device.id.as_str());
            base.access_path = paths.stand_in(side, device).to_owned();
        }
        names::urls(&base, options, inputs, self.certificates(side), self.now)
    }

    /// Looks for the settings of the layer that is changed.
    pub(super) fn watch(&self) -> Watch {
        let changed = self.changed.as_ref();
        let found = changed.and_then(|(layer, key)| Some((*layer, self.layers.get(key)?)));
        match found {
            Some((layer, settings)) => unused::watch(layer, settings),
            None => Watch::new(Layer::Tenant, []),
        }
    }

    /// The layer that is changed, if one is.
    pub(super) fn layer_changed(&self) -> Option<Layer> {
        self.changed.as_ref().map(|(layer, _)| *layer)
    }

    /// The names of settings of the layer that is changed.
    pub(super) fn names_changed(&self) -> BTreeSet<String> {
        let changed = self.changed.as_ref();
        let found = changed.and_then(|(_, key)| self.layers.get(key));
        found
            .into_iter()
            .flat_map(|settings| settings.keys().cloned())
            .collect()
    }

    /// What none of the devices has seen. Without devices there is nothing to tell.
    pub(super) fn unused(&self, watch: &Watch) -> Vec<Unused> {
        if self.devices.is_empty() || watch.is_done() {
            return Vec::new();
        }
        let models: BTreeSet<&String> = self.devices.iter().map(|device| &device.model).collect();
        let mut files = BTreeSet::new();
        for row in models.into_iter().filter_map(|name| self.models.get(name)) {
            for &kind in row.family.kinds() {
                for audience in self.options.audiences(kind, row.family) {
                    files.insert((row.family, kind, audience, self.source(kind, row)));
                }
            }
        }
        unused::of_files(
            watch,
            files
                .into_iter()
                .map(|(_, kind, audience, template)| (kind, audience, template)),
        )
    }

    /// The template that a model's files of a kind have.
    fn source(&self, kind: FileKind, row: &ModelRow) -> &str {
        inputs::nearest(kind, &row.name, |model| {
            self.template(Side::After, kind, row.family, model)
        })
        .map_or_else(|| row.family.template(kind), String::as_str)
    }

    /// Has a device among those whose files can be made, whether the change affects it or not.
    ///
    /// # Errors
    /// There is no such device, or D1 does not answer.
    pub(super) async fn fetch(&mut self, app: &App, mac: &Mac) -> Result<DeviceRow, Problem> {
        let mac = mac.upper();
        if let Some(device) = self.devices.iter().find(|device| device.mac == mac) {
            return Ok(device.clone());
        }
        let tenant_id = self.checked_against.tenant_id.clone();
        let device = devices::find(&app.db, &tenant_id, &mac)
            .await?
            .ok_or_else(|| Problem::not_found("device"))?;
        let rows = settings::of_devices(&app.db, &tenant_id, &[&device.id]).await?;
        self.layers.extend(unwrapped(app, &tenant_id, &rows)?);
        Ok(device)
    }
}

// What there is on a side: what the change replaces, or what is the same on both.
impl Candidate {
    pub(super) fn options(&self, side: Side) -> &TenantOptions {
        match (side, &self.was.options) {
            (Side::Before, Some(options)) => options,
            _ => &self.options,
        }
    }

    pub(super) fn certificates(&self, side: Side) -> &[String] {
        match (side, &self.was.certificates) {
            (Side::Before, Some(names)) => names,
            _ => &self.certificates,
        }
    }

    pub(super) fn model(&self, side: Side, name: &str) -> Option<&ModelRow> {
        side.of(&self.was.models, self.models.get(name), name)
    }

    pub(super) fn layer(&self, side: Side, scope: &str) -> Option<&LayerSettings> {
        side.of(&self.was.layers, self.layers.get(scope), scope)
    }

    /// What an operator wrote for a kind, a family, and a model or (empty) every one.
    pub(super) fn template(
        &self,
        side: Side,
        kind: FileKind,
        family: Family,
        model: &str,
    ) -> Option<&String> {
        let key = TemplateKey {
            kind,
            family,
            model: model.to_owned(),
        };
        side.of(&self.was.templates, self.templates.get(&key), &key)
    }

    /// What a device is on a side; `None`: it is not there yet.
    pub(super) fn device<'a>(&'a self, side: Side, device: &'a DeviceRow) -> Option<&'a DeviceRow> {
        side.of(&self.was.devices, Some(device), device.id.as_str())
    }
}

/// What URLs begin with, as long as they will be: the length of a URL is checked too. A template
/// never sees it ([`crate::files::urls`]).
fn base(hostname: Option<&str>) -> Base {
    let host = hostname.unwrap_or("provisioning.example");
    Base {
        origin: format!("https://{host}"),
        access_path: "0".repeat(22),
        hostname: hostname.map(str::to_owned),
    }
}

fn unwrapped(
    app: &App,
    tenant_id: &str,
    rows: &[SettingRow],
) -> Result<BTreeMap<String, LayerSettings>, Problem> {
    inputs::by_scope(&app.keyring, tenant_id, rows).map_err(unreadable)
}

/// The settings of several scopes, secrets unwrapped.
///
/// # Errors
/// A stored secret does not unwrap.
pub fn layers(
    app: &App,
    tenant_id: &str,
    rows: &[SettingRow],
) -> Result<BTreeMap<String, LayerSettings>, Problem> {
    unwrapped(app, tenant_id, rows)
}

/// The settings of one scope, secrets unwrapped.
///
/// # Errors
/// A stored secret does not unwrap.
pub fn layer(
    app: &App,
    tenant_id: &str,
    scope: &str,
    rows: &[SettingRow],
) -> Result<LayerSettings, Problem> {
    Ok(unwrapped(app, tenant_id, rows)?
        .remove(scope)
        .unwrap_or_default())
}

/// The problem of data that is there and cannot be used.
pub fn unreadable(error: InputsError) -> Problem {
    match error {
        InputsError::Storage(error) => error.into(),
        // It names a setting or a key id, never a value, and tells the operator what to do.
        error => Problem::new(ProblemKind::Misconfigured, format!("{error}.")),
    }
}
