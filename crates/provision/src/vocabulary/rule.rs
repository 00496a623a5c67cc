//! How a family says a setting of the vocabulary: data of its vendor's folder.

use std::collections::BTreeMap;

use super::kind::{or, split_port, whole};
use crate::zone;

/// One parameter that a setting becomes.
///
/// Of several rules for one parameter the first counts whose setting is there: so a line's authentication
/// user is its user where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The setting, as [`SETTINGS`](super::SETTINGS) writes it.
    pub setting: &'static str,
    /// The parameter.
    pub parameter: Name,
    /// How its value is written.
    pub value: Encoding,
    /// Which models the rule is for.
    pub models: Models,
    /// Whether a setting of the phone is said of each of its lines: of line 1, and of any other that has a user.
    pub of_lines: bool,
    /// The setting of the phone that the rule's gives way to, where both are there and that one can be said: of this one
    /// nothing is written then.
    pub unless: Option<&'static str>,
}

/// Some models of a family, by what stands anywhere in their names, in capitals.
#[derive(Clone, Copy, Debug)]
pub enum Models {
    /// All.
    All,
    /// These alone.
    Only(&'static [&'static str]),
    /// All but these.
    Except(&'static [&'static str]),
}

impl Models {
    /// Whether a model, as its name in capitals, is one of them.
    pub(super) fn has(self, model: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(parts) => parts.iter().any(|part| model.contains(part)),
            Self::Except(parts) => !parts.iter().any(|part| model.contains(part)),
        }
    }
}

impl Rule {
    /// The rule for these models alone.
    #[must_use]
    pub const fn only(self, models: &'static [&'static str]) -> Self {
        let models = Models::Only(models);
        Self { models, ..self }
    }

    /// The rule for all models but these.
    #[must_use]
    pub const fn except(self, models: &'static [&'static str]) -> Self {
        let models = Models::Except(models);
        Self { models, ..self }
    }

    /// The rule for each of the phone's lines; see [`Rule::of_lines`].
    #[must_use]
    pub const fn of_lines(self) -> Self {
        let of_lines = true;
        Self { of_lines, ..self }
    }

    const fn new(setting: &'static str, parameter: Name, value: Encoding) -> Self {
        Self {
            setting,
            parameter,
            value,
            models: Models::All,
            of_lines: false,
            unless: None,
        }
    }
}

/// The name of a parameter, as an operator would write it behind `standard_`.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// The same for all. For a numbered setting: of number 1 alone.
    One(&'static str),
    /// The same but for the number in its place, and how many numbers there are: `{n}` counted from 1, `{z}` counted
    /// from 0, `{5}` in five digits.
    Each(&'static str, u16),
    /// One name for each number, from 1; an empty one is not known.
    Table(&'static [&'static str]),
    /// A word and a number that grows by equal steps.
    Runs(&'static Runs),
}

/// The word before a number, and the numbers.
#[derive(Debug)]
pub struct Runs(pub &'static str, pub &'static [Run]);

/// The numbers of some lines or keys that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The first line or key.
    pub from: u16,
    /// The last one.
    pub to: u16,
    /// The number in the name of the first one's parameter.
    pub first: u32,
    /// By how much it grows.
    pub step: u32,
    /// Which models have them.
    pub models: Models,
}

impl Run {
    /// Lines or keys, the number of the first one's parameter, and by how much that grows.
    pub const fn new(from: u16, to: u16, first: u32, step: u32) -> Self {
        Self {
            from,
            to,
            first,
            step,
            models: Models::All,
        }
    }

    /// The same of these models alone.
    #[must_use]
    pub const fn only(self, models: &'static [&'static str]) -> Self {
        let models = Models::Only(models);
        Self { models, ..self }
    }

    /// The same of all models but these.
    #[must_use]
    pub const fn except(self, models: &'static [&'static str]) -> Self {
        let models = Models::Except(models);
        Self { models, ..self }
    }

    fn at(self, number: u16) -> Option<u32> {
        let behind = number.checked_sub(self.from)?;
        let grown = self.step.saturating_mul(behind.into());
        (number <= self.to).then(|| self.first.saturating_add(grown))
    }
}

/// What becomes of a value: the parameter's text, or nothing where the parameter is left out.
///
/// An error says why the setting cannot have the value for these phones, without the value.
pub type Written = Result<Option<String>, String>;

/// How a value is written. It is one of its [kind](super::Kind) already.
#[derive(Clone, Copy, Debug)]
pub enum Encoding {
    /// As it is.
    AsIs,
    /// This, whatever the value is, if there is one.
    Fixed(&'static str),
    /// The vendor's word for each of ours.
    Choice(&'static [(&'static str, &'static str)]),
    /// The same of a language or a country, in any case. A language that is not there with its region counts without.
    Word(&'static [(&'static str, &'static str)]),
    /// The vendor's words for yes and no.
    Flag(&'static str, &'static str),
    /// A number of other units: multiplied by the first, divided by the second and rounded up.
    Units(u32, u32),
    /// A number within these bounds, which are narrower than the vocabulary's.
    Within(u32, u32),
    /// A text of characters that the phone takes.
    Chars(&'static Chars),
    /// Nothing of its own: it is a part of the value that another setting writes into the parameter.
    Joined,
    /// Nothing: all lines of these phones have what line 1 has. Of another line it is expressed only if it is the
    /// same.
    AsLine1,
    /// Of a time zone: the vendor's words for one that has summer time, and for one that has none.
    SummerTime(&'static str, &'static str),
    /// What a function makes of it, from this and from other settings.
    With(fn(&Reading<'_>) -> Written),
}

/// A text of characters that the phone takes, within these lengths in characters.
#[derive(Debug)]
pub struct Chars {
    /// Which characters.
    pub allowed: fn(char) -> bool,
    /// The fewest.
    pub min: usize,
    /// The most.
    pub max: usize,
    /// What they are, in words that follow "at most 20", for example.
    pub says: &'static str,
}

/// A setting that is being written, among the others.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    pub(super) value: &'a str,
    pub(super) number: Option<u16>,
    pub(super) others: &'a BTreeMap<&'a str, String>,
}

impl Reading<'_> {
    /// The value.
    pub fn value(&self) -> &str {
        self.value
    }

    /// The number of the line or key; 1 where there is none.
    pub fn number(&self) -> u16 {
        self.number.unwrap_or(1)
    }

    /// Another setting of the same line or key, or of the phone: `{n}` is replaced by the number.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = name.replace("{n}", &self.number().to_string());
        let found = self.others.get(name.as_str())?;
        Some(found.as_str())
    }

    /// The same setting, or another, of line or key 1.
    pub fn of_line_1(&self, name: &str) -> Option<&str> {
        self.others
            .get(name.replace("{n}", "1").as_str())
            .map(String::as_str)
    }

    /// How the zone of a [`Kind::Zone`](super::Kind::Zone) keeps time.
    ///
    /// # Errors
    /// There is no such zone, or it keeps to no rule for years to come: a phone would show a wrong time.
    pub fn zone(&self) -> Result<&'static zone::Rule, String> {
        let Some(found) = zone::find(self.value) else {
            let meant = zone::nearest(self.value);
            let meant = meant.map_or(String::new(), |name| format!("; {name} may be meant"));
            return Err(format!("there is no time zone of that name{meant}"));
        };
        found
            .rule
            .check(years_from_now())
            .map_err(|error| error.to_string())?;
        Ok(found.rule)
    }

    /// A host with the port of the line, if it has one.
    pub fn with_port(&self, host: &str) -> String {
        match self.get("line_{n}_port") {
            Some(port) if host.contains(':') && !host.starts_with('[') => {
                format!("[{host}]:{port}")
            }
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The host of a `host:port`, without brackets; the whole of a host.
    pub fn host(&self) -> &str {
        let host = split_port(self.value).map_or(self.value, |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port of a `host:port`.
    pub fn port(&self) -> Option<&str> {
        split_port(self.value).and_then(|(_, port)| port)
    }
}

/// What a zone may take to keep to its rule, counted from the release of the table: governments announce a last
/// exception for this year or the next.
const YEARS: u64 = 3;

fn years_from_now() -> u64 {
    const YEAR: u64 = 365 * 24 * 3_600_000;
    let year: u64 = zone::TZDATA
        .get(..4)
        .and_then(|it| it.parse().ok())
        .unwrap_or(2026);
    (year.saturating_sub(1970) + YEARS) * YEAR
}

/// A parameter of the phone, or of line or key 1 alone.
pub const fn one(setting: &'static str, parameter: &'static str, value: Encoding) -> Rule {
    Rule::new(setting, Name::One(parameter), value)
}

/// A parameter of each of `count` lines or keys; see [`Name::Each`].
pub const fn each(
    setting: &'static str,
    parameter: &'static str,
    count: u16,
    value: Encoding,
) -> Rule {
    Rule::new(setting, Name::Each(parameter, count), value)
}

/// A parameter whose names follow no formula; see [`Name::Table`].
pub const fn table(
    setting: &'static str,
    parameters: &'static [&'static str],
    value: Encoding,
) -> Rule {
    Rule::new(setting, Name::Table(parameters), value)
}

/// Parameters with numbers in their names; see [`Name::Runs`].
pub const fn runs(setting: &'static str, numbers: &'static Runs, value: Encoding) -> Rule {
    Rule::new(setting, Name::Runs(numbers), value)
}

/// A parameter of phones that fetch their files at a time of day or after an interval and not both: with both settings the
/// time of day counts, where it can be said.
pub const fn interval(parameter: &'static str, value: Encoding) -> Rule {
    let unless = Some("resync_time");
    let rule = one("provisioning_interval", parameter, value);
    Rule { unless, ..rule }
}

/// For [`Encoding::With`]: a line's host with the line's port, as `host` or `host:port`.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn host_and_port(reading: &Reading<'_>) -> Written {
    Ok(Some(reading.with_port(reading.value())))
}

/// For [`Encoding::With`]: the port of a line's registrar where its proxy has one, too, because it has no proxy of
/// its own.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn port_unless_proxy(reading: &Reading<'_>) -> Written {
    let own = reading.get("line_{n}_proxy").is_none();
    Ok(own.then(|| reading.value().to_owned()))
}

/// For [`Encoding::With`]: the host of a `host:port`, without brackets.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn host_alone(reading: &Reading<'_>) -> Written {
    Ok(Some(reading.host().to_owned()))
}

/// For [`Encoding::With`]: the host of a `host:port`, where the family has no parameter for its port.
///
/// # Errors
/// There is a port.
pub fn host_without_port(reading: &Reading<'_>) -> Written {
    match reading.port() {
        Some(_) => Err("of these phones no port of the server is known: leave it out".to_owned()),
        None => host_alone(reading),
    }
}

/// For [`Encoding::With`]: the port of a `host:port`; without one the parameter is left out.
///
/// # Errors
/// None.
#[allow(clippy::unnecessary_wraps)]
pub fn port_alone(reading: &Reading<'_>) -> Written {
    Ok(reading.port().map(str::to_owned))
}

impl Name {
    /// The parameter of a number; `None` where the model, as its name in capitals, has no more.
    pub(super) fn of(self, number: Option<u16>, model: &str) -> Option<String> {
        let number = number.unwrap_or(1);
        match self {
            Self::One(name) => (number == 1).then(|| name.to_owned()),
            Self::Each(pattern, count) => (number <= count).then(|| {
                pattern
                    .replace("{n}", &number.to_string())
                    .replace("{z}", &number.saturating_sub(1).to_string())
                    .replace("{5}", &format!("{number:05}"))
            }),
            Self::Table(names) => {
                let name = names.get(usize::from(number).checked_sub(1)?)?;
                (!name.is_empty()).then(|| (*name).to_owned())
            }
            Self::Runs(Runs(before, runs)) => {
                let mut runs = runs.iter().filter(|run| run.models.has(model));
                let found = runs.find_map(|run| run.at(number))?;
                Some(format!("{before}{found}"))
            }
        }
    }

    /// How many numbers there are.
    pub fn count(self) -> u16 {
        match self {
            Self::One(_) => 1,
            Self::Each(_, count) => count,
            Self::Table(names) => u16::try_from(names.len()).unwrap_or(u16::MAX),
            Self::Runs(Runs(_, runs)) => runs.iter().map(|run| run.to).max().unwrap_or_default(),
        }
    }

    /// As the table for people writes it.
    pub fn shown(self) -> String {
        match self {
            Self::One(name) => name.to_owned(),
            Self::Each(pattern, _) => pattern
                .replace("{z}", "{n - 1}")
                .replace("{5}", "{n in five digits}"),
            Self::Table(names) => {
                let names: Vec<&str> = names.iter().copied().filter(|it| !it.is_empty()).collect();
                names.join(", ")
            }
            Self::Runs(Runs(before, runs)) => {
                let of = |run: &Run| {
                    let last = run.at(run.to).unwrap_or(run.first);
                    match last == run.first {
                        true => format!("{before}{last}"),
                        false => format!("{before}{} to {before}{last}", run.first),
                    }
                };
                runs.iter().map(of).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Encoding {
    /// Whether the setting's value is in what it writes; otherwise it is the same for all values, or another setting's.
    pub(super) fn carries(self) -> bool {
        !matches!(self, Self::Fixed(_) | Self::Joined | Self::AsLine1)
    }

    pub(super) fn write(self, reading: &Reading<'_>) -> Written {
        let value = reading.value();
        Ok(Some(match self {
            Self::AsIs => value.to_owned(),
            Self::Fixed(fixed) => fixed.to_owned(),
            Self::Choice(words) => {
                let found = words.iter().find(|(ours, _)| *ours == value);
                found.ok_or_else(|| these_alone(words))?.1.to_owned()
            }
            Self::Word(words) => {
                let of = |word: &str| {
                    let mut words = words.iter();
                    words.find(|(ours, _)| ours.eq_ignore_ascii_case(word))
                };
                let found = of(value).or_else(|| of(value.split_once('-')?.0));
                found.ok_or_else(|| these_alone(words))?.1.to_owned()
            }
            Self::Flag(yes, no) => if value == "yes" { yes } else { no }.to_owned(),
            Self::Units(times, per) => {
                let number = whole(value).unwrap_or_default();
                number
                    .saturating_mul(times)
                    .div_ceil(per.max(1))
                    .to_string()
            }
            Self::Within(min, max) => match whole(value) {
                Some(number) if (min..=max).contains(&number) => value.to_owned(),
                _ => return Err(format!("these phones take {min} to {max}")),
            },
            Self::Chars(Chars {
                allowed,
                min,
                max,
                says,
            }) => {
                let length = value.chars().count();
                if !(*min..=*max).contains(&length) || !value.chars().all(allowed) {
                    let many = if *min == 0 {
                        format!("at most {max}")
                    } else {
                        format!("{min} to {max}")
                    };
                    return Err(format!("these phones take {many} {says}"));
                }
                value.to_owned()
            }
            Self::AsLine1 | Self::Joined => return Ok(None),
            Self::SummerTime(with, without) => match reading.zone()?.saving {
                Some(_) => with,
                None => without,
            }
            .to_owned(),
            Self::With(write) => return write(reading),
        }))
    }
}

pub(super) fn these_alone(words: &[(&str, &str)]) -> String {
    let known: Vec<&str> = words.iter().map(|(ours, _)| *ours).collect();
    format!(
        "these phones know {} alone",
        or(&known).replace(" or ", " and ")
    )
}
