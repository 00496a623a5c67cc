//! The queue of NOTIFY jobs of one relay pool, without the runtime it lives in.
//!
//! Nothing here reads a clock, draws a random number or does I/O: the time (Unix milliseconds) and a
//! seed are arguments, what D1 says is handed in, and SQLite is behind the trait [`ringfence_sql::Sql`], so
//! that the tests run the very statements that the Durable Object runs. The object itself
//! (`src/pool`) only moves messages between this module and the runtime.
//!
//! | module | decides |
//! |---|---|
//! | [`job`] | what becomes of one job, whatever arrives |
//! | [`backoff`] | when a job is tried again |
//! | [`pace`] | how many may go out now, in all and per destination network |
//! | [`window`] | whether it is the time of day for it |
//! | [`rollout`] | selections, stages, and when a rollout must stop |
//! | [`target`] | from a device's settings to whom and what to send |
//! | [`options`], [`edge`] | what an operator may set for a pool, and for the pool as a sender |
//! | [`messages`] | what the Worker and the object say to each other |
//! | [`store`] | the object's tables and statements |
//! | [`engine`] | the work: submit, lease, record, check, expand, sweep |

pub mod backoff;
pub mod edge;
pub mod engine;
pub mod job;
pub mod messages;
pub mod options;
pub mod pace;
pub mod rollout;
pub mod store;
pub mod target;
pub mod window;
