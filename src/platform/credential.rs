//! Credentials: `<prefix>_<ULID>_<43 characters of base64url>`.
//!
//! The ULID finds the row, the rest is 32 random bytes whose SHA-256 the row holds. Random bytes
//! need no slow hash. Hashes are compared in constant time, also where there is no row.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::hash::sha256_hex;

/// Begins the token of an operator.
pub const TOKEN: &str = "rf";

/// Begins the credential of a relay.
pub const RELAY: &str = "rfr";

/// Begins the cookie of a session of the console.
pub const SESSION: &str = "rfs";

/// Begins a code that opens one session of the console.
pub const SIGN_IN_CODE: &str = "rfc";

/// A new credential: its text, which is shown once, and what is stored of it.
pub struct NewCredential {
    pub text: String,
    /// SHA-256 of the secret part, hex.
    pub hash: String,
}

impl NewCredential {
    /// Makes a credential of random bytes.
    pub fn new(prefix: &str, id: &str, random: [u8; 32]) -> Self {
        let secret = URL_SAFE_NO_PAD.encode(random);
        Self {
            text: format!("{prefix}_{id}_{secret}"),
            hash: sha256_hex(&secret),
        }
    }
}

/// A credential as it was sent, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    /// Where its row is to be found.
    pub id: &'a str,
    secret: &'a str,
}

impl<'a> Sent<'a> {
    /// Reads a credential; `None` if the text is none with that prefix.
    pub fn parse(prefix: &str, text: &'a str) -> Option<Self> {
        let (id, secret) = text
            .strip_prefix(prefix)?
            .strip_prefix('_')?
            .split_once('_')?;
        let is_id = id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_id && secret.len() == 43).then_some(Self { id, secret })
    }

    /// Whether `stored` is the hash of its secret part. Without a row the same work is done in vain.
    pub fn matches(&self, stored: Option<&str>) -> bool {
        let nothing = sha256_hex("");
        let sent = sha256_hex(self.secret);
        let same: bool = sent
            .as_bytes()
            .ct_eq(stored.unwrap_or(&nothing).as_bytes())
            .into();
        same && stored.is_some()
    }
}

/// Whether two texts are the same: their hashes are compared, so that not even the length shows.
pub fn is_same(one: &str, other: &str) -> bool {
    sha256_hex(one)
        .as_bytes()
        .ct_eq(sha256_hex(other).as_bytes())
        .into()
}

/// The credential in an `Authorization` header of the scheme `Bearer` (RFC 6750 §2.1), at most 512
/// bytes.
pub fn bearer(header: Option<&str>) -> Option<&str> {
    let (scheme, text) = header?.trim().split_once(' ')?;
    let text = text.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !text.is_empty() && text.len() <= 512).then_some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ID: &str = "01JD0000000000000000000000";

    #[test]
    fn credential_format_unchanged() {
        for (prefix, text) in [
            (
                TOKEN,
                "rf_01JD0000000000000000000000_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            ),
            (
                SESSION,
                "rfs_01JD0000000000000000000000_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            ),
            (
                SIGN_IN_CODE,
                "rfc_01JD0000000000000000000000_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            ),
            (
                RELAY,
                "rfr_01JD0000000000000000000000_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc",
            ),
        ] {
            let new = NewCredential::new(prefix, ID, [7; 32]);
            assert_eq!(new.text, text);
            let sent = Sent::parse(prefix, &new.text).unwrap();
            assert_eq!((sent.id, sha256_hex(sent.secret)), (ID, new.hash.clone()));
            assert!(sent.matches(Some(&new.hash)));
            assert!(!sent.matches(Some(&sha256_hex("abc"))));
            assert!(!sent.matches(None));
        }
        // printf abc | sha256sum
        assert_eq!(
            sha256_hex("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_is_no_credential_is_not_looked_up() {
        let whole = NewCredential::new(TOKEN, ID, [7; 32]).text;
        for text in [
            "",
            "rf",
            "rf_",
            "rf_01JD_x",
            &whole[1..],
            &whole[..whole.len() - 1],
        ] {
            assert_eq!(Sent::parse(TOKEN, text), None, "{text}");
        }
        assert_eq!(Sent::parse(RELAY, &whole), None);
        let relay = NewCredential::new(RELAY, ID, [7; 32]).text;
        assert_eq!(Sent::parse(TOKEN, &relay), None);
    }

    #[test]
    fn a_bearer_is_read_however_it_is_spaced() {
        assert_eq!(bearer(Some("Bearer abc")), Some("abc"));
        assert_eq!(bearer(Some("bearer  abc ")), Some("abc"));
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer "),
            Some("Basic abc"),
        ] {
            assert_eq!(bearer(header), None);
        }
        assert_eq!(bearer(Some(&format!("Bearer {}", "a".repeat(513)))), None);
    }

    #[test]
    fn texts_are_the_same_whole_or_not_at_all() {
        assert!(is_same("abc", "abc"));
        assert!(!is_same("abc", "ab"));
    }
}
