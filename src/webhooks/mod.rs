//! Webhooks: somebody is told of what happens, by messages of Standard Webhooks.
//!
//! Each webhook has a Durable Object of its own ([`webhooks_do`]), so that a receiver which is slow keeps nobody
//! else waiting. Every five minutes the object looks into D1 and asks the pools ([`look`]) for what came about since
//! the last look. What it finds is gathered and becomes messages ([`record`]); these are signed ([`sign`]) and sent
//! ([`deliver`]) until the receiver has them, or are dead after ten tries. No request of a phone does any of it.
//!
//! *Invariant:* what was found is in the object's SQLite before the mark moves on, and a message before it is sent;
//! so whatever dies, nothing is lost, and what is sent twice has the same id.

mod client;
mod deliver;
mod look;
mod message;
mod messages;
mod receiver;
mod record;
mod sign;
mod webhooks_do;

pub use client::{call, wake_all};
pub use messages::{WebhookCall, WebhookReply};
pub use receiver::check as check_receiver;
pub use record::{MAX_WAITING, MessageRow};
pub use sign::WebhookSecret;

/// The binding of the class `Webhooks`.
const BINDING: &str = "WEBHOOKS";

/// Header of the webhook's id, from the Worker.
const WEBHOOK_HEADER: &str = "ringfence-webhook";
