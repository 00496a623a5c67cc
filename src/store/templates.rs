//! Operator-written file templates.

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_sql::args;
use serde::Deserialize;

use super::object::{Object, TemplateKey};
use super::{Change, ChangeError, CheckedAgainst, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError, rows};
use crate::model::limits::Quota;

/// A template as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct TemplateRow {
    pub kind: FileKind,
    pub family: Family,
    pub model: String,
    pub source: String,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

const COLUMNS: &str = "kind, family, model, source, revision, created_at, updated_at";
const KEY: &str = "tenant_id = ?1 AND kind = ?2 AND family = ?3 AND model = ?4";

/// Every template that an operator wrote for a tenant.
pub async fn list(db: &Db, tenant_id: &str) -> Result<Vec<TemplateRow>, StorageError> {
    rows(&db.all(all(tenant_id)).await?)
}

/// What reads them.
pub(super) fn all(tenant_id: &str) -> Statement {
    Statement::new(
        &format!(
            "SELECT {COLUMNS} FROM file_templates WHERE tenant_id = ?1 \
             ORDER BY kind, family, model LIMIT 1000"
        ),
        args![tenant_id],
    )
}

/// One template.
pub async fn find(
    db: &Db,
    tenant_id: &str,
    key: &TemplateKey,
) -> Result<Option<TemplateRow>, StorageError> {
    db.row(
        &format!("SELECT {COLUMNS} FROM file_templates WHERE {KEY}"),
        args![
            tenant_id,
            key.kind.as_str(),
            key.family.as_str(),
            &key.model
        ],
    )
    .await
}

fn at_revision<'a>(
    db: &'a Db,
    checked_against: &CheckedAgainst,
    key: &TemplateKey,
    revision: u64,
) -> Change<'a> {
    Change::checked(
        db,
        checked_against,
        Invalidates::Tenant,
        &format!("coalesce((SELECT revision FROM file_templates WHERE {KEY}), 0) = ?5"),
        args![key.kind.as_str(), key.family.as_str(), &key.model, revision],
    )
}

/// A template to be written.
pub struct NewTemplate<'a> {
    pub source: &'a str,
    /// Whether it is longer than what it replaces.
    pub grows: bool,
}

/// Adds or replaces a template that is still at `revision` (0: there is none).
///
/// # Errors
/// The template is no longer at `revision`, what the change was checked against is no longer so, or D1 fails.
pub async fn put(
    db: &Db,
    checked_against: &CheckedAgainst,
    key: &TemplateKey,
    revision: u64,
    new: &NewTemplate<'_>,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = at_revision(db, checked_against, key, revision);
    change.keep(
        &checked_against.tenant_id,
        Object::Template(key.clone()),
        now,
    );
    change.push(
        "INSERT INTO file_templates (tenant_id, kind, family, model, source, created_at, \
         updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT DO UPDATE SET \
         source = excluded.source, updated_at = excluded.updated_at, revision = revision + 1",
        args![
            &checked_against.tenant_id,
            key.kind.as_str(),
            key.family.as_str(),
            &key.model,
            new.source,
            now
        ],
    );
    if new.grows {
        change.within(&checked_against.tenant_id, Quota::TemplateBytes);
    }
    change.write(entry).await
}

/// Removes a template that is still at `revision`.
///
/// # Errors
/// The template is no longer at `revision`, what the change was checked against is no longer so, or D1 fails.
pub async fn delete(
    db: &Db,
    checked_against: &CheckedAgainst,
    key: &TemplateKey,
    revision: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = at_revision(db, checked_against, key, revision);
    change.keep(
        &checked_against.tenant_id,
        Object::Template(key.clone()),
        entry.at,
    );
    change.push(
        &format!("DELETE FROM file_templates WHERE {KEY}"),
        args![
            &checked_against.tenant_id,
            key.kind.as_str(),
            key.family.as_str(),
            &key.model
        ],
    );
    change.write(entry).await
}
