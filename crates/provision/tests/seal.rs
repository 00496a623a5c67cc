//! What must hold of sealing whatever is sealed, with whatever key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use proptest::prelude::*;
use ringfence_provision::key::DeviceKey;
use ringfence_provision::seal::{Cipher, Digest, Encoding, KeyIv, Profile, salt};
use ringfence_provision::vendor;
use ringfence_provision::wrap::{Keyring, MasterKey};

fn profiles() -> impl Strategy<Value = Profile> {
    let cipher = prop_oneof![
        Just(Cipher::Aes128),
        Just(Cipher::Aes192),
        Just(Cipher::Aes256)
    ];
    let digest = prop_oneof![Just(Digest::Md5), Just(Digest::Sha256)];
    let encoding = prop_oneof![Just(Encoding::Base64Lines64), Just(Encoding::Binary)];
    (cipher, digest, encoding).prop_map(|(cipher, digest, encoding)| Profile {
        encoding,
        ..vendor::profile(&format!("utg-{}", cipher.bits()))
            .unwrap()
            .with_digest(digest)
    })
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..600)
}

proptest! {
    #[test]
    fn what_is_sealed_opens(
        profile in profiles(),
        pass in ".{0,40}",
        salt: [u8; 8],
        plaintext in contents(),
    ) {
        let file = profile.seal(&pass, salt, &plaintext);
        prop_assert_eq!(file.len(), profile.sealed_len(plaintext.len()));
        prop_assert_eq!(profile.open(&pass, &file).unwrap(), plaintext);
    }

    /// WebCrypto's part is the AES alone; around it the two ways share everything.
    #[test]
    fn sealing_in_two_steps_gives_the_same_bytes(
        profile in profiles(),
        salt: [u8; 8],
        plaintext in contents(),
    ) {
        let pass = "12341234abcdabcd12341234abcdabcd";
        let key_iv = profile.key_and_iv(pass, salt);
        prop_assert_eq!(key_iv.key.len() * 8, usize::from(profile.cipher.bits()));
        let ciphertext = match profile.cipher {
            Cipher::Aes128 => encrypt::<cbc::Encryptor<Aes128>>(&key_iv, &plaintext),
            Cipher::Aes192 => encrypt::<cbc::Encryptor<Aes192>>(&key_iv, &plaintext),
            Cipher::Aes256 => encrypt::<cbc::Encryptor<Aes256>>(&key_iv, &plaintext),
        };
        let in_one = profile.seal(pass, salt, &plaintext);
        prop_assert_eq!(profile.assemble(salt, &ciphertext), in_one);
    }

    #[test]
    fn the_same_content_gives_the_same_bytes_and_other_content_another_salt(
        profile in profiles(),
        one in contents(),
        other in contents(),
    ) {
        let seal = |content: &[u8]| profile.seal("key", salt(b"secret", "device.1", content), content);
        prop_assert_eq!(seal(&one), seal(&one));
        if one != other {
            prop_assert_ne!(salt(b"secret", "device.1", &one), salt(b"secret", "device.1", &other));
        }
    }

    #[test]
    fn a_generated_key_can_be_imported(seed: u64) {
        let mut state = seed;
        let key = DeviceKey::from_random(|bytes| {
            for byte in bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                *byte = (state >> 56) as u8;
            }
            Ok::<(), ()>(())
        })
        .unwrap();
        prop_assert_eq!(DeviceKey::parse(key.expose()).unwrap(), key);
    }

    #[test]
    fn what_is_wrapped_unwraps_for_its_own_row_alone(
        nonce: [u8; 12],
        row in ".{0,20}",
        other in ".{0,20}",
        value in contents(),
    ) {
        let master = MasterKey::parse("k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let ring = Keyring::new(master, None).unwrap();
        let text = ring.wrap(nonce, &row, &value).unwrap();
        let frame = ring.wrap_file(nonce, &row, &value).unwrap();
        prop_assert_eq!(&ring.unwrap(&row, &text).unwrap(), &value);
        prop_assert_eq!(&ring.unwrap_file(&row, &frame).unwrap(), &value);
        if row != other {
            prop_assert!(ring.unwrap(&other, &text).is_err());
            prop_assert!(ring.unwrap_file(&other, &frame).is_err());
        }
    }
}

fn encrypt<M: KeyIvInit + BlockModeEncrypt>(key_iv: &KeyIv, plaintext: &[u8]) -> Vec<u8> {
    M::new_from_slices(&key_iv.key, &key_iv.iv)
        .unwrap()
        .encrypt_padded_vec::<Pkcs7>(plaintext)
}
