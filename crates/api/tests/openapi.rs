//! The OpenAPI document that the Worker serves is that of the table of operations and their types.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ringfence_api::openapi::document;
use serde_json::{Value, json};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[test]
fn the_served_openapi_document_is_up_to_date() {
    let made = format!("{:#}\n", document());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(FILE, &made).unwrap();
        return;
    }
    let written = include_str!("../openapi.json");
    let differs = made
        .lines()
        .zip(written.lines())
        .find(|(made, written)| made != written);
    assert!(
        made == written,
        "crates/api/openapi.json is out of date at {differs:?}: UPDATE=1 cargo test -p ringfence-api openapi"
    );
}

/// Whether a text is a sentence that stands alone, as far as a program can tell.
fn is_sentence(text: Option<&Value>) -> bool {
    let text = text.and_then(Value::as_str).unwrap_or_default();
    let begins = text.starts_with(|c: char| c.is_uppercase() || c == '`');
    begins && text.ends_with('.') && text.split_whitespace().count() >= 4
}

#[test]
fn every_description_is_a_sentence() {
    let document = document();
    let mut wrong = Vec::new();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        // A page's schema says in its items of what it is one.
        if !is_sentence(schema.get("description")) {
            wrong.push(name.clone());
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (property, schema) in properties.into_iter().flatten() {
            if !is_sentence(schema.get("description")) {
                wrong.push(format!("{name}.{property}"));
            }
        }
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let parameters = operation.get("parameters").and_then(Value::as_array);
            for parameter in parameters.into_iter().flatten() {
                if !is_sentence(parameter.get("description")) {
                    wrong.push(format!("{method} {path}: {}", parameter["name"]));
                }
            }
            let summary = operation["summary"].as_str().unwrap();
            let verb = summary.split_whitespace().next().unwrap();
            if !verb.ends_with('s') || !verb.starts_with(char::is_uppercase) {
                wrong.push(format!("{method} {path}: {summary}"));
            }
        }
    }
    assert!(wrong.is_empty(), "no sentences: {wrong:#?}");
}

/// A sentence that begins with one of these does not stand alone: the noun that is meant is elsewhere.
const POINTING: &[&str] = &[
    "He", "Her", "His", "It", "Its", "She", "That", "Their", "Them", "These", "They", "This",
    "Those", "Whom", "Whose",
];

/// A description that begins with one of these is the end of a sentence that began in the member's name.
const PARTIAL: &[&str] = &[
    "As", "For", "From", "In", "Null", "Of", "Since", "Unique", "Unless", "Until", "While", "With",
];

/// A description that begins with one of these names its noun before it points to it.
const ASKING: &[&str] = &["How", "What", "When", "Whether", "Which", "Why"];

/// Words between the beginning of a description and its noun.
const SMALL: &[&str] = &[
    "about", "as", "at", "be", "been", "by", "can", "could", "did", "do", "does", "far", "for",
    "from", "had", "has", "have", "in", "is", "long", "many", "may", "might", "much", "must",
    "not", "of", "often", "on", "or", "so", "to", "was", "were", "will", "with", "would",
];

/// Whether a description asks or gives a time, and points before it has named a noun.
fn points_before_a_noun(text: &str) -> bool {
    let rest = match text.strip_prefix("The time at which ") {
        Some(rest) => rest,
        None => match text.split_once(' ') {
            Some((first, rest)) if ASKING.contains(&first) => rest,
            _ => return false,
        },
    };
    let mut words = rest
        .split_whitespace()
        .map(|it| it.trim_end_matches(|it: char| !it.is_alphabetic()));
    let first = words.find(|it| !SMALL.contains(it));
    first.is_some_and(|it| ["it", "its", "their", "them", "they"].contains(&it))
}

/// What is wrong with a description, as far as a program can tell.
fn fault(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let first_word =
        |text: &str| -> String { text.chars().take_while(|it| it.is_alphabetic()).collect() };
    let begins = |text: &str, with: &[&str]| with.contains(&first_word(text).as_str());
    let is_vague = |pair: &[&str]| {
        let second = pair[1].trim_end_matches(|it: char| !it.is_alphabetic());
        pair[0].eq_ignore_ascii_case("so") && ["many", "much", "long"].contains(&second)
    };
    if !text.starts_with(|it: char| it.is_uppercase() || it == '`') || !text.ends_with('.') {
        Some("is not written as a sentence")
    } else if words.len() < 3 {
        Some("has fewer than three words")
    } else if begins(text, PARTIAL) {
        Some("is a part of a sentence")
    } else if words.join(" ").split(". ").any(|it| begins(it, POINTING)) {
        Some("has a sentence whose noun is elsewhere")
    } else if points_before_a_noun(text) {
        Some("points to a noun that is elsewhere")
    } else if words.windows(2).any(is_vague) {
        Some("gives a number as `so many`")
    } else if text.contains("[`") {
        Some("has a link that leads nowhere outside the code")
    } else {
        None
    }
}

/// What is wrong with the descriptions of a document or of a part of it, which is at `place`.
fn faults(value: &Value, place: &str, wrong: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                faults(item, &format!("{place}/{number}"), wrong);
            }
        }
        Value::Object(members) => {
            if let Some(fault) = members
                .get("description")
                .and_then(Value::as_str)
                .and_then(fault)
            {
                wrong.push(format!("{place} {fault}: {}", members["description"]));
            }
            for (name, member) in members {
                let place = format!("{place}/{name}");
                match member.as_object().filter(|_| name == "properties") {
                    // The names in it are the API's: one that is `description` describes nothing.
                    Some(properties) => {
                        for (name, schema) in properties {
                            if schema.get("description").is_none() {
                                wrong.push(format!("{place}/{name} has no description"));
                            }
                            faults(schema, &format!("{place}/{name}"), wrong);
                        }
                    }
                    // A default is no schema.
                    None if name == "default" => {}
                    None => faults(member, &place, wrong),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_description_stands_alone_and_none_is_missing() {
    let mut wrong = Vec::new();
    faults(&document(), "", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_description_that_does_not_stand_alone_is_found_wherever_it_is() {
    let bad = [
        "In clear, without TLS.",
        "A MAC.",
        "the id of the tenant.",
        "The id of the tenant",
        "Of its last entry.",
        "As the phone reads it.",
        "Its name; 1 to 100 characters.",
        "Those that never asked for anything.",
        "The key of the device. It is never shown.",
        "The rollout waits for so\nmany seconds.",
        "Nobody waits so long.",
        "Why it does not get on just now.",
        "What to do about it.",
        "How many of its jobs were cancelled.",
        "The time at which it ended, in Unix milliseconds.",
        "The MACs, at most [`MAX`].",
    ];
    for text in bad {
        assert!(fault(text).is_some(), "{text}");
        let variant =
            json!({ "oneOf": [{ "properties": { "description": { "description": text } } }] });
        let mut wrong = Vec::new();
        faults(&variant, "", &mut wrong);
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert!(wrong[0].starts_with("/oneOf/0/properties/description "));
    }
    let good = [
        "The address that the request came from.",
        "`running` or `paused`, and for good `finished`.",
        "The device is disabled. Italian phones are, too.",
        "What the phone says of itself, and whether it can be read.",
        "The time at which the phone last took its files.",
    ];
    assert_eq!(good.map(fault), [None; 5]);
    let mut wrong = Vec::new();
    let missing = json!({ "anyOf": [{ "properties": { "secret": { "type": "string" } } }] });
    faults(&missing, "", &mut wrong);
    assert_eq!(wrong, ["/anyOf/0/properties/secret has no description"]);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let (pointer, _) = reference.split_once('"').unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    assert!(!text.contains("$defs"));
}
