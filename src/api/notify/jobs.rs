//! Jobs: each one NOTIFY to one device, with what became of it.

use ringfence_api::answer::Shown;
use ringfence_api::notify::jobs::{JobQuery, JobView};
use ringfence_api::page::Page;
use ringfence_provision::mac::Mac;
use ringfence_queue::job::Job;
use ringfence_queue::messages::{PoolCall, PoolReply};
use ringfence_queue::store::{Attempt, JobFilter};
use serde_json::json;

use crate::api::request::call::Call;
use crate::api::request::commit;
use crate::api::request::page::{self, PageWindow};
use crate::http::problem::Problem;
use crate::pool::client;
use crate::store::{devices, pools};

fn job_view(job: Job, pool: &str, attempts: Option<Vec<Attempt>>) -> JobView {
    JobView {
        id: job.id,
        device: job.mac,
        event: job.event,
        pool: pool.to_owned(),
        state: job.state,
        reason: job.reason,
        message: job.message,
        code: job.code,
        version: job.version,
        rollout: job.rollout,
        relay: job.relay,
        tries: job.tries,
        joined: job.joined,
        created_at: job.created_at,
        due_at: job.due_at,
        expires_at: job.expires_at,
        sent_at: job.sent_at,
        answered_at: job.answered_at,
        fetched_at: job.fetched_at,
        ended_at: job.ended_at,
        attempts,
    }
}

/// `listJobs`.
pub async fn list(call: Call<JobQuery>) -> Result<Shown<Page<JobView>>, Problem> {
    let query = &call.query;
    let tenant = call.tenant().await?;
    let window: PageWindow<2> = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let device = match &query.device {
        Some(text) => {
            let mac = Mac::parse(text)
                .map_err(|error| Problem::invalid_request(format!("`device`: {error}.")))?;
            let row = devices::find(&call.app.db, &tenant.id, &mac.upper()).await?;
            Some(row.ok_or_else(|| Problem::not_found("device"))?.id)
        }
        None => None,
    };
    let (from, mut before) = match window.after {
        Some([pool, id]) => (pool, Some(id).filter(|id| !id.is_empty())),
        None => (String::new(), None),
    };
    let mut items = Vec::new();
    let mut pools = pools::of_tenant(&call.app.db, &tenant.id)
        .await?
        .into_iter()
        .filter(|pool| *pool >= from)
        .peekable();
    while let Some(pool) = pools.next() {
        let filter = JobFilter {
            tenant: tenant.id.clone(),
            device: device.clone(),
            rollout: query.rollout.clone(),
            state: query.state.map(|state| state.as_str().to_owned()),
            before: before.take(),
            limit: window.limit - items.len() as u32,
        };
        let (jobs, next) = match client::call(&call.app.env, &pool, &PoolCall::Jobs(filter)).await?
        {
            PoolReply::Jobs { jobs, next } => (jobs, next),
            other => return Err(client::unexpected(&other)),
        };
        items.extend(jobs.into_iter().map(|job| job_view(job, &pool, None)));
        let next = match (next, pools.peek()) {
            (Some(id), _) => [pool, id],
            (None, Some(other)) if items.len() as u32 >= window.limit => {
                [other.clone(), String::new()]
            }
            _ => continue,
        };
        return Ok(Shown(Page {
            items,
            next: Some(page::cursor(&next)),
        }));
    }
    Ok(Shown(Page { items, next: None }))
}

/// `getJob`.
pub async fn show(call: Call) -> Result<Shown<JobView>, Problem> {
    let (tenant, id) = (
        call.param("tenant").to_owned(),
        call.param("job").to_owned(),
    );
    find(&call, PoolCall::Job { tenant, id }).await.map(Shown)
}

/// `cancelJob`.
pub async fn cancel(call: Call) -> Result<Shown<JobView>, Problem> {
    let (tenant, id) = (
        call.param("tenant").to_owned(),
        call.param("job").to_owned(),
    );
    let view = find(
        &call,
        PoolCall::CancelJob {
            tenant,
            id: id.clone(),
        },
    )
    .await?;
    let entry = call.entry(
        "job.cancel",
        format!("jobs/{id}"),
        None,
        Some(json!({ "device": view.device })),
    );
    commit::enter_late(&call.app, &entry).await?;
    Ok(Shown(view))
}

/// Asks the tenant's pools one after the other: nearly always there is one.
async fn find(call: &Call, ask: PoolCall) -> Result<JobView, Problem> {
    let tenant = call.tenant().await?;
    for pool in pools::of_tenant(&call.app.db, &tenant.id).await? {
        match client::call(&call.app.env, &pool, &ask).await? {
            PoolReply::NotFound => {}
            PoolReply::Job { job, attempts } => {
                return Ok(job_view(*job, &pool, Some(attempts)));
            }
            other => return Err(client::unexpected(&other)),
        }
    }
    Err(Problem::not_found("job"))
}
