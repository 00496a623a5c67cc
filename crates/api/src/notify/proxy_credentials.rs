//! What a pool answers its proxy's challenge with.

use ringfence_wire::Secret;
use serde::{Deserialize, Serialize};

/// Credentials for a proxy.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProxyCredentialsInput {
    /// The user name that the proxy knows the pool by.
    pub username: String,
    /// The password for that user name. No answer ever has the password.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub password: Secret,
    /// The realm that alone is answered; null: whichever the proxy names.
    #[serde(default)]
    pub realm: Option<String>,
}

/// The credentials that a pool has for its proxy, without the password.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ProxyCredentialsView {
    /// The user name that the proxy knows the pool by.
    pub username: String,
    /// The realm that alone is answered; null: whichever the proxy names.
    pub realm: Option<String>,
    /// The time at which the credentials were set, in Unix milliseconds.
    pub updated_at: u64,
}
