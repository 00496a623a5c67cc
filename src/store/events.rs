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

impl<'a> EventFilter<'a> {
    fn page(&self, tenant_id: &'a str) -> Page<'a> {
        let refusal = self.reason.filter(|reason| !SERVED.contains(reason));
        let failure = self.outcome.filter(|outcome| FAILURES.contains(outcome));
        let gets_nothing = refusal.is_some() || failure.is_some();
        let mut within: Vec<Condition<'a>> = vec![("tenant_id =", tenant_id.into())];
        let mut besides: Vec<Condition<'a>> = Vec::new();
        // The first one that has an index; those of refusals have nothing else in them.
        let all = [
            (
                "mac =",
                self.mac,
                true,
                "phone_events INDEXED BY phone_events_by_mac",
            ),
            (
                "address =",
                self.address,
                gets_nothing,
                "phone_events INDEXED BY phone_events_by_refused_address",
            ),
            (
                "reason =",
                self.reason,
                refusal.is_some(),
                "phone_events INDEXED BY phone_events_by_refusal",
            ),
            (
                "outcome =",
                self.outcome,
                failure.is_some(),
                "phone_events INDEXED BY phone_events_by_failure",
            ),
        ];
        // Its own key has no name.
        let mut source = "phone_events";
        for (condition, value, has_index, by) in all {
            let Some(value) = value else { continue };
            if within.len() > 1 || !has_index {
                besides.push((condition, value.into()));
                continue;
            }
            source = by;
            within.push((condition, value.into()));
            if condition != "mac =" {
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
    filter.page(tenant_id).read(db, limit).await
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
    let whose = match tenant_id {
        Some(_) => "phone_events e WHERE e.tenant_id = ?4",
        None => "tenants t CROSS JOIN phone_events e ON e.tenant_id = t.id WHERE ?4 IS NULL AND t.id > ''",
    };
    let sql = format!(
        "SELECT tenant_id, e.id AS id, device_id, mac, kind, form, outcome, reason, status, bytes, address, user_agent, \
         country, request_id, detail, at, path, access_path FROM {whose} \
         AND e.id >= ?1 AND e.id < ?2 AND request_id = ?3 LIMIT 1"
    );
    let row: Option<Row> = db.row(&sql, args).await?;
    Ok(row.map(|row| (row.tenant_id, row.event)))
}
