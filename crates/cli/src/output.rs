//! Where everything that the program says leaves it: answers on standard output, remarks on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use crate::failure::Failure;

/// What answers are written as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Tables and sentences.
    #[default]
    People,
    /// What the API said, as JSON.
    Json,
    /// The columns of the table, as CSV.
    Csv,
}

/// How the program speaks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Output {
    pub format: Format,
    /// Only names, one a line, and no remarks.
    pub quiet: bool,
}

impl Output {
    /// Whether answers may be coloured: for people, on a terminal, unless `NO_COLOR` says otherwise.
    pub fn has_colours(self) -> bool {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        self.format == Format::People && wanted && io::stdout().is_terminal()
    }

    /// The width of the terminal, in characters; `None` where answers go elsewhere.
    pub fn width(self) -> Option<u16> {
        if !io::stdout().is_terminal() {
            return None;
        }
        terminal_size::terminal_size().map(|(width, _)| width.0)
    }

    /// Writes a part of the answer.
    ///
    /// # Errors
    /// Nobody reads it any more, or the disk is full.
    pub fn answer(self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())
    }

    /// Writes a line of the answer.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn line(self, text: &str) -> Result<(), Failure> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Writes bytes of the answer as they are.
    ///
    /// # Errors
    /// As [`Self::answer`].
    pub fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        let done = out.write_all(bytes).and_then(|()| out.flush());
        done.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unread,
            _ => Failure::Usage(format!("the answer could not be written: {error}")),
        })
    }

    /// Says something beside the answer, unless nothing is to be said.
    pub fn remark(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }
}

/// Says why the program ends.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "ringfence: {text}");
}

/// Whether somebody is there who can be asked.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks whether to go on. `what` is a sentence that says what would be lost.
///
/// # Errors
/// The answer is no, or nobody is there who could be asked.
pub fn confirm(what: &str) -> Result<(), Failure> {
    if !can_ask() {
        return Err(Failure::Usage(format!(
            "{what} Nothing was changed: repeat the command with --yes."
        )));
    }
    let _ = write!(io::stderr().lock(), "{what} Go on? [y/N] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    match (read, answer.trim()) {
        (Ok(_), "y" | "Y" | "yes") => Ok(()),
        _ => Err(Failure::Unfinished("Nothing was changed.".to_owned())),
    }
}
