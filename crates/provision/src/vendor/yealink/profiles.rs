//! How Yealink's phones want their files sealed.
//!
//! The vendor's administration guides name the key parameters, the lengths of keys (16 and 32 characters)
//! and their alphabet. The mode is not in them: it is ECB by several public programs that read and write such
//! files, agreeing with each other. Those programs do not agree on the fill; see
//! [`Method::Ecb`] for one that is right both ways. Nothing was tried on hardware.
//!
//! The vendor's `_Security.enc` files are not here: their one key is in every phone and is public.
//!
//! The names with `static.` are those of firmware from v81; before it they began with `auto_provision.`
//! alone. From v85 on one parameter, `static.auto_provision.aes_key.mac`, takes keys of both lengths (guide of the T2, T4 and T5
//! series, pp. 116 and 117; templates for that firmware name no other). A phone looks for keys in the file only with `static.auto_provision.aes_key_in_file` at 0, and
//! takes a plain bootstrap again only with `static.auto_provision.update_file_mode` at 0.

use crate::seal::{EcbKey, Grade, Method, ProfileSpec};

/// The vendor's profiles.
pub const PROFILES: [ProfileSpec; 4] = [
    ecb(
        "yealink-ecb-128",
        EcbKey::Chars16,
        "static.auto_provision.aes_key_16.mac",
    ),
    // Firmware from v85 on: the next two.
    ecb(
        "yealink-v85-ecb-128",
        EcbKey::Chars16,
        "static.auto_provision.aes_key.mac",
    ),
    ecb(
        "yealink-ecb-256",
        EcbKey::Chars32,
        "static.auto_provision.aes_key.mac",
    ),
    ecb(
        "yealink-v80-ecb-128",
        EcbKey::Chars16,
        "auto_provision.aes_key_16.mac",
    ),
];

const fn ecb(name: &'static str, key: EcbKey, key_parameter: &'static str) -> ProfileSpec {
    ProfileSpec {
        name,
        method: Method::Ecb(key),
        extension: "cfg",
        key_parameter,
        key_length_parameter: None,
        iv_parameter: None,
        gzip: false,
        grade: Grade::Weak,
    }
}
