//! What goes on: events as they happen, and jobs, rollouts and operations to their end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ringfence_api::admin::events::EventView;
use ringfence_api::notify::jobs::State;
use ringfence_api::notify::rollouts::RolloutState;
use ringfence_api::operation::Operation;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::{self, ApiCall};
use crate::failure::Failure;
use crate::given::Given;
use crate::output::Format;
use crate::session::Session;
use crate::table::{self, Columns, Layout};
use crate::verb::Wait;
use crate::words::{cell, count, field, now, text};

/// How often is looked, at first and at last.
const POLL: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(5));

/// How long after a later event an earlier one may still be written, by another isolate, in milliseconds.
const OVERLAP_MS: u64 = 30_000;

/// A job that nobody fetches for ends after half an hour.
const PATIENCE: Duration = Duration::from_secs(35 * 60);

/// What is waited for goes on while the installation does not answer for a while.
#[derive(Default)]
struct Patience {
    /// How often in a row it did not answer.
    failed: u32,
}

/// How often in a row the installation may not answer and is asked again.
const MAX_FAILED: u32 = 12;

/// How long the command waits before it asks an installation again that did not answer.
const PAUSE: Duration = Duration::from_secs(5);

impl Patience {
    /// The answer; nothing where there was none and it is worth asking again.
    fn bears<T>(
        &mut self,
        session: &Session,
        looked: Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        match looked {
            Ok(answer) => {
                self.failed = 0;
                Ok(Some(answer))
            }
            Err(failure) if failure.code() == 3 && self.failed < MAX_FAILED => {
                if self.failed == 0 {
                    session
                        .output
                        .remark(&format!("{failure} The Worker is asked again."));
                }
                self.failed += 1;
                std::thread::sleep(PAUSE);
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Shows events as they happen, until the program is ended.
///
/// # Errors
/// The events are not to be had, or cannot be written.
pub fn events(session: &Session, call: &ApiCall, columns: Columns) -> Result<(), Failure> {
    let mut call = call.clone();
    call.query
        .retain(|(name, _)| name != "before" && name != "limit");
    let after = call.query.iter().position(|(name, _)| name == "after");
    let since = after.map(|at| call.query.swap_remove(at).1);
    let mut since: u64 = since.and_then(|text| text.parse().ok()).unwrap_or_else(now);
    // Those that are known, with their times.
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    session.output.remark("Events from now on; Ctrl-C ends it.");
    let layout = Layout::of(
        columns,
        &[columns.iter().map(|(_, path)| usual(path)).collect()],
        session.output.width(),
    );
    match session.output.format {
        Format::People if !session.output.quiet => {
            let head = layout.head(session.output.has_colours());
            session.output.answer(&head)?;
        }
        Format::Csv => {
            let head = columns.iter().map(|(_, path)| (*path).to_owned());
            session.output.answer(&table::record(head))?;
        }
        _ => {}
    }
    let mut patience = Patience::default();
    loop {
        let round = call.clone().asking("after", since.to_string());
        let mut fresh = Vec::new();
        let looked = session.client.pages(&round, usize::MAX, |items| {
            fresh.extend(items);
            Ok(())
        });
        if patience.bears(session, looked)?.is_none() {
            continue;
        }
        // The newest come first.
        fresh.reverse();
        for event in fresh {
            let view: EventView = client::read(&event)?;
            if seen.insert(view.id, view.at).is_none() {
                session
                    .output
                    .answer(&event_line(session, &event, columns, &layout))?;
            }
        }
        let newest = seen.values().copied().max().unwrap_or(since);
        since = since.max(newest.saturating_sub(OVERLAP_MS));
        seen.retain(|_, at| *at >= since);
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// As much as a field of an event mostly has, by which a column is as wide before any event is there.
fn usual(path: &str) -> String {
    let length = match path {
        "at" => 20,
        "mac" => 12,
        "outcome" => 11,
        "reason" => 18,
        "kind" => 8,
        "path" => 22,
        "address" => 15,
        "request_id" => 26,
        _ => 3,
    };
    "x".repeat(length)
}

/// An event with its line end, as it can be read while more come.
fn event_line(session: &Session, event: &Value, columns: Columns, layout: &Layout) -> String {
    let cells = columns
        .iter()
        .map(|(_, path)| cell(path, field(event, path)));
    match session.output.format {
        Format::Json => format!("{event}\n"),
        Format::Csv => table::record(cells.map(|text| table::harmless(&text))),
        Format::People if session.output.quiet => {
            format!("{}\n", cell("", field(event, "request_id")))
        }
        Format::People => layout.row(&cells.collect::<Vec<_>>(), session.output.has_colours()),
    }
}

/// Follows what a call began to its end, and shows it then.
///
/// # Errors
/// What the call began did not end well, or not in time.
pub fn wait(
    session: &Session,
    given: &Given<'_>,
    what: Wait,
    answer: &Value,
) -> Result<(), Failure> {
    let (operation, place, inner) = match what {
        Wait::Job => (Operation::GetJob, "jobs", "job"),
        Wait::Rollout => (Operation::GetRollout, "rollouts", "rollout"),
        Wait::Operation => (Operation::GetOperation, "operations", "operation"),
    };
    let begun = answer
        .get(inner)
        .filter(|it| it.is_object())
        .unwrap_or(answer);
    let id = text(begun, "id");
    if id.is_empty() {
        return table::one(session.output, answer);
    }
    let read = session.call(operation, &[(inner, id)])?;
    let patience = match given.text("timeout") {
        Some(_) => Duration::from_secs(given.seconds("timeout")?.unwrap_or(0)),
        None => PATIENCE,
    };
    let began = Instant::now();
    let (mut pause, longest) = POLL;
    let mut said = String::new();
    let mut trouble = Patience::default();
    loop {
        let looked = session.client.call(&read);
        let looked = looked.and_then(|answer| answer.json());
        let Some(present) = trouble.bears(session, looked)? else {
            continue;
        };
        let line = progress(what, &present);
        if line != said {
            session.output.remark(&line);
            said = line;
        }
        if is_over(what, &present) {
            table::one(session.output, &present)?;
            return verdict(what, &present);
        }
        if began.elapsed() >= patience {
            return Err(Failure::Unfinished(format!(
                "it is not at its end after {} s, and goes on by itself: ringfence {place} show {id} --wait.",
                patience.as_secs()
            )));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(longest);
    }
}

/// A word of an answer; nothing where a newer Worker says one that this program does not know.
fn word<T: DeserializeOwned>(present: &Value, name: &str) -> Option<T> {
    T::deserialize(field(present, name)).ok()
}

fn progress(what: Wait, present: &Value) -> String {
    let number = |path: &str| field(present, path).as_u64().unwrap_or(0);
    let state = text(present, "state");
    match what {
        Wait::Job => format!("{state}: {}", text(present, "message")),
        Wait::Rollout => format!(
            "{state}: {} of {} fetched, {} released. {}",
            number("progress.fetched"),
            count(number("total"), "phone"),
            number("released"),
            text(present, "message")
        ),
        Wait::Operation => format!(
            "{state}: {} of {} done, {} refused",
            number("devices.done") + number("devices.unchanged"),
            count(number("devices.all"), "phone"),
            number("devices.refused")
        ),
    }
}

fn is_over(what: Wait, present: &Value) -> bool {
    match what {
        Wait::Job => word(present, "state").is_none_or(State::is_final),
        // A rollout that paused itself goes on only when somebody says so.
        Wait::Rollout => word(present, "state") != Some(RolloutState::Running),
        Wait::Operation => !field(present, "ended_at").is_null(),
    }
}

fn verdict(what: Wait, present: &Value) -> Result<(), Failure> {
    let number = |path: &str| field(present, path).as_u64().unwrap_or(0);
    let is_well = match what {
        Wait::Job => word(present, "state") == Some(State::Fetched),
        Wait::Rollout => {
            word(present, "state") == Some(RolloutState::Finished)
                && number("progress.fetched") == number("total")
        }
        Wait::Operation => {
            let all = number("devices.done") + number("devices.unchanged");
            all == number("devices.all")
        }
    };
    match is_well {
        true => Ok(()),
        false => Err(Failure::Unfinished(progress(what, present))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_was_fetched_ended_well() {
        for (state, over, well) in [
            ("queued", false, false),
            ("answered", false, false),
            ("fetched", true, true),
            ("expired", true, false),
            ("cancelled", true, false),
        ] {
            let job = json!({"state": state, "message": "…"});
            assert_eq!(is_over(Wait::Job, &job), over, "{state}");
            assert_eq!(verdict(Wait::Job, &job).is_ok(), well, "{state}");
        }
        let rollout = |state: &str, fetched: u64| json!({"state": state, "total": 2, "progress": {"fetched": fetched}});
        assert!(!is_over(Wait::Rollout, &rollout("running", 1)));
        assert!(is_over(Wait::Rollout, &rollout("paused", 1)));
        assert!(verdict(Wait::Rollout, &rollout("finished", 1)).is_err());
        assert!(verdict(Wait::Rollout, &rollout("finished", 2)).is_ok());
    }
}
