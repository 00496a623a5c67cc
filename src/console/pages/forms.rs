//! Forms of resources that are alike: what is there is read, shown field by field, and written back. Each is a row of
//! a table.

use ringfence_console::data::Read as _;
use ringfence_console::history::{checked, checked_device};
use ringfence_console::lists::webhooks;
use ringfence_console::part::{Field, Form, Kind, Page};
use ringfence_console::problem::Problem;
use ringfence_console::text::{EN, bytes, fill};
use ringfence_console::{href, time, trial};
use serde_json::{Map, Value, json};

use crate::api::{self, Params};
use crate::console::page::{Open, PageResult};
use crate::console::pages::deeds::filled;
use crate::console::pages::history;
use crate::console::reply::Reply;
use crate::console::visit::Visit;
use crate::model::webhook::WebhookOptions;

/// A value of a choice, and its words.
type Choice = (&'static str, fn() -> &'static str);

/// How a member of the API's input is typed.
#[derive(Clone, Copy)]
enum Typed {
    Line,
    /// A line that has to be filled in.
    Must,
    Text,
    /// One text per line.
    Lines,
    Number,
    /// A number that need not be whole.
    Decimal,
    /// Yes or no.
    Check,
    /// A time, typed in UTC; the API has Unix milliseconds.
    Time,
    /// What is sent and never shown again.
    Secret,
    Choice(&'static [Choice]),
    /// Any of several.
    Several(&'static [Choice]),
    /// A time of the day in UTC; the API has its minute.
    Clock,
    /// One of a list of the API's, by the members for value and words; what stands for none.
    From(
        &'static str,
        &'static str,
        &'static str,
        fn() -> &'static str,
    ),
}

/// A field: the member (`a/b` is `b` of `a`, and so on), its words, how it is typed, and an explanation.
type Member = (
    &'static str,
    fn() -> &'static str,
    Typed,
    fn() -> &'static str,
);

struct Entry {
    page: &'static str,
    method: &'static str,
    /// What is written, with the page's own names; one that the page does not have is a field's.
    api: &'static str,
    /// Whether what is there is read first.
    reads: bool,
    title: fn() -> &'static str,
    does: fn() -> &'static str,
    back: &'static str,
    members: &'static [Member],
}

impl Entry {
    /// Whether files depend on it, so that the lines of a device can be shown.
    fn has_files(&self) -> bool {
        ["/target/set", "/certificates/new"]
            .iter()
            .any(|end| self.page.ends_with(end))
    }

    fn typed(&self, member: &str) -> Option<Typed> {
        let mut members = self.members.iter();
        members.find_map(|(name, _, typed, _)| (*name == member).then_some(*typed))
    }
}

macro_rules! t {
    ($name:ident) => {
        || EN.$name
    };
    () => {
        || ""
    };
}

macro_rules! members {
    ($($member:literal $label:ident $typed:expr, $($hint:ident)?;)*) => {
        &[$(($member, t!($label), $typed, t!($($hint)?)),)*]
    };
}

macro_rules! entries {
    ($($page:literal $method:ident $api:literal $reads:literal $title:ident $does:ident $back:literal $members:expr;)*) => {
        const ENTRIES: &[Entry] = &[$(Entry {
            page: concat!("/console", $page),
            method: stringify!($method),
            api: $api,
            reads: $reads,
            title: t!($title),
            does: t!($does),
            back: concat!("/console", $back),
            members: $members,
        },)*];
    };
}

const EXPECTS: Typed = Typed::Choice(&[
    ("equals", t!(choice_equals)),
    ("contains", t!(choice_contains)),
    ("present", t!(expect_present)),
    ("absent", t!(expect_absent)),
]);
const KINDS: Typed = Typed::Choice(&[
    ("standard", || "standard"),
    ("initial", || "initial"),
    ("product", || "product"),
    ("master", || "master"),
    ("system", || "system"),
]);
const SENDERS: Typed = Typed::Choice(&[
    ("relay", t!(sender_relay)),
    ("edge", t!(sender_edge)),
    ("edge_then_relay", t!(sender_edge_then_relay)),
]);
const TRANSPORTS: Typed = Typed::Choice(&[("tls", || "TLS"), ("tcp", || "TCP")]);
const POOL: Typed = Typed::From("/pools", "id", "name", t!(usual_pool));
const SITE: Typed = Typed::From("/tenants/{tenant}/sites", "id", "name", t!(any));
const MODEL: Typed = Typed::From("/tenants/{tenant}/models", "name", "name", t!(any));

/// What a webhook of a tenant is told of, and what one of the whole installation.
const TENANTS_KINDS: Typed = Typed::Several(&[
    ("bootstrap.unexpected_network", t!(kind_unexpected_network)),
    ("device.never_came_back", t!(kind_never_came_back)),
    ("site.silent", t!(kind_site_silent)),
    ("rollout.paused", t!(kind_rollout_paused)),
    ("scan.suspected", t!(kind_scan_suspected)),
    ("file.broken", t!(kind_file_broken)),
]);
const ALL_KINDS: Typed = Typed::Several(&[
    ("bootstrap.unexpected_network", t!(kind_unexpected_network)),
    ("device.never_came_back", t!(kind_never_came_back)),
    ("site.silent", t!(kind_site_silent)),
    ("rollout.paused", t!(kind_rollout_paused)),
    ("relay.lost", t!(kind_relay_lost)),
    ("scan.suspected", t!(kind_scan_suspected)),
    ("file.broken", t!(kind_file_broken)),
]);

/// A webhook, of which kinds it is told, and what only one of the whole installation has.
macro_rules! webhook {
    ($kinds:ident $($member:literal $label:ident $typed:expr, $hint:ident;)*) => {
        members! {
            "name" name Typed::Must, ;
            "url" webhook_url Typed::Must, webhook_url_hint;
            "disabled" webhook_is_off Typed::Check, ;
            "kinds" webhook_kinds $kinds, ;
            "options/daily" daily $kinds, ;
            "options/daily_at" daily_at Typed::Clock, daily_at_hint;
            "options/window_minutes" window Typed::Number, window_hint;
            "options/never_came_back_minutes" never_came_back_after Typed::Number, never_came_back_hint;
            "options/site_silent_minutes" site_silent_minutes Typed::Number, site_silent_minutes_hint;
            "options/site_silent_percent" site_silent_percent Typed::Number, site_silent_percent_hint;
            "options/rollout_paused_minutes" rollout_paused_after Typed::Number, rollout_paused_hint;
            $($member $label $typed, $hint;)*
            "options/scan_requests" scan_requests Typed::Number, scan_requests_hint;
            "options/scan_minutes" scan_minutes Typed::Number, scan_minutes_hint;
        }
    };
}
const TENANTS_WEBHOOK: &[Member] = webhook! { TENANTS_KINDS };
const WEBHOOK: &[Member] = webhook! {
    ALL_KINDS
    "options/relay_lost_minutes" relay_lost_after Typed::Number, relay_lost_hint;
};

/// A test of files.
const FILE_TEST: &[Member] = members! {
    "name" test_says Typed::Must, test_says_hint;
    "file" kind KINDS, ;
    "parameter" parameter Typed::Must, test_parameter_hint;
    "expect" expects EXPECTS, ;
    "value" value Typed::Line, test_value_hint;
    "model" model MODEL, ;
    "site" site SITE, ;
    "device" mac Typed::Line, test_device_hint;
};

entries! {
    "/tenants/{tenant}/file-tests/new" POST "/tenants/{tenant}/file-tests" false add_test test_does "/tenants/{tenant}/file-tests" FILE_TEST;
    "/tenants/{tenant}/file-tests/{test}/edit" PUT "/tenants/{tenant}/file-tests/{test}" true edit test_does "/tenants/{tenant}/file-tests" FILE_TEST;
    "/tenants/{tenant}/certificates/new" PUT "/tenants/{tenant}/certificates/{name}" false add_certificate certificate_does "/tenants/{tenant}/certificates" members! {
        "name" name Typed::Must, certificate_name_hint;
        "pem" certificate_pem Typed::Text, certificate_pem_hint;
    };
    "/tenants/{tenant}/destinations" PUT "/tenants/{tenant}/destinations" true destinations destinations_do "/tenants/{tenant}" members! {
        "destinations/domains" domains Typed::Lines, domains_hint;
        "destinations/networks" networks Typed::Lines, networks_hint;
    };
    "/tenants/{tenant}/pool" PUT "/tenants/{tenant}/pool" true pool_of_tenant pool_does "/tenants/{tenant}" members! {
        "pool" pool POOL, ;
    };
    "/tenants/{tenant}/sites/{site}/pool" PUT "/tenants/{tenant}/sites/{site}/pool" true pool_of_site pool_does "/tenants/{tenant}/sites" members! {
        "pool" pool POOL, ;
    };
    "/tenants/{tenant}/access-paths/{path}/target/set" PUT "/tenants/{tenant}/access-paths/{path}/target" false set_target target_does "/tenants/{tenant}/access-paths/{path}/target" members! {
        "url" access_path Typed::Line, target_hint;
    };
    "/tenants/{tenant}/access-paths/{path}/edit" PUT "/tenants/{tenant}/access-paths/{path}" true edit_access_path edit_access_path_does "/tenants/{tenant}/access-paths" members! {
        "label" label Typed::Line, ;
        "expires_at" expires_at Typed::Time, expires_at_hint;
    };
    "/tenants/{tenant}/devices/{mac}/import-key" POST "/tenants/{tenant}/devices/{mac}/import-key" false import_key import_key_does "/tenants/{tenant}/devices/{mac}" members! {
        "key" known_key Typed::Secret, known_key_hint;
    };
    "/pools/{pool}/edit" PUT "/pools/{pool}" true edit_pool edit_pool_does "/pools/{pool}" members! {
        "name" name Typed::Must, ;
        "options/change_wait_s" change_wait Typed::Number, change_wait_hint;
        "options/expiry_s" job_expiry Typed::Number, job_expiry_hint;
        "options/lease_s" lease Typed::Number, lease_hint;
        "options/fetch_timeout_s" fetch_timeout Typed::Number, fetch_timeout_hint;
        "options/fetch_poll_ms" fetch_poll Typed::Number, fetch_poll_hint;
        "options/max_attempts" max_attempts Typed::Number, max_attempts_hint;
        "options/retry_base_s" retry_base Typed::Number, retry_base_hint;
        "options/retry_cap_s" retry_cap Typed::Number, retry_cap_hint;
        "options/rollout_per_second" rollout_pace Typed::Decimal, rollout_pace_hint;
        "options/rollout_per_second_max" rollout_pace_max Typed::Decimal, rollout_pace_max_hint;
        "options/network_per_second" network_pace Typed::Decimal, network_pace_hint;
        "options/network_bits_v4" network_bits_v4 Typed::Number, network_bits_v4_hint;
        "options/network_bits_v6" network_bits_v6 Typed::Number, network_bits_v6_hint;
        "options/trusting" trusting Typed::Check, trusting_hint;
        "options/retention_days" retention Typed::Number, retention_hint;
        "options/sender" sender SENDERS, sender_hint;
        "options/edge/proxy" edge_proxy Typed::Line, edge_proxy_hint;
        "options/edge/port" edge_port Typed::Number, edge_port_hint;
        "options/edge/transport" edge_transport TRANSPORTS, ;
        "options/edge/domains" edge_domains Typed::Lines, edge_domains_hint;
        "options/edge/from" edge_from Typed::Line, edge_from_hint;
        "options/edge/binding" edge_binding Typed::Line, edge_binding_hint;
        "options/edge/alias" edge_alias Typed::Check, edge_alias_hint;
        "options/edge/capacity" edge_capacity Typed::Number, edge_capacity_hint;
        "options/edge/per_second" edge_pace Typed::Number, edge_pace_hint;
        "options/edge/idle_s" edge_idle Typed::Number, edge_idle_hint;
    };
    "/pools/{pool}/proxy-credentials" PUT "/pools/{pool}/proxy-credentials" false proxy_credentials proxy_credentials_do "/pools/{pool}" members! {
        "username" proxy_username Typed::Must, ;
        "password" proxy_password Typed::Secret, ;
        "realm" proxy_realm Typed::Line, proxy_realm_hint;
    };
    "/webhooks/new" POST "/webhooks" false add_webhook webhook_does "/webhooks" WEBHOOK;
    "/webhooks/{webhook}/edit" PUT "/webhooks/{webhook}" true edit_webhook webhook_does "/webhooks/{webhook}" WEBHOOK;
    "/tenants/{tenant}/webhooks/new" POST "/tenants/{tenant}/webhooks" false add_webhook webhook_does "/tenants/{tenant}/webhooks" TENANTS_WEBHOOK;
    "/tenants/{tenant}/webhooks/{webhook}/edit" PUT "/tenants/{tenant}/webhooks/{webhook}" true edit_webhook webhook_does "/tenants/{tenant}/webhooks/{webhook}" TENANTS_WEBHOOK;
    "/tenants/{tenant}/limits" PUT "/tenants/{tenant}/limits" false limits limits_do "/tenants/{tenant}" members! {
        "devices" devices Typed::Number, ;
        "sites" sites Typed::Number, ;
        "models" models Typed::Number, ;
        "tokens" tokens Typed::Number, ;
        "settings_bytes" settings_bytes Typed::Number, ;
        "template_bytes" template_bytes Typed::Number, ;
        "audit_bytes" audit_bytes Typed::Number, ;
    };
}

/// The page of a form, or the form itself.
pub fn find(method: &str, path: &str) -> Option<(Open, Params)> {
    let params = ENTRIES
        .iter()
        .find_map(|entry| api::matches(entry.page, path))?;
    match method {
        "GET" => Some((Open::SignedIn(|visit| Box::pin(show(visit))), params)),
        "POST" => Some((Open::SignedIn(|visit| Box::pin(save(visit))), params)),
        _ => None,
    }
}

fn of(visit: &Visit) -> Result<&'static Entry, Problem> {
    let path = visit.path.strip_suffix('/').unwrap_or(&visit.path);
    ENTRIES
        .iter()
        .find(|entry| api::matches(entry.page, path).is_some())
        .ok_or_else(|| Problem::new(404, EN.not_found, EN.not_found_detail))
}

/// The path of the API, with the page's names and with fields.
fn path(visit: &Visit, entry: &Entry) -> String {
    let mut params = visit.params().to_vec();
    for (member, ..) in entry.members {
        params.push((member, visit.form.get(member).trim().to_owned()));
    }
    filled(entry.api, &params)
}

async fn show(visit: Visit) -> PageResult {
    let entry = of(&visit)?;
    let mut quotas = Value::Null;
    let there: Value = match (entry.reads, entry.page.ends_with("/limits")) {
        // What is typed there are the limits of its own; what is used is shown beside them.
        (_, true) => {
            let limits: Value = visit.get(&path(&visit, entry), &[]).await?;
            quotas = limits.at("quotas").clone();
            limits.at("limits").clone()
        }
        (true, _) => visit.get(&path(&visit, entry), &[]).await?,
        // A new one begins with what it would have otherwise.
        _ if entry.page.ends_with("/webhooks/new") => {
            json!({ "options": WebhookOptions::default() })
        }
        _ => Value::Null,
    };
    let value = |member: &str| match there.at(&format!("/{member}")) {
        Value::Array(items) => {
            let texts = items.iter().filter_map(Value::as_str);
            texts.collect::<Vec<_>>().join("\n")
        }
        Value::Number(at) => match (entry.typed(member), at.as_u64()) {
            (Some(Typed::Time), Some(at)) => time::typed(at),
            (Some(Typed::Clock), Some(minute)) => webhooks::clock(minute),
            _ => at.to_string(),
        },
        _ => there.shown(&format!("/{member}")),
    };
    let revision = there.shown("revision");
    let used = |member: &str| {
        let quota = quotas.get(member)?;
        let said = ["used", "limit"].map(|name| match member.ends_with("_bytes") {
            true => bytes(quota.number(name).unwrap_or_default()),
            false => quota.count(name),
        });
        Some(fill(EN.limit_used, &said.each_ref().map(String::as_str)))
    };
    let page = page(&visit, entry, &value, &used, &revision, None).await?;
    Ok(Reply::page(page))
}

async fn page(
    visit: &Visit,
    entry: &Entry,
    value: &dyn Fn(&str) -> String,
    used: &dyn Fn(&str) -> Option<String>,
    revision: &str,
    dry: Option<&Value>,
) -> Result<Page, Problem> {
    let mut form = Form::post(&*visit.path, EN.save).saying((entry.does)());
    if !revision.is_empty() {
        form = form.with(Field::hidden("if_match", revision));
    }
    for (member, label, typed, hint) in entry.members {
        let (now, label) = (value(member), label());
        let field = match typed {
            Typed::Line => Field::line(member, label, now),
            Typed::Must => Field::line(member, label, now).required(),
            Typed::Number | Typed::Decimal => {
                let whole = now.strip_suffix(".0").unwrap_or(&now);
                Field::new(Kind::Input("number"), member, label, whole)
            }
            Typed::Check => Field::check(member, label, now == "true"),
            Typed::Time => Field::time(member, label, now),
            Typed::Secret => Field::new(Kind::Secret(false), member, label, ""),
            Typed::Text => Field::new(Kind::Area(12), member, label, now),
            Typed::Lines => Field::new(Kind::Area(4), member, label, now),
            Typed::Choice(choices) => {
                let choices = choices
                    .iter()
                    .map(|(value, words)| ((*value).to_owned(), words().to_owned()));
                Field::select(member, label, choices.collect(), now)
            }
            Typed::Several(choices) => {
                let choices = choices
                    .iter()
                    .map(|(value, words)| ((*value).to_owned(), words().to_owned()));
                Field::new(Kind::Several(choices.collect()), member, label, now)
            }
            Typed::Clock => Field::new(Kind::Input("time"), member, label, now),
            Typed::From(list, id, words, none) => {
                let list: Value = visit
                    .get(&filled(list, visit.params()), LIMIT)
                    .await
                    .unwrap_or_default();
                let mut choices = vec![(String::new(), none().to_owned())];
                let items = list.list("items").iter();
                choices.extend(items.map(|it| (it.shown(id), it.shown(words))));
                Field::select(member, label, choices, now)
            }
        };
        let hint = used(member).unwrap_or_else(|| hint().to_owned());
        form = form.with(field.hinting(&hint));
    }
    let form = form.or_back(filled(entry.back, visit.params()));
    let form = match entry.has_files() {
        true => checked(form, &history::typed(visit)),
        false => checked_device(form, visit.form.get("comment")),
    };
    let shell = visit.tenant_shell((entry.title)()).await?;
    Ok(trial::on(Page::new(shell), dry).with(form))
}

/// How many entries of a list are offered at most.
const LIMIT: &[(&str, &str)] = &[("limit", "200")];

/// What the form says, as the API takes it. What is left empty is left out, or null where that means none.
///
/// # Errors
/// A time is none.
fn body(visit: &Visit, entry: &Entry) -> Result<Value, Problem> {
    let mut body = Map::new();
    for (member, _, typed, _) in entry.members {
        let text = visit.form.get(member).trim();
        let named_in_path = entry.api.contains(&format!("{{{member}}}"));
        if named_in_path {
            continue;
        }
        let value = match typed {
            Typed::Lines => {
                let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                json!(lines.collect::<Vec<_>>())
            }
            Typed::Number => text
                .parse::<u64>()
                .map_or_else(|_| json!(text), Value::from),
            Typed::Decimal => text
                .parse::<f64>()
                .map_or_else(|_| json!(text), Value::from),
            Typed::Check => json!(visit.form.is_ticked(member)),
            Typed::Time if !text.is_empty() => json!(read_time(text)?),
            Typed::Clock if !text.is_empty() => json!(read_clock(text)?),
            Typed::Several(_) => json!(visit.form.every(member).collect::<Vec<_>>()),
            Typed::Text => json!(visit.form.get(member).replace("\r\n", "\n")),
            _ => json!(text),
        };
        let is_none = text.is_empty()
            && !matches!(
                typed,
                Typed::Lines | Typed::Text | Typed::Check | Typed::Several(_)
            );
        match is_none {
            true if matches!(typed, Typed::From(..)) => put(&mut body, member, Value::Null),
            true => {}
            false => put(&mut body, member, value),
        }
    }
    // A pool without a proxy does not send itself, and the rest of that part says nothing.
    if let Some(Value::Object(options)) = body.get_mut("options")
        && options.get("sender") == Some(&json!("relay"))
        && options
            .get("edge")
            .is_some_and(|edge| edge.at("proxy").is_null())
    {
        options.remove("edge");
    }
    // No destination at all is nobody's word.
    for (_, value) in &mut body {
        let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        if let Value::Object(lists) = value
            && lists.values().all(is_empty)
        {
            *value = Value::Null;
        }
    }
    Ok(Value::Object(body))
}

/// Puts a value at its place: `a/b` is `b` of `a`.
fn put(body: &mut Map<String, Value>, place: &str, value: Value) {
    match place.split_once('/') {
        None => {
            body.insert(place.to_owned(), value);
        }
        Some((outer, inner)) => {
            if let Value::Object(within) = body.entry(outer).or_insert_with(|| json!({})) {
                put(within, inner, value);
            }
        }
    }
}

/// A time that was typed in UTC, in Unix milliseconds.
pub fn read_time(text: &str) -> Result<u64, Problem> {
    time::read(text).ok_or_else(|| Problem::new(422, EN.cannot_read, fill(EN.no_time, &[text])))
}

/// The minute of a day that was typed as a time in UTC.
fn read_clock(text: &str) -> Result<u64, Problem> {
    webhooks::minute(text)
        .ok_or_else(|| Problem::new(422, EN.cannot_read, fill(EN.no_clock, &[text])))
}

async fn save(visit: Visit) -> PageResult {
    let entry = of(&visit)?;
    let saved = match body(&visit, entry) {
        Ok(body) => {
            let path = path(&visit, entry);
            history::change_and_answer(&visit, entry.method, &path, body).await
        }
        Err(problem) => Err(problem),
    };
    let typed = |member: &str| visit.form.every(member).collect::<Vec<_>>().join("\n");
    match saved {
        Ok((_, Some(dry))) => {
            let page = page(&visit, entry, &typed, &|_| None, "", Some(&dry)).await?;
            Ok(Reply::page(page))
        }
        // What a new webhook is signed with is in this answer alone.
        Ok((made, None)) if !made.text("secret").is_empty() => {
            let back = format!(
                "{}{}",
                filled(entry.back, visit.params()),
                href::path([made.text("id")])
            );
            let shell = visit.tenant_shell(EN.webhook_made).await?;
            let page = webhooks::shown_once(shell, made.text("name"), made.text("secret"), &back);
            Ok(Reply::page(page))
        }
        Ok(_) => {
            let back = filled(entry.back, visit.params());
            Ok(Reply::see(&format!("{back}?done=saved")))
        }
        Err(problem) => {
            let status = problem.status;
            let revision = match entry.reads {
                true => {
                    let there: Value = visit.get(&path(&visit, entry), &[]).await?;
                    there.shown("revision")
                }
                false => String::new(),
            };
            let page = page(&visit, entry, &typed, &|_| None, &revision, None).await?;
            Ok(Reply::refused(status, page.with_problem(Some(problem))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_writes_what_its_page_is_about() {
        for entry in ENTRIES {
            let named = |path: &'static str| {
                path.split('/')
                    .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                    .collect::<Vec<_>>()
            };
            let fields: Vec<_> = entry.members.iter().map(|(name, ..)| *name).collect();
            let known = named(entry.page);
            for name in named(entry.api) {
                assert!(
                    known.contains(&name) || fields.contains(&name),
                    "{}",
                    entry.page
                );
            }
            assert!(named(entry.back).iter().all(|name| known.contains(name)));
            assert!(!(entry.title)().is_empty() && !(entry.does)().is_empty());
        }
    }
}
