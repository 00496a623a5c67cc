//! What is wrong with a file or with a row, for people. No sentence quotes a cell.

use thiserror::Error;

use crate::{MAX_BYTES, MAX_CELL, MAX_COLUMNS, MAX_ROWS};

/// Why a column cannot mean what a mapping says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MeaningError {
    /// It is said to be a setting, and its name is none.
    #[error("what stands behind the colon is no name of a setting: letters, digits, _ . and -.")]
    SettingName,
    /// Nothing that a column can be.
    #[error(
        "behind = stands mac, model, family, site, label, ignore, a setting such as line_1_user, or setting: and the name of any other."
    )]
    Unknown,
}

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileError {
    /// Nothing but blanks.
    #[error("The file is empty. Its first line names the columns, such as mac,model,label.")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error(
        "The file has {0} bytes; {MAX_BYTES} can be read at once. Cut it into several files with the same first line."
    )]
    TooLong(usize),
    /// UTF-16, as some spreadsheets call Unicode.
    #[error("The file is written in UTF-16. Save it as \"CSV UTF-8\" and try again.")]
    Utf16,
    /// Another encoding.
    #[error("Line {line} is not written in UTF-8. Save the file as \"CSV UTF-8\" and try again.")]
    Encoding {
        /// The line, counted from 1.
        line: u64,
    },
    /// A workbook and no text.
    #[error("The file is a workbook and no CSV. Save it as \"CSV UTF-8\" and try again.")]
    Workbook,
    /// A byte that no text has.
    #[error(
        "Line {line} has a NUL character, which no text has. Save the file as \"CSV UTF-8\" and try again."
    )]
    Nul {
        /// The line, counted from 1.
        line: u64,
    },
    /// More than [`MAX_COLUMNS`].
    #[error(
        "The first line names {0} columns; at most {MAX_COLUMNS} can be read. If it should name fewer, a quotation mark may be missing in it."
    )]
    Columns(usize),
    /// The first line holds values.
    #[error(
        "The first line has a MAC address in it, so it is a row and no header. Put a line before it that names the columns, such as mac,model,label."
    )]
    NoHeader,
    /// No column is a MAC.
    #[error(
        "{} of the first line is known as the one with MAC addresses. Call it mac, or say which one it is: its name, =, and mac.",
        match .0 { 1 => "Not even the one column".to_owned(), of => format!("None of the {of} columns") }
    )]
    NoMac(usize),
    /// Two columns mean the same.
    #[error(
        "The columns {first} and {second} would both be {what}. Keep one of them: write the other one's name and =ignore."
    )]
    Twice {
        /// What both would be.
        what: String,
        /// The number of the first of them, counted from 1.
        first: usize,
        /// The number of the second.
        second: usize,
    },
    /// A mapping that is none.
    #[error(
        "Line {0} of what the columns mean is not written as theirs=ours. Write the column's name, =, and what it is, such as Extension=line_1_user."
    )]
    Mapping(usize),
    /// A mapping to something that there is not.
    #[error("Line {line} of what the columns mean: {why}")]
    Meaning {
        /// The line of the mapping.
        line: usize,
        /// What is wrong.
        why: MeaningError,
    },
    /// A mapping of a column that is not there.
    #[error(
        "Line {0} of what the columns mean is about a column that the file does not have. Write its name as the first line of the file has it, or remove the line."
    )]
    NoSuchColumn(usize),
}

/// Why a row is no device.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A number of a spreadsheet.
    #[error(
        "A spreadsheet has made a number of this MAC and lost its digits (it looks like 8,02E+10). Format the column as text, take the MACs from their source again, and save."
    )]
    Scientific,
    /// Zeros are missing.
    #[error(
        "This MAC has {0} digits instead of 12. A spreadsheet takes zeros off the front of what looks like a number: format the column as text, and take the MACs from their source again."
    )]
    Short(usize),
    /// No MAC for another reason.
    #[error("This is no MAC of a phone: {0}. Write it as 0080F0C571EB or 00:80:F0:C5:71:EB.")]
    Mac(&'static str),
    /// The MAC of an earlier row.
    #[error("Line {0} has the same MAC already. Keep one of the two rows.")]
    Doubled(u64),
    /// A row that is wider than the header.
    #[error(
        "The row has {cells} cells, and the header names {columns} columns. A value with the delimiter in it must stand in quotation marks."
    )]
    Wide {
        /// Number of cells with something in them or before one.
        cells: usize,
        /// Number of columns.
        columns: usize,
    },
    /// A cell that is too long.
    #[error(
        "The cell of `{column}` is longer than {MAX_CELL} bytes. A quotation mark may be missing in it."
    )]
    LongCell {
        /// The column.
        column: String,
    },
    /// A value that a setting cannot have.
    #[error("`{column}`: {why}.")]
    Setting {
        /// The column.
        column: String,
        /// What the value must be.
        why: String,
    },
    /// What a label, a site or a model cannot be.
    #[error("`{column}` is at most {most} characters on one line.")]
    Text {
        /// The column.
        column: String,
        /// The limit.
        most: usize,
    },
    /// Two groups of columns are for the same line of the phone.
    #[error("Two lines of this phone have the number {0}. Give each of them a number of its own.")]
    LineTwice(u16),
    /// The number of a line of the phone is none.
    #[error("`{column}` is the number of a line of the phone: 1 to 255.")]
    LineNumber {
        /// The column.
        column: String,
    },
    /// More than [`MAX_ROWS`].
    #[error(
        "The file has more than {MAX_ROWS} rows; what comes from here on is not read. Cut it into several files with the same first line."
    )]
    TooMany,
}
