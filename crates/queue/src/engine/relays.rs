//! What relays say.

use ringfence_wire::{Hello, JobRef, JobResult, ReturnReason};

use super::{Engine, MAX_BATCH};
use crate::edge::{EDGE, Sender, is_for_a_relay};
use crate::job::{Job, JobEvent, State};
use crate::store::RelayRow;
use ringfence_sql::{Sql, SqlError};

/// How long a relay is remembered whose credential was removed, in milliseconds. Ids are never used
/// again.
const REMEMBERED_MS: u64 = 86_400_000;

/// Most jobs that a relay may hold, whatever it says.
pub const MAX_CAPACITY: u32 = 100_000;

/// The longest word that is kept of a relay's hello, in characters.
const MAX_HELLO_WORD: usize = 64;

/// The most transports that are kept of a relay's hello.
const MAX_TRANSPORTS: usize = 8;

/// Which relay is to give up which job.
pub type Cancels = Vec<(String, JobRef)>;

impl<S: Sql> Engine<S> {
    /// A relay says hello. If it is another process than before, what that one held is lost: it goes
    /// back into the queue.
    pub fn hello(&self, relay: &str, hello: &Hello, now: u64) -> Result<(), SqlError> {
        let before = self.store.relay(relay)?;
        if before.is_none_or(|before| before.instance != hello.instance) {
            self.void_leases(relay, now)?;
        }
        let bounded = |text: &str| {
            text.chars()
                .filter(|c| !c.is_control())
                .take(MAX_HELLO_WORD)
                .collect::<String>()
        };
        let transports: Vec<String> = hello
            .transports
            .iter()
            .take(MAX_TRANSPORTS)
            .filter_map(|transport| {
                serde_json::to_value(transport)
                    .ok()?
                    .as_str()
                    .map(str::to_owned)
            })
            .collect();
        self.store.put_relay(&RelayRow {
            id: relay.to_owned(),
            instance: bounded(&hello.instance),
            software: bounded(&hello.software),
            version: bounded(&hello.version),
            capacity: hello.capacity.min(MAX_CAPACITY),
            transports: transports.join(","),
            hello_at: now,
            seen_at: now,
        })
    }

    /// Every job that a relay holds goes back into the queue.
    pub fn void_leases(&self, relay: &str, now: u64) -> Result<(), SqlError> {
        let options = self.store.options()?;
        loop {
            let held = self.store.leased_to(relay, MAX_BATCH)?;
            if held.is_empty() {
                return Ok(());
            }
            for job in held {
                self.store
                    .attempt_ends(&job.id, job.lease, "lost", "relay_lost", now)?;
                self.change(job, &JobEvent::LeaseVoid, &options, now)?;
            }
        }
    }

    /// Jobs arrived at a relay.
    pub fn ack(&self, relay: &str, jobs: &[JobRef], now: u64) -> Result<(), SqlError> {
        jobs.iter()
            .try_for_each(|job| self.store.attempt_acked(&job.id, job.lease, relay, now))
    }

    /// A relay is done with jobs. Every result is recorded, so that the relay forgets it; what it
    /// does to its job is the job's business, and a job that this relay did not have is not touched.
    pub fn results(
        &self,
        relay: &str,
        results: &[JobResult],
        now: u64,
    ) -> Result<Vec<JobRef>, SqlError> {
        let options = self.store.options()?;
        for result in results {
            if self
                .store
                .is_lease_of(&result.job.id, result.job.lease, relay)?
            {
                self.store.attempt_reported(result, relay, now)?;
                if let Some(job) = self.store.job(&result.job.id)? {
                    let hands_over = relay == EDGE
                        && options.sender == Sender::EdgeThenRelay
                        && is_for_a_relay(result);
                    let event = match hands_over {
                        true => JobEvent::HandOver(result),
                        false => JobEvent::Report(result),
                    };
                    self.change(job, &event, &options, now)?;
                }
            }
        }
        Ok(results.iter().map(|result| result.job.clone()).collect())
    }

    /// A relay gives jobs back.
    pub fn given_back(
        &self,
        relay: &str,
        jobs: &[JobRef],
        reason: ReturnReason,
        now: u64,
    ) -> Result<(), SqlError> {
        let options = self.store.options()?;
        let word = serde_json::to_value(reason).ok();
        let word = word
            .as_ref()
            .and_then(|word| word.as_str())
            .unwrap_or("other");
        for given in jobs {
            if self.store.is_lease_of(&given.id, given.lease, relay)?
                && let Some(job) = self.store.job(&given.id)?
            {
                self.store
                    .attempt_ends(&given.id, given.lease, "returned", word, now)?;
                let event = JobEvent::GivenBack {
                    lease: given.lease,
                    reason,
                };
                self.change(job, &event, &options, now)?;
            }
        }
        Ok(())
    }

    /// A relay's credential was removed. Its id is remembered for a day: a connection may be on its
    /// way that was admitted before.
    pub fn drop_relay(&self, relay: &str, now: u64) -> Result<(), SqlError> {
        let a_day_ago = now.saturating_sub(REMEMBERED_MS);
        self.store.bury_relay(relay, now, a_day_ago)?;
        self.void_leases(relay, now)?;
        self.store.forget_relay(relay)
    }
}

/// Which relay has a job that is no longer wanted.
pub(super) fn cancel_of(job: &Job) -> Cancels {
    match (&job.relay, job.state) {
        (Some(relay), State::Leased) => vec![(
            relay.clone(),
            JobRef {
                id: job.id.clone(),
                lease: job.lease,
            },
        )],
        _ => Vec::new(),
    }
}
