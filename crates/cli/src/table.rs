//! Answers as tables and as fields, for people and as CSV.

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, Table, Width, presets};
use ringfence_import::guarded;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::{Format, Output};
use crate::words::{cell, field, plain, text};

/// Columns: what is above each, and the field below.
pub type Columns = &'static [(&'static str, &'static str)];

/// The most rows of a table for people, without `--limit`.
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

    /// The most items: `said` if the command says it, otherwise for people a number that a screen bears.
    pub fn limit(&self, said: Option<usize>) -> usize {
        let is_table = self.output.format == Format::People && !self.output.quiet;
        said.unwrap_or(if is_table { MAX_SHOWN } else { usize::MAX })
    }

    /// Takes a page.
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
                let name = self.columns.get(naming(self.columns));
                let name = name.map_or("", |(_, path)| *path);
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
    pub fn end(self, has_more: bool) -> Result<(), Failure> {
        match self.output.format {
            Format::Csv if self.count == 0 => {
                let head = self.columns.iter().map(|(_, path)| (*path).to_owned());
                self.output.answer(&record(head))?;
            }
            Format::Json if self.count == 0 => self.output.answer("[]\n")?,
            Format::Json => self.output.answer("\n]\n")?,
            Format::People if !self.output.quiet && self.count > 0 => {
                show(self.output, self.columns, &self.rows)?;
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
pub fn value(item: &Value, path: &str) -> String {
    match path {
        "state" if field(item, "key.state").is_string() => state(item),
        "action" => action(field(item, path)),
        "changes" => changes(item),
        _ => cell(path, field(item, path)),
    }
}

/// What an operation does to each device: its word, and what it is about.
fn action(action: &Value) -> String {
    let Some((word, about)) = action.as_object().and_then(|it| it.iter().next()) else {
        return cell("action", action);
    };
    let members = |value: &Value| {
        let names = value.as_object().into_iter().flatten();
        names.map(|(name, _)| plain(name)).collect::<Vec<_>>()
    };
    let names = match word.as_str() {
        "set" => members(field(about, "settings")),
        "unset" => vec![cell("", field(about, "names"))],
        "change" => members(about),
        _ => Vec::new(),
    };
    format!("{} {}", plain(word), names.join(", "))
        .trim_end()
        .to_owned()
}

/// The longest value, in characters, where a change is said in one cell.
const MAX_SAID: usize = 24;

/// What differs between what something was and what it became: `label: Desk → Front desk`.
fn changes(entry: &Value) -> String {
    let (Some(before), Some(after)) = (
        field(entry, "before").as_object(),
        field(entry, "after").as_object(),
    ) else {
        return String::new();
    };
    let said = |members: &serde_json::Map<String, Value>, name: &String| {
        let text = members.get(name).map_or(String::new(), |it| cell(name, it));
        match text.chars().count() {
            0 => "(nothing)".to_owned(),
            1..=MAX_SAID => text,
            _ => text.chars().take(MAX_SAID - 1).chain(['…']).collect(),
        }
    };
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name));
    let changes: Vec<String> = differing
        .map(|name| {
            format!(
                "{}: {} → {}",
                plain(name),
                said(before, name),
                said(after, name)
            )
        })
        .collect();
    changes.join(", ")
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

/// What stands between two columns.
const GAP: usize = GAP_PADDING as usize;

/// The same, as comfy-table has it.
const GAP_PADDING: u16 = 2;

/// The longest word that is not broken, in characters: no id, MAC, time or address is as long, nor a path of the API with
/// an id. A longer word, such as a URL, may be broken.
const MAX_WORD: usize = 40;

/// How the columns of a table share the width that there is.
#[derive(Debug)]
pub struct Layout {
    columns: Columns,
    /// The columns that stand side by side, each with its width in characters.
    widths: Vec<(usize, usize)>,
    /// Those that have no room beside them.
    others: Vec<usize>,
    /// Whether the others stand below each row; they are left out otherwise.
    is_below: bool,
    width: Option<usize>,
}

/// The column that names an item: the first, or the last where the list begins with a time.
fn naming(columns: Columns) -> usize {
    match columns.first() {
        Some((_, "at")) => columns.len().saturating_sub(1),
        _ => 0,
    }
}

/// The narrowest column for much text, in characters: what is broken into narrower lines is hard to read.
const MIN_WIDTH: usize = 24;

fn longest_word(text: &str) -> usize {
    let words = text.split_whitespace().map(|word| word.chars().count());
    words.max().unwrap_or(0).min(MAX_WORD)
}

impl Layout {
    /// The layout for these rows. No id, MAC or time is broken: columns without room for their longest word are left
    /// out from the right, or stand below each row where the name of the item would be among them.
    pub fn of(columns: Columns, rows: &[Vec<String>], width: Option<u16>) -> Self {
        let width = width.map(usize::from);
        let of_column = |at: usize| {
            let (head, _) = columns.get(at).copied().unwrap_or_default();
            let cells = rows.iter().filter_map(move |row| row.get(at));
            std::iter::once(head).chain(cells.map(String::as_str))
        };
        let whole = |at| of_column(at).map(|text| text.chars().count()).max();
        let wanted: Vec<usize> = (0..columns.len())
            .map(|at| whole(at).unwrap_or(0))
            .collect();
        let whole = wanted.iter().map(|wanted| wanted + GAP).sum::<usize>();
        let Some(most) = width.filter(|most| whole > most + GAP) else {
            return Self {
                columns,
                widths: wanted.into_iter().enumerate().collect(),
                others: Vec::new(),
                is_below: false,
                width,
            };
        };
        let mut widths: Vec<(usize, usize)> = Vec::new();
        let mut others = Vec::new();
        let mut all = 0;
        for (at, wanted) in wanted.iter().enumerate() {
            // A column that says nothing takes no room from the others.
            let is_empty = !of_column(at).skip(1).any(|text| !text.is_empty());
            if at > 0 && is_empty && !rows.is_empty() {
                continue;
            }
            // The name of an item is to be copied, and comes whole.
            let word = of_column(at).map(longest_word).max().unwrap_or(0);
            let least = match naming(columns) {
                name if name == at => *wanted,
                0 => word,
                // Below the row there is more room for much text.
                _ => word.max(MIN_WIDTH.min(*wanted)),
            };
            let next = all + least + if at > 0 { GAP } else { 0 };
            if at > 0 && (next > most || !others.is_empty()) {
                others.push(at);
                continue;
            }
            widths.push((at, least));
            all = next;
        }
        // What is left over goes to the columns that want more, a character each in turn.
        let mut spare = most.saturating_sub(all);
        while spare > 0 {
            let before = spare;
            for (at, width) in &mut widths {
                if spare > 0 && wanted.get(*at).is_some_and(|wanted| *width < *wanted) {
                    *width += 1;
                    spare -= 1;
                }
            }
            if spare == before {
                break;
            }
        }
        let is_below = others.contains(&naming(columns));
        Self {
            columns,
            widths,
            others,
            is_below,
            width,
        }
    }

    /// The heads of columns that are left out.
    pub fn left_out(&self) -> Vec<&'static str> {
        let others = self.others.iter().filter(|_| !self.is_below);
        others
            .filter_map(|at| self.columns.get(*at))
            .map(|(head, _)| *head)
            .collect()
    }

    /// The line of heads.
    pub fn head(&self, has_colours: bool) -> String {
        let cells = self
            .columns
            .iter()
            .map(|(head, _)| Cell::new(head).add_attribute(Attribute::Bold));
        let heads: Vec<&str> = self.columns.iter().map(|(head, _)| *head).collect();
        self.lines(cells.collect(), &heads, has_colours)
    }

    /// A row, and below it what has no room beside it.
    pub fn row(&self, row: &[String], has_colours: bool) -> String {
        let cells = row.iter().zip(self.columns).map(|(text, (head, _))| {
            let cell = Cell::new(text);
            match (*head, text.as_str()) {
                ("STATE" | "OUTCOME" | "OK", word) => match colour(word) {
                    Some(colour) => cell.fg(colour),
                    None => cell,
                },
                _ => cell,
            }
        });
        let texts: Vec<&str> = row.iter().map(String::as_str).collect();
        let mut out = self.lines(cells.collect(), &texts, has_colours);
        if self.is_below {
            let others = self.others.iter();
            let others = others.filter_map(|at| Some((row.get(*at)?, self.columns.get(*at)?)));
            let others = others.filter(|(text, _)| !text.is_empty());
            let mut line = String::new();
            for (text, (head, _)) in others {
                let next = format!("{head} {text}");
                let length = line.chars().count() + GAP + next.chars().count();
                if !line.is_empty() && length > self.width.unwrap_or(usize::MAX) {
                    out += &format!("{line}\n");
                    line.clear();
                }
                line += if line.is_empty() { "    " } else { "  " };
                line += &next;
            }
            if !line.is_empty() {
                out += &format!("{line}\n");
            }
        }
        out
    }

    fn lines(&self, cells: Vec<Cell>, texts: &[&str], has_colours: bool) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if has_colours {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let cells = cells.into_iter().enumerate();
        let cells = cells.filter(|(at, _)| self.widths.iter().any(|(it, _)| it == at));
        table.add_row(cells.map(|(_, cell)| cell));
        for (place, (at, width)) in self.widths.iter().enumerate() {
            // A word that was not there when the widths were found is not broken either.
            let word = texts.get(*at).map_or(0, |text| longest_word(text));
            let width = u16::try_from((*width).max(word)).unwrap_or(u16::MAX);
            if let Some(column) = table.column_mut(place) {
                // The gap is the padding of the column before it.
                column.set_padding((0, GAP_PADDING));
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(
                    width.saturating_add(GAP_PADDING),
                )));
            }
        }
        let mut out = String::new();
        for line in table.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Draws a table without lines, as wide as it needs or as the terminal is.
pub fn draw(layout: &Layout, rows: &[Vec<String>], has_colours: bool) -> String {
    let mut out = layout.head(has_colours);
    for row in rows {
        out += &layout.row(row, has_colours);
    }
    out
}

/// Writes a table for people.
pub fn show(output: Output, columns: Columns, rows: &[Vec<String>]) -> Result<(), Failure> {
    let layout = Layout::of(columns, rows, output.width());
    output.answer(&draw(&layout, rows, output.has_colours()))?;
    let left_out = layout.left_out();
    if !left_out.is_empty() {
        output.remark(&format!(
            "There is no room for {}: a wider terminal shows it, as --csv and --json do.",
            left_out.join(", ")
        ));
    }
    Ok(())
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

    fn drawn(
        columns: Columns,
        rows: &[Vec<String>],
        width: Option<u16>,
        has_colours: bool,
    ) -> String {
        draw(&Layout::of(columns, rows, width), rows, has_colours)
    }

    #[test]
    fn a_table_is_as_wide_as_it_needs() {
        insta::assert_snapshot!(drawn(COLUMNS, &rows(), None, false));
    }

    #[test]
    fn a_table_fits_the_terminal_and_breaks_no_name() {
        let drawn = drawn(COLUMNS, &rows(), Some(60), false);
        assert!(
            drawn.lines().all(|line| line.chars().count() <= 60),
            "{drawn}"
        );
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn colours_are_there_only_where_they_are_wanted() {
        assert!(drawn(COLUMNS, &rows(), None, true).contains("\u{1b}["));
        assert!(!drawn(COLUMNS, &rows(), None, false).contains('\u{1b}'));
    }

    /// The columns of a verb that lists something.
    fn columns_of(words: &str) -> Columns {
        let verb = crate::verb::all().find(|verb| verb.words == words);
        match verb.map(|verb| verb.shows) {
            Some(crate::verb::Shows::List(columns)) => columns,
            _ => &[],
        }
    }

    /// A list on a terminal of 80 characters. What is to be copied from it stands in it whole.
    fn on_80(columns: Columns, items: &[Value]) -> String {
        let rows: Vec<Vec<String>> = items
            .iter()
            .map(|item| columns.iter().map(|(_, path)| value(item, path)).collect())
            .collect();
        let layout = Layout::of(columns, &rows, Some(80));
        let drawn = draw(&layout, &rows, false);
        let is_wide = |line: &&str| line.chars().count() > 80;
        assert_eq!(drawn.lines().find(is_wide), None, "{drawn}");
        let left_out = layout.left_out();
        for row in &rows {
            for ((head, path), text) in columns.iter().zip(row) {
                let is_copied = ["mac", "device", "id", "request_id"].contains(path);
                let is_copied = is_copied || path.ends_with("at");
                let is_there = drawn.contains(text) || left_out.contains(head);
                assert!(!is_copied || is_there, "{text} is broken:\n{drawn}");
            }
            let name = row.get(naming(columns)).map_or("", String::as_str);
            assert!(drawn.contains(name), "{name} is left out:\n{drawn}");
        }
        format!("{drawn}\nleft out: {}", left_out.join(", "))
    }

    const AT: u64 = 1_772_353_800_000;
    const ID: &str = "01KJM1Q2R3S4T5V6W7X8Y9Z0AB";

    #[test]
    fn events_fit_80_columns() {
        let events = [
            json!({"at": AT, "mac": "0080F0C571EB", "outcome": "refused", "reason": "bootstrap_consumed", "status": 404,
                "kind": "standard", "path": "Config0080F0C571EB.cfg", "address": "2001:db8:85a3::8a2e:370:7334", "request_id": ID}),
            json!({"at": AT, "mac": null, "outcome": "not_modified", "reason": "not_modified", "status": 304, "kind": "product",
                "address": "192.0.2.7", "request_id": ID}),
        ];
        insta::assert_snapshot!(on_80(columns_of("events"), &events));
    }

    #[test]
    fn audit_entries_fit_80_columns() {
        let entries = [
            json!({"id": ID, "at": AT, "action": "device.update", "object": "devices/0080F0C571EB", "token": ID, "address": "192.0.2.7",
                "request_id": ID, "before": {"label": "Desk", "model": "KX-UTG300B"}, "after": {"label": "Front desk, beside the door of the office", "model": "KX-UTG300B"}}),
            json!({"id": ID, "at": AT, "action": "site.create", "object": format!("sites/{ID}"), "token": "admin", "address": "",
                "request_id": ID, "before": null, "after": {"name": "Quay"}}),
        ];
        insta::assert_snapshot!(on_80(crate::command::admin::AUDIT_COLUMNS, &entries));
    }

    #[test]
    fn jobs_fit_80_columns() {
        let jobs = [
            json!({"id": ID, "device": "0080F0C571EB", "state": "unreachable", "reason": "no_answer", "tries": 4, "created_at": AT, "due_at": AT}),
            json!({"id": ID, "device": "0080F0C571EC", "state": "queued", "reason": "waiting_for_relay", "tries": 0, "created_at": AT, "due_at": AT}),
        ];
        insta::assert_snapshot!(on_80(columns_of("jobs list"), &jobs));
    }

    #[test]
    fn operations_fit_80_columns() {
        let counts = json!({"all": 12_000, "done": 11_800, "refused": 150, "pending": 50});
        let operations = [
            json!({"id": ID, "state": "running", "action": {"set": {"settings": {"NTP": "ntp.example", "time_zone": "Europe/Berlin"}}}, "devices": counts, "created_at": AT}),
            json!({"id": ID, "state": "done", "action": "rekey", "devices": counts, "created_at": AT}),
            json!({"id": ID, "state": "done", "action": {"unset": {"names": ["A", "B"]}}, "devices": counts, "created_at": AT}),
        ];
        insta::assert_snapshot!(on_80(columns_of("operations list"), &operations));
    }

    #[test]
    fn phones_fit_80_columns() {
        let phones = [
            json!({"mac": "0080F0C571EB", "model": "KX-UTG300B", "label": "Front desk, beside the door", "site": "Harbour office",
                "key": {"state": "confirmed"}, "stale": true, "last_seen": {"at": AT, "address": "192.0.2.7"}}),
        ];
        insta::assert_snapshot!(on_80(columns_of("devices list"), &phones));
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
