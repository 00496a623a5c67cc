//! Nothing that is said about a file with secrets in it has a piece of them, whatever slip an
//! operator makes in a template.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ringfence_provision::vendor::panasonic;
use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::{
    Confidence, RenderedFinding, Severity, beyond_model, codes, judge,
};
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::{Layer, Layers, Value};
use ringfence_provision::mac::Mac;
use ringfence_provision::template::{
    DeviceVars, Limits, RenderContext, Rendered, SecretsMode, UsedSetting, render,
};

/// What stands where a template should have `NAME="{{ PASS }}"`: with `§` for the secret.
const SLIPS: [&str; 26] = [
    "SIP_PASS_1 \"§\"",
    "SIP_PASS_1=§",
    "SIP_PASS_1='§'",
    "SIP_PASS_1=\"§",
    "SIP_PASS_1=§\"",
    "SIP_PASS_1 = \"§\"",
    "§=\"1\"",
    "SIP_§=\"1\"",
    "§",
    "SIP_PASS_1=\"a\" §",
    "XML_URL=\"http:/§\"",
    "XML_URL=\"http://x/{§}\"",
    "XML_URL=\"§\"",
    "A=\"1\"\r\n§=\"1\"\r\n§=\"2\"",
    "<§>1</§>",
    "<A>§",
    "<A §=\"1\">1</A>",
    "<A §>1</A>",
    "<A perm=\"§\">1</A>",
    "<A>1</§>",
    "</§>",
    "<!-- §",
    "<Line idx=\"§\"><A>1</A></Line>",
    "<XML_URL>http://x/{§}</XML_URL>",
    "<?§ ?>",
    "CFG_RESYNC_FROM_SIP=\"§\"",
];

/// Slips that rendering finds, where lint has nothing left to say.
const WRONG: [&str; 8] = [
    "{{ PASS",
    "{{ PASS | nothing }}",
    "{{ PASS + 1 }}",
    "{{ setting(PASS) }}",
    "{{ PASS | int }}",
    "{% if PASS %}",
    "{{ device[PASS] }}",
    "{{ PASS ~ LIST }}{{ [PASS] }}",
];

fn context<'a>(
    family: Family,
    layers: &'a Layers,
    urls: &'a BTreeMap<String, String>,
    secrets: SecretsMode,
) -> RenderContext<'a> {
    RenderContext {
        file_name: "standard",
        kind: FileKind::Standard,
        format: family.format(),
        vocabulary: &[],
        layers,
        device: Some(DeviceVars {
            mac: Mac::parse("0080F0C571EB").unwrap(),
            model: "KX",
            sealed_extension: None,
        }),
        urls,
        secrets,
        limits: Limits::default(),
    }
}

/// All that is said of a file made by the template, and the findings.
fn described(family: Family, source: &str, secret: &str) -> (String, Vec<RenderedFinding>) {
    let mut layers = Layers::default();
    let value = Value::Secret(secret.to_owned().into());
    layers.device.insert("PASS".into(), value);
    let urls = BTreeMap::new();
    let rendered = match render(
        source,
        &context(family, &layers, &urls, SecretsMode::Reveal),
    ) {
        Ok(rendered) => rendered,
        Err(error) => return (format!("{error} {error:?}"), Vec::new()),
    };
    let masked = || -> Option<Rendered> {
        render(source, &context(family, &layers, &urls, SecretsMode::Mask)).ok()
    };
    let kind = FileKind::Standard;
    let findings = match judge(family, kind, &rendered, Confidence::Secret, masked) {
        Ok((_, findings)) | Err(findings) => findings,
    };
    let json = serde_json::to_string(&findings).unwrap();
    (format!("{json} {findings:?}"), findings)
}

fn template(family: Family, line: &str) -> String {
    match family.magic_line() {
        Some(magic) => format!("{magic}\r\n{line}\r\n\r\n"),
        None => format!(
            "<PANASIPPhoneConfig>\n<Device>\n<Phone>\n{line}\n</Phone>\n</Device>\n</PANASIPPhoneConfig>\n"
        ),
    }
}

/// Every piece of six characters of a secret, as it is and as the XML format writes it.
fn pieces(secret: &str) -> Vec<String> {
    let escaped = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    [secret.to_owned(), escaped]
        .iter()
        .flat_map(|text| {
            let characters: Vec<char> = text.chars().collect();
            characters
                .windows(6)
                .map(|six| six.iter().collect::<String>())
                .collect::<Vec<_>>()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_slip_brings_a_piece_of_a_secret_into_what_is_said(
        // Pieces of six that no message has by itself.
        words in proptest::collection::vec("[0-9][A-Z][0-9][x-z][0-9]", 1..6),
        signs in proptest::collection::vec(
            prop_oneof![
                Just("="), Just("\""), Just("'"), Just("{"), Just("}"), Just("<"), Just(">"),
                Just("%"), Just("&"), Just(" "), Just("@"), Just("/"), Just("\n"), Just("\0"),
                Just("{{"), Just("=\""), Just("7Q7"),
            ],
            0..6,
        ),
        long in any::<bool>(),
    ) {
        let mut secret = String::new();
        for (at, word) in words.iter().enumerate() {
            secret.push_str(word);
            secret.push_str(signs.get(at).unwrap_or(&"8"));
        }
        if long {
            secret = secret.repeat(40);
        }
        for family in [panasonic::HDV, panasonic::UT, panasonic::UTG] {
            for slip in SLIPS.iter().chain(&WRONG) {
                let source = template(family, &slip.replace('§', "{{ PASS }}"));
                let (said, _) = described(family, &source, &secret);
                for piece in pieces(&secret) {
                    prop_assert!(!said.contains(&piece), "{family:?} {slip}: {piece:?} in {said}");
                }
            }
        }
    }
}

#[test]
fn an_operator_is_told_the_line_the_code_and_the_setting() {
    let source = template(panasonic::HDV, "SIP_PASS_1 \"{{ PASS }}\"");
    // The `=` of the secret makes a name and a value of what has none.
    let (text, findings) = described(panasonic::HDV, &source, "Tr0ub4dor=and-3");
    assert!(!text.contains("Tr0ub4"));
    let unquoted = findings
        .iter()
        .find(|it| it.code == codes::VALUE_UNQUOTED)
        .unwrap();
    assert_eq!(unquoted.line, 2);
    assert_eq!(unquoted.message, "the value of … is not in quotes");
    assert_eq!(unquoted.settings, ["PASS"]);
}

#[test]
fn words_stay_where_a_file_without_the_secret_has_them_too() {
    let source = template(panasonic::HDV, "SIP_PASS_1={{ PASS }}");
    let (text, findings) = described(panasonic::HDV, &source, "Tr0ub4dor");
    assert!(!text.contains("Tr0ub4"));
    assert_eq!(
        findings[0].message,
        "the value of SIP_PASS_1 is not in quotes"
    );
}

#[test]
fn a_file_that_holds_no_secret_is_quoted() {
    let urls = BTreeMap::new();
    let layers = Layers::default();
    let source = template(panasonic::HDV, "SIP_USER=7");
    let context = context(panasonic::HDV, &layers, &urls, SecretsMode::Reveal);
    let rendered = render(&source, &context).unwrap();
    let kind = FileKind::Standard;
    let findings = judge(panasonic::HDV, kind, &rendered, Confidence::Open, || None).unwrap_err();
    assert_eq!(
        findings[0].message,
        "the value of SIP_USER is not in quotes"
    );
}

#[test]
fn rendered_finding_json_format_unchanged() {
    let source = template(panasonic::HDV, "SIP_PASS_1={{ PASS }}");
    let (_, findings) = described(panasonic::HDV, &source, "x");
    insta::assert_snapshot!(serde_json::to_string(&findings[0]).unwrap(), @r#"{"code":"value-unquoted","severity":"error","line":2,"column":12,"message":"the value of SIP_PASS_1 is not in quotes","help":"Put the value in straight double quotes: NAME=\"value\".","settings":["PASS"]}"#);
}

#[test]
fn a_line_that_the_model_does_not_have_is_a_warning() {
    let used = |names: &[&str]| -> Vec<UsedSetting> {
        let used = names.iter().map(|name| UsedSetting {
            line: 1,
            name: (*name).to_owned(),
            layer: Layer::Device,
            secret: false,
        });
        used.collect()
    };
    let yealink = Family::parse("yealink").unwrap();
    let all = used(&[
        "line_10_user",
        "line_2_user",
        "line_3_user",
        "line_3_user",
        "line_4_label",
        "standard_account.9.user_name",
    ]);
    let found = beyond_model(yealink, "SIP-T21P E2", &all).unwrap();
    assert_eq!(found.code, codes::LINE_BEYOND_MODEL);
    assert_eq!(found.severity, Severity::Warning);
    assert_eq!(
        found.message,
        "line 3 has a user, and the model has 2 lines"
    );
    assert_eq!(found.settings, ["line_3_user", "line_10_user"]);
    assert!(beyond_model(yealink, "T21P_E2", &used(&["line_2_user"])).is_none());
    assert!(beyond_model(yealink, "T46S", &all).is_none());
    // Nobody has counted the lines of these.
    for (family, model) in [("yealink", "T20P"), ("yealink", "T99"), ("mpp", "8841")] {
        assert!(beyond_model(Family::parse(family).unwrap(), model, &all).is_none());
    }
}
