//! AES-128-CBC by the `aes` and `cbc` crates, as `ringfence_provision::seal` does it.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};

/// Encrypts `size` zero bytes; the length of the ciphertext, so that nothing is optimised away.
#[unsafe(no_mangle)]
pub extern "C" fn encrypt(size: u32) -> u32 {
    let plaintext = vec![0_u8; size as usize];
    let sealed = cbc::Encryptor::<aes::Aes128>::new(&[7; 16].into(), &[9; 16].into())
        .encrypt_padded_vec::<Pkcs7>(&plaintext);
    let last = sealed.last().copied().unwrap_or_default();
    sealed.len() as u32 ^ u32::from(last)
}
