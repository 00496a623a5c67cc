//! Grandstream's named items and binary form: what the built-in templates make, read back by readers that are not
//! ours; and the numbers of the adapters. The P values of phones are looked at in `vendors.rs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use phone::{Phone, layers};
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::{
    Document, Finding, has_errors, insert_key, key_carrier, lint_bootstrap,
};
use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use ringfence_provision::vendor::grandstream::{GXP, GXP_V2, HT, binary};
use ringfence_provision::vendor::{self, is_read_by_carrier};

const KEY: &str = "12341234abcdabcd12341234abcdabcd";
const MAC: &str = "000b82123456";

const PHONE: Phone = Phone {
    family: GXP_V2,
    mac: MAC,
    model: "GRP2614",
};

const URLS: [(&str, &str); 1] = [("without_scheme", "phones.example:8443/s3gment")];

/// The values of a file of named items, as XML has them: of items, and of parts behind the name of theirs.
fn values(file: &str) -> BTreeMap<String, String> {
    let xml = roxmltree::Document::parse(file).unwrap();
    let root = xml.root_element();
    assert_eq!(root.tag_name().name(), "gs_provision");
    let mac = root.children().find(|it| it.has_tag_name("mac")).unwrap();
    assert_eq!(mac.text(), Some(MAC), "a phone drops what is for another");
    let config = root
        .children()
        .find(|it| it.has_tag_name("config"))
        .unwrap();
    assert_eq!(config.attribute("version"), Some("2"));
    let mut found = BTreeMap::new();
    for item in config.children().filter(roxmltree::Node::is_element) {
        assert!(item.has_tag_name("item"), "{:?}", item.tag_name());
        let own = item.attribute("name").unwrap();
        let parts: Vec<_> = item
            .children()
            .filter(roxmltree::Node::is_element)
            .collect();
        let mut put = |name: String, node: roxmltree::Node<'_, '_>| {
            let before = found.insert(name.clone(), node.text().unwrap_or_default().to_owned());
            assert_eq!(before, None, "{name} is there twice");
        };
        if parts.is_empty() {
            put(own.to_owned(), item);
        }
        for part in parts {
            put(format!("{own}.{}", part.attribute("name").unwrap()), part);
        }
    }
    found
}

const SETTINGS: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_auth_user", "201-auth"),
    ("line_1_password", "e3#rl2(&ae#1<\"';%"),
    ("line_1_display_name", "Büro & Küche"),
    ("line_1_label", "<Reception>"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "TLS"),
    ("line_1_outbound_proxy", "edge.example.net:5070"),
    ("line_1_expires", "90"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "info"),
    ("line_1_srtp", "required"),
    ("line_2_user", "202"),
    ("line_2_password", "two"),
    ("line_2_domain", "b.example"),
    ("line_2_registrar", "2001:db8::1"),
    ("line_2_port", "5062"),
    ("line_2_srtp", "optional"),
    ("line_16_user", "216"),
    ("line_16_password", "ü"),
    ("line_16_domain", "c.example"),
    ("line_16_enabled", "no"),
    ("admin_password", "Adm1n#Pass"),
    ("user_password", "Us3rPass"),
    ("time_zone", "Europe/Berlin"),
    ("ntp", "ntp.example.net"),
    ("vlan", "20"),
    ("provisioning_interval", "1440"),
    ("standard_account.1.sip.keepAlive.enable", "Yes"),
    // P values, of phones of the other dialect in the same tenant.
    ("standard_P64", "x"),
];

#[test]
fn a_full_example_is_read_back_by_the_names_of_the_public_templates() {
    let made = PHONE.rendered(SETTINGS, &URLS).unwrap();
    assert_eq!(made.left_out, [""; 0]);
    let file = PHONE.faultless(FileKind::Standard, &made.text);
    let values = values(&file);
    for (name, expected) in [
        ("account.1.enable", "Yes"),
        ("account.1.name", "<Reception>"),
        ("account.1.sip.server.1.address", "sip.example.net:5061"),
        (
            "account.1.sip.outboundProxy.1.address",
            "edge.example.net:5070",
        ),
        ("account.1.sip.userid", "201"),
        ("account.1.sip.subscriber.userid", "201-auth"),
        ("account.1.sip.subscriber.password", "e3#rl2(&ae#1<\"';%"),
        ("account.1.sip.subscriber.name", "Büro & Küche"),
        ("account.1.sip.transport", "TlsOrTcp"),
        ("account.1.sip.registerExpiration", "2"),
        ("account.1.sip.voicemail.number", "*97"),
        ("account.1.dtmf.sendInRtp", "No"),
        ("account.1.dtmf.sendInSip", "Yes"),
        ("account.1.dtmf.sendInAudio", "No"),
        ("account.1.audio.srtpMode", "EnabledAndForced"),
        ("account.1.sip.keepAlive.enable", "Yes"),
        ("account.2.sip.subscriber.userid", "202"),
        ("account.2.sip.server.1.address", "[2001:db8::1]:5062"),
        ("account.2.sip.transport", "UDP"),
        ("account.2.audio.srtpMode", "EnabledButNotForced"),
        ("account.16.enable", "No"),
        ("account.16.sip.subscriber.password", "ü"),
        ("users.admin.password", "Adm1n#Pass"),
        ("users.user.password", "Us3rPass"),
        ("dateTime.timezone", "CET-1CEST,M3.5.0,M10.5.0/3"),
        ("dateTime.ntp.server.1", "ntp.example.net"),
        ("network.port.eth.1.vlan.tag", "20"),
        ("provisioning.auto.mode", "YesUpgradeMin"),
        ("provisioning.auto.minute", "1440"),
        ("provisioning.config.protocol", "HTTPS"),
        (
            "provisioning.config.serverPath",
            "phones.example:8443/s3gment",
        ),
    ] {
        assert_eq!(
            values.get(name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    assert!(!values.contains_key("P64"));
    insta::assert_snapshot!(file);
}

#[test]
fn what_no_public_template_names_is_told_and_not_invented() {
    for setting in [
        ("line_1_proxy", "proxy.example.net"),
        ("line_17_label", "x"),
        ("key_41_type", "line"),
        ("tone_country", "DE"),
    ] {
        let made = PHONE.rendered(&[setting], &[]).unwrap();
        assert_eq!(made.left_out, [setting.0]);
    }
    let refused = PHONE.refusal(("provisioning_interval", "30"));
    assert!(
        refused.contains("these phones take 60 to 40320"),
        "{refused}"
    );
}

#[test]
fn a_phone_is_told_to_go_on_asking_where_it_asked_unless_a_setting_says_otherwise() {
    let told = |settings: &[(&str, &str)]| {
        let made = PHONE.rendered(settings, &URLS).unwrap();
        let values = values(&PHONE.faultless(FileKind::Standard, &made.text));
        let own = values.into_iter();
        own.filter(|(name, _)| name.starts_with("provisioning.config."))
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(&[("standard_provisioning.config.serverPath", "a.example")]),
        ["provisioning.config.serverPath=a.example"]
    );
    assert_eq!(
        told(&[("standard_provisioning.config.protocol", "HTTP")]),
        ["provisioning.config.protocol=HTTP"]
    );
}

fn config(version: &str, inside: &str) -> String {
    format!(
        "<gs_provision version=\"1\"><config version=\"{version}\">{inside}</config></gs_provision>\n"
    )
}

#[test]
fn items_with_parts_are_read_as_phones_read_them() {
    let text = config(
        "2",
        "<item name=\"account.1.sip\">\n <part name=\"userid\">201</part>\n <part name=\"empty\"/>\n</item>\
         <item name=\"account.1.enable\">Yes</item><item name=\"account.1.name\"/>",
    );
    assert!(!PHONE.refuses(&text), "{:?}", PHONE.codes(&text));
    let document = Document::parse(GXP_V2, text.as_bytes()).unwrap();
    let served = String::from_utf8(document.to_bytes()).unwrap();
    let with_mac = served.replacen("<config", &format!("<mac>{MAC}</mac><config"), 1);
    let read = values(&with_mac);
    let ours = document.parameters().into_iter();
    let ours: BTreeMap<String, String> = ours.map(|it| (it.name, it.value)).collect();
    assert_eq!(ours, read);
    assert_eq!(read["account.1.sip.userid"], "201");
    assert_eq!(read["account.1.name"], "");
    assert_eq!(read.len(), 4);
}

#[test]
fn what_a_phone_would_pass_over_or_take_otherwise_is_named() {
    let item = |name: &str, value: &str| format!("<item name=\"{name}\">{value}</item>");
    for (text, code) in [
        (config("2", "<item>Yes</item>"), "name-invalid"),
        (config("2", "<item name=\"\">Yes</item>"), "name-invalid"),
        (config("2", "<item name=\"a b\">Yes</item>"), "name-invalid"),
        (config("2", &item(&"a".repeat(97), "x")), "name-too-long"),
        (config("2", "<part name=\"a\">Yes</part>"), "xml-section"),
        (
            config("2", "<item name=\"a\"><part>Yes</part></item>"),
            "name-invalid",
        ),
        (
            config("2", "<item name=\"a\">text<part name=\"b\">x</part></item>"),
            "xml-unclosed-tag",
        ),
        (
            config("2", "<item name=\"a\"><part name=\"b\">x</part>text</item>"),
            "xml-stray-text",
        ),
        (
            config("2", "<item name=\"a\"><item name=\"b\">x</item></item>"),
            "xml-unclosed-tag",
        ),
        (
            config("2", "<P47>sip.example.net</P47>"),
            "name-not-of-family",
        ),
        (
            config("2", &item("provisioning.config.filePassword", "x")),
            "key-in-file",
        ),
        (config("2", "<P1359>x</P1359>"), "key-in-file"),
        (
            config("1", &item("account.1.enable", "Yes")),
            "xml-attribute",
        ),
        (
            config(
                "2",
                &(item("account.1.name", "a") + &item("account.1.name", "b")),
            ),
            "duplicate-parameter",
        ),
        (
            config(
                "2",
                "<item name=\"a\"><part name=\"b.c\">1</part></item><item name=\"a.b.c\">2</item>",
            ),
            "duplicate-parameter",
        ),
        (
            "<gs_provision><other/></gs_provision>\n".to_owned(),
            "xml-section",
        ),
        (
            "<gs_provision><config/></gs_provision>\n".to_owned(),
            "xml-attribute",
        ),
        ("<hl_provision/>\n".to_owned(), "xml-root"),
    ] {
        assert!(PHONE.refuses(&text), "{text}");
        assert!(
            PHONE.codes(&text).contains(&code),
            "{text} {:?}",
            PHONE.codes(&text)
        );
    }
    // The other way round.
    let older = Phone {
        family: GXP,
        ..PHONE
    };
    for (text, code) in [
        (
            config("1", &item("account.1.enable", "Yes")),
            "name-not-of-family",
        ),
        (config("2", "<P47>sip.example.net</P47>"), "xml-attribute"),
    ] {
        assert!(older.refuses(&text), "{text}");
        assert!(
            older.codes(&text).contains(&code),
            "{text} {:?}",
            older.codes(&text)
        );
    }
}

#[test]
fn a_bootstrap_carries_the_password_as_an_item() {
    let document = Document::parse(GXP_V2, PHONE.clean(SETTINGS).as_bytes()).unwrap();
    for name in GXP_V2.profiles() {
        let profile = vendor::profile(name).unwrap();
        let told = [(profile.key_parameter.as_str(), KEY)];
        let with_key = insert_key(GXP_V2, FileKind::Standard, document.clone(), &told).unwrap();
        let text = String::from_utf8(with_key.to_bytes()).unwrap();
        assert_eq!(values(&text)["provisioning.config.filePassword"], KEY);
        assert!(lint_bootstrap(GXP_V2, text.as_bytes()).is_empty());
        assert!(PHONE.refuses(&text), "no file of an operator has it");
    }
}

/// A phone of the family of adapters.
fn adapter(model: &'static str) -> Phone {
    Phone {
        family: HT,
        model,
        ..PHONE
    }
}

/// The P values of an adapter's file, as XML has them.
fn p_values(file: &str) -> BTreeMap<String, String> {
    let xml = roxmltree::Document::parse(file).unwrap();
    let config = xml.descendants().find(|it| it.has_tag_name("config"));
    let config = config.unwrap();
    assert_eq!(config.attribute("version"), Some("1"));
    let values = config.children().filter(roxmltree::Node::is_element);
    values
        .map(|node| {
            let value = node.text().unwrap_or_default().to_owned();
            (node.tag_name().name().to_owned(), value)
        })
        .collect()
}

/// Of ports, each with its number in the values; they register at one server.
fn ports(count: usize) -> Vec<(String, String)> {
    let of = |n: usize| {
        [
            ("user", format!("20{n}")),
            ("auth_user", format!("a20{n}")),
            ("password", format!("pass <{n}>")),
            ("display_name", format!("Port {n}")),
            ("domain", "sip.example.net".to_owned()),
            ("port", "5061".to_owned()),
            ("outbound_proxy", "edge.example.net".to_owned()),
            ("transport", "tls".to_owned()),
            ("expires", "600".to_owned()),
            ("dtmf", "info".to_owned()),
            ("srtp", "optional".to_owned()),
        ]
        .map(|(word, value)| (format!("line_{n}_{word}"), value))
    };
    let mut all: Vec<_> = (1..=count).flat_map(of).collect();
    all.push(("codecs".to_owned(), "pcma,ilbc".to_owned()));
    all
}

fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    let settings = settings.iter();
    settings.map(|(a, b)| (a.as_str(), b.as_str())).collect()
}

#[test]
fn the_ports_of_an_adapter_stand_at_the_numbers_of_the_public_templates() {
    // Of each port: whether it is in use, user, authentication user, password and name.
    let own: [(&str, &[[&str; 5]]); 5] = [
        ("HT801", &[["P271", "P35", "P36", "P34", "P3"]]),
        (
            "HT802",
            &[
                ["P271", "P35", "P36", "P34", "P3"],
                ["P401", "P735", "P736", "P734", "P703"],
            ],
        ),
        (
            "HT812",
            &[
                ["P4595", "P4060", "P4090", "P4120", "P4180"],
                ["P4596", "P4061", "P4091", "P4121", "P4181"],
            ],
        ),
        (
            "HT814",
            &[
                ["P4595", "P4060", "P4090", "P4120", "P4180"],
                ["P4596", "P4061", "P4091", "P4121", "P4181"],
                ["P4597", "P4062", "P4092", "P4122", "P4182"],
                ["P4598", "P4063", "P4093", "P4123", "P4183"],
            ],
        ),
        (
            "HT818",
            &[
                ["P4595", "P4060", "P4090", "P4120", "P4180"],
                ["P4596", "P4061", "P4091", "P4121", "P4181"],
                ["P4597", "P4062", "P4092", "P4122", "P4182"],
                ["P4598", "P4063", "P4093", "P4123", "P4183"],
                ["P4599", "P4064", "P4094", "P4124", "P4184"],
                ["P4600", "P4065", "P4095", "P4125", "P4185"],
                ["P4601", "P4066", "P4096", "P4126", "P4186"],
                ["P4602", "P4067", "P4097", "P4127", "P4187"],
            ],
        ),
    ];
    for (model, numbers) in own {
        let settings = ports(numbers.len());
        let made = adapter(model).rendered(&borrowed(&settings), &[]).unwrap();
        assert_eq!(made.left_out, [""; 0], "{model}");
        assert_eq!((made.unsaid, made.partly), (vec![], vec![]), "{model}");
        let values = p_values(&adapter(model).faultless(FileKind::Standard, &made.text));
        for (at, [active, user, auth, password, name]) in numbers.iter().enumerate() {
            let n = at + 1;
            assert_eq!(values[*active], "1", "{model} {n}");
            assert_eq!(values[*user], format!("20{n}"), "{model}");
            assert_eq!(values[*auth], format!("a20{n}"), "{model}");
            assert_eq!(values[*password], format!("pass <{n}>"), "{model}");
            assert_eq!(values[*name], format!("Port {n}"), "{model}");
        }
        // Server, proxy, transport, expiry, digits and encryption, of a port of its own or of the profile.
        let of_port = ["P47", "P48", "P130", "P32", "P850", "P183", "P57", "P58"];
        let of_second = [
            "P747", "P748", "P830", "P732", "P860", "P443", "P757", "P758",
        ];
        let expected = [
            "sip.example.net:5061",
            "edge.example.net",
            "2",
            "10",
            "102",
            "1",
            "8",
            "97",
        ];
        for ((number, second), value) in of_port.into_iter().zip(of_second).zip(expected) {
            assert_eq!(values[number], value, "{model} {number}");
            let told = values.get(second).map(String::as_str);
            assert_eq!(
                told,
                (model == "HT802").then_some(value),
                "{model} {second}"
            );
        }
        // Ports point to the first profile, which is in use.
        let has_profiles = model.starts_with("HT81");
        let pointing = (4150..4158).filter(|number| values.contains_key(&format!("P{number}")));
        let count = if has_profiles { numbers.len() } else { 0 };
        assert_eq!(pointing.count(), count, "{model}");
        assert_eq!(values["P271"], "1", "{model}");
        assert_eq!(values.contains_key("P35"), !has_profiles, "{model}");
    }
}

#[test]
fn what_an_adapter_has_no_port_or_no_number_for_is_told() {
    for (model, line) in [
        ("HT801", 2),
        ("HT802", 3),
        ("HT812", 3),
        ("HT814", 5),
        ("HT818", 9),
        // It has a port for a line of the exchange.
        ("HT813", 2),
    ] {
        let user = format!("line_{line}_user");
        let told = adapter(model).left_out(&[(user.as_str(), "201")]);
        assert_eq!(told, [user], "{model}");
    }
    for setting in [
        ("dial_plan", "x+"),
        ("language", "de"),
        ("provisioning_interval", "1440"),
        ("resync_time", "03:00"),
        ("firmware_url", "https://fw.example/x"),
        ("line_1_label", "x"),
    ] {
        assert_eq!(adapter("HT802").left_out(&[setting]), [setting.0]);
    }
    let refused = adapter("HT802").refusal(("codecs", "g722,pcma"));
    assert!(refused.contains("alone"), "{refused}");
}

/// An adapter's bounds are not a phone's.
#[test]
fn a_password_of_the_pages_is_held_to_the_bounds_of_its_model() {
    let [three, five, blank, thirty] = [
        "abc",
        "abcde",
        "a b c d e",
        "abcdefghijklmnopqrstuvwxyz1234",
    ];
    for (family, model, bounds, refused) in [
        (HT, "HT802", "4 to 30 printable", &["", three, blank][..]),
        (HT, "HT814", "4 to 30 printable", &["", three, blank]),
        (GXP, "GRP2614", "6 to 25", &["", three, five, thirty]),
        (GXP_V2, "GRP2614", "6 to 25", &["", three, five, thirty]),
        (GXP, "GXP2160", "1 to 500", &[""]),
        (GXP_V2, "GHP611", "1 to 500", &[""]),
    ] {
        let phone = Phone {
            family,
            mac: MAC,
            model,
        };
        for password in ["", three, five, blank, thirty] {
            let setting = ("admin_password", password);
            if refused.contains(&password) {
                let error = phone.refusal(setting);
                assert!(error.contains(bounds), "{model} {error}");
                continue;
            }
            let made = phone.clean(&[setting]);
            assert_eq!(made.matches(&format!(">{password}<")).count(), 1, "{made}");
        }
    }
    // The user's password has the adapters' bounds in an adapter, and none of a phone's is known.
    assert!(
        adapter("HT802")
            .refusal(("user_password", three))
            .contains("4 to 30")
    );
    for model in ["GXP2160", "GRP2614"] {
        let phone = Phone {
            family: GXP,
            mac: MAC,
            model,
        };
        assert!(
            phone
                .clean(&[("user_password", "123")])
                .contains("<P196>123</P196>")
        );
    }
}

/// The ports of such an adapter have one server, so that of another line cannot be said.
#[test]
fn a_port_whose_server_is_not_that_of_line_1_is_told() {
    let mut settings = ports(2);
    for (name, value) in &mut settings {
        if name == "line_2_domain" {
            *value = "b.example".to_owned();
        }
    }
    let made = adapter("HT814")
        .rendered(&borrowed(&settings), &[])
        .unwrap();
    assert_eq!(made.left_out, ["line_2_domain"]);
    assert!(!made.text.contains("b.example"), "{}", made.text);
    let made = adapter("HT802")
        .rendered(&borrowed(&settings), &[])
        .unwrap();
    assert_eq!(made.left_out, [""; 0]);
    assert_eq!(p_values(&made.text)["P747"], "b.example:5061");
}

#[test]
fn a_models_name_tells_a_phone_from_an_adapter() {
    for (model, family) in [
        ("HT801", Some(HT)),
        ("HT802V2", Some(HT)),
        ("HT818", Some(HT)),
        ("GXP2160", Some(GXP)),
        ("GHP611", Some(GXP_V2)),
        // Nothing is known of what its second port reads; of the others no source has enough.
        ("HT813", None),
        ("HT503", None),
        ("GXW4232", None),
        ("DP750", None),
    ] {
        assert_eq!(Family::guess(model), family, "{model}");
    }
}

/// The pairs of a binary file, by the layout of the two public programs, and nothing of ours.
fn read_binary(file: &[u8]) -> Vec<(String, String)> {
    assert_eq!(file.len() % 16, 0);
    let length = u32::from_be_bytes(file[0..4].try_into().unwrap());
    assert_eq!(length as usize * 2, file.len());
    let words = file
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    assert_eq!(words.sum::<u32>() % 65_536, 0);
    assert_eq!(file[6..12], [0x00, 0x0b, 0x82, 0x12, 0x34, 0x56]);
    assert_eq!(&file[12..16], b"\r\n\r\n");
    let end = file[16..].iter().position(|byte| *byte == 0);
    let body = &file[16..end.map_or(file.len(), |end| 16 + end)];
    assert!(file[16 + body.len()..].iter().all(|byte| *byte == 0));
    let body = std::str::from_utf8(body).unwrap();
    let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// A reader in another language.
const READER: &str = "\
import struct, sys, urllib.parse
file = sys.stdin.buffer.read()
words = struct.unpack('>%dH' % (len(file) // 2), file)
length, _, mac, ends = struct.unpack('>IH6s4s', file[:16])
assert length * 2 == len(file) and sum(words) & 0xFFFF == 0 and ends == b'\\r\\n\\r\\n'
pairs = urllib.parse.parse_qsl(file[16:].rstrip(b'\\0').decode('ascii'), strict_parsing=True)
print(mac.hex(), *('='.join(pair) for pair in pairs))
";

fn read_by_python(file: &[u8]) -> String {
    let mut child = Command::new("python3")
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(file).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn carrier(family: Family, settings: &[(&str, &str)]) -> Result<Vec<u8>, Finding> {
    let made = Phone { family, ..PHONE }.rendered(settings, &URLS).unwrap();
    let document = Document::parse(family, made.text.as_bytes()).unwrap();
    let mac = Mac::parse(MAC).unwrap();
    key_carrier(family, mac, &document, &layers(settings), KEY)
}

#[test]
fn the_binary_form_carries_the_key_and_where_the_phone_asks_next() {
    let expected = format!("P212=2 P237=phones.example:8443/s3gment P1359={KEY} gnkey=0b82");
    for family in [GXP, GXP_V2, HT] {
        let file = carrier(family, SETTINGS).unwrap();
        let pairs = read_binary(&file);
        let shown: Vec<String> = pairs.iter().map(|(a, b)| format!("{a}={b}")).collect();
        assert_eq!(shown.join(" "), expected, "{family:?}");
        assert_eq!(
            read_by_python(&file),
            format!("{MAC} {expected}"),
            "{family:?}"
        );
        assert_eq!(
            carrier(family, SETTINGS).unwrap(),
            file,
            "the same bytes each time"
        );
        let text = String::from_utf8_lossy(&file);
        assert!(
            !text.contains("e3#rl2") && !text.contains("Adm1n"),
            "no other secret is in it"
        );
    }
}

#[test]
fn settings_overrule_what_the_binary_form_says() {
    let told = |family, settings: &[(&str, &str)]| {
        let file = carrier(family, settings).unwrap();
        let pairs = read_binary(&file).into_iter();
        let pairs = pairs.filter(|(name, _)| name != "P1359");
        pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    assert!(is_read_by_carrier("standard_gnkey") && !is_read_by_carrier("gnkey"));
    assert_eq!(
        told(
            GXP,
            &[("standard_gnkey", "74ad"), ("standard_P237", "a.example/b")]
        ),
        ["P237=a.example/b", "gnkey=74ad"]
    );
    // Words of items are numbers of P values.
    assert_eq!(
        told(GXP_V2, &[("standard_provisioning.config.protocol", "HTTP")]),
        ["P212=1", "gnkey=0b82"]
    );
    let odd = carrier(GXP, &[("standard_P237", "a.example/?a=b&c")]).unwrap_err();
    assert_eq!(odd.code, "value-character");
    assert!(odd.message.contains("P237") && !odd.message.contains("a.example"));
}

#[test]
fn the_key_goes_out_alone_by_the_names_of_the_binary_form_and_no_others() {
    for family in [GXP, GXP_V2, HT] {
        for name in [
            "cfg{mac}",
            "cfg{mac}.bin",
            "gs/cfg{mac}",
            "v1.2/cfg000b82123456",
        ] {
            assert!(family.carries_key_at(name), "{name}");
        }
        for name in [
            "cfg{mac}.xml",
            "gs/cfg000b82123456.xml",
            "cfg{mac}.bin.xml",
            "cfg.BIN",
        ] {
            assert!(!family.carries_key_at(name), "{name}");
        }
    }
    let other = Family::parse("htek").unwrap();
    assert!(!other.carries_key_at("cfg{mac}"));
    let document = Document::parse(other, b"<hl_provision/>\n").unwrap();
    let mac = Mac::parse(MAC).unwrap();
    let refused = key_carrier(other, mac, &document, &layers(&[]), KEY).unwrap_err();
    assert_eq!(refused.code, "key-not-inserted");
    let document = Document::parse(GXP, b"<gs_provision/>\n").unwrap();
    assert!(key_carrier(GXP, mac, &document, &layers(&[]), "").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Each password is read as it was set by a reader that is not ours, or refused.
    #[test]
    fn a_password_survives_or_is_refused(password in "\\PC{0,24}|[ -~]{0,24}|[a-z<>&\"'#=;:%| ü]{1,12}") {
        let settings = [
            ("line_1_user", "201"),
            ("line_1_domain", "sip.example.net"),
            ("line_1_password", password.as_str()),
        ];
        if let Some(served) = PHONE.served(&settings) {
            let read = values(&served);
            prop_assert_eq!(&read["account.1.sip.subscriber.password"], &password);
        }
        for (model, number) in [("HT802", "P34"), ("HT814", "P4120")] {
            if let Some(served) = adapter(model).served(&settings) {
                prop_assert_eq!(&p_values(&served)[number], &password);
            }
        }
    }

    /// What is written is read back as it was by both readers of pairs: what could be read otherwise is refused.
    #[test]
    fn a_value_of_the_binary_form_survives_or_is_refused(value in "\\PC{0,40}|[ -~]{0,40}|[a-zA-Z0-9./:-]{1,80}") {
        let mac = Mac::parse(MAC).unwrap();
        if let Ok(file) = binary::write(mac, &[("P1", &value), ("P2", "end")]) {
            let read = read_binary(&file);
            prop_assert_eq!(&read[0].1, &value);
            prop_assert_eq!(&read[1].1, "end");
            prop_assert!(!value.contains(['%', '+', '&', '=', ' ']) && value.is_ascii());
        }
    }
}

#[test]
fn no_error_is_in_what_the_templates_make_of_nothing() {
    for family in [GXP, GXP_V2, HT] {
        let made = Phone { family, ..PHONE }.rendered(&[], &URLS).unwrap();
        let findings =
            ringfence_provision::format::lint(family, FileKind::Standard, made.text.as_bytes());
        assert!(!has_errors(&findings), "{findings:?}");
    }
}
