//! The content coding `aes128gcm` (RFC 8188).
//!
//! ```text
//! salt (16) ‖ record size (4, big endian) ‖ length of the key's id (1) ‖ key's id ‖ records
//! ```
//!
//! A record is the AES-128-GCM of a piece of the content, a delimiter (1, and 2 in the last one) and zeros;
//! none of ours has zeros. Key and nonces are HKDF-SHA256's from salt and input keying material; the number
//! of the record goes into its nonce.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes128Gcm, KeyInit};
use zeroize::Zeroizing;

use super::envelope::OpenError;
use super::sealer::SealError;
use super::{KeyId, Method, Salt};
use crate::hash::hmac_sha256;

/// The name of the coding.
pub(super) const NAME: &str = "aes128gcm";

const TAG: usize = 16;
/// What a record has beside content: tag and delimiter.
const OVERHEAD: usize = TAG + 1;
/// Salt, record size, length of the key's id; without the id.
const HEADER: usize = 16 + 4 + 1;
const MORE: u8 = 1;
const LAST: u8 = 2;

/// What AES-128-GCM is to encrypt, without associated data and with tags of 16 bytes, so that WebCrypto may do
/// it: what comes of the records, one after the other, is what
/// [`Sealer::assemble`](super::Sealer::assemble) takes.
pub struct GcmRecords {
    /// The key of all of them.
    pub key: Zeroizing<[u8; 16]>,
    /// In their order; at least one.
    pub records: Vec<GcmRecord>,
}

/// One record, see [`GcmRecords`].
pub struct GcmRecord {
    /// Its nonce.
    pub nonce: [u8; 12],
    /// A piece of the content and the delimiter.
    pub plaintext: Vec<u8>,
}

impl std::fmt::Debug for GcmRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GcmRecords(…)")
    }
}

/// Content bytes of a record. The size is at least [`Method::MIN_RECORD_SIZE`] by the profile's check.
fn room(record_size: u32) -> usize {
    usize::try_from(record_size)
        .unwrap_or(usize::MAX)
        .saturating_sub(OVERHEAD)
        .max(1)
}

/// The bytes of the sealed file of a plaintext of `plain_len` bytes.
pub(super) fn sealed_len(plain_len: usize, record_size: u32, key_id: &KeyId) -> usize {
    let records = plain_len.div_ceil(room(record_size)).max(1);
    records
        .saturating_mul(OVERHEAD)
        .saturating_add(plain_len)
        .saturating_add(HEADER)
        .saturating_add(key_id.as_bytes().len())
}

/// Cuts a content into records.
pub(super) fn records(ikm: &[u8], salt: &Salt, record_size: u32, content: &[u8]) -> GcmRecords {
    let (key, base) = keys(ikm, salt);
    let room = room(record_size);
    let pieces = content.chunks(room);
    // An empty content has one record, too.
    let count = pieces.len().max(1);
    let pieces = pieces.chain(content.is_empty().then_some(content));
    let records = pieces
        .zip(0_u64..)
        .zip(1..)
        .map(|((piece, number), place)| {
            let delimiter = if place == count { LAST } else { MORE };
            GcmRecord {
                nonce: nonce(base, number),
                plaintext: [piece, &[delimiter]].concat(),
            }
        });
    GcmRecords {
        key,
        records: records.collect(),
    }
}

/// Encrypts records: the reference for WebCrypto.
pub(super) fn encrypt(job: &GcmRecords) -> Result<Vec<u8>, SealError> {
    let cipher = Aes128Gcm::new((&*job.key).into());
    let mut all = Vec::new();
    for record in &job.records {
        let sealed = cipher
            .encrypt(&record.nonce.into(), record.plaintext.as_slice())
            .map_err(|_| SealError::TooLong)?;
        all.extend_from_slice(&sealed);
    }
    Ok(all)
}

/// The file with these encrypted records.
pub(super) fn write(salt: &Salt, record_size: u32, key_id: &KeyId, records: &[u8]) -> Vec<u8> {
    let id = key_id.as_bytes();
    let len = u8::try_from(id.len()).unwrap_or_default();
    [&salt[..], &record_size.to_be_bytes(), &[len], id, records].concat()
}

/// Opens a file. A key's id is passed over.
pub(super) fn open(ikm: &[u8], file: &[u8]) -> Result<Vec<u8>, OpenError> {
    let short = OpenError::Truncated { len: file.len() };
    let (salt, rest) = file.split_first_chunk::<16>().ok_or(short)?;
    let (record_size, rest) = rest.split_first_chunk::<4>().ok_or(short)?;
    let (id_len, rest) = rest.split_first().ok_or(short)?;
    let (_id, body) = rest.split_at_checked(usize::from(*id_len)).ok_or(short)?;
    let record_size = u32::from_be_bytes(*record_size);
    if record_size < Method::MIN_RECORD_SIZE {
        return Err(OpenError::RecordSize { found: record_size });
    }
    let (key, base) = keys(ikm, salt);
    let cipher = Aes128Gcm::new((&*key).into());
    let chunks = body.chunks(usize::try_from(record_size).unwrap_or(usize::MAX));
    let count = chunks.len();
    if count == 0 {
        return Err(short);
    }
    let mut content = Vec::with_capacity(body.len());
    for ((chunk, number), place) in chunks.zip(0_u64..).zip(1..) {
        let wrong = OpenError::Record { number: place };
        let payload = Payload {
            msg: chunk,
            aad: b"",
        };
        let piece = cipher.decrypt(&nonce(base, number).into(), payload);
        let mut piece = piece.map_err(|_| wrong)?;
        while piece.last() == Some(&0) {
            piece.pop();
        }
        let delimiter = if place == count { LAST } else { MORE };
        if piece.pop() != Some(delimiter) {
            return Err(wrong);
        }
        content.extend_from_slice(&piece);
    }
    Ok(content)
}

/// The key and what the nonces are made from (RFC 8188 §2.2 and §2.3). Both are one block of HKDF.
fn keys(ikm: &[u8], salt: &Salt) -> (Zeroizing<[u8; 16]>, [u8; 12]) {
    let prk = Zeroizing::new(hmac_sha256(salt, &[ikm]));
    let mut key = Zeroizing::new([0; 16]);
    let mut base = [0; 12];
    let expand = |info: &[u8], into: &mut [u8]| {
        let block = Zeroizing::new(hmac_sha256(prk.as_slice(), &[info, b"\0\x01"]));
        for (place, byte) in into.iter_mut().zip(block.iter()) {
            *place = *byte;
        }
    };
    expand(b"Content-Encoding: aes128gcm", key.as_mut_slice());
    expand(b"Content-Encoding: nonce", &mut base);
    (key, base)
}

/// The nonce of a record, counted from 0: the number goes into the last bytes.
fn nonce(base: [u8; 12], number: u64) -> [u8; 12] {
    let mut nonce = base;
    for (place, byte) in nonce
        .iter_mut()
        .rev()
        .zip(number.to_be_bytes().iter().rev())
    {
        *place ^= byte;
    }
    nonce
}
