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
    /// What is in no parameter though the family has one for it, by name: [wishes](Setting::wish) that there is no word for
    /// or that [give way](Rule::unless) to another, settings whose parameters others have taken, and what belongs to a key
    /// that is not said to do anything.
    pub unsaid: Vec<WrongValue>,
    /// Settings of the phone that are said of some of its lines and cannot be said of others, by name.
    pub partly: Vec<WrongValue>,
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
    let mut made = Made::default();
    let mut unsaid = unsaid(&rules, &by_setting, &lines, &read, &model);
    for rule in &rules {
        for one in by_setting.get(rule.setting).into_iter().flatten() {
            if unsaid.contains_key(one.name) {
                made.said.insert(one.name);
                continue;
            }
            for (number, name) in names(rule, one, &lines, &model) {
                made.apply(rule, one, number, name, &read.values)?;
            }
        }
    }
    made.leave_out_taken();
    let written: BTreeSet<&str> = made.parameters.values().map(|it| it.setting).collect();
    let mut joined = Vec::new();
    for one in &read.present {
        let is_told = written.contains(one.name) || unsaid.contains_key(one.name);
        if is_told || !made.said.contains(one.name) {
            continue;
        }
        match made.why_not(one, &read) {
            Some(reason) => {
                unsaid.insert(one.name, wrong(one.name, reason));
            }
            None => joined.push((one.name, one.layer, one.secret)),
        }
    }
    let names = read.present.iter().map(|one| one.name);
    Ok(Translation {
        joined,
        left_out: names.filter(|name| !made.said.contains(name)).collect(),
        unsaid: unsaid.into_values().collect(),
        partly: partly(&rules, &by_setting, &read, &model),
        parameters: made.parameters,
    })
}

/// What rules have made of settings, by their names.
#[derive(Default)]
struct Made<'a> {
    parameters: BTreeMap<String, Translated<'a>>,
    /// Those that the family has a parameter for.
    said: BTreeSet<&'a str>,
    /// Those whose value is in a parameter.
    whole: BTreeSet<&'a str>,
    /// Those that are a part of what others write.
    part: BTreeSet<&'a str>,
    /// Those of another line that are to be as line 1 has them.
    as_line_1: BTreeSet<&'a str>,
    /// Those whose parameter has another value, and the setting that it is from.
    taken: BTreeMap<&'a str, &'a str>,
}

impl<'a> Made<'a> {
    /// Applies a rule to a setting: of several for one parameter the first counts.
    fn apply(
        &mut self,
        rule: &Rule,
        one: &Present<'a>,
        number: Option<u16>,
        parameter: String,
        values: &BTreeMap<&str, String>,
    ) -> Result<(), WrongValue> {
        match rule.value {
            Encoding::AsLine1 if is_as_line_1(one, values) => {
                self.said.insert(one.name);
                self.as_line_1.insert(one.name);
            }
            Encoding::AsLine1 => {}
            Encoding::Joined => {
                self.said.insert(one.name);
                self.part.insert(one.name);
            }
            _ => {
                self.said.insert(one.name);
            }
        }
        let written = write(rule, one, number, values);
        let carries = rule.value.carries();
        let Some(first) = self.parameters.get(&parameter) else {
            if let Some(own) = written? {
                self.parameters.insert(parameter, own);
                if carries {
                    self.whole.insert(one.name);
                }
            }
            return Ok(());
        };
        match written {
            Ok(None) => {}
            _ if !carries || first.setting == one.name => {}
            Ok(Some(own)) if is_in(first, &own, one.setting.kind) => {
                self.whole.insert(one.name);
            }
            _ => {
                self.taken.entry(one.name).or_insert(first.setting);
            }
        }
        Ok(())
    }

    /// A setting is taken if its value is in none of its parameters. Then those that are the same for all values are of no
    /// use, either.
    fn leave_out_taken(&mut self) {
        self.taken.retain(|name, _| !self.whole.contains(name));
        self.parameters
            .retain(|_, it| !self.taken.contains_key(it.setting));
    }

    /// Why a setting that is in no parameter of its own is not said to the phone, if it is not.
    fn why_not(&self, one: &Present<'_>, read: &Read<'_>) -> Option<String> {
        // What is to be as line 1 has it is not said where that of line 1 is not.
        let first = one.setting.name.replace("{n}", "1");
        let of_line_1 = || {
            let follows = self.as_line_1.contains(one.name);
            self.taken.get(first.as_str()).filter(|_| follows)
        };
        if let Some(by) = self.taken.get(one.name).or_else(of_line_1) {
            return Some(format!(
                "these phones have one parameter for it, and {by} is in it"
            ));
        }
        let is_part = [&self.whole, &self.part, &self.as_line_1];
        let is_part = is_part.iter().any(|some| some.contains(one.name));
        of_no_use(one, read, is_part).map(str::to_owned)
    }
}

/// Whether what a rule would write is in the parameter already. Hosts have no case.
fn is_in(first: &Translated<'_>, own: &Translated<'_>, kind: Kind) -> bool {
    let (there, own) = (first.value.expose(), own.value.expose());
    match kind {
        Kind::Host | Kind::HostPort => there.eq_ignore_ascii_case(own),
        _ => there == own,
    }
}

/// The settings of the phone for which the family has a parameter of some lines and none of others that have a user.
fn partly(
    rules: &[&Rule],
    by_setting: &BTreeMap<&str, Vec<&Present<'_>>>,
    read: &Read<'_>,
    model: &str,
) -> Vec<WrongValue> {
    let reaches = |setting: &str, number: Option<u16>| {
        let mut of_it = rules.iter().filter(|rule| rule.setting == setting);
        of_it.any(|rule| rule.parameter.of(number, model).is_some())
    };
    let of_lines: BTreeSet<&str> = rules
        .iter()
        .filter(|rule| rule.of_lines && by_setting.contains_key(rule.setting))
        .map(|rule| rule.setting)
        .collect();
    if of_lines.is_empty() {
        return Vec::new();
    }
    let users = read.present.iter().filter(|one| one.setting.name == USER);
    let mut lines: Vec<_> = users
        .map(|one| one.number)
        .filter(|number| reaches(USER, *number))
        .collect();
    lines.sort_unstable();
    let present = of_lines.into_iter().filter_map(|setting| {
        let [one] = by_setting.get(setting)?.as_slice() else {
            return None;
        };
        let beyond = lines.iter().filter(|number| !reaches(setting, **number));
        let beyond: Vec<String> = beyond
            .filter_map(|number| Some(number.as_ref()?.to_string()))
            .collect();
        let (last, others) = beyond.split_last()?;
        let lines = match others {
            [] => format!("line {last}"),
            others => format!("lines {} and {last}", others.join(", ")),
        };
        let reason = format!("no parameter of these phones is known for {lines}");
        Some(wrong(one.name, reason))
    });
    present.collect()
}

/// The wishes that the family has a parameter for and no word, and those that give way to another that has one: of such a one
/// nothing is written, lest half of it take the place of another setting's parameter.
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
    for rule in rules {
        let Some(other) = rule.unless.and_then(|other| by_setting.get(other)?.first()) else {
            continue;
        };
        let has_it = rules.iter().any(|it| it.setting == other.setting.name);
        if !has_it || unsaid.contains_key(other.name) {
            continue;
        }
        for one in by_setting.get(rule.setting).into_iter().flatten() {
            let reason = format!(
                "these phones fetch at a time of day or after an interval, and {} is set as well",
                other.name
            );
            unsaid
                .entry(one.name)
                .or_insert_with(|| wrong(one.name, reason));
        }
    }
    unsaid
}

/// Why a setting that is in no parameter of its own says nothing to a phone, if it does not: what its key does has no use for
/// it. `is_part` is whether it can be a part of another one's parameter. Where a layer takes the key back, it is idle on
/// purpose.
fn of_no_use(one: &Present<'_>, read: &Read<'_>, is_part: bool) -> Option<&'static str> {
    let kind = format!("key_{}_type", one.number?);
    let does = read.values.get(kind.as_str()).map(String::as_str);
    match (one.setting.name, does) {
        ("key_{n}_value", Some("line")) => Some("its key shows a line, which calls nothing"),
        ("line_{n}_label", Some(_)) if !is_part => {
            Some("the key of the line's number does something else")
        }
        (name, Some(_)) if name.starts_with("key_{n}_") && !is_part => {
            Some("what its key does has no use for it")
        }
        (name, None) if name.starts_with("key_{n}_") => {
            let is_idle = !read.taken_back.contains(kind.as_str());
            is_idle.then_some("its key is not said to do anything: set the type of the key as well")
        }
        _ => None,
    }
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
