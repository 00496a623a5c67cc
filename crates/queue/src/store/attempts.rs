//! A job's history: one row for each time it was given to a relay.

use ringfence_wire::JobResult;
use serde::{Deserialize, Serialize};

use super::Store;
use crate::job::{MAX_MESSAGE, MAX_REASON};
use ringfence_sql::{Sql, SqlError, args};

/// Leases of one job that are remembered.
const MAX_ATTEMPTS: u32 = 100;

/// The longest destination that is kept of a lease, in characters.
const MAX_DESTINATION: usize = 80;

/// One lease of a job, and how it went. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// The number of the lease, counted from 1.
    pub lease: u32,
    /// Id of the relay.
    pub relay: String,
    /// The time at which a relay took the job, in Unix milliseconds.
    pub leased_at: u64,
    /// When the relay said that it has the job.
    pub acked_at: Option<u64>,
    /// The time at which the relay gave its result, in Unix milliseconds.
    pub ended_at: Option<u64>,
    /// `answered`, `rejected`, …, or `returned`, `lost`.
    pub outcome: Option<String>,
    /// The status code of the answer; null if none came.
    pub code: Option<u16>,
    /// Why the attempt ended as it did, in one word for programs.
    pub reason: Option<String>,
    /// Why the attempt ended as it did, for people.
    #[serde(alias = "words")]
    pub message: Option<String>,
    /// Datagrams sent, retransmissions included.
    pub datagrams: Option<u32>,
    /// The time between NOTIFY and answer, in milliseconds.
    pub rtt_ms: Option<u32>,
    /// The address and port that the NOTIFY was sent to.
    pub destination: Option<String>,
}

impl<S: Sql> Store<S> {
    /// Every attempt of a job that is kept, oldest first.
    pub fn attempts(&self, job: &str) -> Result<Vec<Attempt>, SqlError> {
        let sql = "SELECT lease, relay, leased_at, acked_at, ended_at, outcome, code, reason, words, datagrams, rtt_ms, destination
                     FROM attempts WHERE job = ? ORDER BY lease LIMIT 100";
        self.sql.rows(sql, args![job])
    }

    /// Whether this relay had this lease.
    pub fn is_lease_of(&self, job: &str, lease: u32, relay: &str) -> Result<bool, SqlError> {
        let sql = "SELECT 1 AS n FROM attempts WHERE job = ? AND lease = ? AND relay = ?";
        Ok(self.number(sql, args![job, lease, relay])?.is_some())
    }

    /// Writes down that a lease begins. The last [`MAX_ATTEMPTS`] are kept: a relay that gives everything back
    /// at once would make a row a second.
    pub(crate) fn attempt_begins(
        &self,
        job: &str,
        lease: u32,
        relay: &str,
        now: u64,
    ) -> Result<(), SqlError> {
        let sql = "INSERT INTO attempts (job, lease, relay, leased_at) VALUES (?, ?, ?, ?)";
        self.sql.run(sql, args![job, lease, relay, now])?;
        match lease.checked_sub(MAX_ATTEMPTS) {
            None | Some(0) => Ok(()),
            Some(old) => {
                let sql = "DELETE FROM attempts WHERE job = ? AND lease <= ?";
                self.sql.run(sql, args![job, old])
            }
        }
    }

    pub(crate) fn attempt_acked(
        &self,
        job: &str,
        lease: u32,
        relay: &str,
        now: u64,
    ) -> Result<(), SqlError> {
        let sql = "UPDATE attempts SET acked_at = ? WHERE job = ? AND lease = ? AND relay = ? AND acked_at IS NULL";
        self.sql.run(sql, args![now, job, lease, relay])
    }

    /// Writes a relay's result down, unless there is one already.
    pub(crate) fn attempt_reported(
        &self,
        result: &JobResult,
        relay: &str,
        now: u64,
    ) -> Result<(), SqlError> {
        let outcome = serde_json::to_value(result.outcome).ok();
        let outcome = outcome
            .as_ref()
            .and_then(|value| value.as_str())
            .unwrap_or("other");
        let bounded = |text: &str, most: usize| text.chars().take(most).collect::<String>();
        let sql = "UPDATE attempts SET ended_at = ?, outcome = ?, code = ?, reason = ?, words = ?, datagrams = ?, rtt_ms = ?, destination = ?
                    WHERE job = ? AND lease = ? AND relay = ? AND (outcome IS NULL OR outcome = 'lost')";
        self.sql.run(
            sql,
            args![
                now,
                outcome,
                result.code.map(u32::from),
                bounded(&result.reason, MAX_REASON),
                bounded(&result.explanation, MAX_MESSAGE),
                result.attempts,
                result.rtt_ms,
                result
                    .destination
                    .as_deref()
                    .map(|text| bounded(text, MAX_DESTINATION)),
                &result.job.id,
                result.job.lease,
                relay,
            ],
        )
    }

    /// Writes down that a lease ended without a result: `returned` or `lost`.
    pub(crate) fn attempt_ends(
        &self,
        job: &str,
        lease: u32,
        outcome: &str,
        reason: &str,
        now: u64,
    ) -> Result<(), SqlError> {
        let sql = "UPDATE attempts SET ended_at = ?, outcome = ?, reason = ? WHERE job = ? AND lease = ? AND outcome IS NULL";
        self.sql.run(sql, args![now, outcome, reason, job, lease])
    }
}
