//! Where the database stands: the number that only grows, as D1 has it.
//!
//! Every claim and every audited change takes it one further in its own transaction. What the number
//! is good for is in [`crate::witness`].

use serde::{Deserialize, Serialize};
use worker::{D1PreparedStatement, D1Result};

use super::{Db, StorageError, rows};
use ringfence_sql::args;

/// Where the database stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// How many steps there were.
    pub number: u64,
    /// Of the last step. Two histories of the same length do not share it.
    pub mark: String,
    /// Of the step before.
    pub previous: String,
    /// How often a restored database was taken into use.
    pub era: u64,
}

/// A step, as it is told to the witness: what an operator needs to know of it should it be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Where the database stood after it.
    pub standing: Standing,
    /// As in the audit log, or `device.claim`.
    pub action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// As in the audit log.
    pub object: String,
    /// Id of the token that did it; empty for a phone.
    pub token: String,
    /// Of the key that was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// Unix milliseconds.
    pub at: u64,
}

/// The statement that reads where the database stands, for a batch.
///
/// # Errors
/// The statement cannot be made.
pub fn statement(db: &Db) -> Result<D1PreparedStatement, StorageError> {
    db.statement(
        "SELECT number, mark, previous, era FROM standing WHERE id = 1",
        &[],
    )
}

/// Reads where the database stands.
///
/// # Errors
/// D1 does not answer.
pub async fn read(db: &Db) -> Result<Standing, StorageError> {
    one(&statement(db)?.all().await?)
}

/// A step further, for the end of a batch.
///
/// # Errors
/// The statement cannot be made.
pub fn advance(db: &Db, mark: &str) -> Result<D1PreparedStatement, StorageError> {
    db.statement(
        "UPDATE standing SET number = number + 1, previous = mark, mark = ?1 WHERE id = 1 \
         RETURNING number, mark, previous, era",
        args![mark],
    )
}

/// The same, if the statement before it in the batch changed a row.
///
/// # Errors
/// The statement cannot be made.
pub fn advance_if_changed(db: &Db, mark: &str) -> Result<D1PreparedStatement, StorageError> {
    db.statement(
        "UPDATE standing SET number = number + 1, previous = mark, mark = ?1 \
         WHERE id = 1 AND changes() > 0 RETURNING number, mark, previous, era",
        args![mark],
    )
}

/// The row of one of the statements above.
///
/// # Errors
/// There is none.
pub fn one(result: &D1Result) -> Result<Standing, StorageError> {
    some(result)?.ok_or_else(|| {
        StorageError("the table `standing` has no row: apply the migrations again".into())
    })
}

/// The row of a step that may not have been taken.
///
/// # Errors
/// The row cannot be read.
pub fn some(result: &D1Result) -> Result<Option<Standing>, StorageError> {
    Ok(rows::<Standing>(result)?.into_iter().next())
}
