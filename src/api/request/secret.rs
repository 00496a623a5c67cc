//! What must not be stored in clear.

use ringfence_provision::wrap::Keyring;

use crate::http::problem::Problem;
use crate::platform;

/// Wraps a secret under the current master key with a random nonce. `identity` is the row that it
/// belongs to: moved to another row, it does not open.
///
/// # Errors
/// There is no randomness to be had.
pub fn wrap(keyring: &Keyring, identity: &str, plain: &[u8]) -> Result<String, Problem> {
    keyring
        .wrap(platform::random_array()?, identity, plain)
        .map_err(|error| Problem::internal(error.to_string()))
}
