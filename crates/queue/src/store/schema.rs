//! The schema, as steps that only go forward. An object brings its own tables up to date when it
//! wakes, so every step must work on the data of the one before.

use super::Store;
use ringfence_sql::{Sql, SqlError, args};

/// Step n leads from schema version n to n + 1. Never change one that was deployed; add another.
const MIGRATIONS: &[&[&str]] = &[FIRST, SECOND, THIRD, FOURTH, FIFTH];

const FIRST: &[&str] = &[
    "CREATE TABLE jobs (
       id TEXT PRIMARY KEY NOT NULL,
       tenant TEXT NOT NULL,
       device TEXT NOT NULL,
       mac TEXT NOT NULL,
       event TEXT NOT NULL,
       version INTEGER NOT NULL,
       network TEXT NOT NULL,
       rollout TEXT,
       stage INTEGER NOT NULL DEFAULT 0,
       lane TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('queued', 'leased', 'answered', 'fetched', 'rejected', 'unreachable', 'expired', 'cancelled')),
       created_at INTEGER NOT NULL,
       due_at INTEGER NOT NULL,
       expires_at INTEGER NOT NULL,
       slot INTEGER NOT NULL DEFAULT 0,
       lease INTEGER NOT NULL DEFAULT 0,
       relay TEXT,
       lease_until INTEGER,
       tries INTEGER NOT NULL DEFAULT 0,
       joined INTEGER NOT NULL DEFAULT 0,
       first_sent_at INTEGER,
       sent_at INTEGER,
       answered_at INTEGER,
       fetched_at INTEGER,
       ended_at INTEGER,
       check_at INTEGER,
       checked_at INTEGER,
       judge_at INTEGER,
       verdict TEXT NOT NULL CHECK (verdict IN ('none', 'open', 'in_time', 'late', 'excluded')),
       code INTEGER,
       reason TEXT NOT NULL,
       words TEXT NOT NULL
     ) STRICT, WITHOUT ROWID",
    // One pending job per device and event, kept by SQLite itself.
    "CREATE UNIQUE INDEX jobs_pending ON jobs (device, event) WHERE state IN ('queued', 'leased', 'answered')",
    "CREATE INDEX jobs_queue ON jobs (lane, due_at) WHERE state = 'queued'",
    "CREATE INDEX jobs_by_expiry ON jobs (expires_at) WHERE state = 'queued'",
    "CREATE INDEX jobs_by_lease ON jobs (lease_until) WHERE state = 'leased'",
    "CREATE INDEX jobs_by_relay ON jobs (relay) WHERE state = 'leased'",
    "CREATE INDEX jobs_by_check ON jobs (check_at) WHERE state = 'answered'",
    "CREATE INDEX jobs_by_judgement ON jobs (judge_at) WHERE verdict = 'open' AND judge_at IS NOT NULL",
    "CREATE INDEX jobs_by_end ON jobs (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX jobs_by_tenant ON jobs (tenant, id)",
    "CREATE INDEX jobs_by_device ON jobs (device, id)",
    "CREATE INDEX jobs_by_rollout ON jobs (rollout, id) WHERE rollout IS NOT NULL",
    "CREATE TABLE attempts (
       job TEXT NOT NULL,
       lease INTEGER NOT NULL,
       relay TEXT NOT NULL,
       leased_at INTEGER NOT NULL,
       acked_at INTEGER,
       ended_at INTEGER,
       outcome TEXT,
       code INTEGER,
       reason TEXT,
       words TEXT,
       datagrams INTEGER,
       rtt_ms INTEGER,
       destination TEXT,
       PRIMARY KEY (job, lease)
     ) STRICT, WITHOUT ROWID",
    "CREATE TABLE rollouts (
       id TEXT PRIMARY KEY NOT NULL,
       tenant TEXT NOT NULL,
       spec TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'finished', 'cancelled')),
       reason TEXT NOT NULL,
       words TEXT NOT NULL,
       total INTEGER NOT NULL,
       cursor TEXT NOT NULL DEFAULT '',
       released INTEGER NOT NULL DEFAULT 0,
       stage INTEGER NOT NULL DEFAULT 0,
       stage_from INTEGER NOT NULL DEFAULT 0,
       forgiven_in_time INTEGER NOT NULL DEFAULT 0,
       forgiven_late INTEGER NOT NULL DEFAULT 0,
       due_us INTEGER NOT NULL,
       closed_since INTEGER,
       created_at INTEGER NOT NULL,
       ended_at INTEGER
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX rollouts_by_tenant ON rollouts (tenant, id)",
    "CREATE INDEX rollouts_open ON rollouts (id) WHERE ended_at IS NULL",
    "CREATE INDEX rollouts_by_end ON rollouts (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE TABLE rollout_macs (
       rollout TEXT NOT NULL,
       n INTEGER NOT NULL,
       mac TEXT NOT NULL,
       PRIMARY KEY (rollout, n)
     ) STRICT, WITHOUT ROWID",
    // How many jobs of a rollout's stage are in each state ('queued', …) and of each verdict
    // ('in_time', …), kept by triggers: counting 100,000 rows for each look would cost too much.
    "CREATE TABLE tallies (
       rollout TEXT NOT NULL,
       stage INTEGER NOT NULL,
       name TEXT NOT NULL,
       n INTEGER NOT NULL,
       PRIMARY KEY (rollout, stage, name)
     ) STRICT, WITHOUT ROWID",
    "CREATE TRIGGER tally_new AFTER INSERT ON jobs WHEN NEW.rollout IS NOT NULL BEGIN
       INSERT INTO tallies VALUES (NEW.rollout, NEW.stage, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
     END",
    "CREATE TRIGGER tally_adopted AFTER UPDATE OF rollout ON jobs WHEN OLD.rollout IS NULL AND NEW.rollout IS NOT NULL BEGIN
       INSERT INTO tallies VALUES (NEW.rollout, NEW.stage, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
     END",
    "CREATE TRIGGER tally_state AFTER UPDATE OF state ON jobs WHEN OLD.rollout IS NOT NULL AND NEW.state <> OLD.state BEGIN
       INSERT INTO tallies VALUES (NEW.rollout, NEW.stage, OLD.state, -1) ON CONFLICT DO UPDATE SET n = n - 1;
       INSERT INTO tallies VALUES (NEW.rollout, NEW.stage, NEW.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
     END",
    "CREATE TRIGGER tally_verdict AFTER UPDATE OF verdict ON jobs WHEN NEW.rollout IS NOT NULL AND NEW.verdict <> OLD.verdict AND NEW.verdict <> 'open' BEGIN
       INSERT INTO tallies VALUES (NEW.rollout, NEW.stage, NEW.verdict, 1) ON CONFLICT DO UPDATE SET n = n + 1;
     END",
    "CREATE TABLE networks (
       network TEXT PRIMARY KEY NOT NULL,
       due_us INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX networks_by_due ON networks (due_us)",
    "CREATE TABLE relays (
       id TEXT PRIMARY KEY NOT NULL,
       instance TEXT NOT NULL,
       software TEXT NOT NULL,
       version TEXT NOT NULL,
       capacity INTEGER NOT NULL,
       transports TEXT NOT NULL,
       hello_at INTEGER NOT NULL,
       seen_at INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID",
];

const SECOND: &[&str] = &[
    // Closed queues are passed over as a whole, not job by job.
    "CREATE INDEX jobs_by_lane_expiry ON jobs (lane, expires_at) WHERE state = 'queued'",
    "DROP INDEX jobs_by_expiry",
    "CREATE INDEX jobs_leased_of ON jobs (lane) WHERE state = 'leased'",
    // Rollouts that found a job pending in another and count on it.
    "CREATE TABLE joins (
       job TEXT NOT NULL,
       rollout TEXT NOT NULL,
       PRIMARY KEY (job, rollout)
     ) STRICT, WITHOUT ROWID",
    // The pace of what was really handed out; `due_us` is that of the turns given.
    "ALTER TABLE networks ADD COLUMN sent_us INTEGER NOT NULL DEFAULT 0",
];

const THIRD: &[&str] = &[
    // Jobs of no rollout are taken by tenant in turn.
    "CREATE INDEX jobs_solo ON jobs (tenant, due_at) WHERE state = 'queued' AND lane = ''",
    // How many places of which relay each tenant holds.
    "CREATE INDEX jobs_held ON jobs (relay, tenant) WHERE state = 'leased'",
    "DROP INDEX jobs_by_relay",
];

const FOURTH: &[&str] = &[
    // How many jobs are pending and since when, read off the index alone.
    "CREATE INDEX jobs_by_age ON jobs (state, created_at) WHERE state IN ('queued', 'leased', 'answered')",
];

const FIFTH: &[&str] = &[
    // Jobs that the pool itself could not deliver.
    "ALTER TABLE jobs ADD COLUMN relay_only INTEGER NOT NULL DEFAULT 0",
];

impl<S: Sql> Store<S> {
    /// Applies the steps that are missing.
    pub(super) fn migrate(&self) -> Result<(), SqlError> {
        self.sql.run(
            "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
            args![],
        )?;
        let done = self
            .meta("schema")?
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        for (step, statements) in MIGRATIONS.iter().enumerate().skip(done) {
            for statement in *statements {
                self.sql.run(statement, args![])?;
            }
            self.set_meta("schema", &(step + 1).to_string())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::store::NetworkPace;
    use ringfence_sql::Memory;

    /// An object of the first version, with work in hand, wakes with this one.
    #[test]
    fn later_steps_work_on_the_data_of_the_first() {
        let memory = Memory::new();
        memory.0.execute_batch(
            "CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
        ).unwrap();
        for statement in FIRST {
            memory.0.execute(statement, []).unwrap();
        }
        memory.0.execute_batch(
            "INSERT INTO meta VALUES ('schema', '1');
             INSERT INTO jobs (id, tenant, device, mac, event, version, network, lane, state, created_at, due_at, expires_at, verdict, reason, words)
               VALUES ('J', 'T', 'D', '0080F0C571EB', 'check-sync', 7, '192.0.2.0/24', 'R', 'queued', 1, 2, 3, 'none', 'queued', '');
             INSERT INTO jobs (id, tenant, device, mac, event, version, network, lane, state, relay, created_at, due_at, expires_at, verdict, reason, words)
               VALUES ('L', 'T', 'E', '0080F0C571EC', 'check-sync', 7, '192.0.2.0/24', '', 'leased', 'A', 1, 2, 3, 'none', 'leased', '');
             INSERT INTO networks VALUES ('192.0.2.0/24', 5);",
        ).unwrap();
        for _ in 0..2 {
            let store = Store::open(memory.clone()).unwrap();
            assert_eq!(store.meta("schema").unwrap().as_deref(), Some("5"));
            assert_eq!(store.loads().unwrap(), [("A".into(), "T".into(), 1)]);
            let job = store.job("J").unwrap().unwrap();
            assert_eq!((job.version, job.relay_only), (7, false));
            assert_eq!(store.queues_in_use().unwrap(), ["R"]);
            assert_eq!(store.next_expiry("R").unwrap(), Some(3));
            assert!(!store.is_joined("J").unwrap());
            let pace = NetworkPace {
                due_us: 5,
                sent_us: 0,
            };
            assert_eq!(store.network("192.0.2.0/24").unwrap(), pace);
        }
    }
}
