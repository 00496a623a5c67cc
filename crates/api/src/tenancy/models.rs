//! Models of phones.

use ringfence_provision::family::Family;
use ringfence_provision::seal::Grade;
use serde::{Deserialize, Deserializer, Serialize};

use crate::check::Checked;

/// What an operator decides about a model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelInput {
    /// The family of the model's phones; left out, the family is guessed from the name.
    pub family: Option<Family>,
    /// Name of the sealing profile: `utg-128`, `utg-192` or `utg-256` for `utg`, or the same with
    /// `-sha256` for phones that derive the key by SHA-256; `e1c`, `e2c` or `e3c` for the text
    /// families, where the tenant allows profiles that are not published. Null is plaintext over HTTPS. Left out, it is the family's own.
    #[serde(deserialize_with = "present")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub profile: Option<Option<String>>,
}

/// Tells null from nothing.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// A model. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelView {
    /// The name of the model, as the phone writes it.
    pub name: String,
    /// The family of phones that the model is of.
    pub family: Family,
    /// Name of the sealing profile; null is plaintext over HTTPS.
    pub profile: Option<String>,
    /// What sealing by the profile is worth; null without a profile.
    pub profile_grade: Option<Grade>,
    /// The number of changes of the model, which is also the ETag of the model.
    pub revision: u64,
    /// The time at which the model was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last change of the model, in Unix milliseconds.
    pub updated_at: u64,
    /// What was rendered to see that a change breaks no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}
