//! The first run: tenant, access path, phone, and the phone's first boot.

use ringfence_console::data::{AccessPath, Device, Event, Listed, Tenant};
use ringfence_console::href;
use ringfence_console::part::{Page, Secret};
use ringfence_console::problem::Problem;
use ringfence_console::reach;
use ringfence_console::start::{self as page, Step};
use ringfence_console::text::{EN, fill};
use serde_json::json;

use crate::console::page::PageResult;
use crate::console::pages::device;
use crate::console::pages::devices::typed;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// Asks for the first tenant.
pub async fn begin(visit: Visit) -> PageResult {
    let page = page::page(visit.shell(EN.start), Step::Tenant, page::tenant(""));
    Ok(Reply::page(page))
}

/// Adds it.
pub async fn add_tenant(visit: Visit) -> PageResult {
    let name = visit.form.get("name").trim();
    let body = json!({ "name": name });
    match visit.send::<Tenant>("POST", "/tenants", Some(body)).await {
        Ok(tenant) => Ok(Reply::see(&href::tenant(&tenant.id, "start"))),
        Err(problem) => {
            let page = page::page(visit.shell(EN.start), Step::Tenant, page::tenant(name));
            Ok(refused(page, problem))
        }
    }
}

fn refused(page: Page, problem: Problem) -> Reply {
    let status = problem.status;
    Reply::refused(status, page.with_problem(Some(problem)))
}

/// The step that comes next in a tenant.
pub async fn next(visit: Visit) -> PageResult {
    let one = [("limit", "1")];
    let devices: Listed<Device> = visit.get(&visit.of_tenant("/devices"), &one).await?;
    if let Some(device) = devices.items.first() {
        let page = format!("start{}", href::path([&device.mac]));
        return Ok(Reply::see(&href::tenant(visit.tenant_id(), &page)));
    }
    let paths: Listed<AccessPath> = visit.get(&visit.of_tenant("/access-paths"), &one).await?;
    let shell = visit.tenant_shell(EN.start).await?;
    Ok(Reply::page(match paths.items.is_empty() {
        true => page::page(
            shell,
            Step::AccessPath,
            page::access_path(&visit.path, EN.first_label),
        ),
        false => page::page(
            shell,
            Step::Phone,
            page::phone(&visit.path, &Device::default(), ""),
        ),
    }))
}

/// Does the step that its form is of.
pub async fn go(visit: Visit) -> PageResult {
    match visit.form.get("step") {
        "path" => add_path(&visit).await,
        _ => add_phone(&visit).await,
    }
}

async fn add_path(visit: &Visit) -> PageResult {
    let label = visit.form.get("label").trim();
    let made = visit
        .send::<AccessPath>(
            "POST",
            &visit.of_tenant("/access-paths"),
            Some(json!({ "label": label })),
        )
        .await;
    let shell = visit.tenant_shell(EN.start).await?;
    let made = match made {
        Ok(made) => made,
        Err(problem) => {
            let form = page::access_path(&visit.path, label);
            return Ok(refused(page::page(shell, Step::AccessPath, form), problem));
        }
    };
    let segment = made.segment.unwrap_or_default();
    let form = page::phone(&visit.path, &Device::default(), &segment);
    let secret = Secret {
        title: fill(EN.of_state, &[EN.access_path, &made.label]),
        hint: EN.access_path_secret.into(),
        value: made.url.unwrap_or_default(),
    };
    let page = page::page(shell, Step::Phone, form).fixing(secret);
    Ok(Reply::page(page))
}

async fn add_phone(visit: &Visit) -> PageResult {
    let typed = typed(visit);
    let segment = device::segment(visit.form.get("segment").trim());
    let body = json!({ "mac": typed.mac, "model": typed.model, "label": typed.label });
    let added = visit
        .send::<Device>("POST", &visit.of_tenant("/devices"), Some(body))
        .await;
    match added {
        Ok(added) => Ok(Reply::page(watch_page(visit, &added.mac, segment).await?)),
        Err(problem) => {
            let shell = visit.tenant_shell(EN.start).await?;
            let form = page::phone(&visit.path, &typed, segment);
            Ok(refused(page::page(shell, Step::Phone, form), problem))
        }
    }
}

/// Watches the phone come.
pub async fn watch(visit: Visit) -> PageResult {
    let mac = visit.param("mac").to_owned();
    Ok(Reply::page(watch_page(&visit, &mac, "").await?))
}

async fn watch_page(visit: &Visit, mac: &str, segment: &str) -> Result<Page, Problem> {
    let path = visit.of_tenant(&format!("/devices{}", href::path([mac])));
    let found: Device = visit.get(&path, &[]).await?;
    // Whatever the tenant's phones ask: one that was given a wrong URL is seen as well.
    let events: Listed<Event> = visit
        .get(&visit.of_tenant("/events"), &[("limit", "8")])
        .await?;
    let shell = visit.tenant_shell(EN.start).await?;
    let mut shown = page::watch(shell, visit.tenant_id(), &found, &events, visit.now());
    if !page::has_files(&found) {
        let mut place = device::place(visit, mac).await?;
        place.segment = segment.to_owned();
        let family = device::family(visit, &found).await?;
        shown = shown.fixing(reach::fields(&found, family.as_ref(), &place));
        if let Some(picture) = reach::picture(family.as_ref(), &place) {
            shown = shown.fixing(picture);
        }
    }
    Ok(shown)
}
