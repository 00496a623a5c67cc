//! The relay: takes NOTIFY jobs from its pool over one WebSocket and sends them over UDP.
//!
//! The core decides and knows neither sockets nor clocks: [`engine`] (jobs, pace, transactions,
//! failover) and [`outbox`] (what the pool has yet to hear). The shell around it is thin: [`link`]
//! (the WebSocket), [`udp`], [`resolver`], [`http`], and [`run`], which joins them in one task.

pub mod backoff;
pub mod config;
pub mod destination;
pub mod engine;
pub mod link;
pub mod locate;
pub mod outbox;
pub mod resolver;
pub mod udp;
