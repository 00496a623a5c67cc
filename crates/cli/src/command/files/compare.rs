//! What differs between the files and the installation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ringfence_api::devices::batch::MAX_ROWS;
use ringfence_api::operation::Operation;
use ringfence_provision::diff::{LineKind, Lines, hunks};
use ringfence_provision::mac::Mac;
use serde_json::{Map, Value, json};

use super::fleet::{Device, Fleet, KEPT, Layer, Model, Place, Setting, Site};
use crate::client::ApiCall;
use crate::failure::Failure;
use crate::secret;
use crate::session::Session;
use crate::words::{field, plain, text};

/// What is to be made as the files say, and what only the installation has.
#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) changes: Vec<FileChange>,
    pub(super) others: Vec<Other>,
}

/// One thing that is to be changed.
#[derive(Debug)]
pub(super) struct FileChange {
    pub(super) what: What,
    /// What it is called, for people.
    name: String,
    is_new: bool,
    /// What differs, a line each, with `+`, `-` or `~` before it.
    lines: Vec<String>,
}

/// What is changed, with all that the call for it needs.
#[derive(Debug)]
pub(super) enum What {
    Options(Value),
    Model(String, Value),
    Site(String),
    /// Settings of a layer: whose, and all of them as the API takes them.
    Layer(Whose, Value),
    Template(Place, String),
    /// A row for the batch, and whether the phone leaves its site, which no batch can say.
    Device(Mac, Value, bool),
}

/// Whose layer.
#[derive(Clone, Debug)]
pub(super) enum Whose {
    Tenant,
    Site(String),
    Model(String),
}

/// Something that the files do not have.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) name: String,
    pub(super) what: Gone,
}

/// What `--delete` deletes.
#[derive(Debug)]
pub(super) enum Gone {
    Device(Mac),
    Template(Place),
    Model(String),
    Site(String),
}

impl FileChange {
    /// The change for programs, without secrets.
    pub(super) fn json(&self) -> Value {
        json!({"name": self.name, "new": self.is_new, "lines": self.lines})
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Difference {
    /// Whether the installation is as the files say.
    pub(super) fn is_none(&self, deletes: bool) -> bool {
        self.changes.is_empty() && (!deletes || self.others.is_empty())
    }

    /// Whether anything that the installation has is overwritten or deleted.
    pub(super) fn loses(&self, deletes: bool) -> bool {
        self.changes.iter().any(|change| !change.is_new) || (deletes && !self.others.is_empty())
    }

    /// All of it, for people.
    pub(super) fn describe(&self, deletes: bool) -> String {
        let mut out = String::new();
        for change in &self.changes {
            let mark = if change.is_new { " (new)" } else { "" };
            let _ = writeln!(out, "{}{mark}", change.name);
            for line in &change.lines {
                let _ = writeln!(out, "  {}", plain(line));
            }
        }
        if !self.others.is_empty() {
            out += match deletes {
                true => "To be deleted, since the files do not have them:\n",
                false => "Only in the installation; --delete deletes them:\n",
            };
            for other in &self.others {
                let _ = writeln!(out, "  {}", plain(&other.name));
            }
        }
        let fresh = self.changes.iter().filter(|change| change.is_new).count();
        let _ = writeln!(
            out,
            "{fresh} to add, {} to change, {} to delete.",
            self.changes.len() - fresh,
            if deletes { self.others.len() } else { 0 }
        );
        out
    }
}

/// Compares the files with the installation.
///
/// # Errors
/// A secret is not where its reference says, or the installation does not answer.
pub(super) fn compare(
    session: &Session,
    wanted: Fleet,
    present: Fleet,
) -> Result<Difference, Failure> {
    let mut found = Difference::default();
    if let Some(options) = wanted.options {
        compare_options(&mut found, options, present.options.unwrap_or_default());
    }
    if let Some(models) = wanted.models {
        compare_models(
            session,
            &mut found,
            models,
            &present.models.unwrap_or_default(),
        )?;
    }
    if let Some(sites) = wanted.sites {
        compare_sites(
            session,
            &mut found,
            sites,
            &present.sites.unwrap_or_default(),
        )?;
    }
    if let Some(layer) = wanted.settings {
        let before = present.settings.unwrap_or_default();
        let change = compare_layer(session, Whose::Tenant, &layer, Some(&before))?;
        found.changes.extend(change);
    }
    if let Some(templates) = wanted.templates {
        compare_templates(
            &mut found,
            templates,
            &present.templates.unwrap_or_default(),
        );
    }
    if let Some(devices) = wanted.devices {
        compare_devices(
            session,
            &mut found,
            devices,
            &present.devices.unwrap_or_default(),
        )?;
    }
    // What is deleted first is what others stand on last.
    found.others.sort_by_key(|other| match other.what {
        Gone::Device(_) => 0,
        Gone::Template(_) => 1,
        Gone::Model(_) => 2,
        Gone::Site(_) => 3,
    });
    Ok(found)
}

fn compare_options(found: &mut Difference, wanted: Value, present: Value) {
    let after = over(&present, &wanted);
    if after == present {
        return;
    }
    let (before, now) = (present.as_object(), after.as_object());
    let lines = now.into_iter().flatten().filter_map(|(name, value)| {
        let was = before.and_then(|before| before.get(name));
        (was != Some(value))
            .then(|| format!("~ {name} = {} → {value}", was.unwrap_or(&Value::Null)))
    });
    found.changes.push(FileChange {
        name: "options of the tenant".to_owned(),
        is_new: false,
        lines: lines.collect(),
        what: What::Options(after),
    });
}

/// One over the other: what the upper one leaves out stays.
fn over(below: &Value, above: &Value) -> Value {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            let mut out = below.clone();
            for (name, value) in above {
                let under = below.get(name).unwrap_or(&Value::Null);
                out.insert(name.clone(), over(under, value));
            }
            Value::Object(out)
        }
        (_, above) => above.clone(),
    }
}

fn compare_models(
    session: &Session,
    found: &mut Difference,
    wanted: BTreeMap<String, Model>,
    present: &BTreeMap<String, Model>,
) -> Result<(), Failure> {
    for (name, model) in &wanted {
        let before = present.get(name);
        let mut body = Map::new();
        let mut lines = Vec::new();
        let fields = [
            (
                "family",
                &model.family,
                before.and_then(|it| it.family.as_ref()),
            ),
            (
                "profile",
                &model.profile,
                before.and_then(|it| it.profile.as_ref()),
            ),
        ];
        for (field, value, was) in fields {
            // What the file leaves out stays as it is.
            if let Some(value) = value.as_ref().or(was) {
                body.insert(field.to_owned(), Value::from(value.as_str()));
                match was {
                    Some(was) if was == value => {}
                    Some(was) => lines.push(format!("~ {field} = {was} → {value}")),
                    None => lines.push(format!("+ {field} = {value}")),
                }
            }
        }
        if before.is_none() || !lines.is_empty() {
            found.changes.push(FileChange {
                name: format!("model {name}"),
                is_new: before.is_none(),
                lines,
                what: What::Model(name.clone(), Value::Object(body)),
            });
        }
        let was = before.map(|before| &before.settings);
        let whose = Whose::Model(name.clone());
        found
            .changes
            .extend(compare_layer(session, whose, &model.settings, was)?);
    }
    let gone = present.keys().filter(|name| !wanted.contains_key(*name));
    found.others.extend(gone.map(|name| Other {
        name: format!("model {name}"),
        what: Gone::Model(name.clone()),
    }));
    Ok(())
}

fn compare_sites(
    session: &Session,
    found: &mut Difference,
    wanted: BTreeMap<String, Site>,
    present: &BTreeMap<String, Site>,
) -> Result<(), Failure> {
    for (name, site) in &wanted {
        let before = present.get(name);
        if before.is_none() {
            found.changes.push(FileChange {
                name: format!("site {name}"),
                is_new: true,
                lines: Vec::new(),
                what: What::Site(name.clone()),
            });
        }
        let was = before.map(|before| &before.settings);
        let whose = Whose::Site(name.clone());
        found
            .changes
            .extend(compare_layer(session, whose, &site.settings, was)?);
    }
    let gone = present.keys().filter(|name| !wanted.contains_key(*name));
    found.others.extend(gone.map(|name| Other {
        name: format!("site {name}"),
        what: Gone::Site(name.clone()),
    }));
    Ok(())
}

/// The call that writes a layer's settings.
///
/// # Errors
/// There is no such site yet.
pub(super) fn writing(session: &Session, whose: &Whose) -> Result<ApiCall, Failure> {
    match whose {
        Whose::Tenant => session.call(Operation::PutTenantSettings, &[]),
        Whose::Site(name) => {
            let site = session.site(name)?;
            session.call(Operation::PutSiteSettings, &[("site", &site)])
        }
        Whose::Model(name) => session.call(Operation::PutModelSettings, &[("model", name)]),
    }
}

fn compare_layer(
    session: &Session,
    whose: Whose,
    wanted: &Layer,
    present: Option<&Layer>,
) -> Result<Option<FileChange>, Failure> {
    let none = Layer::new();
    let before = present.unwrap_or(&none);
    let Compared {
        mut lines,
        body,
        has_references,
    } = compare_settings(wanted, before)?;
    // Whether a secret is another one, the installation alone knows: it tells whether writing would change anything.
    if lines.is_empty() && has_references && present.is_some() {
        let trial = writing(session, &whose)?
            .with(json!({"settings": body}))
            .asking("dry_run", "true");
        let answer = session.client.call(&trial)?.json()?;
        if !field(&answer, "checked").is_null() {
            lines.push("~ a secret differs".to_owned());
        }
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let name = match &whose {
        Whose::Tenant => "settings of the tenant".to_owned(),
        Whose::Site(name) => format!("settings of the site {name}"),
        Whose::Model(name) => format!("settings of the model {name}"),
    };
    Ok(Some(FileChange {
        name,
        is_new: false,
        lines,
        what: What::Layer(whose, Value::Object(body)),
    }))
}

/// Two layers beside each other.
struct Compared {
    /// What differs in sight.
    lines: Vec<String>,
    /// The wanted one as the API takes it.
    body: Map<String, Value>,
    /// Whether secrets of it come from elsewhere, which only the installation can compare.
    has_references: bool,
}

/// Compares two layers.
fn compare_settings(wanted: &Layer, present: &Layer) -> Result<Compared, Failure> {
    let mut lines = Vec::new();
    let mut body = Map::new();
    let mut has_references = false;
    let names: BTreeSet<&String> = wanted.keys().chain(present.keys()).collect();
    for name in names {
        let before = present.get(name);
        let line = match (wanted.get(name), before) {
            (Some(Setting::Text(text)), before) => {
                body.insert(name.clone(), Value::from(text.as_str()));
                match before {
                    Some(Setting::Text(was)) if was == text => None,
                    Some(Setting::Text(was)) => Some(format!("~ {name} = {was:?} → {text:?}")),
                    Some(Setting::Secret(_)) => Some(format!("~ {name} = (secret) → {text:?}")),
                    None => Some(format!("+ {name} = {text:?}")),
                }
            }
            (Some(Setting::Secret(it)), before) if it.secret == KEPT => {
                body.insert(name.clone(), json!({"keep": true}));
                match before {
                    Some(_) => None,
                    None => Some(format!(
                        "+ {name} = (secret), which the installation does not have: say where it is"
                    )),
                }
            }
            (Some(Setting::Secret(it)), before) => {
                has_references = true;
                let value = secret::read(&it.secret)?;
                body.insert(name.clone(), json!({"secret": value.expose()}));
                match before {
                    Some(Setting::Secret(_)) => None,
                    Some(Setting::Text(_)) => {
                        Some(format!("~ {name} becomes a secret, of {}", it.secret))
                    }
                    None => Some(format!("+ {name} = (secret), of {}", it.secret)),
                }
            }
            (None, Some(Setting::Text(was))) => Some(format!("- {name} = {was:?}")),
            (None, Some(Setting::Secret(_))) => Some(format!("- {name} = (secret)")),
            (None, None) => None,
        };
        lines.extend(line);
    }
    Ok(Compared {
        lines,
        body,
        has_references,
    })
}

fn compare_templates(
    found: &mut Difference,
    wanted: BTreeMap<Place, String>,
    present: &BTreeMap<Place, String>,
) {
    let gone = present.keys().filter(|place| !wanted.contains_key(*place));
    found.others.extend(gone.map(|place| Other {
        name: format!("template {}", place.path()),
        what: Gone::Template(place.clone()),
    }));
    for (place, source) in wanted {
        let before = present.get(&place);
        if before == Some(&source) {
            continue;
        }
        let mut lines = Vec::new();
        if let Some(before) = before {
            for hunk in hunks(&Lines::open(before), &Lines::open(&source)) {
                for line in hunk.lines {
                    let mark = match line.kind {
                        LineKind::Equal => ' ',
                        LineKind::Insert => '+',
                        LineKind::Delete => '-',
                    };
                    lines.push(format!("{mark} {}", line.text));
                }
            }
        }
        found.changes.push(FileChange {
            name: format!("template {}", place.path()),
            is_new: before.is_none(),
            lines,
            what: What::Template(place, source),
        });
    }
}

fn compare_devices(
    session: &Session,
    found: &mut Difference,
    wanted: BTreeMap<Mac, Device>,
    present: &BTreeMap<Mac, Device>,
) -> Result<(), Failure> {
    let gone = present.keys().filter(|mac| !wanted.contains_key(*mac));
    found.others.extend(gone.map(|mac| Other {
        name: format!("device {}", mac.upper()),
        what: Gone::Device(*mac),
    }));
    // Rows that look the same and have secrets that only the installation can compare.
    let mut asked: Vec<(Mac, Value)> = Vec::new();
    for (mac, device) in wanted {
        let before = present.get(&mac);
        let none = Layer::new();
        let was = before.map_or(&none, |before| &before.settings);
        let settings = compare_settings(&device.settings, was)?;
        let mut lines = device_lines(&device, before);
        lines.extend(settings.lines);
        let body = settings.body;
        let mut row = json!({"mac": mac.upper(), "model": device.model, "label": device.label, "settings": body});
        if let (Some(site), Some(fields)) = (&device.site, row.as_object_mut()) {
            fields.insert("site_name".to_owned(), Value::from(site.as_str()));
        }
        let leaves = device.site.is_none() && before.is_some_and(|before| before.site.is_some());
        if before.is_none() || !lines.is_empty() {
            found.changes.push(FileChange {
                name: format!("device {}", mac.upper()),
                is_new: before.is_none(),
                lines,
                what: What::Device(mac, row, leaves),
            });
        } else if settings.has_references {
            asked.push((mac, row));
        }
    }
    for step in asked.chunks(MAX_ROWS) {
        let rows: Vec<&Value> = step.iter().map(|(_, row)| row).collect();
        let call = session
            .call(Operation::PutDevices, &[])?
            .with(json!({"devices": rows}))
            .asking("dry_run", "true")
            .repeatable();
        let answer = session.client.call(&call)?.json()?;
        let items = field(&answer, "items").as_array().into_iter().flatten();
        for ((mac, row), item) in step.iter().zip(items) {
            if text(item, "outcome") != "unchanged" {
                found.changes.push(FileChange {
                    name: format!("device {}", mac.upper()),
                    is_new: false,
                    lines: vec!["~ a secret differs".to_owned()],
                    what: What::Device(*mac, row.clone(), false),
                });
            }
        }
    }
    Ok(())
}

fn device_lines(device: &Device, before: Option<&Device>) -> Vec<String> {
    let mut lines = Vec::new();
    let site = |device: &Device| device.site.clone().unwrap_or_default();
    let fields = [
        (
            "model",
            device.model.clone(),
            before.map(|it| it.model.clone()),
        ),
        ("site", site(device), before.map(site)),
        (
            "label",
            device.label.clone(),
            before.map(|it| it.label.clone()),
        ),
    ];
    for (name, value, was) in fields {
        match was {
            Some(was) if was == value => {}
            Some(was) => lines.push(format!("~ {name} = {was:?} → {value:?}")),
            None if value.is_empty() => {}
            None => lines.push(format!("+ {name} = {value:?}")),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::super::fleet::Secret;
    use super::*;

    fn text(value: &str) -> Setting {
        Setting::Text(value.to_owned())
    }

    #[test]
    fn settings_differ_by_what_can_be_seen() {
        let present = Layer::from([
            ("same".into(), text("1")),
            ("other".into(), text("a\nb")),
            ("gone".into(), text("x")),
            ("pin".into(), Setting::kept()),
            ("password".into(), Setting::kept()),
        ]);
        let wanted = Layer::from([
            ("same".into(), text("1")),
            ("other".into(), text("c")),
            ("fresh".into(), text("2")),
            ("pin".into(), Setting::kept()),
            (
                "password".into(),
                Setting::Secret(Secret {
                    secret: "command:printf Harbour-77".into(),
                }),
            ),
            ("missing".into(), Setting::kept()),
        ]);
        let Compared {
            lines,
            body,
            has_references,
        } = compare_settings(&wanted, &present).unwrap();
        assert!(has_references);
        assert_eq!(body["pin"], json!({"keep": true}));
        assert_eq!(body["password"], json!({"secret": "Harbour-77"}));
        assert!(!body.contains_key("gone"));
        insta::assert_snapshot!(lines.join("\n"), @r#"
        + fresh = "2"
        - gone = "x"
        + missing = (secret), which the installation does not have: say where it is
        ~ other = "a\nb" → "c"
        "#);
    }

    #[test]
    fn options_that_the_file_leaves_out_stay() {
        let present =
            json!({"a": 1, "urls": {"initial": {"plain": ["x"]}, "standard": {"plain": ["y"]}}});
        let wanted = json!({"urls": {"initial": {"plain": ["z"]}}});
        assert_eq!(
            over(&present, &wanted),
            json!({"a": 1, "urls": {"initial": {"plain": ["z"]}, "standard": {"plain": ["y"]}}})
        );
        assert_eq!(over(&present, &json!({})), present);
    }
}
