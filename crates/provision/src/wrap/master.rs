//! The master key and what is derived from it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::hash::{hex, hmac_sha256};

/// A master key: an id, and subkeys for separate purposes.
///
/// The secret itself is not kept. HKDF-SHA256 (RFC 5869) without salt turns it into one subkey per
/// purpose, with `ringfence/v1/<purpose>` as the info, so that no secret serves two algorithms.
/// `Debug` shows the id alone, and the subkeys are wiped when dropped.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    wrap: Zeroizing<[u8; 32]>,
    fingerprint: Zeroizing<[u8; 32]>,
    salt: Zeroizing<[u8; 32]>,
    file: Zeroizing<[u8; 32]>,
    audit: Zeroizing<[u8; 32]>,
}

impl MasterKey {
    /// Reads `<id>:<base64 of 32 random bytes>`. The id is 1 to 32 of `[A-Za-z0-9_-]`, the base64
    /// of either alphabet and padded. White space around it is no part of it, since a secret that
    /// comes from a file tends to end in a newline.
    ///
    /// # Errors
    /// [`MasterKeyError`], which never repeats the secret.
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let (id, secret) = text.trim().split_once(':').ok_or(MasterKeyError::NoId)?;
        if !Self::is_id(id) {
            return Err(MasterKeyError::Id);
        }
        let secret = Zeroizing::new(
            STANDARD
                .decode(secret)
                .or_else(|_| URL_SAFE.decode(secret))
                .map_err(|_| MasterKeyError::NotBase64 { id: id.to_owned() })?,
        );
        if secret.len() != 32 {
            return Err(MasterKeyError::Length {
                id: id.to_owned(),
                found: secret.len(),
            });
        }
        let hkdf = Hkdf::<Sha256>::new(None, &secret);
        let subkey = |purpose: &str| {
            let mut subkey = Zeroizing::new([0; 32]);
            hkdf.expand_multi_info(
                &[b"ringfence/v1/", purpose.as_bytes()],
                subkey.as_mut_slice(),
            )
            .map_err(|_| MasterKeyError::Derivation)?;
            Ok(subkey)
        };
        Ok(Self {
            id: id.to_owned(),
            wrap: subkey("wrap")?,
            fingerprint: subkey("fingerprint")?,
            salt: subkey("salt")?,
            file: subkey("file")?,
            audit: subkey("audit")?,
        })
    }

    /// The name that is stored beside each value.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The AES-256-GCM key of wrapped text.
    pub fn wrap_key(&self) -> &[u8; 32] {
        &self.wrap
    }

    /// The AES-256-GCM key of files in KV.
    pub fn file_key(&self) -> &[u8; 32] {
        &self.file
    }

    /// The secret of [`DeviceKey::fingerprint`](crate::key::DeviceKey::fingerprint).
    ///
    /// A rotation changes every fingerprint: write the new one together with the key wrapped
    /// again, and look for both meanwhile ([`Keyring::fingerprints`](super::Keyring::fingerprints)).
    pub fn fingerprint_key(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The secret of [`seal::salt`](crate::seal::salt). A rotation changes sealed bytes and their
    /// ETags, which costs each phone one download.
    pub fn salt_key(&self) -> &[u8; 32] {
        &self.salt
    }

    /// HMAC-SHA256 for the audit log, as lower-case hex: the digest of a value that the log does not
    /// show, or the seal of the log's end. Nobody can try values without the master key.
    ///
    /// Each part is preceded by its length in bytes (64 bits, big endian), so no two lists of parts
    /// have one tag. A rotation changes every tag.
    pub fn audit_tag(&self, parts: &[&str]) -> String {
        let lengths: Vec<[u8; 8]> = parts
            .iter()
            .map(|part| (part.len() as u64).to_be_bytes())
            .collect();
        let pieces: Vec<&[u8]> = lengths
            .iter()
            .zip(parts)
            .flat_map(|(length, part)| [length.as_slice(), part.as_bytes()])
            .collect();
        hex(&hmac_sha256(self.audit.as_slice(), &pieces))
    }

    /// Whether a text is fit to be an id: it must not be torn apart by the formats around it.
    pub(super) fn is_id(id: &str) -> bool {
        (1..=32).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a text is not a master key, or two of them are not a ring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeyError {
    /// No colon.
    #[error("a master key is written `<id>:<base64 of 32 random bytes>`; the colon is missing")]
    NoId,
    /// The id has other characters, or too many.
    #[error("a master key's id must be 1 to 32 of the characters A–Z, a–z, 0–9, _ and -")]
    Id,
    /// The secret is not base64.
    #[error("the master key `{id}` is not in base64; make one with `openssl rand -base64 32`")]
    NotBase64 {
        /// The id.
        id: String,
    },
    /// The secret has another length.
    #[error(
        "the master key `{id}` has {found} bytes, not 32; make one with `openssl rand -base64 32`"
    )]
    Length {
        /// The id.
        id: String,
        /// The bytes found.
        found: usize,
    },
    /// The current and the previous master key have one id.
    #[error(
        "the current and the previous master key are both called `{id}`: give the new one a new id"
    )]
    SameId {
        /// The id.
        id: String,
    },
    /// HKDF refused, which it does for more than 8160 bytes and not for 32.
    #[error("the subkeys of the master key could not be derived")]
    Derivation,
}
