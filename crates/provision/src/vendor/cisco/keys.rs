//! What a key of a phone does. A key shows a line (`Extension_n_` is its number), or that is `Disabled` and
//! `Extended_Function_n_` says what the key does, in pieces such as `fnc=sd;ext=201@$PROXY;nme=Reception`.

use crate::vocabulary::{Reading, Written};

/// The number of the line that a key shows.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn extension(reading: &Reading<'_>) -> Written {
    Ok(Some(match reading.value() {
        "line" => shown_line(reading).to_owned(),
        _ => "Disabled".to_owned(),
    }))
}

/// A key for a line has none, which is written: an earlier one stays otherwise.
pub(super) fn function(reading: &Reading<'_>) -> Written {
    let (function, whom) = match reading.value() {
        "line" => return Ok(Some(String::new())),
        "speed_dial" => ("sd", "ext"),
        "blf" => ("sd+blf+cp", "sub"),
        _ => return Err("these phones know line, blf and speed_dial alone".to_owned()),
    };
    let value = reading.get("key_{n}_value").unwrap_or_default();
    if value.is_empty() {
        return Err("the key is not complete: set its key_…_value as well".to_owned());
    }
    if shown_line(reading) != "1" {
        return Err("keys of these phones that call or watch work for line 1".to_owned());
    }
    let mut text = format!("fnc={function};{whom}={}", piece(value)?);
    // Without a host the phone's own: it fills it in.
    if !value.contains('@') {
        text.push_str("@$PROXY");
    }
    if let Some(label) = reading.get("key_{n}_label").filter(|it| !it.is_empty()) {
        text.push_str(";nme=");
        text.push_str(piece(label)?);
    }
    Ok(Some(text))
}

/// The text beside a key.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn key_label(reading: &Reading<'_>) -> Written {
    Ok(Some(reading.value().to_owned()))
}

/// The text of a line beside the key that shows it: the key of the same number, unless that does something
/// else.
#[allow(clippy::unnecessary_wraps)]
pub(super) fn line_label(reading: &Reading<'_>) -> Written {
    let own = match reading.get("key_{n}_type") {
        None => true,
        Some("line") => shown_line(reading) == reading.number().to_string(),
        Some(_) => false,
    };
    Ok(own.then(|| reading.value().to_owned()))
}

fn shown_line<'a>(reading: &'a Reading<'_>) -> &'a str {
    reading.get("key_{n}_line").unwrap_or("1")
}

/// What may stand between two semicolons.
fn piece(text: &str) -> Result<&str, String> {
    match text.contains(';') {
        true => Err("a key's value and label have no semicolon in these phones".to_owned()),
        false => Ok(text),
    }
}
