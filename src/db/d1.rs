//! Statements of D1 and their results, each way as one text: a call across the border to JavaScript costs as much whatever it
//! brings, and to bind or to read a value by itself takes several.

use js_sys::JsString;
use ringfence_json::Node;
use ringfence_sql::Arg;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use worker::D1Database;

use super::error::{Corrupt, StorageError};

#[wasm_bindgen(module = "/src/db/d1.js")]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn all(database: &JsValue, statement: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    async fn batch(database: &JsValue, statements: &str) -> Result<JsValue, JsValue>;
}

/// A statement with its parameters, as a list of JSON: its text, then what is bound to it. Only [`Db`](super::Db) runs it,
/// which sees to the schema first.
/// Without `Debug`: what is bound may be for nobody's eyes.
#[derive(Clone)]
pub struct Statement(String);

/// What is in that list.
#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Text(&'a str),
    /// D1 takes numbers as doubles; every integer here (times, counters) is below 2^53.
    Int(i64),
    Null,
}

impl Statement {
    pub fn new(sql: &str, args: &[Arg<'_>]) -> Self {
        let values = args.iter().map(|arg| match arg {
            Arg::Text(text) => Item::Text(text),
            Arg::Owned(text) => Item::Text(text),
            Arg::Int(number) => Item::Int(*number),
            Arg::Null => Item::Null,
        });
        let list: Vec<Item<'_>> = std::iter::once(Item::Text(sql)).chain(values).collect();
        // Texts and numbers always have a form in JSON. D1 would refuse an empty statement.
        Self(serde_json::to_string(&list).unwrap_or_default())
    }

    /// Runs it.
    pub(super) async fn all(&self, database: &D1Database) -> Result<D1Result, StorageError> {
        D1Result::read(&text(all(database.as_ref(), &self.0).await)?)
    }
}

/// Runs statements as one transaction.
pub(super) async fn sent(
    database: &D1Database,
    statements: &[Statement],
) -> Result<Vec<D1Result>, StorageError> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let mut list =
        String::with_capacity(statements.iter().map(|it| it.0.len() + 1).sum::<usize>() + 1);
    for statement in statements {
        list.push(if list.is_empty() { '[' } else { ',' });
        list.push_str(&statement.0);
    }
    list.push(']');
    let text = text(batch(database.as_ref(), &list).await)?;
    text.lines().map(D1Result::read).collect()
}

/// What one statement found or changed.
pub struct D1Result {
    /// How many rows it changed.
    pub changes: usize,
    /// Its rows, a list of JSON with an object for each.
    rows: String,
}

impl D1Result {
    /// Of a line as `d1.js` writes it.
    fn read(line: &str) -> Result<Self, StorageError> {
        if let Some(why) = line.strip_prefix('!') {
            return Err(refused(why));
        }
        let result = line.split_once(' ').and_then(|(changes, rows)| {
            Some(Self {
                changes: changes.parse().ok()?,
                rows: rows.to_owned(),
            })
        });
        result.ok_or_else(|| StorageError::database("a result is none"))
    }

    /// Its rows as trees.
    pub(super) fn rows(&self) -> Result<Node<'_>, StorageError> {
        Node::parse(self.rows.as_bytes()).map_err(corrupt)
    }
}

/// What a result says of its statement: one without success failed, whether it says why or not.
#[cold]
fn refused(why: &str) -> StorageError {
    let why: String = ringfence_json::from_str(why).unwrap_or_default();
    StorageError::database(match why.is_empty() {
        true => "D1_ERROR: a statement failed, and D1 does not say why".into(),
        false => why,
    })
}

fn text(answer: Result<JsValue, JsValue>) -> Result<String, StorageError> {
    match answer {
        Ok(text) => Ok(JsString::from(text).into()),
        Err(error) => Err(StorageError::database(words_of(&error))),
    }
}

/// The words of what was thrown.
#[cold]
fn words_of(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => format!("{error:?}"),
    }
}

/// As many results as there were statements.
pub fn exactly<const N: usize>(results: Vec<D1Result>) -> Result<[D1Result; N], StorageError> {
    results
        .try_into()
        .map_err(|_| StorageError::database("a batch lost a result"))
}

/// The rows of one result.
pub fn rows<T: DeserializeOwned>(result: &D1Result) -> Result<Vec<T>, StorageError> {
    let rows = result.rows()?;
    ringfence_json::from_nodes(rows.items().map_err(corrupt)?).map_err(corrupt)
}

/// A value of a row.
pub(super) fn read<T: DeserializeOwned>(node: &Node<'_>) -> Result<T, StorageError> {
    ringfence_json::from_node(node).map_err(corrupt)
}

#[cold]
pub(super) fn corrupt(error: ringfence_json::Error) -> StorageError {
    Corrupt::Json(error).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_sql::args;

    use super::*;

    #[test]
    fn a_statement_is_a_list_of_its_text_and_its_values() {
        let statement = Statement::new(
            "SELECT \"a\" FROM t WHERE b = ?1",
            args!["x\"\n\u{0}ü", -7_i64, String::from("own"), None::<&str>],
        );
        assert_eq!(
            statement.0,
            r#"["SELECT \"a\" FROM t WHERE b = ?1","x\"\n\u0000ü",-7,"own",null]"#
        );
    }

    #[test]
    fn a_result_is_a_count_and_rows() {
        let result = D1Result::read(r#"2 [{"a":1,"b":"x y"}]"#).unwrap();
        assert_eq!(result.changes, 2);
        assert_eq!(result.rows, r#"[{"a":1,"b":"x y"}]"#);
        for none in ["", "2", "x []", "-1 []"] {
            assert!(D1Result::read(none).is_err(), "{none}");
        }
    }

    #[test]
    fn what_has_not_succeeded_has_failed_even_without_words() {
        let error = |line: &str| D1Result::read(line).err().unwrap();
        let error_of_table = error(r#"!"D1_ERROR: no such table""#);
        assert_eq!(error_of_table.to_string(), "D1: D1_ERROR: no such table");
        for silent in ["!", r#"!"""#] {
            let error = error(silent);
            assert!(error.to_string().contains("does not say why"), "{error}");
        }
    }
}
