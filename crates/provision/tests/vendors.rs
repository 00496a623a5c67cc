//! Files of other vendors than Panasonic: what the built-in templates make, read back by another reader, and
//! the seal.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringfence_provision::family::Family;
use ringfence_provision::format::{Document, has_errors, insert_key, lint, lint_bootstrap};
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layers, Value};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::{DeviceVars, Limits, RenderContext, SecretsMode, render};
use ringfence_provision::vendor::{self, grandstream::GXP, htek, snom};

const PASS: &str = "12341234abcdabcd12341234abcdabcd";
const SALT: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

fn file(family: Family, settings: &[(&str, &str)]) -> String {
    let mut layers = Layers::default();
    for (name, value) in settings {
        let value = match name.ends_with("password") {
            true => Value::Secret((*value).into()),
            false => Value::Text((*value).into()),
        };
        layers.device.insert((*name).to_owned(), value);
    }
    let device = DeviceVars {
        mac: Mac::parse("000b82123456").unwrap(),
        model: "GXP2160",
    };
    let context = RenderContext {
        file_name: "standard",
        kind: FileKind::Standard,
        format: family.format(),
        layers: &layers,
        device: Some(device),
        urls: &BTreeMap::new(),
        secrets: SecretsMode::Reveal,
        limits: Limits::of(family),
    };
    render(family.template(FileKind::Standard), &context)
        .unwrap()
        .text
}

fn line(number: u8) -> Vec<(String, String)> {
    [
        "user",
        "auth_user",
        "password",
        "domain",
        "outbound_proxy",
        "display_name",
        "label",
    ]
    .map(|word| {
        (
            format!("line_{number}_{word}"),
            format!("{word}{number} <&\"'> ü"),
        )
    })
    .to_vec()
}

#[test]
fn four_lines_stand_at_the_numbers_of_the_vendors_templates() {
    let lines: Vec<(String, String)> = (1..=4).flat_map(line).collect();
    let mut settings: Vec<(&str, &str)> = lines
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    settings.extend([
        ("line_1_port", "5061"),
        ("line_1_transport", "TLS"),
        ("standard_P2", "admin"),
    ]);
    let text = file(GXP, &settings);
    assert!(
        !has_errors(&lint(GXP, FileKind::Standard, text.as_bytes())),
        "{text}"
    );
    let served = Document::parse(GXP, text.as_bytes()).unwrap().to_bytes();
    let served = String::from_utf8(served).unwrap();
    // A reader that is not ours sees the same values.
    let xml = roxmltree::Document::parse(&served).unwrap();
    let value = |name: &str| {
        let found = xml.descendants().find(|node| node.has_tag_name(name));
        found.map(|node| node.text().unwrap_or_default().to_owned())
    };
    assert_eq!(value("mac").unwrap(), "000b82123456");
    let numbers = [
        ["P271", "P47", "P48", "P35", "P36", "P34", "P3", "P270"],
        [
            "P401", "P402", "P403", "P404", "P405", "P406", "P407", "P417",
        ],
        [
            "P501", "P502", "P503", "P504", "P505", "P506", "P507", "P517",
        ],
        [
            "P601", "P602", "P603", "P604", "P605", "P606", "P607", "P617",
        ],
    ];
    for (
        at,
        [
            active,
            server,
            outbound,
            user,
            auth,
            password,
            display,
            name,
        ],
    ) in numbers.into_iter().enumerate()
    {
        let own = |word: &str| format!("{word}{} <&\"'> ü", at + 1);
        assert_eq!(value(active).unwrap(), "1");
        let port = if at == 0 { ":5061" } else { "" };
        assert_eq!(value(server).unwrap(), own("domain") + port);
        for (parameter, word) in [
            (outbound, "outbound_proxy"),
            (user, "user"),
            (auth, "auth_user"),
            (password, "password"),
            (display, "display_name"),
            (name, "label"),
        ] {
            assert_eq!(value(parameter).unwrap(), own(word), "{parameter}");
        }
    }
    assert_eq!(value("P130").unwrap(), "2");
    assert_eq!(value("P2").unwrap(), "admin");
    insta::assert_snapshot!(served);
}

#[test]
fn a_bootstrap_carries_the_password_of_sealed_files() {
    let document = Document::parse(GXP, file(GXP, &[]).as_bytes()).unwrap();
    let profile = vendor::profile("gxp-256").unwrap();
    let with_key = insert_key(
        GXP,
        FileKind::Standard,
        document,
        &profile.key_parameter,
        None,
        PASS,
    )
    .unwrap();
    let text = String::from_utf8(with_key.to_bytes()).unwrap();
    assert!(
        text.contains(&format!("<P1359>{PASS}</P1359>\n  </config>")),
        "{text}"
    );
    assert!(lint_bootstrap(GXP, text.as_bytes()).is_empty());
    assert!(has_errors(&lint(GXP, FileKind::Standard, text.as_bytes())));
}

#[test]
fn sealed_bytes_are_those_of_the_command_in_the_guide() {
    // `openssl enc -e -aes-256-cbc -md … -S 0102030405060708 -k <password>` of this plaintext.
    let plain = b"<gs_provision version=\"1\"/>\n";
    for (name, expected) in [
        (
            "gxp-256",
            "U2FsdGVkX18BAgMEBQYHCHKFeFuo7lG39tQCc0woEGiMZyUympDt+cpbLApbHnsa",
        ),
        (
            "gxp-256-sha256",
            "U2FsdGVkX18BAgMEBQYHCNmnCmftns1akkRVhMGwimE6VAyBMoHUddFg4Ga6ZSQp",
        ),
    ] {
        let profile = vendor::profile(name).unwrap();
        let sealed = profile.seal(PASS, SALT, plain);
        assert_eq!(STANDARD.encode(&sealed), expected, "{name}");
        assert_eq!(profile.open(PASS, &sealed).unwrap(), plain);
    }
}

/// The canonical form of a file that has no fault.
fn served(family: Family, text: &str) -> String {
    let findings = lint(family, FileKind::Standard, text.as_bytes());
    assert!(findings.is_empty(), "{findings:#?}\n{text}");
    let document = Document::parse(family, text.as_bytes()).unwrap();
    String::from_utf8(document.to_bytes()).unwrap()
}

#[test]
fn snoms_lines_are_read_back_by_their_index() {
    let lines: Vec<(String, String)> = (1..=12).flat_map(line).collect();
    let mut settings: Vec<(&str, &str)> = lines
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    settings.extend([
        ("line_1_port", "5061"),
        ("line_1_transport", "TLS"),
        ("standard_timezone", "GER+1"),
    ]);
    let served = served(snom::DESK, &file(snom::DESK, &settings));
    let xml = roxmltree::Document::parse(&served).unwrap();
    let value = |name: &str, index: usize| {
        let index = index.to_string();
        let found = xml
            .descendants()
            .find(|node| node.has_tag_name(name) && node.attribute("idx") == Some(&*index));
        found.unwrap().text().unwrap().to_owned()
    };
    for at in 1..=12 {
        let own = |word: &str| format!("{word}{at} <&\"'> ü");
        assert_eq!(value("user_active", at), "on");
        for (parameter, word) in [
            ("user_name", "user"),
            ("user_pname", "auth_user"),
            ("user_pass", "password"),
            ("user_realname", "display_name"),
        ] {
            assert_eq!(value(parameter, at), own(word), "{parameter}");
        }
        let (port, transport) = if at == 1 {
            (":5061", ";transport=tls")
        } else {
            ("", "")
        };
        assert_eq!(value("user_host", at), own("domain") + port);
        assert_eq!(
            value("user_outbound", at),
            own("outbound_proxy") + transport
        );
    }
    insta::assert_snapshot!(served);
}

#[test]
fn hteks_lines_stand_at_the_numbers_of_the_public_templates() {
    let lines: Vec<(String, String)> = (1..=6).flat_map(line).collect();
    let mut settings: Vec<(&str, &str)> = lines
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    settings.extend([
        ("line_1_port", "5061"),
        ("line_1_transport", "tcp"),
        ("standard_P2", "admin"),
    ]);
    let served = served(htek::UC, &file(htek::UC, &settings));
    let xml = roxmltree::Document::parse(&served).unwrap();
    let value = |number: u32| {
        let name = format!("P{number}");
        let found = xml.descendants().find(|node| node.has_tag_name(&*name));
        found.unwrap().text().unwrap().to_owned()
    };
    for (at, [active, profile, user, auth, password, display]) in [
        [271, 24082, 35, 36, 34, 3],
        [401, 24083, 735, 736, 734, 703],
        [501, 24084, 504, 505, 506, 507],
        [601, 24085, 604, 605, 606, 607],
        [20360, 24086, 1704, 1705, 1706, 1707],
        [20361, 24087, 1804, 1805, 1806, 1807],
    ]
    .into_iter()
    .enumerate()
    {
        let own = |word: &str| format!("{word}{} <&\"'> ü", at + 1);
        assert_eq!((value(active), value(profile)), ("1".into(), "0".into()));
        assert_eq!(value(user), own("user"));
        assert_eq!(value(auth), own("auth_user"));
        assert_eq!(value(password), own("password"));
        assert_eq!(value(display), own("display_name"));
    }
    assert_eq!(value(47), "domain1 <&\"'> ü:5061");
    assert_eq!((value(130), value(2)), ("1".into(), "admin".into()));
    insta::assert_snapshot!(served);
}
