//! How Grandstream's phones want their files sealed: `openssl enc -aes-256-cbc -k <password>` (*XML Provisioning
//! Guide*, 2011, p. 4), binary. The guide is of a time when `openssl` took MD5; the profiles with SHA-256 are for
//! firmware with its newer default.

use super::lint::{KEY, KEY_ITEM};
use crate::seal::{Cipher, Digest, Encoding, Grade, Method, ProfileSpec};

/// The vendor's profiles: of P values, and of named items.
pub const PROFILES: [ProfileSpec; 4] = [
    salted("gxp-256", KEY, Digest::Md5),
    salted("gxp-256-sha256", KEY, Digest::Sha256),
    salted("gxp-v2-256", KEY_ITEM, Digest::Md5),
    salted("gxp-v2-256-sha256", KEY_ITEM, Digest::Sha256),
];

const fn salted(name: &'static str, key_parameter: &'static str, kdf: Digest) -> ProfileSpec {
    ProfileSpec {
        name,
        method: Method::Salted {
            cipher: Cipher::Aes256,
            kdf,
            encoding: Encoding::Binary,
        },
        extension: "xml",
        key_parameter,
        key_length_parameter: None,
        iv_parameter: None,
        gzip: false,
        grade: Grade::Sound,
    }
}
