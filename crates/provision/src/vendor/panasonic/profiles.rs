//! How Panasonic's phones want their files sealed.
//!
//! `utg-128`, `utg-192` and `utg-256` are the KX-UTG's, from the command in its guide. The command names
//! no digest for the key derivation: MD5 is what `openssl` took when the guide was written, SHA-256 what
//! it takes since 1.1.0. The profiles with `-sha256` are the same by the newer reading, for phones whose
//! firmware has it.
//!
//! `e1c`, `e2c` and `e3c` are for the text families: the extension tells the phone to use
//! `CFG_FILE_KEY1`, `2` or `3` (the KX-HDV and KX-TGP600/700 know only the last two). The envelope behind
//! them is not published. These have the KX-UTG's as a stand-in and have not been tried on hardware:
//! their grade is [`Unpublished`](Grade::Unpublished).

use crate::seal::{Cipher, Digest, Encoding, Grade, Method, ProfileSpec};

/// The vendor's profiles, the default of the KX-UTG first.
pub const PROFILES: [ProfileSpec; 9] = [
    utg("utg-128", Cipher::Aes128, Digest::Md5),
    utg("utg-192", Cipher::Aes192, Digest::Md5),
    utg("utg-256", Cipher::Aes256, Digest::Md5),
    utg("utg-128-sha256", Cipher::Aes128, Digest::Sha256),
    utg("utg-192-sha256", Cipher::Aes192, Digest::Sha256),
    utg("utg-256-sha256", Cipher::Aes256, Digest::Sha256),
    key_slot("e1c", "CFG_FILE_KEY1"),
    key_slot("e2c", "CFG_FILE_KEY2"),
    key_slot("e3c", "CFG_FILE_KEY3"),
];

const fn utg(name: &'static str, cipher: Cipher, kdf: Digest) -> ProfileSpec {
    ProfileSpec {
        name,
        method: Method::Salted {
            cipher,
            kdf,
            encoding: Encoding::Base64Lines64,
        },
        extension: "enc",
        key_parameter: "CFG_FILE_KEY",
        // The guide prints "AES-196-CBC" for 192 bits.
        key_length_parameter: Some("CFG_FILE_KEY_LENGTH"),
        iv_parameter: None,
        gzip: false,
        grade: Grade::Sound,
    }
}

const fn key_slot(extension: &'static str, key_parameter: &'static str) -> ProfileSpec {
    ProfileSpec {
        extension,
        key_parameter,
        key_length_parameter: None,
        grade: Grade::Unpublished,
        ..utg(extension, Cipher::Aes128, Digest::Md5)
    }
}
