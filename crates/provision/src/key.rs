//! The key of a device.
//!
//! The guide calls it a 32-byte key, but its command uses it as a passphrase: 32 characters, taken
//! as text and never decoded from hexadecimal. The alphabet is ours, `[A-Za-z0-9]`: XML, a shell
//! and the phone all take it as it stands. Thirty-two such characters are about 190 bits.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::hash::{hex, hmac_sha256};

/// A device's passphrase: exactly 32 characters of `[A-Za-z0-9]`.
///
/// `Debug` says nothing of it, it is wiped when dropped, and comparing two takes the same time
/// wherever they differ. It has no `Display` and no serialisation on purpose: what needs the
/// characters calls [`expose`](Self::expose), which is easy to search for.
#[derive(Clone)]
pub struct DeviceKey(Zeroizing<String>);

impl DeviceKey {
    /// The number of characters of a key.
    pub const LEN: usize = 32;

    /// Makes a new key out of random bytes.
    ///
    /// `next` fills the buffer it is given from a cryptographically secure generator; it may be
    /// called more than once. Each byte below 248 (four times 62) gives a character and the others
    /// are thrown away, so every character is equally likely.
    ///
    /// # Errors
    /// Whatever `next` fails with.
    ///
    /// ```
    /// use ringfence_provision::key::DeviceKey;
    ///
    /// // Stands for `getrandom::fill`.
    /// let key = DeviceKey::from_random(|bytes| {
    ///     bytes.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
    ///     Ok::<(), std::convert::Infallible>(())
    /// })?;
    /// assert_eq!(key.expose(), "0123456789ABCDEFGHIJKLMNOPQRSTUV");
    /// # Ok::<(), std::convert::Infallible>(())
    /// ```
    pub fn from_random<E>(mut next: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        // With room from the start the string never moves, and leaves no copy behind.
        let mut key = Zeroizing::new(String::with_capacity(Self::LEN));
        let mut bytes = Zeroizing::new([0_u8; 48]);
        while key.len() < Self::LEN {
            next(bytes.as_mut_slice())?;
            let wanted = Self::LEN.saturating_sub(key.len());
            key.extend(bytes.iter().copied().filter_map(character).take(wanted));
        }
        Ok(Self(key))
    }

    /// Takes over a key made elsewhere.
    ///
    /// # Errors
    /// [`KeyError`], which says what is wrong without repeating any of the text.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if let Some(at) = text.chars().position(|c| !c.is_ascii_alphanumeric()) {
            return Err(KeyError::Character { position: at + 1 });
        }
        if text.len() != Self::LEN {
            return Err(KeyError::Length { found: text.len() });
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The 32 characters, for a bootstrap or a key derivation.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// HMAC-SHA256 of the key under a server secret, as 64 hexadecimal digits.
    ///
    /// Two devices have the same fingerprint only if they have the same key, so a unique index on
    /// it keeps keys unique in a database that holds none in clear. `secret` is the
    /// [fingerprint subkey](crate::wrap::MasterKey::fingerprint_key) of a master key.
    pub fn fingerprint(&self, secret: &[u8]) -> String {
        hex(&hmac_sha256(secret, &[self.expose().as_bytes()]))
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(…)")
    }
}

impl PartialEq for DeviceKey {
    fn eq(&self, other: &Self) -> bool {
        self.expose()
            .as_bytes()
            .ct_eq(other.expose().as_bytes())
            .into()
    }
}

impl Eq for DeviceKey {}

impl Zeroize for DeviceKey {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

/// Why a text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Too long or too short.
    #[error("a key has {} characters, this one has {found}", DeviceKey::LEN)]
    Length {
        /// The number of characters found.
        found: usize,
    },
    /// Something other than a letter or a digit.
    #[error("character {position} of the key is neither a letter A–Z, a–z nor a digit")]
    Character {
        /// Counted from 1, in characters.
        position: usize,
    },
}

/// The character that a random byte stands for, or none for the eight values that would favour
/// some characters. Computed rather than looked up: no table, no cache line that depends on a key.
fn character(byte: u8) -> Option<char> {
    if byte >= 62 * 4 {
        return None;
    }
    let value = byte % 62;
    Some(char::from(match value {
        0..=9 => b'0' + value,
        10..=35 => b'A' + (value - 10),
        _ => b'a' + (value - 36),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use super::*;

    const TEXT: &str = "12341234abcdabcd12341234abcdabcd";

    #[test]
    fn every_character_is_equally_likely() {
        let mut counts = BTreeMap::new();
        for byte in 0..=u8::MAX {
            if let Some(c) = character(byte) {
                *counts.entry(c).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), 62);
        assert!(counts.keys().all(char::is_ascii_alphanumeric));
        assert!(counts.values().all(|count| *count == 4));
    }

    #[test]
    fn throws_biased_bytes_away_and_asks_again() {
        let mut calls = 0_u8;
        let key = DeviceKey::from_random(|bytes| {
            bytes.fill(255);
            bytes[0] = calls;
            calls += 1;
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(key.expose(), "0123456789ABCDEFGHIJKLMNOPQRSTUV");
        assert_eq!(calls, 32);
    }

    #[test]
    fn passes_on_what_the_generator_fails_with() {
        let failed = DeviceKey::from_random(|_| Err("no entropy"));
        assert_eq!(failed.unwrap_err(), "no entropy");
    }

    #[test]
    fn takes_a_key_of_the_guide() {
        assert_eq!(DeviceKey::parse(TEXT).unwrap().expose(), TEXT);
    }

    #[test]
    fn refuses_other_lengths_and_characters_without_repeating_them() {
        let short = DeviceKey::parse(&TEXT[1..]).unwrap_err();
        assert_eq!(short, KeyError::Length { found: 31 });
        let accented = DeviceKey::parse(&TEXT.replace('b', "é")).unwrap_err();
        assert_eq!(accented, KeyError::Character { position: 10 });
        assert!(!format!("{short} {accented}").contains("abcd"));
        assert!(DeviceKey::parse("").is_err());
        assert!(DeviceKey::parse(&format!("{TEXT}\n")).is_err());
    }

    #[test]
    fn debug_says_nothing() {
        assert_eq!(
            format!("{:?}", DeviceKey::parse(TEXT).unwrap()),
            "DeviceKey(…)"
        );
    }

    #[test]
    fn fingerprint_format_unchanged() {
        let key = DeviceKey::parse(TEXT).unwrap();
        // printf %s 12341234abcdabcd12341234abcdabcd | openssl dgst -sha256 -hmac server-secret
        insta::assert_snapshot!(key.fingerprint(b"server-secret"), @"85f795928a7514f31295810c83c836ece1eb8abaa0c422bbe2992e3227c6c129");
    }
}
