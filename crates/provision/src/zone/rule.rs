//! When the clocks of a zone change, and to what.
//!
//! The build script compiles this file too: with it the script finds from when on a zone keeps to its
//! rule. So nothing here may name another module of the crate.

/// How a zone keeps time from [`Rule::holds_from`] on, until its government thinks again.
///
/// `standard_offset` and `save` are whole minutes in every zone, and `save` is above zero: where the
/// law calls the winter's time the exception, as in Ireland, the rule names the same hours the usual
/// way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Standard time: seconds east of UTC.
    pub standard_offset: i32,
    /// What people call standard time, such as `CET`; `None` where the tz database has only digits.
    pub standard_name: Option<&'static str>,
    /// Summer time, where the zone has it.
    pub saving: Option<Saving>,
    /// The rule as a value of `TZ` (POSIX.1-2024 §8.3, RFC 9636 §3.3.1): `CET-1CEST,M3.5.0,M10.5.0/3`.
    /// Offsets are west of Greenwich, names without a letter stand in `<…>`, and a time of day may be
    /// anything from −167 to 167 hours.
    pub posix: &'static str,
    /// The moment from which the zone keeps to the rule, in Unix milliseconds. Before it the zone keeps
    /// another time; a rule with dates of its own for each year may last to 2086. 0 if the zone has
    /// kept to the rule since before the year of [`TZDATA`](super::TZDATA).
    pub holds_from: u64,
}

/// Summer time: what is added to standard time, and from when to when. South of the equator the end is
/// earlier in the year than the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saving {
    /// What is added to standard time, in seconds.
    pub save: i32,
    /// What people call summer time, such as `CEST`; `None` where the tz database has only digits.
    pub name: Option<&'static str>,
    /// When summer time begins; the clocks then show standard time.
    pub start: ClockChange,
    /// When summer time ends; the clocks then show summer time.
    pub end: ClockChange,
}

/// One moment of every year at which the clocks change: the `Mm.w.d/time` of a POSIX rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// 1 to 12.
    pub month: u8,
    /// Which of the month's weekdays: 1 to 4, and 5 for the last.
    pub week: u8,
    /// 0 for Sunday, to 6.
    pub weekday: u8,
    /// Seconds after midnight, as the clocks show them before they change. Midnight is that of the
    /// day above: the time may be negative, or a day and more.
    pub time: i32,
}

/// A moment at which the clocks change, of one year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// When: Unix seconds.
    pub at: i64,
    /// What the clocks show from then on: seconds east of UTC.
    pub offset: i32,
}

/// Seconds.
pub(super) const DAY: i64 = 86_400;

impl Rule {
    /// When the clocks change in a year, in order: two moments, or none without summer time. The year
    /// is that of the rule's own calendar; at the turn of the year UTC may be in another.
    #[must_use]
    pub fn turns(&self, year: i64) -> Option<[Transition; 2]> {
        let saving = self.saving?;
        let summer = self.standard_offset + saving.save;
        let at = |change: ClockChange, before: i32| {
            change.day(year) * DAY + i64::from(change.time) - i64::from(before)
        };
        let start = Transition {
            at: at(saving.start, self.standard_offset),
            offset: summer,
        };
        let end = Transition {
            at: at(saving.end, summer),
            offset: self.standard_offset,
        };
        Some(if start <= end {
            [start, end]
        } else {
            [end, start]
        })
    }

    /// What the clocks show at a moment (Unix milliseconds) by the rule: seconds east of UTC. Before
    /// [`Rule::holds_from`] the zone may show another time.
    #[must_use]
    pub fn offset_at(&self, now: u64) -> i32 {
        let second = i64::try_from(now / 1000).unwrap_or_default();
        let (year, _, _) = date(second.div_euclid(DAY));
        // A year more on the side of the past: in January the last turn was in the year before.
        [year + 1, year, year - 1]
            .into_iter()
            .filter_map(|year| self.turns(year))
            .flat_map(|turns| turns.into_iter().rev())
            .find(|turn| turn.at <= second)
            .map_or(self.standard_offset, |turn| turn.offset)
    }
}

impl ClockChange {
    /// The day of the change in a year: days after 1970-01-01.
    fn day(self, year: i64) -> i64 {
        let (first, length) = (day(year, self.month, 1), month_length(year, self.month));
        // 1970-01-01 was a Thursday.
        let weekday = (first + 4).rem_euclid(7);
        let until = (i64::from(self.weekday) - weekday).rem_euclid(7);
        let named = until + 7 * (i64::from(self.week) - 1);
        first + if named < length { named } else { named - 7 }
    }
}

/// How many days a month has.
pub(super) fn month_length(year: i64, month: u8) -> i64 {
    if month == 12 {
        31
    } else {
        day(year, month + 1, 1) - day(year, month, 1)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(super) fn day(year: i64, month: u8, day: u8) -> i64 {
    // Years that begin in March have their odd day at the end.
    let year = year - i64::from(month <= 2);
    let month = (i64::from(month) + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + i64::from(day) - 1 - 719_468
}

/// The date (year, month, day) that is `days` days after 1970-01-01.
pub(super) fn date(days: i64) -> (i64, u8, u8) {
    // 400 years have 146,097 days, so the guess is wrong by one year at most.
    let guess = 1970 + (days * 400).div_euclid(146_097);
    let year = [guess + 1, guess]
        .into_iter()
        .find(|year| day(*year, 1, 1) <= days)
        .unwrap_or(guess - 1);
    let month = (1..=12)
        .rev()
        .find(|month| day(year, *month, 1) <= days)
        .unwrap_or(1);
    let in_month = days - day(year, month, 1) + 1;
    (year, month, u8::try_from(in_month).unwrap_or(1))
}
