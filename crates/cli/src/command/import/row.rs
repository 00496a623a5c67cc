//! One row: what the API is told of it, and what is said of it.

use std::io::Write as _;

use ringfence_import::Device;
use ringfence_provision::layers::Value as Setting;
use serde_json::{Map, Value, json};

use super::why;
use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::profile::write_private;
use crate::table;
use crate::words::{field, plain, text};

/// What became of a row, or would become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowVerdict {
    /// Its line in the file, counted from 1.
    pub line: u64,
    pub mac: String,
    /// `created`, `changed`, `unchanged`, `refused` or `no phone`.
    pub outcome: &'static str,
    /// Why it is refused, or what it still lacks.
    pub detail: String,
}

impl RowVerdict {
    /// A verdict that needs no installation.
    pub(super) fn own(line: u64, outcome: &'static str, detail: String) -> Self {
        Self {
            line,
            mac: String::new(),
            outcome,
            detail,
        }
    }

    /// A verdict of the API.
    pub(super) fn of(line: u64, device: &Device, answer: &Value) -> Self {
        let outcome = match text(answer, "outcome") {
            "created" => "created",
            "changed" => "changed",
            "unchanged" => "unchanged",
            _ => "refused",
        };
        let detail = match outcome {
            "refused" => why(answer),
            "created" => lacks(device),
            "changed" => changes(answer),
            _ => String::new(),
        };
        Self {
            line,
            mac: device.mac.upper(),
            outcome,
            detail,
        }
    }
}

/// What of a device becomes another, by name.
fn changes(answer: &Value) -> String {
    let names = field(answer, "changes").as_array().into_iter().flatten();
    let names: Vec<&str> = names
        .filter_map(Value::as_str)
        .map(|name| name.strip_prefix("settings.").unwrap_or(name))
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("Changes: {}.", names.join(", ")),
    }
}

/// What a new device lacks that it had where the table comes from.
fn lacks(device: &Device) -> String {
    let missing = device.secrets.iter().map(String::as_str);
    let missing: Vec<&str> = missing
        .filter(|name| !device.settings.contains_key(*name))
        .collect();
    match missing.is_empty() {
        true => String::new(),
        false => format!(
            "The table does not have its secrets: {}.",
            missing.join(", ")
        ),
    }
}

/// What the API is told of a device.
pub(super) fn body(device: &Device) -> Value {
    let mut body = Map::new();
    body.insert("mac".to_owned(), Value::from(device.mac.upper()));
    for (name, text) in [
        ("model", &device.model),
        ("family", &device.family),
        ("site_name", &device.site),
        ("label", &device.label),
    ] {
        if let Some(text) = text {
            body.insert(name.to_owned(), Value::from(text.as_str()));
        }
    }
    if !device.settings.is_empty() {
        let settings = device.settings.iter().map(|(name, value)| {
            let value = match value {
                Setting::Text(text) => Value::from(text.as_str()),
                Setting::Secret(secret) => json!({"secret": secret.expose()}),
            };
            (name.clone(), value)
        });
        body.insert("set".to_owned(), Value::Object(settings.collect()));
    }
    Value::Object(body)
}

/// Where verdicts are written: on standard output as the format says, or as CSV into a file.
pub(super) struct Sheet {
    output: Output,
    file: Option<std::io::BufWriter<std::fs::File>>,
    name: String,
    count: usize,
}

const COLUMNS: table::Columns = &[
    ("LINE", "line"),
    ("MAC", "mac"),
    ("OUTCOME", "outcome"),
    ("DETAIL", "detail"),
];

impl Sheet {
    /// Opens the sheet. One that goes on is added to.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn open(output: Output, path: Option<&str>, goes_on: bool) -> Result<Self, Failure> {
        let mut sheet = Self {
            output,
            file: None,
            name: path.unwrap_or_default().to_owned(),
            count: 0,
        };
        if let Some(path) = path {
            let path = std::path::Path::new(path);
            if !(goes_on && path.exists()) {
                let head = table::record(COLUMNS.iter().map(|(_, path)| (*path).to_owned()));
                write_private(path, head.as_bytes())?;
            }
            let file = std::fs::OpenOptions::new()
                .append(true)
                .open(path)
                .map_err(|error| Failure::file(path, &error))?;
            sheet.file = Some(std::io::BufWriter::new(file));
        }
        Ok(sheet)
    }

    /// Writes a verdict.
    pub(super) fn write(&mut self, verdict: &RowVerdict) -> Result<(), Failure> {
        let cells = || {
            [
                verdict.line.to_string(),
                verdict.mac.clone(),
                verdict.outcome.to_owned(),
                table::harmless(&plain(&verdict.detail)),
            ]
        };
        self.count += 1;
        if let Some(file) = &mut self.file {
            let written = file.write_all(table::record(cells().into_iter()).as_bytes());
            return written.map_err(|error| Failure::file(self.name.as_ref(), &error));
        }
        match self.output.format {
            Format::Json => self.output.line(
                &json!({"line": verdict.line, "mac": verdict.mac, "outcome": verdict.outcome, "detail": verdict.detail})
                    .to_string(),
            ),
            Format::Csv => {
                let mut out = String::new();
                if self.count == 1 {
                    out = table::record(COLUMNS.iter().map(|(_, path)| (*path).to_owned()));
                }
                out += &table::record(cells().into_iter());
                self.output.answer(&out)
            }
            Format::People if self.output.quiet && verdict.outcome != "refused" => Ok(()),
            Format::People => self.output.line(&say(verdict)),
        }
    }

    /// Has what was written be on the disk.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        match &mut self.file {
            Some(file) => file
                .flush()
                .map_err(|error| Failure::file(self.name.as_ref(), &error)),
            None => Ok(()),
        }
    }

    /// Ends the sheet.
    ///
    /// # Errors
    /// What was held back cannot be written.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        self.flush()?;
        if self.file.is_some() {
            self.output
                .remark(&format!("The verdicts are in {}.", self.name));
        }
        Ok(())
    }
}

/// A verdict on a line.
fn say(verdict: &RowVerdict) -> String {
    let mac = match verdict.mac.as_str() {
        "" => "-",
        mac => mac,
    };
    let text = format!(
        "line {:<6} {mac:<12}  {:<9}  {}",
        verdict.line,
        verdict.outcome,
        plain(&verdict.detail)
    );
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_import::{RowOutcome, Table, Wishes};

    use super::*;

    fn device(file: &str) -> Device {
        let table = Table::open(file.as_bytes(), Wishes::default()).unwrap();
        match table.rows().next().unwrap().outcome {
            RowOutcome::Device(device) => *device,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_row_says_what_it_says_and_nothing_else() {
        let device = device(
            "mac,model,site,ext,password\n00:80:f0:c5:71:eb,KX-UTG300B,Quay,201,Harbour-77\n",
        );
        assert_eq!(
            body(&device),
            json!({"mac": "0080F0C571EB", "model": "KX-UTG300B", "site_name": "Quay",
                "set": {"line_1_user": "201", "line_1_password": {"secret": "Harbour-77"}}})
        );
        let bare = self::device("mac\n0080F0C571EB\n");
        assert_eq!(body(&bare), json!({"mac": "0080F0C571EB"}));
    }

    #[test]
    fn every_verdict_has_its_line() {
        let device = device("mac,secrets\n0080F0C571EB,line_1_password\n");
        let verdicts = [
            RowVerdict::of(2, &device, &json!({"outcome": "created"})),
            RowVerdict::of(
                3,
                &device,
                &json!({"outcome": "refused", "cause": "invalid-files", "detail": "A file would be broken.",
                "files": [{"mac": "0080F0C571EB", "file": "standard", "findings": [{"line": 4, "message": "No line breaks.", "help": "Take it out."}]}]}),
            ),
            RowVerdict::own(40_000, "no phone", String::new()),
        ];
        let said: Vec<String> = verdicts.iter().map(say).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
