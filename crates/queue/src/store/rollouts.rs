//! Rollouts, their MACs and their tallies.

use serde::{Deserialize, Serialize};

use super::Store;
use crate::rollout::{RolloutState, Spec};
use ringfence_sql::{Sql, SqlError, args};

/// A row of `rollouts`. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutRow {
    pub id: String,
    pub tenant: String,
    /// A [`Spec`] as JSON.
    pub spec: String,
    pub state: RolloutState,
    pub reason: String,
    #[serde(rename = "words")]
    pub message: String,
    /// Devices in the selection when it was ordered.
    pub total: u64,
    /// How far the selection has been walked: a device's id, or a number in `rollout_macs`.
    pub cursor: String,
    /// Devices walked over.
    pub released: u64,
    pub stage: u32,
    /// `released` when the stage began.
    pub stage_from: u64,
    /// What an operator overlooked by resuming in this stage.
    pub forgiven_in_time: u64,
    pub forgiven_late: u64,
    /// The pace: when the next one is due, in microseconds.
    pub due_us: u64,
    /// Since when nothing may go out: paused, outside the window, or no relay there.
    pub closed_since: Option<u64>,
    pub created_at: u64,
    pub ended_at: Option<u64>,
}

impl RolloutRow {
    /// What was ordered. A row that cannot be read (it never should) orders nothing.
    pub fn spec(&self) -> Option<Spec> {
        ringfence_json::from_str(&self.spec).ok()
    }

    /// Whether its jobs may go out now.
    pub fn is_open(&self) -> bool {
        self.state == RolloutState::Running && self.closed_since.is_none()
    }
}

/// A count of jobs of a stage: by state or by verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyRow {
    pub stage: u32,
    pub name: String,
    pub n: i64,
}

impl<S: Sql> Store<S> {
    pub fn rollout(&self, id: &str) -> Result<Option<RolloutRow>, SqlError> {
        self.row("SELECT * FROM rollouts WHERE id = ?", args![id])
    }

    /// How many rollouts that have not ended are in a state.
    pub(crate) fn open_rollouts_in(&self, state: &str) -> Result<u64, SqlError> {
        let sql = "SELECT count(*) AS n FROM rollouts WHERE ended_at IS NULL AND state = ?";
        Ok(self.number(sql, args![state])?.unwrap_or(0))
    }

    /// Rollouts that are not over yet.
    pub fn open_rollouts(&self) -> Result<Vec<RolloutRow>, SqlError> {
        self.sql.rows(
            "SELECT * FROM rollouts WHERE ended_at IS NULL ORDER BY id LIMIT 1000",
            args![],
        )
    }

    /// A tenant's rollouts, newest first, from before the id `before`.
    pub fn rollouts_of(
        &self,
        tenant: &str,
        before: &str,
        limit: u32,
    ) -> Result<Vec<RolloutRow>, SqlError> {
        let sql = "SELECT * FROM rollouts WHERE tenant = ? AND id < ? ORDER BY id DESC LIMIT ?";
        self.sql.rows(sql, args![tenant, before, limit])
    }

    pub(crate) fn insert_rollout(&self, row: &RolloutRow, macs: &[String]) -> Result<(), SqlError> {
        let sql = "INSERT INTO rollouts (id, tenant, spec, state, reason, words, total, due_us, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.sql.run(
            sql,
            args![
                &row.id,
                &row.tenant,
                &row.spec,
                row.state.as_str(),
                &row.reason,
                &row.message,
                row.total,
                row.due_us,
                row.created_at,
            ],
        )?;
        let macs = serde_json::to_string(macs).unwrap_or_default();
        let sql =
            "INSERT INTO rollout_macs (rollout, n, mac) SELECT ?, key, value FROM json_each(?)";
        self.sql.run(sql, args![&row.id, macs])
    }

    pub(crate) fn save_rollout(&self, row: &RolloutRow) -> Result<(), SqlError> {
        let sql = "UPDATE rollouts SET state = ?, reason = ?, words = ?, total = ?, cursor = ?, released = ?, stage = ?, stage_from = ?,
                     forgiven_in_time = ?, forgiven_late = ?, due_us = ?, closed_since = ?, ended_at = ? WHERE id = ?";
        self.sql.run(
            sql,
            args![
                row.state.as_str(),
                &row.reason,
                &row.message,
                row.total,
                &row.cursor,
                row.released,
                row.stage,
                row.stage_from,
                row.forgiven_in_time,
                row.forgiven_late,
                row.due_us,
                row.closed_since,
                row.ended_at,
                &row.id,
            ],
        )
    }

    /// The next MACs of a rollout that names them, from number `from` on.
    pub(crate) fn rollout_macs(
        &self,
        rollout: &str,
        from: u64,
        limit: u64,
    ) -> Result<Vec<String>, SqlError> {
        #[derive(Deserialize)]
        struct Row {
            mac: String,
        }
        let sql = "SELECT mac FROM rollout_macs WHERE rollout = ? AND n >= ? ORDER BY n LIMIT ?";
        let rows: Vec<Row> = self.sql.rows(sql, args![rollout, from, limit])?;
        Ok(rows.into_iter().map(|row| row.mac).collect())
    }

    pub fn tallies(&self, rollout: &str) -> Result<Vec<TallyRow>, SqlError> {
        self.sql.rows(
            "SELECT stage, name, n FROM tallies WHERE rollout = ?",
            args![rollout],
        )
    }

    pub(crate) fn add_tally(
        &self,
        rollout: &str,
        stage: u32,
        name: &str,
        n: u64,
    ) -> Result<(), SqlError> {
        let sql = "INSERT INTO tallies (rollout, stage, name, n) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n";
        self.sql.run(sql, args![rollout, stage, name, n])
    }

    /// Gives the waiting jobs of a queue back the time for which it was closed.
    pub(crate) fn extend_queue(&self, queue: &str, by_ms: u64) -> Result<(), SqlError> {
        let sql = "UPDATE jobs SET expires_at = expires_at + ? WHERE state = 'queued' AND lane = ?";
        self.sql.run(sql, args![by_ms, queue])
    }

    /// Deletes rollouts that ended before `before`, with what belongs to them.
    pub(crate) fn forget_rollouts(&self, before: u64) -> Result<(), SqlError> {
        for table in ["rollout_macs", "tallies"] {
            let sql = format!(
                "DELETE FROM {table} WHERE rollout IN (SELECT id FROM rollouts WHERE ended_at IS NOT NULL AND ended_at < ?)"
            );
            self.sql.run(&sql, args![before])?;
        }
        self.sql.run(
            "DELETE FROM rollouts WHERE ended_at IS NOT NULL AND ended_at < ?",
            args![before],
        )
    }
}
