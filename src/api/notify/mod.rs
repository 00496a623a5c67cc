//! Telling phones: one, or after a change all that it concerns.

pub mod jobs;
pub mod pools;
pub mod proxy_credentials;
pub mod relays;
pub mod rollouts;

use ringfence_api::answer::Accepted;
use ringfence_api::changing::{About, DryRun, Effect, TrialQuery};
use ringfence_api::notify::rollouts::RolloutInput;
use ringfence_api::notify::{JobBrief, Notices, Notified, NotifyInput};
use ringfence_provision::family::Family;
use ringfence_queue::messages::{PoolCall, PoolReply, Submitted};
use ringfence_queue::rollout::Selection;
use ringfence_queue::store::NewJob;
use ringfence_queue::target;
use ringfence_sip_notify::EventType;
use serde_json::json;

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::app::App;
use crate::audit::device_object;
use crate::http::problem::Problem;
use crate::pool::client;
use crate::store::object::Scope;
use crate::store::{fleet, pools as stored_pools};

/// `notifyDevice`.
pub async fn device(call: Call<TrialQuery, NotifyInput>) -> Result<Accepted<Notified>, Failure> {
    let row = call.device().await?;
    if row.disabled == 1 {
        return Err(Problem::conflict("The device is disabled: enable it first.").into());
    }
    let what = match (call.body.event.as_deref(), call.body.restart) {
        (Some(_), true) => {
            return Err(Problem::invalid_value(
                "`restart` names the event itself: leave `event` out, or `restart`.",
            )
            .into());
        }
        (None, true) => What::Restart(row.family),
        (Some(event), false) => What::Event(event),
        (None, false) => What::Fetch,
    };
    if call.is_trial() {
        let (job, pool) = new_job(&call.app, &row.id, what).await?;
        return Err(tried_job(&call, ordered(&job, &pool)));
    }
    let notified = submit_job(&call.app, &row.id, what).await?;
    record_notify(&call, &notified).await?;
    Ok(Accepted(notified))
}

/// Writes the audit entry of a NOTIFY to a device, on whatever way it was ordered.
async fn record_notify(call: &Context, notified: &Notified) -> Result<(), Problem> {
    let job = &notified.job;
    let after = json!({ "job": job.id, "event": job.event, "joined": notified.joined });
    let object = device_object(&job.device);
    let entry = call.entry("device.notify", object, None, Some(after));
    commit::enter_late(&call.app, &entry).await
}

/// What `?notify=true` does after a change of a layer. Whatever fails is said in the answer: the
/// change is done.
pub async fn after_layer(call: &Context, wanted: bool, scope: &Scope) -> Option<Notices> {
    let selection = match scope {
        Scope::Device { id, .. } => return after_device(call, wanted, id).await,
        Scope::Tenant => Selection::default(),
        Scope::Site(site) => Selection {
            site: Some(site.clone()),
            ..Selection::default()
        },
        Scope::Model(model) => Selection {
            model: Some(model.clone()),
            ..Selection::default()
        },
    };
    if !wanted {
        return None;
    }
    let input = RolloutInput {
        selection,
        ..RolloutInput::default()
    };
    Some(match rollouts::start_everywhere(call, &input).await {
        Ok(rollouts) => Notices {
            rollouts,
            ..Notices::default()
        },
        Err(problem) => Notices {
            problem: Some(problem.detail),
            ..Notices::default()
        },
    })
}

/// The same after a change of one device.
pub async fn after_device(call: &Context, wanted: bool, device_id: &str) -> Option<Notices> {
    if !wanted {
        return None;
    }
    Some(match submit_job(&call.app, device_id, What::Fetch).await {
        Ok(notified) => Notices {
            problem: record_notify(call, &notified)
                .await
                .err()
                .map(|it| it.detail),
            jobs: vec![notified],
            ..Notices::default()
        },
        Err(problem) => Notices {
            problem: Some(problem.detail),
            ..Notices::default()
        },
    })
}

/// What the same would do, where the change is only tried.
///
/// # Errors
/// Storage does not answer.
pub async fn tried_after_device(
    call: &Context,
    wanted: bool,
    device_id: &str,
) -> Result<Option<Effect>, Problem> {
    if !wanted {
        return Ok(None);
    }
    match new_job(&call.app, device_id, What::Fetch).await {
        Ok((job, pool)) => Ok(Some(ordered(&job, &pool))),
        // The change is made without it, and says why.
        Err(problem) if problem.status() < 500 => Ok(Some(Effect::counted(
            About::Jobs,
            0,
            format!("The phone is not notified. {}", problem.detail),
        ))),
        Err(problem) => Err(problem),
    }
}

/// A job that would be ordered.
fn ordered(job: &NewJob, pool: &str) -> Effect {
    let text = format!(
        "One NOTIFY with the event {} is sent by the pool {pool}, or joins the job that waits for the same already.",
        job.event
    );
    Effect::counted(About::Jobs, 1, text)
}

/// What a phone is asked to do.
enum What<'a> {
    /// To fetch its files, by the event that it obeys.
    Fetch,
    /// To restart, by the event of its family.
    Restart(Family),
    /// Whatever it does about this event.
    Event(&'a str),
}

/// The event that restarts phones of a family.
fn restart_event(family: Family) -> Result<&'static str, Problem> {
    family.spec().restart_event.ok_or_else(|| {
        Problem::invalid_value(format!(
            "No event is known that makes phones of the family {} restart. If you know one, send it as `event`.",
            family.as_str()
        ))
    })
}

fn tried_job(call: &Context, ordered: Effect) -> Failure {
    let would = || DryRun {
        affected: 1,
        ..DryRun::of(vec![ordered])
    };
    match call.tried(would) {
        Err(tried) => tried,
        Ok(()) => Problem::internal("a call was taken for a trial").into(),
    }
}

/// A job for a device, and the pool that reaches it.
async fn new_job(app: &App, device_id: &str, what: What<'_>) -> Result<(NewJob, String), Problem> {
    let rows = fleet::by_ids(&app.db, &[device_id]).await?;
    let settings = fleet::settings(&app.db, &app.keyring, &rows).await?;
    let (Some(row), Some(settings)) = (rows.first(), settings.into_iter().next()) else {
        return Err(Problem::not_found("device"));
    };
    let settings = &settings.map_err(unusable)?;
    let event = match what {
        What::Event(text) => EventType::parse(text)
            .map_err(|error| Problem::invalid_value(format!("`event`: {error}.")))?
            .as_str()
            .to_owned(),
        What::Restart(family) => restart_event(family)?.to_owned(),
        What::Fetch => target::event(settings).map_err(unusable)?,
    };
    target::message(settings).map_err(unusable)?;
    Ok((row.new_job(app.new_id(), settings, event), row.pool.clone()))
}

/// Orders a job for a device.
async fn submit_job(app: &App, device_id: &str, what: What<'_>) -> Result<Notified, Problem> {
    let (job, pool) = new_job(app, device_id, what).await?;
    stored_pools::record_use(&app.db, &job.tenant, &pool).await?;
    let submit = PoolCall::Submit { jobs: vec![job] };
    match client::call(&app.env, &pool, &submit).await? {
        PoolReply::Submitted { mut jobs } if jobs.len() == 1 => Ok(notified(jobs.remove(0), &pool)),
        other => Err(client::unexpected(&other)),
    }
}

fn notified(submitted: Submitted, pool: &str) -> Notified {
    Notified {
        joined: submitted.joined,
        job: JobBrief {
            id: submitted.id,
            device: submitted.mac,
            event: submitted.event,
            pool: pool.to_owned(),
            state: submitted.state,
            due_at: submitted.due_at,
        },
    }
}

fn unusable(error: target::TargetError) -> Problem {
    Problem::invalid_value(error.to_string()).with("reason", error.reason())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::notify::*;
    use ringfence_queue::job::State;

    #[test]
    fn a_restart_is_an_event_that_can_be_sent_or_refused_with_what_to_do() {
        for family in Family::ALL {
            match restart_event(family) {
                Ok(text) => assert_eq!(EventType::parse(text).unwrap().as_str(), text),
                Err(problem) => assert!(problem.detail.contains("`event`")),
            }
        }
    }

    #[test]
    fn notified_json_format_unchanged() {
        let submitted = Submitted {
            id: "01K6F00000000000000000JOB1".into(),
            device: "01K6F000000000000000DEVICE".into(),
            mac: "0080F0C571EB".into(),
            joined: false,
            state: State::Queued,
            due_at: 7,
            event: "check-sync".into(),
        };
        assert_eq!(
            serde_json::to_string(&notified(submitted, "default")).unwrap(),
            r#"{"job":{"id":"01K6F00000000000000000JOB1","device":"0080F0C571EB","event":"check-sync","pool":"default","state":"queued","due_at":7},"joined":false}"#
        );
    }
}
