//! Provisioning files of SIP desk phones: how their URLs are written, what is in them, which key
//! seals them and when.
//!
//! Nothing here reads a clock, draws a random number or does I/O: times (Unix milliseconds) and
//! random bytes are arguments.
#![deny(missing_docs)]

pub mod diff;
pub mod effective;
pub mod family;
pub mod format;
mod hash;
pub mod key;
pub mod kind;
pub mod layers;
pub mod lifecycle;
pub mod mac;
pub mod seal;
pub mod secret;
pub mod serving;
#[cfg(test)]
mod steps;
pub mod template;
pub mod unused;
pub mod url_template;
pub mod vendor;
pub mod vocabulary;
pub mod wrap;
pub mod zone;

pub use hash::hex;
