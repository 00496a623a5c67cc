//! From a bundle to a file that passed its format's lint. Pure: the API renders candidates with it
//! before it stores a change, and the phone gets what it makes.

use std::collections::BTreeMap;

use ringfence_provision::format::{self, Document, Finding, Severity};
use ringfence_provision::key::DeviceKey;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::Layers;
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::template::{
    DeviceVars, Limits, RenderContext, RenderError, Rendered, SecretsMode, UsedSetting,
    default_template, render_metered as render_template,
};

use super::bundle::Bundle;
use super::urls::Urls;

/// So many bytes of a file cost one fuel to fill in, lint, read and write.
const BYTES_LINTED_PER_FUEL: u64 = 16;

/// A file in clear, as a phone of that family reads it.
#[derive(Debug)]
pub struct File {
    /// The canonical bytes.
    pub bytes: Vec<u8>,
    pub document: Document,
    /// The settings that went into it, and the layer each came from.
    pub used: Vec<UsedSetting>,
    /// Warnings; an error would have been a [`FileError`].
    pub findings: Vec<Finding>,
}

/// Why a file cannot be made. Nothing may be served in its place but the last good one.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the file does not pass its lint: {}", first(.0))]
    Lint(Vec<Finding>),
}

fn first(findings: &[Finding]) -> String {
    findings
        .iter()
        .find(|finding| finding.severity == Severity::Error)
        .map_or_else(String::new, |finding| {
            format!(
                "{} at line {}: {}",
                finding.code, finding.line, finding.message
            )
        })
}

/// Renders and lints the file of a kind. `urls` are the other files' URLs, which only an initial
/// file may name: anything else is the same under every access path.
///
/// # Errors
/// [`FileError`].
pub fn render(
    bundle: &Bundle,
    kind: FileKind,
    urls: &Urls,
    secrets: SecretsMode,
) -> Result<File, FileError> {
    render_metered(bundle, kind, urls, secrets, &mut 0)
}

/// The same, and adds to `spent` what it took, in the fuel of templates, also where it fails.
///
/// # Errors
/// [`FileError`].
pub fn render_metered(
    bundle: &Bundle,
    kind: FileKind,
    urls: &Urls,
    secrets: SecretsMode,
    spent: &mut u64,
) -> Result<File, FileError> {
    let source = bundle
        .templates
        .get(&kind)
        .map_or_else(|| default_template(bundle.family, kind), String::as_str);
    let layers = visible(&bundle.layers, kind);
    let device = own_of_device(kind)
        .then_some(bundle.device.as_ref())
        .flatten()
        .and_then(|device| Some((Mac::parse(&device.mac).ok()?, device.model.as_str())));
    let none = BTreeMap::new();
    let initial = kind == FileKind::Initial;
    let Rendered { text, used } = render_template(
        source,
        &RenderContext {
            file_name: kind.as_str(),
            kind,
            format: bundle.family.format(),
            layers: &layers,
            device: device.map(|(mac, model)| DeviceVars { mac, model }),
            urls: if initial { urls.seen() } else { &none },
            secrets,
            limits: Limits::default(),
        },
        spent,
    )?;
    let text = if initial {
        urls.fill(kind.as_str(), text)?
    } else {
        text
    };
    *spent = spent.saturating_add(text.len() as u64 / BYTES_LINTED_PER_FUEL);
    let findings = format::lint(bundle.family, kind, text.as_bytes());
    if format::has_errors(&findings) {
        return Err(FileError::Lint(findings));
    }
    let document = Document::parse(bundle.family, text.as_bytes()).map_err(FileError::Lint)?;
    Ok(File {
        bytes: document.to_bytes(),
        document,
        used,
        findings,
    })
}

/// The bootstrap: the standard file with the device's key in it.
///
/// # Errors
/// [`FileError`].
pub fn with_key(
    bundle: &Bundle,
    profile: &Profile,
    file: &File,
    key: &DeviceKey,
) -> Result<Vec<u8>, FileError> {
    let length = profile
        .key_length_parameter
        .as_deref()
        .map(|name| (name, profile.cipher.bits()));
    format::insert_key(
        bundle.family,
        FileKind::Standard,
        file.document.clone(),
        &profile.key_parameter,
        length,
        key.expose(),
    )
    .map(|document| document.to_bytes())
    .map_err(|finding| FileError::Lint(vec![finding]))
}

/// `Content-Type` of a file in clear.
pub fn content_type(bundle: &Bundle) -> &'static str {
    match bundle.family.format() {
        ringfence_provision::family::Format::Text => "text/plain; charset=utf-8",
        ringfence_provision::family::Format::Xml => "text/xml; charset=utf-8",
    }
}

/// Whether a file of this kind may differ from device to device.
fn own_of_device(kind: FileKind) -> bool {
    matches!(kind, FileKind::Initial | FileKind::Standard)
}

/// The layers that a file of this kind may use: what goes to several devices must not depend on
/// one of them.
fn visible(layers: &Layers, kind: FileKind) -> Layers {
    match kind {
        FileKind::Initial | FileKind::Standard => layers.clone(),
        FileKind::Product => Layers {
            tenant: layers.tenant.clone(),
            model: layers.model.clone(),
            ..Layers::default()
        },
        FileKind::Master | FileKind::System => Layers {
            tenant: layers.tenant.clone(),
            ..Layers::default()
        },
    }
}
