//! stub
#![allow(missing_docs)]
use crate::{
    family::{Family, Format},
    kind::FileKind,
    layers::{Layer, Layers},
    mac::Mac,
};
use std::collections::BTreeMap;
#[derive(Clone, Copy)]
pub enum SecretsMode {
    Reveal,
    Mask,
}
pub struct DeviceVars<'a> {
    pub mac: Mac,
    pub model: &'a str,
}
pub struct RenderContext<'a> {
    pub file_name: &'a str,
    pub kind: FileKind,
    pub format: Format,
    pub layers: &'a Layers,
    pub device: Option<DeviceVars<'a>>,
    pub urls: &'a BTreeMap<String, String>,
    pub secrets: SecretsMode,
}
#[derive(Debug)]
pub struct UsedSetting {
    pub name: String,
    pub layer: Layer,
    pub secret: bool,
    pub line: u32,
}
pub struct Rendered {
    pub text: String,
    pub used: Vec<UsedSetting>,
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct RenderError;
pub fn render(_s: &str, _c: &RenderContext<'_>) -> Result<Rendered, RenderError> {
    Err(RenderError)
}
pub fn default_template(_f: Family, _k: FileKind) -> &'static str {
    ""
}
