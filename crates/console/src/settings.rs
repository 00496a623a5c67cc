//! The settings of a layer as a form, and a template as text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::data::{Settings, Template, Word};
use crate::history::{Typed, checked};
use crate::marks;
use crate::part::{Act, Cell, Facts, Field, Form, Kind, Lines, Page, Section};
use crate::problem::Problem;
use crate::shell::{Shell, Viewer};
use crate::text::EN;
use crate::{trial, vocabulary};

/// How many empty rows the form has for new settings.
pub const MORE_ROWS: usize = 4;

/// A row of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub value: String,
    /// Whether it is a secret; one whose value is left empty stays as it is.
    pub secret: bool,
}

/// The rows of what is stored. A secret that is not shown has no value.
pub fn rows(settings: &Settings) -> Vec<Row> {
    let rows = settings.settings.iter().map(|(name, value)| match value {
        Value::String(text) => Row {
            name: name.clone(),
            value: text.clone(),
            secret: false,
        },
        other => Row {
            name: name.clone(),
            value: other
                .get("secret")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            secret: true,
        },
    });
    rows.collect()
}

/// What the page of a layer is made from.
pub struct Layer<'a> {
    /// The page itself, and that of its versions.
    pub at: &'a str,
    pub history: &'a str,
    pub rows: &'a [Row],
    pub revision: &'a str,
    /// The settings that mean the same for all phones, as far as the layer's phones know them.
    pub words: &'a [Word],
    pub revealed: bool,
    pub typed: Typed<'a>,
    /// What the change would do, if that was asked.
    pub dry: Option<&'a Value>,
    pub problem: Option<Problem>,
}

/// The settings of a layer.
pub fn page(shell: Shell, viewer: &Viewer, of: Layer<'_>) -> Page {
    let history = Section::Acts(vec![Act::plain(EN.history, of.history)]);
    if !viewer.write {
        let mut facts = Facts::new(EN.settings);
        for row in of.rows {
            let value = if row.secret && row.value.is_empty() {
                EN.masked
            } else {
                &row.value
            };
            facts = facts.with(&row.name, Cell::code(value));
        }
        let page = Page::new(shell);
        let page = match of.rows.is_empty() {
            true => page.with(Section::Text(EN.no_settings.into())),
            false => page.with(facts),
        };
        return page.with(history);
    }
    let mut page = trial::on(Page::new(shell), of.dry).with(form(&of));
    let hidden = of.rows.iter().any(|row| row.secret && row.value.is_empty());
    if viewer.reveal && hidden && !of.revealed {
        let at = format!("{}/reveal", of.at);
        page = page.with(Form::post(at, EN.reveal).saying(EN.reveal_does));
    }
    page.with(history).with_problem(of.problem)
}

/// The vocabulary as typed fields, and below them a vendor's own settings as rows.
fn form(of: &Layer<'_>) -> Form {
    let (groups, left) = vocabulary::groups(of.words, of.rows);
    let mut form = Form::post(of.at, EN.save)
        .saying(EN.settings_does)
        .with(Field::hidden("if_match", of.revision));
    let empty = vec![Row::default(); MORE_ROWS];
    let rows = left.iter().chain(&empty).zip(1..).map(|(row, number)| {
        Field::new(
            Kind::Setting(row.secret),
            &number.to_string(),
            &row.name,
            &row.value,
        )
    });
    let mut own: Vec<Field> = rows.collect();
    form.intro.push(EN.settings_hint.to_owned());
    form.groups = groups;
    // Where nothing has a name of its own, all of them are shown at once.
    if form.groups.is_empty() {
        form.fields.append(&mut own);
    }
    let form = form.grouping(EN.vendors_own, own, true);
    checked(form, &of.typed)
}

/// What a form of settings says: an object for the API. A row without a name is none; a secret without a
/// value stays as it is.
pub fn read(fields: &[(String, String)]) -> Vec<Row> {
    let mut rows = vocabulary::read(fields);
    rows.extend(rows_of(fields));
    rows
}

fn rows_of(fields: &[(String, String)]) -> Vec<Row> {
    let values: BTreeMap<&str, &str> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let value = |name: String| values.get(name.as_str()).map(|&value| value.to_owned());
    let numbers = fields
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("name-"));
    numbers
        .map(|number| Row {
            name: value(format!("name-{number}"))
                .unwrap_or_default()
                .trim()
                .to_owned(),
            value: value(format!("value-{number}")).unwrap_or_default(),
            secret: value(format!("secret-{number}")).is_some(),
        })
        .filter(|row| !row.name.is_empty())
        .collect()
}

/// The body that the API takes.
pub fn body(rows: &[Row]) -> Value {
    let settings: serde_json::Map<String, Value> = rows
        .iter()
        .map(|row| {
            let value = match (row.secret, row.value.is_empty()) {
                (true, true) => serde_json::json!({ "keep": true }),
                (true, false) => serde_json::json!({ "secret": row.value }),
                (false, _) => Value::String(row.value.clone()),
            };
            (row.name.clone(), value)
        })
        .collect();
    serde_json::json!({ "settings": settings })
}

/// What the page of a template is made from.
pub struct OfTemplate<'a> {
    pub at: &'a str,
    pub history: &'a str,
    pub template: &'a Template,
    pub typed: Typed<'a>,
    /// What the change would do, if that was asked.
    pub dry: Option<&'a Value>,
    pub problem: Option<Problem>,
}

/// A template as text.
pub fn template(mut shell: Shell, viewer: &Viewer, of: OfTemplate<'_>) -> Page {
    let template = of.template;
    let marked = of
        .problem
        .as_ref()
        .map(|problem| problem.lines.clone())
        .unwrap_or_default();
    shell.editor = viewer.write;
    let mut page = trial::on(Page::new(shell), of.dry);
    if viewer.write {
        let form = template_form(of.at, template, of.problem.as_ref());
        page = page.with(checked(form, &of.typed));
    }
    if !viewer.write || !marked.is_empty() {
        page = page.with(Lines::new(EN.template, &template.source, &marked));
    }
    let mut acts = vec![Act::plain(EN.history, of.history)];
    if viewer.write && !template.builtin {
        acts.push(Act::plain(EN.to_builtin, format!("{}/remove", of.at)));
    }
    page.with(Section::Acts(acts)).with_problem(of.problem)
}

/// The form with the editor, which shows at its lines what a change was refused for.
fn template_form(at: &str, template: &Template, problem: Option<&Problem>) -> Form {
    let marks = problem.map(marks::of_problem).unwrap_or_default();
    let kind = Kind::Template(28, marks::json(&marks).to_string());
    let area = Field::new(kind, "source", EN.template, &template.source);
    let says = if template.builtin {
        EN.template_builtin
    } else {
        EN.template_own
    };
    Form::post(at, EN.save)
        .saying(says)
        .with(Field::hidden("if_match", template.revision.to_string()))
        .with(area.hinting(EN.template_hint))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn form(rows: &[Row]) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        for (row, number) in rows.iter().zip(1..) {
            fields.push((format!("name-{number}"), row.name.clone()));
            fields.push((format!("value-{number}"), row.value.clone()));
            if row.secret {
                fields.push((format!("secret-{number}"), "true".to_owned()));
            }
        }
        fields
    }

    #[test]
    fn a_secret_that_is_left_empty_is_kept() {
        let stored: Settings = serde_json::from_value(
            json!({"settings": {"a": "1", "p": {"secret": null}}, "revision": 3}),
        )
        .unwrap_or_default();
        let rows = rows(&stored);
        assert_eq!(
            body(&read(&form(&rows))),
            json!({"settings": {"a": "1", "p": {"keep": true}}})
        );
        let changed = [Row {
            name: "p".into(),
            value: "x".into(),
            secret: true,
        }];
        assert_eq!(body(&changed), json!({"settings": {"p": {"secret": "x"}}}));
    }

    proptest! {
        #[test]
        fn a_form_reads_back_as_it_was(texts in prop::collection::vec(("[a-z_.]{1,12}", ".{0,20}", any::<bool>()), 0..8)) {
            let rows: Vec<Row> = texts.into_iter().map(|(name, value, secret)| Row { name, value, secret }).collect();
            prop_assert_eq!(read(&form(&rows)), rows);
        }
    }
}
