//! What a deployment configures: secrets and switches.

use std::cell::RefCell;
use std::rc::Rc;

use ringfence_provision::wrap::{Keyring, MasterKey};
use wasm_bindgen::prelude::*;
use worker::Env;

use super::log;

#[wasm_bindgen(module = "/src/platform/bindings.js")]
extern "C" {
    fn version(env: &JsValue) -> u32;
}

/// A number that is another one when a binding is: what was made from them is good for as long as it stays.
pub fn bindings_version(env: &Env) -> u32 {
    version(env)
}

/// The deployment lacks something, or has it in a form that cannot be used. The words are for the
/// operator; they never contain a secret.
#[derive(Debug, thiserror::Error)]
#[error("configuration: {0}")]
pub struct ConfigError(pub String);

/// The secrets that wrap what is stored. Deriving the keys costs more than a whole answer from KV,
/// so an isolate does it once for the same secrets.
///
/// # Errors
/// `MASTER_KEY` is missing, or one of the two keys is not `<id>:<base64 of 32 bytes>`.
pub fn keyring(env: &Env) -> Result<Rc<Keyring>, ConfigError> {
    let current = secret(env, "MASTER_KEY").ok_or_else(|| {
        ConfigError("MASTER_KEY is not set: run `wrangler secret put MASTER_KEY`".into())
    })?;
    kept_keyring(current, secret(env, "MASTER_KEY_PREVIOUS"))
}

type KeptKeyring = Option<(String, Option<String>, Rc<Keyring>)>;

thread_local! {
    static KEYRING: RefCell<KeptKeyring> = const { RefCell::new(None) };
}

fn kept_keyring(current: String, previous: Option<String>) -> Result<Rc<Keyring>, ConfigError> {
    let kept = KEYRING.with_borrow(|kept| match kept {
        Some((of, and, keyring)) if *of == current && *and == previous => Some(Rc::clone(keyring)),
        _ => None,
    });
    if let Some(keyring) = kept {
        return Ok(keyring);
    }
    let parse = |name: &str, text: &str| {
        MasterKey::parse(text).map_err(|error| ConfigError(format!("{name}: {error}")))
    };
    let older = previous
        .as_deref()
        .map(|text| parse("MASTER_KEY_PREVIOUS", text))
        .transpose()?;
    let keyring = Keyring::new(parse("MASTER_KEY", &current)?, older)
        .map_err(|error| ConfigError(error.to_string()))?;
    let keyring = Rc::new(keyring);
    KEYRING.set(Some((current, previous, Rc::clone(&keyring))));
    Ok(keyring)
}

/// The first API token, if one is set. Without it only tokens from the database work.
pub fn admin_token(env: &Env) -> Option<String> {
    secret(env, "ADMIN_TOKEN").filter(|token| token.len() >= 32)
}

/// Whether plain HTTP on a loopback name counts as TLS, so that a phone can be played on one
/// machine. It takes the variable *and* a loopback name in the request: a deployment is never
/// reached by one, so the switch is without effect there even if somebody sets it.
pub fn loopback_counts_as_tls(is_local: bool, host: &str) -> bool {
    is_local && matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}

/// Whether the Worker runs on one machine for somebody who tries it. Alone this opens nothing: see
/// [`loopback_counts_as_tls`].
pub fn is_local(env: &Env) -> bool {
    secret(env, "LOCAL_HTTP").is_some_and(|value| value == "loopback")
}

/// Which answers to phones have a log line each: `LOG_LEVEL`. The event is the operator's record, and has its line in the log's
/// stead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed, or was served although something failed.
    Failures,
    /// That, refusals, and the life of keys.
    #[default]
    Notable,
    /// Every answer.
    All,
}

impl LogLevel {
    /// `None` for a word that is none.
    fn parse(word: &str) -> Option<Self> {
        match word {
            "failures" => Some(Self::Failures),
            "notable" => Some(Self::Notable),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// Which answers have a log line.
pub fn log_level(env: &Env) -> LogLevel {
    let word = secret(env, "LOG_LEVEL");
    let level = word.as_deref().map(LogLevel::parse);
    if let (Some(None), Some(word)) = (level, &word) {
        log::warn(
            "log_level_unknown",
            &[
                ("value", word),
                ("known", "failures, notable, all"),
                ("taken", "notable"),
            ],
        );
    }
    level.flatten().unwrap_or_default()
}

/// The application of Cloudflare Access that stands before the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who signs: `https://<team>.cloudflareaccess.com`.
    pub issuer: String,
    /// The application's audience tag.
    pub audience: String,
}

/// What Access is believed by, if `ACCESS_TEAM` and `ACCESS_AUDIENCE` are set.
pub fn access(env: &Env) -> Option<Access> {
    let team = secret(env, "ACCESS_TEAM")?;
    let local = secret(env, "LOCAL_HTTP").is_some_and(|value| value == "loopback");
    Some(Access {
        issuer: issuer(&team, local)?,
        audience: secret(env, "ACCESS_AUDIENCE")?,
    })
}

/// A team by its name or its domain. A whole URL is taken on one machine alone, where it is played.
fn issuer(team: &str, local: bool) -> Option<String> {
    if team.starts_with("http://127.0.0.1:") {
        return local.then(|| team.to_owned());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !team.bytes().all(plain) {
        return None;
    }
    Some(match team.contains('.') {
        true => format!("https://{team}"),
        false => format!("https://{team}.cloudflareaccess.com"),
    })
}

fn secret(env: &Env, name: &str) -> Option<String> {
    env.var(name)
        .ok()
        .map(|value| value.to_string())
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::platform::config::*;

    /// 32 bytes, all the same.
    fn key(id: &str, letters: &str) -> String {
        format!("{id}:{}=", letters.repeat(43))
    }

    #[test]
    fn a_team_is_named_by_itself_or_its_domain() {
        let access = |team| issuer(team, false);
        assert_eq!(
            access("acme").as_deref(),
            Some("https://acme.cloudflareaccess.com")
        );
        assert_eq!(access("acme.cloudflareaccess.com"), access("acme"));
        for team in ["https://acme.example", "http://127.0.0.1:9", "a/b", "a@b"] {
            assert_eq!(access(team), None, "{team}");
        }
        assert_eq!(
            issuer("http://127.0.0.1:9", true).as_deref(),
            Some("http://127.0.0.1:9")
        );
    }

    #[test]
    fn a_log_level_is_one_of_three_words() {
        for (word, level) in [
            ("failures", Some(LogLevel::Failures)),
            ("notable", Some(LogLevel::Notable)),
            ("all", Some(LogLevel::All)),
            ("ALL", None),
            ("debug", None),
        ] {
            assert_eq!(LogLevel::parse(word), level, "{word}");
        }
        assert_eq!(LogLevel::default(), LogLevel::Notable);
    }

    #[test]
    fn keys_are_derived_once_for_the_same_secrets_and_anew_for_others() {
        let first = kept_keyring(key("a", "A"), None).unwrap();
        assert!(Rc::ptr_eq(
            &first,
            &kept_keyring(key("a", "A"), None).unwrap()
        ));
        let rotated = kept_keyring(key("b", "A"), Some(key("a", "A"))).unwrap();
        assert!(rotated.find("a").is_ok());
        assert!(
            kept_keyring(key("b", "A"), None)
                .unwrap()
                .find("a")
                .is_err()
        );
        assert!(kept_keyring("nonsense".into(), None).is_err());
    }
}
