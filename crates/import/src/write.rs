//! A table of devices, which reads back as it was.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use ringfence_provision::vocabulary;

use crate::cell::{guarded, is_secret_name};

/// A value of a setting, as a table may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportedValue {
    Text(String),
    /// There is one; the table does not have it.
    Secret,
}

/// A device as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportedDevice {
    /// Twelve hexadecimal digits.
    pub mac: String,
    pub model: String,
    pub family: String,
    /// The name of its site; empty for none.
    pub site: String,
    pub label: String,
    pub settings: BTreeMap<String, ExportedValue>,
}

/// Writes devices, one a row below a header. A column stands for each setting that one of them has, `secrets` for
/// the names of those that are not shown: secrets, and what is a secret by its name.
///
/// # Errors
/// None that memory can have: the writer's own type asks for it.
pub fn write(devices: &[ExportedDevice]) -> csv::Result<String> {
    // Spreadsheets want CRLF, as RFC 4180 does.
    let mut out = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let columns = columns(devices);
    let names = columns
        .iter()
        .map(|column| match vocabulary::find(column.0) {
            Some(_) => column.0.to_owned(),
            None => format!("setting:{}", column.0),
        });
    let fixed = ["mac", "model", "family", "site", "label", "secrets"].map(str::to_owned);
    out.write_record(fixed.into_iter().chain(names))?;
    for device in devices {
        let secrets: Vec<&str> = device
            .settings
            .iter()
            .filter(|(name, value)| shown(name, value).is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        let own = [&device.model, &device.family, &device.site, &device.label];
        let own = own.map(|text| {
            if text.is_empty() {
                String::new()
            } else {
                guarded(text)
            }
        });
        let settings = columns.iter().map(|column| {
            let value = device.settings.get(column.0);
            let value = value.and_then(|value| shown(column.0, value));
            value.map(guarded).unwrap_or_default()
        });
        let cells = std::iter::once(with_colons(&device.mac)).chain(own);
        out.write_record(cells.chain([secrets.join(" ")]).chain(settings))?;
    }
    let bytes = out.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What is shown of a setting.
fn shown<'a>(name: &str, value: &'a ExportedValue) -> Option<&'a str> {
    match value {
        ExportedValue::Text(text) if !is_secret_name(name) => Some(text),
        ExportedValue::Text(_) | ExportedValue::Secret => None,
    }
}

/// Names of settings in the order of their columns: numbers by their value.
struct Column<'a>(&'a str);

impl Ord for Column<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(self.0)
            .cmp(natural(other.0))
            .then(self.0.cmp(other.0))
    }
}

impl PartialOrd for Column<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Column<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Column<'_> {}

/// A name in pieces: each run of digits by its length and itself, the rest by letters.
fn natural(name: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_digit = |it: char| it.is_ascii_digit();
    let mut rest = name;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let digits = is_digit(first);
        let end = rest.find(|it| is_digit(it) != digits).unwrap_or(rest.len());
        let (piece, behind) = rest.split_at_checked(end)?;
        rest = behind;
        Some((if digits { piece.len() } else { 0 }, piece))
    })
}

fn columns(devices: &[ExportedDevice]) -> BTreeSet<Column<'_>> {
    let settings = devices.iter().flat_map(|device| &device.settings);
    settings
        .filter(|(name, value)| shown(name, value).is_some())
        .map(|(name, _)| Column(name))
        .collect()
}

/// A MAC that no spreadsheet takes for a number.
fn with_colons(mac: &str) -> String {
    let mut out = String::with_capacity(17);
    for (at, digit) in mac.chars().enumerate() {
        if at > 0 && at % 2 == 0 {
            out.push(':');
        }
        out.push(digit);
    }
    out
}
