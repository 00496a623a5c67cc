//! The vocabulary: what every family does with it, and the table of it in the documents.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use phone::{Asked, Phone};
use proptest::prelude::*;
use ringfence_provision::family::Family;
use ringfence_provision::format::{Document, has_errors, lint};
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

#[test]
fn every_setting_of_a_full_phone_is_written_or_named() {
    for family in Family::ALL {
        let mut settings: Vec<(String, &str)> = Vec::new();
        for setting in SETTINGS {
            for number in ["1", "2"] {
                let name = setting.name.replace("{n}", number);
                settings.retain(|(other, _)| *other != name);
                settings.push((name, example(setting)));
            }
        }
        let mut settings: Vec<(&str, &str)> =
            settings.iter().map(|(a, b)| (a.as_str(), *b)).collect();
        // What one family cannot have is refused by its name.
        let rendered = loop {
            match file(family, &settings, SecretsMode::Reveal) {
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
        assert!(used.is_disjoint(&left_out), "{family:?}");
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
