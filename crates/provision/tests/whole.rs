//! Whole files: of a phone with every setting of the vocabulary, and of what is asked for before it; and passwords that
//! are hard to write, read back by readers that are not ours.

#![allow(clippy::unwrap_used)]

#[path = "support/phone.rs"]
mod phone;

use std::fmt::Write as _;

use phone::{Asked, Phone, URLS};
use proptest::prelude::*;
use ringfence_provision::family::{Family, Format};
use ringfence_provision::kind::FileKind;
use ringfence_provision::template::RenderError;
use ringfence_provision::vocabulary::{SETTINGS, find};

fn phone(family: &str, model: &'static str) -> Phone {
    Phone {
        family: Family::parse(family).unwrap(),
        mac: "0080F0C0FFEE",
        model,
    }
}

/// Every setting that the vocabulary has, with values that tell each from the others.
const VOCABULARY: &[(&str, &str)] = &[
    ("line_1_enabled", "yes"),
    ("line_1_label", "Desk & <S>"),
    ("line_1_display_name", "Anna 'A' Oz"),
    ("line_1_user", "201"),
    ("line_1_auth_user", "auth201"),
    ("line_1_password", "e3#rl2(&ae#1"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_registrar", "reg.example.net"),
    ("line_1_port", "5071"),
    ("line_1_transport", "tls"),
    ("line_1_proxy", "proxy.example.net:5072"),
    ("line_1_outbound_proxy", "edge.example.net:5073"),
    ("line_1_expires", "90"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "info"),
    ("line_1_srtp", "optional"),
    ("line_2_user", "202"),
    ("line_2_password", "two"),
    ("line_2_domain", "sip.example.net"),
    ("line_2_enabled", "no"),
    ("key_1_type", "line"),
    ("key_1_line", "2"),
    ("key_3_type", "blf"),
    ("key_3_value", "203"),
    ("key_3_label", "Ben"),
    ("admin_password", "4dm1nPass"),
    ("user_password", "Us3rPass"),
    ("time_zone", "Europe/Berlin"),
    ("language", "de"),
    ("tone_country", "DE"),
    ("ntp", "ntp.example.net"),
    ("syslog", "log.example.net"),
    ("codecs", "pcma,pcmu"),
    ("dial_plan", "x+"),
    ("vlan", "20"),
    ("provisioning_interval", "1440"),
    ("resync_time", "03:00"),
    ("firmware_url", "https://fw.example.net/x"),
    ("phone_book_url", "https://book.example.net/a?b=1&c=2"),
];

#[test]
fn the_vocabulary_is_whole() {
    for setting in SETTINGS {
        let is_it = |name: &str| find(name).is_some_and(|it| it.0.name == setting.name);
        assert!(
            VOCABULARY.iter().any(|(name, _)| is_it(name)),
            "{}",
            setting.name
        );
    }
}

/// The file of a phone with the whole vocabulary, and behind it what these phones cannot be told.
fn whole(family: &str, model: &'static str) -> String {
    let phone = phone(family, model);
    let mut settings = VOCABULARY.to_vec();
    if family == "mitel" {
        // Its lines have no way to write what begins a comment.
        let password = ("line_1_password", "e3rl2(&ae1");
        settings.retain(|(name, _)| *name != password.0);
        settings.push(password);
    }
    let mut refused = String::new();
    let made = loop {
        match phone.rendered(&settings, &URLS) {
            Ok(made) => break made,
            Err(RenderError::Setting {
                setting, reason, ..
            }) => {
                settings.retain(|(name, _)| *name != setting);
                let _ = writeln!(refused, "refused: {setting}: {reason}");
            }
            Err(error) => panic!("{family}: {error}"),
        }
    };
    let mut file = phone.faultless(FileKind::Standard, &made.text);
    if matches!(phone.family.format(), Format::Xml) {
        roxmltree::Document::parse(&file).unwrap();
    }
    for wrong in made.unsaid {
        let _ = writeln!(refused, "not said: {}: {}", wrong.setting, wrong.reason);
    }
    for wrong in made.partly {
        let _ = writeln!(
            refused,
            "of some lines: {}: {}",
            wrong.setting, wrong.reason
        );
    }
    for name in made.left_out {
        let _ = writeln!(refused, "left out: {name}");
    }
    file.push_str("\n---\n");
    file.push_str(&refused);
    file.replace('\r', "")
}

/// A model of every family; where models of one family differ in most of what they are told, another one, whose name stands
/// in that of the snapshot.
const MODELS: &[(&str, &str, &str)] = &[
    ("mpp", "8841-3PCC", ""),
    ("spa", "SPA504G", ""),
    ("gxp", "GXP2160", ""),
    ("gxp-v2", "GRP2614", ""),
    ("ht", "HT802", ""),
    ("ht", "HT814", "_HT814"),
    ("htek", "UC926", ""),
    ("htek-u", "UC926U", ""),
    ("yealink", "T46S", ""),
    ("yealink-v80", "T22P", ""),
    ("snom", "snomD735", ""),
    ("snom-m", "snomM900", ""),
    ("poly", "VVX 411", ""),
    ("obi", "OBi1062", ""),
    ("fanvil", "X5U", ""),
    ("fanvil-x", "X4", ""),
    ("fanvil-text", "X5U", ""),
    ("gigaset", "N870-IP-PRO", ""),
    ("gigaset-n510", "N510-IP-PRO", ""),
    ("gigaset-n720", "N720-DM-PRO", ""),
    ("mitel", "6869i", ""),
    ("ut", "KX-UT136", ""),
    ("uds124", "KX-UDS124", ""),
    ("tgp500", "KX-TGP550", ""),
    ("utg", "KX-UTG300B", ""),
    ("hdv", "KX-HDV230", ""),
];

#[test]
fn files_of_the_whole_vocabulary() {
    for (family, model, suffix) in MODELS {
        insta::assert_snapshot!(format!("whole_{family}{suffix}"), whole(family, model));
    }
    for family in Family::ALL {
        let own = MODELS.iter().filter(|it| it.0 == family.as_str());
        assert!(own.count() > 0, "{family:?} has no model here");
    }
}

/// What a phone asks for first.
#[test]
fn files_that_come_before_a_phones_own() {
    let certificates = [
        ("standard", "https://phones.example.net/s3gment/own"),
        ("product", "https://phones.example.net/s3gment/product"),
        ("master", "https://phones.example.net/s3gment/master"),
        (
            "certificate_1",
            "https://phones.example.net/s3gment/root.pem",
        ),
    ];
    let urls = [&URLS[..], &certificates].concat();
    for (family, model, kind, settings) in [
        (
            "spa",
            "SPA504G",
            FileKind::Initial,
            &[("initial_Resync_Periodic", "3600")],
        ),
        (
            "mpp",
            "8841-3PCC",
            FileKind::Initial,
            &[("initial_Resync_Periodic", "3600")],
        ),
        (
            "obi",
            "OBi202",
            FileKind::Initial,
            &[("initial_DeviceInfo.Time.NTPServer1", "ntp.example.net")],
        ),
        (
            "mitel",
            "6869i",
            FileKind::Master,
            &[("master_tone_set", "Germany")],
        ),
        (
            "ut",
            "KX-UT136",
            FileKind::Initial,
            &[("initial_NTP_ADDR", "ntp.example.net")],
        ),
        (
            "utg",
            "KX-UTG300B",
            FileKind::Initial,
            &[("initial_NTP_ADDR", "")],
        ),
    ] {
        let phone = phone(family, model);
        let asked = Asked {
            kind,
            urls: &urls,
            ..Asked::default()
        };
        let made = phone.made(settings, asked).unwrap();
        let file = phone.faultless(kind, &made.text).replace('\r', "");
        insta::assert_snapshot!(format!("first_{family}"), file);
    }
}

/// The text of an element, by its name and by the attributes that tell it from others of the name.
fn element(xml: &str, name: &str, index: Option<&str>) -> Option<String> {
    let xml = roxmltree::Document::parse(xml).unwrap();
    let found: Vec<_> = xml
        .descendants()
        .filter(|it| it.has_tag_name(name) && it.attribute("idx") == index)
        .collect();
    match found[..] {
        [one] => Some(one.text().unwrap_or_default().to_owned()),
        _ => None,
    }
}

/// The value of a parameter in Panasonic's text form: the first line is the vendor's, a line that begins with `#` is a
/// comment, and in any other a name, an equals sign and a value in quotes stand next to each other.
fn in_quotes(file: &str, name: &str) -> Option<String> {
    let mut lines = file.split("\r\n");
    assert!(lines.next()?.contains("Standard Format File #"));
    let values = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut found = Vec::new();
    for line in values {
        let (own, value) = line.split_once('=')?;
        let inner = value.strip_prefix('"')?.strip_suffix('"')?;
        assert!(!inner.contains(['"', '\n', '\r']), "{line}");
        if own == name {
            found.push(inner.to_owned());
        }
    }
    (found.len() == 1).then(|| found.remove(0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_password_arrives_as_it_is_or_not_at_all(password in "\\PC{0,40}|[ -~]{0,40}|[<>&\"'#;=\\\\]{0,12}") {
        for (family, model, name, index) in [
            ("gxp", "GXP2160", "P34", None),
            ("ht", "HT802", "P34", None),
            ("ht", "HT814", "P4120", None),
            ("snom", "snomD735", "user_pass", Some("1")),
            ("htek", "UC926", "P34", None),
            ("htek-u", "UC926U", "Account1_AuthenticatePassword", None),
            ("utg", "KX-UTG300B", "SIP_PASS", None),
        ] {
            if let Some(file) = phone(family, model).with_password(&password) {
                let found = element(&file, name, index);
                prop_assert_eq!(found.as_deref(), Some(password.as_str()), "{}", family);
            }
        }
        for (family, model) in [
            ("ut", "KX-UT136"),
            ("uds124", "KX-UDS124"),
            ("tgp500", "KX-TGP550"),
            ("hdv", "KX-HDV230"),
        ] {
            let file = phone(family, model).with_password(&password);
            if let Some(file) = file {
                let found = in_quotes(&file, "SIP_PASS_1");
                prop_assert_eq!(found.as_deref(), Some(password.as_str()), "{}", family);
            }
        }
    }

    /// Plain passwords do arrive, so that the readers above see something.
    #[test]
    fn a_plain_password_arrives(password in "[!#-~]{1,30}") {
        for (family, model) in [
            ("gxp", "GXP2160"),
            ("ht", "HT802"),
            ("ht", "HT814"),
            ("snom", "snomD735"),
            ("htek", "UC926"),
            ("htek-u", "UC926U"),
            ("utg", "KX-UTG300B"),
            ("ut", "KX-UT136"),
            ("uds124", "KX-UDS124"),
            ("tgp500", "KX-TGP550"),
            ("hdv", "KX-HDV230"),
        ] {
            prop_assert!(phone(family, model).with_password(&password).is_some(), "{}", family);
        }
    }
}
