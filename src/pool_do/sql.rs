//! The object's SQLite behind [`Sql`].
//!
//! Rows go through JSON, because every type of a row is read from JSON elsewhere anyway: a second
//! reader for each, of JavaScript objects, made the module a tenth larger.

use js_sys::{Array, JSON};
use serde::de::DeserializeOwned;
use worker::wasm_bindgen::JsValue;
use worker::{SqlCursor, SqlStorage};

use crate::pool::store::{Sql, SqlError};
use crate::store::Arg;

pub struct ObjectSql(pub SqlStorage);

impl ObjectSql {
    fn cursor(&self, sql: &str, args: &[Arg]) -> Result<SqlCursor, SqlError> {
        let values: Vec<JsValue> = args.iter().map(Arg::to_js).collect();
        self.0
            .exec_raw(sql, values)
            .map_err(|error| SqlError(error.to_string()))
    }
}

impl Sql for ObjectSql {
    fn rows<T: DeserializeOwned>(&self, sql: &str, args: &[Arg]) -> Result<Vec<T>, SqlError> {
        let rows = Array::new();
        // Never `one()`: on no row it hangs the request and resets the instance.
        for row in self.cursor(sql, args)? {
            rows.push(&row.map_err(|error| SqlError(error.to_string()))?);
        }
        if rows.length() == 0 {
            return Ok(Vec::new());
        }
        let text = JSON::stringify(&rows).map_err(|error| SqlError(format!("{error:?}")))?;
        serde_json::from_str(&String::from(text)).map_err(|error| SqlError(error.to_string()))
    }

    fn run(&self, sql: &str, args: &[Arg]) -> Result<(), SqlError> {
        // A statement runs to its end as its rows are read: one that returns none is done.
        self.cursor(sql, args).map(drop)
    }
}
