//! Sealing: encrypting a file with a device's key, the way its phone opens it.
//!
//! How a kind of phone wants its files is data ([`Profile`]), and nothing in this module knows a vendor.
//! There are four [methods](Method):
//!
//! | method | around the ciphertext | key | [grade](Grade) |
//! |---|---|---|---|
//! | [`Salted`](Method::Salted), AES-CBC | `Salted__`, 8 bytes of salt; base64 of 64 columns, or as it is | `EVP_BytesToKey` | sound |
//! | [`Aes128Gcm`](Method::Aes128Gcm), RFC 8188 | salt, record size, records with tags | HKDF-SHA256 | sound |
//! | [`FixedIv`](Method::FixedIv), AES-CBC | nothing | as it is, with its IV | weak |
//! | [`Ecb`](Method::Ecb), AES-ECB | nothing | as it is | weak |
//!
//! The first is what the guide of the KX-UTG and others print as a command and do not specify:
//!
//! ```text
//! openssl enc -aes-128-cbc -a -salt -pass pass:… -in plain.txt -out encrypted.enc
//! ```
//!
//! A [`Sealer`] is a profile with a key: it seals, and it says what a bootstrap tells the phone, so the two
//! cannot differ.
//!
//! Nothing authenticates a sealed file, but for RFC 8188, and a phone need not insist on that. Sealing keeps a
//! file's content from whoever reads it; that it came from the right server is TLS's business. For the same
//! reason [`Sealer::open`] is for tests, tools and simulated phones: a service must not open what strangers
//! send and tell them whether the padding was right.

mod aes128gcm;
mod cbc;
mod ecb;
mod envelope;
mod kdf;
mod method;
mod profile;
mod sealer;

pub use aes128gcm::{GcmRecord, GcmRecords};
pub use envelope::{Encoding, Envelope, OpenError};
pub use kdf::{Digest, KeyIv};
pub use method::{Cipher, EcbKey, Ikm, KeyId, Method};
pub use profile::{Grade, MAX_UNPACKED, Profile, ProfileError, ProfileSpec};
pub use sealer::{KeyTextError, Plan, SealError, Sealer};

use crate::hash::hmac_sha256;

/// What makes two sealed files of one key differ. A method takes as many bytes from the front as its salt
/// has: eight ([`Salted`](Method::Salted)), sixteen ([`Aes128Gcm`](Method::Aes128Gcm)) or none.
pub type Salt = [u8; 16];

/// The salt for sealing `content` under the key that `key_id` names: the first sixteen bytes of
/// HMAC-SHA256(`secret`, `key_id` ‖ 0 ‖ `content`).
///
/// The same content gives the same sealed bytes, so an ETag stays valid and a copy may be kept;
/// other content, another key or another generation of it gives another salt. `secret` is the
/// [salt subkey](crate::wrap::MasterKey::salt_key) of a master key, without which nobody can test
/// a guess at a content against its salt. For RFC 8188 it is also what keeps a nonce from being used for two
/// contents, as a synthetic IV does. `key_id` must be without NUL and differ for every
/// generation of every device, such as a device's id with the generation.
pub fn salt(secret: &[u8], key_id: &str, content: &[u8]) -> Salt {
    salt_of(&hmac_sha256(secret, &[key_id.as_bytes(), b"\0", content]))
}

/// What the tag of [`salt`] is over, for whoever computes it elsewhere.
pub fn salt_message(key_id: &str, content: &[u8]) -> Vec<u8> {
    [key_id.as_bytes(), b"\0", content].concat()
}

/// The salt, of the tag.
pub fn salt_of(tag: &[u8; 32]) -> Salt {
    let mut salt = [0; 16];
    for (place, byte) in salt.iter_mut().zip(tag) {
        *place = *byte;
    }
    salt
}

#[cfg(test)]
mod tests {
    use super::{salt, salt_message, salt_of};
    use crate::hash::{hex, hmac_sha256};

    #[test]
    fn salt_format_unchanged() {
        // printf 'device.1\0content' | openssl dgst -sha256 -hmac server-secret
        // The first eight bytes are the salt of `Salted__` files.
        insta::assert_snapshot!(hex(&salt(b"server-secret", "device.1", b"content")), @"161977d9e2a195d2ab5ccc1dd2a07470");
    }

    #[test]
    fn salt_can_be_computed_elsewhere() {
        let message = salt_message("device.1", b"content");
        let tag = hmac_sha256(b"secret", &[&message]);
        assert_eq!(salt_of(&tag), salt(b"secret", "device.1", b"content"));
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
