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

use ringfence_sql::{Arg, Sql, SqlError};
use serde::de::DeserializeOwned;

pub use attempts::Attempt;
pub use jobs::{JobFilter, NewJob};
pub(crate) use networks::NetworkPace;
pub use relays::RelayRow;
pub use rollouts::{RolloutRow, TallyRow};

/// The tables over a database. Cheap: it holds nothing else.
pub struct Store<S> {
    sql: S,
}

impl<S: Sql> Store<S> {
    /// Opens the tables, bringing them up to date.
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
