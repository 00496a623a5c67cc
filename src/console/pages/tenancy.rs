//! Tenants and what they have: access paths, sites, models.

use ringfence_console::data::{AccessPath, Family, Listed, Model, Site, Tenant};
use ringfence_console::history::{checked, checked_device};
use ringfence_console::lists::tenancy as page;
use ringfence_console::part::{Act, Field, Form, Page, Secret, Section};
use ringfence_console::problem::Problem;
use ringfence_console::text::{EN, fill};
use ringfence_console::{href, reach, trial};
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::pages::{forms, history};
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// The tenants.
pub async fn tenants(visit: Visit) -> PageResult {
    let list: Listed<Tenant> = visit
        .get("/tenants", &visit.query.only(&["cursor"]))
        .await?;
    let page = page::tenants(visit.shell(EN.tenants), &visit.viewer, &list, visit.now());
    Ok(Reply::page(page))
}

/// The form of a new tenant.
pub async fn new_tenant(visit: Visit) -> PageResult {
    let form = page::tenant_form(&visit.path, &Tenant::default(), "/console/tenants");
    Ok(Reply::page(
        Page::new(visit.shell(EN.add_tenant)).with(form),
    ))
}

/// What a form says of a tenant: as it was typed, and for the API.
fn typed_tenant(visit: &Visit) -> (Tenant, Result<Value, Problem>) {
    let form = &visit.form;
    let options = form.get("options");
    let read: Result<Value, _> = ringfence_json::from_str(if options.trim().is_empty() {
        "{}"
    } else {
        options
    });
    let mut tenant = Tenant {
        name: form.get("name").trim().to_owned(),
        hostname: form.filled("hostname").map(str::to_owned),
        ..Tenant::default()
    };
    let body = match read {
        Ok(options) => {
            tenant.options = options.clone();
            Ok(json!({ "name": tenant.name, "hostname": tenant.hostname, "options": options }))
        }
        Err(error) => {
            tenant.options = Value::String(options.to_owned());
            let detail = fill(EN.options_no_json, &[&error.to_string()]);
            Err(Problem::new(422, EN.cannot_read, detail))
        }
    };
    (tenant, body)
}

/// Adds a tenant.
pub async fn add_tenant(visit: Visit) -> PageResult {
    let (typed, body) = typed_tenant(&visit);
    let added = match body {
        Ok(body) => visit.send::<Tenant>("POST", "/tenants", Some(body)).await,
        Err(problem) => Err(problem),
    };
    match added {
        Ok(tenant) => Ok(Reply::see(&format!(
            "{}?done=added",
            href::tenant(&tenant.id, "")
        ))),
        Err(problem) => {
            let status = problem.status;
            let form = page::tenant_form(&visit.path, &typed, "/console/tenants");
            let page = Page::new(visit.shell(EN.add_tenant)).with(form);
            Ok(Reply::refused(status, page.with_problem(Some(problem))))
        }
    }
}

/// The form of a tenant.
pub async fn edit_tenant(visit: Visit) -> PageResult {
    let tenant = visit.tenant().await?;
    tenant_page(&visit, &tenant, None, None).await
}

async fn tenant_page(
    visit: &Visit,
    tenant: &Tenant,
    dry: Option<&Value>,
    problem: Option<Problem>,
) -> PageResult {
    let back = href::tenant(visit.tenant_id(), "");
    let form = page::tenant_form(&visit.path, tenant, &back);
    let form = checked(form, &history::typed(visit));
    let page = Page::new(visit.tenant_shell(EN.edit_tenant).await?);
    let versions = href::tenant(visit.tenant_id(), "history/options");
    let mut acts = vec![Act::plain(EN.history, versions)];
    if visit.viewer.runs_all() {
        let remove = href::tenant(visit.tenant_id(), "remove");
        acts.push(Act::plain(EN.remove_tenant, remove));
    }
    let status = problem.as_ref().map_or(200, |problem| problem.status);
    let page = trial::on(page, dry).with(form).with(Section::Acts(acts));
    Ok(Reply::refused(status, page.with_problem(problem)))
}

/// Writes it, or says what that would change.
pub async fn save_tenant(visit: Visit) -> PageResult {
    let (typed, body) = typed_tenant(&visit);
    let saved = match body {
        Ok(body) => history::change(&visit, "PUT", &visit.of_tenant(""), body).await,
        Err(problem) => Err(problem),
    };
    let (dry, problem) = match saved {
        Ok(None) => {
            let to = href::tenant(visit.tenant_id(), "");
            return Ok(Reply::see(&format!("{to}?done=saved")));
        }
        Ok(dry) => (dry, None),
        Err(problem) => (None, Some(problem)),
    };
    let now = visit.tenant().await?;
    let seen = visit.form.get("if_match").parse().ok();
    let kept = Tenant {
        name: typed.name,
        hostname: typed.hostname,
        options: typed.options,
        revision: seen.filter(|_| problem.is_none()).unwrap_or(now.revision),
        ..now
    };
    tenant_page(&visit, &kept, dry.as_ref(), problem).await
}

/// The access paths.
pub async fn access_paths(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.access_paths).await?;
    let query = visit.query.only(&["cursor"]);
    let list: Listed<AccessPath> = visit.get(&visit.of_tenant("/access-paths"), &query).await?;
    let page = page::access_paths(shell, &visit.viewer, visit.tenant_id(), &list, visit.now());
    Ok(Reply::page(page))
}

/// The form of a new access path.
pub async fn new_access_path(visit: Visit) -> PageResult {
    Ok(Reply::page(access_path_page(&visit, None).await?))
}

async fn access_path_page(visit: &Visit, problem: Option<Problem>) -> Result<Page, Problem> {
    let form = Form::post(&*visit.path, EN.add_access_path)
        .saying(EN.access_path_does)
        .with(Field::line("label", EN.label, visit.form.get("label")).required())
        .with(
            Field::time("expires_at", EN.expires_at, visit.form.get("expires_at"))
                .hinting(EN.expires_at_hint),
        )
        .or_back(href::tenant(visit.tenant_id(), "access-paths"));
    let shell = visit.tenant_shell(EN.add_access_path).await?;
    Ok(Page::new(shell).with(form).with_problem(problem))
}

/// Makes an access path; its segment is on this page alone.
pub async fn add_access_path(visit: Visit) -> PageResult {
    let ends = visit.form.filled("expires_at").map(forms::read_time);
    let made = match ends.transpose() {
        Ok(ends) => {
            let body = json!({ "label": visit.form.get("label").trim(), "expires_at": ends });
            let path = visit.of_tenant("/access-paths");
            visit.send::<AccessPath>("POST", &path, Some(body)).await
        }
        Err(problem) => Err(problem),
    };
    match made {
        Ok(path) => {
            let secret = Secret {
                title: fill(EN.of_state, &[EN.access_path, &path.label]),
                hint: EN.access_path_secret.into(),
                value: path.url.or(path.segment).unwrap_or_default(),
            };
            let picture = reach::code(&secret.value);
            let page = Page::new(visit.tenant_shell(EN.access_path_made).await?)
                .with(secret)
                .with_any(picture);
            let back = href::tenant(visit.tenant_id(), "access-paths");
            Ok(Reply::page(page.with(Section::Acts(vec![Act::plain(
                EN.access_paths,
                back,
            )]))))
        }
        Err(problem) => {
            let status = problem.status;
            Ok(Reply::refused(
                status,
                access_path_page(&visit, Some(problem)).await?,
            ))
        }
    }
}

/// The sites.
pub async fn sites(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.sites).await?;
    let query = visit.query.only(&["cursor"]);
    let list: Listed<Site> = visit.get(&visit.of_tenant("/sites"), &query).await?;
    Ok(Reply::page(page::sites(
        shell,
        &visit.viewer,
        visit.tenant_id(),
        &list,
        visit.now(),
    )))
}

async fn site_page(
    visit: &Visit,
    site: &Site,
    again: (Option<Value>, Option<Problem>),
) -> Result<Page, Problem> {
    let title = if site.id.is_empty() {
        EN.add_site
    } else {
        EN.edit
    };
    let form = Form::post(&*visit.path, EN.save)
        .with(Field::hidden("if_match", site.revision.to_string()))
        .with(Field::line("name", EN.name, &site.name).required())
        .or_back(href::tenant(visit.tenant_id(), "sites"));
    let form = checked_device(form, visit.form.get("comment"));
    let (dry, problem) = again;
    let page = Page::new(visit.tenant_shell(title).await?);
    Ok(trial::on(page, dry.as_ref())
        .with(form)
        .with_problem(problem))
}

/// The form of a new site.
pub async fn new_site(visit: Visit) -> PageResult {
    Ok(Reply::page(
        site_page(&visit, &Site::default(), (None, None)).await?,
    ))
}

/// Adds a site.
pub async fn add_site(visit: Visit) -> PageResult {
    put_site(
        &visit,
        "POST",
        &visit.of_tenant("/sites"),
        Site::default(),
        "added",
    )
    .await
}

async fn put_site(visit: &Visit, method: &str, path: &str, now: Site, done: &str) -> PageResult {
    let name = visit.form.get("name").trim().to_owned();
    let (dry, problem) = match history::change(visit, method, path, json!({ "name": name })).await {
        Ok(None) => {
            let to = href::tenant(visit.tenant_id(), "sites");
            return Ok(Reply::see(&format!("{to}?done={done}")));
        }
        Ok(dry) => (dry, None),
        Err(problem) => (None, Some(problem)),
    };
    let status = problem.as_ref().map_or(200, |problem| problem.status);
    // What was only tried is saved against what it was tried on.
    let seen = visit.form.get("if_match").parse().ok();
    let revision = seen.filter(|_| problem.is_none()).unwrap_or(now.revision);
    let kept = Site {
        name,
        revision,
        ..now
    };
    let page = site_page(visit, &kept, (dry, problem)).await?;
    Ok(Reply::refused(status, page))
}

fn site_path(visit: &Visit) -> String {
    visit.of_tenant(&format!("/sites{}", href::path([visit.param("site")])))
}

/// The form of a site.
pub async fn edit_site(visit: Visit) -> PageResult {
    let site: Site = visit.get(&site_path(&visit), &[]).await?;
    Ok(Reply::page(site_page(&visit, &site, (None, None)).await?))
}

/// Writes it.
pub async fn save_site(visit: Visit) -> PageResult {
    let path = site_path(&visit);
    let now: Site = visit.get(&path, &[]).await?;
    put_site(&visit, "PUT", &path, now, "saved").await
}

/// The models.
pub async fn models(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.models).await?;
    let query = visit.query.only(&["cursor"]);
    let list: Listed<Model> = visit.get(&visit.of_tenant("/models"), &query).await?;
    Ok(Reply::page(page::models(
        shell,
        &visit.viewer,
        visit.tenant_id(),
        &list,
        visit.now(),
    )))
}

/// The families of phones.
pub async fn families(visit: &Visit) -> Result<Vec<Family>, Problem> {
    let list: Listed<Family> = visit.get("/families", &[]).await?;
    Ok(list.items)
}

async fn model_page(
    visit: &Visit,
    model: &Model,
    again: (Option<Value>, Option<Problem>),
) -> Result<Page, Problem> {
    let is_new = visit.param("model").is_empty();
    let title = if is_new {
        EN.add_model.to_owned()
    } else {
        format!("{}: {}", EN.model, model.name)
    };
    let back = href::tenant(visit.tenant_id(), "models");
    let form = page::model_form(&visit.path, model, &families(visit).await?, is_new, &back);
    let form = checked(form, &history::typed(visit));
    let (dry, problem) = again;
    let page = Page::new(visit.tenant_shell(&title).await?);
    Ok(trial::on(page, dry.as_ref())
        .with(form)
        .with_problem(problem))
}

fn model_path(visit: &Visit, name: &str) -> String {
    visit.of_tenant(&format!("/models{}", href::path([name])))
}

/// The form of a new model.
pub async fn new_model(visit: Visit) -> PageResult {
    Ok(Reply::page(
        model_page(&visit, &Model::default(), (None, None)).await?,
    ))
}

/// The form of a model.
pub async fn edit_model(visit: Visit) -> PageResult {
    let model: Model = visit
        .get(&model_path(&visit, visit.param("model")), &[])
        .await?;
    Ok(Reply::page(model_page(&visit, &model, (None, None)).await?))
}

/// Writes a model, or a new one.
pub async fn save_model(visit: Visit) -> PageResult {
    let form = &visit.form;
    let name = match visit.param("model") {
        "" => form.get("name").trim().to_owned(),
        name => name.to_owned(),
    };
    let typed = Model {
        family: form.get("family").to_owned(),
        profile: form.filled("profile").map(str::to_owned),
        name,
        ..Model::default()
    };
    let mut body = json!({ "family": typed.family });
    // Left out, the profile is the family's own.
    if let (Value::Object(body), false) = (&mut body, form.get("profile") == "default") {
        body.insert("profile".into(), typed.profile.clone().into());
    }
    let path = model_path(&visit, &typed.name);
    let (dry, problem) = match history::change(&visit, "PUT", &path, body).await {
        Ok(None) => {
            let to = href::tenant(visit.tenant_id(), "models");
            return Ok(Reply::see(&format!("{to}?done=saved")));
        }
        Ok(dry) => (dry, None),
        Err(problem) => (None, Some(problem)),
    };
    // What was only tried is saved against what it was tried on; what was refused, against what is there now.
    let seen = visit.form.get("if_match").parse().ok();
    let revision = match seen.filter(|_| problem.is_none()) {
        Some(seen) => seen,
        None => visit
            .get::<Model>(&path, &[])
            .await
            .map_or(0, |model| model.revision),
    };
    let status = problem.as_ref().map_or(200, |problem| problem.status);
    let kept = Model { revision, ..typed };
    let page = model_page(&visit, &kept, (dry, problem)).await?;
    Ok(Reply::refused(status, page))
}
