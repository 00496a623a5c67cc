//! Log lines: one JSON object each, values in fields.

use serde_json::{Map, Value};
use web_sys::console;

/// Logs something that is as it should be.
pub fn info(event: &str, fields: &[(&str, &str)]) {
    console::log_1(&line(event, fields).into());
}

/// Logs something that an operator may want to look into.
pub fn warn(event: &str, fields: &[(&str, &str)]) {
    console::warn_1(&line(event, fields).into());
}

fn line(event: &str, fields: &[(&str, &str)]) -> String {
    let mut object = Map::new();
    object.insert("event".to_owned(), Value::from(event));
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        object.insert((*name).to_owned(), Value::from(*value));
    }
    // Texts always have a form in JSON.
    serde_json::to_string(&object).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_and_a_hostile_value_stays_inside_its_field() {
        assert_eq!(
            line(
                "phone",
                &[("user_agent", "x\"}\n{\"event\":\"forged"), ("mac", "")]
            ),
            r#"{"event":"phone","user_agent":"x\"}\n{\"event\":\"forged"}"#
        );
    }
}
