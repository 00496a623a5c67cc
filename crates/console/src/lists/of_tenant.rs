//! The devices of a tenant: which ones, in which order, with which columns, and what is done with those that are
//! picked. The filter is the address of the page.

use crate::data::{Device, Family, Listed, Site};
use crate::device::{brief, from_where};
use crate::href;
use crate::lists::operations::{self, Picked};
use crate::lists::tenancy::sealing;
use crate::lists::{choices, value};
use crate::part::{Act, Cell, Column, Field, Form, Page, Table, Tone};
use crate::reason;
use crate::shell::{Shell, Viewer};
use crate::text::{EN, fill};
use crate::time::HOUR_MS;

/// The names of the filter; the API has the same, but for `seen`, which counts from now.
pub const FILTER: &[&str] = &[
    "q",
    "state",
    "model",
    "family",
    "vendor",
    "site",
    "extension",
    "disabled",
    "never_seen",
    "last_seen_before",
    "last_seen_after",
    "seen",
    "stale",
    "failing",
    "unexpected_network",
    "sort",
];

/// Those that a form has no field for are kept.
const KEPT: &[&str] = &["never_seen", "last_seen_before", "last_seen_after"];

/// A column: its name in the address, its words, and what the API sorts by.
type Named = (&'static str, &'static str, &'static str);

/// Every column. The MAC is always there.
fn columns() -> [Named; 14] {
    [
        ("mac", EN.mac, "mac"),
        ("label", EN.label, "label"),
        ("model", EN.model, "model"),
        ("site", EN.site, ""),
        ("state", EN.state, ""),
        ("last_seen", EN.last_seen, "last_seen"),
        ("from", EN.from, ""),
        ("agent", EN.explain_agent, ""),
        ("family", EN.family, ""),
        ("sealing", EN.sealing, ""),
        ("fetched", EN.fetched, ""),
        ("failure", EN.failure, ""),
        ("added", EN.created, "added"),
        ("changed", EN.changed, "changed"),
    ]
}

/// The columns that are there unless others are chosen.
pub const USUAL: &[&str] = &["mac", "label", "model", "site", "state", "last_seen"];

/// The choices of `seen`: the word in the address, and the filter of the API with how long ago that is, in milliseconds.
const SEEN: &[(&str, &str, u64)] = &[
    ("1h", "last_seen_after", HOUR_MS),
    ("1d", "last_seen_after", 24 * HOUR_MS),
    ("7d", "last_seen_after", 168 * HOUR_MS),
    ("not-1d", "last_seen_before", 24 * HOUR_MS),
    ("not-7d", "last_seen_before", 168 * HOUR_MS),
    ("not-30d", "last_seen_before", 720 * HOUR_MS),
];

/// The filter as the API takes it; what is found by a text has an order of its own.
pub fn of_api(filter: &[(&str, &str)], now: u64) -> Vec<(String, String)> {
    let is_search = !value(filter, "q").is_empty();
    let mut query = Vec::new();
    for &(name, value) in filter {
        match name {
            "seen" if value == "never" => query.push(("never_seen".into(), "true".into())),
            "seen" => {
                query.extend(SEEN.iter().filter(|(word, _, _)| *word == value).map(
                    |(_, name, ago)| ((*name).to_owned(), now.saturating_sub(*ago).to_string()),
                ))
            }
            "sort" if is_search => {}
            _ => query.push((name.to_owned(), value.to_owned())),
        }
    }
    query
}

/// What the page is made from.
pub struct OfTenant<'a> {
    pub tenant: &'a str,
    pub list: &'a Listed<Device>,
    pub sites: &'a [Site],
    pub families: &'a [Family],
    pub filter: &'a [(&'a str, &'a str)],
    /// The names of the columns, in their order; others than those that there are, are passed over.
    pub columns: &'a [&'a str],
    pub picked: &'a Picked,
    pub now: u64,
}

/// The page.
pub fn page(shell: Shell, viewer: &Viewer, of: &OfTenant<'_>) -> Page {
    let page = Page::new(shell)
        .with(filter_form(of))
        .with(table(viewer, of));
    if !viewer.write || of.list.items.is_empty() && of.picked.macs.is_empty() {
        return page;
    }
    let mut form = operations::pick(of.tenant, viewer, of.picked);
    if let Some(cursor) = &of.list.next {
        form = form.or(EN.next_page_keeping, "cursor", cursor, &here(of, &[]));
    }
    page.with(form)
}

/// The address of this list, with some names said otherwise.
fn here(of: &OfTenant<'_>, other: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(&str, &str)> = of
        .filter
        .iter()
        .filter(|(name, _)| other.iter().all(|(changed, _)| changed != name))
        .copied()
        .collect();
    pairs.extend(other);
    let columns = of.columns.join(",");
    if of.columns != USUAL {
        pairs.push(("columns", &columns));
    }
    format!(
        "{}{}",
        href::tenant(of.tenant, "devices"),
        href::query(&pairs)
    )
}

fn filter_form(of: &OfTenant<'_>) -> Form {
    let now_at = |name: &str| value(of.filter, name);
    let states = [
        ("armed", EN.state_armed),
        ("delivered", EN.state_delivered),
        ("confirmed", EN.state_confirmed),
        ("expired", EN.state_expired),
        ("replaced", EN.state_replaced),
    ];
    let places: Vec<_> = of
        .sites
        .iter()
        .map(|site| (site.id.as_str(), site.name.as_str()))
        .collect();
    let select = |name: &str, label: &str, pairs: &[(&str, &str)]| {
        Field::select(name, label, choices(EN.all, pairs), now_at(name))
    };
    let mut form = Form::filter(href::tenant(of.tenant, "devices"), EN.filter)
        .with(Field::line("q", EN.search, now_at("q")).hinting(EN.search_hint))
        .with(select("state", EN.key_state, &states))
        .with(Field::line("model", EN.model, now_at("model")))
        .with(select("site", EN.site, &places));
    for name in KEPT {
        if !now_at(name).is_empty() {
            form = form.with(Field::hidden(name, now_at(name)));
        }
    }
    let more = more_fields(of);
    let is_used = more
        .iter()
        .any(|field| !field.value.is_empty() && field.name != "columns");
    form.grouping(EN.more_filters, more, is_used)
        .grouping(EN.columns, column_boxes(of), false)
}

fn more_fields(of: &OfTenant<'_>) -> Vec<Field> {
    let now_at = |name: &str| value(of.filter, name);
    let mut vendors: Vec<&str> = of.families.iter().map(|it| it.vendor.as_str()).collect();
    vendors.sort_unstable();
    vendors.dedup();
    let vendors: Vec<_> = vendors.into_iter().map(|name| (name, name)).collect();
    let families: Vec<_> = of
        .families
        .iter()
        .map(|it| (it.family.as_str(), it.family.as_str()))
        .collect();
    let seen = [
        ("1h", EN.seen_1h),
        ("1d", EN.seen_1d),
        ("7d", EN.seen_7d),
        ("not-1d", EN.seen_not_1d),
        ("not-7d", EN.seen_not_7d),
        ("not-30d", EN.seen_not_30d),
        ("never", EN.number_never),
    ];
    let service = [("false", EN.in_service), ("true", EN.state_disabled)];
    let select = |name: &str, label: &str, pairs: &[(&str, &str)]| {
        Field::select(name, label, choices(EN.all, pairs), now_at(name))
    };
    let mut orders = vec![(String::new(), EN.usual_order.to_owned())];
    for (_, words, by) in columns().into_iter().filter(|(_, _, by)| !by.is_empty()) {
        orders.push((by.to_owned(), fill(EN.ascending, &[words])));
        orders.push((format!("-{by}"), fill(EN.descending, &[words])));
    }
    let mut fields = vec![
        select("vendor", EN.vendor, &vendors),
        select("family", EN.family, &families),
        Field::line("extension", EN.extension, now_at("extension")),
        select("disabled", EN.service, &service),
        select("seen", EN.last_seen, &seen),
        Field::select("sort", EN.order, orders, now_at("sort")),
    ];
    let flags = [
        ("stale", EN.only_stale),
        ("failing", EN.only_failing),
        ("unexpected_network", EN.only_unexpected),
    ];
    fields.extend(flags.map(|(name, words)| Field::check(name, words, now_at(name) == "true")));
    fields
}

fn column_boxes(of: &OfTenant<'_>) -> Vec<Field> {
    let boxes = columns().into_iter().skip(1).map(|(name, words, _)| {
        let mut field = Field::check("columns", words, of.columns.contains(&name));
        field.sends = name.to_owned();
        field
    });
    boxes.collect()
}

fn table(viewer: &Viewer, of: &OfTenant<'_>) -> Table {
    let named = columns();
    let shown: Vec<&Named> = of
        .columns
        .iter()
        .filter_map(|name| named.iter().find(|(known, _, _)| known == name))
        .collect();
    let mut heads: Vec<Column> = shown.iter().map(|named| head(of, named)).collect();
    if viewer.write {
        heads.insert(
            0,
            Column {
                text: EN.pick.to_owned(),
                ..Column::default()
            },
        );
    }
    let rows = of.list.items.iter().map(|device| {
        let pick = viewer.write.then(|| Cell::Check {
            value: device.mac.clone(),
            label: fill(EN.select_device, &[&device.mac]),
        });
        let cells = shown.iter().map(|(name, _, _)| cell(of, name, device));
        pick.into_iter().chain(cells).collect()
    });
    let is_filtered = of.filter.iter().any(|(name, _)| *name != "sort");
    let empty = match is_filtered {
        true => EN.no_devices,
        false => EN.no_devices_yet,
    };
    let mut table = Table::new("", &[], empty).with_rows(rows);
    if is_filtered && of.list.items.is_empty() {
        let all = href::tenant(of.tenant, "devices");
        table.acts.push(Act::plain(EN.show_all, all));
    }
    table.columns = heads;
    let cursor = of.list.next.as_deref();
    table.next = cursor.map(|cursor| here(of, &[("cursor", cursor)]));
    let act = |text: &str, page: &str| Act::plain(text, href::tenant(of.tenant, page));
    let export = format!("devices.csv{}", href::query(of.filter));
    table
        .with_act(
            viewer
                .write
                .then(|| Act::main(EN.add_device, href::tenant(of.tenant, "devices/new"))),
        )
        .with_act(viewer.write.then(|| act(EN.import_act, "devices/import")))
        .with_act(Some(act(EN.export_act, &export)))
}

/// The head of a column: once more the same, the other way round.
fn head(of: &OfTenant<'_>, (_, words, by): &Named) -> Column {
    let sort = value(of.filter, "sort");
    let is_search = !value(of.filter, "q").is_empty();
    let reversed = format!("-{by}");
    let (order, to) = match sort {
        _ if by.is_empty() => ("", ""),
        sort if sort == *by => ("ascending", reversed.as_str()),
        sort if sort == reversed => ("descending", *by),
        _ => ("", *by),
    };
    Column {
        text: (*words).to_owned(),
        sort: (!to.is_empty() && !is_search).then(|| here(of, &[("sort", to)])),
        order,
    }
}

fn cell(of: &OfTenant<'_>, name: &str, device: &Device) -> Cell {
    let now = of.now;
    let seen = device.last_seen.as_ref();
    match name {
        "mac" => Cell::link(&device.mac, href::device(of.tenant, &device.mac, "")),
        "label" => Cell::text(&device.label),
        "model" => Cell::word(&device.model),
        "site" => {
            let is_its = |site: &&Site| Some(&site.id) == device.site.as_ref();
            let site = of.sites.iter().find(is_its);
            Cell::text(site.map(|site| site.name.as_str()).unwrap_or_default())
        }
        "state" => {
            let (tone, state) = brief(device, now);
            Cell::state(tone, state)
        }
        "last_seen" => Cell::time(seen.map(|seen| seen.at), now, EN.never),
        "from" => Cell::text(seen.map(from_where).unwrap_or_default()),
        "agent" => Cell::text(
            seen.and_then(|it| it.user_agent.clone())
                .unwrap_or_default(),
        ),
        "family" => Cell::code(&device.family),
        "sealing" => {
            let (profile, grade) = (&device.profile, &device.profile_grade);
            Cell::text(sealing(profile.as_deref(), grade.as_deref()))
        }
        "fetched" => Cell::time(device.fetched_at, now, EN.never),
        "failure" => match &device.failing {
            None => Cell::text(""),
            Some(failing) => {
                let means = reason::words(&failing.reason).map(|(means, _)| means);
                Cell::state(Tone::Bad, means.unwrap_or(failing.reason.as_str()))
            }
        },
        "added" => Cell::time(Some(device.created_at), now, ""),
        _ => Cell::time(Some(device.updated_at), now, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seen_counts_from_now_and_a_search_is_not_sorted() {
        let now = 10 * 24 * HOUR_MS;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            of_api(&[("seen", "not-7d"), ("sort", "-mac")], now),
            [
                pair("last_seen_before", &(3 * 24 * HOUR_MS).to_string()),
                pair("sort", "-mac")
            ]
        );
        assert_eq!(
            of_api(&[("seen", "never")], now),
            [pair("never_seen", "true")]
        );
        assert_eq!(
            of_api(&[("q", "desk"), ("sort", "mac")], now),
            [pair("q", "desk")]
        );
        assert_eq!(of_api(&[("seen", "nonsense")], now), []);
    }

    #[test]
    fn a_head_turns_the_order_round_and_keeps_the_filter() {
        let of = OfTenant {
            tenant: "T",
            list: &Listed::default(),
            sites: &[],
            families: &[],
            filter: &[("model", "X"), ("sort", "label")],
            columns: &["mac", "label"],
            picked: &Picked::default(),
            now: 0,
        };
        let by_label = head(&of, &("label", EN.label, "label"));
        assert_eq!(by_label.order, "ascending");
        assert_eq!(
            by_label.sort.as_deref(),
            Some("/console/tenants/T/devices?model=X&sort=-label&columns=mac%2Clabel")
        );
        assert_eq!(head(&of, &("site", EN.site, "")).sort, None);
    }
}
