//! How fast NOTIFYs go to each destination network: where its paces stand.

use serde::Deserialize;

use super::Store;
use ringfence_sql::{Sql, SqlError, args};

/// Two paces of a destination network, each the time of the next one in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct NetworkPace {
    /// Of the turns given to jobs.
    pub due_us: u64,
    /// Of what was handed to relays.
    pub sent_us: u64,
}

impl<S: Sql> Store<S> {
    /// The paces of a network.
    pub(crate) fn network(&self, network: &str) -> Result<NetworkPace, SqlError> {
        let sql = "SELECT due_us, sent_us FROM networks WHERE network = ?";
        Ok(self.row(sql, args![network])?.unwrap_or_default())
    }

    pub(crate) fn set_network(&self, network: &str, pace: NetworkPace) -> Result<(), SqlError> {
        let sql = "INSERT INTO networks (network, due_us, sent_us) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET due_us = excluded.due_us, sent_us = excluded.sent_us";
        self.sql.run(sql, args![network, pace.due_us, pace.sent_us])
    }

    pub(crate) fn forget_networks(&self, before_us: u64) -> Result<(), SqlError> {
        let sql = "DELETE FROM networks WHERE due_us < ? AND sent_us < ?";
        self.sql.run(sql, args![before_us, before_us])
    }
}
