//! The cron event: what has to happen though nobody asks.

use worker::Env;

use crate::db::{Db, StorageError};
use crate::model::tenant::TenantOptions;
use crate::platform::{self, DAY_MS, config, first_id_at, log};
use crate::store::audit_chain::{self, ChainError};
use crate::store::{claims, maintenance, moves};

/// How many rows of a kind one run changes at most.
const BATCH: u32 = 500;
const EVENTS: u32 = 5_000;
/// How many pages of audit entries one run takes into their chain.
const CHAINED: usize = 10;
/// How many tenants share a statement.
const TENANTS: u32 = 500;
/// A minute's counter is of no use when the minute is over; a day leaves room to look at it.
const MINUTES_KEPT: u64 = 24 * 60;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    pub expired: usize,
    pub events: usize,
    pub minutes: usize,
    /// Moves that are over.
    pub moves: usize,
}

/// Expires bootstraps that were not taken in time, removes old events, and does what is left to do for
/// the audit log: entries into the chain, cut ones out of the table.
///
/// # Errors
/// D1 fails; what was done stays done, and the next run does the rest.
pub async fn run(env: &Env, now: u64) -> Result<Swept, StorageError> {
    let db = Db::new(env)?;
    let mut swept = Swept::default();
    let overdue = maintenance::overdue(&db, now, BATCH).await?;
    if !overdue.is_empty() {
        let new_id = || platform::new_id(now);
        let entries: Vec<_> = overdue.into_iter().map(|row| (row.id, new_id())).collect();
        swept.expired = claims::expire(&db, &entries, now, &new_id()).await?;
    }
    let mut after = String::new();
    loop {
        let page = maintenance::retentions(&db, &after, TENANTS).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        let floors: Vec<_> = page
            .into_iter()
            .map(|row| (row.id, floor(now, row.days)))
            .collect();
        swept.events += maintenance::delete_events(&db, &floors, EVENTS).await?;
        if swept.events >= EVENTS as usize {
            break;
        }
    }
    match config::keyring(env) {
        Ok(keyring) => match audit_chain::extend(&db, &keyring, CHAINED).await {
            Ok(_) | Err(ChainError::Overtaken) => {}
            Err(error) => log::warn("audit_not_chained", &[("error", &error.to_string())]),
        },
        Err(error) => log::warn("audit_not_chained", &[("error", &error.to_string())]),
    }
    audit_chain::sweep(&db).await?;
    let oldest = (now / 60_000).saturating_sub(MINUTES_KEPT);
    swept.minutes = maintenance::delete_minutes(&db, oldest, EVENTS).await?;
    swept.moves = moves::forget(&db, now.saturating_sub(DAY_MS), now, BATCH).await?;
    Ok(swept)
}

/// The smallest id of an event that is kept; ids begin with the time.
fn floor(now: u64, days: Option<u64>) -> String {
    let days = days.unwrap_or_else(|| u64::from(TenantOptions::default().event_retention_days));
    first_id_at(now.saturating_sub(days.saturating_mul(DAY_MS)))
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    #[test]
    fn ids_of_a_time_begin_at_its_floor() {
        let at = 1_700_000_000_000;
        let floor = first_id_at(at);
        assert!(Ulid::from_parts(at, 1).to_string() > floor);
        assert!(Ulid::from_parts(at - 1, u128::MAX).to_string() < floor);
        assert_eq!(super::floor(at + 30 * DAY_MS, None), floor);
        assert_eq!(super::floor(at + DAY_MS, Some(1)), floor);
        assert_eq!(super::floor(5, Some(1)), first_id_at(0));
    }
}
