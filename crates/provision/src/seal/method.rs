//! The ways in which phones want their files encrypted, as data.

use serde::{Deserialize, Serialize};

use super::envelope::{BLOCK, Encoding};
use super::kdf::Digest;
use super::{aes128gcm, ecb};

/// AES in CBC mode with PKCS#7 padding, by the size of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cipher {
    /// 128 bits.
    #[serde(rename = "aes-128-cbc")]
    Aes128,
    /// 192 bits.
    #[serde(rename = "aes-192-cbc")]
    Aes192,
    /// 256 bits.
    #[serde(rename = "aes-256-cbc")]
    Aes256,
}

impl Cipher {
    /// The name that `openssl enc` takes after a dash.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aes128 => "aes-128-cbc",
            Self::Aes192 => "aes-192-cbc",
            Self::Aes256 => "aes-256-cbc",
        }
    }

    /// The size of the cipher's key in bits. The length of the text that a phone is told is another matter.
    pub fn bits(self) -> u16 {
        match self {
            Self::Aes128 => 128,
            Self::Aes192 => 192,
            Self::Aes256 => 256,
        }
    }
}

/// The size of a key that a phone takes as characters, each of which is a byte of the AES key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EcbKey {
    /// 16 characters: AES-128.
    Chars16,
    /// 32 characters: AES-256.
    Chars32,
}

/// How a phone makes the bytes of the input keying material of RFC 8188 of the text that it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ikm {
    /// Each character is a byte; the text is the beginning of the device's key.
    #[default]
    Ascii,
    /// The text is hexadecimal digits, of bytes that are derived from the device's key.
    Hex,
    /// The text is the same bytes in base64url without padding.
    Base64url,
}

impl Ikm {
    /// How many bytes there are unless a profile says otherwise: all of the device's key, or as many as AES-128 has.
    pub const fn usual_len(self) -> u8 {
        match self {
            Self::Ascii => 32,
            Self::Hex | Self::Base64url => 16,
        }
    }
}

/// The id of the key in the header of RFC 8188: up to [`MAX_LEN`](Self::MAX_LEN) bytes, by which a reader that has several
/// keys finds the one. It is not secret, and takes no part in the encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    len: u8,
    bytes: [u8; Self::MAX_LEN],
}

impl KeyId {
    /// The longest that a profile has, in bytes. RFC 8188 allows 255.
    pub const MAX_LEN: usize = 32;
    /// None.
    pub const EMPTY: Self = Self {
        len: 0,
        bytes: [0; Self::MAX_LEN],
    };

    /// An id; `None` where it is too long.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = Self::EMPTY;
        id.bytes
            .get_mut(..text.len())?
            .copy_from_slice(text.as_bytes());
        id.len = u8::try_from(text.len()).ok()?;
        Some(id)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// How a file is encrypted, and what stands around the ciphertext.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// What `openssl enc -salt -k …` writes: `Salted__`, eight bytes of salt, AES-CBC with PKCS#7; key and IV
    /// by `EVP_BytesToKey` with one iteration from the text that the phone is told.
    Salted {
        /// The cipher.
        cipher: Cipher,
        /// The digest of the key derivation.
        kdf: Digest,
        /// How the envelope is written.
        encoding: Encoding,
    },
    /// AES-128-CBC with PKCS#7 and nothing around it: `openssl enc -K … -iv …`. The phone is told key and IV,
    /// each as 32 hexadecimal digits.
    ///
    /// The IV is the same for every file of a key: of two files it shows how many of their first 16-byte
    /// blocks are equal.
    FixedIv,
    /// AES in ECB mode with nothing around it: `openssl enc -aes-128-ecb -K … -nopad`, under the very
    /// characters that the phone is told. 10 to 25 LF are put behind the content, up to a whole block: what
    /// a phone takes off is not known, and these are right both ways. Read as PKCS#7 the last ten bytes `0A`
    /// are a padding; read as text they are empty lines.
    ///
    /// Equal 16-byte blocks are equal in the sealed file, within one and between two, and blocks can be
    /// swapped.
    Ecb(EcbKey),
    /// RFC 8188: salt (16 bytes), record size (4), length of the key's id (1), the id, records under
    /// AES-128-GCM. The answer says `Content-Encoding: aes128gcm`. The one method that tells a phone whether
    /// the file was changed on its way.
    Aes128Gcm {
        /// How the phone reads its key text.
        ikm: Ikm,
        /// How many bytes of keying material there are: [`MIN_KEY_LEN`](Self::MIN_KEY_LEN) to
        /// [`MAX_KEY_LEN`](Self::MAX_KEY_LEN).
        key_len: u8,
        /// The id of the key.
        key_id: KeyId,
        /// Bytes of a record with its tag, at least [`MIN_RECORD_SIZE`](Self::MIN_RECORD_SIZE). Fixed for
        /// good: the same content in records of another size would use a nonce twice.
        record_size: u32,
    },
}

impl Method {
    /// The fewest bytes of keying material for RFC 8188: those of an AES-128 key.
    pub const MIN_KEY_LEN: u8 = 16;
    /// The most: the characters of a device's key, and the bytes that are derived from it.
    pub const MAX_KEY_LEN: u8 = 32;
    /// RFC 8188 §2: a record has a tag of 16 bytes, a delimiter, and room for something.
    pub const MIN_RECORD_SIZE: u32 = 18;
    /// The record size that every implementation knows from the RFC's example.
    pub const USUAL_RECORD_SIZE: u32 = 4096;

    /// The cipher's name: what `openssl enc` takes after a dash, or the name of the content coding.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Salted { cipher, .. } => cipher.as_str(),
            Self::FixedIv => Cipher::Aes128.as_str(),
            Self::Ecb(EcbKey::Chars16) => "aes-128-ecb",
            Self::Ecb(EcbKey::Chars32) => "aes-256-ecb",
            Self::Aes128Gcm { .. } => aes128gcm::NAME,
        }
    }

    /// The size of the cipher's key in bits.
    pub fn bits(self) -> u16 {
        match self {
            Self::Salted { cipher, .. } => cipher.bits(),
            Self::FixedIv | Self::Ecb(EcbKey::Chars16) | Self::Aes128Gcm { .. } => 128,
            Self::Ecb(EcbKey::Chars32) => 256,
        }
    }

    /// The `Content-Encoding` that the answer must have, where the phone goes by it.
    pub fn content_encoding(self) -> Option<&'static str> {
        matches!(self, Self::Aes128Gcm { .. }).then_some(aes128gcm::NAME)
    }

    /// The bytes of the sealed file of a plaintext of `plain_len` bytes.
    pub fn sealed_len(self, plain_len: usize) -> usize {
        // PKCS#7 always pads: a plaintext of whole blocks grows by one.
        let cbc = (plain_len / BLOCK).saturating_add(1).saturating_mul(BLOCK);
        match self {
            Self::Salted { encoding, .. } => encoding.file_len(cbc),
            Self::FixedIv => cbc,
            Self::Ecb(_) => ecb::sealed_len(plain_len),
            Self::Aes128Gcm {
                record_size,
                key_id,
                ..
            } => aes128gcm::sealed_len(plain_len, record_size, &key_id),
        }
    }
}
