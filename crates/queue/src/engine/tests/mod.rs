//! A pool in a simulated [`world`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod edge;
mod jobs;
mod pace;
mod places;
mod relays;
mod rollouts;
mod tables;
mod world;
