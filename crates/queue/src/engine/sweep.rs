//! What time does to jobs, what D1 is asked, and when to wake next.

use std::collections::{BTreeMap, BTreeSet};

use super::places::{Free, Places};
use super::rollouts::{MAX_CLOSED_MS, opening};
use super::{Engine, MAX_BATCH};
use crate::job::{Job, JobEvent, State};
use crate::rollout::RolloutState;
use crate::window::Opening;
use ringfence_sql::{Sql, SqlError};

/// Least time between two wakes, in milliseconds.
const TICK_MS: u64 = 50;

/// Least time between two wakes for a rollout's pace: an alarm is a write, and ten a second do.
const PACE_TICK_MS: u64 = 100;

/// How often old rows are looked for while there are some, in milliseconds.
const TIDY_MS: u64 = 3_600_000;

impl<S: Sql> Engine<S> {
    /// Ends leases and jobs whose time is over, judges for rollouts, deletes what is old.
    pub fn sweep(&self, now: u64) -> Result<(), SqlError> {
        let options = self.store.options()?;
        for job in self.store.overdue(now, MAX_BATCH)? {
            self.store
                .attempt_ends(&job.id, job.lease, "lost", "lease_over", now)?;
            self.change(job, &JobEvent::Clock, &options, now)?;
        }
        for queue in self.moving_queues()? {
            for job in self.store.too_old(&queue, now, MAX_BATCH)? {
                self.change(job, &JobEvent::Clock, &options, now)?;
            }
        }
        for job in self.store.to_judge(now, MAX_BATCH)? {
            self.judge(job, now)?;
        }
        let keep = u64::from(options.retention_days) * 24 * 3_600_000;
        let before = now.saturating_sub(keep);
        self.store.forget_jobs(before, MAX_BATCH)?;
        self.store.forget_rollouts(before)?;
        self.store
            .forget_networks(now.saturating_sub(60_000) * 1000)
    }

    /// Phones that answered and that D1 is to be asked about now.
    pub fn checks(&self, now: u64) -> Result<Vec<Job>, SqlError> {
        self.store.to_check(now, MAX_BATCH)
    }

    /// D1's answer: what each device took last, and when; a device that is not in it was deleted.
    pub fn checked(
        &self,
        jobs: &[Job],
        seen: &BTreeMap<String, Option<(u64, u64)>>,
        now: u64,
    ) -> Result<(), SqlError> {
        let options = self.store.options()?;
        for asked in jobs {
            let Some(job) = self
                .store
                .job(&asked.id)?
                .filter(|job| job.state == State::Answered)
            else {
                continue;
            };
            match seen.get(&job.device) {
                None => {
                    let event = JobEvent::Cancel {
                        reason: "device_gone",
                        message: "The job's device was deleted.",
                    };
                    self.change(job, &event, &options, now)?;
                }
                Some(fetched) => {
                    let job = match *fetched {
                        Some((version, at)) => {
                            self.change(job, &JobEvent::Seen { version, at }, &options, now)?
                        }
                        None => job,
                    };
                    self.change(job, &JobEvent::Checked, &options, now)?;
                }
            }
        }
        Ok(())
    }

    /// When there will be something to do, if nothing else happens before; `None` is never.
    ///
    /// `relays` says whether any relay is there, `free` what they can take.
    pub fn next_wake(
        &self,
        relays: bool,
        free: &[Free],
        offset: &dyn Fn(&str) -> Option<i64>,
        now: u64,
    ) -> Result<Option<u64>, SqlError> {
        let options = self.store.options()?;
        let wakes = self.store.wakes()?;
        let keep = u64::from(options.retention_days) * 24 * 3_600_000;
        let mut next = vec![
            wakes.lease,
            wakes.check,
            wakes.judge.map(|at| at + 1),
            wakes.end.map(|at| (at + keep).max(now + TIDY_MS)),
        ];
        for queue in self.moving_queues()? {
            next.push(self.store.next_expiry(&queue)?);
        }
        let rollouts = self.store.open_rollouts()?;
        let standalone = self.store.standalone_tenants()?;
        let running = rollouts
            .iter()
            .filter(|row| row.is_open())
            .map(|row| row.tenant.as_str());
        let waiting = standalone.iter().map(|(tenant, _)| tenant.as_str());
        let places = Places::new(free, waiting.chain(running));
        // Whoever may have no place now gets one when a job ends, and that wakes as well.
        let admitted = standalone.iter().filter(|(tenant, _)| places.admit(tenant));
        next.push(admitted.map(|(_, due_at)| *due_at).min());
        for row in rollouts {
            let Some(spec) = row.spec() else { continue };
            if row.state != RolloutState::Cancelled {
                next.push(row.closed_since.map(|since| since + MAX_CLOSED_MS));
            }
            match row.state {
                RolloutState::Running if row.closed_since.is_some() => {
                    // A zone's offset may change before the window opens: looked at hourly.
                    if let Some(Opening::Closed(ms)) = opening(&spec, offset, now) {
                        next.push(Some(now + ms.min(3_600_000)));
                    } else if relays {
                        next.push(Some(now));
                    }
                }
                RolloutState::Running => {
                    if let Some(Opening::Open(ms)) = opening(&spec, offset, now) {
                        next.push(Some(now + ms.min(3_600_000)));
                    }
                    if self.wanted(&row, &spec, now)? > 0 {
                        next.push(Some(now));
                    }
                    if places.admit(&row.tenant)
                        && let Some(due) = self.store.next_due(&row.id)?
                    {
                        next.push(Some(due.max(row.due_us / 1000).max(now + PACE_TICK_MS)));
                    }
                }
                RolloutState::Cancelled => {
                    if !self.store.queued_in(&row.id, 1)?.is_empty()
                        || !self.store.leased_of(&row.id, 1)?.is_empty()
                    {
                        next.push(Some(now));
                    }
                }
                RolloutState::Paused | RolloutState::Finished => {}
            }
        }
        Ok(next
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(now + TICK_MS)))
    }

    /// Queues with queued jobs, less those whose jobs do not grow old because nothing of them may go
    /// out.
    fn moving_queues(&self) -> Result<Vec<String>, SqlError> {
        let rows = self.store.open_rollouts()?;
        let closed: BTreeSet<String> = rows
            .into_iter()
            .filter(|row| row.closed_since.is_some())
            .map(|row| row.id)
            .collect();
        let mut queues = self.store.queues_in_use()?;
        queues.retain(|queue| !closed.contains(queue));
        Ok(queues)
    }

    /// A rollout's time for a phone to come back is over: it is late, unless D1 has not been asked
    /// since and knows better.
    fn judge(&self, job: Job, now: u64) -> Result<(), SqlError> {
        let asked_since = job.checked_at >= job.judge_at;
        let mut next = job.clone();
        if job.state == State::Answered && !asked_since {
            next.check_at = Some(now);
        } else {
            next.judge(now);
        }
        self.store.save_job(&job, &next)
    }
}
