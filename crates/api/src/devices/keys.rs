//! What an operator does to a device's key.

use ringfence_provision::secret::SecretString;
use serde::{Deserialize, Serialize};

use crate::devices::{DeviceView, SeenView};

/// How a device is given a new key.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(dead_code)]
pub struct RekeyQuery {
    /// Notifies the phone afterwards.
    pub notify: bool,
    /// Writes nothing, and answers what the change would do.
    pub dry_run: bool,
    /// What people are told about the change, in the audit log; one line of at most 200 characters.
    pub comment: Option<String>,
}

/// A key that a device already has.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyInput {
    /// The key that the phone has: 32 of the letters A to Z, a to z and the digits 0 to 9.
    #[serde(deserialize_with = "secret")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub key: SecretString,
}

fn secret<'de, D: serde::Deserializer<'de>>(input: D) -> Result<SecretString, D::Error> {
    String::deserialize(input).map(SecretString::from)
}

/// A device whose bootstrap waits once more.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rearmed {
    #[serde(flatten)]
    pub device: DeviceView,
    /// Who took the last bootstrap; null if nobody did. If that was not the phone, re-key instead.
    pub last_taken_by: Option<SeenView>,
}
