//! A thin layer over D1: typed arguments in, typed rows out, one error.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, D1Result, Env};

use super::standing::Step;

/// D1 could not answer. The phone gets a 503 with `Retry-After`, an operator a problem document.
#[derive(Debug, thiserror::Error)]
#[error("storage: {0}")]
pub struct StorageError(pub String);

impl From<worker::Error> for StorageError {
    fn from(error: worker::Error) -> Self {
        Self(error.to_string())
    }
}

impl StorageError {
    /// Whether a UNIQUE constraint on `column` (`table.column`) refused the write.
    pub fn violates_unique(&self, column: &str) -> bool {
        self.0.contains("UNIQUE constraint failed") && self.0.contains(column)
    }

    /// Whether a foreign key refused the write.
    pub fn violates_foreign_key(&self) -> bool {
        self.0.contains("FOREIGN KEY constraint failed")
    }
}

/// A bound parameter. Booleans do not exist in the schema: pass 0 or 1.
pub enum Arg<'a> {
    Text(&'a str),
    Owned(String),
    Int(i64),
    Null,
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}
impl From<String> for Arg<'_> {
    fn from(value: String) -> Self {
        Self::Owned(value)
    }
}
impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u64> for Arg<'_> {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl<'a, T: Into<Arg<'a>>> From<Option<T>> for Arg<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Arg<'_> {
    /// The same value once more, borrowed.
    pub fn reborrow(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::Text(text),
            Self::Owned(text) => Arg::Text(text),
            Self::Int(number) => Arg::Int(*number),
            Self::Null => Arg::Null,
        }
    }

    pub(crate) fn to_js(&self) -> JsValue {
        match self {
            Self::Text(text) => JsValue::from_str(text),
            Self::Owned(text) => JsValue::from_str(text),
            // D1 takes numbers as doubles; every integer here (times, counters) is below 2^53.
            Self::Int(number) => JsValue::from_f64(*number as f64),
            Self::Null => JsValue::NULL,
        }
    }
}

/// Binds a list of values of different types: `args![id, name, 3_i64]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::Arg::from($value)),*] };
}

/// The database binding, and what was written by way of it.
pub struct Db {
    database: D1Database,
    /// What the witness has still to be told.
    steps: RefCell<Vec<Step>>,
}

impl Db {
    /// The binding `DB`.
    pub fn new(env: &Env) -> Result<Self, StorageError> {
        Ok(Self {
            database: env.d1("DB")?,
            steps: RefCell::default(),
        })
    }

    /// Notes a step that was written. Whoever acknowledges it tells the witness first.
    pub(super) fn note(&self, step: Step) {
        self.steps.borrow_mut().push(step);
    }

    /// Whether an audited change was written since the last time.
    pub fn has_steps(&self) -> bool {
        !self.steps.borrow().is_empty()
    }

    /// The steps that were written since the last time.
    pub fn take_steps(&self) -> Vec<Step> {
        self.steps.take()
    }

    /// A statement with its parameters, for [`batch`](Self::batch).
    pub fn statement(&self, sql: &str, args: &[Arg]) -> Result<D1PreparedStatement, StorageError> {
        let values: Vec<JsValue> = args.iter().map(Arg::to_js).collect();
        Ok(self.database.prepare(sql).bind(&values)?)
    }

    /// Every row of a query.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, StorageError> {
        rows(&self.query(sql, args).await?)
    }

    /// What [`rows`](Self::rows) waits for; compiled once, for every type of row.
    async fn query(&self, sql: &str, args: &[Arg<'_>]) -> Result<D1Result, StorageError> {
        Ok(self.statement(sql, args)?.all().await?)
    }

    /// The first row of a query, if any.
    pub async fn row<T: DeserializeOwned>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
    ) -> Result<Option<T>, StorageError> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// The values of a query with one column.
    pub async fn values<T: DeserializeOwned>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, StorageError> {
        let rows: Vec<BTreeMap<String, T>> = self.rows(sql, args).await?;
        Ok(rows.into_iter().flat_map(BTreeMap::into_values).collect())
    }

    /// The first of them, if any.
    pub async fn value<T: DeserializeOwned>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
    ) -> Result<Option<T>, StorageError> {
        Ok(self.values(sql, args).await?.into_iter().next())
    }

    /// Runs a statement; the number of rows it changed.
    pub async fn run(&self, sql: &str, args: &[Arg<'_>]) -> Result<usize, StorageError> {
        changes(&self.statement(sql, args)?.run().await?)
    }

    /// Runs statements as one transaction: all of them, or none.
    pub async fn batch(
        &self,
        statements: Vec<D1PreparedStatement>,
    ) -> Result<Vec<D1Result>, StorageError> {
        let results = self.database.batch(statements).await?;
        for result in &results {
            check(result)?;
        }
        Ok(results)
    }
}

/// The rows of one result.
pub fn rows<T: DeserializeOwned>(result: &D1Result) -> Result<Vec<T>, StorageError> {
    check(result)?;
    // By way of `Value`: one conversion from JavaScript for all types, not one for each, which is
    // a sixth of the module.
    result
        .results::<serde_json::Value>()?
        .into_iter()
        .map(|row| serde_json::from_value(row).map_err(|error| StorageError(error.to_string())))
        .collect()
}

/// How many rows a result's statement changed.
pub fn changes(result: &D1Result) -> Result<usize, StorageError> {
    check(result)?;
    Ok(result
        .meta()?
        .and_then(|meta| meta.changes)
        .unwrap_or_default())
}

fn check(result: &D1Result) -> Result<(), StorageError> {
    outcome(result.success(), result.error())
}

/// What a result says of its statement: one without success failed, whether it says why or not.
fn outcome(success: bool, error: Option<String>) -> Result<(), StorageError> {
    if success {
        return Ok(());
    }
    let why = error.filter(|text| !text.is_empty());
    Err(StorageError(why.unwrap_or_else(|| {
        "D1_ERROR: a statement failed, and D1 does not say why".into()
    })))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_has_not_succeeded_has_failed_even_without_words() {
        assert!(outcome(true, None).is_ok());
        let told = outcome(false, Some("D1_ERROR: no such table".into())).unwrap_err();
        assert_eq!(told.0, "D1_ERROR: no such table");
        for silent in [None, Some(String::new())] {
            let error = outcome(false, silent).unwrap_err();
            assert!(error.0.contains("does not say why"), "{}", error.0);
        }
    }
}
