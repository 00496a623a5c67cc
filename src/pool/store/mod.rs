//! The object's SQLite: the trait behind which it is, its schema, and every statement.
//!
//! Heap stays small because nothing is held but the rows in hand: every query that could return
//! many has a LIMIT, and an index for its order.

mod attempts;
mod jobs;
mod meta;
mod networks;
mod relays;
mod rollouts;
mod schema;

#[cfg(test)]
pub(crate) mod testing;

use serde::de::DeserializeOwned;

pub use attempts::Attempt;
pub use jobs::{JobFilter, NewJob};
pub(in crate::pool) use networks::NetworkPace;
pub use relays::RelayRow;
pub use rollouts::{RolloutRow, TallyRow};

use crate::store::Arg;

/// SQLite did not do it.
#[derive(Debug, thiserror::Error)]
#[error("sqlite: {0}")]
pub struct SqlError(pub String);

/// One SQLite database, used from one thread. Rows are read by the names of their columns.
pub trait Sql {
    /// Runs one statement and reads every row.
    ///
    /// # Errors
    /// The statement failed, or a row does not fit `T`.
    fn rows<T: DeserializeOwned>(&self, sql: &str, args: &[Arg]) -> Result<Vec<T>, SqlError>;

    /// Runs one statement.
    ///
    /// # Errors
    /// The statement failed.
    fn run(&self, sql: &str, args: &[Arg]) -> Result<(), SqlError>;
}

/// The tables over a database. Cheap: it holds nothing else.
pub struct Store<S> {
    sql: S,
}

impl<S: Sql> Store<S> {
    /// Opens the tables, bringing them up to date.
    ///
    /// # Errors
    /// SQLite failed.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        let store = Self { sql };
        store.migrate()?;
        Ok(store)
    }

    fn row<T: DeserializeOwned>(&self, sql: &str, args: &[Arg]) -> Result<Option<T>, SqlError> {
        Ok(self.sql.rows(sql, args)?.into_iter().next())
    }

    /// The first row of a query with the one column `n`.
    fn number(&self, sql: &str, args: &[Arg]) -> Result<Option<u64>, SqlError> {
        #[derive(serde::Deserialize)]
        struct Number {
            n: Option<u64>,
        }
        Ok(self.row::<Number>(sql, args)?.and_then(|row| row.n))
    }
}
