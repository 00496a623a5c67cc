//! What a change would do to the files of phones, before it is written.

pub mod affected;
pub mod budget;
pub mod unused;
