//! Files of Cisco's phones: what the built-in templates make, read back by another reader.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::{
    Document, Finding, has_errors, insert_key, lint, lint_bootstrap,
};
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::{RenderError, Rendered};
use ringfence_provision::url_template::{Route, RouteTable, UrlTemplate};
use ringfence_provision::vendor::cisco::{FAMILIES, MPP, SPA};
use support::{Asked, Phone};

const PASS: &str = "12341234abcdabcd12341234abcdabcd";
const BASE: &str = "https://phones.example.net/k7Qd";

/// What a file is made from, beside its settings.
#[derive(Clone, Copy)]
struct Of {
    family: Family,
    kind: FileKind,
    sealed: Option<&'static str>,
}

fn standard(family: Family) -> Of {
    Of {
        family,
        kind: FileKind::Standard,
        sealed: None,
    }
}

fn phone(of: Of) -> Phone {
    Phone {
        family: of.family,
        mac: "00562b043615",
        model: "8841-3PCC",
    }
}

fn rendered(of: Of, settings: &[(&str, &str)]) -> Result<Rendered, RenderError> {
    let asked = Asked {
        kind: of.kind,
        urls: &[("base", BASE)],
        sealed_extension: of.sealed,
        ..Asked::default()
    };
    phone(of).made(settings, asked)
}

/// The bytes that a phone gets, or what is wrong with them.
fn bytes(of: Of, text: &str) -> Result<String, Vec<Finding>> {
    let findings = lint(of.family, of.kind, text.as_bytes());
    if has_errors(&findings) {
        return Err(findings);
    }
    let document = Document::parse(of.family, text.as_bytes())?;
    Ok(String::from_utf8(document.to_bytes()).unwrap())
}

/// The file of settings that have no fault.
fn served(of: Of, settings: &[(&str, &str)]) -> String {
    phone(of).faultless(of.kind, &rendered(of, settings).unwrap().text)
}

/// What a phone makes of a file: the elements below the root, the last of a name, trimmed.
fn read(file: &str) -> BTreeMap<String, String> {
    let xml = roxmltree::Document::parse(file).unwrap();
    assert_eq!(xml.root_element().tag_name().name(), "flat-profile");
    let elements = xml.root_element().children();
    elements
        .filter(roxmltree::Node::is_element)
        .map(|element| {
            let text: String = element.children().filter_map(|it| it.text()).collect();
            let name = element.tag_name().name().to_owned();
            (name, text.trim().replace('\n', " "))
        })
        .collect()
}

/// Why a file is not made.
fn refused(of: Of, settings: &[(&str, &str)]) -> String {
    match rendered(of, settings) {
        Err(error) => error.to_string(),
        Ok(rendered) => {
            let findings = bytes(of, &rendered.text).unwrap_err();
            let shown = findings.iter().map(ToString::to_string);
            shown.collect::<Vec<_>>().join("\n")
        }
    }
}

const LINES: [(&str, &str); 26] = [
    ("line_1_user", "2101"),
    ("line_1_auth_user", "a2101 & <co>"),
    ("line_1_password", r##"e3#rl2(&ae#1"<;%'$MA"##),
    ("line_1_domain", "example.net"),
    ("line_1_registrar", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "TLS"),
    ("line_1_display_name", "Desk & door; 100 %"),
    ("line_1_label", "Desk"),
    ("line_1_expires", "600"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "rfc2833"),
    ("line_2_user", "2102"),
    ("line_2_password", "two"),
    ("line_2_domain", "b.example"),
    ("line_2_outbound_proxy", "edge.example.net:5060"),
    ("key_3_type", "blf"),
    ("key_3_value", "2103"),
    ("key_3_label", "Stock"),
    ("admin_password", "9c!Lw2"),
    ("ntp", "ntp.example.net"),
    ("syslog", "log.example.net:514"),
    ("codecs", "g722,pcma"),
    ("provisioning_interval", "1440"),
    ("resync_time", "03:05"),
    ("phone_book_url", "https://phones.example.net/book?a=1&b=2"),
];

#[test]
fn two_lines_are_read_back_by_another_reader() {
    for family in FAMILIES {
        let read = read(&served(standard(family), &LINES));
        let value = |name: &str| read.get(name).map(String::as_str);
        for (name, expected) in [
            ("User_ID_1_", "2101"),
            ("Use_Auth_ID_1_", "Yes"),
            ("Auth_ID_1_", "a2101 & <co>"),
            ("Password_1_", r##"e3#rl2(&ae#1"<;%'$MA"##),
            // The domain is not where the line registers: that is its first hop.
            ("Proxy_1_", "example.net"),
            ("Use_Outbound_Proxy_1_", "Yes"),
            ("Outbound_Proxy_1_", "sip.example.net:5061"),
            ("SIP_Transport_1_", "TLS"),
            ("Display_Name_1_", "Desk & door; 100 %"),
            ("Short_Name_1_", "Desk"),
            ("Extension_1_", "1"),
            ("Register_Expires_1_", "600"),
            ("DTMF_Tx_Method_1_", "AVT"),
            ("Auth_Resync-Reboot_1_", "Yes"),
            ("Voice_Mail_Number", "*97"),
            ("Line_Enable_2_", "Yes"),
            ("User_ID_2_", "2102"),
            ("Auth_ID_2_", "2102"),
            ("Display_Name_2_", "2102"),
            ("Proxy_2_", "b.example"),
            ("Outbound_Proxy_2_", "edge.example.net:5060"),
            ("SIP_Transport_2_", "UDP"),
            ("Extension_2_", "2"),
            ("Extension_3_", "Disabled"),
            (
                "Extended_Function_3_",
                "fnc=sd+blf+cp;sub=2103@$PROXY;nme=Stock",
            ),
            ("Short_Name_3_", "Stock"),
            ("Preferred_Codec_2_", "G722"),
            ("Second_Preferred_Codec_2_", "G711a"),
            ("Third_Preferred_Codec_2_", "Unspecified"),
            ("Resync_At__HHmm_", "0305"),
            ("Resync_From_SIP", "Yes"),
        ] {
            assert_eq!(value(name), Some(expected), "{family:?} {name}");
        }
        assert_eq!(value("Line_Enable_3_"), None);
        // With a time of day the phone passes over an interval.
        assert_eq!(value("Resync_Periodic"), None);
        let [own, other] = match family == SPA {
            true => ["Admin_Passwd", "Admin_Password"],
            false => ["Admin_Password", "Admin_Passwd"],
        };
        assert_eq!([value(own), value(other)], [Some("9c!Lw2"), None]);
    }
    insta::assert_snapshot!(served(standard(SPA), &LINES));
}

#[test]
fn a_key_shows_a_line_or_does_something_else() {
    let settings = [
        ("line_2_user", "2102"),
        ("line_2_password", "two"),
        ("line_2_domain", "b.example"),
        ("line_2_label", "Two"),
        ("key_1_type", "line"),
        ("key_1_line", "2"),
        ("key_2_type", "speed_dial"),
        ("key_2_value", "9@other.example"),
    ];
    let read = read(&served(standard(MPP), &settings));
    let value = |name: &str| read.get(name).map(String::as_str);
    // An earlier function would stay if nothing were written.
    assert_eq!(value("Extension_1_"), Some("2"));
    assert_eq!(value("Extended_Function_1_"), Some(""));
    // The key of line 2's number does not show it, so it has not its text either.
    assert_eq!(value("Extension_2_"), Some("Disabled"));
    assert_eq!(value("Short_Name_2_"), None);
    let function = "fnc=sd;ext=9@other.example";
    assert_eq!(value("Extended_Function_2_"), Some(function));
    for (setting, text, why) in [
        ("key_2_label", "a;b", "have no semicolon"),
        ("key_2_line", "2", "work for line 1"),
    ] {
        let mut settings = settings.to_vec();
        settings.push((setting, text));
        let error = refused(standard(MPP), &settings);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn umlauts_are_for_newer_firmware_alone() {
    let mut settings = LINES.to_vec();
    settings.push(("line_2_display_name", "Büro"));
    let read = read(&served(standard(MPP), &settings));
    assert_eq!(read["Display_Name_2_"], "Büro");
    let why = refused(standard(SPA), &settings);
    assert!(
        why.contains(
            "error[value-character]: the value of Display_Name_2_ has a character beyond ASCII"
        ),
        "{why}"
    );
}

#[test]
fn the_rule_leads_on_to_the_file_that_is_there() {
    let rule = |family, kind, sealed| {
        let of = Of {
            family,
            kind,
            sealed,
        };
        read(&served(of, &[]))["Profile_Rule"].clone()
    };
    let (initial, standard) = (FileKind::Initial, FileKind::Standard);
    let enc = format!("[--key $SA] {BASE}/$MA.enc");
    assert_eq!(rule(SPA, initial, None), format!("{BASE}/$MA.cfg"));
    assert_eq!(rule(SPA, standard, None), format!("{BASE}/$MA.cfg"));
    assert_eq!(rule(SPA, standard, Some("enc")), enc);
    assert_eq!(rule(MPP, initial, None), format!("{BASE}/$MA.xml"));
    // By RFC 8188 the sealed file has the name of the plain one.
    for sealed in [None, Some("xml")] {
        assert_eq!(rule(MPP, standard, sealed), format!("{BASE}/$MA.xml"));
    }
    assert_eq!(rule(MPP, standard, Some("enc")), enc);
    // Who writes another is obeyed.
    let own = ("standard_Profile_Rule", "http://other.example/$MA.cfg");
    let file = served(self::standard(SPA), &[own]);
    assert_eq!(read(&file)["Profile_Rule"], own.1);
    assert_eq!(file.matches("<Profile_Rule").count(), 1);
}

#[test]
fn a_bootstrap_carries_the_key_that_a_phone_looks_for() {
    for (family, parameter) in [
        (SPA, "GPP_SA"),
        (MPP, "IKM_HTTP_Encrypt_Content"),
        (MPP, "GPP_SA"),
    ] {
        let file = served(standard(family), &LINES);
        let document = Document::parse(family, file.as_bytes()).unwrap();
        let with_key =
            insert_key(family, FileKind::Standard, document, &[(parameter, PASS)]).unwrap();
        let text = String::from_utf8(with_key.to_bytes()).unwrap();
        assert_eq!(read(&text)[parameter], PASS);
        assert!(lint_bootstrap(family, text.as_bytes()).is_empty(), "{text}");
        // Nobody else brings one.
        let findings = lint(family, FileKind::Standard, text.as_bytes());
        assert!(findings.iter().any(|it| it.code == "key-in-file"));
        let setting = format!("standard_{parameter}");
        let why = refused(standard(family), &[(&setting, PASS)]);
        assert!(why.contains("sets the key of sealed files"), "{why}");
    }
}

#[test]
fn what_a_phone_would_take_otherwise_is_refused() {
    let line = [
        ("line_1_user", "1"),
        ("line_1_password", "1"),
        ("line_1_domain", "a.example"),
    ];
    for (family, setting, value, why) in [
        (SPA, "line_1_transport", "tsl", "must be udp, tcp or tls"),
        (SPA, "line_1_label", " a", "which the phone drops"),
        (MPP, "line_1_label", "a ", "which the phone drops"),
        (SPA, "codecs", "opus", "g726-32 alone"),
        (MPP, "codecs", "g722,pcma,pcmu,opus", "three codecs at most"),
        (SPA, "firmware_url", "https://a/b", "by http"),
        (MPP, "firmware_url", "https://a/b|c", "has no |"),
        (MPP, "key_1_type", "park", "line, blf and speed_dial alone"),
        (MPP, "key_1_type", "blf", "set its key_…_value as well"),
        (MPP, "standard_Extension_2_", "2101", "no number of a line"),
        (
            SPA,
            "standard_Resync_Error_Retry_Delay",
            "0",
            "never comes back",
        ),
    ] {
        let mut settings = line.to_vec();
        settings.push((setting, value));
        let error = refused(standard(family), &settings);
        assert!(error.contains(why), "{setting}: {error}");
        assert!(!error.contains("tsl"), "{error}");
    }
    let long = "1".repeat(64);
    let error = refused(standard(MPP), &[("line_1_user", &long), line[1], line[2]]);
    assert!(error.contains("at most 63 characters"), "{error}");
    let long = "1".repeat(40);
    let of_line = |number| [&line[..], &[("line_1_voicemail", number)]].concat();
    let error = refused(standard(MPP), &of_line(&long));
    assert!(error.contains("at most 39 characters"), "{error}");
    let file = served(standard(MPP), &of_line(&long[1..]));
    assert_eq!(read(&file)["Voice_Mail_Number"], long[1..]);
}

#[test]
fn the_file_of_all_phones_of_a_model_has_no_secret() {
    for family in FAMILIES {
        let of = Of {
            kind: FileKind::Initial,
            ..standard(family)
        };
        let file = served(
            of,
            &[("initial_Resync_Periodic", "3600"), LINES[0], LINES[2]],
        );
        assert_eq!(read(&file).len(), 2, "{file}");
        for name in [
            "initial_Password_1_",
            "initial_GPP_SB",
            "initial_Admin_Passwd",
        ] {
            let why = refused(of, &[(name, "x")]);
            assert!(why.contains("error[secret-for-all]"), "{why}");
        }
    }
}

#[test]
fn what_has_no_parameter_is_left_out() {
    let mut settings = LINES.to_vec();
    settings.extend([
        ("line_1_srtp", "required"),
        ("line_13_label", "x"),
        ("tone_country", "DE"),
    ]);
    let left_out = |family| rendered(standard(family), &settings).unwrap().left_out;
    assert_eq!(
        left_out(SPA),
        ["line_13_label", "line_1_srtp", "tone_country"]
    );
    assert_eq!(left_out(MPP), ["line_1_srtp", "tone_country"]);
}

#[test]
fn an_empty_value_has_both_tags() {
    let file = served(standard(SPA), &[("standard_Mailbox_ID_1_", "")]);
    assert!(
        file.contains("<Mailbox_ID_1_ ua=\"na\"></Mailbox_ID_1_>\n"),
        "{file}"
    );
}

#[test]
fn templates_of_other_servers_are_read() {
    let file = "<flat-profile>\n<Enable_VLAN group=\"System/VLAN_Settings\">No</Enable_VLAN>\n\
                <Auth_Resync-Reboot_1_ ua=\"rw\">No</Auth_Resync-Reboot_1_>\n</flat-profile>\n";
    assert_eq!(lint(SPA, FileKind::Standard, file.as_bytes()), []);
    for (file, code) in [
        (
            "<flat-profile><A ua=\"yes\">1</A></flat-profile>",
            "xml-attribute",
        ),
        (
            "<flat-profile><A><B>1</B></A></flat-profile>",
            "xml-unclosed-tag",
        ),
        ("<profile><A>1</A></profile>", "xml-root"),
        (
            "<flat-profile><A>1</A><A>2</A></flat-profile>",
            "duplicate-parameter",
        ),
    ] {
        let findings = lint(SPA, FileKind::Standard, file.as_bytes());
        assert!(findings.iter().any(|it| it.code == code), "{findings:#?}");
    }
}

#[test]
fn the_names_that_phones_ask_by_are_told_apart() {
    let routes = FAMILIES.into_iter().flat_map(|family| {
        family
            .spec()
            .names
            .iter()
            .map(move |(kind, form, name)| Route {
                kind: *kind,
                form: *form,
                template: UrlTemplate::parse(name).unwrap(),
                family: Some(family),
            })
    });
    let table = RouteTable::new(routes.collect()).unwrap();
    let of = |path: &str| {
        let found = table.resolve(path)?;
        let who = found.mac.map(Mac::lower).or(found.model);
        Some((found.kind, found.form, who.unwrap_or_default()))
    };
    let (initial, standard) = (FileKind::Initial, FileKind::Standard);
    for (path, kind, form, who) in [
        ("spa504G.cfg", initial, Form::Plain, "spa504G"),
        ("8841-3PCC.xml", initial, Form::Plain, "8841-3PCC"),
        ("CP-8841-3PCC.cfg", initial, Form::Plain, "8841-3PCC"),
        ("ata191.cfg", initial, Form::Plain, "ata191"),
        ("00562b043615.cfg", standard, Form::Plain, "00562b043615"),
        ("00562b043615.xml", standard, Form::Plain, "00562b043615"),
        ("00562b043615.enc", standard, Form::Sealed, "00562b043615"),
    ] {
        assert_eq!(of(path), Some((kind, form, who.to_owned())), "{path}");
    }
    assert_eq!(of("00562B043615.cfg"), None);
}

#[test]
fn a_model_tells_its_family() {
    for (model, family) in [
        ("spa504G", Some(SPA)),
        ("PAP2T", Some(SPA)),
        ("8841-3PCC", Some(MPP)),
        ("CP-7821-3PCC", Some(MPP)),
        ("ata191", Some(MPP)),
        // Another line, which asks SEP….cnf.xml or ATA….cnf.xml.
        ("ATA190", None),
        ("7960", None),
    ] {
        assert_eq!(Family::guess(model), family, "{model}");
    }
}

proptest! {
    #[test]
    fn a_password_is_read_back_as_it_is_or_refused(password in "\\PC{0,40}|[ -~]{0,40}") {
        for family in FAMILIES {
            let settings = [
                ("line_1_user", "1"),
                ("line_1_domain", "a.example"),
                ("line_1_password", password.as_str()),
            ];
            let Ok(rendered) = rendered(standard(family), &settings) else {
                continue;
            };
            if let Ok(file) = bytes(standard(family), &rendered.text) {
                prop_assert_eq!(&read(&file)["Password_1_"], &password);
                prop_assert!(family == MPP || file.is_ascii());
            } else {
                let plain = password.chars().all(|it| it.is_ascii_graphic());
                prop_assert!(!plain || password.is_empty(), "{:?}", password);
            }
        }
    }
}
