//! Snom's base stations: what the built-in template makes, read back by another reader; and by which names a desk phone
//! gets its file.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeMap;

use phone::{Phone, TWO_LINES};
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::url_template::{Route, RouteTable, UrlTemplate};
use ringfence_provision::vendor::snom::{DECT as FAMILY, DESK};

const MAC: &str = "000413b60680";
const MODEL: &str = "snomM900";
const PASSWORD: &str = "user_pass.1";

const PHONE: Phone = Phone {
    family: FAMILY,
    mac: MAC,
    model: MODEL,
};

/// Two lines, and what these phones know besides.
fn full() -> Vec<(&'static str, &'static str)> {
    let more = [
        ("line_1_dtmf", "info"),
        ("line_1_voicemail", "*97"),
        ("line_11_user", "211"),
        ("line_11_password", "eleven"),
        ("line_11_domain", "two.example.net"),
        ("admin_password", "45<6\"&"),
        ("user_password", "4711"),
        ("ntp", "ntp.example.net"),
        ("time_zone", "Europe/Berlin"),
        ("vlan", "12"),
        ("language", "de"),
        ("tone_country", "DE"),
        ("standard_subscr_dect_ac_code.1", "1234"),
    ];
    [&TWO_LINES[..], &more].concat()
}

/// The values by name and, behind a dot, index. None is there twice.
fn read(xml: &str) -> BTreeMap<String, String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let root = document.root_element();
    assert!(root.has_tag_name("settings"));
    let section = root.first_element_child().unwrap();
    let mut parameters = BTreeMap::new();
    for node in section.children().filter(|node| node.is_element()) {
        let name = node.tag_name().name();
        let name = match node.attribute("idx") {
            Some(index) => format!("{name}.{index}"),
            None => name.to_owned(),
        };
        let earlier = parameters.insert(name.clone(), node.text().unwrap_or_default().to_owned());
        assert_eq!(earlier, None, "{name} is there twice");
    }
    parameters
}

#[test]
fn accounts_point_to_their_servers_and_handsets() {
    let served = PHONE.canonical(FileKind::Standard, &full(), &[]);
    let value = read(&served);
    for (name, expected) in [
        ("user_active.1", "on"),
        ("user_name.1", "201"),
        ("user_pname.1", "a201"),
        ("user_pass.1", "e3#rl2(&ae#1"),
        ("user_realname.1", "Büro \"Nord\" <1>; 100% & 'so'"),
        ("subscr_sip_line_name.1", "Büro"),
        ("subscr_sip_hs_idx.1", "1"),
        ("subscr_sip_ua_data_server_id.1", "1"),
        ("user_host.1", "sip.example.net:5061"),
        ("user_outbound.1", "edge.example.net:5062"),
        ("srv_sip_transport.1", "tls"),
        ("user_dtmf_info.1", "sip_info_only"),
        ("user_pass.2", "\"; <b>%20</b> ä"),
        ("subscr_sip_ua_data_server_id.2", "2"),
        ("user_host.2", "two.example.net"),
        // The eleventh account has the second's server.
        ("user_name.11", "211"),
        ("subscr_sip_hs_idx.11", "11"),
        ("subscr_sip_ua_data_server_id.11", "2"),
        ("http_pass", "45<6\"&"),
        ("subscr_dect_ac_code.1", "1234"),
    ] {
        assert_eq!(
            value.get(name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    assert!(!value.contains_key("user_host.11"));
    assert!(PHONE.left_out(&full()).is_empty());
    insta::assert_snapshot!(served);
}

#[test]
fn wrong_values_are_refused_and_what_cannot_be_said_is_left_out() {
    let error = PHONE.refused(&[("line_1_transport", "tsl")]);
    assert!(error.contains("udp, tcp or tls"), "{error}");
    let error = PHONE.refused(&[
        ("line_11_user", "211"),
        ("line_11_password", "eleven"),
        ("line_11_domain", "nowhere.example.net"),
    ]);
    assert!(error.contains("ten servers"), "{error}");
    let error = PHONE.refused(&[("tone_country", "JP")]);
    assert!(error.contains("these phones know"), "{error}");
    assert_eq!(
        PHONE.left_out(&[
            ("line_1_srtp", "off"),
            ("key_1_type", "blf"),
            ("syslog", "192.0.2.9"),
        ]),
        ["key_1_type", "line_1_srtp", "syslog"]
    );
}

#[test]
fn a_models_name_tells_a_base_from_a_desk_phone() {
    for (model, family) in [
        ("snomM900", Some(FAMILY)),
        ("Snom M300", Some(FAMILY)),
        ("snomD345", Some(DESK)),
        // Of another make, which reads another form.
        ("M500KLE", None),
    ] {
        assert_eq!(Family::guess(model), family, "{model}");
    }
}

/// The rule by which a desk phone makes names of the URL that it is given, below the access path.
#[test]
fn a_desk_phone_gets_its_file_by_each_name_that_has_its_mac_and_by_no_other() {
    let routes = DESK.spec().names.iter().map(|(kind, form, name)| Route {
        kind: *kind,
        form: *form,
        template: UrlTemplate::parse(name).unwrap(),
        family: Some(DESK),
    });
    let table = RouteTable::new(routes.collect()).unwrap();
    for (given, asked) in [
        ("", ["snomD345.htm", "snomD345-000413A11FA7.htm"]),
        ("{mac}.xml", ["snomD345-firmware.htm", "000413A11FA7.xml"]),
        ("config.xml", ["config.xml", "config-000413A11FA7.xml"]),
    ] {
        let [for_many, own] = asked;
        assert_eq!(table.resolve(for_many), None, "{given}");
        let found = table.resolve(own).unwrap();
        assert_eq!(found.mac.unwrap().upper(), "000413A11FA7", "{given}");
    }
    // A URL without a slash at its end, and names that are spelled otherwise.
    for other in [
        "",
        "-000413A11FA7",
        "config-000413a11fa7.xml",
        "config-.xml",
        "Config-000413A11FA7.xml",
        "config-00:04:13:A1:1F:A7.xml",
    ] {
        assert_eq!(table.resolve(other), None, "{other}");
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
