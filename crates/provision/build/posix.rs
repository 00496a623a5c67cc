//! Reads the rule of a zone from a POSIX `TZ` string with the extension of RFC 9636 §3.3.1, as the tz
//! database writes it.

use crate::rule::{ClockChange, Rule, Saving};

/// The rule that `text` says, to hold from the beginning of time.
///
/// What the phones' rules cannot say is an error: dates by the number of a day in the year, which no
/// zone has had for years, and summer time that is earlier than standard time.
pub(crate) fn read(text: &'static str) -> Result<Rule, &'static str> {
    let mut rest = text;
    let standard_name = name(&mut rest)?;
    let standard_offset = -time(&mut rest)?;
    let saving = if rest.is_empty() {
        None
    } else {
        let name = name(&mut rest)?;
        let save = if rest.starts_with(',') {
            3600
        } else {
            -time(&mut rest)? - standard_offset
        };
        let (start, end) = (change(&mut rest)?, change(&mut rest)?);
        Some(Saving {
            save,
            name,
            start,
            end,
        })
    };
    if !rest.is_empty() {
        return Err("something stands behind the rule");
    }
    if saving.is_some_and(|saving| saving.save <= 0) {
        return Err("summer time is not ahead of standard time");
    }
    if standard_offset % 60 != 0 || saving.is_some_and(|saving| saving.save % 60 != 0) {
        return Err("an offset is not whole minutes");
    }
    Ok(Rule {
        standard_offset,
        standard_name,
        saving,
        posix: text,
        holds_from: 0,
    })
}

/// A name, which is `None` in the rule if it is made of a sign and digits.
fn name(rest: &mut &'static str) -> Result<Option<&'static str>, &'static str> {
    let text: &'static str = rest;
    let (name, behind) = match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>').ok_or("a name does not end")?,
        None => text.split_at(
            text.find(|letter: char| !letter.is_ascii_alphabetic())
                .unwrap_or(text.len()),
        ),
    };
    *rest = behind;
    if name.len() < 3 {
        return Err("a name has fewer than three characters");
    }
    Ok(name
        .contains(|letter: char| letter.is_ascii_alphabetic())
        .then_some(name))
}

/// `,Mm.w.d/time`, where the time is two o'clock if it is not there.
fn change(rest: &mut &'static str) -> Result<ClockChange, &'static str> {
    let mut date = |mark: &str| {
        *rest = rest
            .strip_prefix(mark)
            .ok_or("a date is not month, week and weekday")?;
        u8::try_from(digits(rest)?).map_err(|_| "a date is out of range")
    };
    let (month, week, weekday) = (date(",M")?, date(".")?, date(".")?);
    if !(1..=12).contains(&month) || !(1..=5).contains(&week) || weekday > 6 {
        return Err("a date is out of range");
    }
    let time = match rest.strip_prefix('/') {
        Some(behind) => {
            *rest = behind;
            time(rest)?
        }
        None => 2 * 3600,
    };
    Ok(ClockChange {
        month,
        week,
        weekday,
        time,
    })
}

/// `[+-]h[:m[:s]]`, in seconds.
fn time(rest: &mut &'static str) -> Result<i32, &'static str> {
    let negative = rest.starts_with('-');
    *rest = rest.strip_prefix(['-', '+']).unwrap_or(rest);
    let mut seconds = digits(rest)? * 3600;
    for unit in [60, 1] {
        if let Some(behind) = rest.strip_prefix(':') {
            *rest = behind;
            seconds += digits(rest)? * unit;
        }
    }
    Ok(if negative { -seconds } else { seconds })
}

/// A number without a sign.
fn digits(rest: &mut &'static str) -> Result<i32, &'static str> {
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, behind) = rest.split_at(end);
    *rest = behind;
    number.parse().map_err(|_| "a number is missing")
}
