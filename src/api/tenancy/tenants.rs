//! Tenants.

use ringfence_api::answer::{CreatedRevised, Done, Revised, Shown};
use ringfence_api::changing::{About, ChangeQuery, DryRun, Effect, TrialQuery};
use ringfence_api::page::{Page, PageQuery};
use ringfence_api::tenancy::names::StandsBack;
use ringfence_api::tenancy::tenants::{TenantInput, TenantView};
use ringfence_provision::vendor;
use serde_json::json;

use crate::api::check::candidate::Candidate;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::valid;
use crate::api::tenancy::names;
use crate::edge;
use crate::http::problem::{Problem, ProblemKind};
use crate::model::limits::Quota;
use crate::model::tenant::TenantOptions;
use crate::store::access_paths;
use crate::store::devices::Affected;
use crate::store::limits;
use crate::store::models::ModelRow;
use crate::store::tenants::{self, TenantRow, TenantValues};

fn tenant_view(row: TenantRow) -> Result<TenantView, Problem> {
    Ok(TenantView {
        options: row.options()?,
        id: row.id,
        name: row.name,
        hostname: row.hostname,
        settings_version: row.version,
        revision: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
        checked: None,
        stands_back: Vec::new(),
    })
}

const TAKEN: &[(&str, &str)] = &[
    (
        "tenants.name",
        "Another tenant has this name. Choose another one, or change that tenant.",
    ),
    (
        "tenants.hostname",
        "Another tenant has this `hostname`, which the phones of one tenant alone may use. Choose another one, or take it from that tenant first.",
    ),
];

/// `listTenants`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<TenantView>>, Problem> {
    if let Some(own) = &call.token.tenant {
        let row = tenants::find(&call.app.db, own).await?;
        let items = row.map(tenant_view).transpose()?.into_iter().collect();
        return Ok(Shown(Page { items, next: None }));
    }
    let window = PageWindow::of(&call.query)?;
    let rows = tenants::list(&call.app.db, window.after_text(), window.rows()).await?;
    let views: Vec<TenantView> = rows
        .into_iter()
        .map(tenant_view)
        .collect::<Result<_, _>>()?;
    Ok(Shown(window.page(
        views,
        |view| [view.id.clone()],
        |view| view,
    )))
}

/// `createTenant`.
pub async fn create(
    call: Call<TrialQuery, TenantInput>,
) -> Result<CreatedRevised<TenantView>, Failure> {
    let input = &call.body;
    let stands_back = check(input)?;
    call.tried_saying(
        About::Added,
        "A tenant is added, without devices. Phones ask it once it has an access path.",
    )?;
    let id = call.app.new_id();
    let options = text_of(&input.options)?;
    let values = values(input, &options);
    let mut entry = call.entry("tenant.create", "", None, Some(audited(input)));
    entry.tenant_id = Some(id.clone());
    tenants::insert(&call.app.db, &id, &values, call.app.now, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    let row = tenants::find(&call.app.db, &id)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))?;
    let revision = row.revision;
    let view = TenantView {
        stands_back,
        ..tenant_view(row)?
    };
    Ok(CreatedRevised(view, revision))
}

/// `getTenant`.
pub async fn show(call: Call) -> Result<Revised<TenantView>, Problem> {
    let row = call.tenant().await?;
    let revision = row.revision;
    Ok(Revised(tenant_view(row)?, revision))
}

/// `putTenant`.
pub async fn put(call: Call<ChangeQuery, TenantInput>) -> Result<Revised<TenantView>, Failure> {
    let row = call.tenant().await?;
    write(&call, row, &call.body).await
}

/// Replaces what an operator decided about a tenant, if the files stand the check.
///
/// # Errors
/// A file fails the check, the token may not change the tenant, or the tenant is another than the caller has seen.
pub async fn write(
    call: &Context,
    row: TenantRow,
    input: &TenantInput,
) -> Result<Revised<TenantView>, Failure> {
    call.if_match.check(row.revision)?;
    let before = tenant_view(row.clone())?;
    if before.hostname != input.hostname && call.token.tenant.is_some() {
        return Err(Problem::new(
            ProblemKind::Forbidden,
            "A change of `hostname` takes a token for all tenants. Leave it as it is, or use such a token.",
        )
        .into());
    }
    if before.name != input.name && call.token.tenant.is_some() {
        return Err(Problem::new(
            ProblemKind::Forbidden,
            "A change of `name` takes a token for all tenants. Leave it as it is, or use such a token.",
        )
        .into());
    }
    let stands_back = check(input)?;
    if call.token.tenant.is_some() {
        check_raised(&before.options, &input.options)?;
    }
    let unchanged = before.name == input.name
        && before.hostname == input.hostname
        && before.options == input.options;
    if unchanged {
        call.tried_without_files()?;
        commit::publish(&call.app, &row.id).await?;
        let view = TenantView {
            stands_back,
            ..before
        };
        return Ok(Revised(view, row.revision));
    }
    let mut checked = None;
    let mut checked_against = None;
    if before.options != input.options {
        let mut candidate = Candidate::load(&call.app, &row, &Affected::All).await?;
        candidate.set_options(input.options.clone());
        check_profiles(&input.options, candidate.models().values())?;
        checked = Some(candidate.check(call).await?);
        checked_against = Some(candidate.checked_against);
    }
    call.tried_without_files()?;
    let options = text_of(&input.options)?;
    let before = json!({
        "name": before.name, "hostname": before.hostname, "options": before.options,
    });
    let entry = call.entry("tenant.update", "", Some(before), Some(audited(input)));
    tenants::update(
        &call.app.db,
        &row,
        checked_against.as_ref(),
        &values(input, &options),
        call.app.now,
        &entry,
    )
    .await
    .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    commit::publish(&call.app, &row.id).await?;
    let row = call.tenant().await?;
    let revision = row.revision;
    Ok(Revised(
        TenantView {
            checked,
            stands_back,
            ..tenant_view(row)?
        },
        revision,
    ))
}

/// `deleteTenant`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let row = call.tenant().await?;
    call.if_match.check(row.revision)?;
    let db = &call.app.db;
    if crate::store::devices::has_any(db, &row.id).await? {
        return Err(Problem::conflict("The tenant still has devices: remove them first.").into());
    }
    let paths = access_paths::list(db, &row.id, 0, "", access_paths::MAX_ACCESS_PATHS).await?;
    if call.is_trial() {
        let used = limits::usage(db, &row.id).await?.unwrap_or_default().1;
        let effects = removed_with(paths.len() as u64, &used);
        call.tried(|| DryRun::of(effects))?;
    }
    let before = json!({ "name": row.name, "hostname": row.hostname });
    let entry = call.entry("tenant.delete", "", Some(before), None);
    tenants::delete(db, &row.id, row.revision, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    for path in paths {
        edge::drop_access_path(&call.app, &path.hash)
            .await
            .map_err(commit::not_in_effect)?;
    }
    Ok(Done)
}

/// What goes with a tenant that has no devices.
fn removed_with(paths: u64, used: &[(Quota, u64)]) -> Vec<Effect> {
    let number = |quota: Quota| {
        let found = used.iter().find(|(of, _)| *of == quota);
        found.map_or(0, |(_, number)| *number)
    };
    let mut effects = vec![Effect::said(
        About::Removed,
        "The tenant is removed with its settings, templates, history, tests of files, certificates and requests. None of it comes back.",
    )];
    let all = [
        (paths, "access paths, which answer no more"),
        (number(Quota::Sites), "sites"),
        (number(Quota::Models), "models"),
        (
            number(Quota::Tokens),
            "tokens, which are worth nothing from then on",
        ),
    ];
    for (number, what) in all.into_iter().filter(|(number, _)| *number > 0) {
        let text = format!("With it go its {what}: {number}.");
        effects.push(Effect::counted(About::Removed, number, text));
    }
    effects
}

fn values<'a>(input: &'a TenantInput, options: &'a str) -> TenantValues<'a> {
    TenantValues {
        name: &input.name,
        hostname: input.hostname.as_deref(),
        options,
    }
}

fn audited(input: &TenantInput) -> serde_json::Value {
    json!({ "name": input.name, "hostname": input.hostname, "options": input.options })
}

fn text_of(options: &TenantOptions) -> Result<String, Problem> {
    serde_json::to_string(options).map_err(|error| Problem::internal(error.to_string()))
}

/// The largest values of the options that count something.
const BOUNDS: [(&str, u32); 4] = [
    ("retry_window_s", 600),
    ("bootstrap_expiry_s", 366 * 24 * 3600),
    ("events_per_minute", 100_000),
    ("event_retention_days", 3660),
];

/// What a token for one tenant may set of the options that cost what all tenants share, unless they are
/// higher already.
const OWN_BOUNDS: [(&str, u32); 2] = [("events_per_minute", 600), ("event_retention_days", 90)];

/// Checks what a token for one tenant may not raise.
fn check_raised(before: &TenantOptions, after: &TenantOptions) -> Result<(), Problem> {
    let pairs = [
        (before.events_per_minute, after.events_per_minute),
        (before.event_retention_days, after.event_retention_days),
    ];
    for ((member, most), (was, is)) in OWN_BOUNDS.into_iter().zip(pairs) {
        let most = most.max(was);
        if is > most {
            return Err(Problem::invalid_value(format!(
                "`options.{member}` is at most {most} with a token for this tenant alone: events of all tenants share one database. A token for all tenants may set more."
            )));
        }
    }
    Ok(())
}

/// Networks that bootstraps are expected to be taken from.
const MAX_NETWORKS: usize = 50;

/// Checks what the types do not say. Which names of families stand back behind the tenant's.
fn check(input: &TenantInput) -> Result<Vec<StandsBack>, Problem> {
    valid::name("name", &input.name)?;
    input.hostname.as_deref().map(valid::hostname).transpose()?;
    let options = &input.options;
    let values = [
        options.retry_window_s,
        options.bootstrap_expiry_s,
        options.events_per_minute,
        options.event_retention_days,
    ];
    for ((member, most), value) in BOUNDS.into_iter().zip(values) {
        if value > most {
            return Err(Problem::invalid_value(format!(
                "`options.{member}` is at most {most}."
            )));
        }
    }
    if options.event_retention_days == 0 {
        return Err(Problem::invalid_value(
            "`options.event_retention_days` is at least 1.",
        ));
    }
    if options.expected_networks.len() > MAX_NETWORKS {
        return Err(Problem::invalid_value(format!(
            "`options.expected_networks` has at most {MAX_NETWORKS} networks: each edge location holds them, and each bootstrap is held against them. Name fewer and larger ones."
        )));
    }
    names::check(options, input.hostname.as_deref())
}

/// Checks that no model uses what the options no longer allow.
fn check_profiles<'a>(
    options: &TenantOptions,
    mut models: impl Iterator<Item = &'a ModelRow>,
) -> Result<(), Problem> {
    let switched_on = |model: &&ModelRow| {
        let grade = model.profile.as_deref().and_then(vendor::grade);
        grade.is_some_and(|grade| !grade.is_sealing())
    };
    match models.find(switched_on) {
        Some(model) if !options.unverified_profiles => Err(Problem::invalid_value(format!(
            "`options.unverified_profiles`: the model {} has such a profile. Change it first.",
            model.name
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::vendor::panasonic;

    use crate::api::tenancy::tenants::*;

    fn input(options: serde_json::Value) -> TenantInput {
        serde_json::from_value(json!({ "name": "Tenant", "options": options })).unwrap()
    }

    fn refusal(options: serde_json::Value) -> String {
        let problem = check(&input(options)).unwrap_err();
        assert_eq!(problem.status(), 422);
        problem.detail
    }

    #[test]
    fn an_empty_object_is_a_whole_tenant() {
        let input: TenantInput = serde_json::from_str(r#"{"name":"Tenant"}"#).unwrap();
        assert!(check(&input).is_ok());
    }

    #[test]
    fn counts_are_bounded() {
        assert!(refusal(json!({ "retry_window_s": 601 })).contains("options.retry_window_s"));
        assert!(refusal(json!({ "event_retention_days": 0 })).contains("at least 1"));
    }

    #[test]
    fn what_all_share_is_not_raised_by_one() {
        let options = |per_minute, days| TenantOptions {
            events_per_minute: per_minute,
            event_retention_days: days,
            ..TenantOptions::default()
        };
        let default = TenantOptions::default();
        assert!(check_raised(&default, &options(600, 90)).is_ok());
        assert!(check_raised(&default, &options(0, 1)).is_ok());
        for (after, member) in [
            (options(601, 30), "options.events_per_minute"),
            (options(600, 91), "options.event_retention_days"),
        ] {
            let problem = check_raised(&default, &after).unwrap_err();
            assert_eq!(problem.status(), 422);
            assert!(problem.detail.contains(member), "{}", problem.detail);
        }
        // What an operator of all tenants gave may stay, and may be lowered.
        let given = options(5000, 365);
        assert!(check_raised(&given, &given).is_ok());
        assert!(check_raised(&given, &options(4000, 300)).is_ok());
        assert!(check_raised(&given, &options(5001, 365)).is_err());
    }

    #[test]
    fn urls_that_could_be_read_in_two_ways_are_refused_with_both_and_an_example() {
        let urls = json!({
            "standard": { "plain": ["Config{MAC}.cfg"] },
            "product": { "plain": ["{MODEL}{MAC}.cfg"] },
            "master": { "plain": ["Config{MAC}.cfg"] },
        });
        let problem = check(&input(json!({ "urls": urls }))).unwrap_err();
        assert_eq!(problem.status(), 422);
        let members: Vec<_> = problem.more.iter().map(|(name, _)| *name).collect();
        assert_eq!(members, ["templates", "example_path"]);
    }

    #[test]
    fn sealed_names_tell_the_device_and_the_profile() {
        for name in ["Config.enc", "Config{MAC}.sealed", "Config{MODEL}.enc"] {
            let urls = json!({ "standard": { "sealed": [name] } });
            assert!(refusal(json!({ "urls": urls })).contains(name), "{name}");
        }
        let urls = json!({ "standard": { "plain": ["Config.cfg"] } });
        assert!(refusal(json!({ "urls": urls })).contains("{MAC}"));
    }

    #[test]
    fn names_that_could_never_be_served_are_refused_with_what_to_do() {
        let sealed = json!({ "initial": { "sealed": ["Initial{MAC}.enc"] } });
        let plain = json!({ "master": { "plain": ["Master.cfg", "certs/Master.cfg"] } });
        let below = json!({ "standard": { "sealed": ["certs/a/{MAC}.enc"] } });
        for (urls, template, advice) in [
            (sealed, "Initial{MAC}.enc", "put the name into `plain`"),
            (plain, "certs/Master.cfg", "choose another folder"),
            (below, "certs/a/{MAC}.enc", "choose another folder"),
        ] {
            let problem = check(&input(json!({ "urls": urls }))).unwrap_err();
            assert_eq!(problem.status(), 422);
            assert!(problem.detail.contains(template), "{}", problem.detail);
            assert!(problem.detail.contains(advice), "{}", problem.detail);
            assert_eq!(problem.more, [("templates", json!([template]))]);
        }
        let urls = json!({ "master": { "plain": ["mycerts/Master.cfg", "certs.cfg"] } });
        assert!(check(&input(json!({ "urls": urls }))).is_ok());
    }

    #[test]
    fn a_name_for_everyone_is_accepted_and_one_for_nobody_refused() {
        for urls in [
            json!({ "initial": { "plain": ["master.cfg", "{fwver}.ini"] } }),
            json!({ "system": { "plain": ["System{MAC}.cfg", "System{MODEL}.cfg"] } }),
        ] {
            assert!(check(&input(json!({ "urls": urls }))).is_ok(), "{urls}");
        }
        for (urls, name, advice) in [
            (
                json!({ "system": { "sealed": ["System{MAC}.enc"] } }),
                "options.urls.system.sealed",
                "put the name into `plain`",
            ),
            (
                json!({ "standard": { "sealed": ["Config{MAC}.e2c"] } }),
                "options.urls.standard.sealed",
                "set the option `unverified_profiles`",
            ),
        ] {
            let message = refusal(json!({ "urls": urls }));
            assert!(
                message.contains(name) && message.contains(advice),
                "{message}"
            );
        }
        let allowed = json!({
            "unverified_profiles": true,
            "urls": { "standard": { "sealed": ["Config{MAC}.e2c"] } },
        });
        assert!(check(&input(allowed)).is_ok());
        let message =
            refusal(json!({ "family_urls": { "utg": { "system": { "plain": ["S.cfg"] } } } }));
        assert!(
            message.contains("options.family_urls.utg.system.plain"),
            "{message}"
        );
    }

    #[test]
    fn a_name_that_makes_every_url_too_long_is_refused() {
        let long = json!({ "master": { "plain": [format!("{}.cfg", "m".repeat(200))] } });
        let of = |hostname: &str| TenantInput {
            hostname: Some(hostname.to_owned()),
            ..input(json!({ "urls": long }))
        };
        assert!(check(&of("phones.example")).is_ok());
        let host = format!("{0}.{0}.{0}.example", "p".repeat(50));
        let refused = check(&of(&host)).unwrap_err();
        assert!(
            refused.detail.contains("choose a shorter name"),
            "{}",
            refused.detail
        );
    }

    #[test]
    fn a_profile_in_use_stays_allowed() {
        let model = ModelRow {
            name: "KX-HDV130N".into(),
            family: panasonic::HDV,
            profile: Some("e2c".into()),
            revision: 1,
            created_at: 0,
            updated_at: 0,
        };
        let mut options = TenantOptions::default();
        assert!(check_profiles(&options, [&model].into_iter()).is_err());
        options.unverified_profiles = true;
        assert!(check_profiles(&options, [&model].into_iter()).is_ok());
    }
}
