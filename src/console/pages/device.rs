//! One device.

use ringfence_console::data::{
    Device, EffectivePage, Family, FileLint, Listed, Notified, Preview, Read as _, Site, Tenant,
};
use ringfence_console::device::{self as page, ACTIONS, Moving, OneDevice};
use ringfence_console::href;
use ringfence_console::part::{Act, Page, Secret, Section};
use ringfence_console::problem::Problem;
use ringfence_console::reach::{self, Place};
use ringfence_console::shell::Shell;
use ringfence_console::text::EN;
use ringfence_console::trial;
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::pages::choices::{models, sites};
use crate::console::pages::devices::{shown_again, typed};
use crate::console::pages::history;
use crate::console::pages::tenancy::families;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// The API's path of the device, or of what is below.
fn api(visit: &Visit, rest: &str) -> String {
    visit.of_tenant(&format!(
        "/devices{}{rest}",
        href::path([visit.param("mac")])
    ))
}

async fn find(visit: &Visit) -> Result<Device, Problem> {
    visit.get(&api(visit, ""), &[]).await
}

/// What the page is called.
fn title(device: &Device) -> String {
    match device.label.as_str() {
        "" => device.mac.clone(),
        label => format!("{label} · {}", device.mac),
    }
}

/// A page about a device, below the device's own.
async fn shell(visit: &Visit, device: &Device, of: &str) -> Result<Shell, Problem> {
    let page = href::device(visit.tenant_id(), &device.mac, "");
    let shell = visit.tenant_shell(of).await?;
    Ok(shell.below(&title(device), page))
}

/// The page of a device.
pub async fn page(visit: Visit) -> PageResult {
    let device = find(&visit).await?;
    let shell = visit.tenant_shell(&title(&device)).await?;
    let site = match &device.site {
        Some(id) => visit
            .get::<Site>(
                &visit.of_tenant(&format!("/sites{}", href::path([id]))),
                &[],
            )
            .await
            .ok(),
        None => None,
    };
    let events = visit.of_tenant("/events");
    let lint: Listed<FileLint> = visit
        .get(&api(&visit, "/lint"), &[])
        .await
        .unwrap_or_default();
    let of = OneDevice {
        tenant: visit.tenant_id().to_owned(),
        events: visit
            .get(&events, &[("device", &device.mac), ("limit", "30")])
            .await?,
        files: lint.items,
        site,
        device,
        now: visit.now(),
    };
    Ok(Reply::page(page::page(shell, &visit.viewer, &of)))
}

/// The form of a device.
pub async fn edit(visit: Visit) -> PageResult {
    let device = find(&visit).await?;
    edit_page(&visit, &device, (None, None)).await
}

async fn edit_page(
    visit: &Visit,
    device: &Device,
    again: (Option<Value>, Option<Problem>),
) -> PageResult {
    let back = href::device(visit.tenant_id(), &device.mac, "");
    let form = page::form(
        &visit.path,
        device,
        &models(visit).await?,
        &sites(visit).await?,
        &back,
    );
    let shell = shell(visit, device, EN.edit_device).await?;
    Ok(shown_again(shell, form, visit, again))
}

/// Writes it.
pub async fn save(visit: Visit) -> PageResult {
    let typed = typed(&visit);
    let body = json!({ "model": typed.model, "site": typed.site, "label": typed.label });
    let mac = visit.param("mac");
    match history::change_device(&visit, "PUT", &api(&visit, ""), mac, body).await {
        Ok(_) => Ok(back(&visit, "saved")),
        Err(again) => {
            let again = again.parts();
            let now = find(&visit).await?;
            // What was only tried is saved against what it was tried on; what was refused, against what is there now.
            let seen = visit.form.get("if_match").parse().ok();
            let kept = Device {
                revision: seen.filter(|_| again.1.is_none()).unwrap_or(now.revision),
                model: typed.model,
                site: typed.site,
                label: typed.label,
                ..now
            };
            edit_page(&visit, &kept, again).await
        }
    }
}

fn back(visit: &Visit, done: &str) -> Reply {
    let to = href::device(visit.tenant_id(), visit.param("mac"), "");
    Reply::see(&format!("{to}?done={done}"))
}

fn dangerous(name: &str) -> Option<bool> {
    let found = ACTIONS.iter().find(|(action, _)| *action == name);
    found.map(|(_, dangerous)| *dangerous)
}

fn no_page() -> Problem {
    Problem::new(404, EN.not_found, EN.not_found_detail)
}

/// Says what an action will do, and asks for it.
pub async fn confirm(visit: Visit) -> PageResult {
    Ok(Reply::page(confirm_page(&visit, None).await?))
}

async fn confirm_page(visit: &Visit, problem: Option<Problem>) -> Result<Page, Problem> {
    let name = visit.param("action");
    let dangerous = dangerous(name).ok_or_else(no_page)?;
    let device = find(visit).await?;
    let word = page::action(name).map_or("", |(word, _)| word);
    let shell = shell(visit, &device, word).await?;
    let page = page::confirm(shell, visit.tenant_id(), &device, name, dangerous);
    Ok(trial::asking(page, problem, tried(visit, name)).await)
}

/// What an action would do, or why it is refused; nothing, for whoever may not do it.
async fn tried(visit: &Visit, name: &str) -> Option<Result<Value, Problem>> {
    if !visit.viewer.write {
        return None;
    }
    let (method, path, body) = match name {
        "remove" => ("DELETE", api(visit, ""), None),
        "notify" => ("POST", api(visit, "/notify"), Some(json!({}))),
        name => ("POST", api(visit, &format!("/{name}")), None),
    };
    let query = [("dry_run", "true")];
    Some(visit.send_with(method, &path, &query, body).await)
}

/// Does it.
pub async fn act(visit: Visit) -> PageResult {
    let name = visit.param("action");
    dangerous(name).ok_or_else(no_page)?;
    let done = match name {
        "notify" => {
            let path = api(&visit, "/notify");
            visit
                .send::<Notified>("POST", &path, Some(json!({})))
                .await
                .map(|told| {
                    let job = href::tenant(
                        visit.tenant_id(),
                        &format!("jobs{}", href::path([&told.job.id])),
                    );
                    Reply::see(&format!("{job}?done=notified"))
                })
        }
        "remove" => {
            let to = href::tenant(visit.tenant_id(), "devices");
            let removed = visit.send::<()>("DELETE", &api(&visit, ""), None).await;
            removed.map(|()| Reply::see(&format!("{to}?done=removed")))
        }
        _ => {
            let path = api(&visit, &format!("/{name}"));
            let acted = visit.send::<Value>("POST", &path, None).await;
            acted.map(|_| back(&visit, name))
        }
    };
    match done {
        Ok(reply) => Ok(reply),
        Err(problem) => {
            let status = problem.status;
            Ok(Reply::refused(
                status,
                confirm_page(&visit, Some(problem)).await?,
            ))
        }
    }
}

/// What the device ends up with.
pub async fn effective(visit: Visit) -> PageResult {
    effective_page(&visit, false).await
}

/// The same with its secrets; the API writes down who looked.
pub async fn effective_revealed(visit: Visit) -> PageResult {
    effective_page(&visit, true).await
}

async fn effective_page(visit: &Visit, reveal: bool) -> PageResult {
    let query: &[_] = if reveal { &[("reveal", "true")] } else { &[] };
    let effective: EffectivePage = visit.get(&api(visit, "/effective"), query).await?;
    let shell = shell(visit, &find(visit).await?, EN.effective).await?;
    let page = page::effective(shell, &visit.viewer, &visit.path, &effective, reveal);
    Ok(Reply::page(page))
}

/// A file as the device would get it.
pub async fn file(visit: Visit) -> PageResult {
    file_page(&visit, false).await
}

/// The same with its secrets; the API writes down who looked.
pub async fn file_revealed(visit: Visit) -> PageResult {
    file_page(&visit, true).await
}

async fn file_page(visit: &Visit, reveal: bool) -> PageResult {
    let query: &[_] = if reveal { &[("reveal", "true")] } else { &[] };
    let rest = format!("/files{}/preview", href::path([visit.param("kind")]));
    let preview: Preview = visit.get(&api(visit, &rest), query).await?;
    let shell = shell(visit, &find(visit).await?, EN.preview).await?;
    let rest = format!("/files{}/diff", href::path([visit.param("kind")]));
    // What cannot be compared is no reason to show nothing.
    let fetched: Option<Value> = visit.get(&api(visit, &rest), &[]).await.ok();
    let page = page::preview(
        shell,
        &visit.viewer,
        &visit.path,
        &preview,
        fetched.as_ref(),
        reveal,
        visit.now(),
    );
    Ok(Reply::page(page))
}

/// Where the device's phone asks, as the API explains it; the access path is not in it.
pub async fn place(visit: &Visit, mac: &str) -> Result<Place, Problem> {
    let body = json!({ "mac": mac, "tenant": visit.tenant_id() });
    let explained: Value = visit.send("POST", "/explain", Some(body)).await?;
    let host = explained.text("/asked/host");
    Ok(Place {
        // Here it answers on the port, and by the scheme, of this very page.
        origin: match host == visit.caller.host {
            true => visit.caller.origin.clone(),
            false => format!("https://{host}"),
        },
        segment: String::new(),
        name: explained.text("/asked/path").to_owned(),
    })
}

/// The family of a device.
pub async fn family(visit: &Visit, device: &Device) -> Result<Option<Family>, Problem> {
    let all = families(visit).await?;
    Ok(all.into_iter().find(|one| one.family == device.family))
}

async fn url_page(visit: &Visit, place: &Place, problem: Option<Problem>) -> PageResult {
    let device = find(visit).await?;
    let family = family(visit, &device).await?;
    let shell = shell(visit, &device, EN.what_to_type).await?;
    let mut page = Page::new(shell);
    page.sections = reach::sections(&device, family.as_ref(), place, &visit.path);
    let status = problem.as_ref().map_or(200, |problem| problem.status);
    Ok(Reply::refused(status, page.with_problem(problem)))
}

/// What is typed into the phone.
pub async fn url(visit: Visit) -> PageResult {
    let place = place(&visit, visit.param("mac")).await?;
    url_page(&visit, &place, None).await
}

/// The same with the access path that was typed, if it is one of the tenant's.
pub async fn url_known(visit: Visit) -> PageResult {
    let mut place = place(&visit, visit.param("mac")).await?;
    let typed = visit.form.get("segment").trim();
    place.segment = segment(typed).to_owned();
    let body = json!({ "url": place.url() });
    let explained: Value = visit.send("POST", "/explain", Some(body)).await?;
    let steps = explained.list("steps");
    let found = steps.iter().find(|step| step.text("step") == "access_path");
    let is_its = found.is_some_and(|step| step.text("/details/tenant") == visit.tenant_id());
    if is_its {
        return url_page(&visit, &place, None).await;
    }
    place.segment.clear();
    let problem = Problem::new(422, EN.cannot_read, EN.not_its_access_path);
    url_page(&visit, &place, Some(problem)).await
}

/// The access path in what was typed: the whole URL, or the segment alone.
pub fn segment(typed: &str) -> &str {
    let rest = match typed.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, rest)| rest),
        None => typed.trim_start_matches('/'),
    };
    rest.split('/').next().unwrap_or_default()
}

async fn move_page(visit: &Visit, again: (Option<Value>, Option<Problem>)) -> PageResult {
    let device = find(visit).await?;
    let list: Listed<Tenant> = visit.get("/tenants", &[("limit", "200")]).await?;
    let mut tenants = list.items;
    tenants.retain(|tenant| tenant.id != visit.tenant_id());
    let back = href::device(visit.tenant_id(), &device.mac, "");
    let form = &visit.form;
    let typed = Moving {
        tenant: form.get("tenant"),
        settings: form.get("settings"),
        // The box of a form that was not sent yet is ticked.
        forward: form.all().is_empty() || form.is_ticked("forward"),
    };
    let form = page::move_form(&visit.path, &tenants, &typed, &back);
    let shell = shell(visit, &device, EN.move_device).await?;
    Ok(shown_again(shell, form, visit, again))
}

/// Asks where a device goes.
pub async fn move_form(visit: Visit) -> PageResult {
    move_page(&visit, (None, None)).await
}

/// Moves it. An access path that was made for its phone is on the page that follows alone.
pub async fn move_away(visit: Visit) -> PageResult {
    let form = &visit.form;
    let body = json!({
        "tenant": form.get("tenant"),
        "settings": form.get("settings"),
        "forward": { "enabled": form.is_ticked("forward") },
    });
    let (path, mac) = (api(&visit, "/move"), visit.param("mac"));
    let moved = match history::change_device(&visit, "POST", &path, mac, body).await {
        Ok(moved) => moved,
        Err(again) => return move_page(&visit, again.parts()).await,
    };
    let to = href::device(moved.text("tenant"), moved.text("mac"), "");
    let url = moved.text("/forward/url");
    if url.is_empty() {
        return Ok(Reply::see(&format!("{to}?done=changed")));
    }
    let secret = Secret {
        title: EN.moved.into(),
        hint: EN.moved_url.into(),
        value: url.to_owned(),
    };
    let acts = Section::Acts(vec![Act::plain(moved.text("mac"), to)]);
    let page = Page::new(visit.shell(EN.moved)).with(secret).with(acts);
    Ok(Reply::page(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_path_is_typed_alone_or_as_a_url() {
        for typed in [
            "seg",
            "/seg/",
            "https://phones.example/seg/Config.cfg",
            "https://phones.example:8443/seg",
        ] {
            assert_eq!(segment(typed), "seg", "{typed}");
        }
        assert_eq!(segment("https://phones.example"), "");
    }
}
