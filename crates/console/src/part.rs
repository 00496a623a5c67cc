//! What pages are put together from. Every page is a shell and a list of sections, so that all are alike.

use std::collections::BTreeSet;

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::Value;

use crate::data::Read as _;
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::Texts;
use crate::time::Moment;

/// A page.
#[derive(Template)]
#[template(path = "page.html")]
pub struct Page {
    /// What is around it.
    pub shell: Shell,
    /// What stays as it is when the page has itself brought up to date; above the rest.
    pub fixed: Vec<Section>,
    /// What is in it, from top to bottom.
    pub sections: Vec<Section>,
}

impl Page {
    /// A page without sections yet.
    pub fn new(shell: Shell) -> Self {
        Self {
            shell,
            fixed: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// The same page with a further section that stays as it is.
    #[must_use]
    pub fn fixing(mut self, section: impl Into<Section>) -> Self {
        self.fixed.push(section.into());
        self
    }

    /// The same page with a further section, if there is one.
    #[must_use]
    pub fn with_any(mut self, section: Option<impl Into<Section>>) -> Self {
        self.sections.extend(section.map(Into::into));
        self
    }

    /// The same page with a further section.
    #[must_use]
    pub fn with(mut self, section: impl Into<Section>) -> Self {
        self.sections.push(section.into());
        self
    }

    /// The same page with a problem on top, if there is one.
    #[must_use]
    pub fn with_problem(mut self, problem: Option<Problem>) -> Self {
        if let Some(problem) = problem {
            self.fixed.insert(0, Section::Problem(problem));
        }
        self
    }

    /// The HTML.
    ///
    /// # Errors
    /// A value does not write itself down.
    pub fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }
}

impl Page {
    fn section<'a>(&'a self, section: &'a Section) -> SectionHtml<'a> {
        let shell = &self.shell;
        SectionHtml { shell, section }
    }
}

/// A section as HTML. Like a field and a cell it is a template of its own, so that it is in the program once
/// and not wherever it is put.
#[derive(Template)]
#[template(path = "part/section.html")]
struct SectionHtml<'a> {
    shell: &'a Shell,
    section: &'a Section,
}

impl SectionHtml<'_> {
    fn field<'a>(&'a self, form: &'a Form, field: &'a Field) -> FieldHtml<'a> {
        FieldHtml {
            t: self.shell.t,
            prefix: form.prefix,
            field,
        }
    }
}

// These are templates themselves, which have escaped what is put into them.
impl HtmlSafe for SectionHtml<'_> {}
impl HtmlSafe for FieldHtml<'_> {}
impl HtmlSafe for Cell {}
impl HtmlSafe for Hour {}

/// A field as HTML.
#[derive(Template)]
#[template(path = "part/field.html")]
struct FieldHtml<'a> {
    t: &'static Texts,
    prefix: &'static str,
    field: &'a Field,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub enum Section {
    Problem(Problem),
    Secret(Secret),
    Text(String),
    Acts(Vec<Act>),
    Facts(Facts),
    Table(Table),
    Form(Form),
    Numbers(Numbers),
    Lines(Lines),
    Chart(Chart),
    List(List),
    Picture(Picture),
}

macro_rules! sections {
    ($($name:ident)*) => {
        $(impl From<$name> for Section {
            fn from(part: $name) -> Self { Self::$name(part) }
        })*
    };
}
sections!(Secret Facts Table Form Numbers Lines Chart List Picture);

/// How something is: a colour beside its words, never instead of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Good,
    Warn,
    Bad,
    Quiet,
}

impl Tone {
    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Quiet => "quiet",
        }
    }
}

/// A value as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "part/cell.html")]
pub enum Cell {
    Text(String),
    /// One word with hyphens, such as the name of a model: it stays on one line unless it is long.
    Word(String),
    /// In letters of one width.
    Code(String),
    Link {
        text: String,
        href: String,
    },
    State {
        tone: Tone,
        text: String,
    },
    Time(Moment),
    /// How something is, and until when.
    Until {
        tone: Tone,
        text: String,
        moment: Moment,
    },
    /// What people know by a name, with its id small beside it.
    Named {
        name: String,
        id: String,
    },
    Acts(Vec<Act>),
    /// A box that is a part of the page's form [`SELECTION`]: its value, and what it is about.
    Check {
        value: String,
        label: String,
    },
}

/// The id of the form that boxes in a table belong to.
pub const SELECTION: &str = "selection";

impl Cell {
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The name of a model, or another word with hyphens.
    pub fn word(text: impl Into<String>) -> Self {
        Self::Word(text.into())
    }

    /// Something to copy or compare.
    pub fn code(text: impl Into<String>) -> Self {
        Self::Code(text.into())
    }

    /// A way to another page.
    pub fn link(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self::Link {
            text: text.into(),
            href: href.into(),
        }
    }

    /// How something is.
    pub fn state(tone: Tone, text: impl Into<String>) -> Self {
        Self::State {
            tone,
            text: text.into(),
        }
    }

    /// A time; `otherwise`, if there is none.
    pub fn time(at: Option<u64>, now: u64, otherwise: &str) -> Self {
        match at {
            Some(at) => Self::Time(Moment::new(at, now)),
            None => Self::text(otherwise),
        }
    }
}

/// A way to a page where something can be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Act {
    pub text: String,
    pub href: String,
    /// What a screen reader says, where the text does not tell what it is about.
    pub label: String,
    /// Whether it is one among others.
    pub plain: bool,
}

impl Act {
    /// The thing that one does here.
    pub fn main(text: &str, href: impl Into<String>) -> Self {
        Self {
            text: text.to_owned(),
            href: href.into(),
            ..Self::default()
        }
    }

    /// One of several things.
    pub fn plain(text: &str, href: impl Into<String>) -> Self {
        Self {
            plain: true,
            ..Self::main(text, href)
        }
    }

    /// The same in a row of a table, about what the row is about.
    pub fn of(text: &str, about: &str, href: impl Into<String>) -> Self {
        Self {
            label: format!("{text}: {about}"),
            ..Self::plain(text, href)
        }
    }
}

/// Names and their values.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub title: String,
    pub items: Vec<(String, Cell)>,
    pub acts: Vec<Act>,
}

impl Facts {
    /// Facts under a heading.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            ..Self::default()
        }
    }

    /// The same with a further fact.
    #[must_use]
    pub fn with(mut self, name: &str, cell: Cell) -> Self {
        self.items.push((name.to_owned(), cell));
        self
    }
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    pub text: String,
    /// Where the same table is sorted by it.
    pub sort: Option<String>,
    /// `ascending` or `descending`, if the table is sorted by it.
    pub order: &'static str,
}

/// Rows of the same kind.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub caption: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
    /// What is said where there are no rows.
    pub empty: String,
    /// Where the next page is.
    pub next: Option<String>,
    pub acts: Vec<Act>,
}

impl Table {
    /// A table with these columns.
    pub fn new(caption: &str, columns: &[&str], empty: &str) -> Self {
        Self {
            caption: caption.to_owned(),
            columns: columns
                .iter()
                .map(|&name| Column {
                    text: name.to_owned(),
                    ..Column::default()
                })
                .collect(),
            empty: empty.to_owned(),
            ..Self::default()
        }
    }

    /// The same with these rows.
    #[must_use]
    pub fn with_rows(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows = rows.into_iter().collect();
        self
    }

    /// The same with a way to the next page.
    #[must_use]
    pub fn with_next(mut self, next: Option<String>) -> Self {
        self.next = next;
        self
    }

    /// The same with something to do below.
    #[must_use]
    pub fn with_act(mut self, act: Option<Act>) -> Self {
        self.acts.extend(act);
        self
    }
}

/// What is typed and sent.
#[derive(Clone, Debug)]
pub struct Form {
    pub title: String,
    pub intro: Vec<String>,
    pub method: &'static str,
    pub action: String,
    pub fields: Vec<Field>,
    pub submit: String,
    pub cancel: Option<String>,
    /// Whether it takes something away.
    pub danger: bool,
    /// Whether its fields stand in one row, as those of a filter.
    pub row: bool,
    /// Begins the ids of its fields, where a page has several forms.
    pub prefix: &'static str,
    /// Its own id, where something outside belongs to it; empty otherwise.
    pub id: &'static str,
    /// Fields under headings that open, after the others.
    pub groups: Vec<Group>,
    /// What else can be done with what is typed.
    pub also: Vec<Button>,
    /// Whether it sends itself, where the page may run its script.
    pub goes_on: bool,
    /// Whether it is hidden until the page's script has something to put into it.
    pub waits: bool,
}

/// Fields of a form under a heading.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub title: String,
    pub fields: Vec<Field>,
    pub open: bool,
}

/// Another way to send a form.
#[derive(Clone, Debug, Default)]
pub struct Button {
    pub text: String,
    pub name: &'static str,
    pub value: String,
    /// Where it is sent to; empty: where the form is.
    pub action: String,
}

impl Form {
    /// A form that changes something.
    pub fn post(action: impl Into<String>, submit: &str) -> Self {
        Self {
            title: String::new(),
            intro: Vec::new(),
            method: "post",
            action: action.into(),
            fields: Vec::new(),
            submit: submit.to_owned(),
            cancel: None,
            danger: false,
            row: false,
            prefix: "",
            id: "",
            groups: Vec::new(),
            also: Vec::new(),
            goes_on: false,
            waits: false,
        }
    }

    /// A form that picks what a list shows: what it sends is the URL.
    pub fn filter(action: impl Into<String>, submit: &str) -> Self {
        Self {
            method: "get",
            row: true,
            prefix: "filter-",
            ..Self::post(action, submit)
        }
    }

    /// The same with a further field.
    #[must_use]
    pub fn with(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// The same with a paragraph before the fields.
    #[must_use]
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        self.intro.push(text.into());
        self
    }

    /// The same under a heading.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        self.title = title.to_owned();
        self
    }

    /// The same with a way back.
    #[must_use]
    pub fn or_back(mut self, href: impl Into<String>) -> Self {
        self.cancel = Some(href.into());
        self
    }

    /// The same with another way to send it.
    #[must_use]
    pub fn or(mut self, text: &str, name: &'static str, value: &str, action: &str) -> Self {
        self.also.push(Button {
            text: text.to_owned(),
            name,
            value: value.to_owned(),
            action: action.to_owned(),
        });
        self
    }

    /// The same with fields under a heading, if there are any.
    #[must_use]
    pub fn grouping(mut self, title: &str, fields: Vec<Field>, open: bool) -> Self {
        if !fields.is_empty() {
            self.groups.push(Group {
                title: title.to_owned(),
                fields,
                open,
            });
        }
        self
    }

    /// The same in the colour of what takes something away.
    #[must_use]
    pub fn dangerous(mut self) -> Self {
        self.danger = true;
        self
    }
}

/// How a field is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Hidden,
    Check,
    /// Values and their words.
    Select(Vec<(String, String)>),
    /// Any of these values, with their words. Those that are ticked are the lines of the field's value.
    Several(Vec<(String, String)>),
    /// A text area, with its number of rows.
    Area(u32),
    /// A text area for MACs, with its number of rows; what is no MAC is named as it is typed, where the page may run its
    /// script.
    Macs(u32),
    /// A text area for a template, with its number of rows, and what is wrong with the template as JSON.
    Template(u32, String),
    /// A file whose text goes into the area of this name: where the page may run its script, otherwise it is not there.
    FileInto(&'static str),
    /// The `type` of an `input`.
    Input(&'static str),
    /// A setting: name, value, and whether it is a secret. The field's name is its number.
    Setting(bool),
    /// The value of a secret, and whether one is stored that is not shown.
    Secret(bool),
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub value: String,
    pub hint: String,
    pub kind: Kind,
    pub required: bool,
    /// What a box sends that is ticked.
    pub sends: String,
}

impl Field {
    /// A field.
    pub fn new(kind: Kind, name: &str, label: &str, value: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            value: value.into(),
            hint: String::new(),
            kind,
            required: false,
            sends: String::new(),
        }
    }

    /// A line of text.
    pub fn line(name: &str, label: &str, value: impl Into<String>) -> Self {
        Self::new(Kind::Input("text"), name, label, value)
    }

    /// What is sent along and not shown.
    pub fn hidden(name: &str, value: impl Into<String>) -> Self {
        Self::new(Kind::Hidden, name, "", value)
    }

    /// Yes or no.
    pub fn check(name: &str, label: &str, value: bool) -> Self {
        Self {
            sends: "true".to_owned(),
            ..Self::new(Kind::Check, name, label, if value { "true" } else { "" })
        }
    }

    /// A time in UTC; none, where it is empty.
    pub fn time(name: &str, label: &str, value: impl Into<String>) -> Self {
        Self::new(Kind::Input("datetime-local"), name, label, value)
    }

    /// One of several.
    pub fn select(
        name: &str,
        label: &str,
        choices: Vec<(String, String)>,
        value: impl Into<String>,
    ) -> Self {
        Self::new(Kind::Select(choices), name, label, value)
    }

    /// Whether a value is among those that are ticked.
    fn has(&self, value: &str) -> bool {
        self.value.lines().any(|line| line == value)
    }

    /// The same with an explanation.
    #[must_use]
    pub fn hinting(mut self, hint: &str) -> Self {
        self.hint = hint.to_owned();
        self
    }

    /// The same, to be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
}

/// What is shown once.
#[derive(Clone, Debug)]
pub struct Secret {
    pub title: String,
    pub hint: String,
    pub value: String,
}

/// A number that leads to what it counts.
#[derive(Clone, Debug)]
pub struct Number {
    pub label: String,
    pub value: String,
    pub tone: Tone,
    pub href: Option<String>,
}

/// Numbers beside each other.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    pub title: String,
    /// What is said of them, such as when they were counted.
    pub note: Vec<Cell>,
    pub items: Vec<Number>,
}

/// What is said of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    None,
    /// A finding is about it.
    Hit,
    /// It is in the newer text alone.
    Added,
    /// It is in the older text alone.
    Removed,
    /// Lines are left out here.
    Gap,
}

impl Mark {
    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Hit => "hit",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Gap => "gap",
        }
    }
}

/// A file, line by line; those that something is said of are marked.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    pub title: String,
    pub hint: String,
    pub findings: Vec<String>,
    /// Whether it is what differs between two texts: its lines have their numbers in both then.
    pub is_diff: bool,
    pub lines: Vec<Line>,
}

/// A line of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub mark: Mark,
    pub text: String,
    /// Of a difference: its numbers in the older text and in the newer one, as far as it is there.
    pub numbers: [Option<u64>; 2],
}

impl Line {
    /// The numbers below each other's, as they are shown before the line.
    fn numbered(&self) -> String {
        let [from, to] = self
            .numbers
            .map(|number| number.map(|number| number.to_string()).unwrap_or_default());
        format!("{from:>4} {to:>4}")
    }
}

impl Lines {
    /// A text in lines, with those marked that have these numbers, which begin at 1.
    pub fn new(title: &str, text: &str, marked: &[u64]) -> Self {
        let marked: BTreeSet<&u64> = marked.iter().collect();
        let mark = |number| match marked.contains(&number) {
            true => Mark::Hit,
            false => Mark::None,
        };
        let lines = text.lines().zip(1..);
        Self {
            title: title.to_owned(),
            lines: lines
                .map(|(line, number)| Line {
                    mark: mark(number),
                    text: line.to_owned(),
                    ..Line::default()
                })
                .collect(),
            ..Self::default()
        }
    }

    /// What differs between two texts, as the API's `hunks` say it.
    pub fn diff(title: &str, hunks: &Value) -> Self {
        let mut lines = Vec::new();
        for hunk in hunks.list("") {
            if !lines.is_empty() {
                lines.push(Line {
                    mark: Mark::Gap,
                    text: "⋯".to_owned(),
                    ..Line::default()
                });
            }
            lines.extend(hunk.list("lines").iter().map(|line| {
                let (mark, sign) = match line.text("kind") {
                    "insert" => (Mark::Added, "+"),
                    "delete" => (Mark::Removed, "−"),
                    _ => (Mark::None, " "),
                };
                Line {
                    mark,
                    text: format!("{sign} {}", line.text("text")),
                    numbers: [line.number("from"), line.number("to")],
                }
            }));
        }
        Self {
            title: title.to_owned(),
            is_diff: true,
            lines,
            ..Self::default()
        }
    }
}

/// Things that happened, the newest first.
#[derive(Clone, Debug, Default)]
pub struct List {
    pub title: String,
    pub empty: String,
    pub items: Vec<Item>,
    pub next: Option<String>,
}

impl List {
    /// Sentences, one below the other.
    pub fn of(title: &str, texts: Vec<String>) -> Self {
        let items = texts.into_iter().map(|text| Item {
            head: Cell::Text(text),
            parts: Vec::new(),
            more: Vec::new(),
            text: String::new(),
            hint: String::new(),
        });
        Self {
            title: title.to_owned(),
            items: items.collect(),
            ..Self::default()
        }
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Item {
    pub head: Cell,
    pub more: Vec<Cell>,
    pub text: String,
    /// What stands there instead of the text where times are among it.
    pub parts: Vec<Cell>,
    pub hint: String,
}

/// A day in bars of an hour.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    pub title: String,
    /// The whole of it in words.
    pub label: String,
    pub bars: Vec<Bar>,
    pub first: Hour,
    pub last: Hour,
    pub served: String,
    pub refused: String,
    pub note: String,
}

/// The hour of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Template)]
#[template(
    source = r#"<time datetime="{{ iso }}" data-hour>{{ utc }}</time>"#,
    ext = "html"
)]
pub struct Hour {
    /// For machines: RFC 3339.
    pub iso: String,
    /// For people, without the script.
    pub utc: String,
}

/// An hour, in the units of the picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// In UTC; and with `{}` for the hour that the viewer's script puts there.
    pub label: String,
    pub words: String,
    /// When its hour begins, for machines.
    pub iso: String,
    pub x: u64,
    pub served_y: u64,
    pub served_height: u64,
    pub refused_y: u64,
    pub refused_height: u64,
}

/// A picture of squares: each a quarter of a text that a phone's camera reads.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub title: String,
    /// What it says, for whoever does not see it.
    pub label: String,
    /// The side of the picture, in squares.
    pub side: usize,
    /// The dark squares, as the data of an SVG path.
    pub path: String,
}
