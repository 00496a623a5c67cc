//! What a phone last fetched against what it would fetch now.
//!
//! Of a download the version is noted, and not the file. So the file is made once more from what the history says of
//! that version. KV still has what the phone got for as long as nobody asked for a newer one: then it tells whether the
//! file that was made is that one.

use std::collections::BTreeMap;

use js_sys::Uint8Array;
use ringfence_api::answer::Shown;
use ringfence_api::devices::fetched::{FetchedView, Source};
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::layers::{Layer, LayerSettings};

use crate::api::check::candidate;
use crate::api::check::trial::{Compared, difference};
use crate::api::devices::preview::DeviceFiles;
use crate::api::request::call::Call;
use crate::api::request::valid;
use crate::app::App;
use crate::edge;
use crate::files::inputs::{self, FileInputs};
use crate::files::{render, seal};
use crate::http::problem::{Problem, ProblemKind};
use crate::model::device::DeviceRow;
use crate::model::tenant::TenantOptions;
use crate::store::history::{self, AsOf};
use crate::store::object::{Object, Scope, TemplateKey};
use crate::store::templates;

/// `diffFile`.
pub async fn diff(call: Call) -> Result<Shown<FetchedView>, Problem> {
    let kind = call.kind()?;
    let device_files = DeviceFiles::read(&call).await?;
    valid::kind_of(device_files.inputs.family, kind, ProblemKind::NotFound)?;
    let Some(device) = device_files.inputs.device.clone() else {
        return Err(Problem::not_found("device"));
    };
    let view = FetchedView {
        fetched_version: device.fetched_version,
        fetched_at: device.fetched_at,
        version: device_files.inputs.version(),
        source: Source::Unknown,
        reason: None,
        diff: None,
    };
    let unknown = |reason: &str| {
        Ok(Shown(FetchedView {
            reason: Some(reason.to_owned()),
            ..view.clone()
        }))
    };
    let Some(version) = device.fetched_version else {
        return unknown("The phone has fetched no file in this tenant.");
    };
    let Some(past) = past(&call.app, &device_files, &device, version).await? else {
        return unknown("The history does not reach back to the version that the phone fetched.");
    };
    let now = compared(&device_files, kind);
    let then_files = device_files.as_it_was(past.layers, past.templates, past.options);
    let then = compared(&then_files, kind);
    let source = match kept(&call.app, &then_files.inputs, &device, kind, version, &then).await {
        Some(true) => Source::Kept,
        None => Source::History,
        Some(false) => {
            return unknown(
                "The edge keeps another file of that version than the history gives: the device's model, site, profile or certificates have changed since.",
            );
        }
    };
    Ok(Shown(FetchedView {
        source,
        diff: Some(difference(kind, Some(&then), Some(&now))),
        ..view
    }))
}

fn compared(device_files: &DeviceFiles, kind: FileKind) -> Compared {
    Compared::new(
        &device_files.inputs,
        kind,
        device_files.audience(kind),
        device_files.urls(),
    )
}

/// What a device's files were made from.
struct Past {
    /// As far as they are not what they are now.
    layers: BTreeMap<Layer, LayerSettings>,
    templates: BTreeMap<FileKind, String>,
    options: TenantOptions,
}

/// What the history says of a version.
struct Reader<'a> {
    app: &'a App,
    tenant_id: &'a str,
    found: BTreeMap<String, AsOf>,
}

/// How something was in a version.
enum Then {
    /// As it is.
    Same,
    /// As this version of its own has it.
    Version(u64),
    /// Nobody knows.
    Unknown,
}

impl Reader<'_> {
    fn then(&self, object: &Object) -> Then {
        match self.found.get(&object.key()) {
            // What is not kept at all is as it was.
            Some(AsOf { kept: 0, .. }) => Then::Same,
            Some(AsOf {
                number: Some(_),
                is_over: 0,
                ..
            }) => Then::Same,
            Some(AsOf {
                number: Some(number),
                ..
            }) => Then::Version(*number),
            _ => Then::Unknown,
        }
    }

    async fn options(&self, now: &TenantOptions) -> Result<Option<TenantOptions>, Problem> {
        let number = match self.then(&Object::Options) {
            Then::Same => return Ok(Some(now.clone())),
            Then::Version(number) => number,
            Then::Unknown => return Ok(None),
        };
        let (db, object) = (&self.app.db, Object::Options);
        let body = history::body(db, self.tenant_id, &object, number).await?;
        let read = |body: String| ringfence_json::from_str(&body);
        body.flatten()
            .map(read)
            .transpose()
            .map_err(|error| Problem::internal(format!("options of a version: {error}")))
    }

    /// The layers that are not what they are now.
    async fn layers(
        &self,
        scopes: Vec<(Layer, Scope)>,
    ) -> Result<Option<BTreeMap<Layer, LayerSettings>>, Problem> {
        let (app, tenant_id) = (self.app, self.tenant_id);
        let mut layers = BTreeMap::new();
        for (layer, scope) in scopes {
            let number = match self.then(&Object::Layer(scope.clone())) {
                Then::Same => continue,
                Then::Version(number) => number,
                Then::Unknown => return Ok(None),
            };
            let Some(rows) = history::layer(&app.db, tenant_id, &scope, number).await? else {
                return Ok(None);
            };
            let settings = candidate::layer(app, tenant_id, &scope.key(), &rows)?;
            layers.insert(layer, settings);
        }
        Ok(Some(layers))
    }

    /// What was written for each key.
    async fn templates(
        &self,
        keys: Vec<TemplateKey>,
    ) -> Result<Option<BTreeMap<TemplateKey, Option<String>>>, Problem> {
        let (db, tenant_id) = (&self.app.db, self.tenant_id);
        let mut written = BTreeMap::new();
        for key in keys {
            let object = Object::Template(key.clone());
            let source = match self.then(&object) {
                Then::Same => templates::find(db, tenant_id, &key)
                    .await?
                    .map(|row| row.source),
                Then::Version(number) => {
                    match history::body(db, tenant_id, &object, number).await? {
                        Some(source) => source,
                        None => return Ok(None),
                    }
                }
                Then::Unknown => return Ok(None),
            };
            written.insert(key, source);
        }
        Ok(Some(written))
    }
}

/// What a device's files were made from in a version; `None`: the history does not reach back to that version.
async fn past(
    app: &App,
    device_files: &DeviceFiles,
    device: &DeviceRow,
    version: u64,
) -> Result<Option<Past>, Problem> {
    let inputs = &device_files.inputs;
    let (scopes, keys) = (scopes(device), keys(inputs));
    let mut objects = vec![Object::Options];
    objects.extend(scopes.iter().map(|(_, scope)| Object::Layer(scope.clone())));
    objects.extend(keys.iter().cloned().map(Object::Template));
    let tenant_id = &inputs.tenant_id;
    let found = history::as_of(&app.db, tenant_id, &objects, version).await?;
    let found = found.into_iter().map(|row| (row.object.clone(), row));
    let reader = Reader {
        app,
        tenant_id,
        found: found.collect(),
    };
    let Some(options) = reader.options(device_files.options()).await? else {
        return Ok(None);
    };
    let Some(layers) = reader.layers(scopes).await? else {
        return Ok(None);
    };
    let Some(written) = reader.templates(keys).await? else {
        return Ok(None);
    };
    Ok(Some(Past {
        layers,
        templates: chosen(inputs, &written),
        options,
    }))
}

/// The templates that the files were made from, of what was written.
fn chosen(
    inputs: &FileInputs,
    written: &BTreeMap<TemplateKey, Option<String>>,
) -> BTreeMap<FileKind, String> {
    let kinds = inputs.family.kinds().iter();
    kinds
        .filter_map(|&kind| {
            let source = inputs::nearest(kind, &inputs.model, |model| {
                let key = TemplateKey {
                    kind,
                    family: inputs.family,
                    model: model.to_owned(),
                };
                written.get(&key).cloned().flatten()
            })?;
            Some((kind, source))
        })
        .collect()
}

fn scopes(device: &DeviceRow) -> Vec<(Layer, Scope)> {
    let mut scopes = vec![
        (Layer::Tenant, Scope::Tenant),
        (Layer::Model, Scope::Model(device.model.clone())),
        (
            Layer::Device,
            Scope::Device {
                id: device.id.clone(),
                mac: device.mac.clone(),
            },
        ),
    ];
    let site = device.site_id.clone();
    scopes.extend(site.map(|site| (Layer::Site, Scope::Site(site))));
    scopes
}

/// The templates that the files may be made from.
fn keys(inputs: &FileInputs) -> Vec<TemplateKey> {
    let key = |kind, model: &str| TemplateKey {
        kind,
        family: inputs.family,
        model: model.to_owned(),
    };
    let kinds = inputs.family.kinds().iter().copied();
    kinds
        .flat_map(|kind| {
            let own = inputs::may_differ_by_model(kind).then(|| key(kind, &inputs.model));
            [Some(key(kind, "")), own].into_iter().flatten()
        })
        .collect()
}

/// Whether a file is what the edge keeps of a version; `None`: it keeps none that could be compared.
async fn kept(
    app: &App,
    inputs: &FileInputs,
    device: &DeviceRow,
    kind: FileKind,
    version: u64,
    file: &Compared,
) -> Option<bool> {
    let form = match inputs.profile {
        Some(_) => Form::Sealed,
        None => Form::Plain,
    };
    // The URLs of the phone's access path are not known here.
    if file.names_its_url || render::may_name_urls(inputs, kind) {
        return None;
    }
    let key = edge::file_key(&inputs.tenant_id, kind, form, &device.mac);
    let (bytes, meta) = edge::read_file(app, &key).await?;
    let is_its = meta.version == version && (meta.device.is_empty() || meta.device == device.id);
    if !is_its {
        return None;
    }
    let Some(profile) = &inputs.profile else {
        let frame = Uint8Array::new(&bytes).to_vec();
        let open = seal::unwrap_file(&app.keyring, &key, &frame).await.ok()?;
        return Some(Uint8Array::new(&open).to_vec() == file.bytes);
    };
    if meta.generation != device.generation {
        return None;
    }
    let device_key = seal::unwrap_key(&app.keyring, device).ok()?;
    let id = seal::key_identity(&device.id, device.generation);
    let sealed = seal::seal(&app.keyring, profile, &device_key, &id, &file.bytes);
    Some(seal::etag(&sealed.await.ok()?).await == meta.etag)
}
