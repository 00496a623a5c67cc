//! Quotas of tenants: what is used, and the statement that refuses a change which would use more than
//! is allowed.
//!
//! The statement is the last of the change, in its transaction. Where too much would be used it sets a
//! column to NULL, which the schema refuses; D1 then rolls everything back, and the column's name says
//! which quota it was.

use ringfence_sql::args;
use serde::Deserialize;

use super::{Change, ChangeError, Entry, Invalidates};
use crate::audit::bound::MAX_ENTRY;
use crate::db::{Corrupt, Db, Statement, StorageError};
use crate::model::limits::{Limits, Quota};

impl Quota {
    /// The column of `tenants` that becomes NULL.
    fn column(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::SettingsBytes => "settings_bytes",
            Self::AuditBytes => "audit_bytes",
            // Counted when it matters: there are few, and an index behind them.
            Self::Sites | Self::Models | Self::Tokens | Self::TemplateBytes => "limits",
        }
    }

    /// What the tenant `?1` uses.
    fn used(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::SettingsBytes => "settings_bytes",
            Self::AuditBytes => "audit_bytes",
            Self::Sites => "(SELECT count(*) FROM sites WHERE tenant_id = ?1)",
            Self::Models => "(SELECT count(*) FROM models WHERE tenant_id = ?1)",
            Self::Tokens => "(SELECT count(*) FROM tokens WHERE tenant_id = ?1)",
            Self::TemplateBytes => {
                "(SELECT coalesce(sum(octet_length(source)), 0) FROM file_templates \
                 WHERE tenant_id = ?1)"
            }
        }
    }

    /// The statement that holds it, for the end of a change.
    pub fn statement(self, tenant_id: &str) -> Statement {
        let (column, used, name) = (self.column(), self.used(), self.name());
        Statement::new(
            &format!(
                "UPDATE tenants SET {column} = CASE WHEN {used} <= coalesce(limits ->> '$.{name}', ?2) \
                 THEN {column} END WHERE id = ?1"
            ),
            args![tenant_id, self.default_limit()],
        )
    }

    /// Which of the quotas that a change is held to refused it, if one did.
    pub fn refused(held: &[Self], error: &StorageError) -> Option<Self> {
        held.iter().copied().find(|quota| {
            let column = error
                .violates_not_null()
                .and_then(|it| it.strip_prefix("tenants."));
            column == Some(quota.column())
        })
    }
}

/// What a tenant uses, in the order of [`Quota::ALL`], and its limits.
///
/// # Errors
/// D1 fails, or the stored JSON is not what this program writes.
pub async fn usage(
    db: &Db,
    tenant_id: &str,
) -> Result<Option<(Limits, Vec<(Quota, u64)>)>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        limits: String,
        #[serde(rename = "$used")]
        used: serde_json::Map<String, serde_json::Value>,
    }
    let columns: Vec<String> = Quota::ALL
        .iter()
        .map(|quota| format!("{} AS used_{}", quota.used(), quota.name()))
        .collect();
    let columns = columns.join(", ");
    let row: Option<Row> = db
        .row(
            &format!("SELECT limits, {columns} FROM tenants WHERE id = ?1"),
            args![tenant_id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let limits = ringfence_json::from_str(&row.limits).map_err(|why| {
        let tenant = tenant_id.to_owned();
        Corrupt::TenantLimits { tenant, why }
    })?;
    let used = |quota: Quota| {
        let used = row.used.get(&format!("used_{}", quota.name()));
        used.and_then(serde_json::Value::as_u64).unwrap_or_default()
    };
    let all = Quota::ALL.map(|quota| (quota, used(quota)));
    Ok(Some((limits, all.into())))
}

/// Whether one more entry has room in a tenant's part of the audit log.
pub async fn has_audit_room(db: &Db, tenant_id: &str) -> Result<bool, StorageError> {
    let full: Option<i64> = db
        .value(
            "SELECT audit_bytes + ?3 > coalesce(limits ->> '$.audit_bytes', ?2) FROM tenants \
             WHERE id = ?1",
            args![
                tenant_id,
                Quota::AuditBytes.default_limit(),
                MAX_ENTRY as u64
            ],
        )
        .await?;
    Ok(full != Some(1))
}

/// Replaces the limits of a tenant.
///
/// # Errors
/// The tenant is gone, or D1 fails.
pub async fn put(db: &Db, tenant_id: &str, limits: &str, entry: &Entry) -> Result<(), ChangeError> {
    let mut change = Change::new(db, tenant_id, Invalidates::Device);
    change.push(
        "UPDATE tenants SET limits = ?2 WHERE id = ?1",
        args![tenant_id, limits],
    );
    change.write(entry).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_that_refused_is_told_by_its_column() {
        let failed = |column: &str| {
            StorageError::database(format!(
                "D1_ERROR: NOT NULL constraint failed: tenants.{column}: SQLITE_CONSTRAINT"
            ))
        };
        let held = [Quota::Models, Quota::Devices, Quota::AuditBytes];
        assert_eq!(
            Quota::refused(&held, &failed("devices")),
            Some(Quota::Devices)
        );
        assert_eq!(
            Quota::refused(&held, &failed("limits")),
            Some(Quota::Models)
        );
        assert_eq!(
            Quota::refused(&held, &failed("audit_bytes")),
            Some(Quota::AuditBytes)
        );
        assert_eq!(Quota::refused(&held, &failed("seq")), None);
        assert_eq!(Quota::refused(&held, &failed("settings_bytes")), None);
    }
}
