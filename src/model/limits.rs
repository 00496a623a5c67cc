//! What a tenant may use at most of what all tenants share.

use serde::{Deserialize, Serialize};

/// Something that a tenant uses, and that a quota bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    Devices,
    Sites,
    Models,
    Tokens,
    SettingsBytes,
    TemplateBytes,
    AuditBytes,
}

impl Quota {
    /// Every quota.
    pub const ALL: [Self; 7] = [
        Self::Devices,
        Self::Sites,
        Self::Models,
        Self::Tokens,
        Self::SettingsBytes,
        Self::TemplateBytes,
        Self::AuditBytes,
    ];

    /// Its name in [`Limits`] and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Sites => "sites",
            Self::Models => "models",
            Self::Tokens => "tokens",
            Self::SettingsBytes => "settings_bytes",
            Self::TemplateBytes => "template_bytes",
            Self::AuditBytes => "audit_bytes",
        }
    }

    /// What a tenant may use that has no limit of its own.
    pub fn default_limit(self) -> u64 {
        match self {
            Self::Devices => 100_000,
            Self::Sites => 5_000,
            Self::Models => 1_000,
            Self::Tokens => 100,
            Self::SettingsBytes => 64 * MIB,
            Self::TemplateBytes => 8 * MIB,
            Self::AuditBytes => 128 * MIB,
        }
    }

    /// What to do when it is used up.
    pub fn advice(self) -> &'static str {
        match self {
            Self::AuditBytes => {
                "Tokens of this tenant change nothing more until an operator with a token for all tenants exports and cuts the audit log, or raises the limit."
            }
            _ => {
                "Remove something first, or have an operator with a token for all tenants raise the limit."
            }
        }
    }
}

const MIB: u64 = 1024 * 1024;

/// The limits of a tenant that are not the defaults. What it does not know is passed over: a newer
/// version may have stored it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limits {
    /// How many devices; null is 100,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<u64>,
    /// How many sites; null is 5,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sites: Option<u64>,
    /// How many models; null is 1,000, which is also the most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<u64>,
    /// How many API tokens are bound to the tenant; null is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Bytes of names and values of settings as they are stored; null is 64 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings_bytes: Option<u64>,
    /// Bytes of templates; null is 8 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_bytes: Option<u64>,
    /// Bytes of the tenant's entries in the audit log, beyond which its own tokens change nothing until
    /// the log is cut; null is 128 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_bytes: Option<u64>,
}

impl Limits {
    /// The limit of a quota.
    pub fn of(&self, quota: Quota) -> u64 {
        let own = match quota {
            Quota::Devices => self.devices,
            Quota::Sites => self.sites,
            Quota::Models => self.models,
            Quota::Tokens => self.tokens,
            Quota::SettingsBytes => self.settings_bytes,
            Quota::TemplateBytes => self.template_bytes,
            Quota::AuditBytes => self.audit_bytes,
        };
        own.unwrap_or_else(|| quota.default_limit())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn limits_json_format_unchanged() {
        let limits = Limits {
            devices: Some(5),
            audit_bytes: Some(6),
            ..Limits::default()
        };
        assert_eq!(
            serde_json::to_string(&limits).unwrap(),
            r#"{"devices":5,"audit_bytes":6}"#
        );
        assert_eq!(serde_json::to_string(&Limits::default()).unwrap(), "{}");
    }

    #[test]
    fn every_quota_has_a_member_of_its_name() {
        for quota in Quota::ALL {
            let limits: Limits =
                serde_json::from_value(serde_json::json!({ quota.name(): 7 })).unwrap();
            assert_eq!(limits.of(quota), 7, "{}", quota.name());
            let others = Quota::ALL.into_iter().filter(|other| *other != quota);
            for other in others {
                assert_eq!(limits.of(other), other.default_limit());
            }
        }
    }
}
