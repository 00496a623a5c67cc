//! What the decision did not need to know, and an operator wants to: the rows as D1 has them now, and the file
//! with its secrets masked.

use ringfence_api::explain::{FileDetails, ParameterView};
use ringfence_provision::effective;
use ringfence_provision::format::RenderedFinding;
use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::{SecretsMode, layer_at};

use crate::api::devices::preview::DeviceFiles;
use crate::api::request::call::Context;
use crate::files::inputs::{self, FileInputs, InputsError};
use crate::files::render::FileError;
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::phone::explain::Explained;
use crate::store::access_paths::{self, AccessPathRow};
use crate::store::devices;
use crate::store::tenants::{self, TenantRow};

/// The surroundings of a decision.
#[derive(Default)]
pub struct Around {
    /// The tenant in D1.
    pub tenant: Option<TenantRow>,
    /// The access path in D1.
    pub access_path: Option<AccessPathRow>,
    /// The device in D1, of the MAC that the request names, or in which somebody sees one.
    pub device: Option<DeviceRow>,
    /// The version of the file in D1.
    pub version: Option<u64>,
    /// The file with its secrets masked.
    pub file: Option<FileDetails>,
}

impl Around {
    /// Reads them.
    ///
    /// # Errors
    /// D1 does not answer.
    pub async fn read(context: &Context, explained: &Explained) -> Result<Self, Problem> {
        let (app, db) = (&context.app, &context.app.db);
        let record = &explained.event.record;
        let Some(tenant_id) = &record.tenant else {
            return Ok(Self::default());
        };
        let hash = &explained.request.access_path_hash;
        let mac = record.mac;
        let device = match &mac {
            Some(mac) => devices::find(db, tenant_id, &mac.upper()).await?,
            None => None,
        };
        let mut around = Self {
            tenant: tenants::find(db, tenant_id).await?,
            access_path: access_paths::with_hash(db, tenant_id, hash, app.now).await?,
            version: device.as_ref().map(DeviceRow::file_version),
            device,
            file: None,
        };
        let (Some(tenant), Some(kind)) = (&around.tenant, record.kind) else {
            return Ok(around);
        };
        let inputs = match (&around.device, mac) {
            (Some(_), Some(mac)) => inputs::for_device(app, tenant_id, &mac).await,
            _ => Ok(explained.facts.inputs.clone()),
        };
        let (version, file) = match inputs {
            Ok(None) => (None, None),
            Ok(Some(inputs)) => {
                let version = inputs.version();
                let device_files = DeviceFiles::of(context, tenant, inputs).await?;
                (Some(version), file(&device_files, kind, explained))
            }
            Err(InputsError::Storage(error)) => return Err(error.into()),
            Err(error) => (None, Some(unreadable(kind, &error))),
        };
        around.version = version.or(around.version);
        around.file = file;
        Ok(around)
    }
}

/// A file whose settings cannot be read.
fn unreadable(kind: FileKind, error: &InputsError) -> FileDetails {
    FileDetails {
        kind,
        findings: Vec::new(),
        error: Some(error.to_string()),
        parameters: Vec::new(),
    }
}

/// The file as it is at the name that was asked for; `None` where phones of the family have none.
fn file(device_files: &DeviceFiles, kind: FileKind, explained: &Explained) -> Option<FileDetails> {
    let inputs: &FileInputs = &device_files.inputs;
    if !inputs.family.kinds().contains(&kind) {
        return None;
    }
    let named = explained.facts.named.as_ref();
    let audience = match (named, kind) {
        (_, FileKind::Standard) | (None, _) => Audience::Device,
        (Some(named), _) => Audience::named(named.mac.is_some(), named.model.is_some()),
    };
    let hide = |text: String| explained.without_access_path(&text);
    let shown = |findings: Vec<RenderedFinding>| {
        findings
            .into_iter()
            .map(|mut finding| {
                finding.message = hide(finding.message);
                finding.help = hide(finding.help);
                finding
            })
            .collect()
    };
    let mut details = FileDetails {
        kind,
        findings: Vec::new(),
        error: None,
        parameters: Vec::new(),
    };
    match device_files.render_for(kind, audience, SecretsMode::Mask) {
        Ok(file) => {
            let origin = |_, _: &str, line: u32| layer_at(&file.used, line);
            let documents = [(kind, &file.document)];
            details.parameters = effective::effective(inputs.family, &documents, origin)
                .into_iter()
                .map(|parameter| ParameterView {
                    path: hide(parameter.path),
                    name: hide(parameter.name),
                    value: hide(parameter.value),
                    layer: parameter.layer,
                })
                .collect();
            details.findings = shown(file.findings);
        }
        Err(FileError::Lint(findings)) => details.findings = shown(findings),
        Err(FileError::Render(error)) => details.error = Some(hide(error.to_string())),
    }
    Some(details)
}

/// The MAC in question, as it is shown.
pub fn shown_mac(mac: Option<Mac>) -> Option<String> {
    mac.map(|mac| mac.upper())
}
