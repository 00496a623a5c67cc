//! What the audit log may hold, and how its entries hang together. Pure: SQL is in
//! [`store::audit`](crate::store::audit) and [`store::audit_chain`](crate::store::audit_chain).
//!
//! An entry is bounded, whatever a change was about ([`bound`]); a value that may be a secret is
//! there as a digest ([`digest`]); and each entry's hash covers the one before it ([`chain`]).

pub mod bound;
pub mod chain;
pub mod digest;

use serde::Deserialize;

/// One change, as it was written.
#[derive(Clone, Debug, Deserialize)]
pub struct AuditRow {
    /// Its place in the log, in the order of the transactions.
    pub number: u64,
    pub id: String,
    pub tenant_id: Option<String>,
    pub token_id: String,
    pub action: String,
    pub object: String,
    pub before: Option<String>,
    pub after: Option<String>,
    pub address: String,
    pub request_id: String,
    pub at: u64,
}

/// How the log calls a device.
pub fn device_object(mac: &str) -> String {
    format!("devices/{mac}")
}
