//! What relays said of themselves when they were last here.

use serde::{Deserialize, Serialize};

use super::{Sql, SqlError, Store};
use crate::args;

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

/// Two paces of a destination network, each the time of the next one in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(in crate::pool) struct NetworkPace {
    /// Of the turns given to jobs.
    pub due_us: u64,
    /// Of what was handed to relays.
    pub sent_us: u64,
}

impl<S: Sql> Store<S> {
    pub fn relay(&self, id: &str) -> Result<Option<RelayRow>, SqlError> {
        self.row("SELECT * FROM relays WHERE id = ?", args![id])
    }

    pub fn relays(&self) -> Result<Vec<RelayRow>, SqlError> {
        self.sql
            .rows("SELECT * FROM relays ORDER BY id LIMIT 1000", args![])
    }

    pub(in crate::pool) fn put_relay(&self, relay: &RelayRow) -> Result<(), SqlError> {
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

    pub(in crate::pool) fn relay_seen(&self, id: &str, now: u64) -> Result<(), SqlError> {
        self.sql
            .run("UPDATE relays SET seen_at = ? WHERE id = ?", args![now, id])
    }

    pub(in crate::pool) fn forget_relay(&self, id: &str) -> Result<(), SqlError> {
        self.sql.run("DELETE FROM relays WHERE id = ?", args![id])
    }

    /// How many jobs each relay holds.
    pub fn loads(&self) -> Result<Vec<(String, u64)>, SqlError> {
        #[derive(Deserialize)]
        struct Load {
            relay: String,
            n: u64,
        }
        let sql = "SELECT relay, count(*) AS n FROM jobs WHERE state = 'leased' GROUP BY relay";
        let rows: Vec<Load> = self.sql.rows(sql, args![])?;
        Ok(rows.into_iter().map(|row| (row.relay, row.n)).collect())
    }

    /// The paces of a network.
    pub(in crate::pool) fn network(&self, network: &str) -> Result<NetworkPace, SqlError> {
        let sql = "SELECT due_us, sent_us FROM networks WHERE network = ?";
        Ok(self.row(sql, args![network])?.unwrap_or_default())
    }

    pub(in crate::pool) fn set_network(
        &self,
        network: &str,
        pace: NetworkPace,
    ) -> Result<(), SqlError> {
        let sql = "INSERT INTO networks (network, due_us, sent_us) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET due_us = excluded.due_us, sent_us = excluded.sent_us";
        self.sql.run(sql, args![network, pace.due_us, pace.sent_us])
    }

    pub(in crate::pool) fn forget_networks(&self, before_us: u64) -> Result<(), SqlError> {
        let sql = "DELETE FROM networks WHERE due_us < ? AND sent_us < ?";
        self.sql.run(sql, args![before_us, before_us])
    }
}
