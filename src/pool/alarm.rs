//! What the alarm does.

use std::collections::BTreeMap;

use ringfence_queue::engine::Engine;

use crate::db::object::ObjectSql;
use crate::db::{Db, StorageError};
use crate::platform::{self, zone};
use crate::pool::{Pool, lookups};

/// Batches of jobs leased in one alarm: the next follows at once.
const ROUNDS: usize = 4;

impl Pool {
    /// Does what is due. What fails is left as it was, and is due again.
    pub(super) async fn work(&self, engine: &Engine<ObjectSql>) -> Result<(), String> {
        let zones = |zone: &str| zone::offset_ms(zone, platform::now());
        let sql = |error: ringfence_sql::SqlError| error.to_string();
        self.close_mute();
        self.close_silent();
        engine.sweep(platform::now()).map_err(sql)?;

        // D1 may fail in one part and the others go on; the first failure is told.
        let mut failure: Option<StorageError> = None;
        let checks = engine.checks(platform::now()).map_err(sql)?;
        if !checks.is_empty() {
            match self.fetched(&checks).await {
                Ok(seen) => engine
                    .checked(&checks, &seen, platform::now())
                    .map_err(sql)?,
                Err(error) => failure = Some(error),
            }
        }

        let cancels = engine
            .advance(self.any_relay(), &zones, platform::now())
            .map_err(sql)?;
        self.send_cancels(cancels);
        let pool = engine.store.meta("pool").map_err(sql)?.unwrap_or_default();
        for asked in engine.expansions(platform::now()).map_err(sql)? {
            match lookups::expand(&self.env, &pool, &asked).await {
                Ok((devices, cursor)) => engine
                    .expanded(&asked, devices, &cursor, platform::now())
                    .map_err(sql)?,
                Err(error) => failure = failure.or(Some(error)),
            }
        }

        let mut free = engine.free(&self.sessions()).map_err(sql)?;
        for _ in 0..ROUNDS {
            let candidates = engine.candidates(&free, platform::now()).map_err(sql)?;
            if candidates.is_empty() {
                break;
            }
            match lookups::look_up(&self.env, candidates).await {
                Ok(found) => {
                    engine.still_free(&mut free, &self.sessions());
                    let jobs = engine
                        .lease(found, &mut free, platform::now())
                        .map_err(sql)?;
                    self.send_jobs(engine, jobs).map_err(sql)?;
                }
                Err(error) => {
                    failure = failure.or(Some(error));
                    break;
                }
            }
        }

        let cancels = engine
            .advance(self.any_relay(), &zones, platform::now())
            .map_err(sql)?;
        self.send_cancels(cancels);
        failure.map_or(Ok(()), |error| Err(error.0))
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
