//! What happened, for the operator: a structured log line for each answer, and an event for each
//! that belongs to a tenant.
//!
//! Written after the answer. Events are bounded per tenant and minute: D1 counts them and refuses
//! those above the limit, and an isolate that knows a minute to be full only counts. So a scan
//! costs a row a minute, however long it lasts.

mod named;
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
use crate::phone::{Outcome, PhoneAnswer, PhoneRequest, Reason, Trace};
use crate::platform::log::{info, warn};
use crate::store::events::{self, CurrentFiles, NewEvent, Seen, Use};
use crate::store::moves;
use crate::{edge, platform};
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
    /// Tells whoever explains the decision of a fact; where nobody does, it costs nothing.
    pub(in crate::phone) fn tell(&mut self, of: impl FnOnce(&mut Facts)) {
        if let Some(facts) = &mut self.facts {
            of(facts);
        }
    }

    /// Notes what the file is made from.
    pub(in crate::phone) fn found(&mut self, inputs: &FileInputs) {
        self.device = inputs.device.as_ref().map(|device| device.id.clone());
        self.tell(|facts| facts.inputs = Some(inputs.clone()));
    }

    /// Notes that the file came from KV: once D1 is asked anyway, it is held against it.
    pub fn came_from_kv(&mut self, key: &str, version: u64, generation: Option<u32>) {
        self.tell(|facts| facts.came_from_kv = true);
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
pub fn record(request: &PhoneRequest, record: Record, outcome: &Outcome, answer: &PhoneAnswer) {
    let mut event = Event::of(request, record, outcome, answer.status, answer.bytes);
    let taken = matches!(event.status, 200 | 206 | 304) && !request.head;
    // Most of a flood leaves nothing to write: then nothing outlives the answer either.
    let Some(due) = event.due(request.app.now, taken) else {
        event.log(&request.app.request_id);
        return;
    };
    let app = request.app.clone();
    // Whatever a refusal is for, as little is done about it before its answer.
    let thinks = due.event && !event.is_served();
    let puzzle = due.event.then(|| event.puzzle(request)).flatten();
    if !thinks {
        event.log(&app.request_id);
    }
    request.app.later(async move {
        if thinks {
            // Not before the answer: its time would tell that somebody thought about it.
            Delay::from(Duration::ZERO).await;
            event.think(puzzle, &app).await;
            event.log(&app.request_id);
        }
        if let Err(error) = event.write(&app, due).await {
            warn(
                "event_not_written",
                &[
                    ("request_id", &app.request_id),
                    ("error", &error.to_string()),
                ],
            );
        }
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
        outcome: &Outcome,
        status: u16,
        bytes: usize,
    ) -> Self {
        let (word, reason, detail) = match outcome {
            Outcome::Served(served) => (
                if status == 304 {
                    "not_modified"
                } else {
                    "served"
                },
                served.reason,
                served.detail.as_ref().map(ToString::to_string),
            ),
            Outcome::Refused(reason) => ("refused", *reason, None),
            Outcome::Unavailable { detail } => (
                "unavailable",
                Reason::Storage,
                Some(json!({ "error": detail }).to_string()),
            ),
            Outcome::Broken { detail } => ("broken", Reason::FileNotMade, Some(detail.to_string())),
        };
        let no_file = !matches!(outcome, Outcome::Served(_)) && record.tenant.is_some();
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
        outcome: &Outcome,
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

    fn log(&self, request_id: &str) {
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
        let (uncounted, room) = match overflow::room(tenant, minute) {
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

    /// Writes what is due.
    async fn write(&self, app: &App, due: Due) -> Result<(), crate::db::StorageError> {
        let Some(tenant_id) = &self.record.tenant else {
            return Ok(());
        };
        if let Some(Uncounted { minute, number }) = due.uncounted {
            events::count_events(&app.db, tenant_id, minute, number).await?;
        }
        let seen = self.record.device.as_ref().filter(|_| due.seen);
        let seen = seen.map(|device_id| Seen {
            tenant_id,
            device_id,
            now: app.now,
            address: &self.address,
            user_agent: &self.user_agent,
            fetched: due.fetched,
        });
        let device_id = self.record.device.as_deref();
        let used = self.is_served() && {
            let hash = &self.record.access_path_hash;
            uses::notable(hash, device_id.unwrap_or_default(), app.now)
        };
        let used = used.then(|| Use {
            hash: &self.record.access_path_hash,
            device_id,
            now: app.now,
        });
        if !due.event {
            if let Some(seen) = seen {
                let device = seen.write(&app.db, used.as_ref()).await?;
                self.remember_use(used.as_ref());
                self.look_after(app, tenant_id, device).await?;
            }
            return Ok(());
        }
        let id = platform::new_id(app.now);
        let sighting = self.sighting(tenant_id, app.now);
        let mac = self.record.mac.map(|mac| mac.upper());
        let written = events::write_event(
            &app.db,
            &NewEvent {
                id: &id,
                tenant_id,
                device_id,
                mac: mac.as_deref(),
                kind: self.record.kind.map(FileKind::as_str),
                form: self.record.form.map(Form::as_str),
                outcome: self.outcome,
                reason: self.reason.as_str(),
                status: self.status,
                bytes: self.bytes,
                address: &self.address,
                user_agent: &self.user_agent,
                country: &self.country,
                request_id: &app.request_id,
                detail: self.detail.as_deref(),
                at: app.now,
                path: self.path.as_deref(),
                access_path: self.record.access_path.as_deref(),
                access_path_hash: &self.record.access_path_hash,
                limit: self.record.events_per_minute,
            },
            seen.as_ref(),
            used.as_ref(),
            sighting.as_ref(),
        )
        .await?;
        self.remember_use(used.as_ref());
        if written.minute > u64::from(self.record.events_per_minute) {
            overflow::full(tenant_id, due.minute);
        }
        if let Some(sighting) = sighting {
            sighting.keep_bounds(&app.db, written.unknown).await?;
        }
        if seen.is_some() {
            self.look_after(app, tenant_id, written.device).await?;
        }
        Ok(())
    }

    /// Does what the device's row asks for, now that it was looked at.
    async fn look_after(
        &self,
        app: &App,
        tenant_id: &str,
        now: Option<CurrentFiles>,
    ) -> Result<(), crate::db::StorageError> {
        self.check_kept(app, now).await;
        let device = self.record.device.as_ref();
        if let Some(device_id) = device.filter(|_| now.is_some_and(|now| now.is_expected())) {
            moves::arrived(&app.db, tenant_id, device_id).await?;
        }
        Ok(())
    }

    /// Remembers what was written of the access path, so that it is not written again soon.
    fn remember_use(&self, used: Option<&Use<'_>>) {
        if let Some(used) = used {
            uses::remember(used.hash, used.device_id.unwrap_or_default(), used.now);
        }
    }

    /// Takes a file out of KV that should not be there any more: a writer that was cut off between
    /// storing it and looking again has left it. It went out once; it does not again.
    async fn check_kept(&self, app: &App, now: Option<CurrentFiles>) {
        let Some(kept) = &self.record.kept else {
            return;
        };
        if now.is_none_or(|now| now.voids(kept.version, kept.generation)) {
            warn("stale_file_served", &[("key", &kept.key)]);
            edge::remove_file(app, &kept.key).await;
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
                ..Record::default()
            },
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
