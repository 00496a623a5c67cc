//! HTTP as both halves of the Worker use it: problem documents, ranges, validators.

pub mod body;
pub mod conditional;
pub mod problem;
pub mod range;

/// Carries the request's id in every answer.
pub const REQUEST_ID: &str = "ringfence-request-id";
