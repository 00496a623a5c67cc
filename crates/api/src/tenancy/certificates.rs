//! Root certificates that phones may fetch.

use serde::{Deserialize, Serialize};

/// A certificate, as an operator uploads it: one of the two.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CertificateInput {
    /// The text of a PEM file.
    pub pem: Option<String>,
    /// A DER file, base64.
    pub der: Option<String>,
}

/// A certificate. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CertificateView {
    /// The name of the file, by which phones fetch it.
    pub name: String,
    /// The content of the file in base64.
    pub body: String,
    /// SHA-256 of the file's base64, to compare.
    pub digest: String,
    /// The time at which the certificate was made, in Unix milliseconds.
    pub created_at: u64,
}
