//! OBi: what the built-in template makes, read back by another reader.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeMap;

use phone::{Asked, Phone, TWO_LINES, URLS};
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::{Document, insert_key, lint, lint_bootstrap};
use ringfence_provision::key::DeviceKey;
use ringfence_provision::kind::FileKind;
use ringfence_provision::vendor::obi::OBI as FAMILY;

const MAC: &str = "9cadef123456";
const MODEL: &str = "OBi202";
const PASSWORD: &str = "VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthPassword";

const PHONE: Phone = Phone {
    family: FAMILY,
    mac: MAC,
    model: MODEL,
};

/// Two lines, and what these phones know besides.
fn full() -> Vec<(&'static str, &'static str)> {
    let more = [
        ("ntp", "ntp.example.net"),
        ("syslog", "192.0.2.9:5140"),
        ("vlan", "12"),
        ("provisioning_interval", "90"),
        ("dial_plan", "(xx.|<9:>x.)"),
        (
            "standard_DeviceInfo.Time.LocalTimeZone",
            "GMT+01:00(Berlin)",
        ),
        // Another vendor's.
        ("standard_P64", "1"),
        ("standard_reg.1.label", "1"),
    ];
    [&TWO_LINES[..], &more].concat()
}

/// The values by the names of object and parameter, as a phone puts them together. None is there twice.
fn read(xml: &str) -> BTreeMap<String, String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let root = document.root_element();
    assert!(root.has_tag_name("ParameterList"));
    let text = |node: roxmltree::Node<'_, '_>, name: &str| {
        let found = node.children().find(|child| child.has_tag_name(name));
        found.unwrap().text().unwrap_or_default().to_owned()
    };
    let mut parameters = BTreeMap::new();
    for object in root.children().filter(|node| node.is_element()) {
        assert!(object.has_tag_name("O") && text(object, "N").ends_with('.'));
        for parameter in object.children().filter(|node| node.has_tag_name("P")) {
            let name = text(object, "N") + &text(parameter, "N");
            let earlier = parameters.insert(name.clone(), text(parameter, "V"));
            assert_eq!(earlier, None, "{name} is there twice");
        }
    }
    parameters
}

const LINE: &str = "VoiceService.1.VoiceProfile.1.Line.";
const PROFILE: &str = "VoiceService.1.VoiceProfile.";

#[test]
fn settings_are_read_back_by_object_and_parameter() {
    let served = PHONE.canonical(FileKind::Standard, &full(), &[]);
    let value = read(&served);
    for (before, name, expected) in [
        (LINE, "1.Enable", "true"),
        (LINE, "1.X_ServProvProfile", "A"),
        (LINE, "1.SIP.AuthUserName", "a201"),
        (LINE, "1.SIP.URI", "201"),
        (LINE, "1.SIP.AuthPassword", "e3#rl2(&ae#1"),
        (
            LINE,
            "1.CallingFeatures.CallerIDName",
            "Büro \"Nord\" <1>; 100% & 'so'",
        ),
        (LINE, "1.X_DisplayLabel", "Büro"),
        (PROFILE, "1.SIP.ProxyServer", "sip.example.net"),
        (PROFILE, "1.SIP.ProxyServerPort", "5061"),
        (PROFILE, "1.SIP.ProxyServerTransport", "TLS"),
        (PROFILE, "1.SIP.OutboundProxy", "edge.example.net"),
        (PROFILE, "1.SIP.OutboundProxyPort", "5062"),
        (LINE, "2.X_ServProvProfile", "B"),
        (LINE, "2.SIP.AuthUserName", "202"),
        (LINE, "2.SIP.AuthPassword", "\"; <b>%20</b> ä"),
        (PROFILE, "2.SIP.ProxyServer", "two.example.net"),
        ("X_DeviceManagement.", "ITSPProvisioning.Interval", "5400"),
        ("DeviceInfo.", "Time.LocalTimeZone", "GMT+01:00(Berlin)"),
    ] {
        let name = format!("{before}{name}");
        assert_eq!(
            value.get(&name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    assert!(!value.contains_key(&format!("{LINE}2.SIP.URI")));
    assert!(
        !value
            .keys()
            .any(|it| it.contains("P64") || it.contains("reg."))
    );
    insta::assert_snapshot!(served);
}

#[test]
fn the_phone_learns_where_its_file_is() {
    const RULE: &str = "X_DeviceManagement.ITSPProvisioning.ConfigURL";
    let value = read(&PHONE.canonical(FileKind::Standard, &[], &URLS));
    assert_eq!(
        value[RULE],
        "https://phones.example.net/s3gment/9CADEF123456.xml"
    );
    let own = "standard_X_DeviceManagement.ITSPProvisioning.ConfigURL";
    let settings = [(own, "https://b.example/$MAC.xml")];
    let value = read(&PHONE.canonical(FileKind::Standard, &settings, &URLS));
    assert_eq!(value[RULE], "https://b.example/$MAC.xml");
    // A rule says of a file what it is, and never has a key; nor does a file set what the rule takes it from.
    for (name, value, wanted) in [
        (
            own,
            "SYNC -A=aes -K=$SPRM0 -IV=$SPRM1 https://b.example/$MAC.aes",
            None,
        ),
        (
            own,
            "SYNC -A=aes -K=$SPRM0 -IV=$SPRM1 https://b.example/$MAC.xml",
            Some("key-in-file"),
        ),
        (
            own,
            "SYNC -A=aes -K=000102030405060708090a0b0c0d0e0f -IV=$SPRM1 https://b.example/$MAC.aes",
            Some("key-in-file"),
        ),
        (
            own,
            "SYNC -A=aes -K=$SPRM0 https://b.example/$MAC.aes",
            Some("key-in-file"),
        ),
        (
            own,
            "SYNC -A=rc4 -K=$SPRM0 -IV=$SPRM1 https://b.example/$MAC.aes",
            Some("key-in-file"),
        ),
        (own, "https://b.example/$MAC.aes", Some("value-meaning")),
        (
            "standard_X_DeviceManagement.ITSPProvisioning.SPRM0",
            "00",
            Some("key-in-file"),
        ),
    ] {
        let rendered = PHONE
            .of_kind(FileKind::Standard, &[(name, value)], &[])
            .unwrap();
        let findings = lint(FAMILY, FileKind::Standard, rendered.text.as_bytes());
        let codes: Vec<_> = findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, Vec::from_iter(wanted), "{name} {value}");
    }
}

#[test]
fn a_bootstrap_sets_key_and_iv_and_leads_on_to_the_sealed_file() {
    const RULE: &str = "X_DeviceManagement.ITSPProvisioning.ConfigURL";
    let asked = Asked {
        urls: &URLS,
        sealed_extension: Some("aes"),
        ..Asked::default()
    };
    let line = [
        ("line_1_user", "201"),
        ("line_1_password", "x"),
        ("line_1_domain", "sip.example.net"),
    ];
    let made = PHONE.made(&line, asked).unwrap();
    let document = Document::parse(FAMILY, made.text.as_bytes()).unwrap();
    let profile = ringfence_provision::vendor::profile("obi-128").unwrap();
    let key = DeviceKey::parse("12341234abcdabcd12341234abcdabcd").unwrap();
    let sealer = profile.sealer(&key);
    let told = sealer.parameters();
    let told: Vec<(&str, &str)> = told
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let with_key = insert_key(FAMILY, FileKind::Standard, document, &told).unwrap();
    let text = String::from_utf8(with_key.to_bytes()).unwrap();
    let value = read(&text);
    assert_eq!(
        value[RULE],
        "SYNC -A=aes -K=$SPRM0 -IV=$SPRM1 https://phones.example.net/s3gment/9CADEF123456.aes"
    );
    for (name, text) in &told {
        let name = format!("X_DeviceManagement.ITSPProvisioning.{name}");
        assert_eq!(&value[&name], text);
        assert_eq!(text.len(), 32);
    }
    assert!(lint_bootstrap(FAMILY, text.as_bytes()).is_empty(), "{text}");
    // Nobody else brings one.
    let findings = lint(FAMILY, FileKind::Standard, text.as_bytes());
    assert!(findings.iter().all(|it| it.code == "key-in-file"));
    assert_eq!(findings.len(), 2);
    let again = Document::parse(FAMILY, text.as_bytes()).unwrap();
    assert!(insert_key(FAMILY, FileKind::Standard, again, &told).is_err());
    insta::assert_snapshot!(text);
}

#[test]
fn wrong_values_are_refused_and_what_cannot_be_said_is_left_out() {
    let error = PHONE.refused(&[("line_1_transport", "tsl")]);
    assert!(error.contains("udp, tcp or tls"), "{error}");
    let error = PHONE.refused(&[("provisioning_interval", "90"), ("resync_time", "03:00")]);
    let says = "provisioning_interval: these phones fetch at a time of day or after an interval";
    assert!(error.starts_with(says), "{error}");
    assert!(error.contains("resync_time"), "{error}");
    assert_eq!(
        PHONE.left_out(&[
            ("admin_password", "1"),
            ("line_1_dtmf", "info"),
            ("line_7_port", "5060"),
        ]),
        ["admin_password", "line_1_dtmf", "line_7_port"]
    );
    assert_eq!(Family::guess("OBi202"), Some(FAMILY));
}

#[test]
fn what_stands_outside_of_an_object_is_refused() {
    for (text, code) in [
        (
            "<ParameterList><P><N>A</N><V>1</V></P></ParameterList>",
            "name-invalid",
        ),
        (
            "<ParameterList><O><N>A</N><P><N>B</N><V>1</V></P></O></ParameterList>",
            "name-invalid",
        ),
        (
            "<List><O><N>A.</N><P><N>B</N><V>1</V></P></O></List>",
            "xml-root",
        ),
    ] {
        let findings = lint(FAMILY, FileKind::Standard, text.as_bytes());
        assert!(
            findings.iter().any(|it| it.code == code),
            "{text} {findings:?}"
        );
    }
    let default = r#"<ParameterList><O><N>A.</N><P><N>B</N><V X_UD="Y"/></P></O></ParameterList>"#;
    assert!(lint(FAMILY, FileKind::Standard, default.as_bytes()).is_empty());
}

proptest! {
    #[test]
    fn a_password_is_read_back_or_refused(password in "\\PC{0,40}|[ -~]{0,40}") {
        if let Some(file) = PHONE.with_password(&password) {
            let read = read(&file);
            prop_assert_eq!(read.get(PASSWORD), Some(&password));
        }
    }
}
