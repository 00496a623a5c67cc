//! `EVP_BytesToKey` with one iteration: how `openssl enc` makes a key and an IV of a passphrase.
//!
//! Block 1 is H(passphrase ‖ salt), block n is H(block n−1 ‖ passphrase ‖ salt); the key is taken
//! from the front and the IV from what follows. It does not slow down guessing. That matters for
//! passphrases which people choose and not for 190 random bits.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::method::Cipher;

/// The digest H of the derivation, the `-md` option of `openssl enc`.
///
/// MD5 was the default when the guide was written (2014) and SHA-256 is since OpenSSL 1.1.0. No
/// guide names one, so it is a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Digest {
    /// `-md md5`.
    #[serde(rename = "md5")]
    Md5,
    /// `-md sha256`.
    #[serde(rename = "sha256")]
    Sha256,
}

impl Digest {
    /// The name that `openssl enc -md` takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
        }
    }
}

/// What AES-CBC needs, so that WebCrypto may do it. `Debug` says nothing; wiped when dropped.
pub struct KeyIv {
    /// 16, 24 or 32 bytes.
    pub key: Vec<u8>,
    /// The initialisation vector.
    pub iv: [u8; 16],
}

impl fmt::Debug for KeyIv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyIv(…)")
    }
}

impl Drop for KeyIv {
    fn drop(&mut self) {
        self.key.zeroize();
        self.iv.zeroize();
    }
}

/// Key and IV of a cipher.
pub(super) fn key_iv(cipher: Cipher, digest: Digest, pass: &str, salt: [u8; 8]) -> KeyIv {
    fn of<const K: usize>(digest: Digest, pass: &str, salt: [u8; 8]) -> KeyIv {
        let (mut key, iv) = derive::<K>(digest, pass, salt);
        let key_iv = KeyIv {
            key: key.to_vec(),
            iv,
        };
        key.zeroize();
        key_iv
    }
    match cipher {
        Cipher::Aes128 => of::<16>(digest, pass, salt),
        Cipher::Aes192 => of::<24>(digest, pass, salt),
        Cipher::Aes256 => of::<32>(digest, pass, salt),
    }
}

/// Derives a key of `K` bytes and an IV.
fn derive<const K: usize>(digest: Digest, pass: &str, salt: [u8; 8]) -> ([u8; K], [u8; 16]) {
    match digest {
        Digest::Md5 => stretch::<md5::Md5, K>(pass, salt),
        Digest::Sha256 => stretch::<sha2::Sha256, K>(pass, salt),
    }
}

fn stretch<H: sha2::Digest, const K: usize>(pass: &str, salt: [u8; 8]) -> ([u8; K], [u8; 16]) {
    let mut key = [0; K];
    let mut iv = [0; 16];
    let wanted = K.saturating_add(iv.len());
    // With room for a last block that is not needed whole, the bytes never move.
    let size = <H as sha2::Digest>::output_size();
    let mut material = Zeroizing::new(Vec::with_capacity(wanted.saturating_add(size)));
    let mut block = Zeroizing::new(Vec::with_capacity(size));
    while material.len() < wanted {
        let mut hash = H::new();
        hash.update(block.as_slice());
        hash.update(pass.as_bytes());
        hash.update(salt);
        block.clear();
        block.extend_from_slice(&hash.finalize());
        material.extend_from_slice(&block);
    }
    for (place, byte) in key.iter_mut().chain(&mut iv).zip(material.iter()) {
        *place = *byte;
    }
    (key, iv)
}

#[cfg(test)]
mod tests {
    use super::{Digest, derive};
    use crate::hash::hex;

    const PASS: &str = "12341234abcdabcd12341234abcdabcd";
    const SALT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    // openssl enc -aes-128-cbc -md md5 -S 0102030405060708 -P -pass pass:…
    #[test]
    fn key_of_128_bits_by_md5_unchanged() {
        let (key, iv) = derive::<16>(Digest::Md5, PASS, SALT);
        insta::assert_snapshot!(format!("{} {}", hex(&key), hex(&iv)), @"11e50e316fea23fc66367b4e756c5b78 1e3a26b79adfe666927f14fdc3198e83");
    }

    // openssl enc -aes-256-cbc -md sha256 -S 0102030405060708 -P -pass pass:…
    #[test]
    fn key_of_256_bits_by_sha256_unchanged() {
        let (key, iv) = derive::<32>(Digest::Sha256, PASS, SALT);
        insta::assert_snapshot!(format!("{} {}", hex(&key), hex(&iv)), @"ce905575ddfb270341d7ea3a6fa6c7b158c30a4fdce414daa636528b6cb06f99 8b6d627c1d0a670c26064628944cf9ad");
    }
}
