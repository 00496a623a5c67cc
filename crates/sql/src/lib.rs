//! SQLite as a trait, the values that are bound to its statements, and scripts as the statements that they have.
//!
//! The crate does no I/O. The Worker implements [`Sql`] for the storage of a Durable Object; tests use
//! `Memory` (feature `memory`), so that they run the very statements that run in production.

#[cfg(feature = "memory")]
mod memory;
mod script;

use serde::de::DeserializeOwned;

#[cfg(feature = "memory")]
pub use memory::Memory;
pub use script::statements;

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
    fn run(&self, sql: &str, args: &[Arg]) -> Result<(), SqlError>;
}

/// A value bound to a statement. The schemas have no booleans: one is bound as 0 or 1.
pub enum Arg<'a> {
    Text(&'a str),
    Owned(String),
    Int(i64),
    Null,
}

/// Binds a list of values of different types: `args![id, name, 3_i64]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::Arg::from($value)),*] };
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}
impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}
impl From<String> for Arg<'_> {
    fn from(value: String) -> Self {
        Self::Owned(value)
    }
}
impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<u64> for Arg<'_> {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl<'a, T: Into<Arg<'a>>> From<Option<T>> for Arg<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Arg<'_> {
    /// The same value once more, borrowed.
    pub fn reborrow(&self) -> Arg<'_> {
        match self {
            Self::Text(text) => Arg::Text(text),
            Self::Owned(text) => Arg::Text(text),
            Self::Int(number) => Arg::Int(*number),
            Self::Null => Arg::Null,
        }
    }
}
