//! What the Worker stores and shows, as types: the JSON in D1, in KV and of the API.

pub mod device;
pub mod limits;
pub mod published;
pub mod standing;

// What is stored as it is shown is a type of the API.
pub use ringfence_api::admin::webhook_options as webhook;
pub use ringfence_api::tenancy::options as tenant;
