//! Every change, with who made it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::data::{Audit, Listed, Read as _};
use crate::lists::{Whose, next, value};
use crate::part::{Act, Cell, Facts, Field, Form, Item, List, Page, Section, Tone};
use crate::shell::Shell;
use crate::text::{EN, fill};
use crate::time::Moment;

/// The names of the filter; the API has the same.
pub const FILTER: &[&str] = &["object", "action", "token", "request_id"];

/// The audit log of a tenant, or of everything.
pub fn page(
    shell: Shell,
    at: &str,
    list: &Listed<Audit>,
    whose: &Whose,
    filter: &[(&str, &str)],
    of_tenant: bool,
    now: u64,
) -> Page {
    let line = |name: &str, words: &str| Field::line(name, words, value(filter, name));
    let form = Form::filter(at, EN.filter)
        .with(line("object", EN.object).hinting(EN.object_hint))
        .with(line("action", EN.action).hinting(EN.action_hint))
        .with(line("token", EN.token_id).hinting(EN.token_id_hint))
        .with(line("request_id", EN.request_id));
    let page = Page::new(shell).with(form);
    let page = match of_tenant {
        true => page,
        false => page.with(Section::Acts(vec![
            Act::plain(EN.audit_verify, "/console/audit/verify"),
            Act::plain(EN.audit_export, "/console/audit.ndjson"),
        ])),
    };
    page.with(List {
        title: EN.changes.into(),
        empty: EN.no_changes.into(),
        items: list
            .items
            .iter()
            .map(|entry| item(entry, whose, now))
            .collect(),
        next: next(at, filter, list.next.as_ref()),
    })
}

/// What following the chain over the log has shown.
pub fn verified(shell: Shell, of: &Value) -> Page {
    let state = match of.is("ok") {
        true => Cell::state(Tone::Good, EN.audit_unchanged),
        false => Cell::state(Tone::Bad, of.text("fault")),
    };
    let facts = Facts::new(EN.audit_chain)
        .with(EN.state, state)
        .with(EN.audit_from, Cell::text(of.count("/from/number")))
        .with(EN.audit_to, Cell::text(of.count("/to/number")))
        .with(EN.audit_hash, Cell::code(of.text("/to/hash")))
        .with(EN.audit_pending, Cell::text(of.count("pending")));
    let mut page = Page::new(shell).with(facts);
    if let Some(next) = of.number("next") {
        let on = format!("/console/audit/verify?after={next}");
        page = page.with(Section::Acts(vec![Act::plain(EN.audit_go_on, on)]));
    }
    page
}

fn item(entry: &Audit, whose: &Whose, now: u64) -> Item {
    Item {
        head: Cell::code(&entry.action),
        more: vec![
            Cell::text(&entry.object),
            Cell::time(Some(entry.at), now, ""),
        ],
        text: String::new(),
        parts: difference(entry.before.as_ref(), entry.after.as_ref()),
        hint: by(entry, whose),
    }
}

/// Who did it, and where that is known, from where.
fn by(entry: &Audit, whose: &Whose) -> String {
    let token = whose.text(&entry.token);
    match entry.address.as_str() {
        "" => fill(EN.audit_hint_short, &[&token, &entry.request_id]),
        address => fill(EN.audit_hint, &[&token, address, &entry.request_id]),
    }
}

/// What is different, member by member; times as everywhere.
fn difference(before: Option<&Value>, after: Option<&Value>) -> Vec<Cell> {
    let members =
        |side: Option<&Value>| side.and_then(Value::as_object).cloned().unwrap_or_default();
    let (old, new) = (members(before), members(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut told: Vec<Cell> = Vec::new();
    for name in names {
        let (was, is) = (shown(name, old.get(name)), shown(name, new.get(name)));
        if old.get(name) == new.get(name) || was == is {
            continue;
        }
        if !told.is_empty() {
            told.push(Cell::text(" · "));
        }
        match (old.is_empty(), new.is_empty()) {
            (true, _) => told.extend([Cell::text(format!("{name}: ")), is]),
            (false, true) => told.extend([Cell::text(format!("{name} {}: ", EN.was)), was]),
            (false, false) => {
                told.extend([Cell::text(format!("{name}: ")), was, Cell::text(" → "), is]);
            }
        }
    }
    told
}

/// The value of a member. The API's times are Unix milliseconds.
fn shown(name: &str, value: Option<&Value>) -> Cell {
    let is_time = name.ends_with("_at") || name.ends_with("_until");
    match value {
        None | Some(Value::Null) => Cell::text("–"),
        Some(Value::String(text)) => Cell::text(text),
        Some(value) => match value.as_u64().filter(|_| is_time) {
            Some(at) => Cell::Time(Moment {
                ago: String::new(),
                ..Moment::new(at, at)
            }),
            None => Cell::text(value.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use askama::Template as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_by_what_is_different() {
        let told = |before: Option<&Value>, after: Option<&Value>| {
            let cells = difference(before, after);
            let cells = cells.iter().map(|cell| cell.render().unwrap_or_default());
            cells.collect::<String>()
        };
        let (before, after) = (json!({"a": 1, "b": 2}), json!({"a": 1, "b": 3, "c": null}));
        assert_eq!(told(Some(&before), Some(&after)), "b: 2 → 3");
        assert_eq!(told(None, Some(&json!({"a": "x"}))), "a: x");
        assert_eq!(told(Some(&json!({"a": 1})), None), "a was: 1");
        assert_eq!(told(None, None), "");
        let ends = json!({"expires_at": 1_792_993_265_000_u64, "z": "<b>"});
        assert_eq!(
            told(None, Some(&ends)),
            "expires_at: <time datetime=\"2026-10-26T05:41:05Z\">2026-10-26 05:41 UTC</time> · z: &#60;b&#62;"
        );
    }
}
