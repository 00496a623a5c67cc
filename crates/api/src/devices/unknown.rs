//! Phones that asked and are no device of the tenant.

use std::collections::BTreeMap;

use ringfence_provision::family::Family;
use serde::{Deserialize, Serialize};

use crate::devices::SeenView;

/// What an operator decides about a phone that becomes a device. What is left out is filled in from what the
/// phone says of itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AdoptInput {
    /// The model, as the phone writes it, with its regional suffix; left out, it is the guessed one. A model that
    /// the tenant does not have yet is added if its name suggests its family, as when a device is added.
    pub model: Option<String>,
    /// Id of a site.
    pub site: Option<String>,
    /// A text for people; at most 100 characters.
    pub label: String,
    /// The settings of the device's layer, as in `PUT …/settings`.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<BTreeMap<String, serde_json::Value>>")
    )]
    pub settings: Option<BTreeMap<String, serde_json::Value>>,
}

/// A phone that asked and is no device of the tenant. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnknownView {
    /// The MAC address: twelve upper-case hexadecimal digits.
    pub mac: String,
    /// What the phone says of itself; no proof.
    pub guess: GuessView,
    /// How many requests there were, as far as their events had room.
    pub times: u64,
    /// The time of the first request, in Unix milliseconds.
    pub first_seen_at: u64,
    /// Who asked last, and when.
    pub last_seen: SeenView,
    /// The name that the last request asked for: what stands behind the access path, without a query, made
    /// fit to be read.
    pub path: String,
}

/// What User-Agent and name of a file suggest about a phone. Whoever asks writes both at will.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GuessView {
    /// The vendor whose phones call themselves so; null if it does not call itself a phone.
    pub vendor: Option<String>,
    /// The family that reads files of that phone; null where it is not known, or there is none.
    pub family: Option<Family>,
    /// The model, as the phone writes it.
    pub model: Option<String>,
    /// The version of the phone's firmware.
    pub firmware: Option<String>,
}
