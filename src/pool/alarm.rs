//! What the alarm does.

use std::collections::BTreeMap;

use ringfence_queue::engine::Engine;
use ringfence_sql::SqlError;

use crate::db::object::ObjectSql;
use crate::db::{Db, StorageError};
use crate::platform::{self, zone};
use crate::pool::{Pool, lookups};

/// Batches of jobs leased in one alarm: the next follows at once.
const MAX_ROUNDS: usize = 4;

/// Something that was due could not be done. It is due again.
#[derive(Debug, thiserror::Error)]
pub(super) enum WorkError {
    /// The object's own tables.
    #[error(transparent)]
    Queue(#[from] SqlError),
    /// D1, or the keys of what it holds.
    #[error(transparent)]
    Lookup(#[from] StorageError),
}

impl Pool {
    /// Does what is due. May be called by the alarm alone. What fails is left as it was, and is due again.
    pub(super) async fn work(&self, engine: &Engine<ObjectSql>) -> Result<(), WorkError> {
        let zones = |zone: &str| zone::offset_ms(zone, platform::now());
        self.close_mute();
        self.close_silent();
        engine.sweep(platform::now())?;

        // D1 may fail in one part and the others go on; the first failure is reported.
        let mut failure: Option<StorageError> = None;
        let checks = engine.checks(platform::now())?;
        if !checks.is_empty() {
            match self.fetched(&checks).await {
                Ok(seen) => engine.checked(&checks, &seen, platform::now())?,
                Err(error) => failure = Some(error),
            }
        }

        let cancels = engine.advance(self.any_relay(), &zones, platform::now())?;
        self.send_cancels(cancels);
        let pool = engine.store.meta("pool")?.unwrap_or_default();
        for asked in engine.expansions(platform::now())? {
            match lookups::expand(&self.env, &pool, &asked).await {
                Ok((devices, cursor)) => {
                    engine.expanded(&asked, devices, &cursor, platform::now())?
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }

        let mut free = engine.free(&self.sessions())?;
        for _ in 0..MAX_ROUNDS {
            let due_jobs = engine.due_jobs(&free, platform::now())?;
            if due_jobs.is_empty() {
                break;
            }
            match lookups::look_up(&self.env, due_jobs).await {
                Ok(found) => {
                    engine.still_free(&mut free, &self.sessions());
                    let jobs = engine.lease(found, &mut free, platform::now())?;
                    self.send_jobs(engine, jobs)?;
                }
                Err(error) => {
                    failure = failure.or(Some(error));
                    break;
                }
            }
        }

        let cancels = engine.advance(self.any_relay(), &zones, platform::now())?;
        self.send_cancels(cancels);
        failure.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn fetched(
        &self,
        jobs: &[ringfence_queue::job::Job],
    ) -> Result<BTreeMap<String, Option<(u64, u64)>>, StorageError> {
        let ids: Vec<&str> = jobs.iter().map(|job| job.device.as_str()).collect();
        let rows = crate::store::fleet::fetched(&Db::new(&self.env)?, &ids).await?;
        Ok(rows.into_iter().collect())
    }
}
