//! The relay: takes NOTIFY jobs from its pool over one WebSocket and sends them over UDP, or over its proxy's
//! connection.
//!
//! The core decides and knows neither sockets nor clocks: [`ringfence_sender`] (jobs, pace, transactions,
//! failover) and [`outbox`] (what the pool has yet to hear). The shell around it is thin: [`link`]
//! (the WebSocket), [`udp`], [`streams`], [`resolver`], [`http`], and [`run`], which joins them in one task.

pub mod backoff;
pub mod cli;
pub mod config;
pub mod http;
pub mod link;
pub mod log;
pub mod metrics;
pub mod node;
pub mod outbox;
pub mod random;
pub mod resolver;
pub mod run;
pub mod send;
pub mod streams;
pub mod udp;
