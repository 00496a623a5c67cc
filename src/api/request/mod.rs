//! What every handler takes and gives: the caller, the query and the body as types, the answer, and how a change is written.

pub mod allowance;
pub mod answer;
pub mod auth;
pub mod call;
pub mod changing;
pub mod commit;
pub mod etag;
pub mod known;
pub mod page;
pub mod read;
pub mod secret;
pub mod token;
pub mod valid;
