//! Files of other vendors than Panasonic: what the built-in templates make, read back by another reader, and
//! the seal.

#![allow(clippy::unwrap_used)]

#[path = "support/phone.rs"]
mod support;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ringfence_provision::family::Family;
use ringfence_provision::format::{Document, has_errors, insert_key, lint, lint_bootstrap};
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::seal::{Ikm, KeyId, Method, Profile};
use ringfence_provision::url_template::{Macro, UrlTemplate};
use ringfence_provision::vendor::conduct::Fact;
use ringfence_provision::vendor::{self, Untold, cisco, grandstream::GXP, htek, obi, poly, snom};
use support::Phone;

const PASS: &str = "12341234abcdabcd12341234abcdabcd";
const SALT: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

fn phone(family: Family) -> Phone {
    Phone {
        family,
        mac: "000b82123456",
        model: "GXP2160",
    }
}

fn file(family: Family, settings: &[(&str, &str)]) -> String {
    file_at(&[], family, settings)
}

fn file_at(urls: &[(&str, &str)], family: Family, settings: &[(&str, &str)]) -> String {
    phone(family).rendered(settings, urls).unwrap().text
}

/// The value of a setting of a line: hosts are hosts, all else is as hard as texts are.
fn own(word: &str, number: usize) -> String {
    match word {
        "domain" | "outbound_proxy" => format!("{}{number}.example.net", word.replace('_', "-")),
        _ => format!("{word}{number} <&\"'> ü"),
    }
}

/// As a device's file has them.
const URLS: [(&str, &str); 3] = [
    ("base", "https://phones.example/s3gment"),
    ("without_scheme", "phones.example/s3gment"),
    (
        "standard",
        "https://phones.example/s3gment/000B82123456.xml",
    ),
];

#[test]
fn a_phone_is_told_to_go_on_asking_where_it_asked_unless_a_setting_says_otherwise() {
    let told = |family, settings: &[(&str, &str)]| {
        let text = file_at(&URLS, family, settings);
        assert_eq!(
            lint(family, FileKind::Standard, text.as_bytes()),
            [],
            "{text}"
        );
        let document = Document::parse(family, text.as_bytes()).unwrap();
        let server = [
            "P212",
            "P237",
            "setting_server",
            "FirmwareUpGrade_ConfigServerPath",
        ];
        let parameters = document.parameters().into_iter();
        let found = parameters.filter(|one| server.contains(&one.name.as_str()));
        found
            .map(|one| format!("{}={}", one.name, one.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(GXP, &[]),
        ["P212=2", "P237=phones.example/s3gment"],
        "the scheme is a number of its own"
    );
    assert_eq!(
        told(GXP, &[("standard_P237", "a.example")]),
        ["P237=a.example"]
    );
    assert_eq!(told(GXP, &[("standard_P212", "1")]), ["P212=1"]);
    assert_eq!(
        told(snom::DESK, &[]),
        ["setting_server=https://phones.example/s3gment/{mac}.xml"]
    );
    assert_eq!(
        told(
            snom::DESK,
            &[("standard_setting_server", "https://a.example/")]
        ),
        ["setting_server=https://a.example/"]
    );
    assert_eq!(told(htek::UC, &[]), ["P237=https://phones.example/s3gment"]);
    assert_eq!(
        told(htek::UC, &[("standard_P237", "a.example")]),
        ["P237=a.example"]
    );
    let own = "FirmwareUpGrade_ConfigServerPath";
    let setting = format!("standard_{own}");
    assert_eq!(
        told(htek::U, &[]),
        [format!("{own}=https://phones.example/s3gment")]
    );
    assert_eq!(
        told(htek::U, &[(setting.as_str(), "a.example")]),
        [format!("{own}=a.example")]
    );
}

/// What a phone has to be told before it obeys a NOTIFY, or before it fetches without a restart.
#[test]
fn a_phone_is_told_to_obey_a_notify_unless_a_setting_says_otherwise() {
    for (family, name, written, default) in [
        (
            "fanvil",
            "sip.NotifyReboot",
            "<NotifyReboot>{}</NotifyReboot>",
            "0",
        ),
        (
            "fanvil-x",
            "SIP_CONFIG_MODULE.Notify_Reboot",
            "<Notify_Reboot>{}<",
            "0",
        ),
        (
            "fanvil-text",
            "SIP_CONFIG_MODULE.Notify_Reboot",
            "Notify Reboot:{}\n",
            "0",
        ),
    ] {
        let family = Family::parse(family).unwrap();
        let own = format!("standard_{name}");
        for (settings, value) in [(&[][..], default), (&[(own.as_str(), "2")], "2")] {
            let text = file(family, settings);
            assert_eq!(lint(family, FileKind::Standard, text.as_bytes()), []);
            let (before, behind) = written.split_once("{}").unwrap();
            assert_eq!(text.matches(before).count(), 1, "{text}");
            assert!(text.contains(&format!("{before}{value}{behind}")), "{text}");
        }
    }
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
    .map(|word| (format!("line_{number}_{word}"), own(word, number.into())))
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
        let own = |word: &str| own(word, at + 1);
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
        &[(&profile.key_parameter, PASS)],
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

/// Each made by `openssl enc`, or by two implementations of RFC 8188, and not by this crate.
#[test]
fn sealed_bytes_are_those_of_other_programs() {
    let gs: &[u8] = b"<gs_provision version=\"1\"/>\n";
    let flat: &[u8] = b"<flat-profile/>\n";
    let spa = "SecretPhrase1234";
    // `gzip -n -9` of it, a file like any other.
    let gzip = &hex("1f8b0800000000000203b349cb492cd12d28ca4fcbcc49d5b7e30200b9bc3de110000000");
    let yealink: &[u8] = b"#!version:1.0.0.1\naccount.1.enable = 1\n";
    let vectors = [
        (
            "gxp-256",
            PASS,
            gs,
            "U2FsdGVkX18BAgMEBQYHCHKFeFuo7lG39tQCc0woEGiMZyUympDt+cpbLApbHnsa",
        ),
        (
            "gxp-256-sha256",
            PASS,
            gs,
            "U2FsdGVkX18BAgMEBQYHCNmnCmftns1akkRVhMGwimE6VAyBMoHUddFg4Ga6ZSQp",
        ),
        (
            "gxp-v2-256",
            PASS,
            gs,
            "U2FsdGVkX18BAgMEBQYHCHKFeFuo7lG39tQCc0woEGiMZyUympDt+cpbLApbHnsa",
        ),
        (
            "gxp-v2-256-sha256",
            PASS,
            gs,
            "U2FsdGVkX18BAgMEBQYHCNmnCmftns1akkRVhMGwimE6VAyBMoHUddFg4Ga6ZSQp",
        ),
        (
            "spa-256",
            spa,
            flat,
            "U2FsdGVkX18BAgMEBQYHCPG/poVXdjEDFfQg8vRcd7ZbdOqa6mz3lk8uEKzS5V8t",
        ),
        (
            "spa-256-sha256",
            spa,
            flat,
            "U2FsdGVkX18BAgMEBQYHCA6d/6RrmLTZvBHXNQuppIrxXhvSUNSjmSppIlpd4TIU",
        ),
        (
            "spa-256",
            spa,
            gzip,
            "U2FsdGVkX18BAgMEBQYHCGrAZ4mDA+yPnO+9gLG4jofNV7OGmZcH/Ukv3prAvYNQMdbTUd5MzMZ4gn7N4r1beQ==",
        ),
        (
            "yealink-ecb-128",
            "RingfenceTestK16",
            yealink,
            "KNACltFICbrL4HYRf0KJf7k6x4D5SkLlqxeD0RoQQhZOO+QWQxk7nnWh5E6OS1dkct15+3bOeQodgp9g8XRx2w==",
        ),
        (
            "yealink-ecb-256",
            "RingfenceTestKey0123456789abcdef",
            yealink,
            "bk1I2psC89m5yMmo8wMkKnIj8Z4887PgwjFyNSo+cGaslcZk8mNKE9/CIFbESML9WFynIjzV0Cb9GdQCIUzmrA==",
        ),
    ];
    for (name, key, plain, expected) in vectors {
        let profile = vendor::profile(name).unwrap();
        let sealer = profile.sealer_of_texts(key, None).unwrap();
        let sealed = sealer.seal(&SALT, plain).unwrap();
        assert_eq!(STANDARD.encode(&sealed), expected, "{name}");
        assert!(sealer.open(&sealed).unwrap().starts_with(plain));
    }
    let obi = vendor::profile("obi-128").unwrap();
    let [key, iv] = [
        "000102030405060708090a0b0c0d0e0f",
        "101112131415161718191a1b1c1d1e1f",
    ];
    let sealed = obi
        .sealer_of_texts(key, Some(iv))
        .unwrap()
        .seal(&SALT, b"<ParameterList/>\n");
    assert_eq!(
        sealed.unwrap(),
        hex("c772139d6076df835b7b3e380195e0abc6703510bfd8ea2d07d6b5b619bf05e5")
    );
}

/// The example of RFC 8188 §3.1, and two bodies that PyPI's `http-ece` opens and npm's `http_ece` makes.
#[test]
fn bodies_of_rfc_8188_are_those_of_other_programs() {
    let with = |ikm: Ikm, record_size: u32| Profile {
        method: Method::Aes128Gcm {
            ikm,
            key_len: ikm.usual_len(),
            key_id: KeyId::EMPTY,
            record_size,
        },
        ..vendor::profile("mpp-8188").unwrap()
    };
    let salt = |text: &[u8]| <[u8; 16]>::try_from(text).unwrap();
    let rfc = with(Ikm::Base64url, 4096);
    let sealer = rfc.sealer_of_texts("yqdlZ-tYemfogSmv7Ws5PQ", None).unwrap();
    let its_salt = salt(&URL_SAFE_NO_PAD.decode("I1BsxtFttlv3u_Oo94xnmw").unwrap());
    let body = sealer.seal(&its_salt, b"I am the walrus").unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(&body),
        "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg"
    );
    assert_eq!(sealer.open(&body).unwrap(), b"I am the walrus");

    let flat = b"<flat-profile/>\n";
    let counted = salt(&hex("000102030405060708090a0b0c0d0e0f"));
    let of = |record_size| {
        let profile = with(Ikm::Ascii, record_size);
        let sealer = profile.sealer_of_texts("SecretPhrase1234", None).unwrap();
        let body = sealer.seal(&counted, flat).unwrap();
        assert_eq!(sealer.open(&body).unwrap(), flat);
        body
    };
    assert_eq!(
        STANDARD.encode(of(4096)),
        "AAECAwQFBgcICQoLDA0ODwAAEAAA4dglJV8fnmwpTiS0ittgBJvCfg3Sutz3i6OW0wgIGrsY"
    );
    assert_eq!(
        of(25),
        hex(
            "000102030405060708090a0b0c0d0e0f0000001900e1d825255f1f9e6c472c0900a346625193cd66c591d501ab905d6daa2ae7baca1e01fecfcd856c8836c5fc4b73e06fa26278"
        )
    );
    // The RFC's second example (§3.2): a record with zeros behind its delimiter, and a key's id.
    let rfc = with(Ikm::Base64url, 25);
    let sealer = rfc.sealer_of_texts("BO3ZVPxUlnLORbVGMpbT1Q", None).unwrap();
    let body = "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA";
    let opened = sealer.open(&URL_SAFE_NO_PAD.decode(body).unwrap());
    assert_eq!(opened.unwrap(), b"I am the walrus");
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

/// The canonical form of a file that has no fault.
fn served(family: Family, text: &str) -> String {
    phone(family).faultless(FileKind::Standard, text)
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
        let own = |word: &str| own(word, at);
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

/// A phone of the U series reads labels, and finds nothing in a file of numbers.
#[test]
fn an_htek_of_the_u_series_has_its_own_spelling() {
    for (model, family) in [
        ("UC923U", htek::U),
        ("UC924U", htek::U),
        ("uc926u", htek::U),
        ("UC926", htek::UC),
        ("UC926E", htek::UC),
        ("UC926S", htek::UC),
        ("UC924W", htek::UC),
        ("UC862", htek::UC),
    ] {
        assert_eq!(Family::guess(model), Some(family), "{model}");
    }
    let settings = [
        ("line_1_user", "201"),
        ("line_1_password", "s3cr&t"),
        ("line_1_domain", "sip.example.net"),
        // For phones of other spellings and makers.
        ("standard_P64", "18"),
        ("standard_NTP_ADDR", "a.example"),
        ("standard_timezone", "GER+1"),
        ("standard_account.1.sip.outboundProxy.mode", "x"),
        ("standard_Preference_TimeZone", "18"),
    ];
    let text = file(htek::U, &settings);
    let served = served(htek::U, &text);
    let xml = roxmltree::Document::parse(&served).unwrap();
    let config = xml.descendants().find(|it| it.has_tag_name("config"));
    let names: Vec<_> = config
        .unwrap()
        .children()
        .filter(roxmltree::Node::is_element)
        .map(|it| it.tag_name().name().to_owned())
        .collect();
    assert!(
        names.contains(&"Account1_SipUserId".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&"Preference_TimeZone".to_owned()),
        "{names:?}"
    );
    let is_label = |name: &String| name.chars().any(|it| it.is_ascii_lowercase());
    assert!(names.iter().all(is_label), "{names:?}");
    assert!(!names.iter().any(|it| it.contains('.')), "{names:?}");
    let config = |inner: &str| format!("<hl_provision><config>{inner}</config></hl_provision>");
    let found = |family, inner: &str| -> Vec<_> {
        let findings = lint(family, FileKind::Standard, config(inner).as_bytes());
        findings.iter().map(|it| it.code).collect()
    };
    let [number, label] = [
        "<P35>201</P35>",
        "<Account1_SipUserId>201</Account1_SipUserId>",
    ];
    assert_eq!(found(htek::U, label), [""; 0]);
    assert_eq!(found(htek::U, number), ["name-not-of-family"]);
    assert_eq!(found(htek::UC, number), [""; 0]);
    assert_eq!(found(htek::UC, label), ["xml-leaf-name"]);
    for key in ["FirmwareUpGrade_SetCommonAESKey", "P8631"] {
        let codes = found(htek::U, &format!("<{key}>k</{key}>"));
        assert!(codes.contains(&"key-in-file"), "{key} {codes:?}");
    }
    for outside in [
        "<hl_provision><AdminPassword>a</AdminPassword></hl_provision>",
        "<hl_provision><x><AdminPassword>a</AdminPassword></x></hl_provision>",
    ] {
        let findings = lint(htek::U, FileKind::Standard, outside.as_bytes());
        assert!(has_errors(&findings), "{findings:?}");
    }
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
        let own = |word: &str| own(word, at + 1);
        assert_eq!((value(active), value(profile)), ("1".into(), "0".into()));
        assert_eq!(value(user), own("user"));
        assert_eq!(value(auth), own("auth_user"));
        assert_eq!(value(password), own("password"));
        assert_eq!(value(display), own("display_name"));
    }
    assert_eq!(value(47), "domain1.example.net:5061");
    assert_eq!((value(130), value(2)), ("1".into(), "admin".into()));
    insta::assert_snapshot!(served);
}

#[test]
fn a_file_for_several_phones_tells_each_of_them_a_name_that_is_served() {
    let plain = |family: Family| {
        let names = family.spec().names.iter();
        let own =
            names.filter(|(kind, form, _)| (*kind, *form) == (FileKind::Standard, Form::Plain));
        own.map(|(_, _, name)| UrlTemplate::parse(name).unwrap())
            .collect::<Vec<_>>()
    };
    let told = |family: Family, names: &[&str]| {
        let names: Vec<_> = names
            .iter()
            .map(|name| UrlTemplate::parse(name).unwrap())
            .collect();
        family
            .spec()
            .told
            .unwrap()
            .surely(names.first().unwrap(), &names)
    };
    let all = Family::ALL
        .into_iter()
        .filter(|it| it.spec().told.is_some());
    let all: Vec<Family> = all.collect();
    assert_eq!(all, [cisco::SPA, cisco::MPP, poly::UCS, obi::OBI]);
    let first = all.iter().map(|family| {
        let names = plain(*family);
        family
            .spec()
            .told
            .unwrap()
            .surely(names.first().unwrap(), &names)
            .unwrap()
    });
    let first: Vec<_> = first.collect();
    let expected = [
        "$MA.cfg",
        "$MA.xml",
        "[PHONE_MAC_ADDRESS]-ringfence.cfg",
        "$MAC.xml",
    ];
    assert_eq!(first, expected);
    // `$MAC` of an OBi is one of two: both must be there.
    let both = ["o/{MAC}.xml", "o/{mac}.xml"];
    assert_eq!(told(obi::OBI, &both).as_deref(), Ok("o/$MAC.xml"));
    let twin = Untold::Twin("o/{mac}.xml".into());
    assert_eq!(told(obi::OBI, &both[..1]), Err(twin));
    assert_eq!(
        told(obi::OBI, &["{MAC}x.xml", "{mac}x.xml"]),
        Err(Untold::Word(Macro::MacUpper))
    );
    // `$MAC` of a Cisco has colons, and a letter behind a macro needs brackets.
    assert_eq!(
        told(cisco::SPA, &["{MAC:COLONS}.cfg"]).as_deref(),
        Ok("$MAC.cfg")
    );
    assert_eq!(
        told(cisco::MPP, &["{MODEL}/{MAC}_1"]).as_deref(),
        Ok("$PN/$(MAU)_1")
    );
    assert!(matches!(
        told(cisco::SPA, &["{mac}-{fwver}"]),
        Err(Untold::Macro { .. })
    ));
    assert!(matches!(
        told(poly::UCS, &["{MAC}.cfg"]),
        Err(Untold::Macro { .. })
    ));
}

#[test]
fn who_refuses_public_certificates_says_so_in_its_record() {
    for family in Family::ALL {
        let spec = family.spec();
        let says = |fact: &Fact| fact.text.contains("refuses every public certificate");
        let is_said = spec.conduct.tls.iter().any(says);
        assert_eq!(spec.refuses_public_certificates, is_said, "{family:?}");
    }
}
