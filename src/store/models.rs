//! Models: what a tenant's phones are.

use ringfence_provision::family::Family;
use ringfence_provision::kind::FileKind;
use ringfence_sql::args;
use serde::Deserialize;

use super::json::json;
use super::object::{Object, Scope, TemplateKey};
use super::{Change, ChangeError, CheckedAgainst, Entry, Invalidates};
use crate::db::{Db, Statement, StorageError, rows};
use crate::model::limits::Quota;

/// A model as it is stored.
#[derive(Clone, Debug, Deserialize)]
pub struct ModelRow {
    pub name: String,
    pub family: Family,
    /// Name of the sealing profile; `None`: plaintext over HTTPS.
    pub profile: Option<String>,
    pub revision: u64,
    pub created_at: u64,
    pub updated_at: u64,
}

/// How many models a tenant has at most.
pub const MAX_MODELS: u32 = 1_000;

const COLUMNS: &str = "name, family, profile, revision, created_at, updated_at";
const AT_REVISION: &str =
    "EXISTS (SELECT 1 FROM models WHERE tenant_id = ?1 AND name = ?2 AND revision = ?3)";

/// A model of a tenant.
pub async fn find(db: &Db, tenant_id: &str, name: &str) -> Result<Option<ModelRow>, StorageError> {
    Ok(rows(&db.all(one(tenant_id, name)).await?)?.pop())
}

/// What reads it.
pub(super) fn one(tenant_id: &str, name: &str) -> Statement {
    Statement::new(
        &format!("SELECT {COLUMNS} FROM models WHERE tenant_id = ?1 AND name = ?2"),
        args![tenant_id, name],
    )
}

/// Models of a tenant in the order of their names, after `after`.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<ModelRow>, StorageError> {
    db.rows(
        &format!(
            "SELECT {COLUMNS} FROM models WHERE tenant_id = ?1 AND name > ?2 \
             ORDER BY name LIMIT ?3"
        ),
        args![tenant_id, after, limit],
    )
    .await
}

/// What reads all models of a tenant.
pub(super) fn all(tenant_id: &str) -> Statement {
    Statement::new(
        &format!("SELECT {COLUMNS} FROM models WHERE tenant_id = ?1 ORDER BY name LIMIT ?2"),
        args![tenant_id, MAX_MODELS],
    )
}

/// The model of a tenant that a name is, or is another [spelling](ringfence_provision::vendor::FamilySpec::is_one_model) of by
/// the rule of its family; the first of several spellings. `among`: it is of one of these families.
pub async fn alike(
    db: &Db,
    tenant_id: &str,
    name: &str,
    among: Option<&[Family]>,
) -> Result<Option<String>, StorageError> {
    let families = among.map_or_else(|| Family::ALL.to_vec(), <[Family]>::to_vec);
    let models: Vec<ModelRow> = db
        .rows(
            &format!(
                "SELECT {COLUMNS} FROM models WHERE tenant_id = ?1 \
                 AND family IN (SELECT value FROM json_each(?2)) ORDER BY name LIMIT ?3"
            ),
            args![tenant_id, json(&families)?, MAX_MODELS],
        )
        .await?;
    let fits = |model: &ModelRow| model.family.spec().is_one_model(&model.name, name);
    let fitting: Vec<ModelRow> = models.into_iter().filter(fits).collect();
    let own = fitting.iter().position(|model| model.name == name);
    let chosen = fitting.into_iter().nth(own.unwrap_or_default());
    Ok(chosen.map(|model| model.name))
}

/// Adds a model.
///
/// # Errors
/// Somebody else added it, or what it was checked against is no longer so
/// ([`ChangeError::Overtaken`]), or D1 fails.
pub async fn insert(
    db: &Db,
    checked_against: &CheckedAgainst,
    model: &ModelRow,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::checked(db, checked_against, Invalidates::Device, "1", &[]);
    push_insert(&mut change, &checked_against.tenant_id, model);
    change.write(entry).await
}

/// Adds to a change that a model is added, as a device's change may need it. Where somebody else has
/// added it meanwhile, perhaps as another, the change is overtaken.
pub fn push_insert(change: &mut Change<'_>, tenant_id: &str, model: &ModelRow) {
    change.push(
        "INSERT INTO models (tenant_id, name, family, profile, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        args![
            tenant_id,
            &model.name,
            model.family.as_str(),
            model.profile.as_deref(),
            model.created_at
        ],
    );
    change.within(tenant_id, Quota::Models);
}

/// Gives a model another family or profile.
///
/// # Errors
/// The row is no longer at the revision of `model`, what the change was checked against is no longer so, or D1 fails.
pub async fn update(
    db: &Db,
    checked_against: &CheckedAgainst,
    model: &ModelRow,
    family: Family,
    profile: Option<&str>,
    now: u64,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::checked(
        db,
        checked_against,
        Invalidates::Tenant,
        AT_REVISION,
        args![&model.name, model.revision],
    );
    change.push(
        "UPDATE models SET family = ?3, profile = ?4, updated_at = ?5, revision = revision + 1 \
         WHERE tenant_id = ?1 AND name = ?2",
        args![
            &checked_against.tenant_id,
            &model.name,
            family.as_str(),
            profile,
            now
        ],
    );
    change.write(entry).await
}

/// Removes a model, its settings and its templates, with what they were. A model with devices stays: the foreign key
/// refuses it.
///
/// # Errors
/// The row is no longer at the revision of `model`, the model has devices, or D1 fails.
pub async fn delete(
    db: &Db,
    tenant_id: &str,
    model: &ModelRow,
    entry: &Entry,
) -> Result<(), ChangeError> {
    let mut change = Change::guarded(
        db,
        tenant_id,
        Invalidates::Tenant,
        AT_REVISION,
        args![&model.name, model.revision],
    );
    change.push(
        "DELETE FROM models WHERE tenant_id = ?1 AND name = ?2",
        args![tenant_id, &model.name],
    );
    change.push(
        "DELETE FROM file_templates WHERE tenant_id = ?1 AND kind IN \
         ('initial', 'standard', 'product', 'master', 'system') AND family = ?3 AND model = ?2",
        args![tenant_id, &model.name, model.family.as_str()],
    );
    let templates = FileKind::ALL.map(|kind| {
        let key = TemplateKey {
            kind,
            family: model.family,
            model: model.name.clone(),
        };
        Object::Template(key).key()
    });
    change.forget(tenant_id, &templates)?;
    change.delete_layer(tenant_id, &Scope::Model(model.name.clone()).key())?;
    change.write(entry).await
}
