//! Times as people read them. The page has them in UTC; a small script shows them in the viewer's zone.

use crate::text::{EN, fill};

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

/// The hour of a time, as `14:00`.
pub fn hour(at: u64) -> String {
    format!("{:02}:00 UTC", Civil::of(at).hour)
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
    fn how_long_ago_is_said_in_one_unit() {
        let now = 1_000_000_000_000;
        assert_eq!(ago(now - 10_000, now), "just now");
        assert_eq!(ago(now - 180_000, now), "3 min ago");
        assert_eq!(ago(now - 7_200_000, now), "2 h ago");
        assert_eq!(ago(now - 3 * 86_400_000, now), "3 d ago");
        assert_eq!(ago(now + 3_600_000, now), "in 60 min");
    }

    proptest! {
        #[test]
        fn a_later_time_sorts_later(one in 0..LAST, other in 0..LAST) {
            let (first, second) = (one.min(other), one.max(other));
            prop_assert!(Moment::new(first, 0).iso <= Moment::new(second, 0).iso);
        }

        #[test]
        fn any_number_is_a_time(at: u64, now: u64) {
            prop_assert_eq!(Moment::new(at, now).iso.len(), 20);
        }
    }
}
