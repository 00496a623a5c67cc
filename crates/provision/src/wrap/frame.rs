//! The frame around a wrapped file in KV.

use super::{MasterKey, WrapError};

/// A wrapped file: the bytes `v1`, the length of the key id (one byte), the key id, the nonce
/// (twelve bytes), and ciphertext with tag as WebCrypto's AES-GCM gives and takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFrame<'a> {
    /// The master key whose [file key](MasterKey::file_key) it is under.
    pub key_id: &'a str,
    /// The nonce.
    pub nonce: [u8; 12],
    /// Ciphertext and 16 bytes of tag.
    pub ciphertext: &'a [u8],
}

impl<'a> FileFrame<'a> {
    const VERSION: [u8; 2] = *b"v1";
    /// The bytes of a GCM tag.
    const TAG: usize = 16;

    /// Reads a frame.
    ///
    /// # Errors
    /// [`WrapError::Format`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WrapError> {
        const SHORT: WrapError = WrapError::Format("it ends within its header");
        let (version, rest) = bytes.split_first_chunk::<2>().ok_or(SHORT)?;
        if *version != Self::VERSION {
            return Err(WrapError::Format("it is not of version v1"));
        }
        let (len, rest) = rest.split_first().ok_or(SHORT)?;
        let (key_id, rest) = rest.split_at_checked(usize::from(*len)).ok_or(SHORT)?;
        let key_id = std::str::from_utf8(key_id)
            .ok()
            .filter(|id| MasterKey::is_id(id))
            .ok_or(WrapError::Format("its key id is not one"))?;
        let (nonce, ciphertext) = rest.split_first_chunk::<12>().ok_or(SHORT)?;
        if ciphertext.len() < Self::TAG {
            return Err(WrapError::Format("it has no tag"));
        }
        Ok(Self {
            key_id,
            nonce: *nonce,
            ciphertext,
        })
    }

    /// Writes a frame around what was encrypted under `master`'s [file key](MasterKey::file_key).
    pub fn write(master: &MasterKey, nonce: [u8; 12], ciphertext: &[u8]) -> Vec<u8> {
        let key_id = master.id();
        // An id has 32 characters at most.
        let len = u8::try_from(key_id.len()).unwrap_or(u8::MAX);
        [
            &Self::VERSION[..],
            &[len],
            key_id.as_bytes(),
            &nonce,
            ciphertext,
        ]
        .concat()
    }
}
