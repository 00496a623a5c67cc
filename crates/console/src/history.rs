//! What a template, a layer's settings or a tenant's options were: versions, what differs, the way back.

use serde_json::Value;

use crate::data::Read as _;
use crate::href;
use crate::lists::{Whose, next};
use crate::part::{Act, Cell, Field, Form, Lines, Page, Section, Table, Tone};
use crate::problem::Problem;
use crate::shell::{Shell, Viewer};
use crate::text::{EN, fill};
use crate::trial;

/// Where the versions are, and where one goes back from.
pub struct Places {
    pub history: String,
    pub rollback: String,
    /// The page of the thing itself.
    pub back: String,
}

/// The versions; with `diff`, what differs between two of them.
pub fn page(
    shell: Shell,
    viewer: &Viewer,
    places: &Places,
    list: &Value,
    diff: Option<&Value>,
    whose: &Whose,
    now: u64,
) -> Page {
    let mut page = Page::new(shell.leading(EN.history_lead));
    if let Some(diff) = diff {
        page = page.with(differing(diff));
    }
    let items = list.list("items");
    let cursor = Some(list.text("next").to_owned()).filter(|text| !text.is_empty());
    let columns = [
        EN.version,
        EN.when,
        EN.by,
        EN.comment,
        EN.request_id,
        EN.actions,
    ];
    let rows = items.iter().enumerate().map(|(at, version)| {
        let number = version.digits("version");
        let older = items.get(at + 1).map(|older| older.digits("version"));
        let by = match version.text("token") {
            "" => Cell::text(EN.not_known),
            token => whose.cell(token),
        };
        row(viewer, places, version, &number, older.as_deref(), by, now)
    });
    let table = Table::new(EN.versions, &columns, EN.no_versions)
        .with_rows(rows)
        .with_next(next(&places.history, &[], cursor.as_ref()));
    page = page.with(table);
    if items.len() > 1 {
        page = page.with(compare(places, items, diff));
    }
    page.with(Section::Acts(vec![Act::plain(EN.back, &places.back)]))
}

fn row(
    viewer: &Viewer,
    places: &Places,
    version: &Value,
    number: &str,
    older: Option<&str>,
    by: Cell,
    now: u64,
) -> Vec<Cell> {
    let mut acts = Vec::new();
    if let Some(older) = older {
        let query = href::query(&[("from", older), ("to", number)]);
        acts.push(Act::of(
            EN.what_changed,
            number,
            format!("{}{query}", places.history),
        ));
    }
    if viewer.write && !version.is("current") {
        let query = href::query(&[("version", number)]);
        acts.push(Act::of(
            EN.roll_back,
            number,
            format!("{}{query}", places.rollback),
        ));
    }
    let shown = match version.is("current") {
        true => Cell::state(Tone::Good, fill(EN.version_now, &[number])),
        false => Cell::text(number),
    };
    vec![
        shown,
        Cell::time(version.number("at"), now, ""),
        by,
        Cell::text(version.text("comment")),
        Cell::code(version.text("request_id")),
        Cell::Acts(acts),
    ]
}

fn compare(places: &Places, items: &[Value], diff: Option<&Value>) -> Form {
    let numbers: Vec<(String, String)> = items
        .iter()
        .map(|version| (version.digits("version"), version.digits("version")))
        .collect();
    let chosen = |member: &str, otherwise: usize| match diff {
        Some(diff) => diff.digits(member),
        None => numbers
            .get(otherwise)
            .map(|it| it.0.clone())
            .unwrap_or_default(),
    };
    Form::filter(&places.history, EN.compare)
        .titled(EN.compare_two)
        .with(Field::select(
            "from",
            EN.older,
            numbers.clone(),
            chosen("from", 1),
        ))
        .with(Field::select(
            "to",
            EN.newer,
            numbers.clone(),
            chosen("to", 0),
        ))
}

/// What differs between two versions, of a text or of settings.
fn differing(diff: &Value) -> Section {
    let title = fill(
        EN.versions_differ,
        &[&diff.digits("from"), &diff.digits("to")],
    );
    if diff.at("hunks").is_array() {
        let mut lines = Lines::diff(&title, diff.at("hunks"));
        if lines.lines.is_empty() {
            lines.hint = EN.no_difference.to_owned();
        }
        return lines.into();
    }
    let value = |value: &Value| match value {
        Value::Null => Cell::state(Tone::Quiet, EN.not_there),
        Value::String(text) => Cell::code(text),
        _ => Cell::code(EN.masked),
    };
    let rows = diff.list("settings").iter().map(|setting| {
        vec![
            Cell::code(setting.text("name")),
            value(setting.at("from")),
            value(setting.at("to")),
        ]
    });
    let columns = [EN.name, EN.was, EN.is];
    Table::new(&title, &columns, EN.no_difference)
        .with_rows(rows)
        .into()
}

/// Says what going back would do, and asks for it.
pub fn confirm(
    shell: Shell,
    places: &Places,
    version: &str,
    revision: &str,
    typed: &Typed<'_>,
    dry: Option<&Value>,
    problem: Option<Problem>,
) -> Page {
    let form = Form::post(&places.rollback, &fill(EN.roll_back_to, &[version]))
        .saying(EN.roll_back_does)
        .with(Field::hidden("version", version))
        .with(Field::hidden("if_match", revision))
        .dangerous();
    let form = checked(form, typed).or_back(&places.history);
    trial::on(Page::new(shell), dry)
        .with(form)
        .with_problem(problem)
}

/// What is said of a change besides the change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed<'a> {
    pub comment: &'a str,
    /// The MAC of the device whose files are compared.
    pub device: &'a str,
}

/// A form with a comment, and with the way to see first what it would change, after its other fields.
pub fn checked(form: Form, typed: &Typed<'_>) -> Form {
    let about = vec![
        Field::line("comment", EN.comment, typed.comment).hinting(EN.comment_hint),
        Field::line("device", EN.check_device, typed.device).hinting(EN.check_device_hint),
    ];
    form.grouping(EN.about_change, about, true)
        .or(EN.check, "check", "true", "")
}

/// The same for a change of one device: its own files are those that are compared.
pub fn checked_device(form: Form, comment: &str) -> Form {
    let about = vec![Field::line("comment", EN.comment, comment).hinting(EN.comment_hint)];
    form.grouping(EN.about_change, about, true)
        .or(EN.check, "check", "true", "")
}
