//! The object's SQLite behind [`Sql`].

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
        // Never `one()`: on no row it hangs the request and resets the instance.
        self.cursor(sql, args)?
            .to_array()
            .map_err(|error| SqlError(error.to_string()))
    }

    fn run(&self, sql: &str, args: &[Arg]) -> Result<(), SqlError> {
        // A statement runs to its end as its rows are read: one that returns none is done.
        self.cursor(sql, args).map(drop)
    }
}
