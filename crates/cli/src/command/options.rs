//! Single options of a tenant or a pool.

use serde_json::Value;

use crate::failure::Failure;
use crate::given::{Given, pair, put};
use crate::words::field;

/// Options that are lists; on the command line there are commas between their items.
const LISTS: &[&str] = &["expected_networks"];

/// Changes the options of a body as `--set` and `--unset` say.
///
/// # Errors
/// One is not written as NAME=VALUE, or its value is not of the kind that the option has.
pub fn change(given: &Given<'_>, body: &mut Value) -> Result<(), Failure> {
    for text in given.many("set") {
        let (name, value) = pair(text)?;
        let place = format!("options.{name}");
        let value = typed(name, field(body, &place), value)?;
        put(body, &place, value);
    }
    for name in given.many("unset") {
        let (whole, last) = match name.rsplit_once('.') {
            Some((whole, last)) => (format!("options.{whole}"), last),
            None => ("options".to_owned(), name),
        };
        let mut members = field(body, &whole).clone();
        if let Some(members) = members.as_object_mut() {
            members.remove(last);
            put(body, &whole, members.clone().into());
        }
    }
    Ok(())
}

/// A value of the kind that the option has now. What has none is what it looks like.
fn typed(name: &str, present: &Value, text: &str) -> Result<Value, Failure> {
    let read = serde_json::from_str::<Value>(text).ok();
    let is_list = present.is_array() || LISTS.contains(&name);
    let wrong = |what: &str| Failure::Usage(format!("the option {name} is {what}."));
    match present {
        _ if is_list => Ok(read.filter(Value::is_array).unwrap_or_else(|| {
            let items = text.split(',').map(str::trim).filter(|it| !it.is_empty());
            items.map(Value::from).collect()
        })),
        Value::String(_) => Ok(Value::from(text)),
        Value::Number(_) => read
            .filter(Value::is_number)
            .ok_or_else(|| wrong("a number")),
        Value::Bool(_) => match text {
            "on" | "true" | "yes" => Ok(Value::Bool(true)),
            "off" | "false" | "no" => Ok(Value::Bool(false)),
            _ => Err(wrong("on or off")),
        },
        _ => Ok(read.unwrap_or_else(|| Value::from(text))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use ringfence_api::openapi;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_of_the_kind_that_the_option_has() {
        let value = |present: Value, text: &str| typed("x", &present, text);
        assert_eq!(value(json!(60), "90").unwrap(), json!(90));
        assert_eq!(value(json!("sealed"), "refuse").unwrap(), json!("refuse"));
        assert_eq!(value(json!("1"), "2").unwrap(), json!("2"));
        assert_eq!(value(json!(false), "on").unwrap(), json!(true));
        assert_eq!(
            value(json!(["a"]), "192.0.2.0/24, 198.51.100.0/24").unwrap(),
            json!(["192.0.2.0/24", "198.51.100.0/24"])
        );
        assert_eq!(
            typed("expected_networks", &Value::Null, "192.0.2.0/24").unwrap(),
            json!(["192.0.2.0/24"])
        );
        assert_eq!(value(Value::Null, "utg").unwrap(), json!("utg"));
        assert_eq!(value(Value::Null, "{\"a\":1}").unwrap(), json!({"a": 1}));
        assert_eq!(value(json!(60), "soon").unwrap_err().code(), 2);
        assert_eq!(value(json!(false), "soon").unwrap_err().code(), 2);
    }

    #[test]
    fn the_options_that_are_lists_are_those_of_the_api() {
        let document = openapi::document();
        let lists = ["TenantOptions", "PoolOptions"].map(|name| {
            let members = &document["components"]["schemas"][name]["properties"];
            let members = members.as_object().unwrap().iter();
            members
                .filter(|(_, member)| member["type"].to_string().contains("array"))
                .map(|(name, _)| name.as_str())
        });
        assert_eq!(lists.into_iter().flatten().collect::<Vec<_>>(), LISTS);
    }
}
