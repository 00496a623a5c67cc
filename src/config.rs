//! What a deployment configures: secrets and switches, read once per request from the bindings.

use ringfence_provision::wrap::{Keyring, MasterKey};
use worker::Env;

/// The deployment lacks something, or has it in a form that cannot be used. The words are for the
/// operator; they never contain a secret.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(pub String);

/// The secrets that wrap what is stored.
///
/// # Errors
/// `MASTER_KEY` is missing, or one of the two keys is not `<id>:<base64 of 32 bytes>`.
pub fn keyring(env: &Env) -> Result<Keyring, ConfigError> {
    let current = secret(env, "MASTER_KEY").ok_or_else(|| {
        ConfigError("MASTER_KEY is not set: run `wrangler secret put MASTER_KEY`".into())
    })?;
    let current =
        MasterKey::parse(&current).map_err(|error| ConfigError(format!("MASTER_KEY: {error}")))?;
    let previous = match secret(env, "MASTER_KEY_PREVIOUS") {
        Some(text) => Some(
            MasterKey::parse(&text)
                .map_err(|error| ConfigError(format!("MASTER_KEY_PREVIOUS: {error}")))?,
        ),
        None => None,
    };
    Keyring::new(current, previous).map_err(|error| ConfigError(error.to_string()))
}

/// The first API token, if one is set. Without it only tokens from the database work.
pub fn admin_token(env: &Env) -> Option<String> {
    secret(env, "ADMIN_TOKEN").filter(|token| token.len() >= 32)
}

/// Whether plain HTTP on a loopback name counts as TLS, so that a phone can be played on one
/// machine. It takes the variable *and* a loopback name in the request: a deployment is never
/// reached by one, so the switch is without effect there even if somebody sets it.
pub fn loopback_counts_as_tls(env: &Env, host: &str) -> bool {
    let loopback = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    loopback && secret(env, "LOCAL_HTTP").is_some_and(|value| value == "loopback")
}

fn secret(env: &Env, name: &str) -> Option<String> {
    env.var(name)
        .ok()
        .map(|value| value.to_string())
        .filter(|value| !value.is_empty())
}
