//! Events: what phones asked for and got, as an operator reads them. `requests` writes them.

use ringfence_sql::{Arg, args};
use serde::Deserialize;

use super::by_id::{Condition, Page, PageRows};
use crate::db::{Db, StorageError};

/// What a phone asked for and got.
#[derive(Clone, Debug, Deserialize)]
pub struct EventRow {
    pub id: String,
    pub device_id: Option<String>,
    pub mac: Option<String>,
    pub kind: Option<String>,
    pub form: Option<String>,
    pub outcome: String,
    pub reason: String,
    pub status: u16,
    pub bytes: u64,
    pub address: String,
    pub user_agent: String,
    pub country: String,
    pub request_id: String,
    pub detail: Option<String>,
    pub at: u64,
    pub path: Option<String>,
    pub access_path: Option<String>,
}

/// Which events.
#[derive(Clone, Debug, Default)]
pub struct EventFilter<'a> {
    pub mac: Option<&'a str>,
    pub outcome: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub kind: Option<&'a str>,
    pub address: Option<&'a str>,
    /// An event has an id of the time of its request, and so has the request: with `from` and `below` near it
    /// little is looked at.
    pub request_id: Option<&'a str>,
    /// Only ids below this one.
    pub below: Option<&'a str>,
    /// Only ids from this one on.
    pub from: Option<&'a str>,
}

/// How a request ends that gets nothing; these have indexes of their own.
pub const FAILURES: [&str; 3] = ["refused", "unavailable", "broken"];

/// Why a request got something; every other reason is one of those that got nothing.
pub const SERVED: [&str; 10] = [
    "sealed",
    "sealed_last_good",
    "sealed_at_plain_name",
    "bootstrap",
    "plain_over_https",
    "initial",
    "forwarded",
    "shared",
    "shared_last_good",
    "certificate",
];

const EVENT_COLUMNS: &str = "id, device_id, mac, kind, form, outcome, reason, status, bytes, \
     address, user_agent, country, request_id, detail, at, path, access_path";

/// A table of events, read by the index of each condition.
struct Table {
    /// By the tenant alone.
    source: &'static str,
    by_mac: &'static str,
    by_address: &'static str,
    by_refusal: &'static str,
    by_outcome: &'static str,
    /// Whether its indexes of addresses and outcomes have all events; otherwise they have those of requests that got nothing.
    has_all: bool,
}

const KEPT: Table = Table {
    source: "phone_events",
    by_mac: "phone_events INDEXED BY phone_events_by_mac",
    by_address: "phone_events INDEXED BY phone_events_by_refused_address",
    by_refusal: "phone_events INDEXED BY phone_events_by_refusal",
    by_outcome: "phone_events INDEXED BY phone_events_by_failure",
    has_all: false,
};

/// The table of the Workers before. Each event in it is older than those of [`KEPT`], or is in both.
const KEPT_BEFORE: Table = Table {
    source: "events INDEXED BY events_by_tenant",
    by_mac: "events INDEXED BY events_by_mac",
    by_address: "events INDEXED BY events_by_address",
    by_refusal: "events INDEXED BY events_by_refusal",
    by_outcome: "events INDEXED BY events_by_outcome",
    has_all: true,
};

impl<'a> EventFilter<'a> {
    fn page(&self, table: &Table, tenant_id: &'a str) -> Page<'a> {
        let refusal = self.reason.filter(|reason| !SERVED.contains(reason));
        let failure = self.outcome.filter(|outcome| FAILURES.contains(outcome));
        let gets_nothing = refusal.is_some() || failure.is_some();
        let mut within: Vec<Condition<'a>> = vec![("tenant_id =", tenant_id.into())];
        let mut besides: Vec<Condition<'a>> = Vec::new();
        // The first one that has an index; those of what gets nothing have nothing else in them.
        let all = [
            ("mac =", self.mac, Some(table.by_mac), true),
            (
                "address =",
                self.address,
                (table.has_all || gets_nothing).then_some(table.by_address),
                table.has_all,
            ),
            (
                "reason =",
                self.reason,
                refusal.is_some().then_some(table.by_refusal),
                false,
            ),
            (
                "outcome =",
                self.outcome,
                (table.has_all || failure.is_some()).then_some(table.by_outcome),
                table.has_all,
            ),
        ];
        let mut source = table.source;
        for (condition, value, by, of_all) in all {
            let Some(value) = value else { continue };
            let Some(by) = by.filter(|_| within.len() == 1) else {
                besides.push((condition, value.into()));
                continue;
            };
            source = by;
            within.push((condition, value.into()));
            if !of_all {
                within.push(("status >= 400 AND status <", 1_000_u32.into()));
            }
        }
        for (condition, value) in [("kind =", self.kind), ("request_id =", self.request_id)] {
            besides.extend(value.map(|value| (condition, value.into())));
        }
        Page {
            columns: EVENT_COLUMNS,
            source,
            within,
            besides,
            below: self.below,
            from: self.from,
        }
    }
}

/// Events of a tenant, the newest first.
pub async fn list(
    db: &Db,
    tenant_id: &str,
    filter: &EventFilter<'_>,
    limit: u32,
) -> Result<PageRows<EventRow>, StorageError> {
    let mut found = filter.page(&KEPT, tenant_id).read(db, limit).await?;
    let room = limit.saturating_sub(u32::try_from(found.rows.len()).unwrap_or(limit));
    if room == 0 || found.ended_at.is_some() {
        return Ok(found);
    }
    let last = found.rows.last().map(|row| row.id.clone());
    let older = EventFilter {
        below: last.as_deref().or(filter.below),
        ..filter.clone()
    };
    let older = older.page(&KEPT_BEFORE, tenant_id).read(db, room).await?;
    found.rows.extend(older.rows);
    found.ended_at = older.ended_at;
    Ok(found)
}

/// The event of a request, and whose it is: of all tenants, or of one. `from` and `below` bound the ids of events
/// of the request's time.
pub async fn with_request(
    db: &Db,
    tenant_id: Option<&str>,
    request_id: &str,
    from: &str,
    below: &str,
) -> Result<Option<(String, EventRow)>, StorageError> {
    #[derive(Deserialize)]
    struct Row {
        tenant_id: String,
        #[serde(rename = "$event")]
        event: EventRow,
    }
    let args: &[Arg<'_>] = args![from, below, request_id, tenant_id];
    let of = |table: &str| match tenant_id {
        Some(_) => format!("{table} e WHERE e.tenant_id = ?4"),
        None => format!(
            "tenants t CROSS JOIN {table} e ON e.tenant_id = t.id WHERE ?4 IS NULL AND t.id > ''"
        ),
    };
    let mut row: Option<Row> = None;
    for table in ["phone_events", "events"] {
        if row.is_some() {
            break;
        }
        let whose = of(table);
        let sql = format!(
            "SELECT tenant_id, e.id AS id, device_id, mac, kind, form, outcome, reason, status, bytes, address, user_agent, \
             country, request_id, detail, at, path, access_path FROM {whose} \
             AND e.id >= ?1 AND e.id < ?2 AND request_id = ?3 LIMIT 1"
        );
        row = db.row(&sql, args).await?;
    }
    Ok(row.map(|row| (row.tenant_id, row.event)))
}
