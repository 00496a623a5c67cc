//! Sealing: encrypting a file with a device's key, the way `openssl enc` does.
//!
//! The guide of the KX-UTG gives the command and no specification:
//!
//! ```text
//! openssl enc -aes-128-cbc -a -salt -pass pass:… -in plain.txt -out encrypted.enc
//! ```
//!
//! What that command writes is the envelope built here: `Salted__`, eight bytes of salt, AES-CBC
//! with PKCS#7 padding, key and IV from `EVP_BytesToKey` with one iteration; all of it in base64
//! of 64 columns, or as it is. Other vendors use the same envelope with other choices, so the
//! choices are data ([`Profile`]) and nothing in this module knows a vendor but the names of the
//! built-in profiles.
//!
//! Nothing authenticates a sealed file. Sealing keeps its content from whoever reads it; that it
//! came from the right server is TLS's business. For the same reason [`Profile::open`] is for
//! tests, tools and simulated phones: a service must not open what strangers send and tell them
//! whether the padding was right.

mod envelope;
mod kdf;
mod profile;

pub use envelope::{Encoding, Envelope, OpenError};
pub use kdf::{Digest, KeyIv};
pub use profile::{Cipher, Profile, ProfileError, ProfileSpec};

use crate::hash::hmac_sha256;

/// The salt for sealing `content` under the key that `key_id` names: the first eight bytes of
/// HMAC-SHA256(`secret`, `key_id` ‖ 0 ‖ `content`).
///
/// The same content gives the same sealed bytes, so an ETag stays valid and a copy may be kept;
/// other content, another key or another generation of it gives another salt. `secret` is the
/// [salt subkey](crate::wrap::MasterKey::salt_key) of a master key, without which nobody can test
/// a guess at a content against its salt. `key_id` must be without NUL and differ for every
/// generation of every device, such as a device's id with the generation.
pub fn salt(secret: &[u8], key_id: &str, content: &[u8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = hmac_sha256(secret, &[key_id.as_bytes(), b"\0", content]);
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::salt;
    use crate::hash::hex;

    #[test]
    fn salt_format_unchanged() {
        // printf 'device.1\0content' | openssl dgst -sha256 -hmac server-secret
        insta::assert_snapshot!(hex(&salt(b"server-secret", "device.1", b"content")), @"161977d9e2a195d2");
    }

    #[test]
    fn salt_depends_on_secret_key_and_content() {
        let one = salt(b"secret", "device.1", b"content");
        assert_eq!(one, salt(b"secret", "device.1", b"content"));
        assert_ne!(one, salt(b"Secret", "device.1", b"content"));
        assert_ne!(one, salt(b"secret", "device.2", b"content"));
        assert_ne!(one, salt(b"secret", "device.1", b"Content"));
        assert_ne!(one, salt(b"secret", "device.", b"1content"));
    }
}
