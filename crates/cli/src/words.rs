//! Values as people read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Text that came from elsewhere, such as a phone's User-Agent, without anything that a terminal would obey.
pub fn plain(text: &str) -> String {
    let is_harmless = |it: char| !it.is_control() && !('\u{202a}'..='\u{202e}').contains(&it);
    text.chars()
        .map(|it| if is_harmless(it) { it } else { '\u{fffd}' })
        .collect()
}

/// The present, in Unix milliseconds.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// A time as RFC 3339 has it, in UTC, to the second.
pub fn moment(milliseconds: u64) -> String {
    let at = UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds));
    match at {
        // What is later has more digits than the format.
        Some(at) if milliseconds < 253_402_300_800_000 => {
            humantime::format_rfc3339_seconds(at).to_string()
        }
        _ => milliseconds.to_string(),
    }
}

/// How long ago a time is, in its greatest unit: `3 h ago`.
pub fn ago(milliseconds: u64, now: u64) -> String {
    let seconds = now.saturating_sub(milliseconds) / 1000;
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3_600 => (seconds / 60, "min"),
        3_600..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit} ago")
}

/// A text is no time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a time as 2026-03-01, 2026-03-01T08:30:00Z or as a duration such as 2h or 30d")]
pub struct TimeError;

/// Reads a time: as RFC 3339 writes it, the date alone, or a duration such as `2h` before now or, for what is to end,
/// behind it. Unix milliseconds.
pub fn time(text: &str, is_future: bool) -> Result<u64, TimeError> {
    let text = text.trim();
    let at = match humantime::parse_duration(text) {
        Ok(length) if is_future => SystemTime::now().checked_add(length),
        Ok(length) => SystemTime::now().checked_sub(length),
        Err(_) => None,
    };
    let date = || humantime::parse_rfc3339_weak(&format!("{text} 00:00:00")).ok();
    let at = at
        .or_else(|| humantime::parse_rfc3339_weak(text).ok())
        .or_else(date);
    let since = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .ok_or(TimeError)
}

/// A value of an answer as a cell of a table. `name` is its field: times are known by it.
pub fn cell(name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => match number.as_u64() {
            Some(at) if is_time(name) && at > 0 => moment(at),
            _ => number.to_string(),
        },
        Value::String(text) => plain(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| cell(name, item)).collect();
            items.join(", ")
        }
        Value::Object(fields) if fields.contains_key("secret") => "(secret)".to_owned(),
        Value::Object(_) => plain(&value.to_string()),
    }
}

/// The members of answers that are times in Unix milliseconds. Their names alone do not tell: `stands_at` is a number
/// of steps, `daily_at` a minute of the day.
const TIMES: &[&str] = &[
    "acked_at",
    "answered_at",
    "armed_at",
    "armed_until",
    "at",
    "confirmed_at",
    "connected_at",
    "counted_at",
    "created_at",
    "due_at",
    "ended_at",
    "expires_at",
    "failed_at",
    "failing_since",
    "fetched_at",
    "first_at",
    "first_seen_at",
    "forwarded_until",
    "hello_at",
    "last_at",
    "last_seen_at",
    "last_used_at",
    "leased_at",
    "next_at",
    "previous_until",
    "sent_at",
    "since",
    "target_since",
    "until",
    "updated_at",
];

/// Whether a field is a time, in Unix milliseconds.
fn is_time(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    TIMES.contains(&last)
}

/// A field of an answer by its path, `key.state`.
pub fn field<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .fold(value, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// A text field of an answer; empty where there is none.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    field(value, path).as_str().unwrap_or_default()
}

/// A number of something, with its noun: `1 device`, `2 devices`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::collections::BTreeSet;

    use ringfence_api::openapi;
    use serde_json::json;

    use super::*;

    /// The numbers of all schemas, each by its name and by what is said of it.
    fn numbers(value: &Value, out: &mut Vec<(String, String)>) {
        let is_number = |member: &Value| member["type"].to_string().contains("integer");
        if let Some(members) = value["properties"].as_object() {
            for (name, member) in members.iter().filter(|(_, it)| is_number(it)) {
                let said = member["description"].as_str().unwrap_or_default();
                out.push((name.clone(), said.to_owned()));
            }
        }
        match value {
            Value::Object(members) => members.values().for_each(|it| numbers(it, out)),
            Value::Array(items) => items.iter().for_each(|it| numbers(it, out)),
            _ => {}
        }
    }

    #[test]
    fn what_the_api_calls_a_time_is_shown_as_one_and_nothing_else_is() {
        let document = openapi::document();
        let mut all = Vec::new();
        numbers(&document["components"]["schemas"], &mut all);
        // Of some the description of the whole says in which unit they are, and their own begins as of a time.
        let begins = ["When ", "The time at", "The time of"];
        let is_described = |said: &str| {
            said.contains("Unix milliseconds") || begins.iter().any(|it| said.starts_with(it))
        };
        let wrong: Vec<_> = all
            .iter()
            .filter(|(name, said)| is_time(name) != is_described(said))
            .collect();
        assert_eq!(wrong, Vec::<&(String, String)>::new());
        let named: BTreeSet<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        let unknown: Vec<_> = TIMES.iter().filter(|it| !named.contains(*it)).collect();
        assert_eq!(unknown, Vec::<&&str>::new(), "no answer has these");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_leaves() {
        assert_eq!(
            plain("a\u{1b}[31mb\nc\u{202e}d"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}d"
        );
        assert_eq!(
            cell("label", &json!("\u{7}bell \u{9b}2J")),
            "\u{fffd}bell \u{fffd}2J"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_of_a_stranger_drives_a_terminal(text: String) {
            proptest::prop_assert!(!plain(&text).contains(char::is_control));
        }
    }

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(time("2026-03-01T08:30:00Z", false), Ok(1_772_353_800_000));
        assert_eq!(time("2026-03-01", false), Ok(1_772_323_200_000));
        assert_eq!(moment(1_772_353_800_000), "2026-03-01T08:30:00Z");
        assert!(time("2h", true).is_ok_and(|at| at > now()));
        assert!(time("2h", false).is_ok_and(|at| at < now()));
        assert!(time("soon", false).is_err());
        assert_eq!(ago(0, 59_999), "59 s ago");
        assert_eq!(ago(0, 3 * 86_400_000), "3 days ago");
        assert_eq!(moment(u64::MAX), u64::MAX.to_string());
    }

    #[test]
    fn a_cell_says_what_a_value_means() {
        assert_eq!(
            cell("created_at", &json!(1_772_353_800_000_u64)),
            "2026-03-01T08:30:00Z"
        );
        assert_eq!(
            cell("devices", &json!(1_772_353_800_000_u64)),
            "1772353800000"
        );
        assert_eq!(cell("value", &json!({"secret": null})), "(secret)");
        assert_eq!(cell("kinds", &json!(["a", "b"])), "a, b");
    }
}
