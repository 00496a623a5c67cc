//! Webhooks of a tenant and of the whole installation, and their messages. Both have the same pages.

use ringfence_console::data::{Listed, Read as _};
use ringfence_console::href;
use ringfence_console::lists::webhooks as page;
use ringfence_console::part::{Cell, Facts, Field, Form, Kind, Page};
use ringfence_console::problem::Problem;
use ringfence_console::text::EN;
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// The API's path of the webhooks of the tenant, or of those of the installation.
fn of(visit: &Visit) -> String {
    match visit.tenant_id() {
        "" => "/webhooks".to_owned(),
        _ => visit.of_tenant("/webhooks"),
    }
}

fn one_of(visit: &Visit) -> String {
    format!("{}{}", of(visit), href::path([visit.param("webhook")]))
}

/// The webhooks: they are few enough for each to be asked for its newest message.
pub async fn page(visit: Visit) -> PageResult {
    let list: Listed<Value> = visit.get(&of(&visit), &[]).await?;
    let mut webhooks = Vec::new();
    for webhook in list.items {
        let path = format!(
            "{}{}/messages",
            of(&visit),
            href::path([webhook.text("id")])
        );
        // One queue that does not answer is no reason not to show the others.
        let newest = visit.get::<Listed<Value>>(&path, &[("limit", "1")]).await;
        let newest = newest.map(|newest| newest.items.into_iter().next());
        webhooks.push((webhook, newest.map_err(|problem| problem.detail)));
    }
    let shell = visit.tenant_shell(EN.webhooks).await?;
    let tenant = visit.tenant_id();
    let page = page::page(shell, &visit.viewer, tenant, &webhooks, visit.now());
    Ok(Reply::page(page))
}

/// A webhook and its messages.
pub async fn one(visit: Visit) -> PageResult {
    let at = one_of(&visit);
    let webhook: Value = visit.get(&at, &[]).await?;
    let filter = visit.query.only(&["state"]);
    let mut query = filter.clone();
    query.extend(visit.query.only(&["cursor"]));
    let messages: Listed<Value> = visit.get(&format!("{at}/messages"), &query).await?;
    let shell = visit.tenant_shell(webhook.text("name")).await?;
    let page = page::one(
        shell,
        &visit.viewer,
        visit.tenant_id(),
        &webhook,
        &messages,
        &filter,
        visit.now(),
    );
    Ok(Reply::page(page))
}

fn back(visit: &Visit) -> String {
    format!(
        "{}{}",
        page::path(visit.tenant_id()),
        href::path([visit.param("webhook")])
    )
}

/// Says what a new secret does.
pub async fn rotate_form(visit: Visit) -> PageResult {
    Ok(Reply::page(rotate_page(&visit, "24", None).await?))
}

async fn rotate_page(
    visit: &Visit,
    hours: &str,
    problem: Option<Problem>,
) -> Result<Page, Problem> {
    let field = Field::new(Kind::Input("number"), "overlap_hours", EN.overlap, hours);
    let form = Form::post(&*visit.path, EN.rotate_secret)
        .saying(EN.rotate_secret_does)
        .with(field.hinting(EN.overlap_hint))
        .or_back(back(visit))
        .dangerous();
    let shell = visit.tenant_shell(EN.rotate_secret).await?;
    Ok(Page::new(shell).with(form).with_problem(problem))
}

/// Replaces the secret; the new one is on this page alone.
pub async fn rotate(visit: Visit) -> PageResult {
    let hours = visit.form.get("overlap_hours").trim();
    let said = hours
        .parse::<u64>()
        .map_or_else(|_| json!(hours), Value::from);
    let body = match hours {
        "" => json!({}),
        _ => json!({ "overlap_hours": said }),
    };
    let path = format!("{}/rotate-secret", one_of(&visit));
    match visit.send::<Value>("POST", &path, Some(body)).await {
        Ok(made) => {
            let webhook: Value = visit.get(&one_of(&visit), &[]).await?;
            let shell = visit.tenant_shell(EN.secret_made).await?;
            let until = Cell::time(made.number("previous_until"), visit.now(), "");
            let name = webhook.text("name");
            let page = page::shown_once(shell, name, made.text("secret"), &back(&visit));
            let until = Facts::new("").with(EN.overlap_until, until);
            Ok(Reply::page(page.with(until)))
        }
        Err(problem) => {
            let status = problem.status;
            let page = rotate_page(&visit, hours, Some(problem)).await?;
            Ok(Reply::refused(status, page))
        }
    }
}
