//! Where a file is written: bounded, each value escaped once, with the line ends of its format.

use super::eval::Why;
use super::meter::Meter;
use super::record::Record;
use super::value::{Item, Value};
use crate::family::Format;
use crate::format::{EscapeError, escape};

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Sink {
    format: Format,
    limit: usize,
    written: String,
}

impl Sink {
    pub(super) fn new(format: Format, limit: usize) -> Self {
        let written = String::new();
        Self {
            format,
            limit,
            written,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.written
    }

    /// Writes a text of the template's own.
    pub(super) fn write(
        &mut self,
        meter: &mut Meter,
        record: &mut Record<'_>,
        text: &str,
    ) -> Result<(), Why> {
        meter.bytes(text.len())?;
        let lines = text.bytes().filter(|byte| *byte == b'\n').count();
        let returns = if self.format == Format::Text {
            lines
        } else {
            0
        };
        if self.written.len() + text.len() + returns > self.limit {
            return Err(Why::TooLarge);
        }
        if returns > 0 {
            for (index, line) in text.split('\n').enumerate() {
                if index > 0 {
                    self.written.push_str("\r\n");
                }
                self.written.push_str(line);
            }
        } else {
            self.written.push_str(text);
        }
        record.line_ends(lines);
        Ok(())
    }

    /// Writes the value of a `{{ … }}`.
    pub(super) fn write_value(
        &mut self,
        meter: &mut Meter,
        record: &mut Record<'_>,
        value: &Value,
    ) -> Result<(), Why> {
        let text = match value {
            Value::Undefined => return Err(Why::Undefined),
            Value::Nothing => return Ok(()),
            Value::Item(item @ (Item::Text(_) | Item::Int(_) | Item::Float(_))) => item.to_text(),
            _ => None,
        };
        let Some(text) = text else {
            return Err(Why::NotText(value.kind()));
        };
        // Escaped, it would be longer still.
        if text.len() > self.limit {
            return Err(Why::TooLarge);
        }
        meter.bytes(text.len())?;
        let origin = record.origin(&text);
        let escaped = escape(self.format, &text)
            .map_err(|reason| Why::Unrepresentable(made_of(self.format, record, origin), reason))?;
        if let Some((name, hidden)) = origin.and_then(|at| record.hidden(at)) {
            meter.bytes(hidden.len())?;
            check(self.format, hidden)
                .map_err(|reason| Why::Unrepresentable(vec![name.to_owned()], reason))?;
        }
        self.write(meter, record, &escaped)?;
        record.written();
        Ok(())
    }
}

fn check(format: Format, text: &str) -> Result<(), EscapeError> {
    escape(format, text).map(|_| ())
}

/// The settings that a value which cannot be written is made of: the one that it is, or those just
/// read that cannot be written either, or all those just read.
fn made_of(format: Format, record: &Record<'_>, origin: Option<usize>) -> Vec<String> {
    if let Some(at) = origin {
        return record.name(at).map(str::to_owned).into_iter().collect();
    }
    let names = |only_bad: bool| -> Vec<String> {
        record
            .recent()
            .filter(|(_, text)| !only_bad || check(format, text).is_err())
            .map(|(name, _)| name.to_owned())
            .collect()
    };
    let bad = names(true);
    if bad.is_empty() { names(false) } else { bad }
}
