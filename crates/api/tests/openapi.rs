//! The OpenAPI document that the Worker serves is that of the table of operations and their types.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use ringfence_api::openapi::document;
use serde_json::Value;

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
