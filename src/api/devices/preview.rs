//! What a device would get, and what it ends up with. Looking never consumes anything.

use std::collections::BTreeMap;

use ringfence_api::answer::Shown;
use ringfence_api::devices::preview::{EffectivePage, EffectiveView, PreviewView};
use ringfence_api::query::RevealQuery;
use ringfence_provision::effective;
use ringfence_provision::format;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layer, LayerSettings};
use ringfence_provision::serving::Audience;
use ringfence_provision::template::{SecretsMode, layer_at};
use ringfence_provision::unused::Unused;

use crate::api::check::candidate::unreadable;
use crate::api::check::unused;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::Failure;
use crate::api::request::valid;
use crate::audit::device_object;
use crate::files::inputs::{self, FileInputs};
use crate::files::names;
use crate::files::render::{self, File, FileError};
use crate::files::urls::{Base, Urls};
use crate::http::problem::{Problem, ProblemKind};
use crate::model::tenant::TenantOptions;
use crate::store::certificates;
use crate::store::tenants::TenantRow;

/// `previewFile`.
pub async fn file(call: Call<RevealQuery>) -> Result<Shown<PreviewView>, Failure> {
    call.may_reveal(call.query.reveal)?;
    let kind = call.kind()?;
    let device_files = DeviceFiles::read(&call).await?;
    valid::kind_of(device_files.inputs.family, kind, ProblemKind::NotFound)?;
    let shown = format!("files/{}", kind.as_str());
    let secrets = secrets(&call, &shown).await?;
    let version = device_files.inputs.version();
    let empty = PreviewView {
        kind,
        version,
        text: None,
        length: 0,
        error: None,
        findings: Vec::new(),
        used: Vec::new(),
    };
    Ok(Shown(match device_files.render(kind, secrets) {
        Ok(file) => PreviewView {
            length: file.bytes.len(),
            text: Some(String::from_utf8_lossy(&file.bytes).into_owned()),
            findings: file.findings,
            used: file.used,
            ..empty
        },
        Err(FileError::Lint(findings)) => PreviewView { findings, ..empty },
        Err(FileError::Render(error)) => PreviewView {
            error: Some(error.to_string()),
            ..empty
        },
    }))
}

/// `effectiveParameters`.
pub async fn effective(call: Call<RevealQuery>) -> Result<Shown<EffectivePage>, Failure> {
    call.may_reveal(call.query.reveal)?;
    let device_files = DeviceFiles::read(&call).await?;
    let secrets = secrets(&call, "effective").await?;
    let mut files = Vec::new();
    for &kind in device_files.inputs.family.kinds() {
        match device_files.render(kind, secrets) {
            Ok(file) => files.push((kind, file)),
            // It only names the others.
            Err(_) if kind == FileKind::Initial => {}
            Err(error) => {
                return Err(Problem::conflict(format!(
                    "The {} file cannot be made: {error}. The last good one stays in service; the preview says more.",
                    kind.as_str()
                )).into());
            }
        }
    }
    let documents: Vec<_> = files
        .iter()
        .filter(|(kind, _)| *kind != FileKind::Initial)
        .map(|(kind, file)| (*kind, &file.document))
        .collect();
    let origin = |kind: FileKind, _: &str, line: u32| {
        let (_, file) = files.iter().find(|(found, _)| *found == kind)?;
        layer_at(&file.used, line)
    };
    let items = effective::effective(device_files.inputs.family, &documents, origin)
        .into_iter()
        .map(|parameter| EffectiveView {
            path: parameter.path,
            name: parameter.name,
            value: parameter.value,
            from: parameter.from,
            layer: parameter.layer,
            shadows: parameter.shadows,
        })
        .collect();
    Ok(Shown(EffectivePage {
        items,
        next: None,
        unused: device_files.unused(&files),
    }))
}

/// Whether something of the path's device is shown with its secrets.
async fn secrets(call: &Call<RevealQuery>, shown: &str) -> Result<SecretsMode, Failure> {
    let object = format!("{}/{shown}", device_object(&call.mac()?.upper()));
    Ok(match call.reveal(call.query.reveal, object).await? {
        true => SecretsMode::Reveal,
        false => SecretsMode::Mask,
    })
}

/// A device's files.
pub struct DeviceFiles {
    pub inputs: FileInputs,
    urls: Urls,
    base: Base,
    /// Names of the tenant's certificates.
    certificates: Vec<String>,
    options: TenantOptions,
    /// When it was asked, in Unix milliseconds.
    now: u64,
}

impl DeviceFiles {
    /// Reads what the files of the path's device are made from.
    ///
    /// # Errors
    /// There is no such device, or D1 does not answer.
    pub async fn read(call: &Context) -> Result<Self, Problem> {
        let tenant = call.tenant().await?;
        let inputs = inputs::for_device(&call.app, &tenant.id, &call.mac()?)
            .await
            .map_err(unreadable)?
            .ok_or_else(|| Problem::not_found("device"))?;
        Self::of(call, &tenant, inputs).await
    }

    /// What else is needed to render the files of a device, or of a model.
    ///
    /// # Errors
    /// D1 does not answer.
    pub async fn of(
        call: &Context,
        tenant: &TenantRow,
        inputs: FileInputs,
    ) -> Result<Self, Problem> {
        let named = certificates::names(&call.app.db, &tenant.id).await?;
        // No access path is known here: only its hash is stored.
        let origin = match &tenant.hostname {
            Some(host) => format!("https://{host}"),
            None => call.caller.origin.clone(),
        };
        let base = Base {
            origin,
            access_path: "ACCESS-PATH".to_owned(),
            hostname: tenant.hostname.clone(),
        };
        let options = tenant.options()?;
        let urls = names::urls(&base, &options, &inputs, &named, call.app.now);
        Ok(Self {
            inputs,
            urls,
            base,
            certificates: named,
            options,
            now: call.app.now,
        })
    }

    /// The same device's files with other layers, other templates and other options; a layer that is not among
    /// `layers` is as it is.
    pub fn as_it_was(
        &self,
        layers: BTreeMap<Layer, LayerSettings>,
        templates: BTreeMap<FileKind, String>,
        options: TenantOptions,
    ) -> Self {
        let mut inputs = self.inputs.clone();
        for (layer, settings) in layers {
            match layer {
                Layer::Tenant => inputs.layers.tenant = settings,
                Layer::Site => inputs.layers.site = settings,
                Layer::Model => inputs.layers.model = settings,
                Layer::Device => inputs.layers.device = settings,
            }
        }
        inputs.templates = templates;
        let (base, certificates) = (self.base.clone(), self.certificates.clone());
        Self {
            urls: names::urls(&base, &options, &inputs, &certificates, self.now),
            inputs,
            base,
            certificates,
            options,
            now: self.now,
        }
    }

    /// The URLs that the files may name.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// The tenant's options.
    pub fn options(&self) -> &TenantOptions {
        &self.options
    }

    /// One of the files, as it is at the name that the phone is told.
    pub fn render(&self, kind: FileKind, secrets: SecretsMode) -> Result<File, FileError> {
        self.render_for(kind, self.audience(kind), secrets)
    }

    /// One of the files, as it is at a name for that audience.
    pub fn render_for(
        &self,
        kind: FileKind,
        audience: Audience,
        secrets: SecretsMode,
    ) -> Result<File, FileError> {
        let mut file = render::render(&self.inputs, kind, audience, &self.urls, secrets)?;
        if let Some(device) = &self.inputs.device {
            let beyond = format::beyond_model(self.inputs.family, &device.model, &file.used);
            file.findings.extend(beyond);
        }
        Ok(file)
    }

    /// The settings that reach none of the files. Where one of them cannot be made, what it would
    /// have read is not known: then there is nothing to tell.
    pub fn unused(&self, files: &[(FileKind, File)]) -> Vec<Unused> {
        if files.len() < self.inputs.family.kinds().len() {
            return Vec::new();
        }
        let audience = |kind| self.audience(kind);
        unused::of_device(&self.inputs, &self.options, audience, files)
    }

    /// For whom the file is at the name that the phone is told.
    pub fn audience(&self, kind: FileKind) -> Audience {
        names::audience(&self.options, &self.inputs, kind, self.now)
    }
}
