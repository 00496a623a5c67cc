//! Tokens of the API.

use serde::{Deserialize, Serialize};

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Access {
    Read,
    Write,
    Metrics,
}

impl Access {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Metrics => "metrics",
        }
    }
}

/// A token to be made.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenInput {
    /// A name for people; 1 to 100 characters.
    pub name: String,
    /// Id of the one tenant that the token sees; null is every tenant.
    #[serde(default)]
    pub tenant: Option<String>,
    /// What the token may do: read, read and write, or read `GET /metrics` and nothing else.
    pub access: Access,
    /// Whether the token may see secrets.
    #[serde(default)]
    pub reveal: bool,
    /// The time from which on the token is worth nothing, in Unix milliseconds; null is never. The
    /// time is not later than the end of the token that makes this one.
    #[serde(default)]
    pub expires_at: Option<u64>,
    /// The e-mail address of whoever signs in to the console as this token by Cloudflare Access; null is nobody.
    #[serde(default)]
    pub email: Option<String>,
}

/// A token. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The name that people know the token by.
    pub name: String,
    /// The id of the one tenant that the token sees; null if the token sees every tenant.
    pub tenant: Option<String>,
    /// What the token may do: read, read and write, or read `GET /metrics` and nothing else.
    pub access: Access,
    /// Whether the token may see secrets.
    pub reveal: bool,
    /// The time at which the token was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time at which the token ends, in Unix milliseconds; null if the token does not end.
    pub expires_at: Option<u64>,
    /// The e-mail address of whoever signs in to the console as this token by Cloudflare Access; null is nobody.
    pub email: Option<String>,
    /// The text to send as the bearer; only in the answer that makes the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Which tokens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenQuery {
    /// Only tokens of this tenant.
    pub tenant: Option<String>,
    /// How many items; 1 to 200, by default 50.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}
