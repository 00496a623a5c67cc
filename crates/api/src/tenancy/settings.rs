//! Settings of a layer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check::Checked;
use crate::notify::Notices;

/// A layer's settings, as an operator writes them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingsInput {
    /// The settings by name, `[A-Za-z_][A-Za-z0-9_.-]{0,95}`: a string; `{"secret": "…"}`, which
    /// nobody can read back; or `{"secret": null}`, the same as `{"keep": true}`: what is stored.
    #[cfg_attr(feature = "schema", schemars(with = "BTreeMap<String, SettingShape>"))]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// What a setting may be written as.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum SettingShape {
    /// A value that is no secret.
    Text(String),
    /// A value that is kept secret.
    Secret {
        /// The value, which nobody can read back; null keeps the value that is stored.
        secret: Option<String>,
    },
    /// The value that is stored.
    Keep {
        /// Whether the value that is stored stays; nothing but true is taken.
        keep: bool,
    },
}

/// A setting, as it is shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SettingView {
    /// A value that is no secret.
    Text(String),
    /// A value that is a secret.
    Secret {
        /// The value; null unless the token may see secrets and asked to.
        secret: Option<String>,
    },
}

/// A layer's settings, as they are shown.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SettingsView {
    /// The settings of this layer by name; secrets are masked.
    pub settings: BTreeMap<String, SettingView>,
    /// Number of changes of the layer; 0 before the first one.
    pub revision: u64,
    /// What was rendered to see that a change breaks no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
    /// What came of `?notify=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<Notices>,
}

/// How settings are changed.
// `Changing` reads what is for every change.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(dead_code)]
pub struct SettingsQuery {
    /// Tells the phones that the change concerns: one by a job, several by a rollout at the pool's
    /// own pace.
    pub notify: bool,
    /// Writes nothing, and answers what the change would do: how many devices would get other files, how many
    /// files would break, and with `device` the lines that would differ.
    pub dry_run: bool,
    /// The MAC of a device of which each file's differing lines are shown; only with `dry_run`.
    pub device: Option<String>,
    /// What people are told about the change, in the history and in the audit log; one line of at most 200 characters.
    pub comment: Option<String>,
}
