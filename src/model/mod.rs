//! What the Worker stores and shows, as types: the JSON in D1, in KV and of the API.

pub mod device;
pub mod limits;
pub mod published;
pub mod standing;
pub mod tenant;
pub mod webhook;
