//! What relays said of themselves when they were last here.

use serde::{Deserialize, Serialize};

use super::Store;
use ringfence_sql::{Sql, SqlError, args};

/// A relay's last hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayRow {
    pub id: String,
    /// Of its process.
    pub instance: String,
    pub software: String,
    pub version: String,
    pub capacity: u32,
    /// Comma-separated.
    pub transports: String,
    pub hello_at: u64,
    pub seen_at: u64,
}

impl<S: Sql> Store<S> {
    pub fn relay(&self, id: &str) -> Result<Option<RelayRow>, SqlError> {
        self.row("SELECT * FROM relays WHERE id = ?", args![id])
    }

    pub fn relays(&self) -> Result<Vec<RelayRow>, SqlError> {
        self.sql
            .rows("SELECT * FROM relays ORDER BY id LIMIT 1000", args![])
    }

    pub(crate) fn put_relay(&self, relay: &RelayRow) -> Result<(), SqlError> {
        let sql = "INSERT INTO relays (id, instance, software, version, capacity, transports, hello_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                   ON CONFLICT DO UPDATE SET instance = excluded.instance, software = excluded.software, version = excluded.version,
                     capacity = excluded.capacity, transports = excluded.transports, hello_at = excluded.hello_at, seen_at = excluded.seen_at";
        self.sql.run(
            sql,
            args![
                &relay.id,
                &relay.instance,
                &relay.software,
                &relay.version,
                relay.capacity,
                &relay.transports,
                relay.hello_at,
                relay.seen_at,
            ],
        )
    }

    pub(crate) fn relay_seen(&self, id: &str, now: u64) -> Result<(), SqlError> {
        self.sql
            .run("UPDATE relays SET seen_at = ? WHERE id = ?", args![now, id])
    }

    pub(crate) fn forget_relay(&self, id: &str) -> Result<(), SqlError> {
        self.sql.run("DELETE FROM relays WHERE id = ?", args![id])
    }

    /// Remembers that a relay's credential was removed, and forgets those removed before `forget`.
    pub(crate) fn bury_relay(&self, id: &str, now: u64, forget: u64) -> Result<(), SqlError> {
        self.set_meta(&tombstone(id), &now.to_string())?;
        let sql = "DELETE FROM meta WHERE name >= 'removed:' AND name < 'removed;' AND CAST(value AS INTEGER) < ?";
        self.sql.run(sql, args![forget])
    }

    /// Whether a relay's credential was removed lately.
    pub fn is_buried(&self, id: &str) -> Result<bool, SqlError> {
        Ok(self.meta(&tombstone(id))?.is_some())
    }

    /// How many jobs of each tenant each relay holds: relay, tenant, jobs.
    pub fn loads(&self) -> Result<Vec<(String, String, u64)>, SqlError> {
        #[derive(Deserialize)]
        struct Load {
            relay: String,
            tenant: String,
            n: u64,
        }
        let sql = "SELECT relay, tenant, count(*) AS n FROM jobs WHERE state = 'leased' AND relay IS NOT NULL GROUP BY relay, tenant";
        let rows: Vec<Load> = self.sql.rows(sql, args![])?;
        let loads = rows.into_iter();
        Ok(loads.map(|row| (row.relay, row.tenant, row.n)).collect())
    }
}

fn tombstone(id: &str) -> String {
    format!("removed:{id}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use ringfence_sql::Memory;

    #[test]
    fn a_removed_relay_is_remembered_and_forgotten() {
        let store = Store::open(Memory::new()).unwrap();
        let buried = || ["a", "b"].map(|id| store.is_buried(id).unwrap());
        store.bury_relay("a", 1_000, 0).unwrap();
        assert_eq!(buried(), [true, false]);
        store.bury_relay("b", 2_000, 1_000).unwrap();
        assert_eq!(buried(), [true, true]);
        store.bury_relay("b", 3_000, 1_001).unwrap();
        assert_eq!(buried(), [false, true]);
        assert!(store.meta("schema").unwrap().is_some());
    }
}
