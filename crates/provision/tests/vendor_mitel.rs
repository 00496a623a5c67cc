//! Mitel's files: what the built-in templates make, read back by a reader that is written from the vendor's rules.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeMap;

use phone::{Asked, Phone};
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::vendor::mitel::SIP;

const PHONE: Phone = Phone {
    family: SIP,
    mac: "00085D237429",
    model: "6869i",
};

/// Name and value are told apart by the first colon; `#` begins a comment, also behind a value; blanks at the ends
/// do not count; a value may stand in quotes; the last of two counts.
fn values(file: &str) -> BTreeMap<String, String> {
    let lines = file.lines().filter_map(|line| {
        let line = line.split('#').next()?;
        let (name, value) = line.split_once(':')?;
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        Some((name.trim().to_owned(), bare.unwrap_or(value).to_owned()))
    });
    lines.collect()
}

const SETTINGS: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_auth_user", "201;auth"),
    ("line_1_password", "e3:rl2(&ae%1"),
    ("line_1_display_name", "Büro <West> & 50%; Küche"),
    ("line_1_label", "Reception: desk"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "TLS"),
    ("line_1_outbound_proxy", "edge.example.net:5070"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "rfc2833"),
    ("line_1_srtp", "optional"),
    ("line_2_user", "202"),
    ("line_2_password", "<;%ü'>"),
    ("line_2_domain", "b.example"),
    ("line_2_registrar", "reg.b.example"),
    ("line_2_proxy", "[2001:db8::1]:5080"),
    ("line_2_port", "5062"),
    ("line_2_dtmf", "info"),
    ("admin_password", "481516"),
    ("user_password", "0"),
    ("tone_country", "DE"),
    ("ntp", "ntp.example.net"),
    ("time_zone", "Europe/Berlin"),
    ("syslog", "log.example.net:5514"),
    ("vlan", "20"),
    ("resync_time", "03:30"),
    ("firmware_url", "https://fw.example.net/mitel"),
    ("standard_auto_resync_max_delay", "60"),
    ("standard_priority_non-ip", "5"),
    ("standard_lock.sip_line1_mode", "0"),
    ("standard_overwrite.time_format", "1"),
    // Of phones of other makers in the same tenant.
    ("standard_P64", "x"),
    ("standard_account.1.label", "x"),
];

#[test]
fn a_full_example_is_read_back_by_the_names_of_the_guides() {
    let file = PHONE.clean(SETTINGS);
    let values = values(&file);
    for (name, expected) in [
        ("sip line1 user name", "201"),
        ("sip line1 auth name", "201;auth"),
        ("sip line1 password", "e3:rl2(&ae%1"),
        ("sip line1 display name", "Büro <West> & 50%; Küche"),
        ("sip line1 screen name", "Reception: desk"),
        ("sip line1 proxy ip", "sip.example.net"),
        ("sip line1 proxy port", "5061"),
        ("sip line1 registrar ip", "sip.example.net"),
        ("sip line1 registrar port", "5061"),
        ("sip line1 outbound proxy", "edge.example.net"),
        ("sip line1 outbound proxy port", "5070"),
        ("sip transport protocol", "4"),
        ("sip out-of-band dtmf", "1"),
        ("sip line1 srtp mode", "1"),
        ("sip line2 auth name", "202"),
        ("sip line2 screen name", "202"),
        ("sip line2 password", "<;%ü'>"),
        ("sip line2 registrar ip", "reg.b.example"),
        ("sip line2 registrar port", "5062"),
        ("sip line2 proxy ip", "2001:db8::1"),
        ("sip line2 proxy port", "5080"),
        ("sip line2 dtmf method", "1"),
        ("admin password", "481516"),
        ("auto resync time", "03:30"),
        ("time server1", "ntp.example.net"),
        ("time zone minutes", "-60"),
        ("dst [start|end] relative date", "1"),
        ("dst end week", "-1"),
        ("dst end hour", "3"),
        ("priority non-ip", "5"),
        ("!sip line1 mode", "0"),
        ("^time format", "1"),
    ] {
        assert_eq!(
            values.get(name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    assert!(!values.keys().any(|name| name.contains(['.', 'P', '_'])));
    insta::assert_snapshot!(file);
}

#[test]
fn the_file_without_which_a_phone_goes_no_further_is_never_empty() {
    let of_tenant = |settings: &[(&str, &str)]| {
        let asked = Asked {
            kind: FileKind::Master,
            ..Asked::default()
        };
        let text = PHONE.made(settings, asked).unwrap().text;
        PHONE.faultless(FileKind::Master, &text)
    };
    assert_eq!(of_tenant(&[]), "https validate certificates: 1\n");
    let own = [
        ("master_https_validate_certificates", "0"),
        ("master_tone_set", "Germany"),
    ];
    assert_eq!(
        of_tenant(&own),
        "https validate certificates: 0\ntone set: Germany\n"
    );
}

#[test]
fn a_file_names_the_access_path_unless_the_operator_does() {
    let urls = [
        ("base", "https://phones.example.net/k7Qd"),
        ("hostname", "phones.example.net"),
        ("port", "443"),
        ("path", "k7Qd"),
    ];
    let text = PHONE.rendered(SETTINGS, &urls).unwrap().text;
    let values_with = values(&text);
    assert_eq!(values_with["https server"], "phones.example.net");
    assert_eq!(values_with["https path"], "k7Qd");
    assert_eq!(values_with["download protocol"], "HTTPS");
    assert_eq!(values_with["https port"], "443");
    let at_port = [urls[0], urls[1], ("port", "8443"), urls[3]];
    for (settings, port) in [
        (SETTINGS, "8443"),
        (&[("standard_https_port", "444")], "444"),
    ] {
        let text = PHONE.rendered(settings, &at_port).unwrap().text;
        let found = values(&text);
        assert_eq!(found["https server"], "phones.example.net");
        assert_eq!(found["https port"], port);
        assert_eq!(text.matches("https port:").count(), 1, "{text}");
    }
    let own = [("standard_https_server", "other.example")];
    let text = PHONE.rendered(&own, &urls).unwrap().text;
    assert_eq!(text.trim(), "https server: other.example");
}

#[test]
fn a_password_that_would_open_the_phone_is_refused() {
    for password in ["s3cret", "", "007", "4294967296", "-1", "1 2"] {
        let error = PHONE.refusal(("admin_password", password));
        assert!(error.contains("digits alone"), "{error}");
        for sign in ["", "!", "^"] {
            let file = format!("{sign}admin password: {password}\n");
            assert!(PHONE.refuses(&file), "{file}");
        }
    }
    assert!(PHONE.served(&[("admin_password", "4294967295")]).is_some());
}

#[test]
fn what_these_phones_cannot_be_told_is_told_to_the_operator() {
    let made = PHONE
        .rendered(&[("language", "de"), ("line_25_user", "1")], &[])
        .unwrap();
    assert_eq!(made.left_out, ["language", "line_25_user"]);
    for (setting, expected) in [
        (("line_1_transport", "tsl"), "udp, tcp or tls"),
        (("tone_country", "JP"), "alone"),
        (("line_2_dtmf", "inband"), "all lines"),
        (("line_1_display_name", " x"), "blank"),
    ] {
        let error = PHONE.refusal(setting);
        assert!(error.contains(expected), "{error}");
    }
    for password in ["e3#rl2", "say \"no\""] {
        let line = [
            ("line_1_user", "1"),
            ("line_1_domain", "a"),
            ("line_1_password", password),
        ];
        assert_eq!(PHONE.served(&line), None);
    }
}

#[test]
fn a_models_name_tells_the_phones() {
    for model in ["6869i", "6731i", "6940", "Aastra6757i", "Mitel6920w"] {
        assert_eq!(Family::guess(model), Some(SIP), "{model}");
    }
    assert_ne!(Family::guess("5330"), Some(SIP));
}

proptest! {
    #[test]
    fn a_password_arrives_as_it_is_or_not_at_all(password in "\\PC{0,40}|[ -~]{0,40}") {
        if let Some(file) = PHONE.with_password(&password) {
            prop_assert_eq!(&values(&file)["sip line1 password"], &password);
        }
    }
}
