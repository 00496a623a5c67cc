//! A thin layer over D1: typed arguments in, typed rows out, one error. It also sees to it that the schema is the one
//! that the statements are written for ([`migrations`]).

mod d1;
mod error;
pub mod migrations;
pub mod object;

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use ringfence_json::Node;
use ringfence_sql::Arg;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Context, D1Database, Env};

use crate::model::standing::Step;
use d1::{corrupt, read};

pub use self::d1::{D1Result, Statement, exactly, rows};
pub use self::error::{Corrupt, SchemaError, StorageError};

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

    /// The same for another request, which its client may give up at any time: steps that were written are each one's own.
    pub fn of_request(&self, context: Rc<Context>) -> Self {
        Self {
            database: Rc::clone(&self.database),
            context: Some(context),
            steps: RefCell::default(),
        }
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

    /// Every row of a query.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
    ) -> Result<Vec<T>, StorageError> {
        rows(&self.all(Statement::new(sql, args)).await?)
    }

    /// Runs one statement; compiled once, for every type of row.
    pub async fn all(&self, statement: Statement) -> Result<D1Result, StorageError> {
        if migrations::is_known()? {
            return watched(statement.all(&self.database).await);
        }
        let [result] = exactly(self.guarded(vec![statement]).await?)?;
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
        let result = self.all(Statement::new(sql, args)).await?;
        let rows = result.rows()?;
        let rows = rows.items().map_err(corrupt)?;
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
        Ok(self.all(Statement::new(sql, args)).await?.changes)
    }

    /// Runs statements as one transaction: all of them, or none.
    pub async fn batch(&self, statements: Vec<Statement>) -> Result<Vec<D1Result>, StorageError> {
        match migrations::is_known()? {
            true => watched(d1::sent(&self.database, &statements).await),
            false => self.guarded(statements).await,
        }
    }

    /// Runs statements while this isolate does not know whether the schema is current: as one transaction with what
    /// tells it. Where the schema is not, none of them has run; it is brought up to date, and they run then.
    async fn guarded(&self, statements: Vec<Statement>) -> Result<Vec<D1Result>, StorageError> {
        let mut all = vec![migrations::guard()];
        all.extend(statements);
        match d1::sent(&self.database, &all).await {
            Ok(results) => {
                let mut results = results.into_iter();
                if let Some(found) = results.next() {
                    migrations::record(&found)?;
                }
                Ok(results.collect())
            }
            Err(error) if migrations::is_missing(&error) => {
                self.migrate().await?;
                d1::sent(&self.database, all.get(1..).unwrap_or_default()).await
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

/// What an isolate that knew the schema takes from a failure: perhaps it knows no longer.
fn watched<T>(result: Result<T, StorageError>) -> Result<T, StorageError> {
    result.inspect_err(|error| {
        migrations::is_missing(error);
    })
}
