//! Answers as tables and as fields, for people and as CSV.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use ringfence_import::guarded;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::words::{cell, field, text};

/// Columns: what is above each, and the field below.
pub type Columns = &'static [(&'static str, &'static str)];

/// A table for people without `--limit` has so many rows at most.
pub const MAX_SHOWN: usize = 1_000;

/// Writes a list as it comes, page by page.
#[derive(Debug)]
pub struct List {
    output: Output,
    columns: Columns,
    rows: Vec<Vec<String>>,
    count: usize,
}

impl List {
    /// A list with nothing in it yet.
    pub fn new(output: Output, columns: Columns) -> Self {
        Self {
            output,
            columns,
            rows: Vec::new(),
            count: 0,
        }
    }

    /// At most so many items: what the command says, and for people a number that a screen bears.
    pub fn limit(&self, said: Option<usize>) -> usize {
        let is_table = self.output.format == Format::People && !self.output.quiet;
        said.unwrap_or(if is_table { MAX_SHOWN } else { usize::MAX })
    }

    /// Takes a page.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn page(&mut self, items: &[Value]) -> Result<(), Failure> {
        for item in items {
            self.item(item)?;
            self.count += 1;
        }
        Ok(())
    }

    fn item(&mut self, item: &Value) -> Result<(), Failure> {
        match self.output.format {
            Format::Json => {
                let begin = if self.count == 0 { "[\n" } else { ",\n" };
                self.output.answer(&format!("{begin}{item}"))
            }
            Format::Csv => {
                let mut text = String::new();
                if self.count == 0 {
                    text = record(self.columns.iter().map(|(_, path)| (*path).to_owned()));
                }
                text += &record(
                    self.columns
                        .iter()
                        .map(|(_, path)| harmless(&value(item, path))),
                );
                self.output.answer(&text)
            }
            Format::People if self.output.quiet => {
                let name = self.columns.first().map_or("", |(_, path)| *path);
                self.output.line(&value(item, name))
            }
            Format::People => {
                self.rows.push(
                    self.columns
                        .iter()
                        .map(|(_, path)| value(item, path))
                        .collect(),
                );
                Ok(())
            }
        }
    }

    /// Ends the list; `has_more` says that the installation has further items.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end(self, has_more: bool) -> Result<(), Failure> {
        match self.output.format {
            Format::Json if self.count == 0 => self.output.answer("[]\n")?,
            Format::Json => self.output.answer("\n]\n")?,
            Format::People if !self.output.quiet && self.count > 0 => {
                let has_colours = self.output.has_colours();
                let width = self.output.width();
                self.output
                    .answer(&draw(self.columns, &self.rows, width, has_colours))?;
            }
            _ => {}
        }
        if self.count == 0 {
            self.output.remark("There is none.");
        }
        if has_more {
            self.output.remark(&format!(
                "There are more than these {}: --limit 0 lists all.",
                self.count
            ));
        }
        Ok(())
    }
}

/// A value of an item; what several fields say together is said by one word.
fn value(item: &Value, path: &str) -> String {
    if path == "state" && field(item, "key.state").is_string() {
        return state(item);
    }
    cell(path, field(item, path))
}

/// The state of a device in a word or two.
pub fn state(device: &Value) -> String {
    let is = |name: &str| field(device, name).as_bool().unwrap_or(false);
    let key = text(device, "key.state");
    if is("disabled") {
        return "disabled".to_owned();
    }
    if !field(device, "failing").is_null() {
        return format!("failing: {}", text(device, "failing.reason"));
    }
    match is("stale") {
        true => format!("{key}, stale"),
        false => key.to_owned(),
    }
}

/// Draws a table without lines, as wide as it needs or as the terminal is.
pub fn draw(
    columns: Columns,
    rows: &[Vec<String>],
    width: Option<u16>,
    has_colours: bool,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if has_colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    if let Some(width) = width {
        table
            .set_width(width)
            .set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(
        columns
            .iter()
            .map(|(head, _)| Cell::new(head).add_attribute(Attribute::Bold)),
    );
    for row in rows {
        table.add_row(row.iter().zip(columns).map(|(text, (head, _))| {
            let cell = Cell::new(text);
            match (*head, text.as_str()) {
                ("STATE" | "OUTCOME" | "OK", word) => match colour(word) {
                    Some(colour) => cell.fg(colour),
                    None => cell,
                },
                _ => cell,
            }
        }));
    }
    // The name of an item is to be copied: it is never broken.
    if let Some(first) = table.column_mut(0) {
        first.set_constraint(ColumnConstraint::ContentWidth);
    }
    let mut out = String::new();
    for line in table.lines() {
        // A preset without lines still begins with the padding of its first cell.
        out.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
        out.push('\n');
    }
    out
}

fn colour(word: &str) -> Option<Color> {
    Some(match word {
        "confirmed" | "fetched" | "finished" | "served" | "done" | "created" | "changed"
        | "yes" => Color::Green,
        "armed" | "delivered" | "queued" | "running" | "waiting" | "paused" => Color::Yellow,
        "disabled" | "refused" | "broken" | "expired" | "unreachable" | "rejected" | "no" => {
            Color::Red
        }
        word if word.starts_with("failing") => Color::Red,
        _ => return None,
    })
}

/// A cell of CSV that no spreadsheet takes for a formula; an empty one stays so.
pub fn harmless(text: &str) -> String {
    match text {
        "" => String::new(),
        text => guarded(text),
    }
}

/// A record of CSV, with what a spreadsheet would take for a formula made harmless before.
pub fn record(cells: impl Iterator<Item = String>) -> String {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    // Memory takes all that is written.
    let _ = writer.write_record(cells);
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes one thing, field by field.
///
/// # Errors
/// It cannot be written.
pub fn one(output: Output, answer: &Value) -> Result<(), Failure> {
    match output.format {
        Format::Json => json(output, answer),
        Format::Csv => {
            let fields = fields(answer);
            let head = record(fields.iter().map(|(name, _)| name.clone()));
            let row = record(fields.iter().map(|(_, value)| harmless(value)));
            output.answer(&format!("{head}{row}"))
        }
        Format::People if output.quiet => match name(answer) {
            "" => Ok(()),
            name => output.line(&cell("", &Value::from(name))),
        },
        Format::People => output.answer(&describe(answer)),
    }
}

/// What a thing is called: what the next command takes.
fn name(answer: &Value) -> &str {
    let names = [
        "token",
        "credential",
        "url",
        "mac",
        "id",
        "job.id",
        "operation.id",
        "name",
    ];
    let mut found = names.iter().map(|path| text(answer, path));
    found.find(|name| !name.is_empty()).unwrap_or_default()
}

/// Writes an answer as JSON, on several lines.
///
/// # Errors
/// It cannot be written.
pub fn json(output: Output, answer: &Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(answer)
        .map_err(|error| Failure::Usage(format!("the answer cannot be written: {error}")))?;
    output.line(&text)
}

/// The fields of one thing, each on a line.
pub fn describe(answer: &Value) -> String {
    let fields = fields(answer);
    let width = fields.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut out = String::new();
    for (name, value) in fields {
        out.push_str(&format!("{name:<width$}  {value}").replace('\n', " "));
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

/// The fields of a thing that say something, with their paths.
fn fields(answer: &Value) -> Vec<(String, String)> {
    let mut out = Vec::new();
    gather(&mut out, "", answer);
    out
}

fn gather(out: &mut Vec<(String, String)>, path: &str, value: &Value) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) if !fields.contains_key("secret") => {
            for (name, value) in fields {
                gather(out, &below(name), value);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (at, item) in items.iter().enumerate() {
                gather(out, &below(&(at + 1).to_string()), item);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        value => out.push((path.to_owned(), cell(path, value))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: Columns = &[
        ("MAC", "mac"),
        ("LABEL", "label"),
        ("STATE", "state"),
        ("LAST SEEN", "last_seen.at"),
    ];

    fn rows() -> Vec<Vec<String>> {
        let devices = [
            json!({"mac": "0080F0C571EB", "label": "Front desk, beside the door of the harbour office", "key": {"state": "confirmed"}, "stale": true,
                "last_seen": {"at": 1_772_353_800_000_u64}}),
            json!({"mac": "0080F0C571EC", "label": "evil \u{1b}[2J", "key": {"state": "armed"}, "failing": {"reason": "bootstrap_consumed"}}),
            json!({"mac": "0080F0C571ED", "label": "", "key": {"state": "armed"}, "disabled": true}),
        ];
        devices
            .iter()
            .map(|item| COLUMNS.iter().map(|(_, path)| value(item, path)).collect())
            .collect()
    }

    #[test]
    fn a_table_is_as_wide_as_it_needs() {
        insta::assert_snapshot!(draw(COLUMNS, &rows(), None, false));
    }

    #[test]
    fn a_table_fits_the_terminal_and_breaks_no_name() {
        let drawn = draw(COLUMNS, &rows(), Some(60), false);
        assert!(
            drawn.lines().all(|line| line.chars().count() <= 60),
            "{drawn}"
        );
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn colours_are_there_only_where_they_are_wanted() {
        assert!(draw(COLUMNS, &rows(), None, true).contains("\u{1b}["));
        assert!(!draw(COLUMNS, &rows(), None, false).contains('\u{1b}'));
    }

    #[test]
    fn one_thing_is_a_line_for_each_field_that_says_something() {
        let job = json!({"id": "01J", "state": "answered", "sent_at": 1_772_353_800_000_u64, "relay": null,
            "attempts": [{"lease": 1, "code": 200}], "kinds": [], "line_1_password": {"secret": null}});
        insta::assert_snapshot!(describe(&job));
    }

    #[test]
    fn a_cell_of_csv_is_no_formula() {
        assert_eq!(
            record([harmless("=1+1"), "a,b".to_owned()].into_iter()),
            "'=1+1,\"a,b\"\n"
        );
    }
}
