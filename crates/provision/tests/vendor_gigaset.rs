//! Gigaset's files: what the built-in template makes, read back by a reader that is not ours.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeMap;

use phone::Phone;
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::vendor::gigaset::{N510, N720, NX70};

const PHONE: Phone = Phone {
    family: NX70,
    mac: "7C2F80E0D605",
    model: "N870-IP-PRO",
};

/// Every parameter that is no part of a command.
fn values(xml: &str) -> BTreeMap<String, String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let root = document.root_element();
    assert_eq!(
        (root.tag_name().name(), root.attribute("version")),
        ("provisioning", Some("1.1"))
    );
    let nvm = root
        .children()
        .find(|child| child.has_tag_name("nvm"))
        .unwrap();
    let parameters = nvm.children().filter(|child| child.has_tag_name("param"));
    parameters
        .map(|it| {
            let of = |name| it.attribute(name).unwrap().to_owned();
            (of("name"), of("value"))
        })
        .collect()
}

/// The commands, each with its name and value.
fn commands(xml: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let all = document.descendants().filter(|it| it.has_tag_name("oper"));
    all.map(|it| {
        let of = |name| it.attribute(name).unwrap_or_default();
        format!("{} {}", of("name"), of("value"))
    })
    .collect()
}

const SETTINGS: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_auth_user", "201;auth"),
    ("line_1_password", "e3#rl2(&ae#1"),
    ("line_1_display_name", "Büro \"West\" <1> & 50%"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5061"),
    ("line_1_transport", "tls"),
    ("line_1_outbound_proxy", "edge.example.net:5070"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "info"),
    ("line_1_srtp", "required"),
    // At the same server in all: the same provider.
    ("line_2_user", "202"),
    ("line_2_password", "\"<;%ü'>"),
    ("line_2_domain", "sip.example.net"),
    ("line_2_port", "5061"),
    ("line_2_transport", "tls"),
    ("line_2_outbound_proxy", "edge.example.net:5070"),
    ("line_2_dtmf", "info"),
    ("line_2_srtp", "required"),
    // At another one.
    ("line_3_user", "303"),
    ("line_3_password", "three"),
    ("line_3_domain", "b.example"),
    ("line_3_registrar", "reg.b.example"),
    ("line_3_proxy", "proxy.b.example:5080"),
    ("line_3_port", "5060"),
    ("admin_password", "9cLw2"),
    ("time_zone", "Europe/Berlin"),
    ("tone_country", "de"),
    ("ntp", "ntp.example.net"),
    ("phone_book_url", "https://book.example.net/?a=1&b=2"),
    ("standard_hs.00001.DECT_AC", "4321"),
    ("standard_SystemSettings.global.CheckSyncRebootEnabled", "0"),
    // Of phones of other makers in the same tenant.
    ("standard_P64", "x"),
    ("standard_user_srtp.2", "off"),
    ("standard_sip.line.1.MediaCrypto", "2"),
];

#[test]
fn handsets_at_one_server_share_its_provider() {
    let xml = PHONE.clean(SETTINGS);
    let values = values(&xml);
    for (name, expected) in [
        ("SipAccount.00001.ProviderId", "0"),
        ("SipAccount.00001.UserName", "201"),
        ("SipAccount.00001.AuthName", "201;auth"),
        ("SipAccount.00001.AuthPassword", "e3#rl2(&ae#1"),
        ("SipAccount.00001.DisplayName", "Büro \"West\" <1> & 50%"),
        ("SipAccount.00002.ProviderId", "0"),
        ("SipAccount.00002.AuthName", "202"),
        ("SipAccount.00002.AuthPassword", "\"<;%ü'>"),
        ("SipAccount.00003.ProviderId", "2"),
        ("SipProvider.0.Domain", "sip.example.net"),
        ("SipProvider.0.ProxyServerAddress", "sip.example.net"),
        ("SipProvider.0.ProxyServerPort", "5061"),
        ("SipProvider.0.TransportProtocol", "3"),
        ("SipProvider.0.OutboundProxyAddress", "edge.example.net"),
        ("SipProvider.2.Domain", "b.example"),
        ("SipProvider.2.RegServerAddress", "reg.b.example"),
        ("SipProvider.2.RegServerPort", "5060"),
        ("SipProvider.2.ProxyServerAddress", "proxy.b.example"),
        ("SipProvider.2.ProxyServerPort", "5080"),
        ("hs.00001.DECT_AC", "4321"),
        ("WebUIAccounts.1.Password", "9cLw2"),
        ("DmGlobal.0.TimeZone", "Europe/Berlin"),
        ("XMLDir.1.ServerURL", "https://book.example.net/?a=1&b=2"),
    ] {
        assert_eq!(
            values.get(name).map(String::as_str),
            Some(expected),
            "{name}"
        );
    }
    assert!(!values.keys().any(|name| name.starts_with("SipProvider.1.")));
    assert!(
        values
            .keys()
            .all(|name| name.starts_with("hs.")
                || name.starts_with(|c: char| c.is_ascii_uppercase()))
    );
    assert_eq!(
        commands(&xml),
        ["add_hs 00001", "add_hs 00002", "add_hs 00003"]
    );
    insta::assert_snapshot!(xml);
}

#[test]
fn handsets_that_are_not_named_are_removed_only_where_the_operator_says_so() {
    let with = [SETTINGS, &[("standard_DeleteNotProvisionedHS", "yes")]].concat();
    assert_eq!(
        commands(&PHONE.clean(&with))[0].trim(),
        "DeleteNotProvisionedHS"
    );
    let no = [SETTINGS, &[("standard_DeleteNotProvisionedHS", "no")]].concat();
    assert_eq!(PHONE.clean(&no), PHONE.clean(SETTINGS));
}

#[test]
fn a_file_names_the_access_path() {
    let base = [("base", "https://phones.example.net/k7Qd")];
    let xml = PHONE.rendered(SETTINGS, &base).unwrap().text;
    let name = "Provisioning.global.ProvisioningServer";
    assert_eq!(values(&xml)[name], "https://phones.example.net/k7Qd");
    let own = [(
        "standard_Provisioning.global.ProvisioningServer",
        "https://o.example",
    )];
    let xml = PHONE.rendered(&own, &base).unwrap().text;
    assert_eq!(values(&xml)[name], "https://o.example");
}

#[test]
fn what_the_base_cannot_be_told_is_told_to_the_operator() {
    let made = PHONE.rendered(
        &[
            ("line_1_label", "x"),
            ("vlan", "1"),
            ("line_1_enabled", "no"),
        ],
        &[],
    );
    assert_eq!(
        made.unwrap().left_out,
        ["line_1_enabled", "line_1_label", "vlan"]
    );
    for (setting, expected) in [
        (("line_1_transport", "tsl"), "udp, tcp or tls"),
        (("time_zone", "Asia/Kathmandu"), "a few zones"),
        (("tone_country", "JP"), "DE, ES, FR, US and CA"),
        (("admin_password", ""), "1 to 500 characters"),
    ] {
        let error = PHONE.refusal(setting);
        assert!(error.contains(expected), "{error}");
    }
    let lone = [
        ("line_21_user", "1"),
        ("line_21_domain", "c.example"),
        ("line_21_password", "p"),
    ];
    let error = PHONE.rendered(&lone, &[]).unwrap_err().to_string();
    assert!(
        error.contains("give the line the server of line 1"),
        "{error}"
    );
}

#[test]
fn what_does_not_belong_into_a_file_is_refused() {
    for text in [
        "<provisioning><param name=\"a\" value=\"b\"/></provisioning>",
        "<provisioning><nvm><x/></nvm></provisioning>",
        "<provisioning><nvm><param name=\"a\" value=\"\"/></nvm></provisioning>",
        "<provisioning><nvm><param name=\"a\"/></nvm></provisioning>",
    ] {
        assert!(PHONE.refuses(text), "{text}");
    }
}

#[test]
fn a_models_name_tells_the_bases_that_read_this_format() {
    for model in ["N870", "N670-IP-PRO", "n610", "Gigaset-N870-IP-PRO"] {
        assert_eq!(Family::guess(model), Some(NX70), "{model}");
    }
    for (model, family) in [
        ("N510-IP-PRO", Some(N510)),
        ("n720-dm-pro", Some(N720)),
        ("Maxwell", None),
    ] {
        assert_eq!(Family::guess(model), family, "{model}");
    }
}

proptest! {
    #[test]
    fn a_password_arrives_as_it_is_or_not_at_all(password in "\\PC{0,40}|[ -~]{0,40}") {
        if let Some(xml) = PHONE.with_password(&password) {
            prop_assert_eq!(&values(&xml)["SipAccount.00001.AuthPassword"], &password);
        }
    }
}

/// A base of the older format.
const OLDER: Phone = Phone {
    family: N510,
    mac: "7C2F804DF9A9",
    model: "N510-IP-PRO",
};

const MANAGER: Phone = Phone {
    family: N720,
    mac: "7C2F80CA21E4",
    model: "N720-DM-PRO",
};

/// The values of the older format, read as its base does, which knows no references: each item stands on a line, and a
/// value between apostrophes or double quotes, with double quotes of its own around a text.
fn items(file: &str) -> BTreeMap<String, String> {
    assert!(file.starts_with(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<ProviderFrame>\n  <Provider>\n"
    ));
    assert!(file.is_ascii() && !file.contains('&'));
    // Which is XML all the same.
    roxmltree::Document::parse(file).unwrap();
    let lines = file
        .lines()
        .filter_map(|line| line.trim().strip_prefix("<SYMB_ITEM ID=\""));
    let mut items = BTreeMap::new();
    for line in lines {
        let (name, rest) = line.split_once("\" class=\"symb_item\" value=").unwrap();
        let rest = rest.strip_suffix("/>").unwrap();
        let value = match rest.strip_prefix('\'') {
            Some(rest) => rest.strip_suffix("\"'").unwrap().strip_prefix('"').unwrap(),
            None => rest.strip_prefix('"').unwrap().strip_suffix('"').unwrap(),
        };
        assert!(!value.contains(['"', '\'']), "{line}");
        assert_eq!(
            items.insert(name.to_owned(), value.to_owned()),
            None,
            "{name}"
        );
    }
    items
}

const OLDER_SETTINGS: &[(&str, &str)] = &[
    ("line_1_user", "201"),
    ("line_1_auth_user", "201;auth"),
    ("line_1_password", "e3#rl2(%ae#1"),
    ("line_1_display_name", "Desk 1 @ West; 50%"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_port", "5060"),
    ("line_1_transport", "udp"),
    ("line_1_outbound_proxy", "edge.example.net:5070"),
    ("line_1_expires", "180"),
    ("line_1_voicemail", "*97"),
    ("line_1_dtmf", "rfc2833"),
    ("line_2_user", "202"),
    ("line_2_password", "two;%"),
    ("line_2_domain", "sip.example.net"),
    ("line_2_port", "5060"),
    ("line_2_transport", "udp"),
    ("line_2_outbound_proxy", "edge.example.net:5070"),
    ("line_2_expires", "180"),
    ("line_2_dtmf", "rfc2833"),
    ("line_2_enabled", "no"),
    ("admin_password", "0815"),
    ("time_zone", "Asia/Tokyo"),
    ("ntp", "ntp.example.net"),
    ("vlan", "20"),
    // Of phones of other makers in the same tenant.
    ("standard_P64", "x"),
    ("standard_sip.line.1.MediaCrypto", "2"),
];

fn has(items: &BTreeMap<String, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(items.get(*name).map(String::as_str), Some(*value), "{name}");
    }
}

#[test]
fn an_n510s_accounts_have_numbers_behind_their_names_but_for_the_first() {
    let own = [
        ("line_1_label", "Reception"),
        ("tone_country", "DE"),
        ("standard_BS_IP_Data1.ucI_HTTPLANGUAGE", "0x2"),
        (
            "standard_BS_IP_Data1.aucS_DATA_SERVER.0",
            "\"phones.example.net/s\"",
        ),
        ("standard_VERSION", "2511260815"),
    ];
    let file = OLDER.clean(&[OLDER_SETTINGS, &own].concat());
    assert!(file.contains(
        "    <MAC_ADDRESS value=\"7C2F804DF9A9\"/>\n    <VERSION value=\"2511260815\"/>\n"
    ));
    has(
        &items(&file),
        &[
            ("BS_IP_Data1.ucB_SIP_ACCOUNT_IS_ACTIVE_1", "0x1"),
            ("BS_IP_Data1.aucS_SIP_USER_ID", "201"),
            ("BS_IP_Data3.aucS_SIP_LOGIN_ID", "201;auth"),
            ("BS_IP_Data1.aucS_SIP_PASSWORD", "e3#rl2(%ae#1"),
            ("BS_IP_Data1.aucS_SIP_DISPLAYNAME", "Desk 1 @ West; 50%"),
            ("BS_IP_Data1.aucS_SIP_DOMAIN", "sip.example.net"),
            ("BS_IP_Data1.aucS_SIP_SERVER", "sip.example.net"),
            ("BS_IP_Data1.uiI_SIP_SERVER_PORT", "0x13c4"),
            ("BS_IP_Data1.aucS_SIP_REGISTRAR", "sip.example.net"),
            ("BS_IP_Data1.aucS_OUTBOUND_PROXY", "edge.example.net"),
            ("BS_IP_Data1.uiI_OUTBOUND_PROXY_PORT", "0x13ce"),
            ("BS_IP_Data1.uiI_RE_REGISTRATION_TIMER", "0xb4"),
            ("BS_IP_Data1.aucS_VOIP_NET_AM_NUMBER_1", "*97"),
            ("BS_IP_Data1.ucB_SIP_ACCOUNT_IS_ACTIVE_2", "0x0"),
            ("BS_IP_Data3.aucS_SIP_LOGIN_ID_2", "202"),
            ("BS_IP_Data1.aucS_SIP_PASSWORD_2", "two;%"),
            ("BS_Accounts.astAccounts[0].aucAccountName[0]", "Reception"),
            ("BS_Accounts.astAccounts[0].uiSendMask", "0x1"),
            ("BS_Accounts.astAccounts[1].uiReceiveMask", "0x2"),
            ("BS_IP_Data1.ucI_DTMF_TX_MODE_BITS", "0x2"),
            ("BS_CUSTOM.aucKdsPin[0]", "0x08,0x15"),
            ("BS_IP_Data1.uiI_TIME_TIMEZONE", "0x3d"),
            ("BS_IP_Data1.ucB_TIME_USE_AUTOMATIC_DST", "0x0"),
            ("BS_AE_SwConfig.ucCountryCodeTone", "0xc"),
            ("BS_IP_Data1.uiI_VLAN_ID", "0x14"),
            ("BS_IP_Data1.ucI_HTTPLANGUAGE", "0x2"),
            ("BS_IP_Data1.aucS_DATA_SERVER[0]", "phones.example.net/s"),
        ],
    );
    insta::assert_snapshot!(file);
}

#[test]
fn an_n720s_accounts_are_counted_and_share_a_provider() {
    let own = [(
        "standard_BS_VOIP_Data.astVoipAccounts.all.ucB_CALL_MANAGER_SUPPORT",
        "0x0",
    )];
    let file = MANAGER.clean(&[OLDER_SETTINGS, &own].concat());
    has(
        &items(&file),
        &[
            (
                "BS_VOIP_Data.astVoipAccounts[0].ucB_SIP_ACCOUNT_IS_ACTIVE_1",
                "0x1",
            ),
            ("BS_VOIP_Data.astVoipAccounts[0].ucVoipProviderIndex", "0x0"),
            ("BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_USER_ID[0]", "201"),
            (
                "BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_LOGIN_ID[0]",
                "201;auth",
            ),
            (
                "BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_PASSWORD[0]",
                "e3#rl2(%ae#1",
            ),
            (
                "BS_VOIP_Data.astVoipAccounts[1].aucS_SIP_PASSWORD[0]",
                "two;%",
            ),
            (
                "BS_VOIP_Data.astVoipAccounts[1].ucB_SIP_ACCOUNT_IS_ACTIVE_1",
                "0x0",
            ),
            (
                "BS_VOIP_Data.astVoipAccounts[0].aucS_VOIP_NET_AM_NUMBER_1[%]",
                "*97",
            ),
            (
                "BS_VOIP_Data.astVoipProviders[0].aucSIP_DOMAIN[%]",
                "sip.example.net",
            ),
            (
                "BS_VOIP_Data.astVoipProviders[0].uiSIP_SERVER_PORT",
                "0x13c4",
            ),
            (
                "BS_VOIP_Data.astVoipProviders[0].aucOUTBOUND_PROXY[%]",
                "edge.example.net",
            ),
            (
                "BS_VOIP_Data.astVoipProviders[0].ucSIP_PREFERRED_TRANSPORT_LAYER",
                "0x11",
            ),
            (
                "BS_VOIP_Data.astVoipAccounts[%].ucB_CALL_MANAGER_SUPPORT",
                "0x0",
            ),
            ("BS_VOIP_Data.ucI_DTMF_TX_MODE_BITS", "0x2"),
            ("BS_IP_Data.aucS_TIME_NTP_SERVER[%]", "ntp.example.net"),
            ("BS_IP_Data.uiI_VLAN_ID", "0x14"),
        ],
    );
    insta::assert_snapshot!(file);
    // Another provider has no place.
    let elsewhere = [
        ("line_2_domain", "b.example"),
        ("line_2_password", "p"),
        ("line_2_user", "2"),
    ];
    let made = MANAGER.rendered(&elsewhere, &[]).unwrap();
    assert_eq!(made.left_out, ["line_2_domain"]);
}

#[test]
fn older_bases_are_told_what_they_can_read_and_no_more() {
    for phone in [OLDER, MANAGER] {
        for (setting, expected) in [
            (("line_1_transport", "tls"), "udp"),
            (("line_1_display_name", "Büro"), "ASCII"),
            (("admin_password", "12345"), "four digits"),
            (("admin_password", "ü12"), "four digits"),
            (("time_zone", "Europe/Berlin"), "not published"),
            (("time_zone", "Asia/Kathmandu"), "no zone is known"),
        ] {
            let error = phone.refusal(setting);
            assert!(error.contains(expected), "{error}");
        }
        let file = |inside: &str| {
            format!(
                "<ProviderFrame><Provider><MAC_ADDRESS value=\"7C2F804DF9A9\"/>{inside}</Provider></ProviderFrame>"
            )
        };
        assert!(!phone.refuses(&file(
            "<SYMB_ITEM ID=\"a\" class=\"symb_item\" value='\"b\"'/>"
        )));
        for value in [
            "'\"a&amp;b\"'",
            "'\"a\"b\"'",
            "\"ü\"",
            "\"a&apos;b\"",
            "'\"'",
        ] {
            let text = file(&format!(
                "<SYMB_ITEM ID=\"a\" class=\"symb_item\" value={value}/>"
            ));
            assert!(phone.codes(&text).contains(&"value-character"), "{text}");
        }
        for text in [
            "<ProviderFrame><Provider/></ProviderFrame>",
            "<ProviderFrame><MAC_ADDRESS value=\"7C2F804DF9A9\"/></ProviderFrame>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ProviderFrame><Provider><MAC_ADDRESS value=\"1\"/></Provider></ProviderFrame>",
        ] {
            assert!(phone.refuses(text), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn an_older_bases_password_arrives_as_it_is_or_not_at_all(password in "\\PC{0,40}|[ -~]{0,40}|[a-z#%;:=]{1,20}") {
        for (phone, name) in [
            (OLDER, "BS_IP_Data1.aucS_SIP_PASSWORD"),
            (MANAGER, "BS_VOIP_Data.astVoipAccounts[0].aucS_SIP_PASSWORD[0]"),
        ] {
            let plain = password.chars().all(|it| matches!(it, ' '..='~') && !"\"'&<>".contains(it));
            match phone.with_password(&password) {
                Some(file) => prop_assert_eq!(&items(&file)[name], &password),
                None => prop_assert!(password.is_empty() || !plain),
            }
        }
    }
}
