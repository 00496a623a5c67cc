//! The import of devices from a table: what was typed, what would become of each row, and how far it is.

use crate::href;
use crate::part::{Act, Cell, Field, Form, Kind, Number, Numbers, Page, Section, Table, Tone};
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{self, EN, count, fill};

/// The name under which a form says how many rows of those before would be imported.
pub const FOUND: &str = "found";

/// What an operator typed.
#[derive(Clone, Debug, Default)]
pub struct Typed {
    /// The table, sealed: a page shows no password, not even in what it sends back.
    pub sealed: String,
    pub map: String,
    pub model: String,
    pub site: String,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    Created,
    Changed,
    Unchanged,
    NoPhone,
    Refused,
}

/// A row and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowVerdict {
    pub line: u64,
    pub mac: String,
    pub became: Became,
    /// Why, or what else there is to say.
    pub why: String,
}

/// How many rows became what so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub created: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub no_phone: u64,
    pub refused: u64,
}

impl Counts {
    /// With a further row.
    pub fn add(&mut self, became: Became) {
        *match became {
            Became::Created => &mut self.created,
            Became::Changed => &mut self.changed,
            Became::Unchanged => &mut self.unchanged,
            Became::NoPhone => &mut self.no_phone,
            Became::Refused => &mut self.refused,
        } += 1;
    }

    /// How many are written to the database.
    fn imported(self) -> u64 {
        self.created + self.changed
    }

    /// The names under which a form sends them on.
    pub const NAMES: [&'static str; 5] = ["created", "changed", "unchanged", "no_phone", "refused"];

    fn values(self) -> [u64; 5] {
        [
            self.created,
            self.changed,
            self.unchanged,
            self.no_phone,
            self.refused,
        ]
    }

    /// As a form sent them on.
    pub fn of([created, changed, unchanged, no_phone, refused]: [u64; 5]) -> Self {
        Self {
            created,
            changed,
            unchanged,
            no_phone,
            refused,
        }
    }

    fn numbers(self) -> Numbers {
        let each = [
            (EN.import_created, self.created, Tone::Good),
            (EN.import_changed, self.changed, Tone::Good),
            (EN.import_unchanged, self.unchanged, Tone::Quiet),
            (EN.import_no_phone, self.no_phone, Tone::Quiet),
            (EN.import_refused, self.refused, Tone::Bad),
        ];
        let items = each.map(|(label, number, tone)| Number {
            label: label.to_owned(),
            value: text::number(number),
            tone: if number == 0 { Tone::Quiet } else { tone },
            href: None,
        });
        Numbers {
            items: items.into(),
            ..Numbers::default()
        }
    }
}

/// What is said about a table as a whole.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The system that it is of; empty for none that is known.
    pub system: String,
    pub ignored: Vec<String>,
    pub new_models: Vec<String>,
    pub new_sites: Vec<String>,
}

impl About {
    fn texts(&self) -> Vec<Section> {
        let list = |text: &str, names: &[String]| {
            (!names.is_empty()).then(|| fill(text, &[&names.join(", ")]))
        };
        let known = (!self.system.is_empty()).then(|| fill(EN.import_known, &[&self.system]));
        let all = [
            known,
            list(EN.import_ignored, &self.ignored),
            list(EN.import_adds_models, &self.new_models),
            list(EN.import_adds_sites, &self.new_sites),
        ];
        all.into_iter().flatten().map(Section::Text).collect()
    }
}

/// Some rows of a table, from one to another, and how many there are.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub from: u64,
    pub to: u64,
    pub of: u64,
    pub verdicts: Vec<RowVerdict>,
}

/// The form.
pub fn form(at: &str, tenant: &str, typed: &Typed) -> Form {
    let hint = if typed.sealed.is_empty() {
        EN.import_csv_hint
    } else {
        EN.import_again_hint
    };
    let mut form = Form::post(at, EN.import_check)
        .with(Field::new(
            Kind::FileInto("csv"),
            "file",
            EN.import_file,
            "",
        ))
        .with(Field::new(Kind::Area(12), "csv", EN.import_csv, "").hinting(hint))
        .with(
            Field::new(Kind::Area(3), "map", EN.import_map, &typed.map).hinting(EN.import_map_hint),
        )
        .with(Field::line("model", EN.import_model, &typed.model))
        .with(Field::line("site", EN.import_site, &typed.site))
        .or_back(href::tenant(tenant, "devices"));
    if !typed.sealed.is_empty() {
        form = form.with(Field::hidden("sealed", &typed.sealed));
    }
    form
}

/// A form that sends what was typed once more, to go on.
fn on(at: &str, typed: &Typed, submit: &str, step: &str, from: u64) -> Form {
    let fields = [
        ("sealed", &typed.sealed),
        ("map", &typed.map),
        ("model", &typed.model),
        ("site", &typed.site),
        ("step", &step.to_owned()),
        ("from", &from.to_string()),
    ];
    let form = Form::post(at, submit);
    fields.into_iter().fold(form, |form, (name, value)| {
        form.with(Field::hidden(name, value))
    })
}

fn table(caption: &str, verdicts: &[RowVerdict], empty: &str) -> Table {
    let columns = [EN.import_line, EN.mac, EN.import_outcome, EN.import_why];
    Table::new(caption, &columns, empty).with_rows(verdicts.iter().map(|it| {
        let (tone, text) = match it.became {
            Became::Created => (Tone::Good, EN.import_created),
            Became::Changed => (Tone::Good, EN.import_changed),
            Became::Unchanged => (Tone::Quiet, EN.import_unchanged),
            Became::NoPhone => (Tone::Quiet, EN.import_no_phone),
            Became::Refused => (Tone::Bad, EN.import_refused),
        };
        vec![
            Cell::text(it.line.to_string()),
            Cell::code(&it.mac),
            Cell::state(tone, text),
            Cell::text(&it.why),
        ]
    }))
}

/// What would become of some rows, and how many of those that were looked at before would be imported.
pub fn checked(
    shell: Shell,
    at: &str,
    tenant: &str,
    typed: &Typed,
    about: &About,
    part: &Part,
    before: u64,
) -> Page {
    let mut counts = Counts::default();
    part.verdicts.iter().for_each(|it| counts.add(it.became));
    let mut page = Page::new(shell).with(counts.numbers());
    page.sections.extend(about.texts());
    let found = before + counts.imported();
    let is_seen = part.to >= part.of;
    if found > 0 || !is_seen {
        let run = count(part.of, EN.import_run_one, EN.import_run);
        let mut run = on(at, typed, &run, "run", 0);
        run.prefix = "run-";
        page = page.with(run);
    } else if part.of > 0 {
        let why = match counts.refused {
            0 => EN.import_needless,
            _ => EN.import_useless,
        };
        page = page.with(Section::Text(why.to_owned()));
    }
    if !is_seen {
        let mut next = on(at, typed, EN.import_next, "check", part.to)
            .with(Field::hidden(FOUND, found.to_string()));
        next.prefix = "next-";
        page = page.with(next);
    }
    let caption = [part.from + 1, part.to, part.of].map(text::number);
    let caption = fill(EN.import_checked, &caption.each_ref().map(String::as_str));
    page.with(table(&caption, &part.verdicts, EN.import_no_rows))
        .with(form(at, tenant, typed))
}

/// What has become of the rows so far, of which those that were refused are shown.
pub fn ran(
    mut shell: Shell,
    at: &str,
    tenant: &str,
    typed: &Typed,
    counts: Counts,
    part: &Part,
    kept: &str,
) -> Page {
    let is_over = part.to >= part.of;
    let [to, of] = [part.to, part.of].map(text::number);
    shell = shell.leading(match is_over {
        true => count(part.of, EN.import_over_one, EN.import_over),
        false => fill(EN.import_running, &[&to, &of]),
    });
    shell.goes_on = !is_over;
    let mut page = Page::new(shell).with(counts.numbers());
    if is_over {
        let devices = href::tenant(tenant, "devices");
        page = page.with(Section::Acts(vec![Act::main(
            EN.import_to_devices,
            devices,
        )]));
    } else {
        let go_on = fill(EN.import_go_on, &[&text::number(part.to + 1), &of]);
        let mut form = on(at, typed, &go_on, "run", part.to).with(Field::hidden("failed", kept));
        for (name, value) in Counts::NAMES.into_iter().zip(counts.values()) {
            form = form.with(Field::hidden(name, value.to_string()));
        }
        form.goes_on = true;
        page = page.with(form);
    }
    page = page.with(table(EN.import_failed, &part.verdicts, EN.import_all_good));
    if is_over {
        page = page.with(form(at, tenant, typed));
    }
    page
}

/// The page before there is anything to check, or with what is wrong with the table.
pub fn page(shell: Shell, at: &str, tenant: &str, typed: &Typed, problem: Option<Problem>) -> Page {
    Page::new(shell.leading(EN.import_lead))
        .with(form(at, tenant, typed))
        .with_problem(problem)
}
