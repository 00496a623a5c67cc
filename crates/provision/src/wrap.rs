//! Wrapping: how keys, secret settings and plaintext files are kept at rest.
//!
//! AES-256-GCM under a subkey of a master key, which is a secret of the Worker. The identity of the
//! row is the associated data, so a value moved to another row does not unwrap there. The id of the
//! master key is stored with each value, so that the secret can be rotated: a [`Keyring`] wraps
//! with the current master key and unwraps with the previous one too, until every value has gone
//! through [`Keyring::rewrap`]. That may stop and start again anywhere.
//!
//! Two formats, both pinned by tests:
//!
//! | for | format |
//! |---|---|
//! | a column of text | `v1.<key id>.<base64url of the nonce>.<base64url of ciphertext and tag>` |
//! | a file in KV | see [`FileFrame`]; the bytes are WebCrypto's, which may do the work |
//!
//! A nonce is twelve random bytes, and must be new for every call. NIST SP 800-38D §8.3 allows 2³²
//! random nonces under one key: rotate the master key long before that.

mod frame;
mod master;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use frame::FileFrame;
pub use master::{MasterKey, MasterKeyError};

use crate::key::DeviceKey;

/// The master keys in use: the one that wraps, and during a rotation the one before it.
#[derive(Clone, Debug)]
pub struct Keyring {
    current: MasterKey,
    previous: Option<MasterKey>,
}

impl Keyring {
    /// Puts two master keys together.
    ///
    /// # Errors
    /// [`MasterKeyError::SameId`]: nobody could tell which of them wrapped a value.
    pub fn new(current: MasterKey, previous: Option<MasterKey>) -> Result<Self, MasterKeyError> {
        match &previous {
            Some(previous) if previous.id() == current.id() => Err(MasterKeyError::SameId {
                id: current.id().to_owned(),
            }),
            _ => Ok(Self { current, previous }),
        }
    }

    /// The master key that wraps.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The master key before it, during a rotation.
    pub fn previous(&self) -> Option<&MasterKey> {
        self.previous.as_ref()
    }

    /// The master key of this id, if it is one of the two.
    ///
    /// # Errors
    /// [`WrapError::UnknownKey`].
    pub fn find(&self, id: &str) -> Result<&MasterKey, WrapError> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.id() == id)
            .ok_or_else(|| WrapError::UnknownKey { id: id.to_owned() })
    }

    /// Wraps a value for the row that `associated_data` names, such as `device/<id>/key/<n>`.
    ///
    /// # Errors
    /// [`WrapError::TooLong`], which takes 64 GiB.
    pub fn wrap(
        &self,
        nonce: [u8; 12],
        associated_data: &str,
        plaintext: &[u8],
    ) -> Result<String, WrapError> {
        let ciphertext = seal(self.current.wrap_key(), nonce, associated_data, plaintext)?;
        Ok(Wrapped {
            key_id: self.current.id(),
            nonce,
            ciphertext,
        }
        .write())
    }

    /// Unwraps the value of the row that `associated_data` names.
    ///
    /// # Errors
    /// [`WrapError::Format`], [`WrapError::UnknownKey`] or [`WrapError::Tampered`].
    pub fn unwrap(&self, associated_data: &str, wrapped: &str) -> Result<Vec<u8>, WrapError> {
        let wrapped = Wrapped::parse(wrapped)?;
        let key = self.find(wrapped.key_id)?;
        open(key.wrap_key(), wrapped.nonce, associated_data, &wrapped.ciphertext)
    }

    /// Wraps a value again if it is not under the current master key: one step of a rotation.
    ///
    /// `None` says that the value may stay as it is.
    ///
    /// # Errors
    /// Those of [`unwrap`](Self::unwrap).
    pub fn rewrap(
        &self,
        nonce: [u8; 12],
        associated_data: &str,
        wrapped: &str,
    ) -> Result<Option<String>, WrapError> {
        if key_id_of(wrapped)? == self.current.id() {
            return Ok(None);
        }
        let plaintext = zeroize::Zeroizing::new(self.unwrap(associated_data, wrapped)?);
        self.wrap(nonce, associated_data, &plaintext).map(Some)
    }

    /// Every [fingerprint](DeviceKey::fingerprint) that a row with this key may have: under the
    /// current master key, to be stored, and under the previous one. A key is taken if a row has
    /// either of them.
    pub fn fingerprints(&self, key: &DeviceKey) -> (String, Option<String>) {
        let under = |master: &MasterKey| key.fingerprint(master.fingerprint_key());
        (under(&self.current), self.previous.as_ref().map(under))
    }

    /// Wraps a file for KV into a [`FileFrame`].
    ///
    /// # Errors
    /// [`WrapError::TooLong`], which takes 64 GiB.
    pub fn wrap_file(
        &self,
        nonce: [u8; 12],
        associated_data: &str,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, WrapError> {
        let ciphertext = seal(self.current.file_key(), nonce, associated_data, plaintext)?;
        Ok(FileFrame::write(&self.current, nonce, &ciphertext))
    }

    /// Unwraps a file from KV.
    ///
    /// # Errors
    /// Those of [`unwrap`](Self::unwrap).
    pub fn unwrap_file(&self, associated_data: &str, frame: &[u8]) -> Result<Vec<u8>, WrapError> {
        let frame = FileFrame::parse(frame)?;
        let key = self.find(frame.key_id)?;
        open(key.file_key(), frame.nonce, associated_data, frame.ciphertext)
    }
}

/// The id of the master key that a value was wrapped under.
///
/// # Errors
/// [`WrapError::Format`].
pub fn key_id_of(wrapped: &str) -> Result<&str, WrapError> {
    Ok(Wrapped::parse(wrapped)?.key_id)
}

/// Why a value does not unwrap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// Not one of the formats of this module.
    #[error("not a wrapped value: {0}")]
    Format(&'static str),
    /// The master key is not in the ring.
    #[error(
        "wrapped under the master key `{id}`, which is neither the current nor the previous one: \
         give it back as the previous one until the rotation has finished"
    )]
    UnknownKey {
        /// The id stored with the value.
        id: String,
    },
    /// The tag is wrong.
    #[error(
        "the value was altered, belongs to another row, or its master key's id now names another secret"
    )]
    Tampered,
    /// More than AES-GCM can take.
    #[error("the value is too long to be wrapped")]
    TooLong,
}

/// The parts of a wrapped text.
struct Wrapped<'a> {
    key_id: &'a str,
    nonce: [u8; 12],
    ciphertext: Vec<u8>,
}

impl<'a> Wrapped<'a> {
    const VERSION: &'static str = "v1";

    fn parse(text: &'a str) -> Result<Self, WrapError> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(WrapError::Format("it needs four parts"));
        let (version, key_id, nonce, ciphertext) = (next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(WrapError::Format("it has more than four parts"));
        }
        if version != Self::VERSION {
            return Err(WrapError::Format("it is not of version v1"));
        }
        if !MasterKey::is_id(key_id) {
            return Err(WrapError::Format("its key id is not one"));
        }
        let bytes = |part: &str| {
            URL_SAFE_NO_PAD
                .decode(part)
                .map_err(|_| WrapError::Format("it is not in base64url"))
        };
        Ok(Self {
            key_id,
            nonce: <[u8; 12]>::try_from(bytes(nonce)?)
                .map_err(|_| WrapError::Format("its nonce has not twelve bytes"))?,
            ciphertext: bytes(ciphertext)?,
        })
    }

    fn write(&self) -> String {
        format!(
            "{}.{}.{}.{}",
            Self::VERSION,
            self.key_id,
            URL_SAFE_NO_PAD.encode(self.nonce),
            URL_SAFE_NO_PAD.encode(&self.ciphertext),
        )
    }
}

fn seal(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated_data: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, WrapError> {
    let payload = Payload {
        msg: plaintext,
        aad: associated_data.as_bytes(),
    };
    Aes256Gcm::new(key.into())
        .encrypt(&nonce.into(), payload)
        .map_err(|_| WrapError::TooLong)
}

fn open(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated_data: &str,
    ciphertext: &[u8],
) -> Result<Vec<u8>, WrapError> {
    let payload = Payload {
        msg: ciphertext,
        aad: associated_data.as_bytes(),
    };
    Aes256Gcm::new(key.into())
        .decrypt(&nonce.into(), payload)
        .map_err(|_| WrapError::Tampered)
}
