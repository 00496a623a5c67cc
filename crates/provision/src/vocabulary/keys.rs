//! Keys for the rules of families: what a key does, and for whom.

use super::rule::{Reading, Written, these_alone};

/// The family's word for what a key does.
///
/// # Errors
/// There is none, or the key has nothing to call, watch, send or open.
pub fn kind(reading: &Reading<'_>, words: &[(&str, &str)]) -> Written {
    let found = words.iter().find(|(ours, _)| *ours == reading.value());
    let (ours, theirs) = found.ok_or_else(|| these_alone(words))?;
    let value = reading.get("key_{n}_value").unwrap_or_default();
    match *ours != "line" && value.is_empty() {
        true => Err("the key is not complete: set its key_…_value as well".to_owned()),
        false => Ok(Some((*theirs).to_owned())),
    }
}

/// What a key calls, watches, sends or opens. A key that shows a line has nothing of the kind, nor has one that is not
/// said to do anything.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn value(reading: &Reading<'_>) -> Written {
    Ok(does(reading).map(|_| reading.value().to_owned()))
}

/// What a key does with its value.
pub fn does<'a>(reading: &'a Reading<'_>) -> Option<&'a str> {
    let kind = reading.get("key_{n}_type")?;
    (kind != "line").then_some(kind)
}

/// The number of a key's line, counted from 1.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn line(reading: &Reading<'_>) -> Written {
    Ok(Some(line_of(reading).to_owned()))
}

/// The number of a key's line, counted from 0.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn line_from_zero(reading: &Reading<'_>) -> Written {
    let line: u16 = line_of(reading).parse().unwrap_or(1);
    Ok(Some(line.saturating_sub(1).to_string()))
}

/// The number of a key's line as text, counted from 1.
pub fn line_of<'a>(reading: &'a Reading<'_>) -> &'a str {
    reading.get("key_{n}_line").unwrap_or("1")
}
