//! An answered request with what it leaves, and the writing of many.

use std::collections::BTreeSet;

use ringfence_provision::kind::{FileKind, Form};

use super::{Due, Event, news, overflow, uses};
use crate::app::App;
use crate::db::StorageError;
use crate::edge;
use crate::platform::log::warn;
use crate::store::moves;
use crate::store::requests::{
    self, CurrentFiles, Leaves, NewEvent, SeenDevice, Uncounted, Use, WrittenRequests,
};
use crate::store::unknown::{self, Sighting};

/// How many statements the writing of a list takes at most.
pub(super) const MAX_STATEMENTS: usize =
    requests::MAX_STATEMENTS + unknown::MAX_UPKEEP + moves::MAX_ARRIVAL;

/// An answered request, with what it leaves.
pub(super) struct Answered {
    event: Event,
    due: Due,
    /// The event's id.
    id: String,
    /// Unix milliseconds at which the request came in.
    now: u64,
    request_id: String,
    mac: Option<String>,
    /// Whether the use of its access path is to be noted.
    is_used: bool,
}

impl Answered {
    /// What a request leaves that was answered just now.
    pub(super) fn of(event: Event, due: Due, app: &App) -> Self {
        let device = event.record.device.as_deref().unwrap_or_default();
        let is_used =
            event.is_served() && uses::notable(&event.record.access_path_hash, device, app.now);
        Self {
            id: app.new_id(),
            now: app.now,
            request_id: app.request_id.to_string(),
            mac: event.record.mac.map(|mac| mac.upper()),
            is_used,
            event,
            due,
        }
    }

    /// Whether the device took a version that is not yet recorded.
    pub(super) fn is_news(&self) -> bool {
        let taken = self.seen().zip(self.due.fetched);
        taken.is_some_and(|(device, version)| news::is_news(device, version))
    }

    /// How many bytes the event has of what may be long.
    pub(super) fn words(&self) -> usize {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        of(&self.event.detail) + of(&self.event.path)
    }

    /// Writes what is due of many, and does what their devices' rows ask for.
    ///
    /// # Errors
    /// D1 does not answer: nothing of it is written.
    pub(super) async fn write_all(list: &[Self], app: &App) -> Result<(), StorageError> {
        let all: Vec<Leaves<'_>> = list.iter().filter_map(Self::leaves).collect();
        let written = requests::write(&app.db, &all).await?;
        for one in list {
            one.remember(&written);
        }
        let sightings = all.iter().filter_map(|leaves| leaves.sighting.as_ref());
        let sightings: Vec<&Sighting<'_>> = sightings.collect();
        told(unknown::keep_bounds(&app.db, &sightings, &written.unknown).await);
        let mut arrived = BTreeSet::new();
        for one in list {
            arrived.extend(one.look_after(app, &written).await);
        }
        let arrived: Vec<(&str, &str)> = arrived.into_iter().collect();
        told(moves::arrived(&app.db, &arrived).await);
        Ok(())
    }

    fn leaves(&self) -> Option<Leaves<'_>> {
        let tenant_id = self.event.record.tenant.as_deref()?;
        let event = self.due.event.then(|| self.new_event(tenant_id));
        Some(Leaves {
            uncounted: self.due.uncounted.map(|uncounted| Uncounted {
                tenant_id,
                minute: uncounted.minute,
                number: uncounted.number,
            }),
            seen: self.seen().map(|device_id| SeenDevice {
                tenant_id,
                device_id,
                now: self.now,
                address: &self.event.address,
                user_agent: &self.event.user_agent,
                fetched: self.due.fetched,
            }),
            used: self.is_used.then(|| Use {
                hash: &self.event.record.access_path_hash,
                device_id: self.event.record.device.as_deref(),
                now: self.now,
            }),
            sighting: event.and_then(|_| self.sighting(tenant_id)),
            event,
        })
    }

    fn sighting<'a>(&'a self, tenant_id: &'a str) -> Option<Sighting<'a>> {
        self.event.sighting(tenant_id, self.now)
    }

    fn new_event<'a>(&'a self, tenant_id: &'a str) -> NewEvent<'a> {
        let Event { record, .. } = &self.event;
        NewEvent {
            id: &self.id,
            tenant_id,
            device_id: record.device.as_deref(),
            mac: self.mac.as_deref(),
            kind: record.kind.map(FileKind::as_str),
            form: record.form.map(Form::as_str),
            outcome: self.event.outcome,
            reason: self.event.reason.as_str(),
            status: self.event.status,
            bytes: self.event.bytes,
            address: &self.event.address,
            user_agent: &self.event.user_agent,
            country: &self.event.country,
            request_id: &self.request_id,
            detail: self.event.detail.as_deref(),
            at: self.now,
            path: self.event.path.as_deref(),
            access_path: record.access_path.as_deref(),
            access_path_hash: &record.access_path_hash,
            limit: record.events_per_minute,
        }
    }

    /// The device that was here, if that is to be noted.
    fn seen(&self) -> Option<&str> {
        self.event
            .record
            .device
            .as_deref()
            .filter(|_| self.due.seen)
    }

    /// Remembers what was written, so that it is not written again soon.
    fn remember(&self, written: &WrittenRequests) {
        let Event { record, .. } = &self.event;
        if let Some((device, version)) = self.seen().zip(self.due.fetched) {
            news::remember(device, version);
        }
        if self.is_used {
            let device = record.device.as_deref().unwrap_or_default();
            uses::remember(&record.access_path_hash, device, self.now);
        }
        if let Some(tenant_id) = record.tenant.as_deref().filter(|_| self.due.event)
            && written.minute(tenant_id, self.due.minute) > u64::from(record.events_per_minute)
        {
            overflow::full(tenant_id, self.due.minute);
        }
    }

    /// Does what the device's row asks for, now that it was looked at. Device and tenant, where the phone was still sent
    /// here by the tenant that the device was in.
    async fn look_after(&self, app: &App, written: &WrittenRequests) -> Option<(&str, &str)> {
        let (device_id, tenant_id) = (self.seen()?, self.event.record.tenant.as_deref()?);
        let now = written.device(device_id);
        self.check_kept(app, now).await;
        now?.is_expected().then_some((device_id, tenant_id))
    }

    /// Takes a file out of KV that should not be there any more: a writer that was cut off between
    /// storing it and looking again has left it. It went out once; it does not again.
    async fn check_kept(&self, app: &App, now: Option<CurrentFiles>) {
        let Some(kept) = &self.event.record.kept else {
            return;
        };
        if now.is_none_or(|now| now.voids(kept.version, kept.generation)) {
            warn("stale_file_served", &[("key", &kept.key)]);
            edge::remove_file(app, &kept.key).await;
        }
    }
}

#[cfg(test)]
impl Answered {
    /// One that has an event with `words` bytes of words.
    pub(super) fn for_test(number: usize, words: usize) -> Self {
        let mut event = Event::for_test("refused");
        event.detail = Some("x".repeat(words));
        Self {
            event,
            due: Due {
                minute: 1,
                uncounted: None,
                event: true,
                seen: false,
                fetched: None,
            },
            id: number.to_string(),
            now: 60_000,
            request_id: String::new(),
            mac: None,
            is_used: false,
        }
    }

    pub(super) fn id(&self) -> String {
        self.id.clone()
    }
}

/// Tells the operator's log of a failure after which nothing is tried again.
fn told(result: Result<(), StorageError>) {
    if let Err(error) = result {
        warn("event_not_followed", &[("error", &error.to_string())]);
    }
}
