//! Events: what phones asked for and got.

use ringfence_api::admin::events::{EventCounts, EventQuery, EventView, HourCounts};
use ringfence_api::answer::Shown;
use ringfence_api::page::Page;
use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use ulid::Ulid;

use crate::api::request::call::Call;
use crate::api::request::page::PageWindow;
use crate::http::problem::Problem;
use crate::platform::{HOUR_MS, first_id_at};
use crate::store::events::{self, EventFilter, EventRow};
use crate::store::metrics;

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            device: row.device_id,
            mac: row.mac,
            kind: row.kind,
            form: row.form,
            outcome: row.outcome,
            reason: row.reason,
            status: row.status,
            bytes: row.bytes,
            address: row.address,
            user_agent: row.user_agent,
            country: row.country,
            request_id: row.request_id,
            path: row.path,
            access_path: row.access_path,
            detail: row.detail.map(super::audit::parsed),
        }
    }
}

/// `listEvents`.
pub async fn list(call: Call<EventQuery>) -> Result<Shown<Page<EventView>>, Problem> {
    let tenant = call.tenant().await?;
    let query = &call.query;
    let window: PageWindow = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let device = match &query.device {
        None => None,
        Some(text) => {
            let mac = Mac::parse(text)
                .map_err(|error| Problem::invalid_request(format!("`device`: {error}.")))?;
            Some(mac.upper())
        }
    };
    // A request and its event have ids of one millisecond.
    let made_at = query.request_id.as_deref().map(made_at).transpose()?;
    let from = [query.after, made_at].into_iter().flatten().max();
    let from = from.map(first_id_at);
    let until = [query.before, made_at.map(|at| at + 1)]
        .into_iter()
        .flatten()
        .min();
    let until = until.map(first_id_at);
    let cursor = window.after.as_ref().map(|[id]| id.clone());
    let below = [cursor, until].into_iter().flatten().min();
    let filter = EventFilter {
        mac: device.as_deref(),
        outcome: query.outcome.as_deref(),
        reason: query.reason.as_deref(),
        kind: query.kind.map(FileKind::as_str),
        address: query.address.as_deref(),
        request_id: query.request_id.as_deref(),
        below: below.as_deref(),
        from: from.as_deref(),
    };
    let looked = events::list(&call.app.db, &tenant.id, &filter, window.rows()).await?;
    let key = |row: &EventRow| [row.id.clone()];
    Ok(Shown(window.page_until(
        looked.rows,
        looked.ended_at,
        key,
        EventView::from,
    )))
}

/// `countAllEvents`.
pub async fn of_all(call: Call) -> Result<Shown<EventCounts>, Problem> {
    let (hours, counted_at) = metrics::hours(&call.app.db).await?;
    let day = (call.app.now / HOUR_MS).saturating_sub(HOURS - 1);
    let hours = hours.into_iter().filter(|row| row.hour >= day);
    Ok(Shown(EventCounts {
        counted_at: Some(counted_at).filter(|&at| at > 0),
        hours: hours
            .map(|row| HourCounts {
                at: row.hour * HOUR_MS,
                served: row.served,
                refused: row.refused,
            })
            .collect(),
    }))
}

/// The hours of the last day, with the one that goes on.
const HOURS: u64 = 24;

/// When a request was made, by its id.
fn made_at(request_id: &str) -> Result<u64, Problem> {
    Ulid::from_string(request_id)
        .map(|id| id.timestamp_ms())
        .map_err(|_| {
            Problem::invalid_request(
                "`request_id` takes `ringfence-request-id` of an answer, as it was.",
            )
        })
}
