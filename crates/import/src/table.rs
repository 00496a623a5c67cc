//! A file as a whole: its header, and its rows one after the other.

use std::collections::BTreeMap;

use ringfence_provision::mac::Mac;

use crate::column::Mapping;
use crate::error::{FileError, Refusal};
use crate::header::{self, Header, Ignored};
use crate::row::{self, Row, RowOutcome};
use crate::system::System;
use crate::text::{self, Text};
use crate::{MAX_ROWS, row::Device};

/// What an operator says beside a file.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// What columns mean, where their names do not tell.
    pub mapping: Mapping,
    /// The delimiter; without one it is looked for.
    pub delimiter: Option<u8>,
    /// The model of rows that name none.
    pub model: Option<String>,
    /// The name of the site of rows that name none.
    pub site: Option<String>,
}

/// A file whose header is understood.
#[derive(Debug)]
pub struct Table<'a> {
    text: Text<'a>,
    header: Header,
    wishes: Wishes,
}

impl<'a> Table<'a> {
    /// Reads what begins a file.
    ///
    /// # Errors
    /// The file is no CSV in UTF-8 whose first line names its columns, one of them the MAC.
    pub fn open(bytes: &'a [u8], wishes: Wishes) -> Result<Self, FileError> {
        let text = text::read(bytes, wishes.delimiter)?;
        let mut names = csv::StringRecord::new();
        let read = reader(&text).read_record(&mut names);
        if !matches!(read, Ok(true)) {
            return Err(FileError::Empty);
        }
        let header = header::read(&names, &wishes.mapping)?;
        Ok(Self {
            text,
            header,
            wishes,
        })
    }

    /// The system that it comes from, as far as its header tells.
    pub fn system(&self) -> System {
        self.header.system
    }

    /// The delimiter of its cells.
    pub fn delimiter(&self) -> char {
        char::from(self.text.delimiter)
    }

    /// The columns of which nothing is taken.
    pub fn ignored(&self) -> &[Ignored] {
        &self.header.ignored
    }

    /// Its rows, from the first one below the header on.
    pub fn rows(&self) -> Rows<'_> {
        let mut reader = reader(&self.text);
        let mut cells = csv::StringRecord::new();
        let mut lines = Lines::new(&self.text);
        if let Ok(true) = reader.read_record(&mut cells) {
            lines.begin_of(&cells, reader.position().byte());
        }
        Rows {
            table: self,
            reader,
            cells,
            lines,
            seen: BTreeMap::new(),
            count: 0,
        }
    }
}

fn reader<'a>(text: &Text<'a>) -> csv::Reader<&'a [u8]> {
    csv::ReaderBuilder::new()
        .delimiter(text.delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.text.as_bytes())
}

/// The rows of a table.
pub struct Rows<'a> {
    table: &'a Table<'a>,
    reader: csv::Reader<&'a [u8]>,
    cells: csv::StringRecord,
    lines: Lines<'a>,
    /// The MACs of earlier rows, each with its line.
    seen: BTreeMap<Mac, u64>,
    count: usize,
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.count > MAX_ROWS {
            return None;
        }
        // The text is UTF-8 and rows may be of any width, so that reading does not fail.
        if !matches!(self.reader.read_record(&mut self.cells), Ok(true)) {
            return None;
        }
        self.count += 1;
        let line = self
            .lines
            .begin_of(&self.cells, self.reader.position().byte());
        let outcome = match self.count > MAX_ROWS {
            true => RowOutcome::Refused(Refusal::TooMany),
            false => row::read(&self.cells, &self.table.header, &self.table.wishes),
        };
        let outcome = match outcome {
            RowOutcome::Device(device) => self.unless_doubled(device, line),
            other => other,
        };
        Some(Row { line, outcome })
    }
}

impl Rows<'_> {
    fn unless_doubled(&mut self, device: Box<Device>, line: u64) -> RowOutcome {
        match self.seen.get(&device.mac) {
            Some(first) => RowOutcome::Refused(Refusal::Doubled(*first)),
            None => {
                self.seen.insert(device.mac, line);
                RowOutcome::Device(device)
            }
        }
    }
}

/// At which line of the file a record begins.
struct Lines<'a> {
    bytes: &'a [u8],
    /// How far line ends are counted, and how many there are.
    at: usize,
    ends: u64,
}

impl<'a> Lines<'a> {
    fn new(text: &Text<'a>) -> Self {
        Self {
            bytes: text.text.as_bytes(),
            at: 0,
            ends: text.skipped,
        }
    }

    /// The line at which a record began that was read up to `end`.
    fn begin_of(&mut self, cells: &csv::StringRecord, end: u64) -> u64 {
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        let end = usize::try_from(end)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        self.ends += count(self.bytes.get(self.at..end).unwrap_or_default());
        self.at = end;
        // Of CRLF the reader has taken the first half.
        let has_end = self.bytes.get(..end).is_some_and(|read| {
            let in_cell = cells.as_slice().ends_with('\n') && !read.ends_with(b"\n\"\n");
            // The last line end of a file whose last quote is not closed belongs to the cell.
            read.ends_with(b"\n") && !in_cell
        });
        let within = count(cells.as_slice().as_bytes());
        (self.ends + u64::from(!has_end)).saturating_sub(within)
    }
}
