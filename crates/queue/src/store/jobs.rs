//! The jobs: the queue, the leases, the questions to ask, the lists to show.

use serde::{Deserialize, Serialize};

use super::Store;
use crate::job::{Job, State};
use crate::messages::PendingJobs;
use ringfence_sql::{Arg, Sql, SqlError, args};

/// How many rows a filtered page looks at before it gives up: the page is then short, and its
/// cursor goes on from there.
const MAX_SCANNED: u32 = 5_000;

/// The condition is that of the index, word for word, so that SQLite takes it.
const PENDING_AGES: &str = "SELECT state, count(*) AS number, min(created_at) AS oldest_at FROM jobs \
     WHERE state IN ('queued', 'leased', 'answered') GROUP BY state";

/// A job as it is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJob {
    /// A ULID, used unless the request joins a pending job.
    pub id: String,
    pub tenant: String,
    pub device: String,
    pub mac: String,
    pub event: String,
    /// Version of the device's files that it should come for.
    pub version: u64,
    /// When what it should come for changed; absent: nothing changed that it does not have.
    pub changed_at: Option<u64>,
    /// An address or host, for the pace of its network.
    pub destination: String,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFilter {
    pub tenant: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Ids below this one; absent is from the newest on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    pub limit: u32,
}

/// When what is due next, Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Wakes {
    pub lease: Option<u64>,
    pub check: Option<u64>,
    pub judge: Option<u64>,
    pub end: Option<u64>,
}

impl<S: Sql> Store<S> {
    pub fn job(&self, id: &str) -> Result<Option<Job>, SqlError> {
        self.row("SELECT * FROM jobs WHERE id = ?", args![id])
    }

    /// The pending job of a device and event.
    pub fn pending(&self, device: &str, event: &str) -> Result<Option<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE device = ? AND event = ? AND state IN ('queued', 'leased', 'answered')";
        self.row(sql, args![device, event])
    }

    pub(crate) fn insert_job(&self, job: &Job) -> Result<(), SqlError> {
        let sql = "INSERT INTO jobs (id, tenant, device, mac, event, version, network, rollout, stage, lane, state, created_at, due_at, expires_at, verdict, reason, words)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.sql.run(
            sql,
            args![
                &job.id,
                &job.tenant,
                &job.device,
                &job.mac,
                &job.event,
                job.version,
                &job.network,
                job.rollout.as_ref(),
                job.stage,
                &job.queue,
                job.state.as_str(),
                job.created_at,
                job.due_at,
                job.expires_at,
                job.verdict.as_str(),
                &job.reason,
                &job.message,
            ],
        )
    }

    /// Writes the columns that changed: an index whose columns did not costs nothing.
    pub(crate) fn save_job(&self, old: &Job, new: &Job) -> Result<(), SqlError> {
        let mut sets = String::new();
        let mut values: Vec<Arg> = Vec::new();
        let mut set = |column: &str, changed: bool, value: Arg<'static>| {
            if changed {
                sets.push_str(if sets.is_empty() { "" } else { ", " });
                sets.push_str(column);
                sets.push_str(" = ?");
                values.push(value);
            }
        };
        macro_rules! set {
            ($($column:ident => $value:expr),* $(,)?) => {
                $(set(stringify!($column), old.$column != new.$column, Arg::from($value));)*
            };
        }
        set! {
            version => new.version, network => new.network.clone(), rollout => new.rollout.clone(), stage => new.stage,
            state => Arg::Owned(new.state.as_str().to_owned()),
            due_at => new.due_at, expires_at => new.expires_at,
            lease => new.lease, relay => new.relay.clone(), lease_until => new.lease_until,
            tries => new.tries, joined => new.joined,
            first_sent_at => new.first_sent_at, sent_at => new.sent_at, answered_at => new.answered_at,
            fetched_at => new.fetched_at, ended_at => new.ended_at,
            check_at => new.check_at, checked_at => new.checked_at, judge_at => new.judge_at,
            verdict => Arg::Owned(new.verdict.as_str().to_owned()), code => new.code.map(u32::from),
            reason => new.reason.clone(),
        }
        set("lane", old.queue != new.queue, new.queue.clone().into());
        let granted = old.turn_granted != new.turn_granted;
        set("slot", granted, u32::from(new.turn_granted).into());
        let handed_over = old.relay_only != new.relay_only;
        set("relay_only", handed_over, u32::from(new.relay_only).into());
        set(
            "words",
            old.message != new.message,
            new.message.clone().into(),
        );
        if values.is_empty() {
            return Ok(());
        }
        values.push(Arg::Owned(new.id.clone()));
        self.sql
            .run(&format!("UPDATE jobs SET {sets} WHERE id = ?"), &values)
    }

    /// Jobs of a queue whose time has come, the longest due first. The queue without a rollout has
    /// jobs of all tenants, of which one's are taken.
    pub(crate) fn due(
        &self,
        queue: &str,
        tenant: &str,
        now: u64,
        limit: u64,
    ) -> Result<Vec<Job>, SqlError> {
        if queue.is_empty() {
            let sql = "SELECT * FROM jobs INDEXED BY jobs_solo WHERE state = 'queued' AND lane = '' AND tenant = ? AND due_at <= ? ORDER BY due_at LIMIT ?";
            return self.sql.rows(sql, args![tenant, now, limit]);
        }
        let sql = "SELECT * FROM jobs WHERE state = 'queued' AND lane = ? AND due_at <= ? ORDER BY due_at LIMIT ?";
        self.sql.rows(sql, args![queue, now, limit])
    }

    /// The tenants with queued jobs of no rollout, and when the first of each is due. One step in the
    /// index for each, however many jobs.
    pub(crate) fn standalone_tenants(&self) -> Result<Vec<(String, u64)>, SqlError> {
        #[derive(Deserialize)]
        struct Tenant {
            tenant: Option<String>,
            due_at: Option<u64>,
        }
        let sql = "SELECT tenant, due_at FROM jobs INDEXED BY jobs_solo WHERE state = 'queued' AND lane = '' AND tenant > ? ORDER BY tenant, due_at LIMIT 1";
        let mut tenants: Vec<(String, u64)> = Vec::new();
        loop {
            let after = tenants.last().map_or("", |(tenant, _)| tenant);
            let next: Option<Tenant> = self.row(sql, args![after])?;
            match next {
                Some(Tenant {
                    tenant: Some(tenant),
                    due_at: Some(due_at),
                }) => tenants.push((tenant, due_at)),
                _ => return Ok(tenants),
            }
        }
    }

    /// How many jobs of a queue wait for a time before `until`; counts up to `most`.
    pub(crate) fn queued(&self, queue: &str, until: u64, most: u64) -> Result<u64, SqlError> {
        let sql = "SELECT count(*) AS n FROM (SELECT 1 FROM jobs WHERE state = 'queued' AND lane = ? AND due_at <= ? LIMIT ?)";
        Ok(self.number(sql, args![queue, until, most])?.unwrap_or(0))
    }

    /// Any waiting jobs of a queue.
    pub(crate) fn queued_in(&self, queue: &str, limit: u64) -> Result<Vec<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE state = 'queued' AND lane = ? ORDER BY due_at LIMIT ?";
        self.sql.rows(sql, args![queue, limit])
    }

    pub(crate) fn next_due(&self, queue: &str) -> Result<Option<u64>, SqlError> {
        let sql = "SELECT min(due_at) AS n FROM jobs WHERE state = 'queued' AND lane = ?";
        self.number(sql, args![queue])
    }

    /// Jobs that a relay holds.
    pub(crate) fn leased_to(&self, relay: &str, limit: u64) -> Result<Vec<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE state = 'leased' AND relay = ? LIMIT ?";
        self.sql.rows(sql, args![relay, limit])
    }

    /// Jobs of a rollout that a relay holds.
    pub(crate) fn leased_of(&self, rollout: &str, limit: u64) -> Result<Vec<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE state = 'leased' AND lane = ? LIMIT ?";
        self.sql.rows(sql, args![rollout, limit])
    }

    /// Jobs whose lease has ended.
    pub(crate) fn overdue(&self, now: u64, limit: u64) -> Result<Vec<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE state = 'leased' AND lease_until <= ? LIMIT ?";
        self.sql.rows(sql, args![now, limit])
    }

    /// Every queue in which something waits. One step in the index for each, however many jobs.
    pub(crate) fn queues_in_use(&self) -> Result<Vec<String>, SqlError> {
        #[derive(Deserialize)]
        struct First {
            lane: Option<String>,
        }
        let mut queues: Vec<String> = Vec::new();
        let mut sql = "SELECT min(lane) AS lane FROM jobs WHERE state = 'queued' AND lane >= ?";
        loop {
            let after = queues.last().map_or("", String::as_str);
            let next: Option<First> = self.row(sql, args![after])?;
            match next.and_then(|next| next.lane) {
                Some(queue) => queues.push(queue),
                None => return Ok(queues),
            }
            sql = "SELECT min(lane) AS lane FROM jobs WHERE state = 'queued' AND lane > ?";
        }
    }

    /// Waiting jobs of a queue whose time is over.
    pub(crate) fn too_old(&self, queue: &str, now: u64, limit: u64) -> Result<Vec<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE state = 'queued' AND lane = ? AND expires_at <= ? ORDER BY expires_at LIMIT ?";
        self.sql.rows(sql, args![queue, now, limit])
    }

    pub(crate) fn next_expiry(&self, queue: &str) -> Result<Option<u64>, SqlError> {
        let sql = "SELECT min(expires_at) AS n FROM jobs WHERE state = 'queued' AND lane = ?";
        self.number(sql, args![queue])
    }

    /// A rollout found this job pending in another, and counts on it.
    pub(crate) fn join(&self, job: &str, rollout: &str) -> Result<(), SqlError> {
        let sql = "INSERT INTO joins (job, rollout) VALUES (?, ?) ON CONFLICT DO NOTHING";
        self.sql.run(sql, args![job, rollout])
    }

    /// Whether a rollout counts on this job that is not its own, and was not cancelled.
    pub(crate) fn is_joined(&self, job: &str) -> Result<bool, SqlError> {
        let sql = "SELECT 1 AS n FROM joins JOIN rollouts ON rollouts.id = joins.rollout WHERE joins.job = ? AND rollouts.state <> 'cancelled' LIMIT 1";
        Ok(self.number(sql, args![job])?.is_some())
    }

    /// Takes the waiting jobs of a queue out of it on which another rollout counts.
    pub(crate) fn release_joined(&self, queue: &str) -> Result<(), SqlError> {
        let sql = "UPDATE jobs SET lane = '' WHERE state = 'queued' AND lane = ? AND EXISTS
                     (SELECT 1 FROM joins JOIN rollouts ON rollouts.id = joins.rollout WHERE joins.job = jobs.id AND rollouts.state <> 'cancelled')";
        self.sql.run(sql, args![queue])
    }

    /// Jobs whose phones D1 should be asked about.
    pub(crate) fn to_check(&self, now: u64, limit: u64) -> Result<Vec<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE state = 'answered' AND check_at <= ? ORDER BY check_at LIMIT ?";
        self.sql.rows(sql, args![now, limit])
    }

    /// Jobs whose time to be fetched for their rollout is over.
    pub(crate) fn to_judge(&self, now: u64, limit: u64) -> Result<Vec<Job>, SqlError> {
        let sql = "SELECT * FROM jobs WHERE verdict = 'open' AND judge_at IS NOT NULL AND judge_at < ? ORDER BY judge_at LIMIT ?";
        self.sql.rows(sql, args![now, limit])
    }

    pub(crate) fn wakes(&self) -> Result<Wakes, SqlError> {
        let sql = "SELECT (SELECT min(lease_until) FROM jobs WHERE state = 'leased') AS lease,
                          (SELECT min(check_at) FROM jobs WHERE state = 'answered') AS \"check\",
                          (SELECT min(judge_at) FROM jobs WHERE verdict = 'open' AND judge_at IS NOT NULL) AS judge,
                          (SELECT min(ended_at) FROM jobs WHERE ended_at IS NOT NULL) AS \"end\"";
        Ok(self.row(sql, args![])?.unwrap_or_default())
    }

    /// Deletes ended jobs and their history; whether there may be more.
    pub(crate) fn forget_jobs(&self, before: u64, limit: u64) -> Result<bool, SqlError> {
        #[derive(Deserialize)]
        struct Row {
            id: String,
        }
        let sql = "SELECT id FROM jobs WHERE ended_at IS NOT NULL AND ended_at < ? ORDER BY ended_at LIMIT ?";
        let rows: Vec<Row> = self.sql.rows(sql, args![before, limit])?;
        let ids: Vec<String> = rows.into_iter().map(|row| row.id).collect();
        if ids.is_empty() {
            return Ok(false);
        }
        let list = serde_json::to_string(&ids).unwrap_or_default();
        for table in ["attempts", "joins"] {
            let sql = format!("DELETE FROM {table} WHERE job IN (SELECT value FROM json_each(?))");
            self.sql.run(&sql, args![&list])?;
        }
        self.sql.run(
            "DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?))",
            args![&list],
        )?;
        Ok(ids.len() as u64 >= limit)
    }

    /// A page of jobs, newest first, and the id from which the next page goes on.
    pub fn list_jobs(&self, filter: &JobFilter) -> Result<(Vec<Job>, Option<String>), SqlError> {
        let before = filter.before.as_deref().unwrap_or("~");
        let state = filter.state.as_deref().unwrap_or_default();
        let (column, value) = match (&filter.rollout, &filter.device) {
            (Some(rollout), _) => ("rollout", rollout),
            (_, Some(device)) => ("device", device),
            _ => ("tenant", &filter.tenant),
        };
        let sql = format!(
            "SELECT * FROM (SELECT * FROM jobs WHERE {column} = ? AND id < ? ORDER BY id DESC LIMIT {MAX_SCANNED})
              WHERE tenant = ? AND (? = '' OR state = ?) AND (? = '' OR device = ?) LIMIT ?"
        );
        let device = filter.device.as_deref().unwrap_or_default();
        let jobs: Vec<Job> = self.sql.rows(
            &sql,
            args![
                value,
                before,
                &filter.tenant,
                state,
                state,
                device,
                device,
                filter.limit,
            ],
        )?;
        if jobs.len() as u64 == u64::from(filter.limit) {
            let next = jobs.last().map(|job| job.id.clone());
            return Ok((jobs, next));
        }
        // A short page: either that was all, or the scan stopped.
        #[derive(Deserialize)]
        struct Last {
            id: Option<String>,
        }
        let sql = format!(
            "SELECT id FROM jobs WHERE {column} = ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET {}",
            MAX_SCANNED - 1
        );
        let last: Option<Last> = self.row(&sql, args![value, before])?;
        Ok((jobs, last.and_then(|last| last.id)))
    }

    /// The pending jobs by state, with the oldest of each.
    pub(crate) fn pending_ages(&self) -> Result<Vec<PendingJobs>, SqlError> {
        let rows: Vec<PendingJobs> = self.sql.rows(PENDING_AGES, args![])?;
        let states = [State::Queued, State::Leased, State::Answered];
        let found = |state: State| {
            let row = rows.iter().find(|row| row.state == state.as_str());
            row.cloned().unwrap_or_else(|| PendingJobs {
                state: state.as_str().to_owned(),
                number: 0,
                oldest_at: None,
            })
        };
        Ok(states.map(found).into())
    }

    /// How many jobs are pending, by state.
    pub fn pending_counts(&self) -> Result<Vec<(String, u64)>, SqlError> {
        ["queued", "leased", "answered"]
            .into_iter()
            .map(|state| {
                let sql = format!("SELECT count(*) AS n FROM jobs WHERE state = '{state}'");
                Ok((state.to_owned(), self.number(&sql, args![])?.unwrap_or(0)))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_sql::Memory;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_ages_of_pending_jobs_are_read_off_their_index_alone() {
        let memory = Memory::new();
        let store = Store::open(memory.clone()).unwrap();
        let plan: Vec<Value> = memory
            .rows(&format!("EXPLAIN QUERY PLAN {PENDING_AGES}"), args![])
            .unwrap();
        let plan = serde_json::to_string(&plan).unwrap();
        assert!(plan.contains("COVERING INDEX jobs_by_age"), "{plan}");
        let ages = store.pending_ages().unwrap();
        assert_eq!(ages.len(), 3);
        assert!(
            ages.iter()
                .all(|it| it.number == 0 && it.oldest_at.is_none())
        );
    }
}
