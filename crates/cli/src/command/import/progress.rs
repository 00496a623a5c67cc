//! How far it is, how fast it goes, and how long it takes yet.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// How long after one line about the progress the next one is written, where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// A bar on a terminal, and a line now and then elsewhere.
pub(in crate::command) struct Progress {
    output: Output,
    bar: Option<ProgressBar>,
    what: &'static str,
    all: u64,
    from: u64,
    began: Instant,
    said: Instant,
}

impl Progress {
    /// Begins. `all` is how many items there are, 0 where nobody knows, and `from` is how many of the items were done
    /// before. Where answers are written to the same terminal meanwhile, `is_torn`, there is no bar.
    pub(in crate::command) fn new(
        output: Output,
        what: &'static str,
        all: u64,
        from: u64,
        is_torn: bool,
    ) -> Self {
        let is_torn = is_torn && std::io::stdout().is_terminal();
        let has_bar = !output.quiet && std::io::stderr().is_terminal() && !is_torn;
        let bar = has_bar.then(|| {
            let bar = ProgressBar::new(all.max(1)).with_position(from);
            let style = if all > 0 { "{bar:30} {msg}" } else { "{msg}" };
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar
        });
        Self {
            output,
            bar,
            what,
            all,
            from,
            began: Instant::now(),
            said: Instant::now(),
        }
    }

    /// Says that `done` items are done.
    pub(in crate::command) fn at(&mut self, done: u64) {
        let line = || say(self.what, done, self.all, self.from, self.began.elapsed());
        if let Some(bar) = &self.bar {
            bar.set_message(line());
            bar.set_position(done);
        } else if self.said.elapsed() >= EVERY {
            self.output.remark(&line());
            self.said = Instant::now();
        }
    }

    /// All is done.
    pub(in crate::command) fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn say(what: &str, done: u64, all: u64, from: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    #[allow(clippy::cast_precision_loss)]
    let rate = (done.saturating_sub(from)) as f64 / seconds;
    if all == 0 {
        return format!("{done} {what}, {rate:.0} a second");
    }
    #[allow(clippy::cast_precision_loss)]
    let left = all.saturating_sub(done) as f64 / rate.max(0.001);
    format!("{done} of {all} {what}, {rate:.0} a second, {left:.0} s left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_this_run() {
        let line = say(
            "rows written",
            60_000,
            100_000,
            50_000,
            Duration::from_secs(10),
        );
        assert_eq!(
            line,
            "60000 of 100000 rows written, 1000 a second, 40 s left"
        );
        let line = say("phones read", 500, 0, 0, Duration::from_secs(10));
        assert_eq!(line, "500 phones read, 50 a second");
    }
}
