//! AES-CBC with PKCS#7: the reference for WebCrypto.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, Iv, Key, KeyIvInit};
use cbc::{Decryptor, Encryptor};
use zeroize::Zeroize;

use super::envelope::{BLOCK, OpenError};
use super::kdf::KeyIv;
use super::method::Cipher;

pub(super) fn encrypt(cipher: Cipher, key_iv: &KeyIv, plaintext: &[u8]) -> Vec<u8> {
    match cipher {
        Cipher::Aes128 => encrypt_by::<Encryptor<Aes128>, 16>(key_iv, plaintext),
        Cipher::Aes192 => encrypt_by::<Encryptor<Aes192>, 24>(key_iv, plaintext),
        Cipher::Aes256 => encrypt_by::<Encryptor<Aes256>, 32>(key_iv, plaintext),
    }
}

pub(super) fn decrypt(
    cipher: Cipher,
    key_iv: &KeyIv,
    ciphertext: &[u8],
) -> Result<Vec<u8>, OpenError> {
    let len = ciphertext.len();
    if len == 0 || !len.is_multiple_of(BLOCK) {
        return Err(OpenError::Ragged { len });
    }
    match cipher {
        Cipher::Aes128 => decrypt_by::<Decryptor<Aes128>, 16>(key_iv, ciphertext),
        Cipher::Aes192 => decrypt_by::<Decryptor<Aes192>, 24>(key_iv, ciphertext),
        Cipher::Aes256 => decrypt_by::<Decryptor<Aes256>, 32>(key_iv, ciphertext),
    }
}

fn encrypt_by<M, const K: usize>(key_iv: &KeyIv, plaintext: &[u8]) -> Vec<u8>
where
    M: KeyIvInit + BlockModeEncrypt,
    Key<M>: From<[u8; K]>,
    Iv<M>: From<[u8; 16]>,
{
    mode::<M, K>(key_iv).encrypt_padded_vec::<Pkcs7>(plaintext)
}

fn decrypt_by<M, const K: usize>(key_iv: &KeyIv, ciphertext: &[u8]) -> Result<Vec<u8>, OpenError>
where
    M: KeyIvInit + BlockModeDecrypt,
    Key<M>: From<[u8; K]>,
    Iv<M>: From<[u8; 16]>,
{
    mode::<M, K>(key_iv)
        .decrypt_padded_vec::<Pkcs7>(ciphertext)
        .map_err(|_| OpenError::Padding)
}

/// Keys a block mode. That `K` is the size of the mode's key is checked by the compiler, and that it is the
/// size of the key in hand by a property test.
fn mode<M, const K: usize>(key_iv: &KeyIv) -> M
where
    M: KeyIvInit,
    Key<M>: From<[u8; K]>,
    Iv<M>: From<[u8; 16]>,
{
    let mut bytes = [0; K];
    for (place, byte) in bytes.iter_mut().zip(&key_iv.key) {
        *place = *byte;
    }
    let mut key = Key::<M>::from(bytes);
    let mode = M::new(&key, &Iv::<M>::from(key_iv.iv));
    key.as_mut_slice().zeroize();
    bytes.zeroize();
    mode
}
