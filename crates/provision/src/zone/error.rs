//! What a phone's file cannot say of a zone, and when the clocks change, in words.

use std::fmt;

use thiserror::Error;

use super::rule::{self, ClockChange, DAY, Rule};

/// Why a zone, or a moment at which its clocks change, cannot be written in a form that phones read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ZoneError {
    /// The form names a weekday by its place in the month, and the day of the change has none: the
    /// Friday after the fourth Thursday is sometimes the fourth Friday and sometimes the fifth.
    #[error(
        "the clocks change on the {0}, and the phone can only be told a first to fourth or last \
         weekday of a month with a time of that day"
    )]
    Week(ClockChange),
    /// The form names a weekday on or after a day of the month, and the day of the change is not always
    /// in one month.
    #[error("the clocks change on the {0}, which is not always in the same month")]
    Month(ClockChange),
    /// The form has whole hours.
    #[error("the clocks change on the {0}, and the phone can only be told a full hour")]
    Hour(ClockChange),
    /// The form says that summer time adds an hour, or a number of minutes within bounds.
    #[error(
        "summer time adds {minutes} minutes, and the phone can only be told {}",
        of_minutes(*least, *most)
    )]
    Adds {
        /// What summer time adds.
        minutes: i32,
        /// The fewest minutes of the form.
        least: i32,
        /// The most.
        most: i32,
    },
    /// The zone does not keep to its rule yet.
    #[error(
        "until {until} (UTC) the zone keeps another time than its rule for the years after, and a phone \
         knows nothing but the rule: until then it shows a wrong time on some days",
        until = moment(*holds_from)
    )]
    NotYet {
        /// From when on it does: [`Rule::holds_from`], in Unix milliseconds.
        holds_from: u64,
    },
}

impl Rule {
    /// Whether the zone keeps to the rule from `now` (Unix milliseconds) on.
    ///
    /// # Errors
    ///
    /// [`ZoneError::NotYet`] if it begins to later. The rule is what comes nearest all the same.
    pub fn check(&self, now: u64) -> Result<(), ZoneError> {
        let holds_from = self.holds_from;
        if now < holds_from {
            return Err(ZoneError::NotYet { holds_from });
        }
        Ok(())
    }
}

/// `last Sunday of March at 2:00`. A time beyond the day stays one: `24:00`, `-1:00`.
impl fmt::Display for ClockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = match self.week {
            1 => "first",
            2 => "second",
            3 => "third",
            4 => "fourth",
            _ => "last",
        };
        let weekday = match self.weekday {
            0 => "Sunday",
            1 => "Monday",
            2 => "Tuesday",
            3 => "Wednesday",
            4 => "Thursday",
            5 => "Friday",
            _ => "Saturday",
        };
        let month = match self.month {
            1 => "January",
            2 => "February",
            3 => "March",
            4 => "April",
            5 => "May",
            6 => "June",
            7 => "July",
            8 => "August",
            9 => "September",
            10 => "October",
            11 => "November",
            _ => "December",
        };
        let sign = if self.time < 0 { "-" } else { "" };
        let minutes = self.time.abs() / 60;
        write!(
            f,
            "{week} {weekday} of {month} at {sign}{}:{:02}",
            minutes / 60,
            minutes % 60
        )
    }
}

/// `60`, or `1 to 60`.
fn of_minutes(least: i32, most: i32) -> String {
    if least == most {
        most.to_string()
    } else {
        format!("{least} to {most}")
    }
}

/// A moment (Unix milliseconds) to the minute: `2027-11-07 05:00`.
fn moment(at: u64) -> String {
    let second = i64::try_from(at / 1000).unwrap_or_default();
    let (year, month, day) = rule::date(second.div_euclid(DAY));
    let minutes = second.rem_euclid(DAY) / 60;
    format!(
        "{year}-{month:02}-{day:02} {:02}:{:02}",
        minutes / 60,
        minutes % 60
    )
}
