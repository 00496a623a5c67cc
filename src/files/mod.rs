//! From what is stored to the bytes a phone gets: collect the inputs, render, lint, seal.

pub mod above;
pub mod inputs;
pub mod names;
pub mod render;
pub mod seal;
pub mod urls;
