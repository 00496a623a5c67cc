//! Devices that are added or changed together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::Checked;

/// The most devices of one call: as many as the check of a change looks at.
pub const MAX_ROWS: usize = 500;

/// Devices to be added or changed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchInput {
    /// The devices, 1 to 500.
    pub devices: Vec<BatchDevice>,
}

/// A device as it is to be. What is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchDevice {
    /// The MAC address, in any notation.
    pub mac: String,
    /// The model as the phone writes it, with its regional suffix; a new device needs one. A model
    /// that the tenant does not have yet is added.
    pub model: Option<String>,
    /// The family of a model that the tenant does not have yet; left out, the name of the model tells.
    pub family: Option<String>,
    /// Id of a site; not together with `site_name`.
    pub site: Option<String>,
    /// Name of a site; a site that the tenant does not have yet is added.
    pub site_name: Option<String>,
    /// A text for people; at most 100 characters.
    pub label: Option<String>,
    /// The settings of the device's layer, all of them, as in `PUT …/settings`; not together with `set`.
    pub settings: Option<BTreeMap<String, Value>>,
    /// Settings to be written into the device's layer, which keeps its others; as in `PUT …/settings`.
    pub set: Option<BTreeMap<String, Value>>,
}

/// How the call is made.
// `Changing` reads it for every change.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(dead_code)]
pub struct BatchQuery {
    /// Writes nothing, and answers what would become of each device.
    pub dry_run: bool,
    /// What people are told about the change, in the history and in the audit log; one line of at most 200 characters.
    pub comment: Option<String>,
}

/// What became of the devices.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchAnswer {
    /// Whether this is only what would become of the devices.
    pub dry_run: bool,
    /// Number of devices that were added.
    pub created: u64,
    /// Number of devices that were changed.
    pub changed: u64,
    /// Number of devices that were already as they were to be.
    pub unchanged: u64,
    /// Number of devices that were refused; nothing of these devices was written.
    pub refused: u64,
    /// Names of models that were added.
    pub new_models: Vec<String>,
    /// Names of sites that were added.
    pub new_sites: Vec<String>,
    /// What was rendered to see that the changes break no file.
    pub checked: Checked,
    /// What became of each device, in the order of the call.
    pub items: Vec<BatchRow>,
}

/// What became of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Became {
    /// The device was added.
    Created,
    /// The device was changed.
    Changed,
    /// The device was already as it was to be.
    Unchanged,
    /// The device was refused.
    Refused,
}

/// What became of one of the devices.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BatchRow {
    /// The MAC: twelve upper-case hexadecimal digits; null where the call has none that can be read.
    pub mac: Option<String>,
    /// What became of the device.
    pub outcome: Became,
    /// What of a device that is changed becomes another, by name: `model`, `site`, `label`, and each setting as
    /// `settings.NAME`. Values are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(default))]
    pub changes: Vec<String>,
    /// The kind of problem that refused the device, as in the `type` of a problem: `invalid-value`, `invalid-files`.
    pub cause: Option<String>,
    /// What the call for this device alone would have said, for people.
    pub detail: Option<String>,
    /// Files that could not be served, each with its findings; at most the first 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Value>,
}
