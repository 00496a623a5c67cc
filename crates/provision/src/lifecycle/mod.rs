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
//!   restore of the database: armed ──▶ expired; any state ──▶ expired and
//!                            never delivered, if the restore undid a re-key
//! ```
//!
//! An *armed* key has a bootstrap waiting: the one plaintext file, with the key in it. The first
//! claim takes it. What is served sealed is sealed under a key that was delivered at some time, so
//! a re-armed key still serves sealed files: the phone may well have it.
//!
//! [`step()`] is total: every event has an answer in every state, and it reads no clock. These hold
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
//! Two requests at once must not both read *armed* and then both write *delivered*. So a service does
//! not store what [`step()`] gives for a claim, a confirmation or the end of a bootstrap: it does each in
//! one conditional statement, whose condition is what [`step()`] checks. A restore, which concerns every
//! key at once, is a few statements in one transaction. The Worker's statements are in
//! `src/store/claims.rs`, and a property test there holds them to [`step()`]. A retry does not move
//! `delivered_at`, so that it does not extend its own window. A NULL never opens anything but
//! `armed_until`, where it means that the bootstrap does not expire.

mod record;
mod step;

pub use record::{KeyRecord, KeyState};
pub use step::{
    ClaimPolicy, Effect, KeyChange, KeyEvent, KeyReason, Transition, may_serve_sealed, step,
};
