//! Devices, and the phones that are none yet.

use crate::data::{Device, Event, Listed, Unknown};
use crate::device::{self, brief};
use crate::explain;
use crate::href;
use crate::lists::{choices, next, value};
use crate::part::{Act, Cell, Field, Form, Item, List, Page, Table, Tone};
use crate::reason;
use crate::shell::{Shell, Viewer};
use crate::text::{self, EN, fill};

/// Devices of every tenant.
pub fn of_all(shell: Shell, list: &Listed<Device>, filter: &[(&str, &str)], now: u64) -> Page {
    let form = Form::filter("/console/devices", EN.filter)
        .with(Field::line("q", EN.search, value(filter, "q")).hinting(EN.search_hint))
        .with(Field::check(
            "doubled",
            EN.doubled,
            value(filter, "doubled") == "true",
        ));
    let columns = [
        EN.mac,
        EN.tenant,
        EN.label,
        EN.model,
        EN.state,
        EN.last_seen,
    ];
    let table = Table::new("", &columns, EN.no_devices)
        .with_rows(list.items.iter().map(|device| {
            let (tone, state) = brief(device, now);
            vec![
                Cell::link(&device.mac, href::device(&device.tenant, &device.mac, "")),
                Cell::link(&device.tenant_name, href::tenant(&device.tenant, "")),
                Cell::text(&device.label),
                Cell::word(&device.model),
                Cell::state(tone, state),
                Cell::time(device.last_seen.as_ref().map(|seen| seen.at), now, EN.never),
            ]
        }))
        .with_next(next("/console/devices", filter, list.next.as_ref()));
    Page::new(shell).with(form).with(table)
}

/// Phones that asked and are no devices of the tenant.
pub fn unknown(
    shell: Shell,
    viewer: &Viewer,
    tenant: &str,
    list: &Listed<Unknown>,
    now: u64,
) -> Page {
    let at = href::tenant(tenant, "unknown");
    let columns = [
        EN.mac,
        EN.probably,
        EN.asked_for,
        EN.times,
        EN.last_seen,
        EN.from,
        EN.actions,
    ];
    let rows = list.items.iter().map(|phone| {
        let guess = &phone.guess;
        let parts = [&guess.vendor, &guess.model, &guess.firmware]
            .into_iter()
            .flatten();
        let guessed: Vec<_> = parts.map(String::as_str).collect();
        let below = |page: &str| format!("{at}{}/{page}", href::path([&phone.mac]));
        let acts = match viewer.write {
            true => vec![
                Act::of(EN.adopt, &phone.mac, below("adopt")),
                Act::of(EN.dismiss, &phone.mac, below("dismiss")),
            ],
            false => Vec::new(),
        };
        vec![
            Cell::code(&phone.mac),
            Cell::text(if guessed.is_empty() {
                EN.no_guess.to_owned()
            } else {
                guessed.join(" ")
            }),
            Cell::code(&phone.path),
            Cell::text(text::number(phone.times)),
            Cell::time(Some(phone.last_seen.at), now, ""),
            Cell::text(device::from_where(&phone.last_seen)),
            Cell::Acts(acts),
        ]
    });
    let table = Table::new("", &columns, EN.no_unknown)
        .with_rows(rows)
        .with_next(next(&at, &[], list.next.as_ref()));
    Page::new(shell).with(table)
}

/// What phones of a tenant asked for and got.
pub fn requests(
    shell: Shell,
    tenant: &str,
    list: &Listed<Event>,
    filter: &[(&str, &str)],
    now: u64,
) -> Page {
    let at = href::tenant(tenant, "requests");
    let outcomes = [
        ("served", EN.outcome_served),
        ("not_modified", EN.outcome_not_modified),
        ("refused", EN.outcome_refused),
        ("broken", EN.outcome_broken),
        ("unavailable", EN.outcome_unavailable),
    ];
    let form = Form::filter(&at, EN.filter)
        .with(Field::line("device", EN.mac, value(filter, "device")))
        .with(Field::select(
            "outcome",
            EN.outcome,
            choices(EN.all, &outcomes),
            value(filter, "outcome"),
        ));
    let next = next(&at, filter, list.next.as_ref());
    Page::new(shell)
        .with(form)
        .with(timeline("", Some(tenant), list, next, now))
}

/// Requests, the newest first, each with its reason in words. With `tenant` each leads to its device.
pub fn timeline(
    title: &str,
    tenant: Option<&str>,
    list: &Listed<Event>,
    next: Option<String>,
    now: u64,
) -> List {
    List {
        title: if title.is_empty() {
            EN.requests.into()
        } else {
            title.into()
        },
        empty: EN.no_requests.into(),
        items: list
            .items
            .iter()
            .map(|event| request(tenant, event, now))
            .collect(),
        next,
    }
}

fn request(tenant: Option<&str>, event: &Event, now: u64) -> Item {
    let tone = match event.outcome.as_str() {
        "served" | "not_modified" => Tone::Good,
        "refused" => Tone::Warn,
        _ => Tone::Bad,
    };
    let (means, todo) = reason::words(&event.reason).unwrap_or((event.reason.as_str(), ""));
    let file = match (&event.kind, &event.form) {
        (Some(kind), Some(form)) => fill(EN.file_form, &[kind, form]),
        (Some(kind), None) => kind.clone(),
        _ => String::new(),
    };
    let what = event.path.clone().filter(|path| !path.is_empty());
    let from = [
        event.address.as_str(),
        event.country.as_str(),
        event.user_agent.as_str(),
    ];
    let from: Vec<_> = from.into_iter().filter(|part| !part.is_empty()).collect();
    let mut more = vec![Cell::time(Some(event.at), now, "")];
    if let (Some(tenant), Some(mac)) = (tenant, &event.mac) {
        more.push(Cell::link(mac, href::device(tenant, mac, "")));
    }
    if let Some(what) = what {
        more.push(Cell::code(what));
    } else if !file.is_empty() {
        more.push(Cell::text(file));
    }
    if !event.is_good() {
        let query = href::query(&[("request_id", &event.request_id)]);
        more.push(Cell::link(
            EN.explain_why,
            format!("{}{query}", explain::PATH),
        ));
    }
    let expected = event
        .detail
        .as_ref()
        .and_then(|detail| detail.get("expected")?.as_str());
    let expected = expected
        .map(|name| fill(EN.expected, &[name]))
        .unwrap_or_default();
    Item {
        parts: Vec::new(),
        head: Cell::state(tone, means),
        more,
        text: [todo, &expected]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
        hint: fill(
            EN.request_hint,
            &[
                &event.status.to_string(),
                &event.reason,
                &from.join(" · "),
                &event.request_id,
            ],
        ),
    }
}
