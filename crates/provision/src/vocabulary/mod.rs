//! One vocabulary for all phones: settings that mean the same whoever made the phone.
//!
//! An operator writes `line_1_user`, and each family writes it where its phones look for it. The vocabulary
//! is a table ([`SETTINGS`]): names, kinds of value, one sentence each. How a family says a setting is data of
//! its vendor's folder ([`Rule`]); [`translate()`] applies it to the settings of one phone. What comes out are
//! parameters of the vendor's own, which a template finds among those of
//! [`parameters("standard_")`](crate::template), as if the operator had set them there by their own names. A
//! parameter that he did set by its own name is left to him.

pub mod codecs;
pub mod keys;
mod kind;
mod rule;
mod settings;
mod summer;
mod translate;

pub use kind::Kind;
pub use rule::{
    Chars, Encoding, Models, Name, Reading, Rule, Run, Runs, Written, each, host_alone,
    host_and_port, host_without_port, interval, one, port_alone, port_unless_proxy, runs, table,
};
pub use settings::{MAX_NUMBER, SETTINGS, Setting, find};
pub use summer::{hour, month, weekday_from_one};
pub use translate::{Translated, Translation, USER, WrongValue, translate};
