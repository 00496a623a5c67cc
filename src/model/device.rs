//! A device as it stands in D1.

use ringfence_provision::family::Family;
use ringfence_provision::lifecycle::KeyState;
use serde::Deserialize;

/// A row of `devices` with what its model and tenant add. Never shown as it is: it holds the
/// wrapped key.
#[derive(Clone, Debug, Deserialize)]
pub struct DeviceRow {
    pub id: String,
    pub tenant_id: String,
    pub mac: String,
    pub model: String,
    pub site_id: Option<String>,
    pub label: String,
    pub disabled: i64,
    pub version: u64,
    pub key_state: KeyState,
    pub generation: u32,
    pub ever_delivered: i64,
    pub key_wrapped: String,
    pub armed_at: u64,
    pub armed_until: Option<u64>,
    pub delivered_at: Option<u64>,
    pub delivered_address: Option<String>,
    pub delivered_user_agent: Option<String>,
    pub delivered_country: Option<String>,
    pub confirmed_at: Option<u64>,
    pub last_seen_at: Option<u64>,
    pub last_seen_address: Option<String>,
    pub last_seen_user_agent: Option<String>,
    pub fetched_version: Option<u64>,
    pub fetched_at: Option<u64>,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
    /// From the model.
    pub family: Family,
    pub profile: Option<String>,
    /// From the tenant.
    pub tenant_version: u64,
}

impl DeviceRow {
    /// The version of this device's files: of its own last change or the last one above it.
    pub fn file_version(&self) -> u64 {
        self.version.max(self.tenant_version)
    }

    /// Whether sealed files may go out: a key that was delivered once, on a device in service.
    pub fn may_have_sealed(&self) -> bool {
        self.disabled == 0 && self.ever_delivered == 1
    }
}
