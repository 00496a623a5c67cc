//! Poly's UC Software: what the built-in templates make, read back by another reader.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeMap;

use phone::{Phone, TWO_LINES, URLS};
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::lint;
use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use ringfence_provision::url_template::{Route, RouteTable, UrlTemplate};
use ringfence_provision::vendor::poly::UCS as FAMILY;

const MAC: &str = "64167f123456";
const MODEL: &str = "VVX450";
const PASSWORD: &str = "reg.1.auth.password";

const PHONE: Phone = Phone {
    family: FAMILY,
    mac: MAC,
    model: MODEL,
};

/// Two lines, and what these phones know besides.
fn full() -> Vec<(&'static str, &'static str)> {
    let more = [
        ("line_2_registrar", "reg.example.net"),
        ("line_1_srtp", "optional"),
        ("line_1_dtmf", "rfc2833"),
        ("line_1_voicemail", "*97"),
        ("line_1_expires", "600"),
        ("key_3_type", "blf"),
        ("key_3_value", "203"),
        ("key_3_label", "Lager & Versand"),
        ("admin_password", "45<6\"&"),
        ("ntp", "ntp.example.net"),
        ("time_zone", "Europe/Berlin"),
        ("syslog", "192.0.2.9"),
        ("language", "de"),
        ("vlan", "12"),
        ("provisioning_interval", "1440"),
        ("standard_up.oneTouchVoiceMail", "1"),
        ("standard_device.prov.tagSerialNo", "1"),
        // Another vendor's.
        ("standard_P64", "1"),
        ("standard_VoiceService.1.Phone.DigitMap", "x."),
    ];
    [&TWO_LINES[..], &more].concat()
}

/// Every attribute of every element: what a phone takes as its parameters. None is there twice.
fn read(xml: &str) -> BTreeMap<String, String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let mut parameters = BTreeMap::new();
    for attribute in document.descendants().flat_map(|node| node.attributes()) {
        let earlier = parameters.insert(attribute.name().to_owned(), attribute.value().to_owned());
        assert_eq!(earlier, None, "{} is there twice", attribute.name());
    }
    parameters
}

#[test]
fn settings_are_read_back_as_attributes() {
    let served = PHONE.canonical(FileKind::Standard, &full(), &[]);
    let value = read(&served);
    for (name, expected) in [
        ("reg.1.address", "201"),
        ("reg.1.auth.userId", "a201"),
        ("reg.1.auth.password", "e3#rl2(&ae#1"),
        ("reg.1.displayName", "Büro \"Nord\" <1>; 100% & 'so'"),
        ("reg.1.label", "Büro"),
        ("reg.1.server.1.address", "sip.example.net"),
        ("reg.1.server.1.port", "5061"),
        ("reg.1.server.1.transport", "TLS"),
        ("reg.1.outboundProxy.address", "edge.example.net"),
        ("reg.1.outboundProxy.port", "5062"),
        ("reg.1.outboundProxy.transport", "TLS"),
        // The domain is not where the line registers.
        ("reg.2.address", "202@two.example.net"),
        ("reg.2.auth.userId", "202"),
        ("reg.2.auth.password", "\"; <b>%20</b> ä"),
        ("reg.2.server.1.address", "reg.example.net"),
        ("prov.polling.period", "86400"),
        ("attendant.resourceList.3.address", "203"),
        ("voIpProt.SIP.specialEvent.checkSync.alwaysReboot", "0"),
        ("device.auth.localAdminPassword", "45<6\"&"),
    ] {
        assert_eq!(
            value.get(name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    // What is the device's own counts with its switches alone.
    assert_eq!(value["device.set"], "1");
    let own = value
        .keys()
        .filter(|it| it.starts_with("device.") && !it.ends_with(".set"));
    for name in own {
        let switch = value.get(&format!("{name}.set"));
        assert_eq!(switch.map(String::as_str), Some("1"), "{name}");
    }
    let elements = roxmltree::Document::parse(&served).unwrap();
    assert!(elements.root_element().has_tag_name("PHONE_CONFIG"));
    assert!(!value.contains_key("P64") && !value.keys().any(|it| it.starts_with('V')));
    insta::assert_snapshot!(served);
}

#[test]
fn the_index_names_the_devices_file_which_is_served_in_either_case() {
    let index = PHONE.canonical(FileKind::Initial, &full(), &URLS);
    let value = read(&index);
    let named = value["CONFIG_FILES"].replace("[PHONE_MAC_ADDRESS]", MAC);
    assert_eq!(named, "64167f123456-ringfence.cfg");
    let xml = roxmltree::Document::parse(&index).unwrap();
    assert!(xml.root_element().has_tag_name("APPLICATION"));
    insta::assert_snapshot!(index);
    let names = FAMILY.spec().names.iter();
    let routes = names.map(|(kind, form, name)| Route {
        kind: *kind,
        form: *form,
        template: UrlTemplate::parse(name).unwrap(),
        family: Some(FAMILY),
    });
    let table = RouteTable::new(routes.collect()).unwrap();
    for name in [
        named.clone(),
        format!("{}-ringfence.cfg", MAC.to_uppercase()),
    ] {
        let found = table.resolve(&name).unwrap();
        assert_eq!(
            (found.kind, found.mac),
            (FileKind::Standard, Mac::parse(MAC).ok())
        );
    }
    let index = table.resolve("000000000000.cfg").unwrap();
    assert_eq!((index.kind, index.mac), (FileKind::Initial, None));
    for own in [MAC.to_owned(), MAC.to_uppercase()] {
        let index = table.resolve(&format!("{own}.cfg")).unwrap();
        assert_eq!(
            (index.kind, index.mac),
            (FileKind::Initial, Mac::parse(MAC).ok())
        );
    }
    // What the phone keeps of its own is never there.
    for name in FAMILY.spec().never {
        for text in [MAC, "000000000000", "2345-12600-001."] {
            assert_eq!(table.resolve(&name.replace('*', text)), None, "{name}");
        }
    }
}

#[test]
fn the_phone_learns_where_its_files_are() {
    let value = read(&PHONE.canonical(FileKind::Standard, &[], &URLS));
    assert_eq!(
        value["device.prov.serverName"],
        "phones.example.net/s3gment"
    );
    assert_eq!(value["device.prov.serverType"], "3");
    assert_eq!(value["device.prov.serverName.set"], "1");
    let own = [("standard_device.prov.serverName", "other.example.net")];
    let value = read(&PHONE.canonical(FileKind::Standard, &own, &URLS));
    assert_eq!(value["device.prov.serverName"], "other.example.net");
    assert!(!value.contains_key("device.prov.serverType"));
    assert!(!read(&PHONE.canonical(FileKind::Standard, &[], &[])).contains_key("device.set"));
}

fn codes(kind: FileKind, text: &str) -> Vec<&'static str> {
    let findings = lint(FAMILY, kind, text.as_bytes());
    findings.into_iter().map(|it| it.code).collect()
}

#[test]
fn what_does_harm_is_refused_and_what_does_nothing_is_said() {
    let standard = FileKind::Standard;
    let key = r#"<PHONE_CONFIG><k device.set="1" device.sec.configEncryption.key.set="1" device.sec.configEncryption.key="Crypt=1;KeyDesc=a;Key=0;"/></PHONE_CONFIG>"#;
    assert_eq!(codes(standard, key), ["key-in-file", "key-in-file"]);
    for text in [
        r#"<PHONE_CONFIG><a device.net.vlanId="1" device.net.vlanId.set="1"/></PHONE_CONFIG>"#,
        r#"<PHONE_CONFIG><a device.set="1" device.net.vlanId="1"/></PHONE_CONFIG>"#,
        r#"<a device.set="0" device.net.vlanId.set="1" device.net.vlanId="1"/>"#,
    ] {
        assert_eq!(codes(standard, text), ["parameter-ignored"], "{text}");
    }
    // Elements may have any name, but an index is one and a file of parameters is none.
    assert!(codes(standard, r#"<polycomConfig><b c.d="1"/></polycomConfig>"#).is_empty());
    assert_eq!(
        codes(standard, r#"<APPLICATION CONFIG_FILES="a.cfg"/>"#),
        ["xml-root"]
    );
    assert_eq!(
        codes(FileKind::Initial, r#"<PHONE_CONFIG CONFIG_FILES="a.cfg"/>"#),
        ["xml-root"]
    );
    assert_eq!(
        codes(FileKind::Initial, "<APPLICATION/>"),
        ["initial-without-standard"]
    );
    let long = format!("<APPLICATION CONFIG_FILES=\"a.cfg, {}\"/>", "b".repeat(256));
    assert_eq!(codes(FileKind::Initial, &long), ["value-too-long"]);
    let twice = r#"<a><b c.d="1"/><b c.d="2"/></a>"#;
    assert_eq!(codes(standard, twice), ["duplicate-parameter"]);
}

#[test]
fn wrong_values_are_refused_and_what_cannot_be_said_is_left_out() {
    for (name, value, says) in [
        ("line_1_transport", "tsl", "udp, tcp or tls"),
        ("provisioning_interval", "60", "more than 60 minutes"),
        ("syslog", "192.0.2.9:5140", "port 514"),
        ("language", "gsw", "these phones know"),
        ("line_1_dtmf", "info", "rfc2833 and inband alone"),
        ("key_1_type", "park", "blf alone"),
    ] {
        let error = PHONE.refused(&[(name, value)]);
        assert!(error.contains(says) && error.contains(name), "{error}");
    }
    let both = PHONE.refused(&[("provisioning_interval", "90"), ("resync_time", "03:00")]);
    let says = "provisioning_interval: these phones fetch at a time of day or after an interval";
    assert!(both.starts_with(says), "{both}");
    assert!(both.contains("resync_time"), "{both}");
    let incomplete = PHONE.refused(&[("line_1_user", "201"), ("line_1_domain", "a.example")]);
    assert!(incomplete.contains("line_1_password"), "{incomplete}");
    assert_eq!(
        PHONE.left_out(&[
            ("line_1_enabled", "no"),
            ("line_2_srtp", "off"),
            ("tone_country", "DE"),
        ]),
        ["line_1_enabled", "line_2_srtp", "tone_country"]
    );
}

#[test]
fn models_suggest_the_family() {
    for model in [
        "VVX450",
        "VVX_400",
        "SPIP_550",
        "SSIP_6000",
        "CCX500",
        "Edge E350",
    ] {
        assert_eq!(Family::guess(model), Some(FAMILY), "{model}");
    }
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
