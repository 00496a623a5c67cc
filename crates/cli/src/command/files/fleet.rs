//! A tenant as files have it, and as the installation has it.

use std::collections::BTreeMap;

use ringfence_import::is_secret_name;
use ringfence_provision::mac::Mac;
use serde::Deserialize;
use serde_json::Value;

use crate::secret;

/// Settings of a layer by name.
pub(super) type Layer = BTreeMap<String, Setting>;

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Setting {
    Text(String),
    Secret(Secret),
}

/// A secret, by where it is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Secret {
    /// `env:NAME`, `file:PATH`, `command:LINE`; or [`KEPT`].
    pub(super) secret: String,
}

/// What stands for a secret that only the installation has.
pub(super) const KEPT: &str = "kept";

impl Setting {
    /// A secret of the installation.
    pub(super) fn kept() -> Self {
        Self::Secret(Secret {
            secret: KEPT.to_owned(),
        })
    }
}

/// A tenant. What is `None` is not managed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fleet {
    pub(super) options: Option<Value>,
    pub(super) settings: Option<Layer>,
    pub(super) sites: Option<BTreeMap<String, Site>>,
    pub(super) models: Option<BTreeMap<String, Model>>,
    pub(super) devices: Option<BTreeMap<Mac, Device>>,
    pub(super) templates: Option<BTreeMap<Place, String>>,
}

/// A site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Site {
    pub(super) settings: Layer,
}

/// A model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Model {
    pub(super) family: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) settings: Layer,
}

/// A phone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Device {
    pub(super) model: String,
    /// The name of its site.
    pub(super) site: Option<String>,
    pub(super) label: String,
    pub(super) settings: Layer,
}

/// Where a template belongs: kind, family and, for one model alone, the model.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) kind: String,
    pub(super) family: String,
    pub(super) model: Option<String>,
}

impl Place {
    /// The path below `templates`, without the extension.
    pub(super) fn path(&self) -> String {
        match &self.model {
            Some(model) => format!("{}/{}/{model}", self.kind, self.family),
            None => format!("{}/{}", self.kind, self.family),
        }
    }
}

/// What is wrong with a setting of a layer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SettingError {
    #[error(
        "{0} is a secret, which does not belong into a file: write {{ secret = \"env:NAME\" }}, \"file:PATH\", \"command:LINE\", or \"{KEPT}\" for what the installation has"
    )]
    InClear(String),
    #[error(
        "the secret {0} is none of \"env:NAME\", \"file:PATH\", \"command:LINE\" and \"{KEPT}\""
    )]
    Reference(String),
}

/// Refuses a secret that does not stand elsewhere.
pub(super) fn check(layer: &Layer) -> Result<(), SettingError> {
    for (name, setting) in layer {
        match setting {
            Setting::Text(_) if is_secret_name(name) => {
                return Err(SettingError::InClear(name.clone()));
            }
            Setting::Secret(it) if it.secret != KEPT && !secret::is_reference(&it.secret) => {
                return Err(SettingError::Reference(name.clone()));
            }
            _ => {}
        }
    }
    Ok(())
}
