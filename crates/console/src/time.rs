//! Times as people read them. The page has them in UTC; a small script shows them in the viewer's zone.

use crate::part::Hour;
use crate::text::{EN, fill};

/// An hour, in milliseconds.
pub(crate) const HOUR_MS: u64 = 3600 * 1000;

/// A day, in milliseconds.
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;

/// A time, in the three ways in which a page says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For machines: RFC 3339.
    pub iso: String,
    /// For people, without the script.
    pub utc: String,
    /// How far from now.
    pub ago: String,
}

impl Moment {
    /// A time in Unix milliseconds, seen from `now`.
    pub fn new(at: u64, now: u64) -> Self {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = Civil::of(at);
        Self {
            iso: format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"),
            utc: format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC"),
            ago: ago(at, now),
        }
    }
}

/// A time in UTC as a browser's field has it, as exact as it is: saved again, it is the same time.
pub fn typed(at: u64) -> String {
    let iso = Moment::new(at, at).iso;
    let (seconds, rest) = (at / 1000 % 60, at % 1000);
    match (seconds, rest) {
        (0, 0) => iso.chars().take(16).collect(),
        (_, 0) => iso.trim_end_matches('Z').to_owned(),
        _ => format!("{}.{rest:03}", iso.trim_end_matches('Z')),
    }
}

/// The time in UTC that was typed, in Unix milliseconds: a date, or date and time as [`typed`] writes them. Seconds
/// may be left out, and a blank may stand for the `T`.
pub fn read(text: &str) -> Option<u64> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', ' ']).unwrap_or((text, "00:00"));
    let [year, month, day] = numbers(date, '-')?;
    let (time, rest) = time.split_once('.').unwrap_or((time, "0"));
    let time = match time.matches(':').count() {
        1 => format!("{time}:00"),
        _ => time.to_owned(),
    };
    let [hour, minute, second] = numbers(&time, ':')?;
    let is_rest = (1..=3).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit());
    if !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 59 || !is_rest {
        return None;
    }
    let rest: u64 = format!("{rest:0<3}").parse().ok()?;
    // The inverse of `Civil::of`: years begin in March, so that a leap day is the last one.
    let (year, shifted) = match month {
        3..=12 => (year, month - 3),
        1..=2 => (year - 1, month + 9),
        _ => return None,
    };
    let of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    let days = (365 * year + year / 4 - year / 100 + year / 400 + of_year).checked_sub(719_468)?;
    let at = (days * 86_400 + hour * 3600 + minute * 60 + second) * 1000 + rest;
    // A day that its month does not have is no date.
    (Civil::of(at).day == day && Civil::of(at).month == month).then_some(at)
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[u64; N]> {
    let parts: Vec<u64> = text
        .split(between)
        .map(|part| {
            let is_number =
                (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse().ok()).flatten()
        })
        .collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// The hour of a time, as `14:00`.
pub fn hour(at: u64) -> Hour {
    Hour {
        iso: Moment::new(at, at).iso,
        utc: format!("{:02}:00 UTC", Civil::of(at).hour),
    }
}

struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

/// The last millisecond that is shown as a date; what is later is shown as this.
const LAST: u64 = 253_402_300_799_999;

impl Civil {
    /// Days since 1970 to a date of the Gregorian calendar, by eras of 400 years that begin on 1 March.
    fn of(at: u64) -> Self {
        let seconds = at.min(LAST) / 1000;
        let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        Self {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: of_year - (153 * shifted + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest % 3600 / 60,
            second: rest % 60,
        }
    }
}

/// How far a time is from now, in one unit.
pub fn ago(at: u64, now: u64) -> String {
    let seconds = at.abs_diff(now) / 1000;
    let (number, past, future) = match seconds {
        0..=44 if at > now => (seconds.max(1), "", EN.in_seconds),
        0..=44 => return EN.just_now.to_owned(),
        45..=5_399 => ((seconds + 30) / 60, EN.minutes_ago, EN.in_minutes),
        5_400..=129_599 => ((seconds + 1_800) / 3_600, EN.hours_ago, EN.in_hours),
        _ => ((seconds + 43_200) / 86_400, EN.days_ago, EN.in_days),
    };
    fill(if at > now { future } else { past }, &[&number.to_string()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_what_the_calendar_says() {
        // date -u -d @1792993265 --iso-8601=seconds
        for (at, iso) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_792_993_265_000, "2026-10-26T05:41:05Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Moment::new(at, at).iso, iso);
        }
    }

    #[test]
    fn a_time_that_was_typed_is_read_in_utc() {
        for (text, at) in [
            ("2000-02-29", 951_782_400_000),
            ("2026-10-26T05:41", 1_792_993_260_000),
            (" 2026-10-26 05:41:05 ", 1_792_993_265_000),
            ("2026-10-26T05:41:05.5", 1_792_993_265_500),
            ("1970-01-01T00:00", 0),
            ("9999-12-31T23:59:59.999", LAST),
        ] {
            assert_eq!(read(text), Some(at), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-01-00",
            "2026-01-32",
            "1969-12-31",
            "10000-01-01",
            "2026-01-01T24:00",
            "2026-01-01T00:60",
            "2026-01-01T",
            "2026-01-01T00:00:00.1234",
            "2026-01-01T00:00Z",
            "+026-01-01",
            "1792993265000",
            "2026-01",
            "2026-01-01T00:00:00:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn how_long_ago_is_said_in_one_unit() {
        let now = 1_000_000_000_000;
        assert_eq!(ago(now - 10_000, now), "just now");
        assert_eq!(ago(now - 180_000, now), "3 min ago");
        assert_eq!(ago(now - 7_200_000, now), "2 h ago");
        assert_eq!(ago(now - 3 * 86_400_000, now), "3 d ago");
        assert_eq!(ago(now + 3_600_000, now), "in 60 min");
        assert_eq!(ago(now + 240_000, now), "in 4 min");
        assert_eq!(ago(now + 30_400, now), "in 30 s");
        assert_eq!(ago(now + 1, now), "in 1 s");
        assert_eq!(ago(now, now), "just now");
    }

    proptest! {
        #[test]
        fn a_later_time_sorts_later(one in 0..LAST, other in 0..LAST) {
            let (first, second) = (one.min(other), one.max(other));
            prop_assert!(Moment::new(first, 0).iso <= Moment::new(second, 0).iso);
        }

        #[test]
        fn what_a_field_has_is_read_as_the_same_time(at in 0..LAST, whole: bool) {
            let at = if whole { at / 60_000 * 60_000 } else { at };
            prop_assert_eq!(read(&typed(at)), Some(at));
        }

        #[test]
        fn whatever_is_typed_is_a_time_or_none(text in "[0-9T: .-]{0,24}", other: String) {
            for text in [text, other] {
                if let Some(at) = read(&text) {
                    prop_assert_eq!(read(&typed(at)), Some(at));
                }
            }
        }

        #[test]
        fn any_number_is_a_time(at: u64, now: u64) {
            prop_assert_eq!(Moment::new(at, now).iso.len(), 20);
        }
    }
}
