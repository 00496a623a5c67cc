//! The cron event: what has to happen though nobody asks.

use worker::Env;

use crate::db::{Db, StorageError};
use crate::model::tenant::TenantOptions;
use crate::platform::{self, DAY_MS, MINUTE_MS, config, first_id_at, log};
use crate::store::audit_chain::{self, ChainError, MAX_PAGES_CHAINED};
use crate::store::{
    claims, history, maintenance, metrics, moves, operations, sessions, sign_in_codes, unknown,
};

/// How many rows of a kind one run changes at most.
const MAX_ROWS: u32 = 500;
const MAX_EVENTS: u32 = 5_000;
/// Old events go faster than those of a million phones come, which leave three each a day.
const MAX_OLD_EVENTS: u32 = 20_000;
/// How many tenants share a statement.
const MAX_TENANTS: u32 = 500;
/// For how many minutes their counters are kept: until the metrics have counted them.
const MINUTES_KEPT: u64 = 3 * 60;

/// How long after a request its event is written at the latest: the runtime keeps an answered request for 30 seconds.
const EVENT_LAG_MS: u64 = 2 * MINUTE_MS;
/// How long after a minute an isolate has reported most of what it only counted in it.
const MINUTE_LAG: u64 = 5;
/// How many pages of events one run counts.
const MAX_PAGES_COUNTED: usize = 20;
/// After how many milliseconds a phone that took its bootstrap and did not come back is one that never came back.
const BACK_WITHIN_MS: u64 = 3_600_000;

/// For how many days an operation is kept after its end.
const OPERATION_DAYS: u64 = 30;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    pub expired: usize,
    pub events: usize,
    pub minutes: usize,
    /// Moves that are over.
    pub moves: usize,
    /// Devices of operations that are long over.
    pub operations: usize,
    /// Phones that were no devices and have not asked for long.
    pub unknown: usize,
    /// Versions of templates, settings and options that are too old or too many.
    pub versions: usize,
    /// Sessions of the console that are over, and codes that would have opened one.
    pub sessions: usize,
}

/// Expires bootstraps that were not taken in time, removes old events and phones that have not asked for as long, and does what is left to do for
/// the audit log: entries into the chain, cut ones out of the table.
///
/// # Errors
/// D1 fails; what was done stays done, and the next run does the rest.
pub async fn run(env: &Env, now: u64) -> Result<Swept, StorageError> {
    let db = Db::new(env)?;
    let mut swept = Swept::default();
    let overdue = maintenance::overdue(&db, now, MAX_ROWS).await?;
    if !overdue.is_empty() {
        let new_id = || platform::new_id(now);
        let entries: Vec<_> = overdue.into_iter().map(|row| (row.id, new_id())).collect();
        swept.expired = claims::expire(&db, &entries, now, &new_id()).await?;
    }
    let counted = count(&db, now).await;
    if let Err(error) = &counted {
        log::warn("metrics_not_counted", &[("error", &error.to_string())]);
    }
    let mut after = String::new();
    loop {
        let page = maintenance::retentions(&db, &after, MAX_TENANTS).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        let kept: Vec<_> = page
            .into_iter()
            .map(|row| (row.id, since(now, row.days)))
            .collect();
        swept.unknown += unknown::forget(&db, &kept, MAX_ROWS).await?;
        let floors: Vec<_> = kept
            .into_iter()
            .map(|(id, since)| (id, first_id_at(since)))
            .collect();
        swept.events += maintenance::delete_events(&db, &floors, MAX_OLD_EVENTS).await?;
        if swept.events >= MAX_OLD_EVENTS as usize {
            break;
        }
    }
    match config::keyring(env) {
        Ok(keyring) => match audit_chain::extend(&db, &keyring, MAX_PAGES_CHAINED).await {
            Ok(_) | Err(ChainError::Overtaken) => {}
            Err(error) => log::warn("audit_not_chained", &[("error", &error.to_string())]),
        },
        Err(error) => log::warn("audit_not_chained", &[("error", &error.to_string())]),
    }
    audit_chain::sweep(&db).await?;
    if counted.is_ok() {
        // Minutes tell how many events there are to be counted, so none goes before that.
        let oldest = (now / MINUTE_MS).saturating_sub(MINUTES_KEPT);
        swept.minutes = maintenance::delete_minutes(&db, oldest, MAX_OLD_EVENTS).await?;
    }
    swept.sessions = sessions::forget(&db, now, MAX_ROWS).await?
        + sign_in_codes::forget(&db, now, MAX_ROWS).await?;
    swept.moves = moves::forget(&db, now.saturating_sub(DAY_MS), now, MAX_ROWS).await?;
    let kept = now.saturating_sub(history::MAX_AGE_MS);
    swept.versions = history::prune(&db, kept, MAX_EVENTS).await?;
    let before = now.saturating_sub(OPERATION_DAYS * DAY_MS);
    swept.operations = operations::forget(&db, before, MAX_EVENTS).await?;
    Ok(swept)
}

/// Counts for `GET /metrics` what has happened, before retention can remove it.
async fn count(db: &Db, now: u64) -> Result<(), StorageError> {
    metrics::count_events(db, now.saturating_sub(EVENT_LAG_MS), now, MAX_PAGES_COUNTED).await?;
    metrics::count_minutes(db, (now / MINUTE_MS).saturating_sub(MINUTE_LAG), now).await?;
    if metrics::progress(db).await?.devices_are_due(now) {
        metrics::count_devices(db, now.saturating_sub(BACK_WITHIN_MS), now).await?;
    }
    Ok(())
}

/// Since when a tenant keeps what phones did.
fn since(now: u64, days: Option<u64>) -> u64 {
    let days = days.unwrap_or_else(|| u64::from(TenantOptions::default().event_retention_days));
    now.saturating_sub(days.saturating_mul(DAY_MS))
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
        assert_eq!(since(at + 30 * DAY_MS, None), at);
        assert_eq!(since(at + DAY_MS, Some(1)), at);
        assert_eq!(since(5, Some(1)), 0);
    }
}
