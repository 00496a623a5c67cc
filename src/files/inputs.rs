//! Everything a file is made from, read from D1 in one round trip, or known of its version already, and unwrapped.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layer, LayerSettings, Layers, Value};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::secret::SecretString;
use ringfence_provision::vendor;
use ringfence_provision::wrap::{Keyring, WrapError};

use super::above::{self, Above};
use crate::app::App;
use crate::db::StorageError;
use crate::model::device::DeviceRow;
use crate::model::standing::Standing;
use crate::store::file_inputs::{
    self, Addresses, DeviceParts, Forward, ReadWhen, SharedParts, TemplateSource,
};
use crate::store::object::{Scope, SettingRow};
use crate::store::settings::associated_data;
use crate::witness;

/// What the files of a device, or of a model, are made from.
#[derive(Clone, Debug)]
pub struct FileInputs {
    pub tenant_id: String,
    /// Of the last change above the devices.
    pub tenant_version: u64,
    pub device: Option<DeviceRow>,
    pub model: String,
    pub family: Family,
    /// How files are sealed; `None` where the method is plaintext over HTTPS.
    pub profile: Option<Profile>,
    pub layers: Layers,
    /// Operator-written templates; a kind without one has the family's built-in template.
    pub templates: BTreeMap<FileKind, String>,
    /// What the URLs of the tenant begin with and end in, as the database has it with all this; `None` in the
    /// check of a change, which has its own.
    pub addresses: Option<Addresses>,
}

/// What a file is made from cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum InputsError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A secret setting does not unwrap: the master key is missing, or the row was moved.
    #[error("setting {name}: {source}")]
    Secret { name: String, source: WrapError },
    /// The model names a profile that does not exist.
    #[error("model {model} has the unknown sealing profile {profile}")]
    Profile { model: String, profile: String },
}

impl FileInputs {
    /// The version of the files made from it.
    pub fn version(&self) -> u64 {
        self.device
            .as_ref()
            .map_or(self.tenant_version, DeviceRow::file_version)
    }
}

/// What a device's files are made from.
pub async fn for_device(
    app: &App,
    tenant_id: &str,
    mac: &Mac,
) -> Result<Option<FileInputs>, InputsError> {
    let known = above::of(tenant_id);
    let reads = ReadWhen::Always;
    let (parts, standing) =
        file_inputs::device(&app.db, tenant_id, &mac.upper(), reads, known.known()).await?;
    parts
        .map(|parts| of_device(app, tenant_id, &known, &standing, parts))
        .transpose()
}

/// What a device's files are made from, for a phone's request. Where the condition of `reads` does not hold it
/// has neither settings nor templates, and the request is to be refused.
///
/// # Errors
/// [`InputsError`]; also if the database is behind what was witnessed.
pub async fn for_phone(
    app: &App,
    tenant_id: &str,
    mac: &Mac,
    reads: ReadWhen<'_>,
) -> Result<Option<FileInputs>, InputsError> {
    let known = above::of(tenant_id);
    let (parts, standing) =
        file_inputs::device(&app.db, tenant_id, &mac.upper(), reads, known.known()).await?;
    // Also where there is no such device: it takes as long.
    witness::vouch(app, &standing)
        .await
        .map_err(StorageError::from)?;
    parts
        .map(|parts| of_device(app, tenant_id, &known, &standing, parts))
        .transpose()
}

/// What a device's files are made from, for a request at the plain name of its standard file, likewise; and where its phone is sent
/// on to, if the device left the tenant.
///
/// # Errors
/// [`InputsError`]; also if the database is behind what was witnessed.
pub async fn at_plain_name(
    app: &App,
    tenant_id: &str,
    mac: &Mac,
    reads: ReadWhen<'_>,
) -> Result<(Option<FileInputs>, Option<Forward>), InputsError> {
    let known = above::of(tenant_id);
    let (parts, forward, standing) = file_inputs::at_plain_name(
        &app.db,
        tenant_id,
        &mac.upper(),
        reads,
        known.known(),
        app.now,
    )
    .await?;
    witness::vouch(app, &standing)
        .await
        .map_err(StorageError::from)?;
    let inputs = parts
        .map(|parts| of_device(app, tenant_id, &known, &standing, parts))
        .transpose()?;
    Ok((inputs, forward))
}

/// What an initial file that is asked for by MAC is made from.
pub struct Initial {
    pub inputs: Option<FileInputs>,
    /// Names of the tenant's certificates.
    pub certificates: Vec<String>,
    /// Where the phone is sent on to, if the device left the tenant.
    pub forward: Option<Forward>,
}

/// What the initial file of a device is made from, in one round trip.
///
/// # Errors
/// [`InputsError`]; also if the database is behind what was witnessed.
pub async fn for_initial(app: &App, tenant_id: &str, mac: &Mac) -> Result<Initial, InputsError> {
    let known = above::of(tenant_id);
    let (parts, standing) =
        file_inputs::initial(&app.db, tenant_id, &mac.upper(), known.known(), app.now).await?;
    witness::vouch(app, &standing)
        .await
        .map_err(StorageError::from)?;
    Ok(Initial {
        inputs: parts
            .device
            .map(|device| of_device(app, tenant_id, &known, &standing, device))
            .transpose()?,
        certificates: parts.certificates,
        forward: parts.forward,
    })
}

fn of_device(
    app: &App,
    tenant_id: &str,
    known: &Above,
    standing: &Standing,
    mut parts: DeviceParts,
) -> Result<FileInputs, InputsError> {
    let inputs = above::complete(known, tenant_id, standing, &mut parts);
    let device = parts.device;
    let whose = Whose {
        tenant_id: tenant_id.to_owned(),
        tenant_version: device.tenant_version,
        model: device.model.clone(),
        family: device.family,
        profile: device.profile.clone(),
        device: Some(device),
        addresses: Some(parts.addresses),
    };
    let settings = inputs.settings.iter().flat_map(|rows| rows.iter());
    of_rows(app, whose, settings, &inputs.templates)
}

/// What a model's files are made from, for a phone's request for files that are not one device's.
///
/// # Errors
/// [`InputsError`]; also if the database is behind what was witnessed.
pub async fn for_model(
    app: &App,
    tenant_id: &str,
    model: &str,
) -> Result<Option<FileInputs>, InputsError> {
    shared_parts(app, tenant_id, model)
        .await?
        .map(|parts| of_parts(app, tenant_id, parts))
        .transpose()
}

/// What is read of a model, from a database that has not been put back.
async fn shared_parts(
    app: &App,
    tenant_id: &str,
    model: &str,
) -> Result<Option<SharedParts>, StorageError> {
    let (parts, standing) = file_inputs::model(&app.db, tenant_id, model).await?;
    witness::vouch(app, &standing).await?;
    Ok(parts)
}

fn of_parts(app: &App, tenant_id: &str, parts: SharedParts) -> Result<FileInputs, InputsError> {
    let whose = Whose {
        tenant_id: tenant_id.to_owned(),
        tenant_version: parts.tenant_version,
        model: parts.model,
        family: parts.family,
        profile: parts.profile,
        device: None,
        addresses: Some(parts.addresses),
    };
    of_rows(app, whose, &parts.settings, &parts.templates)
}

/// The same from the rows of just them.
fn of_rows<'a>(
    app: &App,
    whose: Whose,
    settings: impl IntoIterator<Item = &'a SettingRow>,
    templates: &[TemplateSource],
) -> Result<FileInputs, InputsError> {
    let mut layers = by_scope(&app.keyring, &whose.tenant_id, settings)?;
    assemble(
        whose,
        |scope| layers.remove(scope).unwrap_or_default(),
        |kind, model| {
            let is_it = |row: &&TemplateSource| row.kind == kind.as_str() && row.model == model;
            Some(templates.iter().find(is_it)?.source.clone())
        },
    )
}

/// Whose files are made.
pub struct Whose {
    pub tenant_id: String,
    /// Of the last change above the devices.
    pub tenant_version: u64,
    pub model: String,
    pub family: Family,
    /// Name of the sealing profile; `None`: plaintext over HTTPS.
    pub profile: Option<String>,
    /// `None`: files that are not one device's.
    pub device: Option<DeviceRow>,
    /// See [`FileInputs::addresses`].
    pub addresses: Option<Addresses>,
}

/// Puts together what files are made from: the same for a phone, for an operator's look and for the check
/// of a change that is not stored yet. `layer` gives the settings of a scope, `template` what an operator
/// wrote for a kind and a model, or, with an empty one, for its family.
///
/// # Errors
/// [`InputsError::Profile`].
pub fn assemble(
    whose: Whose,
    mut layer: impl FnMut(&str) -> LayerSettings,
    template: impl Fn(FileKind, &str) -> Option<String>,
) -> Result<FileInputs, InputsError> {
    let of_device = |device: &DeviceRow| Scope::Device {
        id: device.id.clone(),
        mac: device.mac.clone(),
    };
    let site = whose.device.as_ref().and_then(|it| it.site_id.clone());
    let mut layer = |scope: Option<Scope>| scope.map(|it| layer(&it.key())).unwrap_or_default();
    let layers = Layers {
        tenant: layer(Some(Scope::Tenant)),
        site: layer(site.map(Scope::Site)),
        model: layer(Some(Scope::Model(whose.model.clone()))),
        device: layer(whose.device.as_ref().map(of_device)),
    };
    let templates = FileKind::ALL.into_iter().filter_map(|kind| {
        let source = nearest(kind, &whose.model, |model| template(kind, model))?;
        Some((kind, source))
    });
    Ok(FileInputs {
        profile: profile(whose.profile.as_deref(), &whose.model)?,
        templates: templates.collect(),
        layers,
        tenant_id: whose.tenant_id,
        tenant_version: whose.tenant_version,
        model: whose.model,
        family: whose.family,
        device: whose.device,
        addresses: whose.addresses,
    })
}

/// What was written for the very model, or else for its family, whose model is empty.
pub fn nearest<T>(kind: FileKind, model: &str, written: impl Fn(&str) -> Option<T>) -> Option<T> {
    let own = may_differ_by_model(kind).then(|| written(model)).flatten();
    own.or_else(|| written(""))
}

/// What a whole family's files are made from, for files whose name tells neither a device nor a model. `model` is
/// any of its models: nothing of that model's own is in it.
///
/// # Errors
/// [`InputsError`]; also if the database is behind what was witnessed.
pub async fn for_family(
    app: &App,
    tenant_id: &str,
    model: &str,
) -> Result<Option<FileInputs>, InputsError> {
    let Some(mut parts) = shared_parts(app, tenant_id, model).await? else {
        return Ok(None);
    };
    parts
        .settings
        .retain(|row| layer_named(&row.scope) == Some(Layer::Tenant));
    parts.templates.retain(|row| row.model.is_empty());
    of_parts(app, tenant_id, parts).map(Some)
}

/// Settings by scope, secrets unwrapped.
///
/// # Errors
/// [`InputsError::Secret`].
pub fn by_scope<'a>(
    keyring: &Keyring,
    tenant_id: &str,
    rows: impl IntoIterator<Item = &'a SettingRow>,
) -> Result<BTreeMap<String, LayerSettings>, InputsError> {
    let mut scopes: BTreeMap<String, LayerSettings> = BTreeMap::new();
    for row in rows {
        let value = value_of(keyring, tenant_id, row).map_err(|source| InputsError::Secret {
            name: row.name.clone(),
            source,
        })?;
        match scopes.get_mut(&row.scope) {
            Some(settings) => settings.insert(row.name.clone(), value),
            None => {
                let settings = LayerSettings::from([(row.name.clone(), value)]);
                scopes.insert(row.scope.clone(), settings);
                None
            }
        };
    }
    Ok(scopes)
}

fn value_of(keyring: &Keyring, tenant_id: &str, row: &SettingRow) -> Result<Value, WrapError> {
    if row.master.is_none() {
        return Ok(Value::Text(row.value.clone()));
    }
    let identity = associated_data(tenant_id, &row.scope, &row.name);
    let text = String::from_utf8(keyring.unwrap(&identity, &row.value)?)
        .map_err(|_| WrapError::Format("it is not text"))?;
    Ok(Value::Secret(SecretString::new(text)))
}

/// The layer that a scope (`tenant`, `site:<id>`, `model:<name>`, `device:<id>`) belongs to.
pub fn layer_named(scope: &str) -> Option<Layer> {
    match scope.split_once(':').map_or(scope, |(layer, _)| layer) {
        "tenant" => Some(Layer::Tenant),
        "site" => Some(Layer::Site),
        "model" => Some(Layer::Model),
        "device" => Some(Layer::Device),
        _ => None,
    }
}

fn profile(name: Option<&str>, model: &str) -> Result<Option<Profile>, InputsError> {
    name.map(|name| {
        vendor::profile(name).ok_or_else(|| InputsError::Profile {
            model: model.to_owned(),
            profile: name.to_owned(),
        })
    })
    .transpose()
}

/// Whether a model may have a template of its own for files of this kind. Master and system files
/// have one for every model of a family, whatever their name tells: the API takes no other for
/// them, and one that is stored nevertheless does not count.
pub fn may_differ_by_model(kind: FileKind) -> bool {
    !matches!(kind, FileKind::Master | FileKind::System)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::vendor::panasonic;

    use super::*;

    fn row(kind: &str, model: &str, source: &str) -> TemplateSource {
        TemplateSource {
            kind: kind.into(),
            model: model.into(),
            source: source.into(),
        }
    }

    /// What is chosen of rows.
    fn chosen(rows: &[TemplateSource]) -> BTreeMap<FileKind, String> {
        let whose = Whose {
            tenant_id: "T".into(),
            tenant_version: 1,
            model: "KX-UTG300B".into(),
            family: panasonic::UTG,
            profile: None,
            device: None,
            addresses: None,
        };
        let find = |kind: FileKind, model: &str| {
            let is_it = |row: &&TemplateSource| row.kind == kind.as_str() && row.model == model;
            Some(rows.iter().find(is_it)?.source.clone())
        };
        assemble(whose, |_| LayerSettings::new(), find)
            .unwrap()
            .templates
    }

    #[test]
    fn the_template_of_the_model_beats_the_familys_in_any_order() {
        let chosen = chosen(&[
            row("standard", "KX-UTG300B", "near"),
            row("standard", "", "far"),
            row("master", "", "all"),
        ]);
        assert_eq!(chosen.get(&FileKind::Standard).unwrap(), "near");
        assert_eq!(chosen.get(&FileKind::Master).unwrap(), "all");
        assert_eq!(chosen.get(&FileKind::Product), None);
    }

    #[test]
    fn master_and_system_files_are_the_familys_whatever_the_model() {
        let chosen = chosen(&[
            row("master", "KX-UTG300B", "near"),
            row("master", "", "far"),
            row("system", "KX-UTG300B", "near"),
        ]);
        assert_eq!(chosen.get(&FileKind::Master).unwrap(), "far");
        assert_eq!(chosen.get(&FileKind::System), None);
    }

    #[test]
    fn a_scope_names_its_layer() {
        assert_eq!(layer_named("tenant"), Some(Layer::Tenant));
        assert_eq!(layer_named("model:KX-UTG300B"), Some(Layer::Model));
        assert_eq!(layer_named("planet:earth"), None);
    }
}
