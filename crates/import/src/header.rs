//! The first line of a file: which column means what.

use std::collections::BTreeMap;

use ringfence_provision::mac::Mac;

use crate::MAX_COLUMNS;
use crate::column::{Mapping, Meaning, Target};
use crate::error::FileError;
use crate::system::{System, normal};

/// A column of which nothing is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Its number, counted from 1.
    pub number: usize,
    /// Its name, or `column 7` where that is none to be shown.
    pub name: String,
    /// Whether the operator said so.
    pub on_purpose: bool,
}

/// A column of a file.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Its name, as sentences may show it.
    pub(crate) shown: String,
    pub(crate) meaning: Option<Meaning>,
}

/// What the first line says.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) system: System,
    pub(crate) columns: Vec<Column>,
    pub(crate) ignored: Vec<Ignored>,
    /// The place of the MAC.
    pub(crate) mac: usize,
}

/// Reads the names of the columns.
pub(crate) fn read(names: &csv::StringRecord, mapping: &Mapping) -> Result<Header, FileError> {
    if names.len() > MAX_COLUMNS {
        return Err(FileError::Columns(names.len()));
    }
    if names.iter().any(|name| Mac::parse(name.trim()).is_ok()) {
        return Err(FileError::NoHeader);
    }
    let parts: Vec<(String, u16)> = names.iter().map(grouped).collect();
    let plain: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
    let system = System::of(&plain, names.get(0).unwrap_or_default());
    let mapped = mapped(names, mapping)?;
    let columns: Vec<Column> = names
        .iter()
        .zip(&parts)
        .enumerate()
        .map(|(at, (name, (plain, group)))| {
            let said = mapped
                .get(&at)
                .map(|target| Meaning::Given((*target).clone()));
            let own = || ours(name, system).map(Meaning::Given);
            Column {
                shown: shown(name, at),
                meaning: said.or_else(own).or_else(|| system.meaning(plain, *group)),
            }
        })
        .collect();
    let columns = without_doubles(columns)?;
    let is_mac = |column: &Column| column.meaning == Some(Meaning::Given(Target::Mac));
    let mac = columns
        .iter()
        .position(is_mac)
        .ok_or(FileError::NoMac(columns.len()))?;
    Ok(Header {
        system,
        ignored: ignored(&columns),
        columns,
        mac,
    })
}

/// What a name means that is ours. In a table of another system `Language` is that system's: there only names that
/// nobody else has are ours.
fn ours(name: &str, system: System) -> Option<Target> {
    let beginnings = ["setting:", "secret:", "line_", "key_"];
    let is_own = beginnings.iter().any(|it| name.trim().starts_with(it));
    let target = Target::parse(name).ok().flatten()?;
    let is_meant = system == System::Any || is_own;
    (is_meant && target != Target::Ignore).then_some(target)
}

/// The name of a column without its spelling, and the number of its group: `user_id|2` is of the second one.
fn grouped(name: &str) -> (String, u16) {
    let (name, group) = match name.trim().rsplit_once('|') {
        Some((before, number)) => match number.trim().parse() {
            Ok(group @ 1..=255) => (before, group),
            _ => (name, 1),
        },
        None => (name, 1),
    };
    (normal(name), group)
}

/// What the operator says, by the place of the column.
fn mapped<'a>(
    names: &csv::StringRecord,
    mapping: &'a Mapping,
) -> Result<BTreeMap<usize, &'a Target>, FileError> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (at, name) in names.iter().enumerate() {
        places.entry(name.trim().to_lowercase()).or_insert(at);
    }
    let found = mapping.columns.iter().map(|(name, target, line)| {
        let at = places.get(name).ok_or(FileError::NoSuchColumn(*line))?;
        Ok((*at, target))
    });
    found.collect()
}

/// Refuses two columns of one meaning. Where a system has several for the same, the first with a meaning counts.
fn without_doubles(columns: Vec<Column>) -> Result<Vec<Column>, FileError> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, column) in columns.iter().enumerate() {
        let Some(what) = column.meaning.as_ref().and_then(Meaning::alone) else {
            continue;
        };
        if let Some(first) = seen.insert(what.clone(), at + 1) {
            let second = at + 1;
            return Err(FileError::Twice {
                what,
                first,
                second,
            });
        }
    }
    Ok(columns)
}

fn ignored(columns: &[Column]) -> Vec<Ignored> {
    let none = |meaning: &Option<Meaning>| match meaning {
        None => Some(false),
        Some(Meaning::Given(Target::Ignore)) => Some(true),
        Some(_) => None,
    };
    let found = columns.iter().enumerate().filter_map(|(at, column)| {
        Some(Ignored {
            number: at + 1,
            name: column.shown.clone(),
            on_purpose: none(&column.meaning)?,
        })
    });
    found.collect()
}

/// The longest name of a column that is shown, in characters.
const MAX_SHOWN: usize = 60;

/// A name of a column, as a sentence may show it.
fn shown(name: &str, at: usize) -> String {
    let name = name.trim();
    let plain = |it: char| it.is_alphanumeric() || " _-.|#:/()".contains(it);
    if name.is_empty() || name.chars().count() > MAX_SHOWN || !name.chars().all(plain) {
        return format!("column {}", at + 1);
    }
    name.to_owned()
}
