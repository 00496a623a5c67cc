//! Where the database stands: the number that only grows, as D1 has it.
//!
//! Every claim and every audited change takes it one further in its own transaction. What the number
//! is good for is in [`crate::witness`].

use ringfence_sql::args;
use serde::de::DeserializeOwned;

use crate::db::{Corrupt, D1Result, Db, Statement, StorageError, rows};
use crate::model::standing::Standing;

/// The statement that reads where the database stands, for a batch.
pub fn statement() -> Statement {
    Statement::new(
        "SELECT number, mark, previous, era FROM standing WHERE id = 1",
        &[],
    )
}

/// Reads where the database stands.
pub async fn read(db: &Db) -> Result<Standing, StorageError> {
    one(&db.all(statement()).await?)
}

/// A row by one value, and where the database stands, for D1 alone vouches for it.
pub async fn row_vouched<T: DeserializeOwned>(
    db: &Db,
    sql: &str,
    value: &str,
) -> Result<(Option<T>, Standing), StorageError> {
    let statements = [Statement::new(sql, args![value]), statement()];
    let [row, standing] = db.batch_of(statements).await?;
    Ok((rows(&row)?.into_iter().next(), one(&standing)?))
}

/// A step further, for the end of a batch.
pub fn advance(mark: &str) -> Statement {
    Statement::new(
        "UPDATE standing SET number = number + 1, previous = mark, mark = ?1 WHERE id = 1 \
         RETURNING number, mark, previous, era",
        args![mark],
    )
}

/// The same, if the statement before it in the batch changed a row.
pub fn advance_if_changed(mark: &str) -> Statement {
    Statement::new(
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
    some(result)?.ok_or_else(|| Corrupt::NoStanding.into())
}

/// The row of a step that may not have been taken.
///
/// # Errors
/// The row cannot be read.
pub fn some(result: &D1Result) -> Result<Option<Standing>, StorageError> {
    Ok(rows::<Standing>(result)?.into_iter().next())
}
