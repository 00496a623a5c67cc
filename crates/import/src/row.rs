//! One row: a device, or what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_provision::layers::{LayerSettings, Value, check_name, check_setting};
use ringfence_provision::mac::Mac;
use ringfence_provision::secret::SecretString;

use crate::MAX_CELL;
use crate::cell::{self, unguarded};
use crate::column::{Meaning, Target};
use crate::error::Refusal;
use crate::header::{Column, Header};
use crate::table::Wishes;

/// The longest label and the longest name of a site, in characters.
const MAX_NAME: usize = 100;

/// The longest name of a model.
const MAX_MODEL: usize = 32;

/// A row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line that it begins at, counted from 1 in the file as it came.
    pub line: u64,
    pub outcome: RowOutcome,
}

/// What a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowOutcome {
    Device(Box<Device>),
    /// It has no MAC: an extension without a phone, or nothing at all.
    NoPhone,
    Refused(Refusal),
}

/// A device as a row says it. What the row does not say is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub mac: Mac,
    pub model: Option<String>,
    /// The family of the model.
    pub family: Option<String>,
    /// The name of its site.
    pub site: Option<String>,
    pub label: Option<String>,
    pub settings: LayerSettings,
    /// Names of secrets that the device had where the file was made, and whose values the file does not have.
    pub secrets: BTreeSet<String>,
}

/// Reads a row. The MAC of an earlier one is for the caller to know.
pub(crate) fn read(cells: &csv::StringRecord, header: &Header, wishes: &Wishes) -> RowOutcome {
    match device(cells, header, wishes) {
        Ok(Some(device)) => RowOutcome::Device(Box::new(device)),
        Ok(None) => RowOutcome::NoPhone,
        Err(refusal) => RowOutcome::Refused(refusal),
    }
}

fn device(
    cells: &csv::StringRecord,
    header: &Header,
    wishes: &Wishes,
) -> Result<Option<Device>, Refusal> {
    check_size(cells, header)?;
    let mac = cells.get(header.mac).and_then(unguarded).map(str::trim);
    let Some(mac) = mac.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let mut device = Device {
        mac: cell::mac(mac)?,
        model: None,
        family: None,
        site: None,
        label: None,
        settings: LayerSettings::new(),
        secrets: BTreeSet::new(),
    };
    let lines = lines(cells, header)?;
    let mut person = Vec::new();
    for (column, value) in filled(cells, header) {
        match &column.meaning {
            Some(Meaning::Given(target)) => given(&mut device, column, target, value)?,
            Some(Meaning::Template) => device.model = Some(model(column, of_template(value))?),
            Some(Meaning::Person) => person.push(value),
            Some(Meaning::Line { part, group }) => {
                let number = lines.get(group).copied().unwrap_or(*group);
                let name = format!("line_{number}_{part}");
                set(&mut device.settings, column, &Target::setting(&name), value)?;
            }
            Some(Meaning::LineNumber { .. }) | None => {}
        }
    }
    name_after(&mut device, &person)?;
    device.model = device.model.or_else(|| wishes.model.clone());
    device.site = device.site.or_else(|| wishes.site.clone());
    Ok(Some(device))
}

/// The cells with something in them, each with its column.
fn filled<'a>(
    cells: &'a csv::StringRecord,
    header: &'a Header,
) -> impl Iterator<Item = (&'a Column, &'a str)> {
    let pairs = header.columns.iter().zip(cells.iter());
    pairs.filter_map(|(column, cell)| Some((column, unguarded(cell)?)))
}

fn check_size(cells: &csv::StringRecord, header: &Header) -> Result<(), Refusal> {
    let columns = header.columns.len();
    let filled = cells.iter().enumerate().skip(columns);
    let last = filled.filter(|(_, cell)| !cell.trim().is_empty()).last();
    if let Some((last, _)) = last {
        return Err(Refusal::Wide {
            cells: last + 1,
            columns,
        });
    }
    let long = header
        .columns
        .iter()
        .zip(cells.iter())
        .find(|(_, cell)| cell.len() > MAX_CELL);
    match long {
        Some((column, _)) => Err(Refusal::LongCell {
            column: column.shown.clone(),
        }),
        None => Ok(()),
    }
}

/// The number that the line of each group of columns has, where the row says it.
fn lines(cells: &csv::StringRecord, header: &Header) -> Result<BTreeMap<u16, u16>, Refusal> {
    let mut numbers = BTreeMap::new();
    let mut used = BTreeSet::new();
    for (column, value) in filled(cells, header) {
        match column.meaning {
            Some(Meaning::LineNumber { group }) => {
                let number = value
                    .parse()
                    .ok()
                    .filter(|number| (1..=255).contains(number));
                let number = number.ok_or_else(|| Refusal::LineNumber {
                    column: column.shown.clone(),
                })?;
                numbers.insert(group, number);
            }
            Some(Meaning::Line { group, .. }) => {
                used.insert(group);
            }
            _ => {}
        }
    }
    let mut taken = BTreeSet::new();
    for group in used {
        let number = numbers.get(&group).copied().unwrap_or(group);
        if !taken.insert(number) {
            return Err(Refusal::LineTwice(number));
        }
    }
    Ok(numbers)
}

fn given(
    device: &mut Device,
    column: &Column,
    target: &Target,
    value: &str,
) -> Result<(), Refusal> {
    match target {
        Target::Model => device.model = Some(model(column, value)?),
        Target::Family => device.family = Some(line(column, value, MAX_MODEL)?),
        Target::Site => device.site = Some(line(column, value, MAX_NAME)?),
        Target::Label => device.label = Some(line(column, value, MAX_NAME)?),
        Target::Secrets => {
            let names = value
                .split_whitespace()
                .filter(|name| check_name(name).is_ok());
            device.secrets.extend(names.map(str::to_owned));
        }
        Target::Setting { .. } => set(&mut device.settings, column, target, value)?,
        Target::Mac | Target::Ignore => {}
    }
    Ok(())
}

fn set(
    settings: &mut LayerSettings,
    column: &Column,
    target: &Target,
    text: &str,
) -> Result<(), Refusal> {
    let Target::Setting { name, secret } = target else {
        return Ok(());
    };
    let value = match secret {
        true => Value::Secret(SecretString::new(text)),
        false => Value::Text(text.to_owned()),
    };
    check_setting(name, &value).map_err(|error| Refusal::Setting {
        column: column.shown.clone(),
        why: error.to_string(),
    })?;
    settings.insert(name.clone(), value);
    Ok(())
}

fn line(column: &Column, value: &str, most: usize) -> Result<String, Refusal> {
    if value.chars().count() > most || value.chars().any(char::is_control) {
        return Err(Refusal::Text {
            column: column.shown.clone(),
            most,
        });
    }
    Ok(value.to_owned())
}

fn model(column: &Column, value: impl AsRef<str>) -> Result<String, Refusal> {
    line(column, value.as_ref(), MAX_MODEL)
}

/// The model of `folder/model`, or of `Vendor Model`. Folders of templates are written in small letters, names of
/// models mostly in capitals.
fn of_template(value: &str) -> String {
    match value.rsplit_once('/') {
        Some((_, model)) => model.to_uppercase(),
        None => value.rsplit(' ').next().unwrap_or_default().to_owned(),
    }
}

/// Names a device after whoever has it, where nothing else names it.
fn name_after(device: &mut Device, parts: &[&str]) -> Result<(), Refusal> {
    if parts.is_empty() {
        return Ok(());
    }
    let name = parts.join(" ");
    let column = Column {
        shown: "name".to_owned(),
        meaning: None,
    };
    if device.label.is_none() {
        device.label = Some(line(&column, &name, MAX_NAME)?);
    }
    const SHOWN: &str = "line_1_display_name";
    let has_line = device.settings.contains_key("line_1_user");
    if has_line && !device.settings.contains_key(SHOWN) {
        set(
            &mut device.settings,
            &column,
            &Target::setting(SHOWN),
            &name,
        )?;
    }
    Ok(())
}
