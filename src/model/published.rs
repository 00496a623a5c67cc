//! What KV holds: a tenant as the hot path needs it, and what is said beside a file.

use ringfence_provision::family::Family;
use serde::{Deserialize, Serialize};

use crate::model::tenant::TenantOptions;

/// What the hot path needs to know of a tenant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedTenant {
    pub tenant: String,
    /// Files of an older version are stale.
    pub version: u64,
    /// Where alone the access path answers, if the tenant is bound to a hostname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// When the access path expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Id of the access path. Values of before it was written have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_path: Option<String>,
    pub options: TenantOptions,
    /// Devices whose older files are void although the tenant's version stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fences: Vec<Fence>,
}

/// What is older than `version` was sealed under a key that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    pub mac: String,
    pub version: u64,
}

impl PublishedTenant {
    /// Whether a file of that version may still be served for that subject (a MAC or a model).
    pub fn accepts(&self, subject: &str, version: u64) -> bool {
        version >= self.version
            && !self
                .fences
                .iter()
                .any(|fence| fence.mac == subject && version < fence.version)
    }

    /// Whether the access path is good at this time on this host.
    pub fn answers(&self, host: &str, now: u64) -> bool {
        self.expires_at.is_none_or(|end| now < end)
            && self.hostname.as_deref().is_none_or(|bound| bound == host)
    }
}

/// What the hot path needs to know of a file, kept as KV metadata (at most 1,024 bytes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// Version of the settings it was rendered from.
    #[serde(rename = "v")]
    pub version: u64,
    /// Generation of the key it is sealed with; 0 where no key is.
    #[serde(rename = "g")]
    pub generation: u32,
    /// With its quotes.
    #[serde(rename = "e")]
    pub etag: String,
    /// Whether taking it says nothing new about the key's life.
    #[serde(rename = "c")]
    pub settled: bool,
    /// The device that it was made for; empty for files of a model or tenant.
    #[serde(rename = "d", default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// Extension of the names that it may be served under, if it is sealed: a tenant's names may
    /// be for several profiles.
    #[serde(rename = "x", default, skip_serializing_if = "String::is_empty")]
    pub extension: String,
    /// Value of `Content-Type`.
    #[serde(rename = "t")]
    pub content_type: String,
    /// Length of what the phone gets, in bytes.
    #[serde(rename = "n")]
    pub length: usize,
    /// Id of the master key that wraps it; empty where it is sealed instead.
    #[serde(rename = "m", default, skip_serializing_if = "String::is_empty")]
    pub master: String,
    /// The family of a device whose file it is in clear: some names are one family's. `None` for other
    /// files, and for those that were stored before it was.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tenant() -> PublishedTenant {
        PublishedTenant {
            tenant: "01JD0000000000000000000000".into(),
            version: 7,
            hostname: None,
            expires_at: None,
            access_path: Some("01JD0000000000000000000001".into()),
            options: TenantOptions::default(),
            fences: vec![Fence {
                mac: "0080F0C571EB".into(),
                version: 9,
            }],
        }
    }

    #[test]
    fn a_file_is_stale_below_the_tenants_version_or_its_own_fence() {
        let tenant = tenant();
        assert!(tenant.accepts("0080F0000001", 7));
        assert!(!tenant.accepts("0080F0000001", 6));
        assert!(!tenant.accepts("0080F0C571EB", 8));
        assert!(tenant.accepts("0080F0C571EB", 9));
    }

    #[test]
    fn an_access_path_answers_until_it_expires_and_on_its_host_alone() {
        let mut tenant = tenant();
        assert!(tenant.answers("a.example", 1));
        tenant.expires_at = Some(10);
        assert!(!tenant.answers("a.example", 10));
        tenant.expires_at = None;
        tenant.hostname = Some("b.example".into());
        assert!(!tenant.answers("a.example", 1));
    }

    #[test]
    fn a_value_without_the_access_paths_id_or_with_newer_members_is_read() {
        let text = r#"{"tenant":"T","version":7,"expires_at":10,"newer":[1],"options":{}}"#;
        let tenant: PublishedTenant = serde_json::from_str(text).unwrap();
        assert_eq!(tenant.access_path, None);
        assert_eq!(tenant.expires_at, Some(10));
    }

    #[test]
    fn published_tenant_json_format_unchanged() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&tenant()).unwrap());
    }
}
