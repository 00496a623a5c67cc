//! Sessions of the console.

use serde::{Deserialize, Serialize};

/// A session of the console. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionView {
    /// The id, a ULID, which sorts by the time of its opening.
    pub id: String,
    /// The id of the token that opened the session; `admin` for `ADMIN_TOKEN`.
    pub token: String,
    /// The name of that token; null for `ADMIN_TOKEN` and for a token that was removed.
    pub token_name: Option<String>,
    /// The time at which the session was opened, in Unix milliseconds.
    pub created_at: u64,
    /// The time of the last use, in Unix milliseconds, to five minutes.
    pub last_used_at: u64,
    /// The time at which the session ends by itself, in Unix milliseconds.
    pub expires_at: u64,
    /// The network that the session was opened from.
    pub network: String,
    /// What the browser said it is, shortened; no proof.
    pub user_agent: String,
}
