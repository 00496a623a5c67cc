//! What is read is what `serde_json` reads, and what is wrong is said with its place.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_json::{
    Error, Node, from_nodes, from_pairs, from_slice_noting, from_str, list_from_str,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

#[derive(Debug, PartialEq, Deserialize)]
struct Outer {
    name: String,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    inner: Vec<Inner>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    more: BTreeMap<String, Either>,
    #[serde(default)]
    any: Value,
    #[serde(default)]
    ratio: f64,
    #[serde(default)]
    pair: Option<(i8, bool)>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Plain,
    Named(String),
    Both(u8, u8),
    Whole {
        part: bool,
    },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Words(Vec<String>),
    Secret { secret: Option<String> },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    at: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(default)]
    flag: bool,
    #[serde(default)]
    limit: Option<u16>,
    #[serde(default)]
    word: Option<String>,
}

fn both<T: DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) -> Option<T> {
    let ours = from_str::<T>(text).ok();
    assert_eq!(ours, serde_json::from_str::<T>(text).ok(), "{text}");
    ours
}

fn wrong<T: DeserializeOwned>(text: &str) -> String {
    from_str::<T>(text).err().unwrap().to_string()
}

#[test]
fn every_kind_of_value_is_read() {
    for text in [
        r#"{"name":"a"}"#,
        r#"{"name":"\u00e4\n","count":null,"inner":[{"at":1},{"at":18446744073709551615}]}"#,
        r#"{"name":"a","kind":"plain","more":{"x":1,"y":["a"],"z":{"secret":null}}}"#,
        r#"{"name":"a","kind":{"named":"b"}}"#,
        r#"{"name":"a","kind":{"both":[1,2]},"ratio":1,"pair":[-1,true]}"#,
        r#"{"name":"a","kind":{"whole":{"part":true}},"any":[1,-2,3.5,null,{"b":"c"}]}"#,
        r#"{"name":"a","more":{"x":1,"x":2}}"#,
        r#"{"name":"a","unknown":{"deep":[1]}}"#,
    ] {
        assert!(both::<Outer>(text).is_some(), "{text}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for text in [
        "",
        "{",
        "null",
        "5",
        r#"{"name":"a"} x"#,
        r#"{"name":null}"#,
        r#"{"name":5}"#,
        r#"{"name":"a","name":"b"}"#,
        r#"{"name":"a","count":-1}"#,
        r#"{"name":"a","count":1.5}"#,
        r#"{"name":"a","count":4294967296}"#,
        r#"{"name":"a","count":"1"}"#,
        r#"{"name":"a","kind":"other"}"#,
        r#"{"name":"a","kind":"named"}"#,
        r#"{"name":"a","kind":{"plain":1}}"#,
        r#"{"name":"a","kind":{"named":"a","plain":null}}"#,
        r#"{"name":"a","kind":{"both":[1,2,3]}}"#,
        r#"{"name":"a","pair":[1]}"#,
        r#"{"name":"a","pair":[1,true,2]}"#,
        r#"{"name":"a","more":{"x":-1}}"#,
    ] {
        assert_eq!(both::<Outer>(text), None, "{text}");
    }
    // A structure is never a list of its members.
    assert!(from_str::<Inner>("[1]").is_err());
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(wrong::<Value>(&deep).contains("recursion limit"));
}

#[test]
fn an_error_says_what_and_where() {
    let said = wrong::<Outer>(r#"{"name":"a","inner":[{"at":1},{"at":"x"}]}"#);
    assert_eq!(
        said,
        "invalid type: string \"x\", expected u64 at `inner.1.at`"
    );
    assert_eq!(wrong::<Outer>("{}"), "missing field `name`");
    let said = wrong::<Outer>(r#"{"name":"a","inner":[{}]}"#);
    assert_eq!(said, "missing field `at` at `inner.0`");
    let said = wrong::<Outer>(r#"{"name":"a","kind":{"whole":{"part":null}}}"#);
    assert_eq!(
        said,
        "invalid type: null, expected a boolean at `kind.whole.part`"
    );
    let error: Error = from_str::<Outer>("{").unwrap_err();
    assert!(error.is_eof() && !error.is_data() && error.path().next().is_none());
    assert!(error.what().contains("line 1"), "{error}");
}

#[test]
fn members_that_nothing_has_read_are_noted() {
    let text =
        br#"{"nmae":1,"name":"a","inner":[{"at":1,"x":2}],"kind":{"whole":{"part":true,"y":0}}}"#;
    let (read, unknown) = from_slice_noting::<Outer>(text, 5);
    assert!(read.is_ok());
    let unknown: Vec<_> = unknown.iter().map(|path| path.join(".")).collect();
    assert_eq!(unknown, ["nmae", "inner.0.x", "kind.whole.y"]);
    assert_eq!(from_slice_noting::<Outer>(text, 1).1.len(), 1);
    let (read, unknown) = from_slice_noting::<Outer>(br#"{"nmae":1}"#, 5);
    assert!(read.is_err());
    assert_eq!(unknown, [["nmae"]]);
}

#[test]
fn a_query_is_text_that_is_read_as_what_is_asked_for() {
    let read = |query: &[(&'static str, &'static str)]| {
        from_pairs::<Strict>(
            query
                .iter()
                .map(|&(name, value)| (name.into(), value.into())),
        )
        .map_err(|error| error.what().to_owned())
    };
    let found = read(&[("flag", "true"), ("limit", "12"), ("word", "34")]).unwrap();
    assert_eq!(
        found,
        Strict {
            flag: true,
            limit: Some(12),
            word: Some("34".into())
        }
    );
    for (query, said) in [
        (("flag", "yes"), "provided string was not `true` or `false`"),
        (("limit", ""), "cannot parse integer from empty string"),
        (("limit", "-1"), "invalid digit found in string"),
        (
            ("limit", "70000"),
            "invalid value: integer `70000`, expected u16",
        ),
        (
            ("flog", ""),
            "unknown field `flog`, expected one of `flag`, `limit`, `word`",
        ),
    ] {
        assert_eq!(read(&[query]).unwrap_err(), said);
    }
    let twice = read(&[("flag", "true"), ("flag", "true")]);
    assert_eq!(twice.unwrap_err(), "duplicate field `flag`");
}

#[test]
fn a_member_with_a_dollar_is_the_object_itself() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        tenant: String,
        #[serde(rename = "$inner")]
        inner: Inner,
        #[serde(rename = "$all")]
        all: BTreeMap<String, Value>,
    }
    let row: Row = from_str(r#"{"at":7,"tenant":"T","other":null}"#).unwrap();
    assert_eq!((row.tenant.as_str(), row.inner.at), ("T", 7));
    assert_eq!(row.all.len(), 3);
    let said = wrong::<Row>(r#"{"at":"x","tenant":"T"}"#);
    assert_eq!(said, "invalid type: string \"x\", expected u64 at `at`");
    assert_eq!(wrong::<Row>(r#"{"at":1}"#), "missing field `tenant`");
}

#[test]
fn rows_are_read_one_by_one() {
    let text = r#"[{"at":1},{"at":2}]"#;
    let node = Node::parse(text.as_bytes()).unwrap();
    let read: Vec<Inner> = from_nodes(node.items().unwrap()).unwrap();
    assert_eq!(read, list_from_str(text).unwrap());
    assert_eq!(read.len(), 2);
    let first = node.items().unwrap().first().unwrap();
    assert_eq!(first.values().collect::<Vec<_>>(), [&Node::Positive(1)]);
    assert!(list_from_str::<Inner>("{}").is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\]*", inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Documents that nearly are an [`Outer`].
fn nearly() -> impl Strategy<Value = Value> {
    let names = "name|count|inner|kind|more|any|ratio|pair|else";
    let value = prop_oneof![
        any_json(),
        Just(json!("plain")),
        any::<u8>().prop_map(Value::from),
        Just(json!([{ "at": 1 }])),
        Just(json!({ "named": "x" })),
        Just(json!({ "x": { "secret": "s" } })),
    ];
    prop::collection::btree_map(names, value, 0..6)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn whatever_it_is_it_is_read_as_serde_json_reads_it(value in any_json()) {
        both::<Value>(&value.to_string());
    }

    #[test]
    fn a_type_takes_and_refuses_what_it_does_with_serde_json(value in nearly()) {
        let text = value.to_string();
        // serde_json reads a structure from a list too: here may be one.
        prop_assume!(!text.contains("[[") && !text.contains(",["));
        both::<Outer>(&text);
    }
}
