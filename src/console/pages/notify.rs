//! Telling phones: jobs, rollouts, pools and relays.

use ringfence_console::data::{Job, Listed, Pool, Relay, Rollout};
use ringfence_console::href;
use ringfence_console::lists::notify as page;
use ringfence_console::part::{Act, Field, Form, Page, Secret, Section};
use ringfence_console::problem::Problem;
use ringfence_console::text::EN;
use serde_json::json;

use crate::console::page::PageResult;
use crate::console::pages::fleet;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// Jobs and rollouts of the tenant.
pub async fn page(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.notify).await?;
    let filter = visit.query.only(&["device", "state"]);
    let mut query = filter.clone();
    query.extend(visit.query.only(&["cursor"]));
    let jobs: Listed<Job> = visit.get(&visit.of_tenant("/jobs"), &query).await?;
    let rollouts: Listed<Rollout> = visit
        .get(&visit.of_tenant("/rollouts"), &[("limit", "10")])
        .await?;
    let mut page = page::page(
        shell,
        visit.tenant_id(),
        &rollouts,
        &jobs,
        &filter,
        visit.now(),
    );
    if visit.viewer.write {
        let act = Act::main(
            EN.start_rollout,
            href::tenant(visit.tenant_id(), "notify/all"),
        );
        page.sections.insert(0, Section::Acts(vec![act]));
    }
    Ok(Reply::page(page))
}

/// Says what a rollout to every phone will do.
pub async fn notify_all_form(visit: Visit) -> PageResult {
    Ok(Reply::page(notify_all_page(&visit, None).await?))
}

async fn notify_all_page(visit: &Visit, problem: Option<Problem>) -> Result<Page, Problem> {
    let form = Form::post(&*visit.path, EN.start_rollout)
        .saying(EN.start_rollout_does)
        .or_back(href::tenant(visit.tenant_id(), "notify"));
    let shell = visit.tenant_shell(EN.start_rollout).await?;
    Ok(Page::new(shell).with(form).with_problem(problem))
}

/// Starts it.
pub async fn notify_all(visit: Visit) -> PageResult {
    match visit
        .send::<Rollout>("POST", &visit.of_tenant("/rollouts"), Some(json!({})))
        .await
    {
        Ok(rollout) => {
            let page = format!("rollouts{}", href::path([&rollout.id]));
            Ok(Reply::see(&href::tenant(visit.tenant_id(), &page)))
        }
        Err(problem) => {
            let status = problem.status;
            Ok(Reply::refused(
                status,
                notify_all_page(&visit, Some(problem)).await?,
            ))
        }
    }
}

/// One job.
pub async fn job(visit: Visit) -> PageResult {
    let path = visit.of_tenant(&format!("/jobs{}", href::path([visit.param("job")])));
    let job: Job = visit.get(&path, &[]).await?;
    let shell = visit.tenant_shell(EN.job).await?;
    Ok(Reply::page(page::job(
        shell,
        &visit.viewer,
        visit.tenant_id(),
        &job,
        visit.now(),
    )))
}

/// One rollout.
pub async fn rollout(visit: Visit) -> PageResult {
    let id = visit.param("rollout");
    let path = visit.of_tenant(&format!("/rollouts{}", href::path([id])));
    let rollout: Rollout = visit.get(&path, &[]).await?;
    let query = [("rollout", id), ("limit", "50")];
    let jobs: Listed<Job> = visit.get(&visit.of_tenant("/jobs"), &query).await?;
    let failed = failed(&visit, id).await?;
    let shell = visit.tenant_shell(EN.rollout).await?;
    let page = page::rollout(
        shell,
        &visit.viewer,
        visit.tenant_id(),
        &rollout,
        &jobs.items,
        &failed,
        visit.now(),
    );
    Ok(Reply::page(page))
}

/// The newest jobs of a rollout that failed, 200 in each way.
async fn failed(visit: &Visit, rollout: &str) -> Result<Vec<Job>, Problem> {
    let mut failed = Vec::new();
    for state in ["rejected", "unreachable", "expired"] {
        let query = [("rollout", rollout), ("state", state), ("limit", "200")];
        let jobs: Listed<Job> = visit.get(&visit.of_tenant("/jobs"), &query).await?;
        failed.extend(jobs.items);
    }
    Ok(failed)
}

/// The pools.
pub async fn pools(visit: Visit) -> PageResult {
    let pools = fleet::pools(&visit).await?;
    Ok(Reply::page(page::pools(
        visit.shell(EN.pools),
        &visit.viewer,
        &pools,
    )))
}

/// The form of a new pool.
pub async fn new_pool(visit: Visit) -> PageResult {
    Ok(Reply::page(named(
        &visit,
        EN.add_pool,
        "/console/pools",
        None,
    )))
}

/// A form that asks for a name alone.
fn named(visit: &Visit, title: &str, back: &str, problem: Option<Problem>) -> Page {
    let name = Field::line("name", EN.name, visit.form.get("name")).required();
    let form = Form::post(&*visit.path, title).with(name).or_back(back);
    Page::new(visit.shell(title))
        .with(form)
        .with_problem(problem)
}

/// Adds a pool.
pub async fn add_pool(visit: Visit) -> PageResult {
    let body = json!({ "name": visit.form.get("name").trim() });
    match visit.send::<Pool>("POST", "/pools", Some(body)).await {
        Ok(pool) => Ok(Reply::see(&format!(
            "/console/pools{}?done=added",
            href::path([&pool.id])
        ))),
        Err(problem) => {
            let status = problem.status;
            Ok(Reply::refused(
                status,
                named(&visit, EN.add_pool, "/console/pools", Some(problem)),
            ))
        }
    }
}

/// A pool and its relays.
pub async fn pool(visit: Visit) -> PageResult {
    let path = href::path(["pools", visit.param("pool")]);
    let pool: Pool = visit.get(&path, &[]).await?;
    let relays: Listed<Relay> = visit.get(&format!("{path}/relays"), &[]).await?;
    let page = page::pool(
        visit.shell(&pool.name),
        &visit.viewer,
        &pool,
        &relays.items,
        visit.now(),
    );
    Ok(Reply::page(page))
}

fn pool_page(visit: &Visit) -> String {
    format!("/console/pools{}", href::path([visit.param("pool")]))
}

/// The form of a new relay.
pub async fn new_relay(visit: Visit) -> PageResult {
    Ok(Reply::page(named(
        &visit,
        EN.add_relay,
        &pool_page(&visit),
        None,
    )))
}

/// Adds a relay; its credential is on this page alone.
pub async fn add_relay(visit: Visit) -> PageResult {
    let path = format!("{}/relays", href::path(["pools", visit.param("pool")]));
    let body = json!({ "name": visit.form.get("name").trim() });
    match visit.send::<Relay>("POST", &path, Some(body)).await {
        Ok(relay) => {
            let secret = Secret {
                title: relay.name,
                hint: EN.relay_secret.into(),
                value: relay.credential.unwrap_or_default(),
            };
            let page = Page::new(visit.shell(EN.relay_made)).with(secret);
            Ok(Reply::page(page.with(Section::Acts(vec![Act::plain(
                EN.pools,
                pool_page(&visit),
            )]))))
        }
        Err(problem) => {
            let status = problem.status;
            let page = named(&visit, EN.add_relay, &pool_page(&visit), Some(problem));
            Ok(Reply::refused(status, page))
        }
    }
}
