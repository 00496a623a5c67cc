//! One change of many devices: what is picked, what is asked for, how far it is.

use serde_json::Value;

use crate::data::{Read as _, Site, Tenant};
use crate::href;
use crate::lists::{Whose, choices, next};
use crate::part::{
    Act, Cell, Facts, Field, Form, Kind, List, Number, Numbers, Page, SELECTION, Table, Tone,
};
use crate::shell::{Shell, Viewer};
use crate::text::{self, EN, count, fill};

/// What can be done to many devices: the API's word, and whether it takes something away.
pub const VERBS: &[(&str, bool)] = &[
    ("notify", false),
    ("change", false),
    ("set", false),
    ("unset", false),
    ("rearm", false),
    ("rekey", true),
    ("enable", false),
    ("disable", true),
    ("move", true),
    ("delete", true),
];

/// The word for it.
pub fn verb(name: &str) -> &str {
    match name {
        "notify" => EN.verb_notify,
        "change" => EN.verb_change,
        "set" => EN.verb_set,
        "unset" => EN.verb_unset,
        "rearm" => EN.verb_rearm,
        "rekey" => EN.verb_rekey,
        "enable" => EN.verb_enable,
        "disable" => EN.verb_disable,
        "move" => EN.verb_move,
        "delete" => EN.verb_delete,
        other => other,
    }
}

/// What is picked, as a form carries it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    /// MACs as they were typed, one per line.
    pub macs: String,
    /// Whether everything is picked that the filter shows.
    pub all: bool,
    /// The filter, as the API takes it.
    pub query: String,
    pub verb: String,
}

/// The form that picks. It stands below the list of devices, whose boxes belong to it. Only who sees every tenant
/// moves devices to another one.
pub fn pick(tenant: &str, viewer: &Viewer, picked: &Picked) -> Form {
    let verbs = VERBS
        .iter()
        .filter(|(name, _)| *name != "move" || viewer.runs_all())
        .map(|(name, _)| ((*name).to_owned(), verb(name).to_owned()));
    let mut form = Form::post(href::tenant(tenant, "operations/new"), EN.go_on)
        .titled(EN.change_many)
        .with(Field::select(
            "verb",
            EN.verb,
            verbs.collect(),
            &picked.verb,
        ))
        .with(Field::check("all", EN.select_all, picked.all))
        .with(macs(&picked.macs))
        .with(Field::hidden("query", &picked.query));
    form.id = SELECTION;
    form.prefix = "pick-";
    form
}

fn macs(text: &str) -> Field {
    Field::new(Kind::Macs(3), "macs", EN.selected_macs, text).hinting(EN.selected_macs_hint)
}

/// What a verb needs to know besides the devices. Nothing, where it needs nothing.
pub fn inputs(
    verb: &str,
    typed: &dyn Fn(&str) -> String,
    models: Vec<(String, String)>,
    sites: &[Site],
    tenants: &[Tenant],
) -> Vec<Field> {
    let line = |name: &str, label: &str| Field::line(name, label, typed(name));
    match verb {
        "notify" => vec![Field::check(
            "restart",
            EN.restart_phone,
            typed("restart") == "true",
        )],
        "change" => {
            let mut places = vec![
                ("keep".to_owned(), EN.as_is.to_owned()),
                (String::new(), EN.none.to_owned()),
            ];
            places.extend(
                sites
                    .iter()
                    .map(|site| (site.id.clone(), site.name.clone())),
            );
            let site = Some(typed("site")).filter(|site| !site.is_empty());
            vec![
                Field::select("model", EN.model, models, typed("model")),
                Field::select(
                    "site",
                    EN.site,
                    places,
                    site.unwrap_or_else(|| "keep".into()),
                ),
            ]
        }
        "set" => vec![
            line("name", EN.name).required(),
            line("value", EN.setting_value),
            Field::check("secret", EN.is_secret, typed("secret") == "true"),
        ],
        "unset" => vec![
            line("names", EN.setting_names)
                .hinting(EN.setting_names_hint)
                .required(),
        ],
        "move" => {
            let pairs: Vec<_> = tenants
                .iter()
                .map(|tenant| (tenant.id.clone(), tenant.name.clone()))
                .collect();
            vec![Field::select("tenant", EN.move_to, pairs, typed("tenant"))]
        }
        _ => Vec::new(),
    }
}

/// What was asked for besides the devices, in words. `fields` are the [`inputs`] with what was typed.
pub fn asked(fields: &[Field]) -> String {
    let is_secret = fields
        .iter()
        .any(|field| field.name == "secret" && field.value == "true");
    let told = fields.iter().filter_map(|field| {
        let value = match &field.kind {
            Kind::Check if field.value == "true" => return Some(field.label.clone()),
            Kind::Check => return None,
            Kind::Select(choices) => choices
                .iter()
                .find(|(value, _)| *value == field.value)
                .map_or(field.value.as_str(), |(_, words)| words),
            _ if is_secret && field.name == "value" => EN.masked,
            _ => &field.value,
        };
        Some(fill(EN.of_state, &[&field.label, value]))
    });
    told.collect::<Vec<_>>().join(" · ")
}

/// What would happen: the API's dry run, in words, with what was asked for, and the form that does it.
pub fn confirm(form: Form, verb_name: &str, asked: &str, dry: &Value) -> Form {
    let number = dry.number("devices").unwrap_or_default();
    let devices = count(number, EN.this_many, EN.these_many);
    let states: Vec<String> = dry
        .members("by_state")
        .into_iter()
        .map(|(state, number)| {
            fill(
                EN.of_state,
                &[
                    state_words(state),
                    &text::number(number.as_u64().unwrap_or_default()),
                ],
            )
        })
        .collect();
    let title = fill(EN.do_to_many, &[verb(verb_name), &devices]);
    let mut form = form.titled(&title);
    if !asked.is_empty() {
        form = form.saying(asked);
    }
    form = form.saying(dry.text("message"));
    form.submit = title;
    if !states.is_empty() {
        form = form.saying(states.join(" · "));
    }
    let sample = dry.at("sample");
    if sample.number("devices") > Some(0) {
        let said = ["devices", "changed", "refused"].map(|member| sample.count(member));
        form = form.saying(fill(EN.sampled, &said.each_ref().map(String::as_str)));
        if !sample.text("mac").is_empty() {
            form = form.saying(fill(EN.sample_shown, &[sample.text("mac")]));
        }
        if !sample.text("cause").is_empty() {
            form = form.saying(fill(EN.sample_refused, &[sample.text("cause")]));
        }
    }
    let missing: Vec<&str> = dry
        .list("missing")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if !missing.is_empty() {
        form = form.saying(fill(EN.missing_macs, &[&missing.join(", ")]));
    }
    form.danger = VERBS
        .iter()
        .any(|(name, danger)| *name == verb_name && *danger);
    form.with(Field::check("if_unchanged", EN.if_unchanged, false))
}

fn state_words(state: &str) -> &str {
    match state {
        "armed" => EN.state_armed,
        "delivered" => EN.state_delivered,
        "confirmed" => EN.state_confirmed,
        "expired" => EN.state_expired,
        "replaced" => EN.state_replaced,
        other => other,
    }
}

/// The operations.
pub fn page(shell: Shell, viewer: &Viewer, tenant: &str, list: &Value, now: u64) -> Page {
    let at = href::tenant(tenant, "operations");
    let columns = [
        EN.when,
        EN.operation,
        EN.selected_devices,
        EN.state,
        EN.progress,
    ];
    let rows = list.list("items").iter().map(|one| {
        let (tone, state) = state(one);
        vec![
            Cell::time(one.number("created_at"), now, ""),
            Cell::link(
                action(one.at("action")),
                format!("{at}{}", href::path([one.text("id")])),
            ),
            Cell::text(selection(one.at("selection"))),
            Cell::state(tone, state),
            Cell::text(fill(
                EN.of_quota,
                &[&text::number(ended(one)), &one.count("/devices/all")],
            )),
        ]
    });
    let cursor = Some(one_or_none(list.text("next"))).flatten();
    let table = Table::new("", &columns, EN.no_operations)
        .with_rows(rows)
        .with_next(next(&at, &[], cursor.as_ref()))
        .with_act(
            viewer
                .write
                .then(|| Act::main(EN.change_many, format!("{at}/new"))),
        );
    Page::new(shell.leading(EN.operations_lead)).with(table)
}

fn one_or_none(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// How many devices have their outcome.
fn ended(operation: &Value) -> u64 {
    let number = |name| operation.number(name).unwrap_or_default();
    number("/devices/all").saturating_sub(number("/devices/pending"))
}

/// What is done, with what to.
fn action(action: &Value) -> String {
    if let Some(name) = action.as_str() {
        return verb(name).to_owned();
    }
    let members = action.members("");
    let Some((name, input)) = members.first() else {
        return String::new();
    };
    let about = match *name {
        "set" => {
            let settings = input.members("settings").into_iter();
            let told = settings.map(|(name, value)| match value.as_str() {
                Some(value) => format!("{name} = {value}"),
                None => format!("{name} = {}", EN.masked),
            });
            told.collect::<Vec<_>>().join(", ")
        }
        "unset" => {
            let names = input.list("names").iter().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(", ")
        }
        "change" => [input.text("model"), input.text("site")]
            .join(" ")
            .trim()
            .to_owned(),
        "move" => input.text("tenant").to_owned(),
        _ => String::new(),
    };
    match about.is_empty() {
        true => verb(name).to_owned(),
        false => format!("{}: {about}", verb(name)),
    }
}

fn selection(selection: &Value) -> String {
    match (selection.number("macs"), selection.text("query")) {
        (Some(number), _) => fill(EN.selection_macs, &[&text::number(number)]),
        (None, "") => EN.selection_all.to_owned(),
        (None, query) => fill(EN.selection_query, &[query]),
    }
}

fn state(operation: &Value) -> (Tone, &str) {
    match operation.text("state") {
        "running" => (Tone::Plain, EN.operation_running),
        "done" if operation.number("/devices/refused").unwrap_or_default() > 0 => {
            (Tone::Warn, EN.operation_done)
        }
        "done" => (Tone::Good, EN.operation_done),
        "cancelled" => (Tone::Quiet, EN.operation_cancelled),
        "stopped" => (Tone::Bad, EN.operation_stopped),
        other => (Tone::Plain, other),
    }
}

/// The words of what became of a device.
fn outcome(name: &str) -> (Tone, &str) {
    match name {
        "waiting" => (Tone::Plain, EN.outcome_waiting),
        "applied" => (Tone::Plain, EN.outcome_applied),
        "done" => (Tone::Good, EN.outcome_done),
        "unchanged" => (Tone::Quiet, EN.outcome_unchanged),
        "refused" => (Tone::Bad, EN.outcome_refused_here),
        "cancelled" => (Tone::Quiet, EN.outcome_cancelled),
        other => (Tone::Plain, other),
    }
}

/// The devices of an operation that are looked at.
#[derive(Clone, Copy)]
pub struct Became<'a> {
    /// A page of the API's list.
    pub devices: &'a Value,
    /// The outcome that they share; empty: whatever became of them.
    pub only: &'a str,
}

/// An operation, how far it is, and what became of each device.
pub fn one(
    mut shell: Shell,
    viewer: &Viewer,
    tenant: &str,
    operation: &Value,
    became: Became<'_>,
    whose: &Whose,
    now: u64,
) -> Page {
    let Became { devices, only } = became;
    let at = href::tenant(
        tenant,
        &format!("operations{}", href::path([operation.text("id")])),
    );
    let goes_on = operation.number("/devices/pending").unwrap_or_default() > 0;
    if goes_on {
        shell.live = Some(format!("{at}{}", href::query(&[("outcome", only)])));
        shell.every_s = 2;
    }
    shell.title = action(operation.at("action"));
    Page::new(shell)
        .with(facts(operation, viewer, whose, &at, now))
        .with(numbers(operation, &at))
        .with(table(tenant, &at, devices, only, now))
}

fn facts(operation: &Value, viewer: &Viewer, whose: &Whose, at: &str, now: u64) -> Facts {
    let (tone, words) = state(operation);
    let mut facts = Facts::new("")
        .with(EN.state, Cell::state(tone, words))
        .with(
            EN.selected_devices,
            Cell::text(selection(operation.at("selection"))),
        )
        .with(
            EN.created,
            Cell::time(operation.number("created_at"), now, ""),
        )
        .with(
            EN.ended,
            Cell::time(operation.number("ended_at"), now, EN.not_yet),
        )
        .with(EN.operation_by, whose.cell(operation.text("token")));
    let cause = match operation.text("cause") {
        "token_removed" => EN.cause_token_removed,
        "token_expired" => EN.cause_token_expired,
        "database_restored" => EN.cause_database_restored,
        other => other,
    };
    for (name, text) in [(EN.cause, cause), (EN.failure, operation.text("failure"))] {
        if !text.is_empty() {
            facts = facts.with(name, Cell::state(Tone::Bad, text));
        }
    }
    if viewer.write {
        let act = match operation.text("state") == "running" {
            true => Act::plain(EN.cancel_operation, format!("{at}/cancel")),
            false => Act::plain(EN.remove_operation, format!("{at}/remove")),
        };
        facts.acts = vec![act];
    }
    facts
}

fn numbers(operation: &Value, at: &str) -> Numbers {
    let shown = [
        ("pending", "waiting", EN.number_waiting, Tone::Plain),
        ("done", "done", EN.number_done, Tone::Good),
        ("unchanged", "unchanged", EN.number_unchanged, Tone::Quiet),
        ("refused", "refused", EN.number_refused, Tone::Bad),
        ("cancelled", "cancelled", EN.number_left, Tone::Quiet),
    ];
    let items = shown.map(|(member, filter, label, tone)| {
        let number = operation.at("devices").number(member).unwrap_or_default();
        Number {
            label: label.into(),
            value: text::number(number),
            tone: if number == 0 { Tone::Quiet } else { tone },
            href: Some(format!("{at}{}", href::query(&[("outcome", filter)]))),
        }
    });
    Numbers {
        title: fill(
            EN.of_quota,
            &[
                &text::number(ended(operation)),
                &operation.count("/devices/all"),
            ],
        ),
        items: items.into(),
        ..Numbers::default()
    }
}

fn table(tenant: &str, at: &str, devices: &Value, only: &str, now: u64) -> Table {
    let columns = [EN.mac, EN.outcome, EN.why, EN.when];
    let rows = devices.list("items").iter().map(|device| {
        let (tone, words) = outcome(device.text("outcome"));
        vec![
            Cell::link(
                device.text("mac"),
                href::device(tenant, device.text("mac"), ""),
            ),
            Cell::state(tone, words),
            Cell::text(device.text("detail")),
            Cell::time(device.number("at"), now, ""),
        ]
    });
    let cursor = one_or_none(devices.text("next"));
    let mut table = Table::new(EN.devices, &columns, EN.no_devices)
        .with_rows(rows)
        .with_next(next(at, &[("outcome", only)], cursor.as_ref()));
    if !only.is_empty() {
        table.acts = vec![Act::plain(EN.all, at)];
    }
    table
}

/// What cannot be read among pasted MACs.
pub fn bad(lines: Vec<String>) -> List {
    List::of(EN.bad_macs, lines)
}

/// Models of which one may be chosen, or none.
pub fn models(models: &[(&str, &str)]) -> Vec<(String, String)> {
    choices(EN.as_is, models)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_is_told_in_words() {
        assert_eq!(action(&json!("rekey")), "re-key");
        assert_eq!(
            action(&json!({"set": {"settings": {"A": "1", "B": {"secret": null}}}})),
            format!("set a setting: A = 1, B = {}", EN.masked)
        );
        assert_eq!(
            action(&json!({"unset": {"names": ["A", "B"]}})),
            "remove a setting: A, B"
        );
        assert_eq!(selection(&json!({"macs": 3})), "3 MACs");
        assert_eq!(selection(&json!({"query": ""})), "every device");
        for (name, _) in VERBS {
            assert_ne!(verb(name), *name, "{name}");
        }
    }

    #[test]
    fn the_page_that_asks_names_count_and_effect() {
        let dry = json!({"devices": 12, "by_state": {"armed": 5}, "message": "Each.", "missing": ["0080F0C571EB"]});
        let form = confirm(Form::post("/x", "x"), "rekey", "", &dry);
        assert_eq!(form.submit, "re-key: 12 devices");
        assert!(form.danger);
        let said = form.intro.join(" ");
        let typed = |name: &str| match name {
            "name" => "PIN".to_owned(),
            "value" => "4711".to_owned(),
            _ => "true".to_owned(),
        };
        let fields = inputs("set", &typed, Vec::new(), &[], &[]);
        let told = asked(&fields);
        assert!(told.contains("PIN") && told.contains(EN.masked) && !told.contains("4711"));
        assert!(said.contains("Each.") && said.contains("0080F0C571EB") && said.contains(": 5"));
    }
}
