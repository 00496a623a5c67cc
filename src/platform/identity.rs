//! Who Cloudflare Access says comes: the signed assertion that Access adds to each request that it lets pass.
//!
//! Source: Cloudflare, "Validate JWTs": the header, the keys' address and the claims; RFC 7519 and RFC 7515 for
//! the form. The signature is checked by WebCrypto.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use js_sys::{Array, Object, Reflect, Uint8Array};
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use worker::{Fetch, Url};

use super::config::Access;

/// Carries the assertion. What else a request says of itself is no proof.
pub const HEADER: &str = "cf-access-jwt-assertion";

/// The longest assertion, in bytes.
const MAX_ASSERTION: usize = 16 * 1024;

/// The longest list of keys, in bytes.
const MAX_KEYS: usize = 128 * 1024;

/// For how long keys are used before they are asked for anew, in milliseconds: Access changes them every six weeks,
/// and goes on with the older ones for a week.
const KEYS_LAST_MS: u64 = 10 * 60 * 1000;

/// How long after keys were asked for they are not asked for again, in milliseconds, whatever keys assertions name.
const KEYS_PAUSE_MS: u64 = 30 * 1000;

/// How many seconds the clocks of two machines may differ.
const LEEWAY_S: u64 = 60;

/// Why an assertion proves nothing. The words are for a person and hold nothing of the assertion.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "It is not a signed assertion of Cloudflare Access. Load the page again, or sign in with an API token."
    )]
    Form,
    #[error(
        "It is signed by no key that Cloudflare Access publishes for `ACCESS_TEAM`: compare that with the name of the team in Cloudflare One."
    )]
    Signature,
    #[error(
        "It is for another team or application: compare `ACCESS_TEAM` and `ACCESS_AUDIENCE` with the application in Cloudflare One."
    )]
    Application,
    #[error("It is too old, or not valid yet. Load the page again.")]
    Time,
    #[error("It names no person by an e-mail address. A service signs in with an API token.")]
    Nobody,
    #[error(
        "The keys of `ACCESS_TEAM` cannot be read ({0}). Load the page again; if it stays so, compare `ACCESS_TEAM` with the name of the team in Cloudflare One."
    )]
    Keys(String),
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: u64,
    #[serde(default)]
    nbf: u64,
    #[serde(default)]
    email: String,
}

/// An assertion, taken apart and not believed yet.
struct Assertion<'a> {
    header: Header,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_ASSERTION {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            header: ringfence_json::from_slice(&json(header)?).ok()?,
            claims: ringfence_json::from_slice(&json(claims)?).ok()?,
            signed,
            signature: json(signature)?,
        })
    }
}

impl Claims {
    /// The e-mail address, in small letters. `now` is in Unix seconds.
    fn email(&self, access: &Access, now: u64) -> Result<String, Refused> {
        let is_ours = match &self.aud {
            Audience::One(one) => *one == access.audience,
            Audience::Several(all) => all.contains(&access.audience),
        };
        if !is_ours || self.iss != access.issuer {
            return Err(Refused::Application);
        }
        if self.exp <= now || self.nbf > now + LEEWAY_S {
            return Err(Refused::Time);
        }
        match self.email.trim() {
            "" => Err(Refused::Nobody),
            email => Ok(email.to_lowercase()),
        }
    }
}

/// A public key, as its owner publishes it (RFC 7517).
#[derive(Clone, Debug, Deserialize)]
struct Key {
    kid: String,
    kty: String,
    n: String,
    e: String,
}

#[derive(Debug, Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

/// The keys of an issuer, and when they were read, in Unix milliseconds.
struct IssuerKeys {
    issuer: String,
    at: u64,
    keys: Vec<Key>,
}

thread_local! {
    static ISSUER_KEYS: RefCell<Option<IssuerKeys>> = const { RefCell::new(None) };
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    async fn import_jwk(
        format: &str,
        key: &Object,
        algorithm: &Object,
        extractable: bool,
        usages: &Array,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = verify)]
    async fn verify(
        algorithm: &Object,
        key: &JsValue,
        signature: &Uint8Array,
        data: &Uint8Array,
    ) -> Result<JsValue, JsValue>;
}

/// The e-mail address of whoever comes with an assertion. `now` is in Unix milliseconds.
///
/// # Errors
/// The assertion proves nothing.
pub async fn email(access: &Access, assertion: &str, now: u64) -> Result<String, Refused> {
    let assertion = Assertion::parse(assertion).ok_or(Refused::Form)?;
    if assertion.header.alg != "RS256" {
        return Err(Refused::Form);
    }
    // What is refused anyhow has no keys asked for.
    let email = assertion.claims.email(access, now / 1000)?;
    let key = key(access, &assertion.header.kid, now).await?;
    let key = key.ok_or(Refused::Signature)?;
    match is_signed(&key, &assertion).await {
        Ok(true) => Ok(email),
        _ => Err(Refused::Signature),
    }
}

async fn key(access: &Access, kid: &str, now: u64) -> Result<Option<Key>, Refused> {
    let (found, is_fresh) = ISSUER_KEYS.with_borrow(|kept| match kept {
        Some(kept) if kept.issuer == access.issuer => {
            let found = kept.keys.iter().find(|key| key.kid == kid).cloned();
            let lasts = if found.is_some() {
                KEYS_LAST_MS
            } else {
                KEYS_PAUSE_MS
            };
            (found, now < kept.at + lasts)
        }
        _ => (None, false),
    });
    if is_fresh {
        return Ok(found);
    }
    let keys = read_keys(&access.issuer).await?;
    let found = keys.iter().find(|key| key.kid == kid).cloned();
    ISSUER_KEYS.set(Some(IssuerKeys {
        issuer: access.issuer.clone(),
        at: now,
        keys,
    }));
    Ok(found)
}

async fn read_keys(issuer: &str) -> Result<Vec<Key>, Refused> {
    let failed = |error: worker::Error| Refused::Keys(error.to_string());
    let url = Url::parse(&format!("{issuer}/cdn-cgi/access/certs"))
        .map_err(|error| Refused::Keys(error.to_string()))?;
    let mut response = Fetch::Url(url).send().await.map_err(failed)?;
    if response.status_code() != 200 {
        return Err(Refused::Keys(format!("status {}", response.status_code())));
    }
    let text = response.text().await.map_err(failed)?;
    if text.len() > MAX_KEYS {
        return Err(Refused::Keys("the list is too long".into()));
    }
    let keys: Keys =
        ringfence_json::from_str(&text).map_err(|error| Refused::Keys(error.to_string()))?;
    Ok(keys.keys)
}

async fn is_signed(key: &Key, assertion: &Assertion<'_>) -> Result<bool, JsValue> {
    let algorithm = object(&[("name", "RSASSA-PKCS1-v1_5"), ("hash", "SHA-256")])?;
    let jwk = object(&[("kty", &key.kty), ("n", &key.n), ("e", &key.e)])?;
    let key = import_jwk(
        "jwk",
        &jwk,
        &algorithm,
        false,
        &Array::of1(&"verify".into()),
    )
    .await?;
    let signature = Uint8Array::from(&*assertion.signature);
    let data = Uint8Array::from(assertion.signed.as_bytes());
    Ok(verify(&algorithm, &key, &signature, &data)
        .await?
        .is_truthy())
}

fn object(members: &[(&str, &str)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &(*name).into(), &(*value).into())?;
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn access() -> Access {
        Access {
            issuer: "https://team.example".into(),
            audience: "aud-1".into(),
        }
    }

    fn claims(change: impl FnOnce(&mut serde_json::Value)) -> Result<String, Refused> {
        let mut value = serde_json::json!({
            "iss": "https://team.example", "aud": ["aud-0", "aud-1"], "exp": NOW + 10, "nbf": NOW,
            "email": "Ada@Example.org", "sub": "x",
        });
        change(&mut value);
        let claims: Claims = serde_json::from_value(value).unwrap();
        claims.email(&access(), NOW)
    }

    #[test]
    fn a_person_is_known_by_an_address_for_this_application_and_now() {
        assert_eq!(claims(|_| ()), Ok("ada@example.org".into()));
        assert_eq!(
            claims(|it| it["aud"] = "aud-1".into()),
            Ok("ada@example.org".into())
        );
        assert_eq!(
            claims(|it| it["aud"] = "aud-2".into()),
            Err(Refused::Application)
        );
        assert_eq!(
            claims(|it| it["iss"] = "https://other.example".into()),
            Err(Refused::Application)
        );
        assert_eq!(claims(|it| it["exp"] = NOW.into()), Err(Refused::Time));
        assert_eq!(
            claims(|it| it["nbf"] = (NOW + 61).into()),
            Err(Refused::Time)
        );
        assert_eq!(
            claims(|it| it["nbf"] = (NOW + 60).into()),
            Ok("ada@example.org".into())
        );
        // A service's token has a name and no address.
        assert_eq!(claims(|it| it["email"] = "".into()), Err(Refused::Nobody));
    }

    #[test]
    fn what_is_no_assertion_is_not_read() {
        for text in [
            "",
            "a",
            "a.b",
            "a.b.c",
            "....",
            &"x".repeat(MAX_ASSERTION + 1),
        ] {
            assert!(Assertion::parse(text).is_none());
        }
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = format!(r#"{{"iss":"i","aud":"a","exp":{NOW}}}"#);
        let text = format!(
            "{}.{}.{}",
            part(r#"{"alg":"RS256","kid":"1"}"#),
            part(&claims),
            part("s")
        );
        let read = Assertion::parse(&text).unwrap();
        assert_eq!(
            (read.header.kid.as_str(), &*read.signature),
            ("1", &b"s"[..])
        );
        assert!(text.starts_with(read.signed));
    }
}
