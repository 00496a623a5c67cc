//! How Cisco's SPA and MPP phones want their files sealed.
//!
//! `spa-256` is `openssl enc -e -aes-256-cbc -k KEY`, as the SPA and MPP guides print it. They name an
//! `openssl` of the time when it took MD5; the 7832 guide for firmware from 11.3(1) names 1.1.1d, which takes
//! SHA-256, with the same command. Which of them that firmware opens nobody has shown, hence
//! `spa-256-sha256`. The phone takes such files by a rule with `[--key $SA]`, and the key from the parameter
//! that stands for it. The guides allow gzip before sealing, which a phone tells by the first bytes: `spa-256-gzip` and
//! `spa-256-sha256-gzip`.
//!
//! `mpp-8188` is RFC 8188, which MPP phones know from firmware 11.2(3). Its files are answered with
//! `Content-Encoding: aes128gcm` under the URL of the plain ones, which go on being taken. How a phone makes
//! bytes of the parameter's text is not published; the text's characters are the usual reading. For a phone that
//! reads it otherwise there are `mpp-8188-hex` and `mpp-8188-base64url`. How long it may be is not published, either:
//! `mpp-8188-16` tells the phone 16 characters, as long as the key in the guide's example.
//!
//! From the vendor's guides; nothing was tried on hardware.

use crate::seal::{Cipher, Digest, Encoding, Grade, Ikm, KeyId, Method, ProfileSpec};

/// The vendor's profiles.
pub const PROFILES: [ProfileSpec; 8] = [
    salted("spa-256", Digest::Md5),
    salted("spa-256-sha256", Digest::Sha256),
    ProfileSpec {
        gzip: true,
        ..salted("spa-256-gzip", Digest::Md5)
    },
    ProfileSpec {
        gzip: true,
        ..salted("spa-256-sha256-gzip", Digest::Sha256)
    },
    content_coding("mpp-8188", Ikm::Ascii, 32),
    content_coding("mpp-8188-16", Ikm::Ascii, 16),
    content_coding("mpp-8188-hex", Ikm::Hex, 16),
    content_coding("mpp-8188-base64url", Ikm::Base64url, 16),
];

const fn content_coding(name: &'static str, ikm: Ikm, key_len: u8) -> ProfileSpec {
    ProfileSpec {
        method: Method::Aes128Gcm {
            ikm,
            key_len,
            // None is published.
            key_id: KeyId::EMPTY,
            record_size: Method::USUAL_RECORD_SIZE,
        },
        extension: "xml",
        key_parameter: "IKM_HTTP_Encrypt_Content",
        ..salted(name, Digest::Md5)
    }
}

const fn salted(name: &'static str, kdf: Digest) -> ProfileSpec {
    ProfileSpec {
        name,
        method: Method::Salted {
            cipher: Cipher::Aes256,
            kdf,
            encoding: Encoding::Binary,
        },
        extension: "enc",
        // Its value is only ever used as the argument of `--key`; other general parameters show in logs.
        key_parameter: "GPP_SA",
        key_length_parameter: None,
        iv_parameter: None,
        gzip: false,
        grade: Grade::Sound,
    }
}
