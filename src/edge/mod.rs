//! KV: what answers a phone without asking D1.
//!
//! KV may be a minute behind at other locations, so it holds only what is safe when stale:
//!
//! - `t1:<hash of the access path>`: the tenant, with the version that its files must have at least
//!   ([`PublishedTenant`](crate::model::published::PublishedTenant));
//! - `f1:<tenant>:<kind>:<form>:<owner>`: a file, sealed or wrapped, with its version, generation
//!   and ETag in the metadata ([`FileMeta`](crate::model::published::FileMeta)); with `:2` behind it, the
//!   same with the URLs of another access path in it.
//!
//! *Architecture invariant:* nothing here decides who gets a bootstrap, and nothing here is ever a
//! plaintext.

mod cached;
mod file;
mod known;
mod routes;
mod sweep;
mod tenant;

pub use cached::{CachedTenant, last_known};
pub use file::{
    FileRead, drop_device_files, drop_files_of, file_key, put_file, read_file, remove_file,
    second_key,
};
pub use known::{known, remember};
pub use sweep::{files_not_under, tenants_below};
pub use tenant::{
    FENCE_MS, FoundTenant, drop_access_path, find_tenant, publish_missed, publish_tenant,
};
