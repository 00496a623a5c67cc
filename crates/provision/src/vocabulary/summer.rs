//! Summer time for the rules of families: what of it a phone can be told, in words where it cannot.

use std::ops::RangeInclusive;

use super::rule::{Reading, Written};
use crate::zone::{ByWeek, ClockChange, Saving};

impl Reading<'_> {
    /// When summer time begins or ends, for phones that know weekdays of a month and full hours; written by
    /// `write`. Without summer time the parameter is left out.
    ///
    /// # Errors
    /// As for [`Reading::zone`]; and that the phone cannot be told that moment.
    pub fn by_hour(
        &self,
        which: fn(Saving) -> ClockChange,
        write: fn(ByWeek) -> Result<String, String>,
    ) -> Written {
        self.change(which, |change| {
            let by = change.by_hour().map_err(|misfit| misfit.to_string())?;
            write(by)
        })
    }

    /// The same for phones that know minutes of the day.
    ///
    /// # Errors
    /// As for [`Reading::by_hour`].
    pub fn by_minute(
        &self,
        which: fn(Saving) -> ClockChange,
        write: fn(ByWeek) -> String,
    ) -> Written {
        self.change(which, |change| {
            let by = change.by_week().map_err(|misfit| misfit.to_string())?;
            Ok(write(by))
        })
    }

    /// How many minutes summer time adds, if the phone can be told that number. Without summer time the parameter is
    /// left out.
    ///
    /// # Errors
    /// As for [`Reading::zone`]; and that the phone knows other numbers alone.
    pub fn adds(&self, known: RangeInclusive<i32>) -> Written {
        let Some(saving) = self.zone()?.saving else {
            return Ok(None);
        };
        let minutes = saving.minutes_within(known);
        let minutes = minutes.map_err(|misfit| misfit.to_string())?;
        Ok(Some(minutes.to_string()))
    }

    fn change(
        &self,
        which: fn(Saving) -> ClockChange,
        write: impl Fn(ClockChange) -> Result<String, String>,
    ) -> Written {
        let saving = self.zone()?.saving;
        saving.map(|saving| write(which(saving))).transpose()
    }
}

/// For [`Reading::by_hour`].
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn month(by: ByWeek) -> Result<String, String> {
    Ok(by.month.to_string())
}

/// For [`Reading::by_hour`]: the hour of the day, 0 to 23.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn hour(by: ByWeek) -> Result<String, String> {
    Ok(by.hour().to_string())
}

/// For [`Reading::by_hour`]: the weekday, 1 for Sunday to 7 for Saturday.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn weekday_from_one(by: ByWeek) -> Result<String, String> {
    Ok(by.sunday_first().to_string())
}
