//! SQLite for the tests: a database in memory, or in a file where an object is to be woken again.
//! Integers are bound as floating point, as the Durable Object does it.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use ringfence_json::Node;
use rusqlite::types::{Value, ValueRef};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::{Arg, Sql, SqlError};

#[derive(Clone)]
pub struct Memory(
    pub Rc<rusqlite::Connection>,
    /// Every statement that was run.
    Rc<RefCell<BTreeSet<String>>>,
);

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    pub fn new() -> Self {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        Self(Rc::new(connection), Rc::default())
    }

    /// How SQLite would run a statement, step by step.
    pub fn plan(&self, sql: &str) -> Vec<String> {
        let mut statement = self
            .0
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let nothing = vec![Value::Null; statement.parameter_count()];
        let steps = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3));
        steps.unwrap().map(Result::unwrap).collect()
    }

    /// Statements so far that read a whole table, or sort what they read, each with its plan.
    pub fn scans(&self) -> Vec<String> {
        let mut scans = Vec::new();
        for sql in self.1.borrow().iter() {
            if !["SELECT", "UPDATE", "DELETE"]
                .iter()
                .any(|verb| sql.starts_with(verb))
            {
                continue;
            }
            for step in self.plan(sql) {
                let whole = step.starts_with("SCAN")
                    && !step.contains("INDEX")
                    && !step.contains("json_each")
                    && !step.contains("subquery")
                    // So is called what a statement makes of a list that it is given.
                    && !step.starts_with("SCAN list")
                    && !step.contains("CONSTANT ROW");
                if whole || step.contains("TEMP B-TREE") {
                    scans.push(format!("{step}: {sql}"));
                }
            }
        }
        scans
    }
}

fn failed(error: impl ToString) -> SqlError {
    SqlError(error.to_string())
}

impl Sql for Memory {
    fn rows<T: DeserializeOwned>(&self, sql: &str, args: &[Arg]) -> Result<Vec<T>, SqlError> {
        self.1.borrow_mut().insert(sql.to_owned());
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let names: Vec<String> = statement
            .column_names()
            .iter()
            .map(|&name| name.to_owned())
            .collect();
        let values = args.iter().map(|arg| match arg {
            Arg::Text(text) => Value::Text((*text).to_owned()),
            Arg::Owned(text) => Value::Text(text.clone()),
            Arg::Int(number) => Value::Real(*number as f64),
            Arg::Null => Value::Null,
        });
        let mut rows = statement
            .query(rusqlite::params_from_iter(values))
            .map_err(failed)?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let mut members = Vec::new();
            for (n, name) in names.iter().enumerate() {
                let value = match row.get_ref(n).map_err(failed)? {
                    ValueRef::Null => Node::Null,
                    ValueRef::Integer(number) => match u64::try_from(number) {
                        Ok(number) => Node::Positive(number),
                        Err(_) => Node::Negative(number),
                    },
                    ValueRef::Real(number) => Node::Float(number),
                    ValueRef::Text(text) => Node::Text(String::from_utf8_lossy(text)),
                    ValueRef::Blob(_) => return Err(SqlError("a blob".into())),
                };
                members.push((Node::Word(name.as_str().into()), value));
            }
            out.push(ringfence_json::from_node(&Node::Object(members)).map_err(failed)?);
        }
        Ok(out)
    }

    fn run(&self, sql: &str, args: &[Arg]) -> Result<(), SqlError> {
        self.rows::<IgnoredAny>(sql, args).map(drop)
    }
}
