//! What happened, for the operator: a structured log line for each answer, and an event for each
//! that belongs to a tenant.
//!
//! Written after the answer, many together ([`collected`]). Events are bounded per tenant and minute: D1 counts them and
//! refuses those above the limit, and an isolate that knows a minute to be full only counts. So a scan
//! costs a row a minute, however long it lasts.

mod answered;
mod collected;
mod named;
mod news;
mod overflow;
mod stranger;
mod uses;

use std::rc::Rc;
use std::time::Duration;

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use ringfence_provision::url_template::{RouteTable, shown};
use serde_json::json;
use worker::Delay;

use crate::app::App;
use crate::files::inputs::FileInputs;
use crate::phone::deed::Deed;
use crate::phone::facts::Facts;
use crate::phone::{PhoneAnswer, PhoneOutcome, PhoneRequest, Reason, Trace};
use crate::platform::config::LogLevel;
use crate::platform::log::info;
use answered::Answered;
use named::Puzzle;
use overflow::{Room, Uncounted};
use stranger::Stranger;

/// What is found out about a phone's request on the way to its answer.
#[derive(Default)]
pub struct Record {
    pub tenant: Option<String>,
    pub device: Option<String>,
    pub mac: Option<Mac>,
    pub kind: Option<FileKind>,
    pub form: Option<Form>,
    /// The version of the standard file, if that is what was taken.
    pub fetched: Option<u64>,
    pub events_per_minute: u32,
    /// SHA-256 of the access path, hex, and its id where KV knows it.
    pub access_path_hash: String,
    pub access_path: Option<String>,
    /// The tenant's names, to see what a path nearly is.
    pub names: Option<Rc<RouteTable>>,
    /// The file's place in KV, if it was not checked with D1.
    pub kept: Option<ServedFromKv>,
    /// What is to be done after the answer, besides the event.
    pub(in crate::phone) deeds: Vec<Deed>,
    /// What the decision was made from, where somebody wants to know.
    pub facts: Option<Box<Facts>>,
}

/// A file that went out as KV had it.
#[derive(Clone, Debug)]
pub struct ServedFromKv {
    key: String,
    version: u64,
    generation: Option<u32>,
}

impl Record {
    /// Records a fact for whoever explains the decision; where nobody does, it costs nothing.
    pub(in crate::phone) fn record_fact(&mut self, of: impl FnOnce(&mut Facts)) {
        if let Some(facts) = &mut self.facts {
            of(facts);
        }
    }

    /// Notes what the file is made from.
    pub(in crate::phone) fn found(&mut self, inputs: &FileInputs) {
        self.device = inputs.device.as_ref().map(|device| device.id.clone());
        self.record_fact(|facts| facts.inputs = Some(inputs.clone()));
    }

    /// Notes that the file came from KV: once D1 is asked anyway, it is held against it.
    pub fn came_from_kv(&mut self, key: &str, version: u64, generation: Option<u32>) {
        self.record_fact(|facts| facts.came_from_kv = true);
        self.kept = Some(ServedFromKv {
            key: key.to_owned(),
            version,
            generation,
        });
    }
}

/// One answer, in words.
pub struct Event {
    pub record: Record,
    pub outcome: &'static str,
    pub reason: Reason,
    pub status: u16,
    bytes: u64,
    pub detail: Option<String>,
    /// What was asked for, where no file went out and the tenant is known: whatever stands behind an
    /// access path that nobody has may itself hold one.
    pub path: Option<String>,
    /// The phone, where it is no device.
    stranger: Option<Stranger>,
    address: String,
    user_agent: String,
    country: String,
}

/// What an answer leaves to be written.
#[derive(Debug, PartialEq, Eq)]
struct Due {
    minute: u64,
    /// Earlier events to be counted.
    uncounted: Option<Uncounted>,
    /// The event itself.
    event: bool,
    /// That the device was here.
    seen: bool,
    /// The version that it took.
    fetched: Option<u64>,
}

/// Logs an answer to a phone and, after it has gone out, writes its event.
pub fn record(
    request: &PhoneRequest,
    record: Record,
    outcome: &PhoneOutcome,
    answer: &PhoneAnswer,
) {
    let mut event = Event::of(request, record, outcome, answer.status, answer.bytes);
    let taken = matches!(event.status, 200 | 206 | 304) && !request.head;
    // Most of a flood leaves nothing to write: then nothing outlives the answer either.
    let Some(due) = event.due(request.app.now, taken) else {
        event.log(&request.app);
        return;
    };
    let app = request.app.clone();
    // Whatever a refusal is for, as little is done about it before its answer.
    let thinks = due.event && !event.is_served();
    let puzzle = due.event.then(|| event.puzzle(request)).flatten();
    if !thinks {
        event.log(&app);
        collected::add(&app, Answered::of(event, due, &app));
        return;
    }
    request.app.later(async move {
        // Not before the answer: its time would tell that somebody thought about it.
        Delay::from(Duration::ZERO).await;
        event.think(puzzle, &app).await;
        event.log(&app);
        collected::add(&app, Answered::of(event, due, &app));
    });
}

/// A text without the access path: an error about an initial file may quote a URL, and who reads
/// events must not be able to ask in a phone's place.
pub(in crate::phone) fn without(text: &str, access_path: &str) -> String {
    if access_path.is_empty() {
        text.to_owned()
    } else {
        text.replace(access_path, "…")
    }
}

impl Event {
    /// How a request ended, as far as its answer tells.
    fn of(
        request: &PhoneRequest,
        record: Record,
        outcome: &PhoneOutcome,
        status: u16,
        bytes: usize,
    ) -> Self {
        let (word, reason, detail) = match outcome {
            PhoneOutcome::Served(served) => (
                if status == 304 {
                    "not_modified"
                } else {
                    "served"
                },
                served.reason,
                served.detail.as_ref().map(ToString::to_string),
            ),
            PhoneOutcome::Refused(reason) => ("refused", *reason, None),
            PhoneOutcome::Unavailable { detail } => (
                "unavailable",
                Reason::Storage,
                Some(json!({ "error": detail }).to_string()),
            ),
            PhoneOutcome::Broken { detail } => {
                ("broken", Reason::FileNotMade, Some(detail.to_string()))
            }
        };
        let no_file = !matches!(outcome, PhoneOutcome::Served(_)) && record.tenant.is_some();
        Self {
            outcome: word,
            reason,
            status,
            bytes: bytes as u64,
            detail: detail.map(|detail| without(&detail, &request.access_path)),
            path: no_file.then(|| shown(&request.path, &request.access_path)),
            stranger: None,
            address: request.caller.address.clone(),
            user_agent: request.caller.user_agent.clone(),
            country: request.caller.country.clone(),
            record,
        }
    }

    /// The same with what can be found out about it: what the event of such a request says. Nothing is
    /// written.
    pub async fn found_out(
        request: &PhoneRequest,
        record: Record,
        outcome: &PhoneOutcome,
        status: u16,
        bytes: usize,
    ) -> Self {
        let mut event = Self::of(request, record, outcome, status, bytes);
        if !event.is_served() {
            let puzzle = event.puzzle(request);
            event.think(puzzle, &request.app).await;
        }
        event
    }

    fn is_served(&self) -> bool {
        matches!(self.outcome, "served" | "not_modified")
    }

    /// Finds out what a request that got no file was about.
    async fn think(&mut self, puzzle: Option<Puzzle>, app: &App) {
        if let Some(puzzle) = puzzle {
            puzzle.solve(self, app).await;
        }
        self.look_at_stranger();
    }

    /// From which level on an answer has its line in the log.
    fn level(&self) -> LogLevel {
        match self.outcome {
            "refused" => LogLevel::Notable,
            "served" | "not_modified" if self.reason == Reason::Bootstrap => LogLevel::Notable,
            "served" | "not_modified" if self.detail.is_none() => LogLevel::All,
            _ => LogLevel::Failures,
        }
    }

    fn log(&self, app: &App) {
        if self.level() > app.log_level {
            return;
        }
        let request_id = &*app.request_id;
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        info(
            "phone",
            &[
                ("request_id", request_id),
                ("outcome", self.outcome),
                ("reason", self.reason.as_str()),
                ("status", &self.status.to_string()),
                ("bytes", &self.bytes.to_string()),
                ("tenant", &text(self.record.tenant.as_deref())),
                ("access_path", &text(self.record.access_path.as_deref())),
                ("device", &text(self.record.device.as_deref())),
                ("kind", self.record.kind.map_or("", FileKind::as_str)),
                ("form", self.record.form.map_or("", Form::as_str)),
                ("address", &self.address),
                ("user_agent", &self.user_agent),
                ("country", &self.country),
                ("path", &text(self.path.as_deref())),
                ("detail", self.detail.as_deref().unwrap_or_default()),
            ],
        );
    }

    /// What is to be written, if anything: the event if it belongs to a tenant whose minute has
    /// room, and on the device that it was here. `taken`: the phone has the file now.
    fn due(&self, now: u64, taken: bool) -> Option<Due> {
        let tenant = self.record.tenant.as_ref();
        let tenant = tenant.filter(|_| self.reason.trace() != Trace::LogLine)?;
        let minute = now / 60_000;
        let (uncounted, room) = match overflow::room(tenant, minute, self.record.events_per_minute)
        {
            Room::Left { earlier } => (earlier, true),
            Room::None { report } => (report, false),
        };
        let fetched = self.record.fetched.filter(|_| taken);
        let device = self.record.device.as_ref().filter(|_| self.is_served());
        // In a full minute, what a job waits for is noted however many there are; who else was
        // here, now and then.
        let seen = device.filter(|device| room || overflow::notable(tenant, now, device, fetched));
        let due = Due {
            minute,
            uncounted,
            event: room,
            seen: seen.is_some(),
            fetched,
        };
        (due.event || due.seen || due.uncounted.is_some()).then_some(due)
    }
}

#[cfg(test)]
impl Event {
    fn for_test(outcome: &'static str) -> Self {
        Self {
            record: Record::default(),
            outcome,
            reason: Reason::Sealed,
            status: 0,
            bytes: 0,
            detail: None,
            path: None,
            stranger: None,
            address: String::new(),
            user_agent: String::new(),
            country: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::phone::event::*;

    fn event(tenant: Option<&str>, outcome: &'static str) -> Event {
        Event {
            record: Record {
                tenant: tenant.map(Into::into),
                device: Some("D".into()),
                fetched: Some(7),
                events_per_minute: 100,
                ..Record::default()
            },
            ..Event::for_test(outcome)
        }
    }

    #[test]
    fn an_ordinary_success_has_no_line_of_its_own() {
        let level = |outcome, reason, detail: Option<&str>| {
            let detail = detail.map(Into::into);
            Event {
                reason,
                detail,
                ..event(None, outcome)
            }
            .level()
        };
        assert_eq!(level("served", Reason::Sealed, None), LogLevel::All);
        assert_eq!(level("not_modified", Reason::Sealed, None), LogLevel::All);
        assert_eq!(level("served", Reason::Bootstrap, None), LogLevel::Notable);
        assert_eq!(level("refused", Reason::Consumed, None), LogLevel::Notable);
        let last_good = level("served", Reason::SealedLastGood, Some("{}"));
        assert_eq!(last_good, LogLevel::Failures);
        for failed in ["unavailable", "broken"] {
            assert_eq!(level(failed, Reason::Storage, None), LogLevel::Failures);
        }
    }

    #[test]
    fn what_belongs_to_nobody_leaves_nothing_to_write() {
        assert_eq!(event(None, "refused").due(60_000, false), None);
    }

    #[test]
    fn a_minute_with_room_has_the_event_and_a_full_one_each_device_once() {
        let due = |event, seen, fetched| {
            Some(Due {
                minute: 1,
                uncounted: None,
                event,
                seen,
                fetched,
            })
        };
        let served = event(Some("due"), "served");
        assert_eq!(served.due(60_000, true), due(true, true, Some(7)));
        assert_eq!(served.due(60_000, false), due(true, true, None));
        let refused = event(Some("due"), "refused");
        assert_eq!(refused.due(60_000, false), due(true, false, None));
        overflow::full("due", 1);
        assert_eq!(served.due(60_000, true), due(false, true, Some(7)));
        assert_eq!(served.due(60_000, true), None);
        assert_eq!(refused.due(60_000, false), None);
    }

    #[test]
    fn what_is_written_down_is_without_the_access_path() {
        let text = "initial, line 3: https://phones.example/s3cretpath/Config.cfg is no number";
        assert_eq!(
            without(text, "s3cretpath"),
            "initial, line 3: https://phones.example/…/Config.cfg is no number"
        );
        assert_eq!(without("a", ""), "a");
    }
}
