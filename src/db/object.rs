//! The object's SQLite behind [`Sql`].
//!
//! Rows go through JSON, because every type of a row is read from JSON elsewhere anyway: a second
//! reader for each, of JavaScript objects, made the module a tenth larger.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use js_sys::{Array, Function, JSON, Reflect};
use ringfence_queue::store::Store;
use ringfence_sql::{Arg, Sql, SqlError};
use serde::de::DeserializeOwned;
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{SqlCursor, SqlStorage, State};

/// Opens the tables. A step of the schema that fails leaves nothing of itself: all of it is in one
/// transaction, which SQL alone cannot begin here.
pub fn open(state: &State) -> Result<Store<ObjectSql>, SqlError> {
    let failed = |error: JsValue| SqlError(format!("{error:?}"));
    let storage = state.as_raw().storage().map_err(failed)?;
    let transaction: Function = Reflect::get(&storage, &"transactionSync".into())
        .and_then(JsCast::dyn_into)
        .map_err(failed)?;
    let sql = ObjectSql(state.storage().sql());
    let opened = Rc::new(RefCell::new(None));
    let place = Rc::clone(&opened);
    let work = Closure::once_into_js(AssertUnwindSafe(move || -> Result<(), JsValue> {
        let store = Store::open(sql).map_err(|error| JsValue::from(error.0))?;
        *place.borrow_mut() = Some(store);
        Ok(())
    }));
    transaction.call1(&storage, &work).map_err(failed)?;
    let store = opened.borrow_mut().take();
    store.ok_or_else(|| SqlError("the transaction did not run".into()))
}

/// A bound value as JavaScript sees it.
fn to_js(arg: &Arg<'_>) -> JsValue {
    match arg {
        Arg::Text(text) => JsValue::from_str(text),
        Arg::Owned(text) => JsValue::from_str(text),
        // It takes numbers as doubles; every integer here (times, counters) is below 2^53.
        Arg::Int(number) => JsValue::from_f64(*number as f64),
        Arg::Null => JsValue::NULL,
    }
}

pub struct ObjectSql(pub SqlStorage);

impl ObjectSql {
    fn cursor(&self, sql: &str, args: &[Arg]) -> Result<SqlCursor, SqlError> {
        let values: Vec<JsValue> = args.iter().map(to_js).collect();
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
        ringfence_json::list_from_str(&String::from(text))
            .map_err(|error| SqlError(error.to_string()))
    }

    fn run(&self, sql: &str, args: &[Arg]) -> Result<(), SqlError> {
        // A statement runs to its end as its rows are read: one that returns none is done.
        self.cursor(sql, args).map(drop)
    }
}
