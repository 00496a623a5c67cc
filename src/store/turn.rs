//! The turn of a device in an operation, which a change takes in its own transaction.

use ringfence_sql::args;

use crate::db::{Statement, StorageError};

/// The turn of a device in an operation: it is changed once, and only while the operation goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub operation_id: String,
    /// Its place in the selection.
    pub number: u64,
    /// When it is taken, in Unix milliseconds.
    pub at: u64,
}

/// Takes the turn of a device, in the transaction of its change: unless it waits, and the operation goes on by
/// the right of a token that is still there, nothing of the change is written.
const TAKE: &str = "UPDATE operation_devices SET at = ?3, outcome = CASE WHEN outcome = 'waiting' \
     AND EXISTS (SELECT 1 FROM operations o WHERE o.id = ?1 AND o.state = 'running' AND (o.token_hash <> '' \
     OR EXISTS (SELECT 1 FROM tokens t WHERE t.id = o.token_id AND (t.expires_at IS NULL OR ?3 < t.expires_at)))) \
     THEN 'applied' END WHERE operation_id = ?1 AND number = ?2";

impl Turn {
    /// What takes it, in a change.
    pub(super) fn take(&self) -> Statement {
        Statement::new(TAKE, args![&self.operation_id, self.number, self.at])
    }
}

/// Whether an error says that it was not the turn of a device.
pub(super) fn is_over(error: &StorageError) -> bool {
    error.violates_not_null() == Some("operation_devices.outcome")
}
