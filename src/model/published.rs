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
    /// Id of the access path that the phones are to move to, if the tenant names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    pub options: TenantOptions,
    /// Devices whose older files are void although the tenant's version stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fences: Vec<Fence>,
}

/// What is older than `version` was sealed under a key that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    pub mac: String,
    pub version: u64,
}

impl PublishedTenant {
    /// Whether a file of that version may still be served for that owner (a MAC or a model).
    pub fn accepts(&self, owner: &str, version: u64) -> bool {
        version >= self.version
            && !self
                .fences
                .iter()
                .any(|fence| fence.mac == owner && version < fence.version)
    }

    /// Whether a file that names URLs of `place` is the right one for whoever asks at `origin`: it is, if
    /// it names none, or those of the access path that the tenant's phones are to move to, or else those of
    /// the access path that it was asked under.
    pub fn fits(&self, place: Option<&Place>, origin: &str) -> bool {
        let wanted = self.target.as_ref().or(self.access_path.as_ref());
        place.is_none_or(|place| Some(&place.access_path) == wanted && place.origin == origin)
    }

    /// Whether the access path is good at this time on this host.
    pub fn answers(&self, host: &str, now: u64) -> bool {
        !self.is_expired(now) && self.answers_on(host)
    }

    /// Whether the access path's time is over.
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// Whether it is this host where the tenant's access paths answer.
    pub fn answers_on(&self, host: &str) -> bool {
        self.hostname.as_deref().is_none_or(|bound| bound == host)
    }
}

/// What the URLs begin with that a file names: never the segment, which is a secret of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Id of the access path.
    #[serde(rename = "a")]
    pub access_path: String,
    /// Scheme, host and, if it is not the scheme's own, port.
    #[serde(rename = "o")]
    pub origin: String,
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
    /// Whether the key that it is sealed with is confirmed, so that taking it changes nothing; true where no
    /// key is.
    #[serde(rename = "c")]
    pub confirmed: bool,
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
    /// Value of `Content-Encoding`: the bytes are the encoded ones. Empty where there is none.
    #[serde(rename = "z", default, skip_serializing_if = "String::is_empty")]
    pub content_encoding: String,
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
    /// Where the URLs lead that it names; `None` if it names none, so that it is the same under every access
    /// path.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
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
            target: None,
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
    fn a_file_with_a_url_fits_where_its_url_leads() {
        let origin = "https://a.example";
        let place = |id: &str| Place {
            access_path: id.into(),
            origin: origin.into(),
        };
        let (own, other) = (place("01JD0000000000000000000001"), place("B"));
        let mut tenant = tenant();
        assert!(tenant.fits(None, origin));
        assert!(tenant.fits(Some(&own), origin));
        assert!(!tenant.fits(Some(&own), "https://b.example"));
        assert!(!tenant.fits(Some(&other), origin));
        tenant.target = Some("B".into());
        assert!(!tenant.fits(Some(&own), origin));
        assert!(tenant.fits(Some(&other), origin));
        // A value of before the id was written.
        (tenant.target, tenant.access_path) = (None, None);
        assert!(!tenant.fits(Some(&own), origin));
        assert!(tenant.fits(None, origin));
    }

    #[test]
    fn published_target_json_format_unchanged() {
        let tenant = PublishedTenant {
            target: Some("01JD0000000000000000000002".into()),
            ..tenant()
        };
        let text = serde_json::to_string(&tenant).unwrap();
        assert!(text.contains(
            r#","access_path":"01JD0000000000000000000001","target":"01JD0000000000000000000002","options":{"#
        ));
        assert_eq!(
            serde_json::from_str::<PublishedTenant>(&text).unwrap(),
            tenant
        );
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
