//! The work of a pool, on its tables.
//!
//! Between two calls nothing is remembered but a random state and whose turn was last: whoever makes a new engine on the same
//! tables goes on where the last one stopped. Each call is one step without waiting; what has to be
//! asked of D1 is handed out by one call and its answer handed in by another, which looks again at
//! every row it touches, because the world may have changed meanwhile.

mod lease;
mod places;
mod relays;
mod rollouts;
mod sweep;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};

pub use lease::{DueDevice, DueJob, Session};
pub use relays::{Cancels, MAX_CAPACITY};
use rollouts::NotChanged;
pub use rollouts::{Device, Expansion};

use super::job::{Job, JobEvent, RolloutVerdict, State};
use super::messages::{PoolReply, RolloutChange, Submitted};
use super::options::PoolOptions;
use super::pace::network_of;
use super::store::{NewJob, Store};
use ringfence_sql::{Sql, SqlError};

/// Rows that one step takes in hand at most.
pub const MAX_BATCH: u64 = 500;

/// The pool's work on its tables.
pub struct Engine<S> {
    pub store: Store<S>,
    random: Cell<u64>,
    /// The tenant that was given places last: the next round begins behind it.
    last_tenant: RefCell<String>,
}

impl<S: Sql> Engine<S> {
    /// An engine on the tables. `seed` only spreads delays; any will do.
    pub fn new(store: Store<S>, seed: u64) -> Self {
        Self {
            store,
            random: Cell::new(seed | 1),
            last_tenant: RefCell::default(),
        }
    }

    /// Queues jobs; one whose device and event have a pending job joins that.
    pub fn submit(&self, jobs: Vec<NewJob>, now: u64) -> Result<Vec<Submitted>, SqlError> {
        let options = self.store.options()?;
        jobs.into_iter()
            .map(|new| {
                let pending = self.store.pending(&new.device, &new.event)?;
                let joined = pending.is_some();
                let fresh = fresh(new, &options, now);
                let job = match pending {
                    Some(pending) => {
                        let event = JobEvent::Join {
                            version: fresh.version,
                            not_before: fresh.due_at,
                            expires_at: fresh.expires_at,
                            standalone: true,
                        };
                        self.change(pending, &event, &options, now)?
                    }
                    None => {
                        self.store.insert_job(&fresh)?;
                        fresh
                    }
                };
                Ok(Submitted {
                    id: job.id,
                    device: job.device,
                    mac: job.mac,
                    joined,
                    state: job.state,
                    due_at: job.due_at,
                    event: job.event,
                })
            })
            .collect()
    }

    /// One job with its history.
    pub fn show_job(&self, tenant: &str, id: &str) -> Result<PoolReply, SqlError> {
        Ok(match self.store.job(id)? {
            Some(job) if job.tenant == tenant => {
                let attempts = self.store.attempts(id)?;
                PoolReply::Job {
                    job: Box::new(job),
                    attempts,
                }
            }
            _ => PoolReply::NotFound,
        })
    }

    /// Takes a job back; also which relay is to stop.
    pub fn cancel_job(
        &self,
        tenant: &str,
        id: &str,
        now: u64,
    ) -> Result<(PoolReply, Cancels), SqlError> {
        let Some(job) = self.store.job(id)?.filter(|job| job.tenant == tenant) else {
            return Ok((PoolReply::NotFound, Vec::new()));
        };
        if job.state.is_final() {
            let detail = format!(
                "The job has ended ({}), so there is nothing to take back. Notify the device to tell its phone again.",
                job.state.as_str()
            );
            return Ok((PoolReply::Conflict { detail }, Vec::new()));
        }
        let cancels = relays::cancel_of(&job);
        let options = self.store.options()?;
        let event = JobEvent::Cancel {
            reason: "operator",
            message: "An operator took the job back.",
        };
        self.change(job, &event, &options, now)?;
        Ok((self.show_job(tenant, id)?, cancels))
    }

    /// Pauses, resumes or cancels a rollout.
    pub fn change_rollout(
        &self,
        tenant: &str,
        id: &str,
        change: RolloutChange,
        now: u64,
    ) -> Result<PoolReply, SqlError> {
        match self.store.rollout(id)?.filter(|row| row.tenant == tenant) {
            Some(row) => match self.apply_change(row, change, now) {
                Ok(()) => self.show_rollout(tenant, id),
                Err(NotChanged::Sql(error)) => Err(error),
                Err(refused) => Ok(PoolReply::Conflict {
                    detail: refused.to_string(),
                }),
            },
            None => Ok(PoolReply::NotFound),
        }
    }

    /// A rollout and how far it is.
    pub fn show_rollout(&self, tenant: &str, id: &str) -> Result<PoolReply, SqlError> {
        Ok(match self.store.rollout(id)? {
            Some(row) if row.tenant == tenant => PoolReply::Rollout {
                rollout: Box::new(row),
                tallies: self.store.tallies(id)?,
            },
            _ => PoolReply::NotFound,
        })
    }

    /// A tenant's rollouts, newest first.
    pub fn show_rollouts(
        &self,
        tenant: &str,
        before: &str,
        limit: u32,
    ) -> Result<PoolReply, SqlError> {
        let rows = self.store.rollouts_of(tenant, before, limit)?.into_iter();
        let rollouts = rows.map(|row| self.store.tallies(&row.id).map(|tallies| (row, tallies)));
        Ok(PoolReply::Rollouts {
            rollouts: rollouts.collect::<Result<_, _>>()?,
        })
    }

    /// A relay's connection has ended.
    pub fn relay_seen(&self, relay: &str, now: u64) -> Result<(), SqlError> {
        self.store.relay_seen(relay, now)
    }

    /// Takes new options.
    pub fn set_options(&self, options: &PoolOptions) -> Result<(), SqlError> {
        self.store.set_meta(
            "options",
            &serde_json::to_string(options).unwrap_or_default(),
        )
    }

    /// Applies an event to a row and writes what changed.
    fn change(
        &self,
        job: Job,
        event: &JobEvent,
        options: &PoolOptions,
        now: u64,
    ) -> Result<Job, SqlError> {
        let mut next = job.clone();
        next.apply(event, now, &options.policy(), self.next_random());
        self.store.save_job(&job, &next)?;
        Ok(next)
    }

    /// xorshift64: good enough to spread delays, and nothing more is made of it.
    fn next_random(&self) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        x
    }
}

/// A job of no rollout, as it is first queued.
fn fresh(new: NewJob, options: &PoolOptions, now: u64) -> Job {
    let wait = u64::from(options.change_wait_s) * 1000;
    let due_at = new
        .changed_at
        .map_or(now, |changed| now.max(changed + wait));
    Job {
        network: network_of(
            &new.destination,
            options.network_bits_v4,
            options.network_bits_v6,
        ),
        id: new.id,
        tenant: new.tenant,
        device: new.device,
        mac: new.mac,
        event: new.event,
        version: new.version,
        rollout: None,
        stage: 0,
        queue: String::new(),
        state: State::Queued,
        created_at: now,
        due_at,
        expires_at: due_at + u64::from(options.expiry_s) * 1000,
        turn_granted: false,
        lease: 0,
        relay: None,
        relay_only: false,
        lease_until: None,
        tries: 0,
        joined: 0,
        first_sent_at: None,
        sent_at: None,
        answered_at: None,
        fetched_at: None,
        ended_at: None,
        check_at: None,
        checked_at: None,
        judge_at: None,
        verdict: RolloutVerdict::None,
        code: None,
        reason: if due_at > now {
            "waits_for_change"
        } else {
            "queued"
        }
        .to_owned(),
        message: if due_at > now {
            "The job waits until every location can see the change."
        } else {
            "The job waits for its turn, or for a relay."
        }
        .to_owned(),
    }
}
