//! The witness: a Durable Object that knows how far the database has come, so that a database which
//! was put back to an earlier point is noticed before it gives out what was taken since.
//!
//! D1 counts its steps, claims and audited changes, in the transaction of each
//! ([`crate::store::standing`]). Before a step is acknowledged, before the bytes of a bootstrap go out
//! or an operator reads 200, it is reported to the witness. Whoever believes D1 about something that may
//! have been taken or removed compares D1's number with the witness's: [`vouch`].
//!
//! *Invariant:* what was acknowledged was witnessed. So a database that is behind the witness has lost
//! something that somebody relies on; then it vouches for nothing: 503, until an operator has called
//! `POST /api/v1/restored`. A database ahead of the witness has written a step that was not
//! acknowledged yet, or never will be, because its request was cut off.
//!
//! One object for the deployment, because a restore concerns all of the database. It costs a call for
//! each step, which D1, itself one writer, bounds; and one for each isolate in [`client::KEPT_MS`].

mod client;
mod messages;
mod record;
mod witness_do;

use crate::db::{StorageError, migrations};
use crate::http::problem::{Problem, ProblemKind};
use crate::model::standing::Standing;
use crate::platform::log;

pub use client::{ask, report, vouch, vouch_now};
pub use messages::{KnownStanding, WitnessCall, WitnessReply};
pub use record::WitnessRecord;

/// How many versions one era of a database has; the next era begins after them. No tenant has as many
/// changes in the time to which D1 can be put back (30 days).
pub const ERA: u64 = 1_000_000_000;

/// Whether two versions are of the same era.
pub fn is_same_era(one: u64, other: u64) -> bool {
    one / ERA == other / ERA
}

/// The database cannot be believed.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error(
        "the database was put back to an earlier point: it stands at {database}, and {witnessed} was witnessed"
    )]
    Behind { database: u64, witnessed: u64 },
    #[error("the witness does not answer: {0}")]
    Unreachable(String),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<WitnessError> for StorageError {
    fn from(error: WitnessError) -> Self {
        Self::Unvouched(error.to_string())
    }
}

impl From<WitnessError> for Problem {
    fn from(error: WitnessError) -> Self {
        match error {
            WitnessError::Behind { .. } => Self {
                internal: Some(error.to_string()),
                ..Self::new(
                    ProblemKind::DatabaseRestored,
                    "The database was put back to an earlier point. Until an operator has called \
                     `POST /api/v1/restored` with ADMIN_TOKEN, it answers for nothing: see \
                     *After a restore* in docs/operations.md.",
                )
            },
            WitnessError::Unreachable(_) => Self {
                internal: Some(error.to_string()),
                ..Self::new(
                    ProblemKind::Unavailable,
                    "Whether the database is the latest cannot be told just now. If this was a \
                     change, it may be stored: repeat the request in half a minute.",
                )
            },
            WitnessError::Storage(error) => error.into(),
        }
    }
}

/// What the witness knows against where the database stands; `known` must have been learnt before the
/// database was read, or else this may be false of a database that is in order.
pub fn is_sound(database: &Standing, known: Option<&Standing>) -> bool {
    let Some(known) = known else { return true };
    match database.number.checked_sub(known.number) {
        None => false,
        Some(0) => database.mark == known.mark,
        // The next step was taken from the one that was witnessed, and no other of its number.
        Some(1) => database.previous == known.mark,
        Some(_) => true,
    }
}

fn behind(database: &Standing, known: &Standing) -> WitnessError {
    let error = WitnessError::Behind {
        database: database.number,
        witnessed: known.number,
    };
    log::warn("database_restored", &[("error", &error.to_string())]);
    migrations::forget();
    error
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The standing after step `number` of a history with that name.
    pub(crate) fn at(number: u64, history: &str) -> Standing {
        let mark = |number: u64| match number {
            0 => String::new(),
            _ => format!("{history}{number}"),
        };
        Standing {
            number,
            mark: mark(number),
            previous: mark(number.saturating_sub(1)),
            era: 0,
        }
    }

    #[test]
    fn a_database_is_sound_from_the_last_witnessed_step_on() {
        let known = at(5, "a");
        assert!(is_sound(&at(0, "a"), None));
        assert!(is_sound(&at(5, "a"), Some(&known)));
        assert!(is_sound(&at(6, "a"), Some(&known)));
        assert!(is_sound(&at(9, "a"), Some(&known)));
        assert!(!is_sound(&at(4, "a"), Some(&known)));
        assert!(!is_sound(&at(0, "a"), Some(&known)));
    }

    #[test]
    fn an_era_begins_with_its_lowest_version() {
        assert!(is_same_era(1, ERA - 1));
        assert!(is_same_era(ERA, 2 * ERA - 1));
        assert!(!is_same_era(ERA - 1, ERA));
    }

    #[test]
    fn another_history_of_the_same_length_is_told_by_its_marks() {
        let known = at(5, "a");
        assert!(!is_sound(&at(5, "b"), Some(&known)));
        assert!(!is_sound(&at(6, "b"), Some(&known)));
    }
}
