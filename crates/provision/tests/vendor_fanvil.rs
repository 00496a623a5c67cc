//! Fanvil's files: what the built-in template makes, read back by a reader that is not ours.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use phone::Phone;
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::vendor::fanvil::{SYS_CONF, TEXT, VOIP_CONFIG};

const PHONE: Phone = Phone {
    family: SYS_CONF,
    mac: "0C383E557EB1",
    model: "X5U-V2",
};

/// The text at a path such as `sip/line[1]/RegisterPswd`.
fn value(xml: &str, path: &str) -> Option<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let mut node = document.root_element();
    assert_eq!(node.tag_name().name(), "sysConf");
    for step in path.split('/') {
        let (name, index) = match step.split_once('[') {
            Some((name, rest)) => (name, Some(rest.trim_end_matches(']'))),
            None => (step, None),
        };
        let mut found = node
            .children()
            .filter(|child| child.has_tag_name(name) && child.attribute("index") == index);
        node = found.next()?;
        assert!(found.next().is_none(), "{path} is there twice");
    }
    Some(node.text().unwrap_or_default().to_owned())
}

const LINES: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_auth_user", "201;auth"),
    ("line_1_password", "e3#rl2(&ae#1"),
    ("line_1_display_name", "Büro \"West\" <1> & 50%"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "TLS"),
    ("line_1_outbound_proxy", "[2001:db8::1]:5070"),
    ("line_1_expires", "600"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "rfc2833"),
    ("line_2_user", "Zoë"),
    ("line_2_password", "\"<;%ü'>"),
    ("line_2_domain", "b.example"),
    ("line_2_registrar", "reg.b.example"),
    ("line_2_enabled", "no"),
];

const OTHERS: &[(&str, &str)] = &[
    ("admin_password", "Adm1nPass"),
    ("user_password", "0nlyReads"),
    ("language", "en-GB"),
    ("tone_country", "DE"),
    ("ntp", "ntp.example.net"),
    ("time_zone", "Europe/Berlin"),
    ("syslog", "log.example.net:5514"),
    ("vlan", "20"),
    ("provisioning_interval", "1441"),
    ("firmware_url", "https://fw.example.net/fanvil"),
    ("phone_book_url", "https://book.example.net/?a=1&b=2"),
    ("standard_sip.NotifyReboot", "0"),
    ("standard_sip.line.1.MediaCrypto", "2"),
    ("standard_ap.pnp.PNPEnable", "0"),
    ("standard_dot1x.sslMode.PermissionCTF", "1"),
    ("standard_dsskey.internal.1.Fkey.12.Type", "1"),
    ("standard_dsskey.internal.1.Fkey.12.Value", "202@1/ba"),
    ("standard_dsskey.internal.1.Fkey.2.Type", "2"),
    ("standard_dsskey.internal.2.Fkey.1.Type", "1"),
    ("standard_mm.G726-16PayloadType", "103"),
    // Of phones of other makers in the same tenant.
    ("standard_P64", "x"),
    ("standard_timezone", "GER+1"),
    ("standard_account.1.label", "x"),
];

#[test]
fn a_full_example_is_read_back_where_the_public_templates_have_it() {
    let settings = [LINES, OTHERS].concat();
    let xml = PHONE.clean(&settings);
    for (path, expected) in [
        ("Version", "2.0000000000"),
        ("sip/line[1]/EnableReg", "1"),
        ("sip/line[1]/PhoneNumber", "201"),
        ("sip/line[1]/RegisterUser", "201;auth"),
        ("sip/line[1]/RegisterPswd", "e3#rl2(&ae#1"),
        ("sip/line[1]/DisplayName", "Büro \"West\" <1> & 50%"),
        ("sip/line[1]/RegisterAddr", "sip.example.net"),
        ("sip/line[1]/RegisterPort", "5061"),
        ("sip/line[1]/Transport", "3"),
        ("sip/line[1]/ProxyAddr", "2001:db8::1"),
        ("sip/line[1]/ProxyPort", "5070"),
        ("sip/line[1]/MediaCrypto", "2"),
        ("sip/line[2]/EnableReg", "0"),
        ("sip/line[2]/PhoneNumber", "Zoë"),
        ("sip/line[2]/RegisterUser", "Zoë"),
        ("sip/line[2]/RegisterPswd", "\"<;%ü'>"),
        ("sip/line[2]/RegisterAddr", "reg.b.example"),
        ("web/account[1]/Name", "admin"),
        ("web/account[1]/Password", "Adm1nPass"),
        ("web/account[2]/Level", "5"),
        ("ap/FlashInterval", "25"),
        ("ap/pnp/PNPEnable", "0"),
        ("dot1x/sslMode/PermissionCTF", "1"),
        ("dsskey/internal[1]/Fkey[2]/Type", "2"),
        ("dsskey/internal[1]/Fkey[12]/Value", "202@1/ba"),
        ("dsskey/internal[2]/Fkey[1]/Type", "1"),
        (
            "phone/xmlContact[1]/Addr",
            "https://book.example.net/?a=1&b=2",
        ),
    ] {
        assert_eq!(value(&xml, path).as_deref(), Some(expected), "{path}");
    }
    insta::assert_snapshot!(xml);
}

#[test]
fn twenty_lines_keep_their_places_whatever_the_order_of_their_names() {
    let lines: Vec<(String, String)> = (1..=20)
        .flat_map(|n| {
            ["user", "password", "domain"]
                .map(|word| (format!("line_{n}_{word}"), format!("{word}{n}")))
        })
        .collect();
    let settings: Vec<(&str, &str)> = lines
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let xml = PHONE.clean(&settings);
    for n in 1..=20 {
        let of = |name: &str| value(&xml, &format!("sip/line[{n}]/{name}")).unwrap();
        assert_eq!(of("PhoneNumber"), format!("user{n}"));
        assert_eq!(of("RegisterPswd"), format!("password{n}"));
    }
}

#[test]
fn a_file_names_the_access_path_unless_the_operator_does() {
    let base = [("base", "https://phones.example.net/k7Qd")];
    let xml = PHONE.rendered(LINES, &base).unwrap().text;
    assert_eq!(
        value(&xml, "ap/FlashServerIP").unwrap(),
        "https://phones.example.net/k7Qd"
    );
    assert_eq!(value(&xml, "ap/FlashFileName").unwrap(), "$mac.cfg");
    assert_eq!(value(&xml, "ap/FlashProtocol").unwrap(), "5");
    let named = [
        base[0],
        (
            "standard",
            "https://phones.example.net/k7Qd/f-0c383e557eb1.cfg",
        ),
    ];
    let xml = PHONE.rendered(LINES, &named).unwrap().text;
    assert_eq!(value(&xml, "ap/FlashFileName").unwrap(), "f-$mac.cfg");
    let own = [("standard_ap.FlashServerIP", "https://other.example")];
    let xml = PHONE.rendered(&own, &base).unwrap().text;
    assert_eq!(
        value(&xml, "ap/FlashServerIP").unwrap(),
        "https://other.example"
    );
    assert_eq!(value(&xml, "ap/FlashProtocol"), None);
    assert_eq!(value(&xml, "ap/FlashMode"), None);
}

/// With 0, which phones may have, they ask no server that their file names.
#[test]
fn a_file_that_names_the_access_path_has_the_phone_ask_there() {
    let base = [("base", "https://phones.example.net/k7Qd")];
    let newer = |settings: &[(&str, &str)]| {
        let xml = PHONE.rendered(settings, &base).unwrap().text;
        value(&xml, "ap/FlashMode")
    };
    let older = |settings: &[(&str, &str)]| {
        let xml = OLDER.rendered(settings, &base).unwrap().text;
        older_value(&xml, "AUTOUPDATE_CONFIG_MODULE", "Download_Mode")
    };
    let in_lines = |settings: &[(&str, &str)]| {
        let text = IN_LINES.rendered(settings, &base).unwrap().text;
        let file = IN_LINES.faultless(FileKind::Standard, &text);
        value_in_lines(&file, "AUTOUPDATE CONFIG MODULE", "", "Flash Mode")
    };
    let all = |settings: &[(&str, &str)]| [newer(settings), older(settings), in_lines(settings)];
    let each = |mode: &str| [(); 3].map(|()| Some(mode.to_owned()));
    assert_eq!(all(LINES), each("1"));
    assert_eq!(all(&[("provisioning_interval", "1440")]), each("2"));
    assert_eq!(newer(&[("standard_ap.FlashMode", "0")]).unwrap(), "0");
    let own = |name| [(name, "0")];
    let set = own("standard_AUTOUPDATE_CONFIG_MODULE.Download_Mode");
    assert_eq!(older(&set).unwrap(), "0");
    let set = own("standard_AUTOUPDATE_CONFIG_MODULE.Flash_Mode");
    assert_eq!(in_lines(&set).unwrap(), "0");
}

#[test]
fn only_models_that_are_known_to_drop_a_password_with_other_characters_are_refused_one() {
    for family in [SYS_CONF, VOIP_CONFIG, TEXT] {
        for setting in ["admin_password", "user_password"] {
            for model in ["X1S", "x1sg", "X3SG", "X3U", "X305"] {
                let phone = Phone {
                    family,
                    model,
                    ..PHONE
                };
                let error = phone.refusal((setting, "e3#rl2"));
                assert!(
                    error.contains("1 to 39 letters of ASCII and digits"),
                    "{error}"
                );
                assert!(phone.served(&[(setting, "Adm1nPass")]).is_some());
            }
            for model in ["X5U-V2", "X7", "X4", "V62 Pro"] {
                let phone = Phone {
                    family,
                    model,
                    ..PHONE
                };
                let file = phone.served(&[(setting, "e3#rl2")]).unwrap();
                assert!(file.contains("e3#rl2"), "{file}");
            }
        }
    }
}

#[test]
fn what_these_phones_cannot_be_told_is_told_to_the_operator() {
    let made = PHONE
        .rendered(&[("line_1_label", "x"), ("line_21_user", "1")], &[])
        .unwrap();
    assert_eq!(made.left_out, ["line_1_label", "line_21_user"]);
    for (setting, expected) in [
        (("line_1_transport", "tsl"), "udp, tcp or tls"),
        (("language", "is"), "not known"),
        (("tone_country", "KR"), "alone"),
    ] {
        let error = PHONE.refusal(setting);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_file_that_would_make_the_phone_expect_sealed_ones_is_refused() {
    for name in [
        "standard_ap.DeviceCfgFileKey",
        "standard_ap.CommonCfgFileKey",
    ] {
        let text = PHONE.rendered(&[(name, "x")], &[]).unwrap().text;
        assert!(PHONE.codes(&text).contains(&"key-in-file"), "{text}");
        assert!(PHONE.served(&[(name, "")]).is_some());
    }
    for text in [
        "<sysConf><Foo>1</Foo></sysConf>",
        "<sysConf><line index=\"1\"/></sysConf>",
    ] {
        assert!(PHONE.refuses(text));
    }
    for text in [
        "<sysConf><sip><line/></sip></sysConf>",
        "<sysConf><sip><line index=\"0\"/></sip></sysConf>",
    ] {
        assert!(PHONE.codes(text).contains(&"xml-line-index"), "{text}");
    }
}

/// A phone of the older format.
const OLDER: Phone = Phone {
    family: VOIP_CONFIG,
    mac: "0C383E07E16C",
    model: "X4",
};

/// The text of a parameter in a module, or in the entry of a list there, as `SIP_Line_List:SIP1/Register_Pswd`.
fn older_value(xml: &str, module: &str, path: &str) -> Option<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "VOIP_CONFIG_FILE");
    let mut node = root.children().find(|it| it.has_tag_name(module))?;
    let mut name = path;
    if let Some((entry, rest)) = path.split_once('/') {
        let (list, id) = entry.split_once(':').unwrap();
        let list = node.children().find(|it| it.has_tag_name(list))?;
        let mut found = list.children().filter(|it| {
            let own = it.children().find(|it| it.has_tag_name("ID"));
            own.and_then(|own| own.text()) == Some(id)
        });
        node = found.next()?;
        assert!(found.next().is_none(), "{path} is there twice");
        name = rest;
    }
    let found = node.children().find(|it| it.has_tag_name(name))?;
    Some(found.text().unwrap_or_default().to_owned())
}

#[test]
fn older_phones_have_lines_as_entries_of_a_list() {
    const OWN: &[(&str, &str)] = &[
        ("admin_password", "Adm1nPass"),
        ("ntp", "ntp.example.net"),
        ("time_zone", "America/St_Johns"),
        ("syslog", "log.example.net:5514"),
        ("tone_country", "US"),
        ("vlan", "20"),
        ("phone_book_url", "https://book.example.net/?a=1&b=2"),
        ("standard_SIP_CONFIG_MODULE.Notify_Reboot", "0"),
        ("standard_SIP_CONFIG_MODULE.SIP_Line_List.SIP1.CLIR", "1"),
        (
            "standard_PHONE_CONFIG_MODULE.Function_Key.Fkey12.Value",
            "202@1/ba",
        ),
        ("standard_PHONE_CONFIG_MODULE.Function_Key.Fkey2.Type", "1"),
        // Of phones of other makers in the same tenant.
        ("standard_P64", "x"),
        ("standard_sip.line.1.MediaCrypto", "2"),
        ("standard_Prov_CFG_CYCLIC", "Y"),
    ];
    let xml = OLDER.clean(&[LINES, OWN].concat());
    for (path, expected) in [
        ("SIP_Line_List:SIP1/Phone_Number", "201"),
        ("SIP_Line_List:SIP1/Register_User", "201;auth"),
        ("SIP_Line_List:SIP1/Register_Pswd", "e3#rl2(&ae#1"),
        ("SIP_Line_List:SIP1/Display_Name", "Büro \"West\" <1> & 50%"),
        ("SIP_Line_List:SIP1/Register_Addr", "sip.example.net"),
        ("SIP_Line_List:SIP1/Register_Port", "5061"),
        ("SIP_Line_List:SIP1/Transport", "2"),
        ("SIP_Line_List:SIP1/Proxy_Addr", "2001:db8::1"),
        ("SIP_Line_List:SIP1/CLIR", "1"),
        ("SIP_Line_List:SIP2/Enable_Reg", "0"),
        ("SIP_Line_List:SIP2/Register_Pswd", "\"<;%ü'>"),
        ("SIP_Line_List:SIP2/Register_Addr", "reg.b.example"),
        ("Notify_Reboot", "0"),
    ] {
        let found = older_value(&xml, "SIP_CONFIG_MODULE", path);
        assert_eq!(found.as_deref(), Some(expected), "{path}");
    }
    let key = older_value(&xml, "PHONE_CONFIG_MODULE", "Function_Key:Fkey12/Value");
    assert_eq!(key.as_deref(), Some("202@1/ba"));
    let password = older_value(&xml, "MMI_CONFIG_MODULE", "MMI_Account:Account1/Password");
    assert_eq!(password.as_deref(), Some("Adm1nPass"));
    insta::assert_snapshot!(xml);
}

#[test]
fn older_phones_are_told_no_more_than_is_known_of_them() {
    let made = OLDER.rendered(&[("codecs", "pcma"), ("line_7_user", "1")], &[]);
    assert_eq!(made.unwrap().left_out, ["codecs", "line_7_user"]);
    let error = OLDER.refusal(("line_1_transport", "tsl"));
    assert!(error.contains("udp, tcp or tls"), "{error}");
    let own = [("standard_AUTOUPDATE_CONFIG_MODULE.Config_File_Key", "x")];
    assert_eq!(OLDER.served(&own), None);
    // The number of HTTPS is not known.
    let base = "https://phones.example.net/k7Qd";
    let xml = OLDER.rendered(LINES, &[("base", base)]).unwrap().text;
    let of = |name| older_value(&xml, "AUTOUPDATE_CONFIG_MODULE", name);
    assert_eq!(of("Download_Server_IP").as_deref(), Some(base));
    assert_eq!(of("Download_Protocol"), None);
    // Two entries with one ID: which of them counts is not published.
    let entry = |id: &str, value: &str| {
        format!("<SIP_Line_List_Entry><ID>{id}</ID><CLIR>{value}</CLIR></SIP_Line_List_Entry>")
    };
    let file = |first: &str, second: &str| {
        format!(
            "<VOIP_CONFIG_FILE><SIP_CONFIG_MODULE><SIP_Line_List>{first}{second}</SIP_Line_List></SIP_CONFIG_MODULE></VOIP_CONFIG_FILE>"
        )
    };
    assert!(OLDER.refuses(&file(&entry("SIP1", "0"), &entry("SIP1", "1"))));
    assert!(!OLDER.refuses(&file(&entry("SIP1", "0"), &entry("SIP10", "1"))));
}

#[test]
fn a_models_name_tells_the_older_phones_from_the_newer() {
    for model in [
        "X5U-V2", "x3u", "X3SG", "X210", "V62-Pro", "H5", "i10SV", "W611W",
    ] {
        assert_eq!(Family::guess(model), Some(SYS_CONF), "{model}");
    }
    for model in ["C58", "C62", "X3", "X3S", "X4", "X5"] {
        assert_eq!(Family::guess(model), Some(VOIP_CONFIG), "{model}");
    }
}

/// A phone that is given the form in lines.
const IN_LINES: Phone = Phone {
    family: TEXT,
    mac: "0C383E557EB1",
    model: "X5U-V2",
};

/// The value of a line in a module and a group of it, by the vendor's rules: the first line has 64 bytes, lines end in
/// CR LF, a module begins with `<NAME>` and a group with `--NAME--`, a name ends at the first colon, a value at the line's end,
/// and what is in no module does not count.
fn value_in_lines(file: &str, module: &str, group: &str, name: &str) -> Option<String> {
    let lines = file.strip_suffix("\r\n<<END OF FILE>>\r\n").unwrap();
    let mut lines = lines.split("\r\n");
    let first = lines.next().unwrap();
    assert!(first.starts_with("<<VOIP CONFIG FILE>>Version:2.0"));
    assert_eq!(first.len() + 2, 64);
    let (mut in_module, mut in_group) = (String::new(), String::new());
    let mut found = None;
    for line in lines.filter(|line| !line.is_empty()) {
        assert!(!line.contains(['\r', '\n']));
        if let Some(begun) = line.strip_prefix('<') {
            in_module = begun.strip_suffix('>').unwrap().to_owned();
            in_group.clear();
            continue;
        }
        let (before, after) = line.split_once(':').unwrap();
        if let Some(begun) = before.strip_prefix("--") {
            in_group = begun.trim_end().strip_suffix("--").unwrap().to_owned();
            continue;
        }
        if (in_module.as_str(), in_group.as_str(), before.trim_end()) == (module, group, name) {
            assert_eq!(found, None, "{name} is there twice");
            found = Some(after.to_owned());
        }
    }
    found
}

#[test]
fn the_form_in_lines_is_read_back_by_module_and_group() {
    const OWN: &[(&str, &str)] = &[
        ("admin_password", "Adm1nPass"),
        ("user_password", "0nlyReads"),
        ("ntp", "ntp.example.net"),
        ("time_zone", "Europe/Berlin"),
        ("tone_country", "DE"),
        ("syslog", "log.example.net:5514"),
        ("vlan", "20"),
        ("provisioning_interval", "1440"),
        ("firmware_url", "https://fw.example.net/fanvil"),
        ("standard_SIP_CONFIG_MODULE.Notify_Reboot", "0"),
        ("standard_SIP_CONFIG_MODULE.SIP_Line_List.SIP1_CLIR", "1"),
        (
            "standard_DSSKEY_CONFIG_MODULE.Dsskey_Config1.Fkey2_Value",
            "202@1/ba",
        ),
        (
            "standard_DSSKEY_CONFIG_MODULE.Sidekey_Config1.Fkey2_Value",
            "SIP2",
        ),
        (
            "standard_AUTOUPDATE_CONFIG_MODULE.Sip_Pnp_List.PNP_Enable",
            "0",
        ),
        ("standard_VQM_CONFIG_MODULE.MOS-LQ_Warning", "40"),
        // Of phones of other makers, and of the other formats, in the same tenant.
        ("standard_P64", "x"),
        ("standard_sip.line.1.MediaCrypto", "2"),
    ];
    let file = IN_LINES.clean(&[LINES, OWN].concat());
    let list = "SIP Line List";
    for (module, group, name, expected) in [
        ("SIP CONFIG MODULE", list, "SIP1 Phone Number", "201"),
        ("SIP CONFIG MODULE", list, "SIP1 Register User", "201;auth"),
        (
            "SIP CONFIG MODULE",
            list,
            "SIP1 Register Pswd",
            "e3#rl2(&ae#1",
        ),
        (
            "SIP CONFIG MODULE",
            list,
            "SIP1 Display Name",
            "Büro \"West\" <1> & 50%",
        ),
        (
            "SIP CONFIG MODULE",
            list,
            "SIP1 Register Addr",
            "sip.example.net",
        ),
        ("SIP CONFIG MODULE", list, "SIP1 Register Port", "5061"),
        ("SIP CONFIG MODULE", list, "SIP1 Transport", "3"),
        ("SIP CONFIG MODULE", list, "SIP1 Proxy Addr", "2001:db8::1"),
        ("SIP CONFIG MODULE", list, "SIP1 CLIR", "1"),
        ("SIP CONFIG MODULE", list, "SIP2 Enable Reg", "0"),
        ("SIP CONFIG MODULE", list, "SIP2 Register Pswd", "\"<;%ü'>"),
        ("SIP CONFIG MODULE", "", "Notify Reboot", "0"),
        (
            "MMI CONFIG MODULE",
            "MMI Account",
            "Account1 Password",
            "Adm1nPass",
        ),
        ("PHONE FEATURE MODULE", "DateTime Config", "Time Zone", "4"),
        (
            "PHONE FEATURE MODULE",
            "DateTime Config",
            "DST End Week",
            "5",
        ),
        (
            "DSSKEY CONFIG MODULE",
            "Dsskey Config1",
            "Fkey2 Value",
            "202@1/ba",
        ),
        (
            "DSSKEY CONFIG MODULE",
            "Sidekey Config1",
            "Fkey2 Value",
            "SIP2",
        ),
        ("AUTOUPDATE CONFIG MODULE", "", "Flash Interval", "24"),
        (
            "AUTOUPDATE CONFIG MODULE",
            "Sip Pnp List",
            "PNP Enable",
            "0",
        ),
        ("VQM CONFIG MODULE", "", "MOS-LQ Warning", "40"),
    ] {
        let found = value_in_lines(&file, module, group, name);
        assert_eq!(found.as_deref(), Some(expected), "{module} {group} {name}");
    }
    insta::assert_snapshot!(file);
}

#[test]
fn the_form_in_lines_says_where_the_phone_goes_on_asking() {
    let base = [("base", "https://phones.example.net/k7Qd")];
    let of = |settings: &[(&str, &str)], name| {
        let text = IN_LINES.rendered(settings, &base).unwrap().text;
        let file = IN_LINES.faultless(FileKind::Standard, &text);
        value_in_lines(&file, "AUTOUPDATE CONFIG MODULE", "", name)
    };
    let told = |name| of(LINES, name).unwrap();
    assert_eq!(told("Flash Server IP"), "https://phones.example.net/k7Qd");
    assert_eq!(told("Flash File Name"), "$mac.cfg");
    assert_eq!(told("Flash Protocol"), "5");
    let own = [(
        "standard_AUTOUPDATE_CONFIG_MODULE.Flash_Server_IP",
        "a.example",
    )];
    assert_eq!(of(&own, "Flash Server IP").unwrap(), "a.example");
    assert_eq!(of(&own, "Flash Protocol"), None);
}

#[test]
fn a_fault_of_the_form_in_lines_is_found_where_it_is() {
    let first = "<<VOIP CONFIG FILE>>Version:2.0002";
    let last = "<<END OF FILE>>";
    let whole =
        format!("{first}\n<SIP CONFIG MODULE>\n--SIP Line List--  :\nSIP1 CLIR:1\n{last}\n");
    assert_eq!(IN_LINES.codes(&whole), [""; 0]);
    for (file, expected) in [
        (
            format!("{first}\nCLIR:1\n{last}\n"),
            vec!["parameter-ignored"],
        ),
        (
            format!("{first}\n<SIP MODULE>\nCLIR:1\n{last}\n"),
            vec!["module-unknown"],
        ),
        (
            format!("{first}\n--SIP Line List--:\n{last}\n"),
            vec!["name-invalid"],
        ),
        (
            format!("{first}\n<SIP CONFIG MODULE>\nCLIR:1\n"),
            vec!["last-line"],
        ),
        (format!("{first}\n{last}\nCLIR:1\n"), vec!["last-line"]),
        (
            format!("<SIP CONFIG MODULE>\nCLIR:1\n{last}\n"),
            vec!["magic-line"],
        ),
        (
            format!("{first}\n<SIP CONFIG MODULE>\nCLIR\n{last}\n"),
            vec!["not-a-parameter"],
        ),
        // The same name in another group is another parameter.
        (
            format!(
                "{first}\n<SIP CONFIG MODULE>\n--A--:\nCLIR:1\n--B--:\nCLIR:2\n--A--:\nCLIR:3\n{last}\n"
            ),
            vec!["duplicate-parameter"],
        ),
        (
            format!("{first}\n<AUTOUPDATE CONFIG MODULE>\nDevice Cfg File Key:x\n{last}\n"),
            vec!["key-in-file"],
        ),
    ] {
        assert_eq!(IN_LINES.codes(&file), expected, "{file}");
        assert!(IN_LINES.refuses(&file), "{file}");
    }
    // A version of the operator's own stays.
    let own = [("standard_Version", "2.0002")];
    let file = IN_LINES.served(&own).unwrap();
    let notify = "<SIP CONFIG MODULE>\r\nNotify Reboot      :0\r\n";
    assert_eq!(file, format!("{first:<62}\r\n\r\n{notify}{last}\r\n"));
    let own = [("standard_SIP_CONFIG_MODULE.Notify_Reboot", "1")];
    let file = IN_LINES.served(&own).unwrap();
    assert!(file.contains("Notify Reboot      :1\r\n") && !file.contains(":0\r\n"));
}

proptest! {
    #[test]
    fn a_password_in_lines_arrives_as_it_is_or_not_at_all(password in "\\PC{0,40}|[ -~]{0,40}|[<>:#;-]{0,12}") {
        if let Some(file) = IN_LINES.with_password(&password) {
            let found = value_in_lines(&file, "SIP CONFIG MODULE", "SIP Line List", "SIP1 Register Pswd");
            prop_assert_eq!(found.unwrap(), password);
        }
    }
}

proptest! {
    #[test]
    fn an_older_phones_password_arrives_as_it_is_or_not_at_all(password in "\\PC{0,40}|[ -~]{0,40}") {
        if let Some(xml) = OLDER.with_password(&password) {
            let found = older_value(&xml, "SIP_CONFIG_MODULE", "SIP_Line_List:SIP1/Register_Pswd");
            prop_assert_eq!(found.unwrap(), password);
        }
    }
}

proptest! {
    #[test]
    fn a_password_arrives_as_it_is_or_not_at_all(password in "\\PC{0,40}|[ -~]{0,40}") {
        if let Some(xml) = PHONE.with_password(&password) {
            prop_assert_eq!(value(&xml, "sip/line[1]/RegisterPswd").unwrap(), password);
        }
    }
}
