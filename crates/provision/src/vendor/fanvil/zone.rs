//! How Fanvil's phones are told the time zone: in quarters of an hour and with a label; summer time by weekdays of a
//! month, at full hours.
//!
//! The numbers are those of WAZO's and FusionPBX's templates and of files that phones have written, which others have
//! published. That a phone goes by these changes where summer time is 2 is WAZO's alone, and so is that the hour is
//! what the clocks show before they change. In the last week WAZO and the phones differ: 5 is the phones'.

use crate::vocabulary::{Encoding, Reading, Written, hour, month};
use crate::zone::ByWeek;

pub(super) const QUARTERS: Encoding =
    Encoding::With(|it| Ok(Some(it.zone()?.quarters_east().to_string())));
pub(super) const LABEL: Encoding = Encoding::With(label);
/// 0 is without summer time, 1 by the country, 2 by the changes that follow.
pub(super) const SUMMER_TIME: Encoding = Encoding::SummerTime("2", "0");
/// The changes are told by weeks.
pub(super) const BY_WEEK: Encoding =
    Encoding::With(|it| Ok(it.zone()?.saving.map(|_| "2".to_owned())));
/// No template says more than an hour.
pub(super) const ADDS: Encoding = Encoding::With(|it| it.adds(1..=60));

pub(super) const START_MONTH: Encoding = Encoding::With(|it| it.by_hour(|it| it.start, month));
pub(super) const START_WEEK: Encoding = Encoding::With(|it| it.by_hour(|it| it.start, week));
pub(super) const START_WEEKDAY: Encoding = Encoding::With(|it| it.by_hour(|it| it.start, weekday));
pub(super) const START_HOUR: Encoding = Encoding::With(|it| it.by_hour(|it| it.start, hour));
pub(super) const END_MONTH: Encoding = Encoding::With(|it| it.by_hour(|it| it.end, month));
pub(super) const END_WEEK: Encoding = Encoding::With(|it| it.by_hour(|it| it.end, week));
pub(super) const END_WEEKDAY: Encoding = Encoding::With(|it| it.by_hour(|it| it.end, weekday));
pub(super) const END_HOUR: Encoding = Encoding::With(|it| it.by_hour(|it| it.end, hour));

/// `UTC+1`, `UTC-09`, `UTC`, as the templates have them. Of a part of an hour no label was found: it is left out.
fn label(reading: &Reading<'_>) -> Written {
    let minutes = reading.zone()?.minutes_east();
    let hours = minutes / 60;
    Ok((minutes % 60 == 0).then(|| match hours {
        0 => "UTC".to_owned(),
        east if east > 0 => format!("UTC+{east}"),
        west => format!("UTC-{:02}", -west),
    }))
}

/// 5 is the last.
#[allow(clippy::unnecessary_wraps)]
fn week(by: ByWeek) -> Result<String, String> {
    Ok(by.week.to_string())
}

/// 0 is Sunday.
#[allow(clippy::unnecessary_wraps)]
fn weekday(by: ByWeek) -> Result<String, String> {
    Ok(by.weekday.to_string())
}
