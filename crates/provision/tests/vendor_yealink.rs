//! Files of Yealink's phones: what the built-in templates make, read back by a reader that knows only what the
//! vendor's phones are known to do with a line.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/phone.rs"]
mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::{
    Document, Finding, codes, has_errors, insert_key, lint, lint_bootstrap,
};
use ringfence_provision::kind::FileKind;
use ringfence_provision::template::{RenderError, Rendered, SecretsMode};
use ringfence_provision::vendor::yealink::{OLD, STATIC};
use support::{Asked, Phone};

/// Letters, digits and the characters that end a value or begin something else in other formats.
const HARD: &str = "e3#rl2(&ae#1";

fn phone(family: Family) -> Phone {
    Phone {
        family,
        mac: "001565abcdef",
        model: "T46S",
    }
}

fn rendered_as(
    family: Family,
    settings: &[(&str, &str)],
    base: Option<&str>,
    secrets: SecretsMode,
) -> Result<Rendered, RenderError> {
    let urls: Vec<_> = base.map(|base| ("base", base)).into_iter().collect();
    let asked = Asked {
        urls: &urls,
        secrets,
        ..Asked::default()
    };
    phone(family).made(settings, asked)
}

fn rendered(family: Family, settings: &[(&str, &str)]) -> Result<Rendered, RenderError> {
    rendered_as(family, settings, None, SecretsMode::Reveal)
}

fn findings(family: Family, text: &str) -> Vec<Finding> {
    lint(family, FileKind::Standard, text.as_bytes())
}

/// The file as it is served. There is nothing to say about it.
fn served(family: Family, rendered: &Rendered) -> String {
    phone(family).faultless(FileKind::Standard, &rendered.text)
}

/// What a phone makes of a file, in the order of the file: the first line to the letter, `#` at the beginning of a
/// comment, a value from the first equals sign to the end of its line without the blanks around it. `%NULL%` is no
/// value.
fn read(file: &str) -> Vec<(&str, Option<&str>)> {
    let mut lines = file.split('\n');
    assert_eq!(lines.next(), Some("#!version:1.0.0.1"));
    assert_eq!(lines.next_back(), Some(""), "the last line has an end");
    let mut values = Vec::new();
    for line in lines {
        assert!(!line.contains('\r'));
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = line.split_once('=').expect("a name and a value");
        let value = value.trim();
        let kept = !value.eq_ignore_ascii_case("%null%");
        values.push((name.trim(), kept.then_some(value)));
    }
    values
}

/// The values of a parameter.
fn all<'f>(file: &'f str, name: &str) -> Vec<&'f str> {
    let values = read(file).into_iter();
    values
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value.expect("a value"))
        .collect()
}

/// The value of a parameter that is there once.
fn one<'f>(file: &'f str, name: &str) -> &'f str {
    let values = all(file, name);
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values.into_iter().next().unwrap()
}

const SETTINGS: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_auth_user", "201-auth"),
    ("line_1_password", HARD),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "TLS"),
    ("line_1_outbound_proxy", "[2001:db8::5]:5071"),
    ("line_1_display_name", "Büro \"Süd\" <1>; 50 %"),
    ("line_1_label", "Empfang = #1"),
    ("line_2_user", "202"),
    ("line_2_password", "\"<;%&'"),
    ("line_2_domain", "b.example.net"),
    ("line_2_registrar", "registrar.b.example.net"),
    ("line_2_enabled", "no"),
    ("admin_password", "Adm1n#Pass%;="),
    ("user_password", "u"),
    ("provisioning_interval", "1440"),
    ("standard_features.dnd.enable", "0"),
    // Of other phones.
    ("standard_P64", "1"),
];

#[test]
fn two_lines_are_read_back_as_they_were_set() {
    for (family, device, snapshot) in [
        (STATIC, "static.", "of_v81_and_later"),
        (OLD, "", "of_v70_to_v80"),
    ] {
        let base = Some("https://phones.example.net/SEGMENT");
        let rendered = rendered_as(family, SETTINGS, base, SecretsMode::Reveal).unwrap();
        assert!(rendered.left_out.is_empty(), "{:?}", rendered.left_out);
        let file = served(family, &rendered);
        for (name, value) in [
            ("account.1.enable", "1"),
            ("account.1.user_name", "201"),
            ("account.1.auth_name", "201-auth"),
            ("account.1.password", HARD),
            ("account.1.sip_server.1.address", "sip.example.net"),
            ("account.1.sip_server.1.port", "5061"),
            ("account.1.sip_server.1.transport_type", "2"),
            ("account.1.outbound_proxy_enable", "1"),
            ("account.1.outbound_proxy.1.address", "2001:db8::5"),
            ("account.1.outbound_proxy.1.port", "5071"),
            ("account.1.display_name", "Büro \"Süd\" <1>; 50 %"),
            ("account.1.label", "Empfang = #1"),
            ("account.2.enable", "0"),
            ("account.2.user_name", "202"),
            ("account.2.auth_name", "202"),
            ("account.2.password", "\"<;%&'"),
            ("account.2.sip_server.1.address", "registrar.b.example.net"),
            ("account.2.sip_server.1.transport_type", "0"),
            ("account.2.outbound_proxy_enable", "0"),
            ("account.2.display_name", "202"),
            ("account.2.label", "202"),
            ("features.dnd.enable", "0"),
            ("sip.notify_reboot_enable", "0"),
        ] {
            assert_eq!(one(&file, name), value, "{name}");
        }
        for (name, value) in [
            ("auto_provision.repeat.enable", "1"),
            ("auto_provision.repeat.minutes", "1440"),
            (
                "auto_provision.server.url",
                "https://phones.example.net/SEGMENT/",
            ),
        ] {
            assert_eq!(one(&file, &format!("{device}{name}")), value, "{name}");
        }
        let users = all(&file, &format!("{device}security.user_password"));
        assert_eq!(users, ["admin:Adm1n#Pass%;=", "user:u"]);
        let of_static = |name: &str| name.starts_with("static.");
        let statics = read(&file).iter().any(|(name, _)| of_static(name));
        assert_eq!(statics, family == STATIC);
        assert!(!file.contains("P64"));
        insta::assert_snapshot!(snapshot, file);
    }
}

#[test]
fn a_codec_that_the_vendor_spells_in_another_way_is_in_the_vendors_parameter() {
    let settings = [SETTINGS, &[("codecs", "g726-32,pcma")]].concat();
    let file = served(STATIC, &rendered(STATIC, &settings).unwrap());
    for (name, value) in [
        ("account.1.codec.g726_32.enable", "1"),
        ("account.1.codec.g726_32.priority", "1"),
        ("account.1.codec.pcma.priority", "2"),
        ("account.1.codec.pcmu.enable", "0"),
    ] {
        assert_eq!(one(&file, name), value, "{name}");
    }
    assert!(!file.contains("g726-32"), "{file}");
}

#[test]
fn phones_before_v81_are_told_the_server_in_every_spelling() {
    let file = served(OLD, &rendered(OLD, SETTINGS).unwrap());
    for (name, value) in [
        ("account.1.sip_server_host", "sip.example.net"),
        ("account.1.sip_server_port", "5061"),
        ("account.1.transport", "2"),
        ("account.1.outbound_host", "2001:db8::5"),
        ("account.1.outbound_port", "5071"),
        ("account.2.sip_server_host", "registrar.b.example.net"),
        ("account.2.transport", "0"),
    ] {
        assert_eq!(one(&file, name), value, "{name}");
    }
}

#[test]
fn what_an_operator_sets_by_its_own_name_is_there_instead() {
    let own = [
        ("standard_sip.notify_reboot_enable", "2"),
        ("standard_static.auto_provision.server.url", "https://a/b/"),
        ("standard_static.security.user_password", "var:x"),
        ("standard_account.1.label", "%NULL%"),
        ("admin_password", "a"),
    ];
    let settings: Vec<_> = SETTINGS
        .iter()
        .filter(|it| it.0 != "user_password" && it.0 != "admin_password")
        .chain(&own)
        .copied()
        .collect();
    let base = Some("https://phones.example.net/SEGMENT");
    let rendered = rendered_as(STATIC, &settings, base, SecretsMode::Reveal).unwrap();
    let file = served(STATIC, &rendered);
    assert_eq!(one(&file, "sip.notify_reboot_enable"), "2");
    assert_eq!(
        one(&file, "static.auto_provision.server.url"),
        "https://a/b/"
    );
    let users = all(&file, "static.security.user_password");
    assert_eq!(users, ["var:x", "admin:a"]);
    assert!(read(&file).contains(&("account.1.label", None)));
}

#[test]
fn without_a_url_of_its_own_a_file_names_none() {
    let file = served(STATIC, &rendered(STATIC, &[]).unwrap());
    insta::assert_snapshot!(file, @r"
    #!version:1.0.0.1
    sip.notify_reboot_enable = 0
    static.auto_provision.aes_key_in_file = 0
    static.auto_provision.update_file_mode = 0
    ");
    let file = served(OLD, &rendered(OLD, &[]).unwrap());
    insta::assert_snapshot!(file, @r"
    #!version:1.0.0.1
    sip.notify_reboot_enable = 0
    auto_provision.aes_key_in_file = 0
    ");
}

#[test]
fn a_preview_shows_users_and_no_password() {
    let rendered = rendered_as(STATIC, SETTINGS, None, SecretsMode::Mask).unwrap();
    let file = served(STATIC, &rendered);
    let users = all(&file, "static.security.user_password");
    assert_eq!(users, ["admin:********", "user:********"]);
    assert!(!file.contains(HARD));
    let own = [("standard_static.security.user_password", "admin:x")];
    let masked = rendered_as(STATIC, &own, None, SecretsMode::Mask).unwrap();
    assert_eq!(
        one(&served(STATIC, &masked), "static.security.user_password"),
        "********"
    );
}

#[test]
fn a_wrong_value_is_refused_with_what_to_do() {
    for (name, value, says) in [
        (
            "line_1_transport",
            "tsl",
            "line_1_transport: the value must be udp, tcp or tls",
        ),
        (
            "line_1_label",
            "%Null%",
            "%NULL% makes these phones forget the parameter: choose another value",
        ),
        (
            "admin_password",
            "a:b",
            "these phones take 1 to 32 printable ASCII characters without blanks and colons",
        ),
        ("admin_password", "ü", "these phones take 1 to 32"),
        ("line_1_port", "0", "the value must be a number from 1"),
        ("line_1_display_name", " Anna", "begin or end with a blank"),
    ] {
        let mut settings: BTreeMap<&str, &str> = SETTINGS.iter().copied().collect();
        settings.insert(name, value);
        let settings: Vec<_> = settings.into_iter().collect();
        let error = rendered(STATIC, &settings).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(says), "{error}");
    }
}

#[test]
fn settings_without_a_known_parameter_are_told() {
    let settings = [
        ("line_1_proxy", "proxy.example.net"),
        ("line_17_user", "217"),
        ("key_30_type", "line"),
    ];
    let rendered = rendered(STATIC, &settings).unwrap();
    assert_eq!(
        rendered.left_out,
        ["key_30_type", "line_17_user", "line_1_proxy"]
    );
}

fn found(family: Family, line: &str) -> Vec<&'static str> {
    let text = format!("#!version:1.0.0.1\n{line}\n");
    let found = findings(family, &text);
    found.into_iter().map(|finding| finding.code).collect()
}

#[test]
fn what_takes_a_phone_out_of_reach_is_refused() {
    for (family, device) in [(STATIC, "static."), (OLD, "")] {
        for (line, codes) in [
            (
                "auto_provision.update_file_mode = 1",
                &[codes::IRREVERSIBLE][..],
            ),
            ("auto_provision.update_file_mode = 0", &[]),
            ("auto_provision.aes_key_in_file = 1", &[codes::KEY_IN_FILE]),
            ("auto_provision.aes_key_in_file = 0", &[]),
            ("auto_provision.aes_key_16.mac = k", &[codes::KEY_IN_FILE]),
            ("auto_provision.aes_key_16.com =", &[codes::KEY_IN_FILE]),
            ("auto_provision.aes_key.mac = k", &[codes::KEY_IN_FILE]),
            ("security.user_password = admin", &[codes::VALUE_NOT_TAKEN]),
            (
                "security.user_password = admin:ü",
                &[codes::VALUE_NOT_TAKEN],
            ),
            ("security.user_password = admin:a", &[]),
        ] {
            assert_eq!(found(family, &format!("{device}{line}")), codes, "{line}");
        }
        let twice =
            format!("{device}security.user_password = a:1\n{device}security.user_password = a:2");
        assert_eq!(found(family, &twice), [codes::DUPLICATE_PARAMETER]);
    }
    assert_eq!(
        found(STATIC, "auto_provision.repeat.enable = 1"),
        [codes::NAME_NOT_OF_FAMILY]
    );
    assert_eq!(
        found(OLD, "static.auto_provision.repeat.enable = 1"),
        [codes::NAME_NOT_OF_FAMILY]
    );
}

#[test]
fn a_file_that_a_phone_would_drop_or_misread_is_refused() {
    for file in [
        "",
        "account.1.enable = 1\n",
        "#!version:1.0.0.2\n",
        "#!version:1.0.0.1 \n",
        "#!version:1.0.0.1\naccount.1.enable\n",
        "#!version:1.0.0.1\ninclude:config \"a=b\"\n",
        "#!version:1.0.0.1\na.b = 1\na.b = 2\n",
        "#!version:1.0.0.1\na.b = a\tb\n",
    ] {
        assert!(has_errors(&findings(STATIC, file)), "{file:?}");
    }
}

#[test]
fn a_bootstrap_carries_the_key_and_no_other_file_does() {
    for (family, parameter) in [
        (STATIC, "static.auto_provision.aes_key_16.mac"),
        (STATIC, "static.auto_provision.aes_key.mac"),
        (OLD, "auto_provision.aes_key_16.mac"),
    ] {
        let rendered = rendered(family, SETTINGS).unwrap();
        let document = Document::parse(family, rendered.text.as_bytes()).unwrap();
        let key = "0Aa#$%*+,-.:=?@[";
        let bootstrap =
            insert_key(family, FileKind::Standard, document, &[(parameter, key)]).unwrap();
        let bytes = bootstrap.to_bytes();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(one(&text, parameter), key);
        assert!(lint_bootstrap(family, &bytes).is_empty());
        assert!(has_errors(&findings(family, &text)));
        let again = insert_key(family, FileKind::Standard, bootstrap, &[(parameter, key)]);
        assert_eq!(again.unwrap_err().code, codes::KEY_IN_FILE);
    }
}

#[test]
fn a_model_name_suggests_the_generation() {
    for (model, family) in [
        ("T46S", Some(STATIC)),
        ("SIP-T46S", Some(STATIC)),
        ("sip-t21p_e2", Some(STATIC)),
        ("Yealink SIP-T54W", Some(STATIC)),
        ("SIP VP-T49G", Some(STATIC)),
        ("T88W", Some(STATIC)),
        ("W70B", Some(STATIC)),
        ("W90DM", Some(STATIC)),
        ("CP930W", Some(STATIC)),
        ("AX86R", Some(STATIC)),
        ("VP59", Some(STATIC)),
        ("T28P", Some(OLD)),
        ("SIP-T20P", Some(OLD)),
        ("Yealink T22P", Some(OLD)),
        ("W52P", Some(OLD)),
        ("yealink w60b", Some(OLD)),
        ("VP530P", Some(OLD)),
    ] {
        assert_eq!(Family::guess(model), family, "{model}");
    }
}

proptest! {
    /// Whatever a password is, the phone reads that very one, or it is refused.
    #[test]
    fn a_password_is_read_back_or_refused(password in "\\PC{0,40}|[ -~]{0,40}") {
        for family in [STATIC, OLD] {
            let mut settings: BTreeMap<&str, &str> = SETTINGS.iter().copied().collect();
            settings.insert("line_1_password", &password);
            let settings: Vec<_> = settings.into_iter().collect();
            let Ok(rendered) = rendered(family, &settings) else { continue };
            if has_errors(&findings(family, &rendered.text)) { continue }
            let document = Document::parse(family, rendered.text.as_bytes()).unwrap();
            let file = String::from_utf8(document.to_bytes()).unwrap();
            prop_assert_eq!(one(&file, "account.1.password"), password.as_str());
            prop_assert_eq!(one(&file, "account.1.user_name"), "201");
        }
    }
}
