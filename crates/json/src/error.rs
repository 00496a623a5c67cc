//! What is wrong with a document, and where.

use std::fmt;

use serde::de::{Expected, Unexpected};
use serde_json::error::Category;

/// A document that is no JSON, or does not fit the type that it is read as.
pub struct Error(Box<Inner>);

struct Inner {
    what: String,
    /// From the inside to the outside.
    path: Vec<String>,
    category: Category,
}

impl Error {
    fn new(what: String, category: Category) -> Self {
        let path = Vec::new();
        Self(Box::new(Inner {
            what,
            path,
            category,
        }))
    }

    pub(crate) fn syntax(error: &serde_json::Error) -> Self {
        Self::new(error.to_string(), error.classify())
    }

    /// The same error one step further out.
    #[cold]
    #[inline(never)]
    pub(crate) fn within(mut self, step: String) -> Self {
        self.0.path.push(step);
        self
    }

    /// What is wrong. It may quote a value.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// The names and places that lead to what is wrong, as the document writes them; none where all of it is meant, or
    /// where it is no JSON.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.0.path.iter().rev().map(String::as_str)
    }

    /// Whether it is JSON that does not fit the type.
    pub fn is_data(&self) -> bool {
        self.0.category == Category::Data
    }

    /// Whether the text ends early.
    pub fn is_eof(&self) -> bool {
        self.0.category == Category::Eof
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        for (at, step) in self.path().enumerate() {
            f.write_str(if at == 0 { " at `" } else { "." })?;
            f.write_str(step)?;
        }
        if self.0.path.is_empty() {
            return Ok(());
        }
        f.write_str("`")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?})", self.to_string())
    }
}

impl std::error::Error for Error {}

impl serde::de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self::new(what.to_string(), Category::Data)
    }

    #[cold]
    #[inline(never)]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => {
                Self::custom(format_args!("invalid type: null, expected {expected}"))
            }
            found => Self::custom(format_args!("invalid type: {found}, expected {expected}")),
        }
    }

    #[cold]
    #[inline(never)]
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => {
                Self::custom(format_args!("invalid value: null, expected {expected}"))
            }
            found => Self::custom(format_args!("invalid value: {found}, expected {expected}")),
        }
    }
}
