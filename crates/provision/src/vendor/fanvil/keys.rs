//! Keys of Fanvil's phones: a number for what a key does, and a value with the line and a letter behind the number that
//! is called (`202@1/ba`), as in WAZO's and Tancredi's templates.

use crate::vocabulary::{Encoding, Reading, Written, keys};

/// By what stands in a model's name, how many keys its first page has (WAZO). Where the size of a page is not known, the
/// place of a key is not known either.
pub(super) const PAGE_OF_6: &[&str] = &["X4U", "X5U"];
pub(super) const PAGE_OF_12: &[&str] = &["X6U"];
pub(super) const PAGE_OF_32: &[&str] = &["X210"];

pub(super) const TYPE: Encoding = Encoding::With(|it| {
    keys::kind(
        it,
        &[
            ("line", "2"),
            ("blf", "1"),
            ("speed_dial", "1"),
            ("park", "1"),
            ("dtmf", "4"),
            ("url", "7"),
        ],
    )
});

/// Of a key that shows a line.
pub(super) const LINE: Encoding = Encoding::With(|it| {
    let shown = it.value() == "line";
    Ok(shown.then(|| format!("SIP{}", keys::line_of(it))))
});

/// Of any other.
pub(super) const VALUE: Encoding = Encoding::With(value);

fn value(reading: &Reading<'_>) -> Written {
    let value = reading.value();
    let letters = match keys::does(reading) {
        None => return Ok(None),
        Some("blf") => "ba",
        Some("speed_dial") => "f",
        Some("park") => "c",
        Some(_) => return Ok(Some(value.to_owned())),
    };
    if value.contains(['@', '/']) {
        return Err("a number for a key of these phones has no @ and no /".to_owned());
    }
    Ok(Some(format!(
        "{value}@{}/{letters}",
        keys::line_of(reading)
    )))
}

/// The rules for keys: pieces of a parameter's name before and behind its number, and the number of keys.
macro_rules! rule {
    ($setting:literal, $before:literal, $name:literal, $count:literal, $value:expr) => {
        $crate::vocabulary::each(
            concat!("key_{n}_", $setting),
            concat!($before, $name),
            $count,
            $value,
        )
    };
}

pub(super) use rule;
