//! What a change would do to the files of phones, before it is written.

pub mod asserted;
pub mod budget;
pub mod candidate;
mod look;
mod side;
pub mod trial;
pub mod unused;
