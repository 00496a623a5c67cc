//! What an operation does to each of its devices.

use serde::{Deserialize, Deserializer, Serialize};

use crate::devices::moves::MoveInput;
use crate::notify::NotifyInput;
use crate::tenancy::settings::SettingsInput;

/// What is done to each device, as the call for one device does it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Action {
    /// Tells the phone, as `notifyDevice` does.
    Notify(
        /// What the phone is asked to do.
        NotifyInput,
    ),
    /// Gives the device a new key, as `rekeyDevice` does.
    Rekey,
    /// Has the bootstrap of the same key served once more, as `rearmDevice` does.
    Rearm,
    /// Takes the device out of service, as `disableDevice` does.
    Disable,
    /// Puts the device back into service, as `enableDevice` does.
    Enable,
    /// Removes the device, as `deleteDevice` does.
    Delete,
    /// Moves the device to another tenant, as `moveDevice` does; takes a token for all tenants.
    Move(
        /// Where the device goes, and how.
        MoveInput,
    ),
    /// Writes these settings of the device's own layer and leaves its others as they are.
    Set(
        /// The settings that are written.
        SettingsInput,
    ),
    /// Removes settings of the device's own layer.
    Unset(
        /// The settings that are removed.
        UnsetInput,
    ),
    /// Changes the model or the site of the device, as `putDevice` does, and leaves all else as it is.
    Change(
        /// What the device becomes.
        ChangeInput,
    ),
}

/// Settings to be removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UnsetInput {
    /// The names of the settings; a device without one of them keeps what it has.
    pub names: Vec<String>,
}

/// What a device becomes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangeInput {
    /// The model; left out, it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Id of a site, or null for none; left out, it stays.
    #[serde(deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub site: Option<Option<String>>,
}

/// What is there, though it is null.
fn there<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(input).map(Some)
}

impl Action {
    /// What the audit log calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Notify(_) => "notify",
            Self::Rekey => "rekey",
            Self::Rearm => "rearm",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
            Self::Move(_) => "move",
            Self::Set(_) => "set",
            Self::Unset(_) => "unset",
            Self::Change(_) => "change",
        }
    }

    /// What a device without a change of its own is: everything but telling its phone is one.
    pub fn outcome_without_change(&self) -> &'static str {
        match self {
            Self::Notify(_) => "done",
            _ => "unchanged",
        }
    }

    /// The tenant that devices go to.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Move(input) => Some(&input.tenant),
            _ => None,
        }
    }

    /// What it will do, for people.
    pub fn effect(&self) -> &'static str {
        match self {
            Self::Notify(_) => "Each phone is notified.",
            Self::Rekey => {
                "Each device gets a new key: what was sealed under the old one is gone, and its phone has nothing until it took the new bootstrap, which waits from then on."
            }
            Self::Rearm => {
                "The bootstrap of each device is served once more, to whoever asks for it first."
            }
            Self::Disable => "Each device is out of service: its phone gets nothing.",
            Self::Enable => "Each device is in service again.",
            Self::Delete => "Each device is removed with its settings and its key.",
            Self::Move(_) => "Each device moves to the other tenant, with its key and its history.",
            Self::Set(_) => {
                "These settings are written into the layer of each device; its others stay."
            }
            Self::Unset(_) => "These settings are removed from the layer of each device.",
            Self::Change(_) => {
                "Each device has this model and site; what they say of its files holds from then on."
            }
        }
    }
}
