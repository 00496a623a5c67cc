//! What happened, for the operator: a structured log line for each answer, and an event for each
//! that belongs to a tenant.
//!
//! Written after the answer. Events are bounded per tenant and minute: D1 counts them and refuses
//! those above the limit, and an isolate that knows a minute to be full only counts. So a scan
//! costs a row a minute, however long it lasts.

mod log;
mod overflow;

pub use log::{info, warn};

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;

use crate::app::App;
use crate::phone::{Outcome, PhoneRequest};
use crate::platform;
use crate::store::phone::{self, EventRow, Seen};
use overflow::Room;

/// What is found out about a phone's request on the way to its answer.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub tenant: Option<String>,
    pub device: Option<String>,
    pub mac: Option<Mac>,
    pub kind: Option<FileKind>,
    pub form: Option<Form>,
    /// The version of the standard file, if that is what was taken.
    pub fetched: Option<u64>,
    pub events_per_minute: u32,
}

/// One answer, in words.
struct Event {
    record: Record,
    outcome: &'static str,
    reason: &'static str,
    status: u16,
    bytes: u64,
    detail: Option<String>,
    address: String,
    user_agent: String,
    country: String,
}

/// Logs an answer to a phone and, after it has gone out, writes its event.
pub fn phone(request: &PhoneRequest, record: Record, outcome: &Outcome, status: u16) {
    let (word, reason, bytes, detail) = match outcome {
        Outcome::Served(served) => (
            if status == 304 {
                "not_modified"
            } else {
                "served"
            },
            served.reason.as_str(),
            if request.head || status == 304 || status == 416 {
                0
            } else {
                u64::from(served.body.0.byte_length())
            },
            served.detail.as_ref().map(ToString::to_string),
        ),
        Outcome::Refused(reason) => ("refused", reason.as_str(), 0, None),
        Outcome::Unavailable { detail } => ("unavailable", "storage", 0, Some(detail.clone())),
        Outcome::Broken { detail } => ("broken", "file_not_made", 0, Some(detail.to_string())),
    };
    let event = Event {
        outcome: word,
        reason,
        status,
        bytes,
        detail,
        address: request.caller.address.clone(),
        user_agent: request.caller.user_agent.clone(),
        country: request.caller.country.clone(),
        record,
    };
    event.log(&request.app.request_id);
    let fetched = matches!(status, 200 | 206 | 304) && !request.head;
    let app = request.app.clone();
    request.app.later(async move {
        if let Err(error) = event.write(&app, fetched).await {
            warn(
                "event_not_written",
                &[("request_id", &app.request_id), ("error", &error.0)],
            );
        }
    });
}

impl Event {
    fn log(&self, request_id: &str) {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        info(
            "phone",
            &[
                ("request_id", request_id),
                ("outcome", self.outcome),
                ("reason", self.reason),
                ("status", &self.status.to_string()),
                ("bytes", &self.bytes.to_string()),
                ("tenant", &text(self.record.tenant.as_deref())),
                ("device", &text(self.record.device.as_deref())),
                ("kind", self.record.kind.map_or("", FileKind::as_str)),
                ("form", self.record.form.map_or("", Form::as_str)),
                ("address", &self.address),
                ("user_agent", &self.user_agent),
                ("country", &self.country),
                ("detail", self.detail.as_deref().unwrap_or_default()),
            ],
        );
    }

    /// Writes the event if it belongs to a tenant and the tenant's minute has room, and notes on
    /// the device that it was here.
    async fn write(&self, app: &App, fetched: bool) -> Result<(), crate::store::StorageError> {
        let Some(tenant_id) = &self.record.tenant else {
            return Ok(());
        };
        let served = matches!(self.outcome, "served" | "not_modified");
        let seen = self
            .record
            .device
            .as_ref()
            .filter(|_| served)
            .map(|device_id| Seen {
                device_id,
                now: app.now,
                address: &self.address,
                user_agent: &self.user_agent,
                fetched: self.record.fetched.filter(|_| fetched),
            });
        let minute = app.now / 60_000;
        let uncounted = match overflow::room(tenant_id, minute) {
            Room::Left { uncounted } => uncounted,
            Room::None { report } => {
                if let Some(number) = report {
                    phone::count_events(&app.db, tenant_id, minute, number).await?;
                }
                if let Some(seen) = seen {
                    seen.statement(&app.db)?.run().await?;
                }
                return Ok(());
            }
        };
        let id = platform::new_id(app.now);
        let mac = self.record.mac.map(|mac| mac.upper());
        let counted = phone::write_event(
            &app.db,
            &EventRow {
                id: &id,
                tenant_id,
                device_id: self.record.device.as_deref(),
                mac: mac.as_deref(),
                kind: self.record.kind.map(FileKind::as_str),
                form: self.record.form.map(Form::as_str),
                outcome: self.outcome,
                reason: self.reason,
                status: self.status,
                bytes: self.bytes,
                address: &self.address,
                user_agent: &self.user_agent,
                country: &self.country,
                request_id: &app.request_id,
                detail: self.detail.as_deref(),
                at: app.now,
                limit: self.record.events_per_minute,
                uncounted,
            },
            seen.as_ref(),
        )
        .await?;
        if counted > u64::from(self.record.events_per_minute) {
            overflow::full(tenant_id, minute);
        }
        Ok(())
    }
}
