//! The envelope around the ciphertext: `Salted__`, the salt, the ciphertext; in base64 or not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What `openssl enc -salt` writes before the salt.
const MAGIC: [u8; 8] = *b"Salted__";
/// Bytes of a base64 line: 64 columns.
const LINE: usize = 48;
/// The longest line that is read: RFC 2045 §6.8. The phone's and `openssl`'s limits are near it.
const MAX_LINE: usize = 76;
/// AES works on blocks of this many bytes, whatever the key.
pub(super) const BLOCK: usize = 16;

/// How an envelope is written into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// Base64 (RFC 4648 §4) wrapped at 64 columns, each line ending in LF: `openssl enc -a`.
    ///
    /// The wrapping is not a nicety: `openssl enc -d -a` refuses one long line.
    #[serde(rename = "base64")]
    Base64Lines64,
    /// The bytes themselves.
    #[serde(rename = "binary")]
    Binary,
}

impl Encoding {
    /// The bytes of a file whose ciphertext has `len` bytes.
    pub(super) fn file_len(self, len: usize) -> usize {
        let len = len.saturating_add(MAGIC.len() + 8);
        match self {
            Self::Binary => len,
            Self::Base64Lines64 => {
                let digits = len.div_ceil(3).saturating_mul(4);
                digits.saturating_add(len.div_ceil(LINE))
            }
        }
    }
}

/// Salt and ciphertext, out of a file or on their way into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Goes into the derivation of key and IV.
    pub salt: [u8; 8],
    /// A positive number of 16-byte blocks.
    pub ciphertext: Vec<u8>,
}

impl Envelope {
    /// Reads a file. The last line of base64 need not end, and lines may end in CRLF.
    ///
    /// # Errors
    /// [`OpenError`], the first thing that is not as `openssl enc` writes it.
    pub fn parse(encoding: Encoding, file: &[u8]) -> Result<Self, OpenError> {
        match encoding {
            Encoding::Binary => Self::from_binary(file),
            Encoding::Base64Lines64 => Self::from_binary(&decode_lines(file)?),
        }
    }

    /// Writes a file.
    pub fn write(encoding: Encoding, salt: [u8; 8], ciphertext: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAGIC.len() + salt.len() + ciphertext.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(ciphertext);
        match encoding {
            Encoding::Binary => bytes,
            Encoding::Base64Lines64 => encode_lines(&bytes),
        }
    }

    fn from_binary(bytes: &[u8]) -> Result<Self, OpenError> {
        let (magic, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or(OpenError::Truncated { len: bytes.len() })?;
        if *magic != MAGIC {
            return Err(OpenError::NotSalted);
        }
        let (salt, ciphertext) = rest
            .split_first_chunk::<8>()
            .ok_or(OpenError::Truncated { len: bytes.len() })?;
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
            return Err(OpenError::Ragged {
                len: ciphertext.len(),
            });
        }
        Ok(Self {
            salt: *salt,
            ciphertext: ciphertext.to_vec(),
        })
    }
}

/// Why a sealed file cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A line that `openssl enc -d -a` might refuse.
    #[error("line {line} is longer than {MAX_LINE} characters: base64 must be wrapped")]
    LineTooLong {
        /// Counted from 1.
        line: usize,
    },
    /// A character outside of the base64 alphabet, or padding where none belongs.
    #[error("not base64: is the file sealed, and is the profile's encoding right?")]
    NotBase64,
    /// The first eight bytes are not `Salted__`.
    #[error(
        "the file does not begin with `Salted__`: is it sealed, and is the profile's encoding right?"
    )]
    NotSalted,
    /// Shorter than `Salted__` and a salt.
    #[error("the file ends after {len} bytes, within its header")]
    Truncated {
        /// The bytes found, after base64 where there is any.
        len: usize,
    },
    /// Not a positive number of blocks: part of the file is missing.
    #[error(
        "the ciphertext has {len} bytes, not a positive multiple of {BLOCK}: part of the file is missing"
    )]
    Ragged {
        /// The bytes of ciphertext.
        len: usize,
    },
    /// A record of `aes128gcm` is not what was sealed, or not in its place.
    #[error("record {number} does not open: another key, or a damaged or shortened file")]
    Record {
        /// Counted from 1.
        number: usize,
    },
    /// A record size that has no room for content.
    #[error("the record size {found} is below 18")]
    RecordSize {
        /// The size in the header.
        found: u32,
    },
    /// The padding is wrong.
    #[error("decryption gave nonsense: another key, another cipher or digest, or a damaged file")]
    Padding,
}

fn encode_lines(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::with_capacity(bytes.len().div_ceil(LINE) * 65);
    for line in bytes.chunks(LINE) {
        STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text.into_bytes()
}

fn decode_lines(file: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut digits = Vec::with_capacity(file.len());
    for (line, number) in file.split(|byte| *byte == b'\n').zip(1..) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() > MAX_LINE {
            return Err(OpenError::LineTooLong { line: number });
        }
        digits.extend_from_slice(line);
    }
    STANDARD.decode(digits).map_err(|_| OpenError::NotBase64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

    use super::*;

    const SALT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn base64_has_64_columns_and_a_final_newline() {
        let file = Envelope::write(Encoding::Base64Lines64, SALT, &[7; 64]);
        let lines: Vec<usize> = file.split(|byte| *byte == b'\n').map(<[u8]>::len).collect();
        assert_eq!(lines, [64, 44, 0]);
        assert_eq!(file.len(), Encoding::Base64Lines64.file_len(64));
    }

    #[test]
    fn a_full_last_line_is_not_followed_by_an_empty_one() {
        let file = Envelope::write(Encoding::Base64Lines64, SALT, &[7; 32]);
        assert_eq!(file.len(), 65);
        assert_eq!(file.len(), Encoding::Base64Lines64.file_len(32));
    }

    #[test]
    fn reads_crlf_and_a_last_line_without_end() {
        let file = Envelope::write(Encoding::Base64Lines64, SALT, &[7; 64]);
        let crlf = String::from_utf8(file).unwrap().replace('\n', "\r\n");
        let opened = Envelope::parse(Encoding::Base64Lines64, crlf.trim_end().as_bytes()).unwrap();
        assert_eq!((opened.salt, opened.ciphertext), (SALT, vec![7; 64]));
    }

    #[test]
    fn says_what_is_wrong() {
        let base64 = |file: &[u8]| Envelope::parse(Encoding::Base64Lines64, file).unwrap_err();
        let binary = |file: &[u8]| Envelope::parse(Encoding::Binary, file).unwrap_err();
        let one_line = STANDARD.encode(Envelope::write(Encoding::Binary, SALT, &[7; 64]));
        assert_eq!(
            base64(one_line.as_bytes()),
            OpenError::LineTooLong { line: 1 }
        );
        assert_eq!(base64(b"<PANASIPPhoneConfig/>\n"), OpenError::NotBase64);
        assert_eq!(base64(b""), OpenError::Truncated { len: 0 });
        assert_eq!(binary(b"Salted__1234567"), OpenError::Truncated { len: 15 });
        assert_eq!(binary(b"<PANASIPPhoneConfig/>\n"), OpenError::NotSalted);
        assert_eq!(binary(b"Salted__12345678"), OpenError::Ragged { len: 0 });
        assert_eq!(binary(b"Salted__12345678abc"), OpenError::Ragged { len: 3 });
    }
}
