//! A time window: when of the day and on which days a rollout may notify phones.
//!
//! Time zones are the caller's: it hands in the zone's offset at the moment in question. An offset
//! changes twice a year, so whoever sleeps until an edge asks again at least hourly.

use serde::{Deserialize, Serialize};

/// A time of the day, from a beginning to an end, in the wall time of a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Window")
)]
pub struct TimeWindow {
    /// The time of the day at which the window begins, `HH:MM`, inclusive.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub from: Clock,
    /// The time of the day at which the window ends, `HH:MM`, exclusive. A time before `from` is on the
    /// next day; a time equal to `from` makes a whole day.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub to: Clock,
    /// The days on which the window opens; absent is every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<Day>>,
    /// IANA name, such as `Europe/Berlin`; absent is the tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// A time of day, in minutes. As text `HH:MM`, 00:00 to 23:59.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Clock(u16);

/// A text is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time of day: write HH:MM, 00:00 to 23:59")]
pub struct ClockError(String);

impl TryFrom<String> for Clock {
    type Error = ClockError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let two = |part: &str| {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        };
        text.split_once(':')
            .and_then(|(hour, minute)| Some((two(hour)?, two(minute)?)))
            .filter(|&(hour, minute)| hour < 24 && minute < 60)
            .map(|(hour, minute)| Self(hour * 60 + minute))
            .ok_or(ClockError(text))
    }
}

impl From<Clock> for String {
    fn from(clock: Clock) -> Self {
        format!("{:02}:{:02}", clock.0 / 60, clock.0 % 60)
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Whether a window is open, and for how many more milliseconds that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// Open, and for how many more milliseconds.
    Open(u64),
    /// Closed, and for how many more milliseconds; more than a week if the window never opens.
    Closed(u64),
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Weekdays from Monday, so that an index is a day number.
const WEEK: [Day; 7] = [
    Day::Mon,
    Day::Tue,
    Day::Wed,
    Day::Thu,
    Day::Fri,
    Day::Sat,
    Day::Sun,
];

impl TimeWindow {
    /// The state at `now` (Unix milliseconds) where local time is `offset_ms` ahead of UTC.
    pub fn at(&self, now: u64, offset_ms: i64) -> Opening {
        let local = i64::try_from(now).unwrap_or(i64::MAX / 2) + offset_ms;
        let from = i64::from(self.from.0) * MINUTE;
        let length = match i64::from(self.to.0) * MINUTE - from {
            length if length > 0 => length,
            length => length + DAY,
        };
        let today = local.div_euclid(DAY);
        let mut opens_in = 8 * DAY;
        for day in today - 1..=today + 7 {
            // 1 January 1970, day 0, was a Thursday.
            let weekday = usize::try_from((day + 3).rem_euclid(7))
                .ok()
                .and_then(|n| WEEK.get(n));
            if let (Some(days), Some(weekday)) = (&self.days, weekday)
                && !days.contains(weekday)
            {
                continue;
            }
            let start = day * DAY + from;
            if (start..start + length).contains(&local) {
                return Opening::Open((start + length - local).unsigned_abs());
            }
            if start > local {
                opens_in = opens_in.min(start - local);
            }
        }
        Opening::Closed(opens_in.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HOUR: u64 = 3_600_000;
    /// Thursday, 1 October 2026, 00:00 UTC.
    const THURSDAY: u64 = 1_790_812_800_000;

    fn window(text: &str) -> TimeWindow {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_night_goes_over_midnight() {
        let night = window(r#"{"from":"22:00","to":"05:00"}"#);
        assert_eq!(night.at(THURSDAY, 0), Opening::Open(5 * HOUR));
        assert_eq!(night.at(THURSDAY + 5 * HOUR, 0), Opening::Closed(17 * HOUR));
        assert_eq!(night.at(THURSDAY + 23 * HOUR, 0), Opening::Open(6 * HOUR));
    }

    #[test]
    fn the_zones_wall_time_counts() {
        let morning = window(r#"{"from":"08:00","to":"09:00","zone":"Asia/Tokyo"}"#);
        assert_eq!(
            morning.at(THURSDAY - HOUR, 9 * HOUR as i64),
            Opening::Open(HOUR)
        );
        assert_eq!(
            morning.at(THURSDAY, 9 * HOUR as i64),
            Opening::Closed(23 * HOUR)
        );
    }

    #[test]
    fn a_day_is_the_day_on_which_it_opens() {
        let night = window(r#"{"from":"22:00","to":"05:00","days":["wed"]}"#);
        assert_eq!(night.at(THURSDAY, 0), Opening::Open(5 * HOUR));
        assert_eq!(
            night.at(THURSDAY + 23 * HOUR, 0),
            Opening::Closed((24 * 6 - 1) * HOUR)
        );
        let never = window(r#"{"from":"22:00","to":"05:00","days":[]}"#);
        assert_eq!(never.at(THURSDAY, 0), Opening::Closed(8 * 24 * HOUR));
    }

    #[test]
    fn equal_times_are_a_whole_day() {
        let all = window(r#"{"from":"00:00","to":"00:00"}"#);
        assert_eq!(all.at(THURSDAY + HOUR, 0), Opening::Open(23 * HOUR));
    }

    #[test]
    fn only_times_of_day_are_taken() {
        for text in ["24:00", "8:00", "08:60", "0800", "+8:00", "08:00:00", ""] {
            assert!(Clock::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(
            String::from(Clock::try_from("08:05".to_owned()).unwrap()),
            "08:05"
        );
    }
}
