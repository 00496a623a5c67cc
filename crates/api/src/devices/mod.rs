//! Devices: a phone of a tenant with its key, its versions and what it was seen to do.

pub mod batch;
pub mod counts;
pub mod export;
pub mod fetched;
pub mod fleet;
pub mod keys;
pub mod lint;
pub mod list;
pub mod moves;
pub mod preview;
pub mod unknown;

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use ringfence_provision::lifecycle::KeyState;
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Grade;
use serde::{Deserialize, Serialize};

use crate::check::Checked;

/// A device to be added.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewDeviceInput {
    /// The MAC address, in any notation.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub mac: Mac,
    /// The model as the phone writes it, with its regional suffix. A model that the tenant does not
    /// have yet is added if its name suggests its family.
    pub model: String,
    /// Id of a site.
    #[serde(default)]
    pub site: Option<String>,
    /// A text for people; at most 100 characters.
    #[serde(default)]
    pub label: String,
    /// The settings of the device's layer, as in `PUT …/settings`.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<BTreeMap<String, serde_json::Value>>")
    )]
    pub settings: Option<BTreeMap<String, serde_json::Value>>,
}

/// What an operator decides about a device.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceInput {
    /// The model as the phone writes it, with its regional suffix. A model that the tenant does not
    /// have yet is added if its name suggests its family.
    pub model: String,
    /// Id of a site.
    #[serde(default)]
    pub site: Option<String>,
    /// A text for people; at most 100 characters.
    #[serde(default)]
    pub label: String,
    /// The settings of the device's layer, as in `PUT …/settings`. Left out, they stay.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<BTreeMap<String, serde_json::Value>>")
    )]
    pub settings: Option<BTreeMap<String, serde_json::Value>>,
}

/// A device. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The MAC address: twelve upper-case hexadecimal digits.
    pub mac: String,
    /// The model, as the phone itself writes it.
    pub model: String,
    /// The family of the device's model.
    pub family: Family,
    /// Name of the sealing profile; null: plaintext over HTTPS.
    pub profile: Option<String>,
    /// What sealing by the profile is worth; null without a profile.
    pub profile_grade: Option<Grade>,
    /// Id of the site that the device is at.
    pub site: Option<String>,
    /// A text of the operator for people to read.
    pub label: String,
    /// Whether the device is out of service: its phone gets the refusal.
    pub disabled: bool,
    /// The life of the device's key; the key itself is never shown.
    pub key: KeyView,
    /// The version of the device's own last change.
    pub version: u64,
    /// The version of the device's files: that of the device's own last change, or of the last
    /// change of a layer above it.
    pub file_version: u64,
    /// The version of the standard file that the phone took last; null if the phone took none.
    pub fetched_version: Option<u64>,
    /// The time at which the phone last took its standard file, in Unix milliseconds.
    pub fetched_at: Option<u64>,
    /// Who last got a file of the device, and when.
    pub last_seen: Option<SeenView>,
    /// Whether the phone took its standard file and lacks the last version of it.
    pub stale: bool,
    /// The device's last request, where that was refused or for a file that is broken; null once
    /// the device got a file again.
    pub failing: Option<FailingView>,
    /// The time until which the device's former tenant sends its phone here, in Unix milliseconds;
    /// absent once the phone was here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded_until: Option<u64>,
    /// The number of changes of the device, which is also the ETag of the device.
    pub revision: u64,
    /// The time at which the device was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last change of the device, in Unix milliseconds.
    pub updated_at: u64,
    /// What was rendered to see that a change breaks no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}

/// The life of a device's key; never the key.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyView {
    /// The state of the key.
    pub state: KeyState,
    /// How many keys the device has had, this one included.
    pub generation: u32,
    /// Whether the bootstrap would be served now.
    pub bootstrap_waits: bool,
    /// Whether a phone has been given this key at some time.
    pub ever_delivered: bool,
    /// The time at which the key was armed last, in Unix milliseconds.
    pub armed_at: u64,
    /// The time at which the waiting bootstrap ends, in Unix milliseconds.
    pub armed_until: Option<u64>,
    /// Who took the last bootstrap, and when; null if nobody did.
    pub last_taken_by: Option<SeenView>,
    /// Whether the bootstrap was taken from none of the networks that the tenant expected
    /// bootstraps from at that time.
    pub from_unexpected_network: bool,
    /// When a sealed file was fetched for the first time after the bootstrap was taken.
    pub confirmed_at: Option<u64>,
}

/// A request after which a phone had no file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FailingView {
    /// The time of the request, in Unix milliseconds.
    pub at: u64,
    /// Why the request ended so, in one word, as in the events.
    pub reason: String,
}

/// A request, as far as the connection tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SeenView {
    /// The time of the request, in Unix milliseconds.
    pub at: u64,
    /// The address that the request came from; null for an imported key, which nobody took.
    pub address: Option<String>,
    /// What the phone says it is; no proof.
    pub user_agent: Option<String>,
    /// The country of the address, as Cloudflare knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}
