//! What no file says unless an operator does, and that each of it is said then: decisions 10 and 11.

#![allow(clippy::unwrap_used)]

#[path = "support/phone.rs"]
mod phone;

use phone::{Asked, Phone, URLS};
use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_provision::template::RenderError;

/// What the parameters are called, in small letters, that say whether a phone checks the certificate of its server.
const CHECKS: [&str; 16] = [
    "p8463",
    "p22030",
    "validate.servercertificate",
    "validatehostnameincertificate",
    "permissionctf",
    "permission ctf",
    "commonname",
    "common name",
    "p23376",
    "p23377",
    "tlsonlyaccepttrustca",
    "tlscommennamevalidation",
    "trust_certificates",
    "cn_validation",
    "https validate",
    "custom_ca_rule",
];

/// And of those that let a NOTIFY do more than from the factory.
const NOTIFIED: [&str; 5] = [
    "p26015",
    "p26115",
    "allowsipreset",
    "p4428",
    "sip.notify.challenge",
];

/// Two lines, with no character that a format cannot write.
const LINES: [(&str, &str); 8] = [
    ("line_1_user", "201"),
    ("line_1_password", "12345678"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_transport", "tls"),
    ("line_2_user", "202"),
    ("line_2_password", "87654321"),
    ("line_2_domain", "sip.example.net"),
    ("line_2_transport", "tls"),
];

fn phone(family: Family, model: &'static str) -> Phone {
    Phone {
        family,
        mac: "0080F0C0FFEE",
        model,
    }
}

/// The file of a kind that the built-in template makes of two lines, as far as the family can say them.
fn made(phone: &Phone, kind: FileKind) -> String {
    let others = [
        ("standard", "https://phones.example.net/s3gment/standard"),
        ("product", "https://phones.example.net/s3gment/product"),
        ("master", "https://phones.example.net/s3gment/master"),
    ];
    let urls = match kind {
        FileKind::Initial => [&URLS[..], &others].concat(),
        _ => URLS.to_vec(),
    };
    let mut settings = LINES.to_vec();
    loop {
        let asked = Asked {
            kind,
            urls: &urls,
            ..Asked::default()
        };
        match phone.made(&settings, asked) {
            Ok(made) => return made.text,
            Err(RenderError::Setting { setting, .. }) => {
                let before = settings.len();
                settings.retain(|(name, _)| *name != setting);
                assert!(settings.len() < before, "{:?} {setting}", phone.family);
            }
            Err(error) => panic!("{:?}: {error}", phone.family),
        }
    }
}

#[test]
fn no_file_says_by_itself_whether_a_phone_checks_its_server_or_what_a_notify_may_do() {
    for family in Family::ALL {
        for kind in family.kinds() {
            let text = made(&phone(family, "MODEL1"), *kind).to_lowercase();
            let said: Vec<_> = CHECKS
                .iter()
                .chain(&NOTIFIED)
                .filter(|name| text.contains(*name))
                .collect();
            // It must not be empty, and says what the phone does from the factory.
            let is_default = family.as_str() == "mitel" && *kind == FileKind::Master;
            if is_default {
                assert_eq!(text.trim(), "https validate certificates: 1");
            } else {
                assert_eq!(
                    said,
                    [""; 0].iter().collect::<Vec<_>>(),
                    "{family:?} {kind:?}"
                );
            }
        }
    }
}

#[test]
fn an_operator_says_it_by_the_parameters_own_name() {
    for (family, setting, value, written) in [
        ("gxp", "P8463", "1", "<P8463>1</P8463>"),
        ("gxp", "P22030", "1", "<P22030>1</P22030>"),
        ("gxp", "P4428", "1", "<P4428>1</P4428>"),
        ("gxp", "P26015", "1", "<P26015>1</P26015>"),
        (
            "gxp-v2",
            "security.validate.serverCertificate",
            "Yes",
            "<item name=\"security.validate.serverCertificate\">Yes</item>",
        ),
        (
            "gxp-v2",
            "provisioning.validateHostnameInCertificate",
            "Yes",
            "<item name=\"provisioning.validateHostnameInCertificate\">Yes</item>",
        ),
        (
            "gxp-v2",
            "account.1.sip.allowSipReset",
            "Yes",
            "<item name=\"account.1.sip.allowSipReset\">Yes</item>",
        ),
        ("ht", "P22030", "1", "<P22030>1</P22030>"),
        (
            "fanvil",
            "dot1x.sslMode.PermissionCTF",
            "1",
            "<PermissionCTF>1</PermissionCTF>",
        ),
        (
            "fanvil",
            "dot1x.sslMode.CommonName",
            "1",
            "<CommonName>1</CommonName>",
        ),
        (
            "fanvil-text",
            "DOT1X_CONFIG_MODULE.SSL_Mode.Permission_CTF",
            "1",
            "<DOT1X CONFIG MODULE>\n--SSL Mode--:\nPermission CTF:1\n",
        ),
        (
            "fanvil-text",
            "DOT1X_CONFIG_MODULE.SSL_Mode.Common_Name",
            "1",
            "<DOT1X CONFIG MODULE>\n--SSL Mode--:\nCommon Name:1\n",
        ),
        (
            "yealink",
            "static.security.trust_certificates",
            "1",
            "static.security.trust_certificates = 1\n",
        ),
        (
            "yealink",
            "static.security.cn_validation",
            "1",
            "static.security.cn_validation = 1\n",
        ),
        (
            "yealink-v80",
            "security.trust_certificates",
            "1",
            "security.trust_certificates = 1\n",
        ),
        (
            "yealink-v80",
            "security.cn_validation",
            "1",
            "security.cn_validation = 1\n",
        ),
        ("htek", "P23377", "1", "<P23377>1</P23377>"),
        ("htek", "P23376", "1", "<P23376>1</P23376>"),
        (
            "htek-u",
            "TLSOnlyAcceptTrustCA",
            "1",
            "<TLSOnlyAcceptTrustCA>1</TLSOnlyAcceptTrustCA>",
        ),
        (
            "htek-u",
            "TLSCommenNameValidation",
            "1",
            "<TLSCommenNameValidation>1</TLSCommenNameValidation>",
        ),
        (
            "mpp",
            "Custom_CA_Rule",
            "https://a.example/ca.pem",
            ">https://a.example/ca.pem</Custom_CA_Rule>",
        ),
    ] {
        let phone = phone(Family::parse(family).unwrap(), "MODEL1");
        let own = format!("standard_{setting}");
        let made = phone.rendered(&[(own.as_str(), value)], &URLS).unwrap();
        assert!(
            made.text.contains(written),
            "{family} {setting}\n{}",
            made.text
        );
        phone.faultless(FileKind::Standard, &made.text);
    }
}
