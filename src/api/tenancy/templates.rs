//! File templates: per kind and family, and where one model differs, for that model.

use ringfence_api::answer::{Done, Revised, Shown};
use ringfence_api::changing::ChangeQuery;
use ringfence_api::check::Checked;
use ringfence_api::page::Page;
use ringfence_api::tenancy::templates::{TemplateInput, TemplateView};
use ringfence_provision::family::Family;
use ringfence_provision::template::check_template;
use ringfence_provision::wrap::Keyring;

use crate::api::check::candidate::Candidate;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::valid;
use crate::audit::digest::Digests;
use crate::files::inputs;
use crate::http::problem::{Problem, ProblemKind};
use crate::store::CheckedAgainst;
use crate::store::devices::Affected;
use crate::store::object::TemplateKey;
use crate::store::templates::{self, NewTemplate, TemplateRow};
use crate::store::tenants::TenantRow;

/// How many templates a tenant has at most.
const MAX_TEMPLATES: usize = 500;

impl From<TemplateRow> for TemplateView {
    fn from(row: TemplateRow) -> Self {
        Self {
            kind: row.kind,
            family: row.family,
            model: (!row.model.is_empty()).then_some(row.model),
            source: row.source,
            builtin: false,
            revision: row.revision,
            created_at: Some(row.created_at),
            updated_at: Some(row.updated_at),
            checked: None,
        }
    }
}

/// `listTemplates`.
pub async fn list(call: Call) -> Result<Shown<Page<TemplateView>>, Problem> {
    let tenant = call.tenant().await?;
    let rows = templates::list(&call.app.db, &tenant.id).await?;
    let items = rows.into_iter().map(TemplateView::from).collect();
    Ok(Shown(Page { items, next: None }))
}

/// `getTemplate` and `getModelTemplate`.
pub async fn show(call: Call) -> Result<Revised<TemplateView>, Problem> {
    let tenant = call.tenant().await?;
    let key = key(&call)?;
    match templates::find(&call.app.db, &tenant.id, &key).await? {
        Some(row) => Ok(revised(row, None)),
        None if key.model.is_empty() => Ok(Revised(builtin(&key), 0)),
        None => Err(not_written()),
    }
}

/// `putTemplate` and `putModelTemplate`.
pub async fn put(call: Call<ChangeQuery, TemplateInput>) -> Result<Revised<TemplateView>, Failure> {
    let tenant = call.tenant().await?;
    let key = key(&call)?;
    write(&call, &tenant, &key, &call.body.source).await
}

/// Writes a template, if its files stand the check.
///
/// # Errors
/// A file fails the check, or the template is another than the caller has seen.
pub async fn write(
    call: &Context,
    tenant: &TenantRow,
    key: &TemplateKey,
    source: &String,
) -> Result<Revised<TemplateView>, Failure> {
    let app = &call.app;
    check_template(source, &key.path())
        .map_err(|error| Problem::invalid_value(format!("`source`: {error}.")))?;
    let rows = templates::list(&app.db, &tenant.id).await?;
    let stored = rows.iter().find(|row| is(row, key)).cloned();
    let revision = stored.as_ref().map_or(0, |row| row.revision);
    call.if_match.check(revision)?;
    if let Some(row) = stored.clone().filter(|row| row.source == *source) {
        call.tried_without_files()?;
        commit::publish(app, &tenant.id).await?;
        return Ok(revised(row, None));
    }
    if stored.is_none() && rows.len() >= MAX_TEMPLATES {
        return Err(Problem::conflict(format!(
            "A tenant has at most {MAX_TEMPLATES} templates: remove one first."
        ))
        .into());
    }
    let (checked, checked_against) = check(call, tenant, key, Some(source)).await?;
    let entry = call.entry(
        "template.update",
        key.path(),
        stored
            .as_ref()
            .map(|row| audited(&app.keyring, &tenant.id, &row.source)),
        Some(audited(&app.keyring, &tenant.id, source)),
    );
    let new = NewTemplate {
        source,
        grows: stored.is_none_or(|row| row.source.len() < source.len()),
    };
    templates::put(
        &app.db,
        &checked_against,
        key,
        revision,
        &new,
        app.now,
        &entry,
    )
    .await
    .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    commit::publish(app, &tenant.id).await?;
    let row = templates::find(&app.db, &tenant.id, key)
        .await?
        .ok_or_else(|| Problem::not_found("template"))?;
    Ok(revised(row, Some(checked)))
}

/// `deleteTemplate` and `deleteModelTemplate`.
pub async fn delete(call: Call<ChangeQuery>) -> Result<Done, Failure> {
    let tenant = call.tenant().await?;
    remove(&call, &tenant, &key(&call)?).await
}

/// Removes a template, if the files without it stand the check.
///
/// # Errors
/// A file fails the check, or the template is gone or another than the caller has seen.
pub async fn remove(
    call: &Context,
    tenant: &TenantRow,
    key: &TemplateKey,
) -> Result<Done, Failure> {
    let app = &call.app;
    let row = templates::find(&app.db, &tenant.id, key)
        .await?
        .ok_or_else(not_written)?;
    call.if_match.check(row.revision)?;
    let (_, checked_against) = check(call, tenant, key, None).await?;
    let entry = call.entry(
        "template.delete",
        key.path(),
        Some(audited(&app.keyring, &tenant.id, &row.source)),
        None,
    );
    templates::delete(&app.db, &checked_against, key, row.revision, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    commit::publish(app, &tenant.id).await?;
    Ok(Done)
}

async fn check(
    call: &Context,
    tenant: &TenantRow,
    key: &TemplateKey,
    source: Option<&String>,
) -> Result<(Checked, CheckedAgainst), Failure> {
    let app = &call.app;
    let models =
        crate::store::models::list(&app.db, &tenant.id, "", crate::store::models::MAX_MODELS)
            .await?
            .into_iter()
            .filter(|row| row.family == key.family)
            .map(|row| row.name)
            .filter(|name| key.model.is_empty() || *name == key.model)
            .collect();
    let mut candidate = Candidate::load(app, tenant, &Affected::Models(models)).await?;
    candidate.set_template(key, source);
    Ok((candidate.check(call).await?, candidate.checked_against))
}

fn is(row: &TemplateRow, key: &TemplateKey) -> bool {
    row.kind == key.kind && row.family == key.family && row.model == key.model
}

fn revised(row: TemplateRow, checked: Option<Checked>) -> Revised<TemplateView> {
    let revision = row.revision;
    Revised(
        TemplateView {
            checked,
            ..row.into()
        },
        revision,
    )
}

/// The template that comes with Ringfence.
pub fn builtin(key: &TemplateKey) -> TemplateView {
    TemplateView {
        kind: key.kind,
        family: key.family,
        model: None,
        source: key.family.template(key.kind).to_owned(),
        builtin: true,
        revision: 0,
        created_at: None,
        updated_at: None,
        checked: None,
    }
}

/// A template may hold what should have been a secret setting, so the audit log has its digest.
fn audited(keyring: &Keyring, tenant_id: &str, source: &str) -> serde_json::Value {
    Digests::new(keyring, format!("{tenant_id}:templates")).text("", source)
}

fn not_written() -> Problem {
    Problem::new(
        ProblemKind::NotFound,
        "No template was written here, so the family's counts, or else the built-in one. `PUT` of the same path writes one.",
    )
}

/// The template that a path names.
///
/// # Errors
/// There is no such kind, family or model, or the file is the same for every model.
pub fn key(call: &Context) -> Result<TemplateKey, Problem> {
    let kind = call.kind()?;
    let family = family(call.param("family"))?;
    let model = call.param("model");
    valid::kind_of(family, kind, ProblemKind::InvalidRequest)?;
    if !model.is_empty() {
        valid::model(model)?;
        if !inputs::may_differ_by_model(kind) {
            return Err(Problem::invalid_request(format!(
                "The {} file is the same for every model: write the family's template.",
                kind.as_str()
            )));
        }
    }
    Ok(TemplateKey {
        kind,
        family,
        model: model.to_owned(),
    })
}

/// The family that a word of a path names.
///
/// # Errors
/// None has that name.
pub fn family(word: &str) -> Result<Family, Problem> {
    Family::parse(word).ok_or_else(|| {
        let families = Family::ALL.map(Family::as_str).join(", ");
        Problem::invalid_request(format!(
            "The path names no family that there is. The families are {families}."
        ))
    })
}

#[cfg(test)]
mod tests {
    use ringfence_provision::kind::FileKind;
    use ringfence_provision::vendor::panasonic;

    use crate::api::tenancy::templates::*;

    #[test]
    fn the_audit_log_has_no_template() {
        let keyring = crate::audit::digest::tests::keyring();
        let audited = audited(&keyring, "T", "CFG=\"secret\"").to_string();
        assert!(!audited.contains("secret"));
        assert!(audited.contains("\"length\":12"));
    }

    #[test]
    fn without_a_written_template_the_built_in_one_is_shown() {
        let key = TemplateKey {
            kind: FileKind::Standard,
            family: panasonic::UTG,
            model: String::new(),
        };
        let view = builtin(&key);
        assert!(view.builtin && !view.source.is_empty());
        assert_eq!(key.path(), "templates/standard/utg");
    }
}
