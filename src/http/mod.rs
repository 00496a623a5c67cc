//! HTTP as both halves of the Worker use it: what a request says of itself, problem documents, ranges, validators.

pub mod body;
pub mod conditional;
pub mod head;
pub mod problem;
pub mod range;

/// Carries the request's id in every answer.
pub const REQUEST_ID: &str = "ringfence-request-id";

/// In every answer, with [`AS_IT_SAYS`]: a browser must not take a text for a page.
pub const CONTENT_TYPE_OPTIONS: &str = "x-content-type-options";

/// See [`CONTENT_TYPE_OPTIONS`].
pub const AS_IT_SAYS: &str = "nosniff";
