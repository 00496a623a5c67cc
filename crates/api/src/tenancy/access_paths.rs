//! Access paths, and the one that phones are to move to.

use serde::{Deserialize, Serialize};

/// What an operator decides about an access path.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessPathInput {
    /// A text for people; at most 100 characters.
    #[serde(default)]
    pub label: String,
    /// The time from which on the access path answers no more, in Unix milliseconds; null is never.
    #[serde(default)]
    pub expires_at: Option<u64>,
}

/// An access path that is to be made.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NewAccessPathInput {
    /// A text for people; at most 100 characters.
    #[serde(default)]
    pub label: String,
    /// The time from which on the access path answers no more, in Unix milliseconds; null is never.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// Whether the tenant's phones are to move to the new access path, as by `putAccessPathTarget`.
    #[serde(default)]
    pub target: bool,
}

/// How the access path is known that phones are to move to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TargetInput {
    /// The access path once more, as its URL or its segment: needed unless the access path was named before, or made
    /// for moved phones.
    pub url: Option<String>,
}

/// An access path. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessPathView {
    /// The id of the access path, which is no secret.
    pub id: String,
    /// A text of the operator for people to read.
    pub label: String,
    /// The time at which the access path was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time at which the access path ends, in Unix milliseconds; null if the access path does not end.
    pub expires_at: Option<u64>,
    /// When a phone last got a file under the access path, to the hour; null if none ever has.
    pub last_used_at: Option<u64>,
    /// How many devices have got a file under the access path in the last seven days, at most
    /// 1,000. A request that names no device, such as one for a model's file, counts for
    /// `last_used_at` alone.
    pub devices_7d: u64,
    /// The time since which the tenant's phones are to move to this access path,
    /// in Unix milliseconds; null if the phones are not to. Every file of a device that names URLs names those of
    /// this access path, under whichever the file was asked for.
    pub target_since: Option<u64>,
    /// What stands in URLs; only in the answer that makes the access path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The URL to tell phones; only in the answer that makes the access path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// How far the tenant's phones have moved to an access path.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TargetPage {
    /// The time since which phones are to move to the access path, in Unix milliseconds.
    pub since: u64,
    /// Number of devices in service that got their last file under the access path, to the hour.
    pub moved: u64,
    /// Number of devices in service that got their last file under another access path, or never
    /// got any.
    pub not_moved: u64,
    /// The devices that have not moved, in the order of their MACs.
    pub items: Vec<NotMovedView>,
    /// The cursor of the next page; null on the last one.
    pub next: Option<String>,
}

/// A device that has not moved.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotMovedView {
    /// The MAC address: twelve upper-case hexadecimal digits.
    pub mac: String,
    /// A text of the operator for people to read.
    pub label: String,
    /// The name of the device's model.
    pub model: String,
    /// Id of the access path under which the device last got a file; null if it never got any under
    /// one that is still there.
    pub access_path: Option<String>,
    /// The time at which the device last got that file, in Unix milliseconds, to the hour.
    pub last_used_at: Option<u64>,
}
