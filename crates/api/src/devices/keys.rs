//! What an operator does to a device's key.

use ringfence_provision::secret::SecretString;
use serde::{Deserialize, Serialize};

use crate::devices::{DeviceView, SeenView};

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
