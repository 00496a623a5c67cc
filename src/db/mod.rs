//! A thin layer over D1: typed arguments in, typed rows out, one error. It also sees to it that the schema is the one
//! that the statements are written for ([`migrations`]).

mod error;
pub mod migrations;
pub mod object;

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use ringfence_json::{Node, Owned};
use ringfence_sql::Arg;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Context, D1Database, D1PreparedStatement, D1Result, Env};

use crate::model::standing::Step;

pub use self::error::{SchemaError, StorageError};

/// A bound value as JavaScript sees it.
pub fn to_js(arg: &Arg<'_>) -> JsValue {
    match arg {
        Arg::Text(text) => JsValue::from_str(text),
        Arg::Owned(text) => JsValue::from_str(text),
        // D1 takes numbers as doubles; every integer here (times, counters) is below 2^53.
        Arg::Int(number) => JsValue::from_f64(*number as f64),
        Arg::Null => JsValue::NULL,
    }
}

/// A statement with its parameters. Only [`Db`] runs it, which sees to the schema first.
#[derive(Clone)]
pub struct Statement(D1PreparedStatement);

fn prepared(
    database: &D1Database,
    sql: &str,
    args: &[Arg],
) -> Result<D1PreparedStatement, StorageError> {
    let values: Vec<JsValue> = args.iter().map(to_js).collect();
    Ok(database.prepare(sql).bind(&values)?)
}

/// The database binding, and what was written by way of it.
pub struct Db {
    database: Rc<D1Database>,
    /// What keeps work alive whose request is given up.
    context: Option<Rc<Context>>,
    /// The steps that are still to be reported to the witness.
    steps: RefCell<Vec<Step>>,
}

impl Db {
    /// The binding `DB`.
    pub fn new(env: &Env) -> Result<Self, StorageError> {
        Ok(Self {
            database: Rc::new(env.d1("DB")?),
            context: None,
            steps: RefCell::default(),
        })
    }

    /// The same for a request, which its client may give up at any time.
    pub fn of_request(env: &Env, context: Rc<Context>) -> Result<Self, StorageError> {
        Ok(Self {
            context: Some(context),
            ..Self::new(env)?
        })
    }

    /// Records a step that was written. Whoever acknowledges it reports it to the witness first.
    pub(super) fn record_step(&self, step: Step) {
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

    /// A statement with its parameters, for [`all`](Self::all) and [`batch`](Self::batch).
    pub fn statement(&self, sql: &str, args: &[Arg]) -> Result<Statement, StorageError> {
        prepared(&self.database, sql, args).map(Statement)
    }

    /// Every row of a query.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, StorageError> {
        rows(&self.all(self.statement(sql, args)?).await?)
    }

    /// Runs one statement; compiled once, for every type of row.
    pub async fn all(&self, statement: Statement) -> Result<D1Result, StorageError> {
        if migrations::is_known()? {
            return watched(statement.0.all().await.map_err(StorageError::from));
        }
        let [result] = exactly(self.guarded(vec![statement.0]).await?)?;
        Ok(result)
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
        let rows = nodes(&self.all(self.statement(sql, args)?).await?)?;
        rows.iter().flat_map(Node::values).map(read).collect()
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
        changes(&self.all(self.statement(sql, args)?).await?)
    }

    /// Runs statements as one transaction: all of them, or none.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<D1Result>, StorageError> {
        let statements = statements.into_iter().map(|it| it.0).collect();
        match migrations::is_known()? {
            true => watched(sent(&self.database, statements).await),
            false => self.guarded(statements).await,
        }
    }

    /// Runs statements while this isolate does not know whether the schema is current: as one transaction with what
    /// tells it. Where the schema is not, none of them has run; it is brought up to date, and they run then.
    async fn guarded(
        &self,
        statements: Vec<D1PreparedStatement>,
    ) -> Result<Vec<D1Result>, StorageError> {
        let mut all = vec![migrations::guard(&self.database)?];
        all.extend(statements.iter().cloned());
        match sent(&self.database, all).await {
            Ok(results) => {
                let mut results = results.into_iter();
                if let Some(found) = results.next() {
                    migrations::note(&found)?;
                }
                Ok(results.collect())
            }
            Err(error) if migrations::is_missing(&error) => {
                self.migrate().await?;
                sent(&self.database, statements).await
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the schema up to date. A phone that gives up ends its request and all that it waits for: what is begun
    /// here goes on without it.
    async fn migrate(&self) -> Result<(), StorageError> {
        let Some(context) = &self.context else {
            return migrations::apply(&self.database).await;
        };
        let outcome = Rc::new(RefCell::new(None));
        let (database, place) = (Rc::clone(&self.database), Rc::clone(&outcome));
        let work = future_to_promise(AssertUnwindSafe(async move {
            let done = migrations::apply(&database).await;
            place.replace(Some(done));
            Ok(JsValue::UNDEFINED)
        }));
        let kept = JsFuture::from(work.clone());
        context.wait_until(async move {
            kept.await.ok();
        });
        let ended = JsFuture::from(work).await;
        ended.map_err(|error| StorageError::database(format!("{error:?}")))?;
        outcome
            .take()
            .unwrap_or_else(|| Err(SchemaError::Migrating.into()))
    }

    /// The same for a number of statements that is known.
    pub async fn batch_of<const N: usize>(
        &self,
        statements: [Statement; N],
    ) -> Result<[D1Result; N], StorageError> {
        exactly(self.batch(statements.into()).await?)
    }
}

/// Runs statements as one transaction.
async fn sent(
    database: &D1Database,
    statements: Vec<D1PreparedStatement>,
) -> Result<Vec<D1Result>, StorageError> {
    let results = database.batch(statements).await?;
    for result in &results {
        check(result)?;
    }
    Ok(results)
}

/// What an isolate that knew the schema takes from a failure: perhaps it knows no longer.
fn watched<T>(result: Result<T, StorageError>) -> Result<T, StorageError> {
    result.inspect_err(|error| {
        migrations::is_missing(error);
    })
}

/// As many results as there were statements.
pub fn exactly<const N: usize>(results: Vec<D1Result>) -> Result<[D1Result; N], StorageError> {
    results
        .try_into()
        .map_err(|_| StorageError::database("a batch lost a result"))
}

/// The rows of one result.
pub fn rows<T: DeserializeOwned>(result: &D1Result) -> Result<Vec<T>, StorageError> {
    ringfence_json::from_nodes(&nodes(result)?).map_err(corrupt)
}

/// The rows of one result as trees: one conversion from JavaScript for all types, not one for each, which is
/// a sixth of the module.
fn nodes(result: &D1Result) -> Result<Vec<Node<'static>>, StorageError> {
    check(result)?;
    let rows: Vec<Owned> = result.results()?;
    Ok(rows.into_iter().map(|Owned(row)| row).collect())
}

fn read<T: DeserializeOwned>(node: &Node<'_>) -> Result<T, StorageError> {
    ringfence_json::from_node(node).map_err(corrupt)
}

#[cold]
fn corrupt(error: ringfence_json::Error) -> StorageError {
    StorageError::Corrupt(error.to_string())
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
    Err(StorageError::database(why.unwrap_or_else(|| {
        "D1_ERROR: a statement failed, and D1 does not say why".into()
    })))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::db::*;

    #[test]
    fn what_has_not_succeeded_has_failed_even_without_words() {
        assert!(outcome(true, None).is_ok());
        let error = outcome(false, Some("D1_ERROR: no such table".into())).unwrap_err();
        assert_eq!(error.to_string(), "D1: D1_ERROR: no such table");
        for silent in [None, Some(String::new())] {
            let error = outcome(false, silent).unwrap_err();
            assert!(error.to_string().contains("does not say why"), "{error}");
        }
    }
}
