//! The audit log: who changed what. Entries are written by [`Change::commit`](super::Change::commit),
//! in the transaction of the change itself, and read here.

use ringfence_sql::{Arg, args};

use super::by_id::{Condition, Page, PageRows};
use super::json::parts;
use super::turn::Turn;
use crate::db::{Db, Statement, StorageError};

pub use crate::audit::AuditRow;

/// One change, as it is written.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: String,
    pub tenant_id: Option<String>,
    pub token_id: String,
    /// What was done, as `device.rekey`.
    pub action: &'static str,
    /// What it was done to, as a path of the API below its tenant.
    pub object: String,
    /// JSON without secrets, bounded by [`audit::bound`](crate::audit::bound).
    pub before: Option<String>,
    /// JSON without secrets, bounded likewise.
    pub after: Option<String>,
    pub address: String,
    pub request_id: String,
    pub at: u64,
    /// What the caller says about the change: beside the versions that it makes, not in the log.
    pub comment: String,
    /// Whether it is refused where its tenant's entries have filled their part of the log.
    pub limited: bool,
    /// The device of an operation whose turn it is, where an operation makes the change.
    pub turn: Option<Turn>,
}

impl Entry {
    /// The statement that adds it.
    pub fn statement(&self) -> Statement {
        Statement::new(
            "INSERT INTO audit (id, tenant_id, token_id, action, object, before, after, address, \
             request_id, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            args![
                &self.id,
                self.tenant_id.as_deref(),
                &self.token_id,
                self.action,
                &self.object,
                self.before.as_deref(),
                self.after.as_deref(),
                &self.address,
                &self.request_id,
                self.at
            ],
        )
    }
}

/// The statements that add many entries of one call, in their order.
pub(super) fn statements(
    entries: &[Entry],
) -> Result<Vec<(&'static str, [Arg<'static>; 1])>, StorageError> {
    const MANY: &str = "INSERT INTO audit (id, tenant_id, token_id, action, object, before, after, address, \
         request_id, at) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, \
         value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9 FROM json_each(?1) ORDER BY key";
    let rows: Vec<_> = entries
        .iter()
        .map(|it| {
            (
                &it.id,
                &it.tenant_id,
                &it.token_id,
                it.action,
                &it.object,
                &it.before,
                &it.after,
                &it.address,
                &it.request_id,
                it.at,
            )
        })
        .collect();
    let parts = parts(&rows)?.into_iter();
    Ok(parts.map(|part| (MANY, [part.into()])).collect())
}

pub(super) const AUDIT_COLUMNS: &str =
    "number, id, tenant_id, token_id, action, object, before, after, address, request_id, at";

/// Which changes.
#[derive(Clone, Debug, Default)]
pub struct Filter<'a> {
    /// Only those of this tenant.
    pub tenant_id: Option<&'a str>,
    pub object: Option<&'a str>,
    pub action: Option<&'a str>,
    pub token_id: Option<&'a str>,
    pub request_id: Option<&'a str>,
    /// Only ids below this one.
    pub below: Option<&'a str>,
    /// Only ids from this one on.
    pub from: Option<&'a str>,
}

impl<'a> Filter<'a> {
    fn page(&self) -> Page<'a> {
        const OF_TENANT: &str = "tenant_id =";
        let mut within: Vec<Condition<'a>> = Vec::new();
        let mut besides: Vec<Condition<'a>> = Vec::new();
        // The table's own index of ids has no name.
        let mut source = "audit";
        if let Some(request_id) = self.request_id {
            source = "audit INDEXED BY audit_by_request";
            within.push(("request_id =", request_id.into()));
            besides.extend(self.tenant_id.map(|id| (OF_TENANT, id.into())));
        } else if let Some(tenant_id) = self.tenant_id {
            source = "audit INDEXED BY audit_by_tenant";
            within.push((OF_TENANT, tenant_id.into()));
        }
        let indexed = self.request_id.is_none() && self.tenant_id.is_some();
        for (condition, value, by) in [
            ("object =", self.object, "audit INDEXED BY audit_by_object"),
            ("action =", self.action, "audit INDEXED BY audit_by_action"),
            (
                "token_id =",
                self.token_id,
                "audit INDEXED BY audit_by_token",
            ),
        ] {
            let Some(value) = value else { continue };
            if indexed && within.len() == 1 {
                source = by;
                within.push((condition, value.into()));
            } else {
                besides.push((condition, value.into()));
            }
        }
        Page {
            columns: AUDIT_COLUMNS,
            source,
            within,
            besides,
            below: self.below,
            from: self.from,
        }
    }
}

/// Changes, the newest first.
pub async fn list(
    db: &Db,
    filter: &Filter<'_>,
    limit: u32,
) -> Result<PageRows<AuditRow>, StorageError> {
    filter.page().read(db, limit).await
}
