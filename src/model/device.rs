//! A device as it stands in D1.

use ringfence_provision::family::Family;
use ringfence_provision::lifecycle::{KeyRecord, KeyState, may_serve_sealed};
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
    /// Until when the tenant that it was in sends its phone on; `None` once the phone was here.
    #[serde(default)]
    pub forward_until: Option<u64>,
    /// When a request for a file of it was last refused or its file was broken, and why.
    #[serde(default)]
    pub failed_at: Option<u64>,
    #[serde(default)]
    pub failed_reason: Option<String>,
    /// Whether the last bootstrap was taken from none of the networks that the tenant expects.
    #[serde(default)]
    pub unexpected_network: i64,
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

    /// Whether it took its standard file, and lacks the last version of it.
    pub fn is_stale(&self) -> bool {
        self.fetched_version
            .is_some_and(|fetched| fetched < self.file_version())
    }

    /// Whether its last request was refused, or for a file that is broken.
    pub fn is_failing(&self) -> bool {
        self.failed_at > Some(self.last_seen_at.unwrap_or_default())
    }

    /// Whether sealed files may go out: a key that was delivered once, on a device in service.
    pub fn may_have_sealed(&self) -> bool {
        self.disabled == 0 && may_serve_sealed(&self.key())
    }

    /// Its key, as the life cycle knows it.
    pub fn key(&self) -> KeyRecord {
        KeyRecord {
            generation: self.generation,
            state: self.key_state,
            ever_delivered: self.ever_delivered == 1,
            armed_at: self.armed_at,
            armed_until: self.armed_until,
            delivered_at: self.delivered_at,
            delivered_to: self.delivered_address.clone(),
            confirmed_at: self.confirmed_at,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use ringfence_provision::vendor::panasonic;

    use super::*;

    /// A device whose key is in that state.
    pub(crate) fn device(key_state: KeyState) -> DeviceRow {
        DeviceRow {
            id: "01JD0000000000000000000000".into(),
            tenant_id: "01JC0000000000000000000000".into(),
            mac: "0080F0C571EB".into(),
            model: "KX-UTG300B".into(),
            site_id: None,
            label: String::new(),
            disabled: 0,
            version: 1,
            key_state,
            generation: 1,
            ever_delivered: i64::from(key_state != KeyState::Armed),
            key_wrapped: String::new(),
            armed_at: 1,
            armed_until: None,
            delivered_at: None,
            delivered_address: None,
            delivered_user_agent: None,
            delivered_country: None,
            confirmed_at: None,
            last_seen_at: None,
            last_seen_address: None,
            last_seen_user_agent: None,
            fetched_version: None,
            fetched_at: None,
            revision: 1,
            created_at: 1,
            updated_at: 1,
            forward_until: None,
            failed_at: None,
            failed_reason: None,
            unexpected_network: 0,
            family: panasonic::UTG,
            profile: Some("utg-128".into()),
            tenant_version: 1,
        }
    }

    #[test]
    fn sealed_files_take_a_key_that_was_delivered_on_a_device_in_service() {
        assert!(!device(KeyState::Armed).may_have_sealed());
        assert!(!device(KeyState::Replaced).may_have_sealed());
        let confirmed = device(KeyState::Confirmed);
        assert!(confirmed.may_have_sealed());
        let disabled = DeviceRow {
            disabled: 1,
            ..confirmed
        };
        assert!(!disabled.may_have_sealed());
    }
}
