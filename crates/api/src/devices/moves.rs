//! Moving a device to another tenant.

use serde::{Deserialize, Serialize};

use crate::devices::DeviceView;

/// Where a device goes, and how.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MoveInput {
    /// Id of the tenant that the device goes to.
    pub tenant: String,
    /// Id of a site of that tenant. Left out, the device is at none.
    #[serde(default)]
    pub site: Option<String>,
    /// What the device is in that tenant. Left out, the model stays, and must be sealed there as it is here;
    /// one that the tenant does not have yet is added.
    #[serde(default)]
    pub model: Option<String>,
    /// A text for people; at most 100 characters. A label that is left out stays.
    #[serde(default)]
    pub label: Option<String>,
    /// What becomes of the settings of the device's own layer.
    #[serde(default)]
    pub settings: Keep,
    /// How the phone finds its new URLs.
    #[serde(default)]
    pub forward: ForwardInput,
}

/// Whether settings go along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Keep {
    /// The settings go along, secrets too.
    #[default]
    Keep,
    /// The settings are removed.
    Drop,
}

/// How the phone finds its new URLs: the tenant that it left answers its initial file, asked for by MAC,
/// with one that names them, until the phone was there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForwardInput {
    /// Whether the phone is sent on; with false, the phone gets nothing any more where it was.
    pub enabled: bool,
    /// An access path of the new tenant, as its URL or its segment. Left out, one that earlier moves
    /// used, or a new one.
    pub url: Option<String>,
    /// Most days for which the phone is sent on; 1 to 365, by default 30.
    pub days: u32,
}

impl Default for ForwardInput {
    fn default() -> Self {
        Self {
            enabled: true,
            url: None,
            days: 30,
        }
    }
}

/// A device that was moved.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MovedView {
    /// Id of the tenant that the device is in now.
    pub tenant: String,
    #[serde(flatten)]
    pub device: DeviceView,
    /// How the phone finds its new URLs; null: not by itself.
    pub forward: Option<ForwardView>,
    /// How many NOTIFY jobs of the device were cancelled; null where the queue did not answer: then the jobs
    /// end without effect when their turn comes.
    pub cancelled_jobs: Option<u32>,
}

/// The place that a phone is sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ForwardView {
    /// Id of the access path of the new tenant that the initial file of the phone names, unless the tenant names
    /// another one that its phones are to move to.
    pub access_path: String,
    /// The URL of the access path, if this move made the access path: the URL is shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The time until which the phone is sent on at most, in Unix milliseconds.
    pub until: u64,
}
