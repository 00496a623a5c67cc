//! Values that the audit log does not show: a digest tells whether two are the same, and no more.
//!
//! A setting may be marked secret later, or may hold what should have been one, and the log is for
//! whoever may read. The digest is an HMAC under the master key, over the place of the value too, so
//! it cannot be tried from outside, nor compared with the digest of another place. A rotation of the
//! master key changes the digests of what comes after it.

use ringfence_provision::layers::Value as Setting;
use ringfence_provision::wrap::Keyring;
use serde_json::{Value, json};

/// Hexadecimal digits of a digest: 64 bits.
const DIGITS: usize = 16;

/// Makes digests for one place.
pub struct Digests<'a> {
    keyring: &'a Keyring,
    place: String,
}

impl<'a> Digests<'a> {
    /// Digests of values in a place, such as a layer of a tenant.
    pub fn new(keyring: &'a Keyring, place: String) -> Self {
        Self { keyring, place }
    }

    /// The digest of a value of this name.
    pub fn of(&self, name: &str, value: &str) -> String {
        let tag = self
            .keyring
            .current()
            .audit_tag(&["audit-value", &self.place, name, value]);
        tag.chars().take(DIGITS).collect()
    }

    /// What the log says of a text that it does not show.
    pub fn text(&self, name: &str, text: &str) -> Value {
        json!({ "length": text.chars().count(), "digest": self.of(name, text) })
    }

    /// What the log says of a setting: of a secret not even whether it is the same.
    pub fn setting(&self, name: &str, value: &Setting) -> Value {
        match value {
            Setting::Text(text) => self.text(name, text),
            Setting::Secret(_) => json!({ "secret": null }),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::wrap::MasterKey;

    use super::*;

    pub(crate) fn keyring() -> Keyring {
        let key = MasterKey::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        Keyring::new(key, None).unwrap()
    }

    #[test]
    fn digest_format_unchanged() {
        let keyring = keyring();
        let digests = Digests::new(&keyring, "T:tenant".into());
        assert_eq!(
            digests.setting("NTP", &Setting::Text("ntp.example".into())),
            json!({ "length": 11, "digest": "96de5be7032d54bc" })
        );
        assert_eq!(
            digests.setting("PASS", &Setting::Secret("x".into())),
            json!({ "secret": null })
        );
    }

    #[test]
    fn the_same_value_has_another_digest_elsewhere() {
        let keyring = keyring();
        let here = Digests::new(&keyring, "T:tenant".into());
        let there = Digests::new(&keyring, "U:tenant".into());
        assert_eq!(here.of("A", "x"), here.of("A", "x"));
        assert_ne!(here.of("A", "x"), here.of("A", "y"));
        assert_ne!(here.of("A", "x"), here.of("B", "x"));
        assert_ne!(here.of("A", "x"), there.of("A", "x"));
    }
}
