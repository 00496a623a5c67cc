//! AES in ECB mode with a fill of line ends. See [`Method::Ecb`](super::Method::Ecb).

use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, array::Array, consts::U16,
};

use super::envelope::{BLOCK, OpenError};

/// The byte of the fill, and how many of them there are at least: as PKCS#7 the last ten bytes say "ten".
const FILL: u8 = b'\n';
const MIN_FILL: usize = FILL as usize;

/// The bytes of the sealed file of a plaintext of `plain_len` bytes.
pub(super) fn sealed_len(plain_len: usize) -> usize {
    plain_len
        .saturating_add(MIN_FILL)
        .div_ceil(BLOCK)
        .saturating_mul(BLOCK)
}

pub(super) fn seal<C>(cipher: &C, plaintext: &[u8]) -> Vec<u8>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut bytes = Vec::with_capacity(sealed_len(plaintext.len()));
    bytes.extend_from_slice(plaintext);
    bytes.resize(sealed_len(plaintext.len()), FILL);
    for block in bytes.as_chunks_mut::<BLOCK>().0 {
        let mut one = Array::from(*block);
        cipher.encrypt_block(&mut one);
        *block = one.into();
    }
    bytes
}

/// The content with what a reader of PKCS#7 leaves of the fill: up to 15 line ends more than were sealed.
pub(super) fn open<C>(cipher: &C, file: &[u8]) -> Result<Vec<u8>, OpenError>
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut bytes = file.to_vec();
    let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
    if blocks.is_empty() || !rest.is_empty() {
        return Err(OpenError::Ragged { len: file.len() });
    }
    for block in blocks {
        let mut one = Array::from(*block);
        cipher.decrypt_block(&mut one);
        *block = one.into();
    }
    bytes
        .strip_suffix(&[FILL; MIN_FILL])
        .map(<[u8]>::to_vec)
        .ok_or(OpenError::Padding)
}
