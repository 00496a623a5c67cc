//! Whether a change would break files: every affected device is rendered and linted with the change
//! in it, before the change is stored.
//!
//! Up to [`MAX_ALL`] devices that is each of them. Above, it is one device of every combination of
//! model and site, which together see every template and every layer but the devices' own, and a
//! sample of the rest; the answer says so. What slips through is caught when it is rendered.
//!
//! The whole check has one budget ([`super::budget`]): where it is used up before all devices have had
//! their turn, the rest go unchecked, and the answer says that, too. One of each combination of model
//! and site has its turn before any second one. At the 21st broken file it ends.
//!
//! What it was checked against must still be there when the change is written: that is the candidate's
//! [`CheckedAgainst`]. Where it is not, the request is worked on once more ([`unless_overtaken`](crate::api::request::commit::unless_overtaken)).

use std::collections::{BTreeMap, BTreeSet};

use ringfence_provision::family::Family;
use ringfence_provision::format::{self, RenderedFinding};
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layer, LayerSettings};
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use ringfence_provision::unused::{Unused, Watch};
use serde::Serialize;

use crate::api::check::budget::Budget;
use crate::api::check::unused;
use crate::app::App;
use crate::db::rows;
use crate::files::inputs::{self, FileInputs, InputsError, Whose};
use crate::files::names;
use crate::files::render::{self, FileError};
use crate::files::urls::Base;
use crate::http::problem::{Problem, ProblemKind};
use crate::model::device::DeviceRow;
use crate::model::tenant::TenantOptions;
use crate::store::CheckedAgainst;
use crate::store::devices::{self, Affected};
use crate::store::file_inputs::{self, SettingRow, TenantParts};
use crate::store::models::ModelRow;
use crate::store::settings::{self, Scope};
use crate::store::templates::TemplateKey;
use crate::store::tenants::TenantRow;

/// Up to so many devices, each is checked.
pub const MAX_ALL: u64 = 500;
/// So many combinations of model and site at most.
const MAX_COMBINATIONS: u32 = 1_000;
/// So many devices of the sample.
const SAMPLE: u32 = 200;
/// As many settings of devices are read at once at most.
const ROWS_AT_ONCE: usize = 100_000;
/// With so many settings of devices an isolate's memory is well used: no further devices are read.
const MAX_SETTINGS: usize = 250_000;
/// So many broken files are told; after one more the check ends.
const MAX_TOLD: usize = 20;

/// How devices were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Method {
    /// Each affected device.
    All,
    /// One device of every combination of model and site, and a sample.
    CombinationsAndSample,
    /// Their files take so much work that not all of them were rendered; one device of each
    /// combination of model and site came before any second one.
    WithinBudget,
}

/// What was rendered to see that a change breaks no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Checked {
    /// Number of devices whose files were rendered. It is smaller than what was chosen where the
    /// devices have more than 250,000 settings of their own together.
    pub devices: u64,
    /// Number of devices that the change affects.
    pub affected: u64,
    /// How the rendered devices were chosen.
    pub method: Method,
    /// Settings of the changed layer that reach no file of these devices; at most the first 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<Unused>,
}

/// What is wrong with one file, in the answer that refuses a change.
#[derive(Clone, Debug, Serialize)]
pub struct Broken {
    /// Whose file; none for a file of a model.
    pub mac: Option<String>,
    pub model: String,
    pub file: FileKind,
    pub findings: Vec<RenderedFinding>,
    /// Why it cannot be rendered, where it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A tenant as it is, or as it would be: change the fields, then [`check`](Self::check).
pub struct Candidate {
    /// For the change that was checked in it.
    pub basis: CheckedAgainst,
    base: Base,
    /// When the change is checked, in Unix milliseconds.
    now: u64,
    certificates: Vec<String>,
    pub options: TenantOptions,
    pub models: BTreeMap<String, ModelRow>,
    /// By scope.
    pub layers: BTreeMap<String, LayerSettings>,
    pub templates: BTreeMap<TemplateKey, String>,
    pub devices: Vec<DeviceRow>,
    /// Models whose shared files are checked though none of `devices` has them.
    pub shared: BTreeSet<String>,
    of: u64,
    method: Method,
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
        let also = devices::affected(&app.db, id, affected, limit)?;
        let (parts, [count, first]) = file_inputs::of_tenant(&app.db, id, also).await?;
        let mut candidate = Self::of_parts(app, tenant, parts)?;
        candidate.of = devices::counted(&count)?;
        candidate.shared = match affected {
            Affected::All => candidate.models.keys().cloned().collect(),
            Affected::Models(names) => names.iter().cloned().collect(),
            Affected::Site(_) => BTreeSet::new(),
        };
        candidate.devices = if candidate.of <= MAX_ALL {
            rows(&first)?
        } else {
            candidate.method = Method::CombinationsAndSample;
            let stride = candidate.of / u64::from(SAMPLE);
            let mut chosen =
                devices::one_of_each_combination(&app.db, id, affected, MAX_COMBINATIONS).await?;
            chosen.extend(devices::sample(&app.db, id, affected, stride.max(1), SAMPLE).await?);
            chosen.sort_by(|one, other| one.id.cmp(&other.id));
            chosen.dedup_by(|one, other| one.id == other.id);
            chosen
        };
        candidate.load_settings(app).await?;
        Ok(candidate)
    }

    /// Reads the layers of the devices, as far as memory goes: devices beyond that are not checked.
    async fn load_settings(&mut self, app: &App) -> Result<(), Problem> {
        let tenant_id = self.basis.tenant_id.clone();
        let mut loaded = 0;
        let mut at = 0;
        while at < self.devices.len() && loaded < MAX_SETTINGS {
            let rest = self.devices.get(at..).unwrap_or_default();
            let ids: Vec<&str> = rest
                .iter()
                .scan(0, |room, device| {
                    *room += device.family.settings_limit();
                    (*room <= ROWS_AT_ONCE).then_some(device.id.as_str())
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
            basis: CheckedAgainst {
                tenant_id: id.clone(),
                seq: tenant.seq,
                version: tenant.version,
                device: None,
            },
            certificates: parts.certificates,
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
            shared: BTreeSet::new(),
            of: 0,
            method: Method::All,
            changed: None,
        })
    }

    /// Whose files are checked: those of one device, which need not be stored yet, with its own settings
    /// as they will be.
    pub fn set_device(&mut self, device: DeviceRow, values: LayerSettings) {
        let scope = Scope::Device {
            id: device.id.clone(),
            mac: device.mac.clone(),
        };
        self.basis.device = Some((device.id.clone(), device.version));
        self.devices = vec![device];
        self.of = 1;
        self.set_layer(&scope, values);
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
        self.layers.insert(key, values);
    }

    /// Renders and lints.
    ///
    /// # Errors
    /// [`Problem`] `invalid-files`, with the devices and the findings.
    pub async fn check(&self) -> Result<Checked, Problem> {
        let mut look = Look {
            budget: Budget::default(),
            watch: self.watch(),
        };
        let mut method = self.method;
        let mut broken = Vec::new();
        let mut sizes = BTreeMap::new();
        let models: BTreeSet<&str> = self
            .devices
            .iter()
            .map(|device| device.model.as_str())
            .chain(self.shared.iter().map(String::as_str))
            .collect();
        for model in models {
            if broken.len() > MAX_TOLD {
                break;
            }
            // The other half is the devices'.
            if !look.budget.is_within(50) {
                method = Method::WithinBudget;
                break;
            }
            let bundle = self.bundle(None, model)?;
            let files = self.files(bundle, Part::Shared, &mut look);
            sizes.insert(model, files.sizes);
            broken.extend(files.broken);
            look.budget.pause_if_due().await;
        }
        let mut devices = 0;
        for device in in_turn(&self.devices) {
            if broken.len() > MAX_TOLD {
                break;
            }
            if !look.budget.is_within(100) {
                method = Method::WithinBudget;
                break;
            }
            devices += 1;
            let bundle = self.bundle(Some(device), &device.model)?;
            let mut files = self.files(bundle, Part::Own, &mut look);
            files
                .sizes
                .extend(sizes.get(device.model.as_str()).into_iter().flatten());
            files.check_sizes(&self.options, self.now);
            broken.extend(files.broken);
            look.budget.pause_if_due().await;
        }
        let checked = Checked {
            devices,
            affected: self.of,
            method,
            unused: self.unused(&look.watch),
        };
        if broken.is_empty() {
            return Ok(checked);
        }
        Err(refusal(broken, &checked))
    }

    /// All that one device's files, or a model's, are made from.
    fn bundle(&self, device: Option<&DeviceRow>, model: &str) -> Result<FileInputs, Problem> {
        let Some(row) = self.models.get(model) else {
            return Err(Problem::internal(format!("model {model} is not there")));
        };
        let device = device.map(|device| DeviceRow {
            family: row.family,
            profile: row.profile.clone(),
            ..device.clone()
        });
        let whose = Whose {
            tenant_id: self.basis.tenant_id.clone(),
            tenant_version: self.basis.version,
            model: model.to_owned(),
            family: row.family,
            profile: row.profile.clone(),
            device,
        };
        inputs::assemble(
            whose,
            |scope| self.layers.get(scope).cloned().unwrap_or_default(),
            |kind, model| self.template(kind, row.family, model).cloned(),
        )
        .map_err(unreadable)
    }

    /// What an operator wrote for a kind, a family, and a model or (empty) every one.
    fn template(&self, kind: FileKind, family: Family, model: &str) -> Option<&String> {
        self.templates.get(&TemplateKey {
            kind,
            family,
            model: model.to_owned(),
        })
    }

    /// Looks for the settings of the layer that is changed.
    fn watch(&self) -> Watch {
        let changed = self.changed.as_ref();
        let found = changed.and_then(|(layer, key)| Some((*layer, self.layers.get(key)?)));
        match found {
            Some((layer, settings)) => unused::watch(layer, settings),
            None => Watch::new(Layer::Tenant, []),
        }
    }

    /// What none of the devices has seen. Without devices there is nothing to tell.
    fn unused(&self, watch: &Watch) -> Vec<Unused> {
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
        unused::told(
            watch,
            files
                .into_iter()
                .map(|(_, kind, audience, template)| (kind, audience, template)),
        )
    }

    /// The template that a model's files of a kind have.
    fn source(&self, kind: FileKind, row: &ModelRow) -> &str {
        inputs::nearest(kind, &row.name, |model| {
            self.template(kind, row.family, model)
        })
        .map_or_else(|| row.family.template(kind), String::as_str)
    }

    fn files(&self, bundle: FileInputs, part: Part, look: &mut Look) -> Files {
        // A bundle has settings of its own.
        let layers = &bundle.layers;
        let settings = Layer::ALL.map(|layer| layers.layer(layer).len());
        look.budget.spend(settings.iter().sum::<usize>() as u64);
        let urls = names::urls(
            &self.base,
            &self.options,
            &bundle,
            &self.certificates,
            self.now,
        );
        let family = bundle.family;
        let mut files = Files {
            bundle,
            sizes: Vec::new(),
            broken: Vec::new(),
        };
        let each = family.kinds().iter().flat_map(|&kind| {
            let audiences = self.options.audiences(kind, family);
            audiences.into_iter().map(move |audience| (kind, audience))
        });
        for (kind, audience) in each.filter(|&(kind, audience)| part.has(kind, audience)) {
            let mut spent = 0;
            let rendered = render::render_metered(
                &files.bundle,
                kind,
                audience,
                &urls,
                SecretsMode::Reveal,
                &mut spent,
            );
            look.budget.spend(spent);
            match rendered {
                Ok(file) => {
                    look.watch
                        .saw(render::layers_of(kind, audience), &file.used);
                    files.sizes.push((kind, audience, file.bytes.len()));
                }
                Err(error) => {
                    let broken = files.broken_by(kind, error);
                    files.broken.push(broken);
                }
            }
        }
        files
    }
}

/// What a check counts and looks for.
struct Look {
    budget: Budget,
    watch: Watch,
}

/// Which of a bundle's files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Those that differ from device to device.
    Own,
    /// The others.
    Shared,
}

impl Part {
    fn has(self, kind: FileKind, audience: Audience) -> bool {
        render::own_of_device(kind, audience) == (self == Self::Own)
    }
}

/// The files of one bundle.
struct Files {
    bundle: FileInputs,
    sizes: Vec<(FileKind, Audience, usize)>,
    broken: Vec<Broken>,
}

impl Files {
    fn broken(
        &self,
        file: FileKind,
        findings: Vec<RenderedFinding>,
        error: Option<String>,
    ) -> Broken {
        Broken {
            mac: self.bundle.device.as_ref().map(|device| device.mac.clone()),
            model: self.bundle.model.clone(),
            file,
            findings,
            error,
        }
    }

    fn broken_by(&self, kind: FileKind, error: FileError) -> Broken {
        match error {
            FileError::Render(error) => self.broken(kind, Vec::new(), Some(error.to_string())),
            FileError::Lint(mut findings) => {
                findings.retain(RenderedFinding::is_error);
                self.broken(kind, findings, None)
            }
        }
    }

    fn check_sizes(&mut self, options: &TenantOptions, now: u64) {
        // The initial file only names the others; of several system files the phone reads one.
        let told = names::audience(options, &self.bundle, FileKind::System, now);
        let sizes: Vec<(FileKind, usize)> = self
            .sizes
            .iter()
            .filter(|(kind, audience, _)| match kind {
                FileKind::Initial => false,
                FileKind::System => *audience == told,
                _ => true,
            })
            .map(|&(kind, _, bytes)| (kind, bytes))
            .collect();
        let findings = format::lint_sizes(self.bundle.family, &sizes);
        if format::has_errors(&findings) {
            let findings = findings.into_iter().map(Into::into).collect();
            let broken = self.broken(FileKind::Standard, findings, None);
            self.broken.push(broken);
        }
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

/// The devices, one of each combination of model and site first, then a second one of each, and so
/// on.
fn in_turn(devices: &[DeviceRow]) -> Vec<&DeviceRow> {
    let mut had: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    let mut turns: Vec<(usize, &DeviceRow)> = devices
        .iter()
        .map(|device| {
            let key = (device.model.as_str(), device.site_id.as_deref());
            let turn = had.entry(key).or_default();
            *turn += 1;
            (*turn, device)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, device)| device).collect()
}

fn refusal(mut broken: Vec<Broken>, checked: &Checked) -> Problem {
    let number = broken.len();
    let more = if number > MAX_TOLD { "at least " } else { "" };
    broken.truncate(MAX_TOLD);
    Problem::new(
        ProblemKind::InvalidFiles,
        format!(
            "With this change {more}{number} files could not be served, so nothing was changed. Mend what `devices` says and repeat the request."
        ),
    )
    .with("files", number)
    .with("devices", broken)
    .with("checked", checked)
}

fn unwrapped(
    app: &App,
    tenant_id: &str,
    rows: &[SettingRow],
) -> Result<BTreeMap<String, LayerSettings>, Problem> {
    inputs::by_scope(&app.keyring, tenant_id, rows).map_err(unreadable)
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
