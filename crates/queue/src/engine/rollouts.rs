//! Rollouts: opened and closed, walked, judged.

use ringfence_wire::JobRef;

use super::{Engine, MAX_BATCH, fresh, relays};
use crate::job::{Job, JobEvent, RolloutVerdict, State};
use crate::messages::{NewRollout, PoolReply, RolloutChange};
use crate::options::PoolOptions;
use crate::rollout::{Decision, RolloutState, Selection, Spec, Tally, decide};
use crate::store::{NewJob, RolloutRow, TallyRow};
use crate::target::TargetError;
use crate::window::Opening;
use ringfence_sql::{Sql, SqlError};

/// Why a rollout is not paused, resumed or cancelled.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotChanged {
    #[error(
        "The rollout was not {}: it finished before, and each of its jobs has ended. Start a new rollout to notify phones again.",
        done(*.0)
    )]
    Finished(RolloutChange),
    #[error(
        "The rollout was not {}: it was cancelled before, and what is cancelled does not go on. Start a new rollout for the phones that are still to be notified.",
        done(*.0)
    )]
    Cancelled(RolloutChange),
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// What a change does to a rollout.
fn done(change: RolloutChange) -> &'static str {
    match change {
        RolloutChange::Pause => "paused",
        RolloutChange::Resume => "resumed",
        RolloutChange::Cancel => "cancelled",
    }
}

/// For how many seconds of its pace a rollout keeps jobs queued.
const AHEAD_S: f64 = 10.0;

/// Most devices asked of D1 at once.
const MAX_CHUNK: u64 = 1_000;

/// Most queued jobs of a rollout, whatever keeps them from being sent.
const MAX_QUEUED: u64 = 100_000;

/// How long a rollout may stand still, in milliseconds, before it is cancelled: its jobs would wait for ever.
pub(super) const MAX_CLOSED_MS: u64 = 30 * 24 * 3_600_000;

/// After a closure shorter than this, in milliseconds, and shorter than a tenth of a job's life, queued
/// jobs do not get their waiting time credited; otherwise every relay reconnect would cost one write
/// per job.
const BRIEF_MS: u64 = 10_000;

/// The next devices of a selection: D1 is to be asked for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expansion {
    pub rollout: String,
    pub tenant: String,
    pub selection: Selection,
    /// The next MACs, where the selection names some.
    pub macs: Option<Vec<String>>,
    /// Go on after this device's id; of no meaning where there are MACs.
    pub cursor: String,
    pub limit: u64,
    /// The event of the whole rollout, if it has one.
    pub event: Option<String>,
}

/// One device that D1 found for an [`Expansion`].
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Its job. The id is used unless the device has a pending one.
    pub job: NewJob,
    /// Why it cannot be notified as it stands.
    pub problem: Option<TargetError>,
}

/// How many rollouts of a tenant may be open in a pool at a time.
const MAX_OPEN: usize = 20;

impl<S: Sql> Engine<S> {
    /// Begins a rollout.
    pub fn start_rollout(&self, new: &NewRollout, now: u64) -> Result<(), SqlError> {
        let row = RolloutRow {
            id: new.id.clone(),
            tenant: new.tenant.clone(),
            spec: serde_json::to_string(&new.spec).unwrap_or_default(),
            state: RolloutState::Running,
            reason: "running".into(),
            message: "The rollout goes on.".into(),
            total: new.total,
            cursor: String::new(),
            released: 0,
            stage: 0,
            stage_from: 0,
            forgiven_in_time: 0,
            forgiven_late: 0,
            due_us: now * 1000,
            closed_since: None,
            created_at: now,
            ended_at: None,
        };
        self.store.insert_rollout(&row, &new.macs)
    }

    /// Why a tenant may not start another rollout, if so: each that is open costs every alarm, and a
    /// pool is shared.
    pub fn too_many_rollouts(&self, tenant: &str) -> Result<Option<PoolReply>, SqlError> {
        let open = self.store.open_rollouts()?;
        let going_on = |row: &&RolloutRow| {
            row.tenant == tenant
                && matches!(row.state, RolloutState::Running | RolloutState::Paused)
        };
        let own = open.iter().filter(going_on).count();
        Ok((own >= MAX_OPEN).then(|| PoolReply::Conflict {
            detail: format!(
                "{own} rollouts of this tenant are running or paused in this pool, as many as there may be. Cancel one, or wait until one has ended."
            ),
        }))
    }

    /// Moves every open rollout on: opens and closes it, decides on its stage, ends it. Returns what
    /// relays should give up.
    ///
    /// `relays` says whether any relay is there; `offset` is a zone's offset from UTC now, in
    /// milliseconds.
    pub fn advance(
        &self,
        relays: bool,
        offset: &dyn Fn(&str) -> Option<i64>,
        now: u64,
    ) -> Result<relays::Cancels, SqlError> {
        let options = self.store.options()?;
        let mut cancels = Vec::new();
        for mut row in self.store.open_rollouts()? {
            let Some(spec) = row.spec() else {
                self.finish(
                    &mut row,
                    RolloutState::Cancelled,
                    "unreadable",
                    "The order of the rollout cannot be read: another version wrote it. Start a new rollout for the phones that are still to be notified.",
                    now,
                )?;
                continue;
            };
            let still = row
                .closed_since
                .map_or(0, |since| now.saturating_sub(since));
            if row.state != RolloutState::Cancelled && still >= MAX_CLOSED_MS {
                row.state = RolloutState::Cancelled;
                let message = format!(
                    "The rollout stood still for 30 days and was cancelled: start a new rollout for the phones that are still to be notified. {}",
                    row.message
                );
                set_reason(&mut row, "stood_still", &message);
                self.store.save_rollout(&row)?;
            }
            match row.state {
                RolloutState::Running => {
                    self.open_or_close(&mut row, &spec, relays, offset, now)?;
                    self.next_stage(&mut row, &spec, now)?;
                }
                RolloutState::Cancelled => cancels.extend(self.wind_down(&mut row, &options, now)?),
                RolloutState::Paused | RolloutState::Finished => {}
            }
        }
        Ok(cancels)
    }

    /// Pauses, resumes or cancels.
    ///
    /// # Errors
    /// The rollout is over, or the tables cannot be read or written.
    pub(super) fn apply_change(
        &self,
        mut row: RolloutRow,
        change: RolloutChange,
        now: u64,
    ) -> Result<(), NotChanged> {
        match (change, row.state) {
            (RolloutChange::Pause, RolloutState::Running) => {
                row.state = RolloutState::Paused;
                row.closed_since.get_or_insert(now);
                set_reason(&mut row, "operator", "An operator paused the rollout.");
                self.store.release_joined(&row.id)?;
            }
            (RolloutChange::Resume, RolloutState::Paused) => {
                if row.reason == "threshold" {
                    self.forgive(&mut row)?;
                }
                row.state = RolloutState::Running;
                set_reason(&mut row, "running", "The rollout goes on.");
            }
            (RolloutChange::Cancel, RolloutState::Running | RolloutState::Paused) => {
                row.state = RolloutState::Cancelled;
                set_reason(&mut row, "operator", "An operator cancelled the rollout.");
            }
            (RolloutChange::Pause, RolloutState::Paused)
            | (RolloutChange::Resume, RolloutState::Running)
            | (RolloutChange::Cancel, RolloutState::Cancelled) => return Ok(()),
            (_, RolloutState::Finished) => return Err(NotChanged::Finished(change)),
            (RolloutChange::Pause | RolloutChange::Resume, RolloutState::Cancelled) => {
                return Err(NotChanged::Cancelled(change));
            }
        }
        self.store.save_rollout(&row)?;
        Ok(())
    }

    /// An operator has seen what the threshold stopped the rollout for: it is overlooked. A stage of
    /// which everybody was notified is over with that; in any other what was judged so far.
    fn forgive(&self, row: &mut RolloutRow) -> Result<(), SqlError> {
        let Some(spec) = row.spec() else {
            return Ok(());
        };
        let through = row.released >= spec.boundary(row.stage, row.total);
        if through && (row.stage as usize) + 1 < spec.stages.len() {
            row.stage += 1;
            row.stage_from = row.released;
            row.forgiven_in_time = 0;
            row.forgiven_late = 0;
            return Ok(());
        }
        let tallies = self.store.tallies(&row.id)?;
        row.forgiven_in_time = count(&tallies, Some(row.stage), "in_time");
        row.forgiven_late = match through {
            true => row.total,
            false => count(&tallies, Some(row.stage), "late"),
        };
        Ok(())
    }

    /// Which devices D1 is to be asked for next.
    pub fn expansions(&self, now: u64) -> Result<Vec<Expansion>, SqlError> {
        let mut out = Vec::new();
        for row in self.store.open_rollouts()? {
            let Some(spec) = row.spec() else { continue };
            let limit = self.wanted(&row, &spec, now)?;
            if limit == 0 {
                continue;
            }
            let macs = match row.spec().and_then(|spec| spec.selection.macs) {
                Some(_) => Some(self.store.rollout_macs(&row.id, row.released, limit)?),
                None => None,
            };
            out.push(Expansion {
                rollout: row.id,
                tenant: row.tenant,
                selection: Selection {
                    macs: None,
                    ..spec.selection
                },
                macs,
                cursor: row.cursor,
                limit,
                event: spec.event,
            });
        }
        Ok(out)
    }

    /// D1's answer to an expansion: the devices found, and the last device's id.
    pub fn expanded(
        &self,
        asked: &Expansion,
        devices: Vec<Device>,
        cursor: &str,
        now: u64,
    ) -> Result<(), SqlError> {
        let options = self.store.options()?;
        let Some(mut row) = self.store.rollout(&asked.rollout)? else {
            return Ok(());
        };
        let Some(spec) = row.spec() else {
            return Ok(());
        };
        if row.state != RolloutState::Running || row.cursor != asked.cursor {
            return Ok(());
        }
        let found = devices.len() as u64;
        for device in devices {
            self.release(&row, &spec, &options, device, now)?;
        }
        // MACs are counted by the list, because some devices may have been deleted since it was made.
        let walked = asked.macs.as_ref().map_or(found, |macs| macs.len() as u64);
        let deleted = walked.saturating_sub(found);
        if deleted > 0 {
            self.store
                .add_tally(&row.id, row.stage, "excluded", deleted)?;
            self.store
                .add_tally(&row.id, row.stage, "skipped", deleted)?;
        }
        row.released += walked;
        row.cursor = match &asked.macs {
            Some(_) => row.released.to_string(),
            None => cursor.to_owned(),
        };
        if walked < asked.limit && (asked.macs.is_none() || walked == 0) {
            // The selection has shrunk since it was counted.
            row.total = row.released;
        }
        self.store.save_rollout(&row)
    }

    /// One device's job: a new one, or its pending one.
    fn release(
        &self,
        row: &RolloutRow,
        spec: &Spec,
        options: &PoolOptions,
        device: Device,
        now: u64,
    ) -> Result<(), SqlError> {
        let spread = match u64::from(spec.spread_s) * 1000 {
            0 => 0,
            spread => self.next_random() % spread,
        };
        let template = fresh(device.job, options, now);
        let due_at = template.due_at.max(now + spread);
        let new = Job {
            due_at,
            expires_at: due_at + u64::from(spec.expiry_s) * 1000,
            rollout: Some(row.id.clone()),
            stage: row.stage,
            queue: row.id.clone(),
            verdict: RolloutVerdict::Open,
            ..template
        };
        let Some(pending) = self.store.pending(&new.device, &new.event)? else {
            self.store.insert_job(&new)?;
            if let Some(problem) = device.problem {
                let event = JobEvent::Refuse {
                    reason: problem.reason(),
                    message: &problem.to_string(),
                };
                self.change(new, &event, options, now)?;
            }
            return Ok(());
        };
        if pending.rollout.is_none() {
            // Adopted: it counts for this rollout, but goes its own way.
            let judge_at = spec
                .threshold
                .map(|threshold| now + u64::from(threshold.within_s) * 1000);
            let adopted = Job {
                rollout: new.rollout.clone(),
                stage: new.stage,
                verdict: RolloutVerdict::Open,
                judge_at: pending.first_sent_at.and(judge_at),
                ..pending.clone()
            };
            self.store.save_job(&pending, &adopted)?;
        } else {
            self.store.add_tally(&row.id, row.stage, "excluded", 1)?;
            self.store.add_tally(&row.id, row.stage, "skipped", 1)?;
        }
        if let Some(pending) = self.store.job(&pending.id)? {
            if pending.rollout.as_ref() != Some(&row.id) {
                self.store.join(&pending.id, &row.id)?;
            }
            // Left to a rollout that stands still, it would wait although this one goes on.
            let standalone = !pending.queue.is_empty()
                && self
                    .store
                    .rollout(&pending.queue)?
                    .is_none_or(|queue| !queue.is_open());
            let join = JobEvent::Join {
                version: new.version,
                not_before: new.due_at,
                expires_at: new.expires_at,
                standalone,
            };
            self.change(pending, &join, options, now)?;
        }
        Ok(())
    }

    /// How many more devices a rollout should have jobs for.
    pub(super) fn wanted(&self, row: &RolloutRow, spec: &Spec, now: u64) -> Result<u64, SqlError> {
        if row.state != RolloutState::Running || row.closed_since.is_some() {
            return Ok(0);
        }
        let left = spec
            .boundary(row.stage, row.total)
            .saturating_sub(row.released);
        if left == 0 {
            return Ok(0);
        }
        let tallies = self.store.tallies(&row.id)?;
        if count(&tallies, None, State::Queued.as_str()) >= MAX_QUEUED {
            return Ok(0);
        }
        let ahead_s = AHEAD_S + f64::from(spec.spread_s);
        let ahead = ((spec.per_second * ahead_s) as u64).clamp(50, MAX_QUEUED);
        let ready = self
            .store
            .queued(&row.id, now + (ahead_s * 1000.0) as u64, ahead)?;
        // In chunks worth a question, unless little is left.
        let missing = ahead.saturating_sub(ready);
        let worthwhile = missing >= (ahead / 4).min(left).min(MAX_CHUNK);
        Ok(if worthwhile {
            missing.min(left).min(MAX_CHUNK)
        } else {
            0
        })
    }

    fn open_or_close(
        &self,
        row: &mut RolloutRow,
        spec: &Spec,
        relays: bool,
        offset: &dyn Fn(&str) -> Option<i64>,
        now: u64,
    ) -> Result<(), SqlError> {
        let shut = match opening(spec, offset, now) {
            Some(Opening::Closed(_)) => Some(("window", "The rollout waits for its time of day.")),
            _ if !relays => Some((
                "no_relay",
                "The rollout waits for a relay of its pool to connect.",
            )),
            _ => None,
        };
        match (shut, row.closed_since) {
            (Some((reason, message)), since) => {
                if since.is_none() || row.reason != reason {
                    row.closed_since.get_or_insert(now);
                    set_reason(row, reason, message);
                    self.store.save_rollout(row)?;
                }
            }
            (None, Some(since)) => {
                let closed = now.saturating_sub(since);
                if closed >= BRIEF_MS.min(u64::from(spec.expiry_s) * 100) {
                    self.store.extend_queue(&row.id, closed)?;
                }
                row.closed_since = None;
                row.due_us = row.due_us.max(now * 1000);
                set_reason(row, "running", "The rollout goes on.");
                self.store.save_rollout(row)?;
            }
            (None, None) => {}
        }
        Ok(())
    }

    fn next_stage(&self, row: &mut RolloutRow, spec: &Spec, now: u64) -> Result<(), SqlError> {
        let tallies = self.store.tallies(&row.id)?;
        // At most once for each stage: stages may be empty.
        for _ in 0..=spec.stages.len() {
            match decide(&tally(row, spec, &tallies), spec.threshold.as_ref()) {
                Decision::Go => return Ok(()),
                Decision::Pause(message) => {
                    row.state = RolloutState::Paused;
                    row.closed_since.get_or_insert(now);
                    set_reason(row, "threshold", &message);
                    self.store.release_joined(&row.id)?;
                    return self.store.save_rollout(row);
                }
                Decision::Next if (row.stage as usize) + 1 < spec.stages.len() => {
                    row.stage += 1;
                    row.stage_from = row.released;
                    row.forgiven_in_time = 0;
                    row.forgiven_late = 0;
                    self.store.save_rollout(row)?;
                }
                Decision::Next => {
                    if pending(&tallies) == 0 {
                        self.finish(
                            row,
                            RolloutState::Finished,
                            "finished",
                            "Every job has ended.",
                            now,
                        )?;
                    }
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Takes a cancelled rollout's jobs back, a batch at a time. Phones that answered were notified:
    /// their jobs end by themselves.
    fn wind_down(
        &self,
        row: &mut RolloutRow,
        options: &PoolOptions,
        now: u64,
    ) -> Result<relays::Cancels, SqlError> {
        let mut cancels: Vec<(String, JobRef)> = Vec::new();
        let mut jobs = self.store.queued_in(&row.id, MAX_BATCH)?;
        jobs.extend(self.store.leased_of(&row.id, MAX_BATCH)?);
        for job in jobs {
            if self.store.is_joined(&job.id)? {
                // Another rollout left it to this one, and still wants it.
                let released = Job {
                    queue: String::new(),
                    ..job.clone()
                };
                self.store.save_job(&job, &released)?;
                continue;
            }
            cancels.extend(relays::cancel_of(&job));
            let event = JobEvent::Cancel {
                reason: "rollout_cancelled",
                message: "The job's rollout was cancelled.",
            };
            self.change(job, &event, options, now)?;
        }
        if pending(&self.store.tallies(&row.id)?) == 0 {
            let (reason, message) = (row.reason.clone(), row.message.clone());
            self.finish(row, RolloutState::Cancelled, &reason, &message, now)?;
        }
        Ok(cancels)
    }

    fn finish(
        &self,
        row: &mut RolloutRow,
        state: RolloutState,
        reason: &str,
        message: &str,
        now: u64,
    ) -> Result<(), SqlError> {
        row.state = state;
        row.ended_at = Some(now);
        set_reason(row, reason, message);
        self.store.save_rollout(row)
    }
}

/// The state of a rollout's window; `None` without one. A zone that is not known keeps it closed.
pub(super) fn opening(
    spec: &Spec,
    offset: &dyn Fn(&str) -> Option<i64>,
    now: u64,
) -> Option<Opening> {
    let window = spec.window.as_ref()?;
    Some(match offset(window.zone.as_deref().unwrap_or("UTC")) {
        Some(offset) => window.at(now, offset),
        None => Opening::Closed(3_600_000),
    })
}

fn set_reason(row: &mut RolloutRow, reason: &str, message: &str) {
    row.reason = reason.to_owned();
    row.message = message.to_owned();
}

/// What is known of a rollout's current stage.
fn tally(row: &RolloutRow, spec: &Spec, tallies: &[TallyRow]) -> Tally {
    let forgiven = row.forgiven_in_time + row.forgiven_late;
    let of_stage = |name| count(tallies, Some(row.stage), name);
    let size = spec
        .boundary(row.stage, row.total)
        .saturating_sub(row.stage_from);
    Tally {
        size: size.saturating_sub(forgiven),
        released: row
            .released
            .saturating_sub(row.stage_from)
            .saturating_sub(forgiven),
        in_time: of_stage("in_time").saturating_sub(row.forgiven_in_time),
        late: of_stage("late").saturating_sub(row.forgiven_late),
        excluded: of_stage("excluded"),
    }
}

/// Jobs of a name, in one stage or in all.
fn count(tallies: &[TallyRow], stage: Option<u32>, name: &str) -> u64 {
    let of = |row: &&TallyRow| row.name == name && stage.is_none_or(|stage| row.stage == stage);
    tallies
        .iter()
        .filter(of)
        .map(|row| row.n)
        .sum::<i64>()
        .max(0)
        .unsigned_abs()
}

fn pending(tallies: &[TallyRow]) -> u64 {
    [State::Queued, State::Leased, State::Answered]
        .iter()
        .map(|state| count(tallies, None, state.as_str()))
        .sum()
}
