//! Codes that open one session of the console.

use serde::Serialize;

/// A code that opens one session of the console.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignInCodeView {
    /// The id, a ULID, by which the audit log names the code.
    pub id: String,
    /// The code; only in this answer.
    pub code: String,
    /// The console's page with the code behind the `#`, which a browser sends to nobody.
    pub url: String,
    /// The time from which on the code opens nothing, in Unix milliseconds: ten minutes after its making.
    pub expires_at: u64,
}
