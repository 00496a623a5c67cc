//! What can go wrong with what is stored.

/// Storage could not do what was asked. A phone gets 503 with `Retry-After`, an operator a problem
/// document that says which of these it was.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// D1 does not answer, or refuses a statement.
    #[error("D1: {0}")]
    Database(DbError),
    /// KV does not answer.
    #[error("KV: {0}")]
    Cache(String),
    /// What is stored is not what this program writes, or does not open under the master keys in use.
    #[error("stored data: {0}")]
    Corrupt(#[from] Corrupt),
    /// The deployment lacks something.
    #[error("configuration: {0}")]
    Config(String),
    /// The schema is not the one that the statements are written for.
    #[error("schema: {0}")]
    Schema(#[from] SchemaError),
    /// Nobody says that the database was not put back to an earlier point.
    #[error("witness: {0}")]
    Unvouched(String),
}

impl StorageError {
    /// What D1 says.
    pub fn database(text: impl Into<String>) -> Self {
        Self::Database(DbError::new(text.into()))
    }

    /// The constraint that refused a statement, if one did.
    pub fn constraint(&self) -> Option<&Constraint> {
        match self {
            Self::Database(error) => error.constraint.as_ref(),
            _ => None,
        }
    }

    /// Whether a UNIQUE constraint on `column` (`table.column`) refused the write.
    pub fn violates_unique(&self, column: &str) -> bool {
        matches!(self.constraint(), Some(Constraint::Unique(columns)) if columns.iter().any(|it| it == column))
    }

    /// Whether a NOT NULL constraint refused the write, by its column (`table.column`): the guards of
    /// changes are such.
    pub fn violates_not_null(&self) -> Option<&str> {
        match self.constraint() {
            Some(Constraint::NotNull(column)) => Some(column),
            _ => None,
        }
    }

    /// Whether a foreign key refused the write.
    pub fn violates_foreign_key(&self) -> bool {
        self.constraint() == Some(&Constraint::ForeignKey)
    }
}

impl From<worker::Error> for StorageError {
    fn from(error: worker::Error) -> Self {
        Self::database(error.to_string())
    }
}

/// Why the schema is not yet the one of this Worker. Anybody may read it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    #[error("the database is being brought up to date")]
    Migrating,
    #[error("the migration {step} could not be applied")]
    Failed { step: String },
}

/// What is wrong with what is stored. The words name rows, and no secret.
#[derive(Debug, thiserror::Error)]
pub enum Corrupt {
    /// Rows, KV's names or a parameter's JSON.
    #[error(transparent)]
    Json(#[from] ringfence_json::Error),
    #[error(transparent)]
    Parameter(#[from] serde_json::Error),
    #[error("options of tenant {tenant}: {why}")]
    TenantOptions {
        tenant: String,
        why: ringfence_json::Error,
    },
    #[error("limits of tenant {tenant}: {why}")]
    TenantLimits {
        tenant: String,
        why: ringfence_json::Error,
    },
    #[error("an operation's action: {0}")]
    OperationAction(ringfence_json::Error),
    #[error("an operation's secrets do not open")]
    OperationSecrets,
    #[error("certificate {name}: {why}")]
    Certificate {
        name: String,
        why: base64::DecodeError,
    },
    /// Something wrapped, by its identity.
    #[error("{0} does not open")]
    Wrapped(String),
    #[error("the device has no sealing profile")]
    NoProfile,
    /// What a device's file is made from, or the key that it is sealed with.
    #[error(transparent)]
    File(Box<dyn std::error::Error>),
    #[error("an aggregate has no row")]
    NoAggregate,
    #[error("the table `standing` has no row: apply the migrations again")]
    NoStanding,
}

/// What D1 says of a statement.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct DbError {
    text: String,
    constraint: Option<Constraint>,
}

/// A constraint of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// By its columns, `table.column`.
    Unique(Vec<String>),
    /// By its column, `table.column`.
    NotNull(String),
    ForeignKey,
}

impl DbError {
    fn new(text: String) -> Self {
        let constraint = constraint_in(&text);
        Self { text, constraint }
    }
}

/// What SQLite calls a constraint that does not hold: `UNIQUE constraint failed: a.b, a.c`.
fn constraint_in(text: &str) -> Option<Constraint> {
    if text.contains("FOREIGN KEY constraint failed") {
        return Some(Constraint::ForeignKey);
    }
    let columns = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        let list = rest.split([':', '\n']).next()?;
        Some(list.split(',').map(|column| column.trim().to_owned()))
    };
    if let Some(columns) = columns("UNIQUE constraint failed: ") {
        return Some(Constraint::Unique(columns.collect()));
    }
    let mut columns = columns("NOT NULL constraint failed: ")?;
    columns.next().map(Constraint::NotNull)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::db::error::*;

    #[test]
    fn a_constraint_is_known_by_its_columns() {
        let unique = StorageError::database(
            "D1_ERROR: UNIQUE constraint failed: sites.tenant_id, sites.name: SQLITE_CONSTRAINT",
        );
        assert!(unique.violates_unique("sites.name") && unique.violates_unique("sites.tenant_id"));
        assert!(!unique.violates_unique("sites.nam") && !unique.violates_foreign_key());
        let guard = StorageError::database(
            "D1_ERROR: NOT NULL constraint failed: tenants.seq: SQLITE_CONSTRAINT",
        );
        assert_eq!(guard.violates_not_null(), Some("tenants.seq"));
        assert!(
            StorageError::database("D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT")
                .violates_foreign_key()
        );
        let lost = StorageError::database("D1_ERROR: Network connection lost.");
        assert_eq!(lost.constraint(), None);
        assert_eq!(lost.to_string(), "D1: D1_ERROR: Network connection lost.");
    }
}
