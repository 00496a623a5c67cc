//! A file as a device would get it, and the parameters that it ends up with.

use ringfence_provision::effective::Shadowed;
use ringfence_provision::format::RenderedFinding;
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::Layer;
use ringfence_provision::template::UsedSetting;
use ringfence_provision::unused::Unused;
use serde::Serialize;

/// A file as a device would get it, but for its key.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PreviewView {
    /// The kind of the file that is shown.
    pub kind: FileKind,
    /// The version of the settings that the file was made from.
    pub version: u64,
    /// The file, before sealing; null if it cannot be made. Secrets are masked unless the token
    /// may see them and asked to; then these are the very bytes, but for the access path in URLs.
    pub text: Option<String>,
    /// The length of the file in bytes, as shown.
    pub length: usize,
    /// Why the file cannot be rendered, where it cannot.
    pub error: Option<String>,
    /// What is wrong with the file, each with its place and what to do.
    pub findings: Vec<RenderedFinding>,
    /// The settings that had a say in the file, by line of the file.
    pub used: Vec<UsedSetting>,
}

/// A parameter as the phone obeys it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EffectiveView {
    /// The path that names the parameter within its file: in XML, the elements below the root.
    pub path: String,
    /// The name of the parameter, as the phone knows it.
    pub name: String,
    /// The value that the phone obeys; masked where it is a secret.
    pub value: String,
    /// The kind of the file that the value came from.
    pub from: FileKind,
    /// The layer whose setting the value shows, if it shows one.
    pub layer: Option<Layer>,
    /// The values that this one overrides, the strongest first.
    pub shadows: Vec<Shadowed>,
}

/// What a device ends up with.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EffectivePage {
    /// The items of this page, in the order of the list.
    pub items: Vec<EffectiveView>,
    /// The cursor of the next page; always null.
    pub next: Option<String>,
    /// Settings of any layer that reach none of the device's files; at most the first 100.
    pub unused: Vec<Unused>,
}
