//! Who is told of what happens: webhooks, and what became of their messages.

use serde_json::Value;

use crate::data::{Listed, Read as _};
use crate::href;
use crate::lists::{choices, next, value};
use crate::part::{Act, Cell, Facts, Field, Form, Page, Secret, Section, Table, Tone};
use crate::shell::{Shell, Viewer};
use crate::text::{self, EN, count, fill};

/// What a message is about, by the word of the API.
pub fn kind(word: &str) -> &str {
    match word {
        "bootstrap.unexpected_network" => EN.kind_unexpected_network,
        "device.never_came_back" => EN.kind_never_came_back,
        "site.silent" => EN.kind_site_silent,
        "rollout.paused" => EN.kind_rollout_paused,
        "relay.lost" => EN.kind_relay_lost,
        "scan.suspected" => EN.kind_scan_suspected,
        "file.broken" => EN.kind_file_broken,
        "webhook.test" => EN.kind_test,
        other => other,
    }
}

fn kinds(webhook: &Value) -> String {
    let words = webhook.list("kinds").iter().filter_map(Value::as_str);
    words.map(kind).collect::<Vec<_>>().join("; ")
}

/// Where the webhooks of a tenant are, or those of the installation.
pub fn path(tenant: &str) -> String {
    match tenant {
        "" => "/console/webhooks".to_owned(),
        tenant => href::tenant(tenant, "webhooks"),
    }
}

/// Whether the viewer may change webhooks of the tenant, or of the installation.
fn may(viewer: &Viewer, tenant: &str) -> bool {
    match tenant {
        "" => viewer.runs_all(),
        _ => viewer.write,
    }
}

/// The webhooks, each with its newest message, or why that is not known.
pub fn page(
    shell: Shell,
    viewer: &Viewer,
    tenant: &str,
    webhooks: &[(Value, Result<Option<Value>, String>)],
    now: u64,
) -> Page {
    let at = path(tenant);
    let rows = webhooks.iter().map(|(webhook, newest)| {
        let (state, when) = match newest {
            Ok(Some(message)) => (
                became(message),
                Cell::time(newest_at(message), now, EN.never),
            ),
            Ok(None) => (Cell::text(EN.no_message_yet), Cell::text(EN.never)),
            Err(why) => (Cell::state(Tone::Warn, why), Cell::text("")),
        };
        vec![
            Cell::link(
                webhook.text("name"),
                format!("{at}{}", href::path([webhook.text("id")])),
            ),
            Cell::code(webhook.text("url")),
            Cell::text(kinds(webhook)),
            is_on(webhook),
            dead(webhook),
            state,
            when,
        ]
    });
    let columns = [
        EN.name,
        EN.webhook_url,
        EN.webhook_kinds,
        EN.state,
        EN.dead_messages,
        EN.last_message,
        EN.when,
    ];
    let table = Table::new("", &columns, EN.no_webhooks)
        .with_rows(rows)
        .with_act(may(viewer, tenant).then(|| Act::main(EN.add_webhook, format!("{at}/new"))));
    Page::new(shell.leading(EN.webhooks_lead)).with(table)
}

fn is_on(webhook: &Value) -> Cell {
    match webhook.is("disabled") {
        true => Cell::state(Tone::Quiet, EN.webhook_off),
        false => Cell::state(Tone::Good, EN.webhook_on),
    }
}

/// The page of a webhook's messages that were given up.
pub fn dead_path(webhook: &Value) -> String {
    let at = path(webhook.text("tenant"));
    let id = href::path([webhook.text("id")]);
    format!("{at}{id}?state=dead")
}

/// How many of a webhook's messages were given up, with the way to them.
fn dead(webhook: &Value) -> Cell {
    match webhook.number("dead") {
        None | Some(0) => Cell::text("0"),
        Some(number) => Cell::link(text::number(number), dead_path(webhook)),
    }
}

/// What needs a person: webhooks with messages that were given up.
pub fn needs(webhooks: &[Value]) -> Vec<(Cell, String)> {
    let given_up = webhooks.iter().filter(|it| it.number("dead") > Some(0));
    given_up
        .map(|webhook| {
            let number = webhook.number("dead").unwrap_or_default();
            let words = fill(EN.of_state, &[EN.webhook, webhook.text("name")]);
            let text = count(number, EN.message_given_up, EN.messages_given_up);
            (Cell::link(words, dead_path(webhook)), text)
        })
        .collect()
}

/// When something last happened to a message.
fn newest_at(message: &Value) -> Option<u64> {
    message
        .number("ended_at")
        .or_else(|| message.number("created_at"))
}

/// What became of a message, in a word.
fn became(message: &Value) -> Cell {
    match (message.text("state"), message.number("tries")) {
        ("delivered", _) => Cell::state(Tone::Good, EN.message_delivered),
        ("dead", _) => Cell::state(Tone::Bad, EN.message_dead),
        (_, Some(0) | None) => Cell::state(Tone::Plain, EN.message_waiting),
        _ => Cell::state(Tone::Warn, EN.message_again),
    }
}

/// Why the last try of a message failed.
fn cause(message: &Value) -> String {
    let status = message.digits("status");
    match message.text("error") {
        "" => String::new(),
        "status" => fill(EN.cause_status, &[&status]),
        "redirect" => fill(EN.cause_redirect, &[&status]),
        "gone" => EN.cause_gone.to_owned(),
        "timeout" => EN.cause_timeout.to_owned(),
        "connection" => EN.cause_connection.to_owned(),
        "url" => EN.cause_url.to_owned(),
        other => other.to_owned(),
    }
}

/// A webhook and its messages. `filter` is what the address says of them.
pub fn one(
    shell: Shell,
    viewer: &Viewer,
    tenant: &str,
    webhook: &Value,
    messages: &Listed<Value>,
    filter: &[(&str, &str)],
    now: u64,
) -> Page {
    let at = format!("{}{}", path(tenant), href::path([webhook.text("id")]));
    let writes = may(viewer, tenant);
    let form = Form::filter(&at, EN.filter).with(Field::select(
        "state",
        EN.state,
        choices(
            EN.all,
            &[
                ("waiting", EN.message_waiting),
                ("delivered", EN.message_delivered),
                ("dead", EN.message_dead),
            ],
        ),
        value(filter, "state"),
    ));
    let mut shell = shell.below(EN.webhooks, path(tenant));
    let waits = |message: &Value| message.text("state") == "waiting";
    if messages.items.iter().any(waits) {
        shell.live = Some(format!("{at}{}", href::query(filter)));
    }
    Page::new(shell)
        .fixing(facts(webhook, &at, writes, tenant, now))
        .fixing(form)
        .with(table(&messages.items, &at, writes, now).with_next(next(
            &at,
            filter,
            messages.next.as_ref(),
        )))
}

fn facts(webhook: &Value, at: &str, writes: bool, tenant: &str, now: u64) -> Facts {
    let minutes = |name: &str| {
        let number = webhook.number(&format!("/options/{name}"));
        minutes(number.unwrap_or_default())
    };
    let told = |word: &str| {
        let kinds = webhook.list("kinds");
        kinds.iter().any(|kind| kind.as_str() == Some(word))
    };
    let daily = webhook.list("/options/daily").iter();
    let daily = daily.filter_map(Value::as_str).filter(|word| told(word));
    let daily: Vec<&str> = daily.map(kind).collect();
    let mut facts = Facts::new("")
        .with(EN.state, is_on(webhook))
        .with(EN.webhook_url, Cell::code(webhook.text("url")))
        .with(EN.webhook_kinds, Cell::text(kinds(webhook)))
        .with(EN.window, Cell::text(minutes("window_minutes")));
    if !daily.is_empty() {
        let at = clock(webhook.number("/options/daily_at").unwrap_or_default());
        let words = fill(EN.daily_of, &[&daily.join("; "), &at]);
        facts = facts.with(EN.daily, Cell::text(words));
    }
    for (word, label, value) in [
        (
            "device.never_came_back",
            EN.never_came_back_after,
            minutes("never_came_back_minutes"),
        ),
        (
            "site.silent",
            EN.site_silent,
            fill(
                EN.site_silent_when,
                &[
                    &webhook.count("/options/site_silent_percent"),
                    &minutes("site_silent_minutes"),
                ],
            ),
        ),
        (
            "rollout.paused",
            EN.rollout_paused_after,
            minutes("rollout_paused_minutes"),
        ),
        (
            "relay.lost",
            EN.relay_lost_after,
            minutes("relay_lost_minutes"),
        ),
        (
            "scan.suspected",
            EN.scan,
            fill(
                EN.scan_when,
                &[
                    &webhook.count("/options/scan_requests"),
                    &minutes("scan_minutes"),
                ],
            ),
        ),
    ] {
        if told(word) && (word != "relay.lost" || tenant.is_empty()) {
            facts = facts.with(label, Cell::text(value));
        }
    }
    facts = facts
        .with(
            EN.changed,
            Cell::time(webhook.number("updated_at"), now, ""),
        )
        .with(EN.id, Cell::code(webhook.text("id")));
    if writes {
        let act = |text: &str, page: &str| Act::plain(text, format!("{at}/{page}"));
        facts.acts = vec![
            act(EN.test_webhook, "test"),
            act(EN.edit, "edit"),
            act(EN.rotate_secret, "rotate-secret"),
            act(EN.remove, "remove"),
        ];
    }
    facts
}

fn table(messages: &[Value], at: &str, writes: bool, now: u64) -> Table {
    let rows = messages.iter().map(|message| {
        let id = message.text("id");
        let is_dead = message.text("state") == "dead";
        let acts = match writes && is_dead {
            true => vec![Act::of(
                EN.resend,
                id,
                format!("{at}/messages{}/resend", href::path([id])),
            )],
            false => Vec::new(),
        };
        vec![
            Cell::time(message.number("created_at"), now, ""),
            Cell::text(kind(message.text("kind"))),
            Cell::text(message.count("/body/data/count")),
            became(message),
            Cell::text(message.count("tries")),
            Cell::text(cause(message)),
            Cell::time(message.number("next_at"), now, ""),
            Cell::code(id),
            Cell::Acts(acts),
        ]
    });
    let columns = [
        EN.when,
        EN.message_about,
        EN.message_count,
        EN.state,
        EN.tries,
        EN.cause,
        EN.next_try,
        EN.id,
        EN.actions,
    ];
    Table::new(EN.messages, &columns, EN.no_messages).with_rows(rows)
}

/// A span of minutes, in the unit that says it shortest.
fn minutes(number: u64) -> String {
    let (number, unit) = match number {
        number if number >= 2 * 1440 && number.is_multiple_of(1440) => {
            (number / 1440, EN.span_days)
        }
        number if number >= 120 && number.is_multiple_of(60) => (number / 60, EN.span_hours),
        number => (number, EN.span_minutes),
    };
    fill(unit, &[&number.to_string()])
}

/// The minute of a day, as a clock and a browser's field have it.
pub fn clock(minute: u64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// The minute of a day that was typed.
pub fn minute(text: &str) -> Option<u64> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| match text.len() {
        1..=2 if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse::<u64>().ok(),
        _ => None,
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// What messages are signed with, on this page alone.
pub fn shown_once(shell: Shell, name: &str, secret: &str, back: &str) -> Page {
    let secret = Secret {
        title: name.to_owned(),
        hint: EN.webhook_secret.into(),
        value: secret.to_owned(),
    };
    let back = Section::Acts(vec![Act::plain(EN.webhooks, back)]);
    Page::new(shell).with(secret).with(back)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_given_up_needs_a_person_and_leads_to_the_messages() {
        let webhooks = [
            json!({"id": "A", "tenant": "T", "name": "On call", "dead": 2}),
            json!({"id": "B", "tenant": null, "name": "All", "dead": 1}),
            json!({"id": "C", "tenant": "T", "name": "Well", "dead": 0}),
        ];
        let told = needs(&webhooks);
        assert_eq!(told.len(), 2);
        let page = page(
            Shell::outside("x"),
            &Viewer::default(),
            "T",
            &webhooks.map(|it| (it, Err("The queue does not answer.".to_owned()))),
            0,
        );
        let html = page.html().unwrap_or_default();
        for found in [
            "href=\"/console/tenants/T/webhooks/A?state=dead\">2</a>",
            "href=\"/console/webhooks/B?state=dead\">1</a>",
            "The queue does not answer.",
            ">Well<",
        ] {
            assert!(html.contains(found), "{found}: {html}");
        }
    }

    #[test]
    fn a_minute_of_the_day_is_read_as_it_is_shown() {
        for at in [0, 360, 1439] {
            assert_eq!(minute(&clock(at)), Some(at));
        }
        for text in [
            "", "6", "24:00", "12:60", "+1:00", "001:00", "12:", "12:00:00",
        ] {
            assert_eq!(minute(text), None, "{text}");
        }
    }

    #[test]
    fn a_span_of_minutes_is_said_in_its_unit() {
        assert_eq!(minutes(5), "5 min");
        assert_eq!(minutes(90), "90 min");
        assert_eq!(minutes(120), "2 h");
        assert_eq!(minutes(2880), "2 days");
    }

    #[test]
    fn a_dead_message_has_its_cause_in_words_and_who_may_only_read_no_button() {
        let webhook = json!({
            "id": "W", "name": "On call", "url": "https://hooks.example/", "kinds": ["site.silent", "file.broken"],
            "options": {"window_minutes": 60, "daily": ["site.silent"], "daily_at": 365, "site_silent_minutes": 2880,
                        "site_silent_percent": 50},
        });
        let messages = Listed {
            items: vec![json!({
                "id": "M", "kind": "webhook.test", "state": "dead", "tries": 10, "status": 503, "error": "status",
                "created_at": 1, "ended_at": 2, "body": {"data": {"count": 0}},
            })],
            next: None,
        };
        let html = |write| {
            let viewer = Viewer {
                write,
                ..Viewer::default()
            };
            let shell = Shell::outside("On call");
            let page = one(shell, &viewer, "T", &webhook, &messages, &[], 3);
            page.html().unwrap_or_default()
        };
        let (writer, reader) = (html(true), html(false));
        for told in [
            "The receiver answered 503",
            "06:05",
            "more than 50 %",
            "2 days",
        ] {
            assert!(reader.contains(told), "{told}: {reader}");
        }
        assert!(!reader.contains(EN.scan), "a threshold of what is not told");
        let links = [
            "/messages/M/resend",
            "/test",
            "/rotate-secret",
            "/edit",
            "/remove",
        ];
        for link in links.map(|link| format!("/webhooks/W{link}\"")) {
            assert!(writer.contains(&link), "{link}");
            assert!(!reader.contains(&link), "{link}");
        }
    }
}
