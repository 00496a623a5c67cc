//! `import`: a table of phones, checked row by row and then written in steps that can be taken up again.
//!
//! Every row gets a verdict with its line in the file. Without `--write` nothing is written. With it the whole table is
//! checked first, and one refused row keeps all of it back unless the command says otherwise. What was written is
//! noted after each step, so that an import that was cut off goes on where it stopped; done twice, it changes nothing.

mod progress;
mod row;
mod state;

use std::cell::RefCell;

use ringfence_api::devices::batch::MAX_ROWS;
use ringfence_api::operation::Operation;
use ringfence_import::{
    FileError, MAX_BYTES, Mapping, Refusal, Row, RowOutcome, System, Table, Wishes,
};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::given::{Given, read_bytes};
use crate::secret;
use crate::session::Session;
use crate::words::{count, field, text};
use crate::wrapped::{self, Unwrap};
pub(super) use progress::Progress;
use row::{RowVerdict, Sheet};
use state::State;

/// The most settings of one call of the API, which takes 20,000.
const MAX_SETTINGS: usize = 15_000;

/// The most bytes of one call of the API, which takes 1 MiB.
const MAX_CALL: usize = 700_000;

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub created: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub refused: u64,
    pub no_phone: u64,
}

impl Counts {
    fn add(&mut self, outcome: &str) {
        let place = match outcome {
            "created" => &mut self.created,
            "changed" => &mut self.changed,
            "unchanged" => &mut self.unchanged,
            "no phone" => &mut self.no_phone,
            _ => &mut self.refused,
        };
        *place += 1;
    }

    fn all(self) -> u64 {
        self.created + self.changed + self.unchanged + self.refused + self.no_phone
    }

    fn say(self, is_done: bool) -> String {
        let words = match is_done {
            true => ["added", "changed"],
            false => ["to be added", "to be changed"],
        };
        let mut parts = vec![
            format!("{} {}", self.created, words[0]),
            format!("{} {}", self.changed, words[1]),
            format!("{} as they are", self.unchanged),
            format!("{} refused", self.refused),
        ];
        if self.no_phone > 0 {
            parts.push(format!("{} without a phone", self.no_phone));
        }
        format!("{}: {}.", count(self.all(), "row"), parts.join(", "))
    }
}

/// `import`.
///
/// # Errors
/// The table cannot be read, rows are refused, or the installation does not answer.
pub fn import(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let bytes = read_bytes(given.required("file")?, MAX_BYTES as u64)?;
    let table = Table::open(&bytes, wishes(given)?).map_err(|error| {
        let said = match error {
            FileError::NoMac(_) => "On the command line that is --map NAME=mac.",
            _ => "",
        };
        Failure::Usage(format!("{error} {said}").trim_end().to_owned())
    })?;
    check_system(given, table.system())?;
    about(session, &table);
    let rows = table.rows().count() as u64;
    let unwrap = match given.text("unwrap_secrets_with") {
        Some(reference) => Some(Unwrap::new(secret::read(reference)?)),
        None => None,
    };
    let mut import = Import {
        session,
        unwrap,
        comment: given.text("comment").map(str::to_owned),
        rows,
        is_said: given.text("verdicts").is_none(),
    };
    let name = state::name(session.client.base(), session.tenant()?, &bytes, given);
    if !given.flag("write") {
        let mut sheet = Sheet::open(session.output, given.text("verdicts"), false)?;
        let counts = import.pass(
            &table,
            0,
            true,
            &mut |verdict| sheet.write(&verdict),
            &mut |_, _| Ok(()),
        )?;
        sheet.end()?;
        session.output.remark(&counts.say(false));
        if counts.refused == 0 {
            session
                .output
                .remark("Nothing is written: repeat the command with --write.");
        }
        return refused(counts, "Mend them in the table");
    }
    let mut state = match given.flag("restart") {
        true => State::default(),
        false => State::load(&name)?,
    };
    if state.written == 0 && !state.is_checked {
        checked(&mut import, given, &table)?;
        state.is_checked = true;
        state.save(&name)?;
    }
    if state.written > 0 {
        session.output.remark(&format!(
            "An import of this table was cut off: it goes on behind row {} (--restart begins anew).",
            state.written
        ));
    }
    let sheet = Sheet::open(session.output, given.text("verdicts"), state.written > 0)?;
    let sheet = RefCell::new(sheet);
    let before = state.counts;
    let from = state.written;
    let counts = import.pass(
        &table,
        from,
        false,
        &mut |verdict| sheet.borrow_mut().write(&verdict),
        &mut |written, counts| {
            // What is said to be done has its verdicts on the disk.
            sheet.borrow_mut().flush()?;
            state.written = written;
            state.counts = before.plus(counts);
            state.save(&name)
        },
    );
    let counts = before.plus(counts.map_err(goes_on)?);
    sheet.into_inner().end()?;
    State::remove(&name);
    session.output.remark(&counts.say(true));
    refused(counts, "Mend them in the table and import it once more")
}

/// What a command says that was cut off in the middle.
fn goes_on(failure: Failure) -> Failure {
    match failure {
        Failure::Unreachable(why) => Failure::Unreachable(format!(
            "{why} What was written stays; the same command goes on where it stopped."
        )),
        other => other,
    }
}

fn refused(counts: Counts, what_to_do: &str) -> Result<(), Failure> {
    match counts.refused {
        0 => Ok(()),
        refused => Err(Failure::Unfinished(format!(
            "{} refused. {what_to_do}; what is there already is left as it is.",
            match refused {
                1 => "1 row is".to_owned(),
                refused => format!("{refused} rows are"),
            }
        ))),
    }
}

/// The check before anything is written.
fn checked(import: &mut Import<'_>, given: &Given<'_>, table: &Table<'_>) -> Result<(), Failure> {
    let mut verdicts = Vec::new();
    let keep_all = !given.flag("continue_on_error");
    let counts = import.pass(
        table,
        0,
        true,
        &mut |verdict| {
            // What is not refused is shown when it is written.
            if keep_all && verdict.outcome == "refused" {
                verdicts.push(verdict);
            }
            Ok(())
        },
        &mut |_, _| Ok(()),
    )?;
    if counts.refused == 0 || !keep_all {
        return Ok(());
    }
    let mut sheet = Sheet::open(import.session.output, given.text("verdicts"), false)?;
    for verdict in &verdicts {
        sheet.write(verdict)?;
    }
    sheet.end()?;
    import.session.output.remark(&counts.say(false));
    refused(
        counts,
        "Nothing is written: mend them in the table, or write the others with --continue-on-error",
    )
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            created: self.created + other.created,
            changed: self.changed + other.changed,
            unchanged: self.unchanged + other.unchanged,
            refused: self.refused + other.refused,
            no_phone: self.no_phone + other.no_phone,
        }
    }
}

/// One import.
struct Import<'a> {
    session: &'a Session,
    unwrap: Option<Unwrap>,
    comment: Option<String>,
    /// How many rows the table has.
    rows: u64,
    /// Whether verdicts are written on standard output as they come.
    is_said: bool,
}

/// Rows that one call is about, with what they are.
#[derive(Default)]
struct Step {
    rows: Vec<Row>,
    devices: Vec<Value>,
    settings: usize,
    bytes: usize,
}

impl Step {
    fn is_full(&self, next: &Value) -> bool {
        let settings = field(next, "set")
            .as_object()
            .map_or(0, serde_json::Map::len);
        self.rows.len() >= MAX_ROWS
            || self.devices.len() >= MAX_ROWS
            || self.settings + settings > MAX_SETTINGS
            || self.bytes + next.to_string().len() > MAX_CALL
    }

    fn take(&mut self, row: Row, device: Option<Value>) {
        if let Some(device) = device {
            self.settings += field(&device, "set")
                .as_object()
                .map_or(0, serde_json::Map::len);
            self.bytes += device.to_string().len();
            self.devices.push(device);
        }
        self.rows.push(row);
    }
}

impl Import<'_> {
    /// Goes through the table from a row on: each row gets a verdict, and `after` hears how far it is after each call.
    fn pass(
        &mut self,
        table: &Table<'_>,
        from: u64,
        is_trial: bool,
        verdict: &mut dyn FnMut(RowVerdict) -> Result<(), Failure>,
        after: &mut dyn FnMut(u64, Counts) -> Result<(), Failure>,
    ) -> Result<Counts, Failure> {
        let what = if is_trial {
            "rows checked"
        } else {
            "rows written"
        };
        let mut progress = Progress::new(self.session.output, what, self.rows, from, self.is_said);
        let mut counts = Counts::default();
        let mut step = Step::default();
        let mut done = from;
        let mut rows = table
            .rows()
            .skip(usize::try_from(from).unwrap_or(usize::MAX));
        loop {
            let next = rows.next().map(|row| self.unwrapped(row));
            let device = match &next {
                Some(Row {
                    outcome: RowOutcome::Device(device),
                    ..
                }) => Some(row::body(device)),
                _ => None,
            };
            let is_last = next.is_none();
            if is_last || step.is_full(device.as_ref().unwrap_or(&Value::Null)) {
                let full = std::mem::take(&mut step);
                let of_step = full.rows.len() as u64;
                for one in self.send(full, is_trial)? {
                    counts.add(one.outcome);
                    verdict(one)?;
                }
                done += of_step;
                progress.at(done);
                after(done, counts)?;
            }
            match next {
                Some(row) => step.take(row, device),
                None => break,
            }
        }
        progress.end();
        Ok(counts)
    }

    /// The row with the secrets that are wrapped in it, or refused for them.
    fn unwrapped(&mut self, mut row: Row) -> Row {
        if let RowOutcome::Device(device) = &mut row.outcome
            && let Err(refusal) = wrapped::open_all(self.unwrap.as_mut(), device)
        {
            row.outcome = RowOutcome::Refused(Refusal::Setting {
                column: refusal.0,
                why: refusal.1.to_owned(),
            });
        }
        row
    }

    /// Makes the call for some rows.
    fn send(&self, step: Step, is_trial: bool) -> Result<Vec<RowVerdict>, Failure> {
        let mut answers = Vec::new();
        if !step.devices.is_empty() {
            let mut call = self
                .session
                .call(Operation::PutDevices, &[])?
                .with(json!({"devices": step.devices}))
                .repeatable();
            if is_trial {
                call = call.asking("dry_run", "true");
            }
            if let Some(comment) = &self.comment {
                call = call.asking("comment", comment.clone());
            }
            let mut answer = self.session.client.call(&call)?.json()?;
            if let Some(Value::Array(items)) = answer.get_mut("items").map(Value::take) {
                answers = items;
            }
            if answers.len() != step.devices.len() {
                return Err(Failure::Unreachable(
                    "the answer says nothing of some rows: update this program.".to_owned(),
                ));
            }
        }
        let mut answers = answers.into_iter();
        let verdicts = step.rows.into_iter().map(|row| match row.outcome {
            RowOutcome::NoPhone => RowVerdict::own(row.line, "no phone", String::new()),
            RowOutcome::Refused(refusal) => {
                RowVerdict::own(row.line, "refused", refusal.to_string())
            }
            RowOutcome::Device(device) => {
                RowVerdict::of(row.line, &device, &answers.next().unwrap_or_default())
            }
        });
        Ok(verdicts.collect())
    }
}

fn wishes(given: &Given<'_>) -> Result<Wishes, Failure> {
    let mapping = given.many("map").join("\n");
    let mapping = Mapping::parse(&mapping)
        .map_err(|error| Failure::Usage(format!("--map: {error} Each --map is such a line.")))?;
    let delimiter = given.text("delimiter").map(|word| match word {
        "tab" => b'\t',
        word => word.bytes().next().unwrap_or(b','),
    });
    Ok(Wishes {
        mapping,
        delimiter,
        model: given.text("model").map(str::to_owned),
        site: given.text("site").map(str::to_owned),
    })
}

fn check_system(given: &Given<'_>, found: System) -> Result<(), Failure> {
    let wanted = match given.text("system") {
        None => return Ok(()),
        Some("fusionpbx") => System::FusionPbx,
        Some("fspbx") => System::FsPbx,
        Some("3cx") => System::ThreeCx,
        Some("vodia") => System::Vodia,
        Some(_) => System::FreePbx,
    };
    if wanted == found {
        return Ok(());
    }
    let found = match found.name() {
        "" => "of no system that is known",
        name => name,
    };
    Err(Failure::Usage(format!(
        "by its first line the table is {found} and not {}: leave --system out, or say by --map what its columns are.",
        wanted.name()
    )))
}

/// Says what the table is, and what of it is not taken.
fn about(session: &Session, table: &Table<'_>) {
    if !table.system().name().is_empty() {
        session
            .output
            .remark(&format!("The table is of {}.", table.system().name()));
    }
    let ignored = table.ignored().iter().filter(|column| !column.on_purpose);
    let names: Vec<&str> = ignored.map(|column| column.name.as_str()).collect();
    if !names.is_empty() {
        session.output.remark(&format!(
            "Nothing is taken from the columns {} (--map THEIRS=OURS says what one is).",
            crate::words::plain(&names.join(", "))
        ));
    }
}

/// What the API says of a row that it refused: its sentence, and of files what is wrong with them.
fn why(item: &Value) -> String {
    let problem = crate::failure::Problem::of_row(item);
    let mut text = text(item, "detail").to_owned();
    for line in problem.lines {
        text = format!("{text} {line}");
    }
    text
}
