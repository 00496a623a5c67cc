//! Tables of phones: CSV as an operator has it, row by row a device or a sentence that says what is wrong.
//!
//! [`Table::open`] reads what begins a file: its encoding, its delimiter, the names of its columns and the system that
//! it comes from. [`Table::rows`] then goes through the rows, one at a time, so that a file of any length takes
//! little memory besides its own. [`write`](write()) makes a table of devices that reads back as it was.
//!
//! Nothing that is said about a file quotes a cell of it: what stands in the wrong column may be a password.
//!
//! ```
//! use ringfence_import::{RowOutcome, Table, Wishes};
//!
//! let file = "mac;model;ext\r\n00:80:f0:c5:71:eb;KX-UTG300B;201\r\n0080F0;KX-UTG300B;202\r\n";
//! let table = Table::open(file.as_bytes(), Wishes::default())?;
//! let rows: Vec<_> = table.rows().collect();
//! assert!(matches!(&rows[0].outcome, RowOutcome::Device(device) if device.mac.upper() == "0080F0C571EB"));
//! assert_eq!(rows[1].line, 3);
//! assert!(matches!(rows[1].outcome, RowOutcome::Refused(_)));
//! # Ok::<(), ringfence_import::FileError>(())
//! ```

mod cell;
mod column;
mod error;
mod header;
mod row;
mod system;
mod table;
mod text;
mod write;

pub use cell::{guarded, is_secret_name};
pub use column::{Mapping, Target};
pub use error::{FileError, MeaningError, Refusal};
pub use header::Ignored;
pub use row::{Device, Row, RowOutcome};
pub use system::System;
pub use table::{Table, Wishes};
pub use write::{ExportedDevice, ExportedValue, write};

/// The longest file, in bytes.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The most rows of a file, the header apart.
pub const MAX_ROWS: usize = 100_000;

/// The most columns of a row: a base station with all its handsets has some 5,000 settings.
pub const MAX_COLUMNS: usize = 6_000;

/// The longest cell, in bytes: longer than any value that is stored.
pub const MAX_CELL: usize = 4_096;
