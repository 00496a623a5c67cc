//! The life of a device's key, as the guide of the KX-UTG requires it.
//!
//! ```text
//!              ┌────────── re-arm ──────────┐
//!              ▼                            │
//!   add ──▶ armed ──── claim ───▶ delivered ── sealed fetch ──▶ confirmed
//!              │                                                    ▲
//!              └──── time ──────▶ expired ─ sealed fetch, if it ────┘
//!                                           was delivered before
//!   re-key: any state ──▶ replaced, and a new generation is armed
//! ```
//!
//! An *armed* key has a bootstrap waiting: the one plaintext file, with the key in it. The first
//! claim takes it. What is served sealed is sealed under a key that was delivered at some time, so
//! a re-armed key still serves sealed files: the phone may well have it.
//!
//! [`step`] is total: every event has an answer in every state, and it reads no clock. These hold
//! in every history, and are tested as properties:
//!
//! - A plaintext goes out at most once per arming (adding, re-key, re-arm). The retry window is
//!   the one exception: where an operator switched it on, the address that took the bootstrap may
//!   take it again for a short while, until the first sealed fetch.
//! - After a re-key nothing is served under the key before, neither plain nor sealed.
//! - A refusal changes nothing, so it needs no write.
//!
//! *Confirmed* says that somebody fetched a sealed file, which takes the URL and not the key. It
//! tells the operator that things went as they should, and gives nobody anything.
//!
//! # The claim in a database
//!
//! Two requests at once must not both read *armed* and then both write *delivered*. So a service
//! does not call [`step`] for a claim and store what comes out, but does both in one conditional
//! `UPDATE … RETURNING`. Its `WHERE` clause, beside the identity of the row with its generation,
//! is what [`step`] checks:
//!
//! ```sql
//! (state = 'armed' AND (armed_until IS NULL OR :now < armed_until))
//! OR (state = 'delivered' AND :retry_window > 0 AND :source <> '' AND delivered_to = :source
//!     AND :now < delivered_at + :retry_window)
//! ```
//!
//! with [`Policy::retry_window`], which is 0 when it is off, and times in milliseconds. It sets
//! `state = 'delivered'`, `ever_delivered = 1`, `delivered_to = :source`; only where the state was
//! *armed* also `delivered_at = :now` and `confirmed_at = NULL`, so that a retry does not extend
//! its own window. No row back is the refusal. A NULL never opens anything but `armed_until`,
//! where it means that the bootstrap does not expire, and that only while the state says *armed*.
//!
//! The confirmation is a conditional write too: `state = 'confirmed', confirmed_at = :now` where
//! `ever_delivered = 1 AND state IN ('delivered', 'expired')`, again for one generation.

mod record;
mod step;

pub use record::{KeyRecord, KeyState};
pub use step::{Change, Effect, Event, Policy, Reason, Transition, may_serve_sealed, step};
