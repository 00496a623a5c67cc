//! What phones asked for and got.

use ringfence_provision::kind::FileKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which events.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventQuery {
    /// A MAC, in any notation: also of a device that is not there yet, or not any more.
    pub device: Option<String>,
    /// Only events with this outcome, for example `served` or `refused`.
    pub outcome: Option<String>,
    /// Why the request ended so, in one word, for example `bootstrap_consumed`.
    pub reason: Option<String>,
    /// The kind of file that was asked for.
    pub kind: Option<FileKind>,
    /// The address that the request came from, exactly as the events have it. A page looks at 5,000 events at most unless
    /// `outcome` or `reason` is one of requests that got nothing: it may be empty, and have a `next`.
    pub address: Option<String>,
    /// The id of a request, as its answer has it in `ringfence-request-id`.
    pub request_id: Option<String>,
    /// Only events at or after this time in Unix milliseconds.
    pub after: Option<u64>,
    /// Only events before this time in Unix milliseconds.
    pub before: Option<u64>,
    /// How many items; 1 to 200, by default 50. With several filters a page may be shorter and still not the last:
    /// `next` tells.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// An event. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The time, in Unix milliseconds.
    pub at: u64,
    /// Id of the device, if there is one.
    pub device: Option<String>,
    /// The MAC of the device in question; null if the request named none.
    pub mac: Option<String>,
    /// The kind of file that was asked for.
    pub kind: Option<String>,
    /// Whether the file is `plain` or `sealed`.
    pub form: Option<String>,
    /// How the request ended: served, not_modified, refused, broken or unavailable.
    pub outcome: String,
    /// Why the request ended so, in one word; the documentation explains each.
    pub reason: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The number of bytes of a file in the answer.
    pub bytes: u64,
    /// The address that the request came from.
    pub address: String,
    /// What the phone says it is; no proof.
    pub user_agent: String,
    /// The country that the address belongs to, as Cloudflare knows it.
    pub country: String,
    /// The id of the request, which is also in the log and in the answer.
    pub request_id: String,
    /// The name that was asked for, where no file went out: what stands behind the access path,
    /// without a query, made fit to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Id of the access path under which the phone asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_path: Option<String>,
    /// More about the outcome, such as the findings of a file that could not be made, or the name
    /// that was `expected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

/// How many requests of phones of all tenants there were lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventCounts {
    /// The time at which the requests were counted, in Unix milliseconds; null before the first count. The cron event
    /// counts the requests.
    pub counted_at: Option<u64>,
    /// The hours of the last day in which there was any, in their order.
    pub hours: Vec<HourCounts>,
}

/// The requests of an hour that left an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HourCounts {
    /// When the hour began, in Unix milliseconds.
    pub at: u64,
    /// Requests that got a file, or had it already.
    pub served: u64,
    /// Requests that were refused, or failed.
    pub refused: u64,
}
