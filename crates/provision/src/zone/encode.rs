//! The forms in which phones of several vendors want an offset, or the days on which the clocks change.
//! The seconds east of UTC are [`Rule::standard_offset`], the POSIX string is [`Rule::posix`].

use std::ops::RangeInclusive;

use super::error::ZoneError;
use super::rule::{ClockChange, DAY, Rule, Saving, month_length};

/// A moment of change as a weekday of a month with a time of that very day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByWeek {
    /// 1 to 12.
    pub month: u8,
    /// 1 to 4, and 5 for the last such weekday of the month.
    pub week: u8,
    /// 0 for Sunday, to 6.
    pub weekday: u8,
    /// Minutes after midnight, 0 to 1439, as the clocks show them before they change.
    pub minute: i32,
}

/// A change with its time brought into one day, which may be another day than the rule names.
struct Placed {
    day: Day,
    /// 0 for Sunday, to 6.
    weekday: u8,
    /// Seconds after midnight, below a day.
    second: i32,
}

/// Which of the weekdays of a month.
enum Day {
    /// The last.
    Last,
    /// The one on or after this day of the month; the month has all seven days.
    From(i32),
}

impl Rule {
    /// Standard time in minutes east of UTC: 60 in Berlin.
    #[must_use]
    pub const fn minutes_east(&self) -> i32 {
        self.standard_offset / 60
    }

    /// Standard time in minutes west of UTC: -60 in Berlin.
    #[must_use]
    pub const fn minutes_west(&self) -> i32 {
        -self.minutes_east()
    }

    /// Standard time in quarters of an hour east of UTC: 4 in Berlin, 23 in Kathmandu. No zone has a part of one.
    #[must_use]
    pub const fn quarters_east(&self) -> i32 {
        self.minutes_east() / 15
    }

    /// Standard time in hours east of UTC, always with its sign but for `0`, with minutes where there
    /// are some: `+1`, `+5:30`, `-3:30`.
    #[must_use]
    pub fn hours_east(&self) -> String {
        let (sign, hours, minutes) = self.hours_and_minutes();
        match (hours, minutes) {
            (0, 0) => "0".to_owned(),
            (_, 0) => format!("{sign}{hours}"),
            _ => format!("{sign}{hours}:{minutes:02}"),
        }
    }

    /// Standard time as `GMT` and the hours and minutes east of it: `GMT+01:00`, `GMT-03:30`, and
    /// `GMT+00:00` in London.
    #[must_use]
    pub fn gmt(&self) -> String {
        let (sign, hours, minutes) = self.hours_and_minutes();
        format!("GMT{sign}{hours:02}:{minutes:02}")
    }

    fn hours_and_minutes(&self) -> (char, i32, i32) {
        let sign = if self.standard_offset < 0 { '-' } else { '+' };
        let minutes = self.minutes_east().abs();
        (sign, minutes / 60, minutes % 60)
    }
}

impl Saving {
    /// What summer time adds, in minutes: 60 nearly everywhere, 30 on Lord Howe Island, 120 at Troll.
    #[must_use]
    pub const fn minutes(&self) -> i32 {
        self.save / 60
    }

    /// What summer time adds, in minutes, for phones that can be told a number of minutes in `known` and no other.
    ///
    /// # Errors
    ///
    /// [`ZoneError::Adds`] if summer time adds another number of minutes.
    pub fn minutes_within(&self, known: RangeInclusive<i32>) -> Result<i32, ZoneError> {
        let minutes = self.minutes();
        match known.contains(&minutes) {
            true => Ok(minutes),
            false => Err(ZoneError::Adds {
                minutes,
                most: *known.end(),
                least: *known.start(),
            }),
        }
    }

    /// Both changes and what is added, in one line: `start=3/-1/7/2:0:0;end=10/-1/7/3:0:0;save=1:0:0`.
    ///
    /// A change is month, day, weekday and the time that the clocks show before they change. The weekday
    /// is 1 for Monday to 7 for Sunday. It is the one on or after the day of the month; the day -1 means
    /// the last in the month.
    ///
    /// # Errors
    ///
    /// [`ZoneError::Month`] if a change is sometimes in another month.
    pub fn in_one_line(&self) -> Result<String, ZoneError> {
        let (start, end) = (self.start.by_day()?, self.end.by_day()?);
        Ok(format!("start={start};end={end};save={}", clock(self.save)))
    }
}

impl ByWeek {
    /// The hour of the day, 0 to 23.
    #[must_use]
    pub const fn hour(&self) -> i32 {
        self.minute / 60
    }

    /// The weekday as 1 for Monday to 7 for Sunday.
    #[must_use]
    pub const fn sunday_last(&self) -> u8 {
        sunday_last(self.weekday)
    }

    /// The weekday as 1 for Sunday to 7 for Saturday.
    #[must_use]
    pub const fn sunday_first(&self) -> u8 {
        self.weekday + 1
    }

    /// Whether it is the last such weekday of the month.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.week == 5
    }
}

impl ClockChange {
    /// The change as a weekday of a month, with a time of that day.
    ///
    /// # Errors
    ///
    /// [`ZoneError::Week`] if the clocks change on the day after or before such a weekday, which has no
    /// place of its own in the month.
    pub fn by_week(&self) -> Result<ByWeek, ZoneError> {
        let error = ZoneError::Week(*self);
        let placed = self.placed().ok_or(error)?;
        let week = match placed.day {
            Day::Last => 5,
            Day::From(day) if day % 7 == 1 => u8::try_from(day / 7 + 1).map_err(|_| error)?,
            Day::From(_) => return Err(error),
        };
        Ok(ByWeek {
            month: self.month,
            week,
            weekday: placed.weekday,
            minute: placed.second / 60,
        })
    }

    /// The same for phones that know full hours alone.
    ///
    /// # Errors
    ///
    /// [`ZoneError::Week`] as for [`ClockChange::by_week`]; [`ZoneError::Hour`] if the time is not a full hour.
    pub fn by_hour(&self) -> Result<ByWeek, ZoneError> {
        let by = self.by_week()?;
        if self.time % 3600 != 0 {
            return Err(ZoneError::Hour(*self));
        }
        Ok(by)
    }

    /// Month, week, weekday and full hour with slashes between: `3/5/7/2` is the last Sunday of March at
    /// two. The week is 1 to 4, and 5 for the last; the weekday is 1 for Monday to 7 for Sunday; the
    /// hour, 0 to 23, is what the clocks show before they change.
    ///
    /// # Errors
    ///
    /// As for [`ClockChange::by_hour`].
    pub fn slashed(&self) -> Result<String, ZoneError> {
        let by = self.by_hour()?;
        let (month, week, weekday) = (by.month, by.week, by.sunday_last());
        Ok(format!("{month}/{week}/{weekday}/{}", by.hour()))
    }

    /// One change as [`Saving::in_one_line`] has it: `3/-1/7/2:0:0`.
    fn by_day(self) -> Result<String, ZoneError> {
        let placed = self.placed().ok_or(ZoneError::Month(self))?;
        let day = match placed.day {
            Day::Last => -1,
            Day::From(day) => day,
        };
        let (month, weekday) = (self.month, sunday_last(placed.weekday));
        Ok(format!("{month}/{day}/{weekday}/{}", clock(placed.second)))
    }

    /// `None` if the day of the change is not in the same month every year.
    fn placed(self) -> Option<Placed> {
        let day = i32::try_from(DAY).ok()?;
        let (later, second) = (self.time.div_euclid(day), self.time.rem_euclid(day));
        let weekday = u8::try_from((i32::from(self.weekday) + later).rem_euclid(7)).ok()?;
        // A year without a 29 February: that day would not be there every year.
        let length = i32::try_from(month_length(2023, self.month)).ok()?;
        let from = match self.week {
            // The last weekday of February is on or after the 22nd or the 23rd.
            5 if self.month == 2 && later != 0 => return None,
            5 => length - 6 + later,
            week => (i32::from(week) - 1) * 7 + 1 + later,
        };
        if from < 1 || from + 6 > length {
            return None;
        }
        // In other months the last weekday has one such day, whatever the rule calls it.
        let last = self.week == 5 && later == 0 || self.month != 2 && from + 6 == length;
        let day = if last { Day::Last } else { Day::From(from) };
        Some(Placed {
            day,
            weekday,
            second,
        })
    }
}

/// 1 for Monday to 7 for Sunday, of a weekday that counts from 0 for Sunday.
const fn sunday_last(weekday: u8) -> u8 {
    if weekday == 0 { 7 } else { weekday }
}

/// Seconds as hours, minutes and seconds without zeros in front: `2:0:0`.
fn clock(seconds: i32) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{hours}:{minutes}:{}", seconds % 60)
}
