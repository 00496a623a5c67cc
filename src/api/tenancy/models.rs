//! Models: of which family a tenant's phones are, and how their files are sealed.

use ringfence_api::answer::{Done, Revised, Shown};
use ringfence_api::changing::{About, ChangeQuery};
use ringfence_api::page::{Page, PageQuery};
use ringfence_api::tenancy::models::{ModelInput, ModelView};
use ringfence_provision::family::Family;
use ringfence_provision::seal::Grade;
use ringfence_provision::vendor;
use serde_json::json;

use crate::api::check::candidate::Candidate;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::valid;
use crate::http::problem::Problem;
use crate::model::tenant::TenantOptions;
use crate::store::devices::{self, Affected};
use crate::store::models::{self, ModelRow};

impl From<ModelRow> for ModelView {
    fn from(row: ModelRow) -> Self {
        Self {
            name: row.name,
            family: row.family,
            profile_grade: row.profile.as_deref().and_then(vendor::grade),
            profile: row.profile,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            checked: None,
        }
    }
}

/// `listModels`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<ModelView>>, Problem> {
    let tenant = call.tenant().await?;
    let window = PageWindow::of(&call.query)?;
    let rows = models::list(&call.app.db, &tenant.id, window.after_text(), window.rows()).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.name.clone()],
        ModelView::from,
    )))
}

/// `getModel`.
pub async fn show(call: Call) -> Result<Revised<ModelView>, Problem> {
    let row = find(&call, call.param("model")).await?;
    let revision = row.revision;
    Ok(Revised(row.into(), revision))
}

/// `putModel`.
pub async fn put(call: Call<ChangeQuery, ModelInput>) -> Result<Revised<ModelView>, Failure> {
    let tenant = call.tenant().await?;
    let name = valid::model(call.param("model"))?;
    let stored = models::find(&call.app.db, &tenant.id, name).await?;
    call.if_match
        .check(stored.as_ref().map_or(0, |row| row.revision))?;
    let wanted = choose(name, &call.body, &tenant.options()?)?;
    let path = format!("models/{name}");
    let after = json!({ "family": wanted.family, "profile": wanted.profile });
    let mut checked = None;
    match stored {
        None => {
            let row = ModelRow {
                created_at: call.app.now,
                ..wanted
            };
            // Templates and settings of before may now have files, which nobody has looked at.
            let affected = Affected::Models(vec![row.name.clone()]);
            let mut candidate = Candidate::load(&call.app, &tenant, &affected).await?;
            check_room(&candidate)?;
            candidate.set_model(row.clone());
            checked = Some(candidate.check(&call).await?);
            let entry = call.entry("model.create", path, None, Some(after));
            models::insert(&call.app.db, &candidate.checked_against, &row, &entry)
                .await
                .map_err(|error| commit::failed(error, call.if_match, &[]))?;
        }
        Some(row) if row.family == wanted.family && row.profile == wanted.profile => {
            call.tried_without_files()?;
        }
        Some(row) => {
            let affected = Affected::Models(vec![row.name.clone()]);
            let mut candidate = Candidate::load(&call.app, &tenant, &affected).await?;
            candidate.set_model(ModelRow {
                revision: row.revision,
                ..wanted.clone()
            });
            checked = Some(candidate.check(&call).await?);
            let before = json!({ "family": row.family, "profile": row.profile });
            let entry = call.entry("model.update", path, Some(before), Some(after));
            let profile = wanted.profile.as_deref();
            models::update(
                &call.app.db,
                &candidate.checked_against,
                &row,
                wanted.family,
                profile,
                call.app.now,
                &entry,
            )
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
        }
    }
    commit::publish(&call.app, &tenant.id).await?;
    let row = find(&call, name).await?;
    let revision = row.revision;
    Ok(Revised(
        ModelView {
            checked,
            ..row.into()
        },
        revision,
    ))
}

/// `deleteModel`.
pub async fn delete(call: Call<ChangeQuery>) -> Result<Done, Failure> {
    let row = find(&call, call.param("model")).await?;
    call.if_match.check(row.revision)?;
    let tenant_id = call.param("tenant");
    if call.is_trial() {
        let devices = devices::of_model(&call.app.db, tenant_id, &row.name).await?;
        if devices > 0 {
            return Err(Problem::conflict(format!(
                "The model still has devices ({devices}). Give them another model first, or remove them."
            ))
            .into());
        }
        call.tried_saying(
            About::Removed,
            "The model is removed with the settings of its layer, its templates and their history. The model has no devices, so no file becomes another.",
        )?;
    }
    let before = json!({ "family": row.family, "profile": row.profile });
    let entry = call.entry(
        "model.delete",
        format!("models/{}", row.name),
        Some(before),
        None,
    );
    models::delete(&call.app.db, tenant_id, &row, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    commit::publish(&call.app, tenant_id).await?;
    Ok(Done)
}

/// Whether the tenant may have one model more.
///
/// # Errors
/// The tenant has as many models as can be.
pub fn check_room(tenant: &Candidate) -> Result<(), Problem> {
    if tenant.models().len() >= models::MAX_MODELS as usize {
        return Err(Problem::conflict(format!(
            "A tenant has at most {} models: remove some that no device has.",
            models::MAX_MODELS
        )));
    }
    Ok(())
}

/// A model of the path's tenant.
///
/// # Errors
/// There is none.
pub async fn find(call: &Context, name: &str) -> Result<ModelRow, Problem> {
    models::find(&call.app.db, call.param("tenant"), name)
        .await?
        .ok_or_else(|| Problem::not_found("model"))
}

/// The family and the profile of a model, as they were written or else as its name suggests.
///
/// # Errors
/// The name suggests no family, or the profile does not go with it.
pub fn choose(
    name: &str,
    input: &ModelInput,
    options: &TenantOptions,
) -> Result<ModelRow, Problem> {
    let family = input
        .family
        .or_else(|| Family::guess(name))
        .ok_or_else(|| {
            let families = Family::ALL.map(Family::as_str).join(", ");
            Problem::invalid_value(format!(
                "The name of the model suggests no family. Add the model with its `family`: {families}."
            ))
        })?;
    let profile = match &input.profile {
        None => family.default_profile_name().map(str::to_owned),
        Some(None) => None,
        Some(Some(name)) => Some(check_profile(family, name, options)?),
    };
    Ok(ModelRow {
        name: name.to_owned(),
        family,
        profile,
        revision: 1,
        created_at: 0,
        updated_at: 0,
    })
}

fn check_profile(family: Family, name: &str, options: &TenantOptions) -> Result<String, Problem> {
    let fitting: Vec<&str> = family.profiles().collect();
    let profile = vendor::profile(name)
        .filter(|_| fitting.contains(&name))
        .ok_or_else(|| {
            Problem::invalid_value(format!(
                "`profile` of the family {} is null or one of {}.",
                family.as_str(),
                fitting.join(", ")
            ))
        })?;
    if !profile.grade.is_sealing() && !options.unverified_profiles {
        let why = match profile.grade {
            Grade::Obfuscation => "hides a file only from who does not know the format",
            _ => "is a guess: its cipher is not published and nobody has tried it on hardware",
        };
        return Err(Problem::invalid_value(format!(
            "The profile {name} {why}. To use it all the same, set the tenant's option `unverified_profiles`."
        )));
    }
    Ok(profile.name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::vendor::panasonic;

    use crate::api::tenancy::models::*;

    fn chosen(name: &str, input: serde_json::Value) -> Result<ModelRow, Problem> {
        let input = serde_json::from_value(input).unwrap();
        choose(name, &input, &TenantOptions::default())
    }

    #[test]
    fn a_name_suggests_family_and_profile() {
        let row = chosen("KX-UTG300B", json!({})).unwrap();
        assert_eq!(
            (row.family, row.profile.as_deref()),
            (panasonic::UTG, Some("utg-128"))
        );
        let row = chosen("KX-HDV130N", json!({})).unwrap();
        assert_eq!((row.family, row.profile), (panasonic::HDV, None));
        assert_eq!(chosen("Toaster 3000", json!({})).unwrap_err().status(), 422);
        assert_eq!(
            chosen("Toaster 3000", json!({ "family": "ut" }))
                .unwrap()
                .family,
            panasonic::UT
        );
    }

    #[test]
    fn null_is_plaintext_and_nothing_is_the_default() {
        assert_eq!(
            chosen("KX-UTG300B", json!({ "profile": null }))
                .unwrap()
                .profile,
            None
        );
        let row = chosen("KX-UTG300B", json!({ "profile": "utg-256" })).unwrap();
        assert_eq!(row.profile.as_deref(), Some("utg-256"));
        let row = chosen("KX-UTG300B", json!({ "profile": "utg-128-sha256" })).unwrap();
        assert_eq!(row.profile.as_deref(), Some("utg-128-sha256"));
    }

    #[test]
    fn a_profile_goes_with_its_family_and_is_switched_on_where_it_is_not_verified() {
        assert_eq!(
            chosen("KX-UTG300B", json!({ "profile": "e2c" }))
                .unwrap_err()
                .status(),
            422
        );
        assert_eq!(
            chosen("KX-HDV130N", json!({ "profile": "e1c" }))
                .unwrap_err()
                .status(),
            422
        );
        let refused = chosen("KX-HDV130N", json!({ "profile": "e2c" })).unwrap_err();
        assert!(refused.detail.contains("unverified_profiles"));
        let options = TenantOptions {
            unverified_profiles: true,
            ..TenantOptions::default()
        };
        let input = ModelInput {
            profile: Some(Some("e2c".into())),
            ..ModelInput::default()
        };
        assert!(choose("KX-HDV130N", &input, &options).is_ok());
    }
}
