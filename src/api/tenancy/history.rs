//! What templates, settings of layers and options were: who changed them when, what differs between two
//! versions, and back to one of them.
//!
//! A roll-back is a save: the version goes through the same code as what an operator writes, and becomes the
//! newest version.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_api::answer::{Revised, Shown};
use ringfence_api::changing::ChangeQuery;
use ringfence_api::page::{Page, PageQuery};
use ringfence_api::tenancy::history::{
    DiffQuery, RollbackInput, SettingDiff, SettingsDiff, TextDiff, VersionView,
};
use ringfence_api::tenancy::settings::{SettingView, SettingsView};
use ringfence_api::tenancy::templates::TemplateView;
use ringfence_api::tenancy::tenants::{TenantInput, TenantView};
use ringfence_provision::diff::{Lines, hunks};
use ringfence_provision::layers::{LayerSettings, Value};

use crate::api::check::candidate;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::Failure;
use crate::api::request::page::PageWindow;
use crate::api::tenancy::{settings, templates, tenants};
use crate::http::problem::Problem;
use crate::model::tenant::TenantOptions;
use crate::store::history::{self, VersionRow};
use crate::store::object::{Object, TemplateKey};

impl From<VersionRow> for VersionView {
    fn from(row: VersionRow) -> Self {
        let known = |text: String| (!text.is_empty()).then_some(text);
        Self {
            version: row.number,
            at: row.at,
            token: known(row.token_id),
            request_id: known(row.request_id),
            comment: row.comment,
            current: row.ended_at.is_none(),
            ended_at: row.ended_at,
            bytes: row.bytes,
        }
    }
}

type Listed = Result<Shown<Page<VersionView>>, Problem>;
type Back = Call<ChangeQuery, RollbackInput>;

/// `listOptionsHistory`.
pub async fn of_options(call: Call<PageQuery>) -> Listed {
    call.tenant().await?;
    list(&call, &Object::Options).await
}

/// `listSettingsHistory` and those of the other layers.
pub async fn of_layer(call: Call<PageQuery>) -> Listed {
    let found = settings::named(&call).await?;
    list(&call, &Object::Layer(found.scope)).await
}

/// `listTemplateHistory` and `listModelTemplateHistory`.
pub async fn of_template(call: Call<PageQuery>) -> Listed {
    call.tenant().await?;
    list(&call, &Object::Template(templates::key(&call)?)).await
}

async fn list(call: &Call<PageQuery>, object: &Object) -> Listed {
    let window = PageWindow::of(&call.query)?;
    let before = match window.after_text() {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            Problem::invalid_request("`cursor` takes `next` of this list's page before, as it was.")
        })?),
    };
    let tenant_id = call.param("tenant");
    let rows = history::list(&call.app.db, tenant_id, object, before, window.rows()).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.number.to_string()],
        VersionView::from,
    )))
}

/// `diffOptions`.
pub async fn diff_options(call: Call<DiffQuery>) -> Result<Shown<TextDiff>, Problem> {
    call.tenant().await?;
    let text = |body: Option<String>| -> Result<String, Problem> {
        let options = options_of(body)?;
        serde_json::to_string_pretty(&options).map_err(|error| Problem::internal(error.to_string()))
    };
    text_diff(&call, &Object::Options, text).await
}

/// `diffTemplate` and `diffModelTemplate`.
pub async fn diff_template(call: Call<DiffQuery>) -> Result<Shown<TextDiff>, Problem> {
    call.tenant().await?;
    let key = templates::key(&call)?;
    let builtin = match key.model.is_empty() {
        true => key.family.template(key.kind),
        false => "",
    };
    let text = |body: Option<String>| Ok(body.unwrap_or_else(|| builtin.to_owned()));
    text_diff(&call, &Object::Template(key.clone()), text).await
}

async fn text_diff(
    call: &Call<DiffQuery>,
    object: &Object,
    text: impl Fn(Option<String>) -> Result<String, Problem>,
) -> Result<Shown<TextDiff>, Problem> {
    let [from, to] = versions(call, call.query, object).await?;
    let older = text(body(call, object, from).await?)?;
    let newer = text(body(call, object, to).await?)?;
    Ok(Shown(TextDiff {
        from,
        to,
        hunks: hunks(&Lines::open(&older), &Lines::open(&newer)),
    }))
}

/// `diffSettings` and those of the other layers.
pub async fn diff_layer(call: Call<DiffQuery>) -> Result<Shown<SettingsDiff>, Problem> {
    let found = settings::named(&call).await?;
    let object = Object::Layer(found.scope);
    let [from, to] = versions(&call, call.query, &object).await?;
    let older = layer(&call, &object, from).await?;
    let newer = layer(&call, &object, to).await?;
    Ok(Shown(SettingsDiff {
        from,
        to,
        settings: differing(&older, &newer),
    }))
}

fn differing(older: &LayerSettings, newer: &LayerSettings) -> Vec<SettingDiff> {
    let shown = |value: Option<&Value>| {
        value.map(|value| match value {
            Value::Text(text) => SettingView::Text(text.clone()),
            Value::Secret(_) => SettingView::Secret { secret: None },
        })
    };
    let names: BTreeSet<&String> = older.keys().chain(newer.keys()).collect();
    let names = names.into_iter();
    names
        .map(|name| (name, older.get(name), newer.get(name)))
        .filter(|(_, was, is)| was != is)
        .map(|(name, was, is)| SettingDiff {
            name: name.clone(),
            from: shown(was),
            to: shown(is),
        })
        .collect()
}

/// The numbers of the versions that a query means.
async fn versions(call: &Context, query: DiffQuery, object: &Object) -> Result<[u64; 2], Problem> {
    let to = match query.to {
        Some(to) => to,
        None => {
            let db = &call.app.db;
            let newest = history::list(db, call.param("tenant"), object, None, 1).await?;
            newest.first().map(|row| row.number).ok_or_else(|| {
                Problem::conflict(
                    "No version is kept: this has not changed since versions are kept. The first change keeps what it was, too.",
                )
            })?
        }
    };
    let from = query.from.unwrap_or_else(|| to.saturating_sub(1));
    Ok([from, to])
}

/// The text of a version; `None`: no template was there.
async fn body(call: &Context, object: &Object, number: u64) -> Result<Option<String>, Problem> {
    history::body(&call.app.db, call.param("tenant"), object, number)
        .await?
        .ok_or_else(|| not_kept(number))
}

/// The settings of a layer in a version.
async fn layer(call: &Context, object: &Object, number: u64) -> Result<LayerSettings, Problem> {
    let Object::Layer(scope) = object else {
        return Err(Problem::internal("settings of what is no layer"));
    };
    let tenant_id = call.param("tenant");
    let rows = history::layer(&call.app.db, tenant_id, scope, number)
        .await?
        .ok_or_else(|| not_kept(number))?;
    candidate::layer(&call.app, tenant_id, &scope.key(), &rows)
}

fn options_of(body: Option<String>) -> Result<TenantOptions, Problem> {
    ringfence_json::from_str(&body.unwrap_or_default())
        .map_err(|error| Problem::internal(format!("options of a version: {error}")))
}

fn not_kept(number: u64) -> Problem {
    Problem {
        detail: format!(
            "There is no version {number}, or it is no longer kept; the list of versions says which there are."
        ),
        ..Problem::not_found("version")
    }
}

/// The call as the save that a roll-back is.
fn going_back(call: &Back) -> Context {
    let mut context = Context::clone(call);
    let version = call.body.version;
    let said = std::mem::take(&mut context.changing.comment);
    context.changing.comment = match said.is_empty() {
        true => format!("roll-back to {version}"),
        false => format!("roll-back to {version}: {said}"),
    };
    context.changing.rolled_back_to = Some(version);
    context
}

/// `rollBackOptions`.
pub async fn roll_back_options(call: Back) -> Result<Revised<TenantView>, Failure> {
    let row = call.tenant().await?;
    call.if_match.check(row.revision)?;
    let options = options_of(body(&call, &Object::Options, call.body.version).await?)?;
    let input = TenantInput {
        name: row.name.clone(),
        hostname: row.hostname.clone(),
        options,
    };
    tenants::write(&going_back(&call), row, &input).await
}

/// `rollBackSettings` and those of the other layers.
pub async fn roll_back_layer(call: Back) -> Result<Revised<SettingsView>, Failure> {
    let found = settings::named(&call).await?;
    call.if_match.check(found.layer.revision)?;
    let object = Object::Layer(found.scope.clone());
    let after = layer(&call, &object, call.body.version).await?;
    let key = found.scope.key();
    let before = candidate::layer(&call.app, &found.tenant.id, &key, &found.layer.rows)?;
    // What an operator could not write now is not written again either.
    let written: BTreeMap<String, serde_json::Value> = after
        .iter()
        .map(|(name, value)| (name.clone(), settings::written(value)))
        .collect();
    let after = settings::merge(&before, &written)?;
    settings::write(&going_back(&call), found, before, after).await
}

/// `rollBackTemplate` and `rollBackModelTemplate`.
pub async fn roll_back_template(call: Back) -> Result<Revised<TemplateView>, Failure> {
    let tenant = call.tenant().await?;
    let key = templates::key(&call)?;
    let source = body(&call, &Object::Template(key.clone()), call.body.version).await?;
    let context = going_back(&call);
    if let Some(source) = source {
        return templates::write(&context, &tenant, &key, &source).await;
    }
    let is_written = crate::store::templates::find(&call.app.db, &tenant.id, &key)
        .await?
        .is_some();
    if is_written {
        templates::remove(&context, &tenant, &key).await?;
    } else {
        call.if_match.check(0)?;
        call.tried_without_files()?;
    }
    Ok(Revised(none_written(&key), 0))
}

/// A template that nobody wrote.
fn none_written(key: &TemplateKey) -> TemplateView {
    let builtin = templates::builtin(key);
    match key.model.is_empty() {
        true => builtin,
        false => TemplateView {
            model: Some(key.model.clone()),
            source: String::new(),
            builtin: false,
            ..builtin
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use crate::api::tenancy::history::*;

    #[test]
    fn settings_that_differ_are_told_by_name_and_secrets_are_not() {
        let layer = |pairs: &[(&str, Value)]| -> LayerSettings {
            let pairs = pairs.iter().cloned();
            pairs
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        };
        let text = |text: &str| Value::Text(text.into());
        let older = layer(&[
            ("A", text("1")),
            ("PASS", Value::Secret("e3rl2".into())),
            ("SAME", Value::Secret("same".into())),
            ("TO", text("open")),
        ]);
        let newer = layer(&[
            ("B", text("2")),
            ("PASS", Value::Secret("other".into())),
            ("SAME", Value::Secret("same".into())),
            ("TO", Value::Secret("open".into())),
        ]);
        let found = serde_json::to_value(differing(&older, &newer)).unwrap();
        assert_eq!(
            found,
            json!([
                { "name": "A", "from": "1", "to": null },
                { "name": "B", "from": null, "to": "2" },
                { "name": "PASS", "from": { "secret": null }, "to": { "secret": null } },
                { "name": "TO", "from": "open", "to": { "secret": null } },
            ])
        );
    }

    #[test]
    fn version_json_format_unchanged() {
        let row: VersionRow = serde_json::from_value(json!({
            "number": 0, "seq": 0, "at": 5, "token_id": "", "request_id": "", "comment": "",
            "bytes": 7, "ended_at": 9,
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_string(&VersionView::from(row)).unwrap(),
            r#"{"version":0,"at":5,"token":null,"request_id":null,"comment":"","current":false,"ended_at":9,"bytes":7}"#
        );
    }
}
