//! The time zones that an Nx70 knows: a closed list, from WAZO's templates for firmware 2.49 to 2.65. A zone that is not in
//! it is told by another that shows the same time.

use crate::vocabulary::{Reading, Written};
use crate::zone::{self, Rule};

/// The list has a zone by its older name.
const RENAMED: &[(&str, &str)] = &[("Europe/Kyiv", "Europe/Kiev")];

/// The zone by a name of the list: its own, or of one with the same rule, on the same continent if there is one.
pub(super) fn name(reading: &Reading<'_>) -> Written {
    let wanted = reading.value();
    let listed = |name: &str| {
        let mut zones = ZONES.iter();
        zones.find(|it| it.eq_ignore_ascii_case(name))
    };
    let mut renamed = RENAMED.iter();
    let older = renamed.find(|(new, _)| new.eq_ignore_ascii_case(wanted));
    if let Some(known) = listed(older.map_or(wanted, |it| it.1)) {
        return Ok(Some((*known).to_owned()));
    }
    let rule = reading.zone()?;
    let alike = |name: &&&str| zone::find(name).is_some_and(|it| shows_the_same(it.rule, rule));
    let continent = |name: &str| name.split('/').next().map(str::to_ascii_lowercase);
    let near = |name: &&&str| continent(name) == continent(wanted);
    let found = ZONES.iter().filter(alike).find(near);
    let found = found.or_else(|| ZONES.iter().find(alike));
    match found {
        Some(known) => Ok(Some((*known).to_owned())),
        None => Err(
            "these phones know a few zones alone, and none of them shows the same time".to_owned(),
        ),
    }
}

/// From the same moment on, at any rate: what a zone is called does not count.
fn shows_the_same(one: &Rule, other: &Rule) -> bool {
    let saving = |rule: &Rule| rule.saving.map(|it| (it.save, it.start, it.end));
    let keeps = one.holds_from <= other.holds_from;
    keeps && one.standard_offset == other.standard_offset && saving(one) == saving(other)
}

pub(super) const ZONES: &[&str] = &[
    "Africa/Cairo",
    "America/Anchorage",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Karachi",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Darwin",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Andorra",
    "Europe/Astrakhan",
    "Europe/Athens",
    "Europe/Belfast",
    "Europe/Belgrade",
    "Europe/Berlin",
    "Europe/Bratislava",
    "Europe/Brussels",
    "Europe/Bucharest",
    "Europe/Budapest",
    "Europe/Busingen",
    "Europe/Chisinau",
    "Europe/Copenhagen",
    "Europe/Dublin",
    "Europe/Gibraltar",
    "Europe/Guernsey",
    "Europe/Helsinki",
    "Europe/Isle_of_Man",
    "Europe/Istanbul",
    "Europe/Jersey",
    "Europe/Kaliningrad",
    "Europe/Kiev",
    "Europe/Kirov",
    "Europe/Lisbon",
    "Europe/Ljubljana",
    "Europe/London",
    "Europe/Luxembourg",
    "Europe/Madrid",
    "Europe/Malta",
    "Europe/Mariehamn",
    "Europe/Minsk",
    "Europe/Monaco",
    "Europe/Moscow",
    "Europe/Nicosia",
    "Europe/Oslo",
    "Europe/Paris",
    "Europe/Podgorica",
    "Europe/Prague",
    "Europe/Riga",
    "Europe/Rome",
    "Europe/Samara",
    "Europe/San_Marino",
    "Europe/Sarajevo",
    "Europe/Simferopol",
    "Europe/Skopje",
    "Europe/Sofia",
    "Europe/Stockholm",
    "Europe/Tallinn",
    "Europe/Tirane",
    "Europe/Tiraspol",
    "Europe/Ulyanovsk",
    "Europe/Uzhgorod",
    "Europe/Vaduz",
    "Europe/Vatican",
    "Europe/Vienna",
    "Europe/Vilnius",
    "Europe/Volgograd",
    "Europe/Warsaw",
    "Europe/Zagreb",
    "Europe/Zaporozhye",
    "Europe/Zurich",
    "Greenwich",
    "Pacific/Honolulu",
    "Pacific/Noumea",
];
