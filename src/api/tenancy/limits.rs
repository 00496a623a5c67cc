//! Quotas of a tenant: what it uses, and what it may.

use ringfence_api::answer::Shown;
use ringfence_api::changing::{About, DryRun, Effect, TrialQuery};
use ringfence_api::tenancy::limits::{LimitsView, QuotaView};
use serde_json::json;

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::app::App;
use crate::http::problem::Problem;
use crate::model::limits::{Limits, MAX_MODELS, Quota};
use crate::store::limits::{self, usage};

/// `getTenantLimits`.
pub async fn show(call: Call) -> Result<Shown<LimitsView>, Problem> {
    Ok(Shown(view(&call).await?))
}

/// `putTenantLimits`. A limit below what is used refuses what would use more, and removes nothing.
pub async fn put(call: Call<TrialQuery, Limits>) -> Result<Shown<LimitsView>, Failure> {
    let before = view(&call).await?.limits;
    if call.body.models.is_some_and(|most| most > MAX_MODELS) {
        return Err(Problem::invalid_value(format!("`models` is at most {MAX_MODELS}, which is as many as are read at once. Give {MAX_MODELS} or less, or leave it out for {MAX_MODELS}.")).into());
    }
    if call.is_trial() {
        let used = usage(&call.app.db, call.param("tenant")).await?;
        let used = used.unwrap_or_default().1;
        call.tried(|| DryRun::of(effects(&before, &call.body, &used)))?;
    }
    if before != call.body {
        let text = serde_json::to_string(&call.body)
            .map_err(|error| Problem::internal(error.to_string()))?;
        let entry = call.entry(
            "tenant.limits",
            "limits",
            Some(json!(before)),
            Some(json!(call.body)),
        );
        limits::put(&call.app.db, call.param("tenant"), &text, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    Ok(Shown(view(&call).await?))
}

/// What other limits do, one sentence for each that changes.
fn effects(before: &Limits, after: &Limits, used: &[(Quota, u64)]) -> Vec<Effect> {
    let changed = used.iter().filter_map(|&(quota, used)| {
        let (was, is) = (quota.limit(before), quota.limit(after));
        let (name, over) = (quota.name(), used > is);
        let text = match over {
            true => format!("`{name}`: {used} are used, more than the limit of {is}. What would use more is refused, and nothing is removed."),
            false => format!("`{name}`: the limit becomes {is} instead of {was}, of which {used} are used."),
        };
        (was != is).then(|| Effect::counted(About::Quota, is, text))
    });
    let changed: Vec<Effect> = changed.collect();
    match changed.is_empty() {
        true => vec![Effect::said(
            About::Nothing,
            "The limits are so already: nothing changes.",
        )],
        false => changed,
    }
}

async fn view(call: &Context) -> Result<LimitsView, Problem> {
    let (limits, used) = usage(&call.app.db, call.param("tenant"))
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))?;
    let quotas = used
        .into_iter()
        .map(|(quota, used)| {
            let limit = quota.limit(&limits);
            (quota.name(), QuotaView { used, limit })
        })
        .collect();
    Ok(LimitsView { quotas, limits })
}

/// Completes a problem that a quota made, by what is used. The tenant is the path's; a token that is
/// made for one says which in its body, and has that in the problem.
pub async fn explained(app: &App, tenant_id: Option<&str>, problem: Problem) -> Problem {
    let named = problem.more.iter().find(|(name, _)| *name == "tenant");
    let named = named.and_then(|(_, id)| id.as_str()).map(str::to_owned);
    let tenant_id = tenant_id.map(str::to_owned).or(named);
    let (Some(quota), Some(tenant_id)) = (problem.quota, tenant_id) else {
        return problem;
    };
    // What is used is a help; the refusal stands without.
    let Ok(Some((limits, used))) = usage(&app.db, &tenant_id).await else {
        return problem;
    };
    let limit = quota.limit(&limits);
    let used = used
        .into_iter()
        .find(|(found, _)| *found == quota)
        .map_or(0, |(_, used)| used);
    Problem {
        detail: message(quota, used, limit),
        ..problem
    }
    .with("used", used)
    .with("limit", limit)
}

fn message(quota: Quota, used: u64, limit: u64) -> String {
    format!(
        "The tenant's quota `{}` does not allow this: it uses {used} of {limit}. {}",
        quota.name(),
        quota.advice()
    )
}

/// Checks before something that is not a change of the database that its audit entry has room: it
/// is done first and entered afterwards.
///
/// # Errors
/// The tenant's entries have filled their part of the audit log, or D1 fails.
pub async fn check_audit_room(app: &App, tenant_id: &str) -> Result<(), Problem> {
    if limits::has_audit_room(&app.db, tenant_id).await? {
        return Ok(());
    }
    Err(Problem::over(Quota::AuditBytes))
}

#[cfg(test)]
mod tests {
    use crate::api::tenancy::limits::*;

    #[test]
    fn a_limit_below_what_is_used_is_told() {
        let after = Limits {
            models: Some(3),
            ..Limits::default()
        };
        let used = [(Quota::Models, 5), (Quota::Sites, 1)];
        let told = effects(&Limits::default(), &after, &used);
        assert_eq!(told.len(), 1);
        assert!(
            told.iter()
                .all(|it| it.text.contains("5 are used, more than the limit of 3"))
        );
        let same = effects(&after, &after, &used);
        assert_eq!(same.first().map(|it| it.about), Some(About::Nothing));
    }

    #[test]
    fn a_refusal_says_the_quota_what_is_used_and_what_to_do() {
        let text = message(Quota::Devices, 5, 5);
        assert!(
            text.contains("`devices`") && text.contains("5 of 5"),
            "{text}"
        );
        assert!(text.contains("raise the limit"), "{text}");
    }
}
