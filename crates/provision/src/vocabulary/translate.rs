//! From settings of the vocabulary to parameters of a family.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Encoding, Reading, Rule};
use super::{Kind, Setting, find};
use crate::layers::{Layer, Layers, Value};

/// The parameters of a phone's settings.
#[derive(Debug, Default)]
pub struct Translation<'a> {
    /// The parameters, by name.
    pub parameters: BTreeMap<String, Translated<'a>>,
    /// Settings that are a part of what others write, with the layer whose value counted.
    pub joined: Vec<(&'a str, Layer, bool)>,
    /// Settings that the family has no parameter for, by name.
    pub left_out: Vec<&'a str>,
    /// [Wishes](Setting::wish) of which the family has a parameter and no word for the value, and what belongs to a key that
    /// is not said to do anything; by name.
    pub unsaid: Vec<WrongValue>,
}

/// The value of a parameter, and the setting that it is from.
pub struct Translated<'a> {
    /// The setting.
    pub setting: &'a str,
    /// The layer whose value counted.
    pub layer: Layer,
    /// The value, a secret where the setting is one.
    pub value: Value,
}

/// A value that a setting cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongValue {
    /// The setting.
    pub setting: String,
    /// Why not: a sentence without its end. It never shows the value.
    pub reason: String,
}

/// Without the value.
impl std::fmt::Debug for Translated<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.setting, self.layer)
    }
}

/// What makes a line one.
pub const USER: &str = "line_{n}_user";

/// A setting of the vocabulary that a phone has.
struct Present<'a> {
    name: &'a str,
    setting: &'static Setting,
    number: Option<u16>,
    layer: Layer,
    secret: bool,
}

/// The settings of the vocabulary that a phone has.
#[derive(Default)]
struct Read<'a> {
    present: Vec<Present<'a>>,
    /// Their values as rules see them, by name.
    values: BTreeMap<&'a str, String>,
    /// Those that a layer takes back from a weaker one.
    taken_back: BTreeSet<&'a str>,
}

/// Says the settings of the vocabulary in the parameters of a family's model.
///
/// # Errors
/// The first value that a setting cannot have, or that cannot be said to these phones and is no
/// [wish](Setting::wish); and a line that lacks what no line can do without.
pub fn translate<'a>(
    layers: &'a Layers,
    rules: &[Rule],
    model: &str,
) -> Result<Translation<'a>, WrongValue> {
    let read = read(layers)?;
    let model = model.to_ascii_uppercase();
    let rules: Vec<&Rule> = rules
        .iter()
        .filter(|rule| rule.models.has(&model))
        .collect();
    check_lines(&read, &rules, &model)?;
    let lines = lines(&read);
    let mut by_setting: BTreeMap<&str, Vec<&Present<'a>>> = BTreeMap::new();
    for one in &read.present {
        by_setting.entry(one.setting.name).or_default().push(one);
    }
    let mut parameters = BTreeMap::new();
    let mut said: BTreeSet<&str> = BTreeSet::new();
    let mut unsaid = unsaid(&rules, &by_setting, &lines, &read, &model);
    for rule in rules {
        for one in by_setting.get(rule.setting).into_iter().flatten() {
            if unsaid.contains_key(one.name) {
                said.insert(one.name);
                continue;
            }
            for (number, name) in names(rule, one, &lines, &model) {
                if !matches!(rule.value, Encoding::AsLine1) || is_as_line_1(one, &read.values) {
                    said.insert(one.name);
                }
                if !parameters.contains_key(&name)
                    && let Some(translated) = write(rule, one, number, &read.values)?
                {
                    parameters.insert(name, translated);
                }
            }
        }
    }
    let written: BTreeSet<&str> = parameters.values().map(|it| it.setting).collect();
    let is_joined = |one: &&Present<'_>| {
        said.contains(one.name) && !written.contains(one.name) && !unsaid.contains_key(one.name)
    };
    let (idle, joined): (Vec<_>, Vec<_>) = read
        .present
        .iter()
        .filter(is_joined)
        .partition(|one| is_of_idle_key(one, &read));
    for one in idle {
        let reason = "its key is not said to do anything: set the type of the key as well";
        unsaid.insert(one.name, wrong(one.name, reason));
    }
    let names = read.present.iter().map(|one| one.name);
    Ok(Translation {
        joined: joined
            .into_iter()
            .map(|one| (one.name, one.layer, one.secret))
            .collect(),
        left_out: names.filter(|name| !said.contains(name)).collect(),
        unsaid: unsaid.into_values().collect(),
        parameters,
    })
}

/// The wishes that the family has a parameter for and no word: of such a one nothing is written, lest half of it take the
/// place of another setting's parameter.
fn unsaid<'a>(
    rules: &[&Rule],
    by_setting: &BTreeMap<&str, Vec<&Present<'a>>>,
    lines: &[Option<u16>],
    read: &Read<'a>,
    model: &str,
) -> BTreeMap<&'a str, WrongValue> {
    let mut unsaid = BTreeMap::new();
    for rule in rules {
        let present = by_setting.get(rule.setting).into_iter().flatten();
        for one in present.filter(|one| one.setting.wish) {
            for (number, _) in names(rule, one, lines, model) {
                if let Err(wrong) = write(rule, one, number, &read.values) {
                    unsaid.entry(one.name).or_insert(wrong);
                }
            }
        }
    }
    unsaid
}

/// Whether a setting is of a key that no layer says anything to do. Where a layer takes the key back, it is idle on purpose.
fn is_of_idle_key(one: &Present<'_>, read: &Read<'_>) -> bool {
    let is_of = one.setting.name.starts_with("key_{n}_");
    let number = one.number.filter(|_| is_of);
    number.is_some_and(|number| {
        let kind = format!("key_{number}_type");
        !read.values.contains_key(kind.as_str()) && !read.taken_back.contains(kind.as_str())
    })
}

fn read(layers: &Layers) -> Result<Read<'_>, WrongValue> {
    let mut read = Read::default();
    for (name, (layer, value)) in layers.effective() {
        let Some((setting, number)) = find(name) else {
            continue;
        };
        // Of what is no text, nothing is no value: so a layer takes back what a weaker one says.
        if value.expose().is_empty() && setting.kind != Kind::Text {
            read.taken_back.insert(name);
            continue;
        }
        let text = setting
            .kind
            .read(value.expose())
            .map_err(|reason| wrong(name, reason))?;
        read.values.insert(name, text);
        read.present.push(Present {
            name,
            setting,
            number,
            layer,
            secret: value.is_secret(),
        });
    }
    Ok(read)
}

/// The parameters that a rule has for a setting: of its own number, or of each line.
fn names<'r>(
    rule: &'r Rule,
    one: &Present<'_>,
    lines: &'r [Option<u16>],
    model: &'r str,
) -> impl Iterator<Item = (Option<u16>, String)> + 'r {
    let own = (!rule.of_lines).then_some(one.number);
    let lines = if rule.of_lines { lines } else { &[] };
    let numbers = own.into_iter().chain(lines.iter().copied());
    numbers.filter_map(move |number| Some((number, rule.parameter.of(number, model)?)))
}

/// The numbers of line 1 and of each other that has a user.
fn lines(read: &Read<'_>) -> Vec<Option<u16>> {
    let users = read.present.iter().filter(|one| one.setting.name == USER);
    let others = users.map(|one| one.number).filter(|it| *it != Some(1));
    std::iter::once(Some(1)).chain(others).collect()
}

/// The parameter that a rule makes of a setting, if it makes one.
fn write<'a>(
    rule: &Rule,
    one: &Present<'a>,
    number: Option<u16>,
    values: &BTreeMap<&str, String>,
) -> Result<Option<Translated<'a>>, WrongValue> {
    let reading = Reading {
        value: values.get(one.name).map_or("", String::as_str),
        number,
        others: values,
    };
    let written = rule.value.write(&reading);
    let written = written.map_err(|reason| wrong(one.name, reason))?;
    Ok(written.map(|text| Translated {
        setting: one.name,
        layer: one.layer,
        value: match one.secret {
            true => Value::Secret(text.into()),
            false => Value::Text(text),
        },
    }))
}

fn is_as_line_1(one: &Present<'_>, values: &BTreeMap<&str, String>) -> bool {
    let first = one.setting.name.replace("{n}", "1");
    values.get(first.as_str()) == values.get(one.name)
}

/// Checks the lines that the family has.
fn check_lines(read: &Read<'_>, rules: &[&Rule], model: &str) -> Result<(), WrongValue> {
    let lines = read.present.iter().filter(|one| one.setting.name == USER);
    let has = |line: &&Present<'_>| {
        let mut of_user = rules.iter().filter(|rule| rule.setting == USER);
        of_user.any(|rule| rule.parameter.of(line.number, model).is_some())
    };
    lines
        .filter(has)
        .try_for_each(|line| complete(line, &read.values))
}

/// A line with a user needs a password and a place to register at. An empty password is one.
fn complete(line: &Present<'_>, values: &BTreeMap<&str, String>) -> Result<(), WrongValue> {
    let of_line = |what: &str| {
        let name = line.setting.name.replace("user", what);
        let name = name.replace("{n}", &line.number.unwrap_or(1).to_string());
        (values.contains_key(name.as_str()), name)
    };
    let (has_domain, domain) = of_line("domain");
    let (has_registrar, _) = of_line("registrar");
    let (has_password, password) = of_line("password");
    let missing = match (has_domain || has_registrar, has_password) {
        (false, _) => domain,
        (_, false) => password,
        _ => return Ok(()),
    };
    Err(wrong(
        line.name,
        format!("the line is not complete: set {missing} as well"),
    ))
}

fn wrong(setting: &str, reason: impl Into<String>) -> WrongValue {
    WrongValue {
        setting: setting.to_owned(),
        reason: reason.into(),
    }
}
