//! How Panasonic's phones want their files sealed.
//!
//! `utg-128`, `utg-192` and `utg-256` are the KX-UTG's, from the command in its guide. The command names
//! no digest for the key derivation: MD5 is what `openssl` took when the guide was written, SHA-256 what
//! it takes since 1.1.0. The profiles with `-sha256` are the same by the newer reading, for phones whose
//! firmware has it.
//!
//! `e1c`, `e2c` and `e3c` are for the text families: the extension tells the phone to use
//! `CFG_FILE_KEY1`, `2` or `3` (the KX-HDV and KX-TGP600/700 know only the last two). The envelope behind
//! them is not published. These have the KX-UTG's as a stand-in, have not been tried on hardware, and so
//! are not [`verified`](crate::seal::Profile::verified).

use crate::seal::{Cipher, Digest, Encoding, ProfileSpec};

/// The vendor's profiles, the default of the KX-UTG first.
pub const PROFILES: [ProfileSpec; 9] = [
    UTG,
    ProfileSpec {
        name: "utg-192",
        cipher: Cipher::Aes192,
        ..UTG
    },
    ProfileSpec {
        name: "utg-256",
        cipher: Cipher::Aes256,
        ..UTG
    },
    ProfileSpec {
        name: "utg-128-sha256",
        kdf: Digest::Sha256,
        ..UTG
    },
    ProfileSpec {
        name: "utg-192-sha256",
        cipher: Cipher::Aes192,
        kdf: Digest::Sha256,
        ..UTG
    },
    ProfileSpec {
        name: "utg-256-sha256",
        cipher: Cipher::Aes256,
        kdf: Digest::Sha256,
        ..UTG
    },
    key_slot("e1c", "CFG_FILE_KEY1"),
    key_slot("e2c", "CFG_FILE_KEY2"),
    key_slot("e3c", "CFG_FILE_KEY3"),
];

const UTG: ProfileSpec = ProfileSpec {
    name: "utg-128",
    cipher: Cipher::Aes128,
    kdf: Digest::Md5,
    encoding: Encoding::Base64Lines64,
    extension: "enc",
    key_parameter: "CFG_FILE_KEY",
    // The guide prints "AES-196-CBC" for 192 bits.
    key_length_parameter: Some("CFG_FILE_KEY_LENGTH"),
    verified: true,
};

const fn key_slot(extension: &'static str, key_parameter: &'static str) -> ProfileSpec {
    ProfileSpec {
        name: extension,
        extension,
        key_parameter,
        key_length_parameter: None,
        verified: false,
        ..UTG
    }
}
