//! From a file's inputs to a file that passed its format's lint. Pure: the API renders candidates with it
//! before it stores a change, and the phone gets what it makes.

use std::collections::BTreeMap;

use ringfence_provision::format::{self, Confidence, Document, RenderedFinding};
use ringfence_provision::key::DeviceKey;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layer, LayerSettings, Layers};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::{
    DeviceVars, Limits, RenderContext, RenderError, SecretsMode, UsedSetting,
    render_metered as render_template,
};

use super::inputs::FileInputs;
use super::urls::Urls;

/// How many bytes of a file cost one fuel to fill in, lint, read and write.
const BYTES_LINTED_PER_FUEL: u64 = 16;

/// A file in clear, as a phone of that family reads it.
#[derive(Debug)]
pub struct File {
    /// The canonical bytes.
    pub bytes: Vec<u8>,
    pub document: Document,
    /// The settings that went into it, and the layer each came from.
    pub used: Vec<UsedSetting>,
    /// Settings whose values the family has no word for; the findings say of each why.
    pub unsaid: Vec<String>,
    /// Warnings; an error would have been a [`FileError`].
    pub findings: Vec<RenderedFinding>,
    /// Whether there is something of a URL in it that is another one under another access path or host.
    pub names_its_url: bool,
}

/// Why a file cannot be made. Nothing may be served in its place but the last good one.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the file does not pass its lint: {}", first(.0))]
    Lint(Vec<RenderedFinding>),
}

fn first(findings: &[RenderedFinding]) -> String {
    findings
        .iter()
        .find(|finding| finding.is_error())
        .map_or_else(String::new, |finding| {
            format!(
                "{} at line {}: {}",
                finding.code, finding.line, finding.message
            )
        })
}

/// Renders and lints the file of a kind, for the audience that its name tells. Of `urls` an initial file may
/// name all, and another file of a device what is its own. A file that several devices share is the same
/// under every access path, and may name none.
pub fn render(
    inputs: &FileInputs,
    kind: FileKind,
    audience: Audience,
    urls: &Urls,
    secrets: SecretsMode,
) -> Result<File, FileError> {
    render_metered(inputs, kind, audience, urls, secrets, &mut 0)
}

/// The same, and adds to `spent` what it took, in the fuel of templates, also where it fails.
pub fn render_metered(
    inputs: &FileInputs,
    kind: FileKind,
    audience: Audience,
    urls: &Urls,
    secrets: SecretsMode,
    spent: &mut u64,
) -> Result<File, FileError> {
    let source = source(inputs, kind);
    let layers = visible(&inputs.layers, kind, audience);
    let device = own_of_device(kind, audience)
        .then_some(inputs.device.as_ref())
        .flatten()
        .and_then(|device| Some((Mac::parse(&device.mac).ok()?, device.model.as_str())));
    let none = BTreeMap::new();
    let initial = kind == FileKind::Initial;
    let seen = match own_of_device(kind, audience) {
        // What a template does not name, nobody looks for in the file.
        _ if !may_name_urls(inputs, kind) => None,
        _ if initial => Some(urls.seen()),
        true => Some(urls.own()),
        false => None,
    };
    let context = RenderContext {
        file_name: kind.as_str(),
        kind,
        format: inputs.family.format(),
        vocabulary: inputs.family.spec().vocabulary,
        layers: &layers,
        device: device.map(|(mac, model)| DeviceVars {
            mac,
            model,
            sealed_extension: inputs.profile.as_ref().map(|it| it.extension.as_str()),
        }),
        urls: seen.unwrap_or(&none),
        secrets,
        limits: Limits::of(inputs.family),
    };
    let mut rendered = render_template(source, &context, spent)?;
    let mut names_its_url = false;
    if seen.is_some() {
        let filled = urls.fill(kind.as_str(), rendered.text)?;
        names_its_url = filled.is_changed;
        rendered.text = filled.text;
    }
    let linted = |text: &str| text.len() as u64 / BYTES_LINTED_PER_FUEL;
    *spent = spent.saturating_add(linted(&rendered.text));
    // Neither a secret nor an access path may be read off a finding.
    let shows_secrets = secrets == SecretsMode::Reveal && rendered.used.iter().any(|it| it.secret);
    let confidence = match shows_secrets || initial || names_its_url {
        true => Confidence::Secret,
        false => Confidence::Open,
    };
    // With stand-ins for host and access path, as the template sees them.
    let masked = || {
        let context = RenderContext {
            secrets: SecretsMode::Mask,
            ..context
        };
        let masked = render_template(source, &context, spent).ok()?;
        *spent = spent.saturating_add(linted(&masked.text));
        Some(masked)
    };
    let judged = format::judge(inputs.family, kind, &rendered, confidence, masked);
    let (document, findings) = judged.map_err(FileError::Lint)?;
    let unsaid = rendered.unsaid.into_iter().map(|wrong| wrong.setting);
    Ok(File {
        bytes: document.to_bytes(),
        document,
        used: rendered.used,
        unsaid: unsaid.collect(),
        findings,
        names_its_url,
    })
}

/// The template of a kind of file.
fn source(inputs: &FileInputs, kind: FileKind) -> &str {
    let written = inputs.templates.get(&kind);
    written.map_or_else(|| inputs.family.template(kind), String::as_str)
}

/// Whether the template of a kind of file has the word in it without which it can name no URL.
pub fn may_name_urls(inputs: &FileInputs, kind: FileKind) -> bool {
    source(inputs, kind).contains("urls")
}

/// The bootstrap: the standard file with what tells the phone the device's key.
pub fn with_key(
    inputs: &FileInputs,
    profile: &Profile,
    file: &File,
    key: &DeviceKey,
) -> Result<Vec<u8>, FileError> {
    let sealer = profile.sealer(key);
    let parameters = sealer.parameters();
    let parameters: Vec<(&str, &str)> = parameters
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    format::insert_key(
        inputs.family,
        FileKind::Standard,
        file.document.clone(),
        &parameters,
    )
    .map(|document| document.to_bytes())
    .map_err(|finding| FileError::Lint(vec![finding.into()]))
}

/// The file that carries the key alone, of a device of a family that has one.
pub fn key_alone(
    inputs: &FileInputs,
    profile: &Profile,
    file: &File,
    key: &DeviceKey,
    mac: Mac,
) -> Result<Vec<u8>, FileError> {
    let parameters = profile.sealer(key).parameters();
    let key = parameters.first().map_or("", |(_, value)| value.as_str());
    format::key_carrier(inputs.family, mac, &file.document, &inputs.layers, key)
        .map_err(|finding| FileError::Lint(vec![finding.into()]))
}

/// `Content-Type` of a file in clear.
pub fn content_type(inputs: &FileInputs) -> &'static str {
    match inputs.family.format() {
        ringfence_provision::family::Format::Text | ringfence_provision::family::Format::Lines => {
            "text/plain; charset=utf-8"
        }
        ringfence_provision::family::Format::Xml => "text/xml; charset=utf-8",
    }
}

/// Whether a file of this kind, at a name for that audience, may differ from device to device.
pub fn own_of_device(kind: FileKind, audience: Audience) -> bool {
    layers_of(kind, audience).contains(&Layer::Device)
}

/// The layers that reach a file of this kind at a name for that audience: what goes to several
/// devices must not depend on one of them.
pub fn layers_of(kind: FileKind, audience: Audience) -> &'static [Layer] {
    match (kind, audience) {
        (FileKind::Initial | FileKind::Standard, _) | (FileKind::System, Audience::Device) => {
            &Layer::ALL
        }
        (FileKind::Product, _) | (FileKind::System, Audience::Model) => {
            &[Layer::Model, Layer::Tenant]
        }
        (FileKind::Master, _) | (FileKind::System, Audience::Everyone) => &[Layer::Tenant],
    }
}

fn visible(layers: &Layers, kind: FileKind, audience: Audience) -> Layers {
    let reach = layers_of(kind, audience);
    let of = |layer| match reach.contains(&layer) {
        true => layers.layer(layer).clone(),
        false => LayerSettings::new(),
    };
    Layers {
        tenant: of(Layer::Tenant),
        site: of(Layer::Site),
        model: of(Layer::Model),
        device: of(Layer::Device),
    }
}
