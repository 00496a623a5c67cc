//! What a change would do to the files of phones, before it is written.

pub mod budget;
pub mod candidate;
pub mod unused;
