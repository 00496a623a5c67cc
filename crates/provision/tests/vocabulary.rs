//! The vocabulary: what every family does with it, and the table of it in the documents.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use phone::{Asked, Phone};
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::{Confidence, Document, Severity, codes, has_errors, judge, lint};
use ringfence_provision::kind::FileKind;
use ringfence_provision::layers::check_name;
use ringfence_provision::template::{RenderError, Rendered, SecretsMode};
use ringfence_provision::vocabulary::{Encoding, Kind, Name, Runs, SETTINGS, Setting, find};

fn file(
    family: Family,
    settings: &[(&str, &str)],
    secrets: SecretsMode,
) -> Result<Rendered, RenderError> {
    let phone = Phone {
        family,
        mac: "0080F0C0FFEE",
        model: "MODEL1",
    };
    let asked = Asked {
        secrets,
        ..Asked::default()
    };
    phone.made(settings, asked)
}

const LINE: [(&str, &str); 4] = [
    ("line_1_user", "201"),
    ("line_1_password", "12345678"),
    ("line_1_domain", "sip.example.net"),
    ("line_1_transport", "tls"),
];

/// Base stations of which no other transport is known.
const UDP_ALONE: [&str; 2] = ["gigaset-n510", "gigaset-n720"];

/// A line as the family's phones can have it.
fn line(family: Family) -> [(&'static str, &'static str); 4] {
    LINE.map(|(name, value)| match name {
        "line_1_transport" if UDP_ALONE.contains(&family.as_str()) => (name, "udp"),
        _ => (name, value),
    })
}

#[test]
fn a_transport_that_is_not_known_is_refused() {
    for family in UDP_ALONE {
        let family = Family::parse(family).unwrap();
        let error = file(family, &LINE, SecretsMode::Reveal).unwrap_err();
        assert!(error.to_string().contains("no other transport"), "{error}");
    }
}

/// The values of a file's parameters, however often each is there.
fn values(family: Family, text: &str) -> Vec<String> {
    let findings = lint(family, FileKind::Standard, text.as_bytes());
    assert!(!has_errors(&findings), "{family:?} {findings:#?}\n{text}");
    let document = Document::parse(family, text.as_bytes()).unwrap();
    let served = Document::parse(family, &document.to_bytes()).unwrap();
    assert_eq!(document, served, "{family:?}");
    served.parameters().into_iter().map(|it| it.value).collect()
}

#[test]
fn every_family_writes_a_line() {
    for family in Family::ALL {
        let rendered = file(family, &line(family), SecretsMode::Reveal).unwrap();
        assert_eq!(rendered.left_out, [""; 0], "{family:?}");
        let values = values(family, &rendered.text);
        for value in ["201", "12345678"] {
            assert!(
                values.iter().any(|it| it == value),
                "{family:?} {value}\n{}",
                rendered.text
            );
        }
        assert!(
            values.iter().any(|it| it.starts_with("sip.example.net")),
            "{family:?}"
        );
        let used: BTreeSet<&str> = rendered.used.iter().map(|it| it.name.as_str()).collect();
        assert!(
            LINE.iter().all(|(name, _)| used.contains(name)),
            "{family:?} {used:?}"
        );
    }
}

#[test]
fn a_preview_shows_no_password() {
    for family in Family::ALL {
        let rendered = file(family, &line(family), SecretsMode::Mask).unwrap();
        assert!(!rendered.text.contains("12345678"), "{family:?}");
    }
}

#[test]
fn a_line_without_what_it_needs_is_refused() {
    for family in Family::ALL {
        for missing in ["line_1_password", "line_1_domain"] {
            let settings: Vec<_> = line(family)
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            let error = file(family, &settings, SecretsMode::Reveal).unwrap_err();
            let said = error.to_string();
            assert!(
                said.contains("line_1_user") && said.contains(missing),
                "{family:?}: {said}"
            );
        }
    }
}

#[test]
fn a_wrong_value_is_refused_by_name_and_without_the_value() {
    for family in Family::ALL {
        let mut settings = line(family).to_vec();
        settings.retain(|(name, _)| *name != "line_1_transport");
        settings.push(("line_1_transport", "tsl"));
        let error = file(family, &settings, SecretsMode::Reveal)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error, "standard: line_1_transport: the value must be udp, tcp or tls",
            "{family:?}"
        );
    }
}

#[test]
fn what_a_family_cannot_say_is_told() {
    for family in Family::ALL {
        let known: BTreeSet<&str> = family
            .spec()
            .vocabulary
            .iter()
            .map(|it| it.setting)
            .collect();
        for setting in SETTINGS.iter().filter(|it| !known.contains(it.name)) {
            let name = setting.name.replace("{n}", "1");
            let settings = [(name.as_str(), example(setting))];
            let rendered = file(family, &settings, SecretsMode::Reveal).unwrap();
            assert_eq!(rendered.left_out, [name.as_str()], "{family:?}");
        }
        // More lines than most phones have.
        let mut labels = family.spec().vocabulary.iter();
        if labels.any(|it| it.setting == "line_{n}_label" && it.parameter.count() == 255) {
            continue;
        }
        let rendered = file(family, &[("line_255_label", "far")], SecretsMode::Reveal).unwrap();
        assert_eq!(rendered.left_out, ["line_255_label"], "{family:?}");
    }
}

#[test]
fn what_an_operator_sets_by_the_vendors_name_goes_before() {
    for family in Family::ALL {
        let rule = family.spec().vocabulary.iter().find(|it| {
            it.setting == "line_{n}_password"
                && matches!(it.value, Encoding::AsIs | Encoding::Chars { .. })
        });
        // A family that puts something around it has a test of its own.
        let Some(rule) = rule else { continue };
        let own = match rule.parameter {
            Name::One(name) => name.to_owned(),
            Name::Each(name, _) => name
                .replace("{n}", "1")
                .replace("{z}", "0")
                .replace("{5}", "00001"),
            Name::Table(names) => names[0].to_owned(),
            Name::Runs(Runs(before, runs)) => format!("{before}{}", runs[0].first),
        };
        let own = format!("standard_{own}").replace(' ', "_");
        let mut settings = line(family).to_vec();
        settings.push((&own, "87654321"));
        let rendered = file(family, &settings, SecretsMode::Reveal).unwrap();
        let values = values(family, &rendered.text);
        assert!(
            values.iter().any(|it| it == "87654321"),
            "{family:?} {own}\n{}",
            rendered.text
        );
        assert!(
            !values.iter().any(|it| it == "12345678"),
            "{family:?} {own}"
        );
    }
}

/// A value of a setting.
fn example(setting: &Setting) -> &'static str {
    match setting.kind {
        Kind::Number { .. } if setting.name == "key_{n}_line" => "1",
        Kind::Text => "12345678",
        Kind::Host => "host.example.net",
        Kind::HostPort => "host.example.net:5061",
        Kind::Port => "5061",
        Kind::Flag => "yes",
        Kind::Choice(words) => words[0],
        Kind::Number { .. } => "90",
        Kind::Zone => "Europe/Berlin",
        Kind::Language => "de",
        Kind::Country => "DE",
        Kind::TimeOfDay => "03:30",
        Kind::Url => "https://files.example.net/x",
        Kind::Codecs => "pcma,pcmu",
    }
}

#[test]
fn rules_name_settings_that_there_are_and_parameters_that_an_operator_can_set() {
    for family in Family::ALL {
        for rule in family.spec().vocabulary {
            assert!(
                SETTINGS.iter().any(|it| it.name == rule.setting),
                "{family:?} {}",
                rule.setting
            );
            let numbered = rule.setting.contains("{n}");
            assert!(
                numbered || rule.of_lines || rule.parameter.count() == 1,
                "{family:?} {}",
                rule.setting
            );
            assert!(!(numbered && rule.of_lines), "{family:?} {}", rule.setting);
            let name = match rule.parameter {
                Name::One(name) | Name::Each(name, _) => name.to_owned(),
                Name::Table(names) => names[0].to_owned(),
                Name::Runs(Runs(before, runs)) => format!("{before}{}", runs[0].first),
            };
            let name = name
                .replace("{n}", "1")
                .replace("{z}", "0")
                .replace("{5}", "00001");
            let setting = format!("standard_{}", name.replace(' ', "_"));
            assert_eq!(check_name(&setting), Ok(()), "{family:?}");
            assert_eq!(find(&setting).map(|it| it.0.name), None);
        }
    }
}

/// The family's phone that has most of what the family can say.
fn fullest(family: Family) -> Phone {
    let model = match family.as_str() {
        "ut" => "KX-UT136",
        "utg" => "KX-UTG300B",
        "gxp" => "GXP2170",
        "gxp-v2" => "GRP2670",
        "ht" => "HT802",
        "yealink" => "T58W",
        "yealink-v80" => "T46G",
        "spa" => "SPA504G",
        "mpp" => "8841-3PCC",
        "snom" => "snomD735",
        "fanvil" | "fanvil-text" => "X7",
        "fanvil-x" => "X4",
        "htek" => "UC926",
        "htek-u" => "UC926U",
        "mitel" => "6867i",
        _ => "MODEL1",
    };
    Phone {
        family,
        mac: "0080F0C0FFEE",
        model,
    }
}

/// Two values that no other setting of a full phone has, and that a phone would not have without being told.
fn two_values(family: Family, setting: &Setting, number: u16, count: usize) -> [String; 2] {
    let one_of = |words: [&str; 2]| words.map(str::to_owned);
    let numbered = |first: usize| [first + count, first + 500 + count].map(|it| it.to_string());
    match (setting.name, setting.kind) {
        ("line_{n}_transport", _) if UDP_ALONE.contains(&family.as_str()) => one_of(["udp", "tcp"]),
        ("line_{n}_transport", _) => one_of(["tls", "tcp"]),
        ("line_{n}_dtmf", _) => one_of(["rfc2833", "inband"]),
        ("line_{n}_srtp", _) => one_of(["required", "off"]),
        ("key_{n}_type", _) if number == 1 => one_of(["blf", "speed_dial"]),
        ("key_{n}_type", _) if number == 2 => one_of(["speed_dial", "blf"]),
        ("key_{n}_type", _) => one_of(["line", "blf"]),
        ("key_{n}_line", _) => [(number % 2 + 1).to_string(), number.to_string()],
        (_, Kind::Text) => numbered(12_345_000),
        (_, Kind::Host) => numbered(1_000).map(|it| format!("h{it}.example.net")),
        (_, Kind::HostPort) => numbered(1_000).map(|it| format!("h{it}.example.net:{it}")),
        (_, Kind::Port) => numbered(5_100),
        (_, Kind::Flag) => one_of(["no", "yes"]),
        (_, Kind::Number { .. }) => numbered(1_200),
        (_, Kind::Zone) => one_of(["Europe/Berlin", "Asia/Tokyo"]),
        (_, Kind::Language) => one_of(["de", "fr"]),
        (_, Kind::Country) => one_of(["DE", "FR"]),
        (_, Kind::TimeOfDay) => one_of(["03:00", "04:00"]),
        (_, Kind::Url) => numbered(1_000).map(|it| format!("http://files.example.net/{it}")),
        (_, Kind::Codecs) => one_of(["pcma,pcmu", "pcmu,pcma"]),
        (name, kind) => panic!("{name} {kind:?}"),
    }
}

/// Each setting is in the file, where another value of it or none makes another file, or a finding names it; and no setting
/// is both.
#[test]
fn every_setting_of_a_full_phone_is_written_or_named() {
    for family in Family::ALL {
        let phone = fullest(family);
        let mut settings: Vec<(String, [String; 2])> = Vec::new();
        for setting in SETTINGS {
            for number in 1..=3 {
                let name = setting.name.replace("{n}", &number.to_string());
                let again = settings.iter().any(|(other, _)| *other == name);
                if !again {
                    let values = two_values(family, setting, number, settings.len());
                    settings.push((name, values));
                }
            }
        }
        // What one family cannot have is refused by its name.
        let first = |settings: &[(String, [String; 2])]| {
            let settings = settings.iter().map(|(a, b)| (a.as_str(), b[0].as_str()));
            let settings: Vec<(&str, &str)> = settings.collect();
            phone.rendered(&settings, &[])
        };
        let rendered = loop {
            match first(&settings) {
                Ok(rendered) => break rendered,
                Err(RenderError::Setting {
                    setting, reason, ..
                }) => {
                    let before = settings.len();
                    settings.retain(|(name, _)| *name != setting);
                    assert!(settings.len() < before, "{family:?} {setting}: {reason}");
                    assert!(
                        !setting.ends_with("_user"),
                        "{family:?} {setting}: {reason}"
                    );
                }
                Err(error) => panic!("{family:?}: {error}"),
            }
        };
        values(family, &rendered.text);
        let used: BTreeSet<&str> = rendered.used.iter().map(|it| it.name.as_str()).collect();
        let left_out: BTreeSet<&str> = rendered.left_out.iter().map(String::as_str).collect();
        let unsaid = rendered.unsaid.iter().map(|it| it.setting.as_str());
        let named: BTreeSet<&str> = unsaid.chain(left_out).collect();
        assert!(used.is_disjoint(&named), "{family:?}");
        let mut silent = Vec::new();
        for (at, (name, [_, other])) in settings.iter().enumerate() {
            let mut changed = settings.clone();
            changed[at].1[0].clone_from(other);
            if named.contains(name.as_str()) {
                if let Ok(same) = first(&changed) {
                    assert_eq!(same.text, rendered.text, "{family:?} {name}");
                }
                continue;
            }
            assert!(used.contains(name.as_str()), "{family:?} {name}");
            let mut less = settings.clone();
            less.remove(at);
            // The file is another one, or says that the setting is not in it. That a setting is used is no sign: that is said
            // of those too which no file shows.
            let is_noticed = |settings: &[(String, [String; 2])]| {
                first(settings).map_or(true, |it| {
                    let is_named = it.unsaid.iter().any(|wrong| wrong.setting == *name);
                    it.text != rendered.text || is_named || it.left_out.contains(name)
                })
            };
            if !is_noticed(&changed) && !is_noticed(&less) {
                silent.push(name);
            }
        }
        assert!(
            silent.is_empty(),
            "{family:?} {silent:?}\n{}",
            rendered.text
        );
    }
}

/// The families whose phones have one parameter for where a line registers and for its domain.
const ONE_SERVER: [&str; 14] = [
    "yealink",
    "yealink-v80",
    "gxp",
    "gxp-v2",
    "ht",
    "snom",
    "snom-m",
    "fanvil",
    "fanvil-x",
    "fanvil-text",
    "htek",
    "htek-u",
    "obi",
    "mitel",
];

#[test]
fn a_domain_beside_its_registrar_is_written_or_named() {
    for family in Family::ALL {
        let beside = |registrar: &'static str| {
            let mut settings = line(family).to_vec();
            settings.push(("line_1_registrar", registrar));
            settings
        };
        let made = file(family, &beside("reg.example.net"), SecretsMode::Reveal).unwrap();
        let is_in_file = made.text.contains("sip.example.net");
        let is_one = ONE_SERVER.contains(&family.as_str());
        assert_eq!(is_in_file, !is_one, "{family:?}\n{}", made.text);
        let told: Vec<_> = made.unsaid.iter().map(|it| it.setting.as_str()).collect();
        if !is_one {
            assert_eq!(told, [""; 0], "{family:?}");
            continue;
        }
        assert_eq!(told, ["line_1_domain"], "{family:?}");
        let document = judge(family, FileKind::Standard, &made, Confidence::Open, || None);
        let (_, findings) = document.unwrap();
        let [finding] = findings.as_slice() else {
            panic!("{family:?} {findings:?}");
        };
        assert_eq!(finding.code, codes::SETTING_NOT_OF_FAMILY);
        assert_eq!(finding.severity, Severity::Warning);
        assert_eq!(
            finding.message,
            format!(
                "line_1_domain is in no file of {family:?}: these phones have one parameter for it, and line_1_registrar is in it"
            )
        );
        // The same host is no loss, whatever its case, and whatever else has one of several parameters for it.
        let mut same = beside("SIP.example.net");
        same.push(("line_1_proxy", "proxy.example.net"));
        let made = file(family, &same, SecretsMode::Reveal).unwrap();
        assert_eq!(made.unsaid, [], "{family:?}");
    }
}

#[test]
fn a_registrar_that_a_first_hop_takes_the_place_of_is_named_with_its_port() {
    for family in ["spa", "mpp"].map(|it| Family::parse(it).unwrap()) {
        let mut settings = line(family).to_vec();
        settings.push(("line_1_registrar", "reg.example.net"));
        settings.push(("line_1_port", "5071"));
        let made = file(family, &settings, SecretsMode::Reveal).unwrap();
        assert_eq!(made.unsaid, [], "{family:?}");
        assert!(
            made.text.contains(">reg.example.net:5071<"),
            "{}",
            made.text
        );
        settings.push(("line_1_outbound_proxy", "edge.example.net"));
        let made = file(family, &settings, SecretsMode::Reveal).unwrap();
        let told: Vec<_> = made.unsaid.iter().map(|it| it.setting.as_str()).collect();
        assert_eq!(told, ["line_1_port", "line_1_registrar"], "{family:?}");
        let reason = "these phones have one parameter for it, and line_1_outbound_proxy is in it";
        assert!(made.unsaid.iter().all(|it| it.reason == reason));
        assert!(!made.text.contains("5071"), "{}", made.text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A password is read as it was set, or refused with a reason: in no family is it altered.
    #[test]
    fn a_password_survives_or_is_refused(password in "\\PC{0,24}|[ -~]{0,24}|[a-z<>&\"'#=;:%| ü]{1,12}") {
        for family in Family::ALL {
            let mut settings = line(family).to_vec();
            settings.retain(|(name, _)| *name != "line_1_password");
            settings.push(("line_1_password", &password));
            let Ok(rendered) = file(family, &settings, SecretsMode::Reveal) else { continue };
            let bytes = rendered.text.as_bytes();
            if has_errors(&lint(family, FileKind::Standard, bytes)) {
                continue;
            }
            let served = Document::parse(family, bytes).unwrap().to_bytes();
            let read = Document::parse(family, &served).unwrap().parameters();
            prop_assert!(read.iter().any(|it| it.value == password), "{:?} {:?}", family, password);
        }
    }
}

/// The table for people. `UPDATE=1` writes it anew.
#[test]
fn the_document_has_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("<!-- table -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of table -->\n").unwrap();
    let made = format!(
        "{before}<!-- table -->\n{}<!-- end of table -->\n{after}",
        table()
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    assert!(
        text == made || std::env::var_os("UPDATE").is_some(),
        "UPDATE=1 cargo test -p ringfence-provision --test vocabulary"
    );
}

fn table() -> String {
    let mut table =
        String::from("\n| setting | values | what it does | families |\n|---|---|---|---|\n");
    for setting in SETTINGS {
        let values = match setting.kind {
            Kind::Choice(words) => words
                .iter()
                .map(|it| format!("`{it}`"))
                .collect::<Vec<_>>()
                .join(", "),
            Kind::Number { min, max } => format!("{min} to {max}"),
            Kind::Flag => "`yes`, `no`".to_owned(),
            Kind::Host => "host".to_owned(),
            Kind::HostPort => "host, or host:port".to_owned(),
            Kind::TimeOfDay => "`HH:MM`".to_owned(),
            Kind::Zone => "IANA name".to_owned(),
            other => other.as_str().replace('_', " "),
        };
        let knows = |family: &Family| {
            family
                .spec()
                .vocabulary
                .iter()
                .any(|it| it.setting == setting.name)
        };
        let families: Vec<&str> = Family::ALL
            .iter()
            .filter(|it| knows(it))
            .map(|it| it.as_str())
            .collect();
        let families = match families.len() {
            0 => "none yet".to_owned(),
            all if all == Family::ALL.len() => "all".to_owned(),
            _ => families.join(", "),
        };
        let _ = writeln!(
            table,
            "| `{}` | {values} | {} | {families} |",
            setting.name, setting.says
        );
    }
    table.push('\n');
    table
}
