//! The samples in each vendor's folder: of each family's files one of a phone that an operator would have, as Ringfence serves it.
//!
//! `UPDATE=1 cargo test -p ringfence-provision --test samples` writes them anew.

#![allow(clippy::unwrap_used)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use phone::{Asked, Phone, URLS};
use ringfence_provision::family::{Family, Format};
use ringfence_provision::format::{Document, lint};
use ringfence_provision::kind::FileKind;
use ringfence_provision::template::RenderError;
use ringfence_provision::vendor::of_family;

/// What most phones can be told. A family has of it what it has parameters for.
const SETTINGS: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_auth_user", "201-auth"),
    ("line_1_password", "Sample-Pass-1"),
    ("line_1_display_name", "Reception"),
    ("line_1_label", "Reception"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "tls"),
    ("line_1_expires", "600"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "rfc2833"),
    ("line_2_user", "202"),
    ("line_2_password", "Sample-Pass-2"),
    ("line_2_domain", "sip.example.net"),
    ("line_2_port", "5061"),
    ("line_2_transport", "tls"),
    ("key_3_type", "blf"),
    ("key_3_value", "203"),
    ("key_3_label", "Stock"),
    ("admin_password", "481516"),
    ("time_zone", "Europe/Berlin"),
    ("language", "de"),
    ("tone_country", "DE"),
    ("ntp", "ntp.example.net"),
    ("syslog", "log.example.net"),
    ("codecs", "g722,pcma"),
    ("provisioning_interval", "1440"),
];

/// What is set for all phones of a model, of a tenant or behind a base, in families that have such files in which nothing stands
/// without it.
fn shared(family: Family) -> &'static [(&'static str, &'static str)] {
    match (of_family(family), family.format()) {
        ("Panasonic", Format::Xml) => &[
            ("product_Prov_CFG_CYCLIC", "Y"),
            ("product_Prov_CFG_CYCLIC_INTVL", "1440"),
            ("master_Prov_CFG_RTRY_INTVL", "30"),
            ("master_Network_NTP_NTP_ADDR", "ntp.example.net"),
        ],
        ("Panasonic", _) => &[
            ("product_CFG_CYCLIC", "Y"),
            ("product_CFG_CYCLIC_INTVL", "1440"),
            ("master_CFG_RTRY_INTVL", "30"),
            ("master_NTP_ADDR", "ntp.example.net"),
            ("system_NTP_ADDR", "ntp.example.net"),
            ("system_TIME_ZONE", "60"),
        ],
        _ => &[],
    }
}

/// A model of the family.
fn model(family: Family) -> &'static str {
    match family.as_str() {
        "ut" => "KX-UT136",
        "uds124" => "KX-UDS124",
        "tgp500" => "KX-TGP550",
        "utg" => "KX-UTG300B",
        "hdv" => "KX-HDV230",
        "gxp" => "GXP2170",
        "gxp-v2" => "GRP2614",
        "ht" => "HT802",
        "yealink" => "T46S",
        "yealink-v80" => "T28P",
        "spa" => "SPA504G",
        "mpp" => "8841-3PCC",
        "snom" => "snomD735",
        "snom-m" => "snomM900",
        "poly" => "VVX411",
        "obi" => "OBi1062",
        "fanvil" | "fanvil-text" => "X5U",
        "fanvil-x" => "X4",
        "htek" => "UC926",
        "htek-u" => "UC926U",
        "gigaset" => "N870-IP-PRO",
        "gigaset-n510" => "N510-IP-PRO",
        "gigaset-n720" => "N720-DM-PRO",
        "mitel" => "6869i",
        other => panic!("{other} has no model here"),
    }
}

/// The bytes of a file.
fn sample(family: Family, kind: FileKind) -> Vec<u8> {
    let phone = Phone {
        family,
        mac: "0080F0C0FFEE",
        model: model(family),
    };
    let other = [
        ("standard", "https://phones.example.net/s3gment/standard"),
        ("product", "https://phones.example.net/s3gment/product"),
        ("master", "https://phones.example.net/s3gment/master"),
    ];
    let urls = match kind {
        FileKind::Initial => [&URLS[..], &other].concat(),
        _ => URLS.to_vec(),
    };
    let mut settings = [SETTINGS, shared(family)].concat();
    let made = loop {
        let asked = Asked {
            kind,
            urls: &urls,
            ..Asked::default()
        };
        match phone.made(&settings, asked) {
            Ok(made) => break made,
            Err(RenderError::Setting { setting, .. }) => {
                let before = settings.len();
                settings.retain(|(name, _)| *name != setting);
                assert!(settings.len() < before, "{family:?} {setting}");
            }
            Err(error) => panic!("{family:?}: {error}"),
        }
    };
    let document = Document::parse(family, made.text.as_bytes()).unwrap();
    assert!(
        !document.parameters().is_empty(),
        "{family:?}: nothing stands in {}",
        kind.as_str()
    );
    document.to_bytes()
}

fn folder(family: Family) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/vendor")
        .join(of_family(family).to_lowercase())
}

/// A phone's own file with this password, if it would be served.
fn with_password(family: Family, password: &str) -> Option<String> {
    let phone = Phone {
        family,
        mac: "0080F0C0FFEE",
        model: model(family),
    };
    phone.with_password(password)
}

/// Vendors may refuse more than the syntax of their files does.
#[test]
fn no_value_has_what_a_family_says_its_syntax_refuses() {
    for family in Family::ALL {
        if !folder(family).exists() {
            continue;
        }
        let served = |password: &str| with_password(family, password).is_some();
        assert!(served("Sample-Pass-1"), "{family:?}");
        let refused = family.refused();
        for character in refused.characters {
            assert!(!served(&format!("a{character}b")), "{family:?} {character}");
        }
        // What is not named is taken, so far as these are concerned.
        for character in ['"', '\'', '&', '<', '>', '#'] {
            let is_taken = served(&format!("a{character}b"));
            assert_eq!(
                is_taken,
                !refused.characters.contains(&character),
                "{family:?} {character}"
            );
        }
        assert!(!(refused.beyond_ascii && served("aäb")), "{family:?}");
        assert!(!(refused.blanks_at_ends && served(" a")), "{family:?}");
        assert!(!(refused.blanks_at_ends && served("a ")), "{family:?}");
        if let Some(longest) = refused.longest {
            assert!(!served(&"a".repeat(longest + 1)), "{family:?}");
        }
        assert!(!served("a\nb"), "{family:?}");
    }
}

#[test]
fn each_file_of_each_family_has_a_sample_in_which_there_is_nothing_to_find() {
    let is_updated = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    let mut folders = BTreeSet::new();
    let mut named = BTreeSet::new();
    for family in Family::ALL {
        let folder = folder(family);
        // A vendor outside of the tree has its samples elsewhere.
        if !folder.exists() {
            continue;
        }
        let folder = folder.join("samples");
        for kind in family.kinds() {
            let bytes = sample(family, *kind);
            let end = match family.format() {
                Format::Xml => "xml",
                _ => "cfg",
            };
            let path = folder.join(format!("{}-{}.{end}", family.as_str(), kind.as_str()));
            if is_updated {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            let there = fs::read(&path).unwrap_or_default();
            let findings = lint(family, *kind, &there);
            assert!(findings.is_empty(), "{}: {findings:#?}", path.display());
            if there != bytes {
                wrong.push(path.clone());
            }
            named.insert(path);
        }
        let has_own = named.iter().any(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(&format!("{}-standard.", family.as_str())))
        });
        assert!(has_own, "{family:?} has no sample of a phone's own file");
        folders.insert(folder);
    }
    for folder in folders {
        let there = fs::read_dir(folder).unwrap();
        let others = there.map(|entry| entry.unwrap().path());
        wrong.extend(others.filter(|path| !named.contains(path)));
    }
    assert!(
        wrong.is_empty(),
        "{wrong:?}: UPDATE=1 cargo test -p ringfence-provision --test samples"
    );
}
