//! What a tenant may use at most of what all tenants share.

pub use ringfence_api::tenancy::limits::Limits;

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
            Self::Models => MAX_MODELS,
            Self::Tokens => 100,
            Self::SettingsBytes => 64 * MIB,
            Self::TemplateBytes => 8 * MIB,
            Self::AuditBytes => 128 * MIB,
        }
    }

    /// What a tenant may use that has these limits.
    pub fn limit(self, limits: &Limits) -> u64 {
        let own = match self {
            Quota::Devices => limits.devices,
            Quota::Sites => limits.sites,
            Quota::Models => limits.models,
            Quota::Tokens => limits.tokens,
            Quota::SettingsBytes => limits.settings_bytes,
            Quota::TemplateBytes => limits.template_bytes,
            Quota::AuditBytes => limits.audit_bytes,
        };
        own.unwrap_or_else(|| self.default_limit())
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

/// The most models that a tenant may ever have: as many as are read at once.
pub const MAX_MODELS: u64 = 1_000;

const MIB: u64 = 1024 * 1024;

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
            assert_eq!(quota.limit(&limits), 7, "{}", quota.name());
            let others = Quota::ALL.into_iter().filter(|other| *other != quota);
            for other in others {
                assert_eq!(other.limit(&limits), other.default_limit());
            }
        }
    }
}
