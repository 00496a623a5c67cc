//! How much an entry of the audit log may hold: whoever may change a thing may do so again and again,
//! and the log is shared by all tenants and kept.
//!
//! What is too long is cut, and what was cut is given by its length and a digest.

use serde_json::{Map, Value, json};

/// The most bytes of an entry's object, `before` and `after` together; the schema refuses more.
pub const MAX_ENTRY: usize = 8_192;

/// The most bytes of `before`, and of `after`, as JSON.
pub const MAX_SIDE: usize = 3_800;

/// The most bytes of an object's path.
pub const MAX_OBJECT: usize = MAX_ENTRY - 2 * MAX_SIDE;

/// The most characters of a text that is shown whole.
pub const MAX_TEXT: usize = 200;

/// The most items of a list that are shown.
pub const MAX_LIST: usize = 50;

/// Room for what says that there was more: `{"digest":"0123456789abcdef","more":1234567}`.
const MORE: usize = 64;

/// The member of an object that says how many members are left out.
const REST: &str = "…";

/// Digest of a text: [`Digests::of`](super::digest::Digests::of) for one place.
pub type Digest<'a> = &'a dyn Fn(&str) -> String;

/// A side of an entry as JSON text of at most [`MAX_SIDE`] bytes.
pub fn side(value: Value, digest: Digest<'_>) -> String {
    shrunk(value, MAX_SIDE, digest).to_string()
}

/// The path of an object in at most [`MAX_OBJECT`] bytes.
pub fn object(path: String, digest: Digest<'_>) -> String {
    if path.len() <= MAX_OBJECT {
        return path;
    }
    let mut shown = String::new();
    for c in path.chars() {
        if shown.len() + c.len_utf8() + MORE > MAX_OBJECT {
            break;
        }
        shown.push(c);
    }
    format!("{shown}…{}", digest(&path))
}

/// A value whose JSON has at most `room` bytes, where `room` is at least [`MORE`].
fn shrunk(value: Value, room: usize, digest: Digest<'_>) -> Value {
    match value {
        Value::String(text) => shrunk_text(text, room, digest),
        Value::Array(items) => shrunk_list(items, room, digest),
        Value::Object(members) => shrunk_members(members, room, digest),
        small => small,
    }
}

fn shrunk_text(text: String, room: usize, digest: Digest<'_>) -> Value {
    let length = text.chars().count();
    let whole = Value::String(text);
    if length <= MAX_TEXT && bytes(&whole) <= room {
        return whole;
    }
    let text = whole.as_str().unwrap_or_default();
    let mut cut = json!({ "length": length, "digest": digest(text) });
    let start = json!(text.chars().take(MAX_TEXT).collect::<String>());
    // `,"start":` beside the two.
    if bytes(&cut) + bytes(&start) + 9 <= room
        && let Some(members) = cut.as_object_mut()
    {
        members.insert("start".into(), start);
    }
    cut
}

fn shrunk_list(items: Vec<Value>, room: usize, digest: Digest<'_>) -> Value {
    let count = items.len();
    let whole = Value::Array(items);
    let marker = more(0, &whole, digest);
    let Value::Array(items) = whole else {
        return marker;
    };
    let mut shown = Vec::new();
    let mut left = room.saturating_sub(2 + MORE);
    for item in items.into_iter().take(MAX_LIST) {
        if left < MORE {
            break;
        }
        let item = shrunk(item, left - 1, digest);
        left = left.saturating_sub(bytes(&item) + 1);
        shown.push(item);
    }
    if shown.len() < count {
        shown.push(with_count(marker, count - shown.len()));
    }
    Value::Array(shown)
}

fn shrunk_members(members: Map<String, Value>, room: usize, digest: Digest<'_>) -> Value {
    let count = members.len();
    let whole = Value::Object(members);
    let marker = more(0, &whole, digest);
    let Value::Object(members) = whole else {
        return marker;
    };
    // What is small comes first, so that one long list does not push it out.
    let (small, large): (Vec<_>, Vec<_>) = members
        .into_iter()
        .partition(|(_, value)| !value.is_array() && !value.is_object());
    let mut shown = Map::new();
    let mut left = room.saturating_sub(2 + MORE + REST.len() + 6);
    for (name, value) in small.into_iter().chain(large) {
        // The name in quotes, a colon and a comma.
        let overhead = bytes(&Value::String(name.clone())) + 2;
        if name.chars().count() > MAX_TEXT || left < overhead + MORE {
            continue;
        }
        let value = shrunk(value, left - overhead, digest);
        left = left.saturating_sub(bytes(&value) + overhead);
        shown.insert(name, value);
    }
    if shown.len() < count {
        let hidden = count - shown.len();
        shown.insert(REST.into(), with_count(marker, hidden));
    }
    Value::Object(shown)
}

/// What stands for the rest of a list or an object: how much it is, and a digest of the whole.
fn more(count: usize, whole: &Value, digest: Digest<'_>) -> Value {
    json!({ "more": count, "digest": digest(&whole.to_string()) })
}

fn with_count(mut marker: Value, count: usize) -> Value {
    if let Some(members) = marker.as_object_mut() {
        members.insert("more".into(), count.into());
    }
    marker
}

fn bytes(value: &Value) -> usize {
    value.to_string().len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    fn digest(_: &str) -> String {
        "0123456789abcdef".into()
    }

    fn bounded(value: &Value) -> Value {
        let text = side(value.clone(), &digest);
        assert!(text.len() <= MAX_SIDE, "{} bytes", text.len());
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn what_is_small_stays_as_it_is() {
        let value =
            json!({ "label": "Front desk", "key": { "state": "armed" }, "list": [1, "a", null] });
        assert_eq!(bounded(&value), value);
    }

    #[test]
    fn a_long_text_is_told_by_its_start_its_length_and_a_digest() {
        let value = json!({ "a": "ä".repeat(201) });
        assert_eq!(
            bounded(&value),
            json!({ "a": { "start": "ä".repeat(200), "length": 201, "digest": "0123456789abcdef" } })
        );
    }

    #[test]
    fn a_long_list_says_how_many_more() {
        let value: Value = (0..1000).collect();
        let items = bounded(&value);
        assert_eq!(items.as_array().unwrap().len(), MAX_LIST + 1);
        assert_eq!(items[MAX_LIST]["more"], json!(950));
    }

    #[test]
    fn many_members_leave_the_small_ones_and_say_how_many_more() {
        let settings: Map<String, Value> = (0..450)
            .map(|n| {
                (
                    format!("TEXT_{n:03}"),
                    json!({ "length": 2000, "digest": "0123456789abcdef" }),
                )
            })
            .collect();
        let value = bounded(&json!({ "settings": settings, "site": "S", "label": "L" }));
        assert_eq!(
            (&value["site"], &value["label"]),
            (&json!("S"), &json!("L"))
        );
        let shown = value["settings"].as_object().unwrap();
        assert!(shown.len() > 40, "{} are shown", shown.len());
        let more = shown[REST]["more"].as_u64().unwrap() as usize;
        assert_eq!(shown.len() - 1 + more, 450);
    }

    #[test]
    fn a_long_path_is_cut() {
        let path = object(format!("x/{}", "ü".repeat(1000)), &digest);
        assert!(
            path.len() <= MAX_OBJECT && path.ends_with("…0123456789abcdef"),
            "{path}"
        );
        assert_eq!(
            object("devices/0080F0C571EB".into(), &digest),
            "devices/0080F0C571EB"
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            // Control characters grow sixfold in JSON.
            proptest::collection::vec(any::<char>(), 0..600)
                .prop_map(|text| Value::String(text.into_iter().collect())),
            (0..600_usize).prop_map(|n| Value::String("\u{1}".repeat(n))),
        ];
        leaf.prop_recursive(4, 200, 60, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..60).prop_map(Value::Array),
                proptest::collection::btree_map(".{0,210}", inner, 0..60)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_was_changed_an_entry_is_bounded(value in any_json()) {
            bounded(&value);
        }
    }
}
