//! Pages as HTML: whatever is shown in one stays where it was put.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use ringfence_console::data::{
    Device, Event, Listed, Seen, Site, Template, Tenant, Token, Unknown, Word,
};
use ringfence_console::device::{self, OneDevice};
use ringfence_console::history::Typed;
use ringfence_console::lists::of_tenant::{self, OfTenant};
use ringfence_console::lists::operations::Picked;
use ringfence_console::lists::{devices, people, tenancy};
use ringfence_console::part::{
    Cell, Facts, Field, Form, Kind, Lines, List, Page, Picture, Secret, Section, Table,
};
use ringfence_console::problem::Problem;
use ringfence_console::settings::{self, Layer, OfTemplate, Row};
use ringfence_console::shell::{Shell, Viewer};
use ringfence_console::sign_in;

const NOW: u64 = 1_792_993_265_000;

/// A page with a text wherever a text can be.
fn everywhere(text: &str) -> Page {
    let viewer = Viewer {
        name: text.into(),
        tenant: None,
        write: true,
        reveal: true,
    };
    let mut shell = Shell::new(text, &viewer, "/console")
        .leading(text)
        .within("T", text, "/console");
    shell.done = Some(text.into());
    shell.live = Some(ringfence_console::href::path([text]));
    let problem = Problem {
        findings: vec![text.into()],
        request_id: text.into(),
        ..Problem::new(422, text, text)
    };
    let cells = vec![
        Cell::text(text),
        Cell::word(text),
        Cell::code(text),
        Cell::link(text, ringfence_console::href::path([text])),
        Cell::Check {
            value: text.into(),
            label: text.into(),
        },
    ];
    let mut lines = Lines::new(text, text, &[1]);
    lines.findings = vec![text.into()];
    lines.hint = text.into();
    let form = Form::post(ringfence_console::href::path([text]), text)
        .titled(text)
        .saying(text)
        .with(Field::line(text, text, text).hinting(text))
        .with(Field::hidden(text, text))
        .with(Field::check(text, text, true))
        .with(Field::new(
            Kind::Several(vec![(text.into(), text.into())]),
            text,
            text,
            text,
        ))
        .with(Field::select(
            text,
            text,
            vec![(text.into(), text.into())],
            text,
        ))
        .with(Field::new(Kind::Area(3), text, text, text).hinting(text))
        .with(Field::new(Kind::Macs(3), text, text, text).hinting(text))
        .with(Field::new(Kind::Setting(true), "1", text, text))
        .with(Field::new(Kind::Secret(true), text, text, text).hinting(text))
        .grouping(text, vec![Field::line(text, text, text)], true)
        .or(text, "also", text, &ringfence_console::href::path([text]))
        .or_back(text);
    let hunks = serde_json::json!([{ "lines": [{ "kind": "insert", "text": text }] }]);
    let picture = Picture {
        title: text.into(),
        label: text.into(),
        ..Picture::default()
    };
    let mut table = Table::new(text, &[text, text, text, text], text).with_rows([cells]);
    table.columns[0].sort = Some(ringfence_console::href::path([text]));
    Page::new(shell)
        .fixing(List::of(text, vec![text.into()]))
        .with(Lines::diff(text, &hunks))
        .with(picture)
        .with(Section::Text(text.into()))
        .with(Facts::new(text).with(text, Cell::text(text)))
        .with(table)
        .with(form)
        .with(lines)
        .with(Secret {
            title: text.into(),
            hint: text.into(),
            value: text.into(),
        })
        .with_problem(Some(problem))
}

/// The tags of a page, without the values of their attributes; every value must stand in double quotes.
fn tags(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let (mut tag, mut quoted, mut end) = (String::new(), false, rest.len());
        for (at, letter) in rest.char_indices() {
            match letter {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = at;
                    break;
                }
                _ if !quoted => tag.push(letter),
                _ => {}
            }
        }
        assert!(end < rest.len(), "a tag does not end");
        tags.push(tag);
        rest = &rest[end + 1..];
    }
    tags
}

/// Whether each element that is opened is closed, in the right order.
fn is_balanced(html: &str) -> bool {
    const EMPTY: &[&str] = &["meta", "link", "input", "br", "img", "line", "rect", "path"];
    let mut open: Vec<String> = Vec::new();
    for tag in tags(html) {
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric())
            .collect();
        if tag.starts_with('!') || EMPTY.contains(&name.as_str()) {
            continue;
        }
        if tag.starts_with('/') {
            if open.pop().as_deref() != Some(name.as_str()) {
                return false;
            }
        } else {
            open.push(name);
        }
    }
    open.is_empty()
}

#[test]
fn a_hostile_text_stays_a_text() {
    let plain = tags(&everywhere("x").html().unwrap());
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onfocus=alert(1) autofocus x='",
        "</textarea><script>x</script>",
        "</title></style></script><svg onload=x>",
        "{{ 7*7 }}{% raw %}",
        "&lt;b&gt;",
        "\u{202e}<b>\u{0}",
    ] {
        let html = everywhere(text).html().unwrap();
        assert_eq!(tags(&html), plain, "{text}");
        assert!(is_balanced(&html), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_leaves_its_element(text in "[^\n\r]{1,60}") {
        let html = everywhere(&text).html().unwrap();
        prop_assert_eq!(tags(&html), tags(&everywhere("x").html().unwrap()));
    }
}

fn hostile_device() -> Device {
    serde_json::from_value(serde_json::json!({
        "id": "D", "mac": "0080F0C571EB", "label": "<b>", "model": "KX\"", "family": "utg", "file_version": 3,
        "key": {"state": "confirmed", "last_taken_by": {"at": NOW - 9000, "address": "<i>"}, "confirmed_at": NOW},
        "last_seen": {"at": NOW, "address": "203.0.113.7", "user_agent": "<u>"}, "unheard_of": [1]
    }))
    .unwrap()
}

#[test]
fn every_kind_of_page_is_whole() {
    let viewer = Viewer {
        write: true,
        reveal: true,
        ..Viewer::default()
    };
    let shell = || Shell::new("x", &viewer, "/console").within("T", "<t>", "/console");
    let device = hostile_device();
    let event = Event {
        at: NOW,
        reason: "not_tls".into(),
        outcome: "refused".into(),
        path: Some("<p>".into()),
        mac: Some("0080F0C571EB".into()),
        ..Event::default()
    };
    let events = Listed {
        items: vec![event],
        next: Some("<c>".into()),
    };
    let one = OneDevice {
        tenant: "T".into(),
        device: device.clone(),
        site: Some(Site::default()),
        events: events.clone(),
        files: Vec::new(),
        now: NOW,
    };
    let listed = Listed {
        items: vec![device.clone()],
        next: Some("n&\"".into()),
    };
    let unknown = Listed {
        items: vec![Unknown {
            mac: "0080F0".into(),
            path: "<x>".into(),
            last_seen: Seen::default(),
            ..Unknown::default()
        }],
        next: None,
    };
    let row = Row {
        name: "<n>".into(),
        value: "\"".into(),
        secret: true,
    };
    let pages = [
        sign_in::page(
            "\"><x>",
            Some("said"),
            None,
            Some(sign_in::ByAccess::Refused("\"><x>".into())),
        ),
        device::page(shell(), &viewer, &one),
        device::confirm(shell(), "T", &device, "rekey", true),
        of_tenant::page(
            shell(),
            &viewer,
            &OfTenant {
                tenant: "T",
                list: &listed,
                sites: &[],
                families: &[],
                filter: &[("q", "\"<")],
                columns: of_tenant::USUAL,
                picked: &Picked {
                    macs: "</textarea>".into(),
                    ..Picked::default()
                },
                now: NOW,
            },
        ),
        devices::unknown(shell(), &viewer, "T", &unknown, NOW),
        devices::requests(shell(), "T", &events, &[], NOW),
        people::tokens(
            shell(),
            &viewer,
            &Listed {
                items: vec![Token::default()],
                next: None,
            },
            &[],
            NOW,
        ),
        tenancy::tenants(
            shell(),
            &viewer,
            &Listed {
                items: vec![Tenant::default()],
                next: None,
            },
            NOW,
        ),
        settings::page(
            shell(),
            &viewer,
            Layer {
                at: "/x",
                history: "/y",
                rows: &[row],
                revision: "3",
                words: &[Word {
                    name: "line_{n}_<b>".into(),
                    ..Word::default()
                }],
                revealed: false,
                typed: Typed {
                    comment: "\">",
                    device: "<",
                },
                dry: None,
                problem: None,
            },
        ),
        settings::template(
            shell(),
            &viewer,
            OfTemplate {
                at: "/x",
                history: "/y",
                template: &Template {
                    source: "</textarea>".into(),
                    ..Template::default()
                },
                typed: Typed::default(),
                dry: None,
                problem: None,
            },
        ),
    ];
    for page in pages {
        let html = page.html().unwrap();
        assert!(is_balanced(&html), "{html}");
        assert!(
            html.contains("<h1>") && html.contains("<main id=\"main\""),
            "{html}"
        );
    }
}

#[test]
fn a_part_of_a_page_is_an_element_and_not_its_text() {
    let html = everywhere("x").html().unwrap();
    for element in [
        "<span class=\"code\">x</span>",
        "<a href=\"/x\">x</a>",
        "<textarea id=\"x\"",
        "<section><h2>x</h2>",
    ] {
        assert!(html.contains(element), "{element}: {html}");
    }
    assert!(!html.contains("&#60;") && !html.contains("&lt;"), "{html}");
}

#[test]
fn a_device_page_is_told_in_words() {
    let viewer = Viewer {
        write: false,
        ..Viewer::default()
    };
    let shell = Shell::new("x", &viewer, "/console/tenants/T/devices/0080F0C571EB").within(
        "T",
        "Harbour",
        "/console/tenants/T/devices/0080F0C571EB",
    );
    let event = Event {
        at: NOW,
        reason: "not_tls".into(),
        outcome: "refused".into(),
        status: 404,
        ..Event::default()
    };
    let one = OneDevice {
        tenant: "T".into(),
        device: hostile_device(),
        site: None,
        events: Listed {
            items: vec![event],
            next: None,
        },
        files: Vec::new(),
        now: NOW,
    };
    let html = device::page(shell, &viewer, &one).html().unwrap();
    assert!(html.contains("asked over plain HTTP") && html.contains("Put https into the URL."));
    assert!(
        !html.contains("Re-key"),
        "a token that reads is offered nothing that changes"
    );
}
