//! Devices, unknown phones, requests.

use ringfence_console::data::{Device, Event, Listed, Read as _, Unknown};
use ringfence_console::history::checked_device;
use ringfence_console::lists::devices as page;
use ringfence_console::lists::of_tenant::{self, OfTenant};
use ringfence_console::lists::operations::Picked;
use ringfence_console::part::{Field, Form, Page};
use ringfence_console::problem::Problem;
use ringfence_console::shell::Shell;
use ringfence_console::text::{EN, fill};
use ringfence_console::{device, href, trial};
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::pages::choices::{models, sites};
use crate::console::pages::tenancy::families;
use crate::console::pages::{history, operations};
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// Devices of the tenant.
pub async fn of_tenant(visit: Visit) -> PageResult {
    let cursor = visit.query.filled("cursor").map(str::to_owned);
    list(&visit, cursor, &Picked::default()).await
}

/// The next page of them, with what was picked on this one.
pub async fn keep_picked(visit: Visit) -> PageResult {
    let cursor = visit.form.filled("cursor").map(str::to_owned);
    let mut picked = operations::picked(&visit);
    picked.all = false;
    list(&visit, cursor, &picked).await
}

async fn list(visit: &Visit, cursor: Option<String>, picked: &Picked) -> PageResult {
    let shell = visit.tenant_shell(EN.devices).await?;
    let filter = visit.query.only(of_tenant::FILTER);
    let query = of_tenant::of_api(&filter, visit.now());
    let pairs = |keep: &dyn Fn(&str) -> bool| {
        let pairs = query.iter().filter(|(name, _)| keep(name));
        pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect::<Vec<_>>()
    };
    let mut asked = pairs(&|_| true);
    asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
    let list: Listed<Device> = visit.get(&visit.of_tenant("/devices"), &asked).await?;
    let chosen: Vec<&str> = visit.query.every("columns").collect();
    let mut columns: Vec<&str> = vec!["mac"];
    for name in chosen.iter().flat_map(|names| names.split(',')) {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    let filtered = href::query(&pairs(&|name| name != "sort"));
    let picked = Picked {
        query: filtered.trim_start_matches('?').to_owned(),
        ..picked.clone()
    };
    let of = OfTenant {
        tenant: visit.tenant_id(),
        list: &list,
        sites: &sites(visit).await?,
        families: &families(visit).await?,
        filter: &filter,
        columns: if chosen.is_empty() {
            of_tenant::USUAL
        } else {
            &columns
        },
        picked: &picked,
        now: visit.now(),
    };
    Ok(Reply::page(of_tenant::page(shell, &visit.viewer, &of)))
}

/// Devices of every tenant.
pub async fn of_all(visit: Visit) -> PageResult {
    let filter = visit.query.only(&["q", "doubled"]);
    let mut query = filter.clone();
    query.extend(visit.query.only(&["cursor"]));
    let list: Listed<Device> = visit.get("/devices", &query).await?;
    Ok(Reply::page(page::of_all(
        visit.shell(EN.devices),
        &list,
        &filter,
        visit.now(),
    )))
}

/// What a form says of a device.
pub fn typed(visit: &Visit) -> Device {
    Device {
        mac: visit.form.get("mac").trim().to_owned(),
        model: visit.form.get("model").trim().to_owned(),
        site: visit.form.filled("site").map(str::to_owned),
        label: visit.form.get("label").trim().to_owned(),
        ..Device::default()
    }
}

/// The form of a new device.
pub async fn new(visit: Visit) -> PageResult {
    new_page(&visit, &Device::default(), (None, None)).await
}

/// A form with what a trial found or what was wrong.
pub fn shown_again(
    shell: Shell,
    form: Form,
    visit: &Visit,
    (dry, problem): (Option<Value>, Option<Problem>),
) -> Reply {
    let form = checked_device(form, history::typed(visit).comment);
    let status = problem.as_ref().map_or(200, |problem| problem.status);
    let page = trial::on(Page::new(shell), dry.as_ref()).with(form);
    Reply::refused(status, page.with_problem(problem))
}

async fn new_page(
    visit: &Visit,
    typed: &Device,
    again: (Option<Value>, Option<Problem>),
) -> PageResult {
    let at = href::tenant(visit.tenant_id(), "devices");
    let form = device::form(
        &visit.path,
        typed,
        &models(visit).await?,
        &sites(visit).await?,
        &at,
    );
    let shell = visit.tenant_shell(EN.add_device).await?;
    Ok(shown_again(shell, form, visit, again))
}

/// Adds a device.
pub async fn add(visit: Visit) -> PageResult {
    let typed = typed(&visit);
    let body =
        json!({ "mac": typed.mac, "model": typed.model, "site": typed.site, "label": typed.label });
    let path = visit.of_tenant("/devices");
    match history::change_device(&visit, "POST", &path, &typed.mac, body).await {
        Ok(device) => {
            let to = href::device(visit.tenant_id(), device.text("mac"), "");
            Ok(Reply::see(&format!("{to}?done=added")))
        }
        Err(again) => new_page(&visit, &typed, again.parts()).await,
    }
}

/// Phones that are no devices.
pub async fn unknown(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.unknown_phones).await?;
    let query = visit.query.only(&["cursor"]);
    let list: Listed<Unknown> = visit.get(&visit.of_tenant("/unknown"), &query).await?;
    Ok(Reply::page(page::unknown(
        shell,
        &visit.viewer,
        visit.tenant_id(),
        &list,
        visit.now(),
    )))
}

/// Asks what such a phone is to be.
pub async fn adopt_form(visit: Visit) -> PageResult {
    let typed = Device {
        model: String::new(),
        ..Device::default()
    };
    adopt_page(&visit, &typed, (None, None)).await
}

async fn adopt_page(
    visit: &Visit,
    typed: &Device,
    again: (Option<Value>, Option<Problem>),
) -> PageResult {
    let mac = visit.param("mac");
    let (models, sites) = (models(visit).await?, sites(visit).await?);
    let mut kinds = vec![(String::new(), EN.as_it_says.to_owned())];
    kinds.extend(
        models
            .into_iter()
            .map(|model| (model.name.clone(), model.name)),
    );
    let mut places = vec![(String::new(), EN.none.to_owned())];
    places.extend(sites.into_iter().map(|site| (site.id, site.name)));
    let form = Form::post(&*visit.path, EN.adopt)
        .saying(fill(EN.adopt_does, &[mac]))
        .with(Field::select("model", EN.model, kinds, &typed.model))
        .with(Field::select(
            "site",
            EN.site,
            places,
            typed.site.clone().unwrap_or_default(),
        ))
        .with(Field::line("label", EN.label, &typed.label))
        .or_back(href::tenant(visit.tenant_id(), "unknown"));
    let shell = visit.tenant_shell(EN.adopt).await?;
    Ok(shown_again(shell, form, visit, again))
}

/// Adds a device for such a phone.
pub async fn adopt(visit: Visit) -> PageResult {
    let mac = visit.param("mac");
    let typed = typed(&visit);
    let mut body = json!({ "site": typed.site, "label": typed.label });
    if let (false, Value::Object(body)) = (typed.model.is_empty(), &mut body) {
        body.insert("model".into(), typed.model.clone().into());
    }
    let path = format!("{}{}/adopt", visit.of_tenant("/unknown"), href::path([mac]));
    match history::change_device(&visit, "POST", &path, mac, body).await {
        Ok(device) => {
            let to = href::device(visit.tenant_id(), device.text("mac"), "");
            Ok(Reply::see(&format!("{to}?done=adopted")))
        }
        Err(again) => adopt_page(&visit, &typed, again.parts()).await,
    }
}

/// What phones asked for.
pub async fn requests(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.requests).await?;
    let filter = visit.query.only(&["device", "outcome", "after", "before"]);
    let mut query = filter.clone();
    query.extend(visit.query.only(&["cursor"]));
    let list: Listed<Event> = visit.get(&visit.of_tenant("/events"), &query).await?;
    Ok(Reply::page(page::requests(
        shell,
        visit.tenant_id(),
        &list,
        &filter,
        visit.now(),
    )))
}
