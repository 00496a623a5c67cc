//! Relays: their credentials, and how they are.

use ringfence_queue::messages::{PoolCall, Status};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::notify::pools;
use crate::api::request::answer::{Created, Done, Shown};
use crate::api::request::call::{Call, Context, Nothing};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::{Page, PageQuery};
use crate::api::request::valid;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform;
use crate::platform::credential::{self, NewCredential};
use crate::pool::client;
use crate::store::relays::{self, RelayRow};

/// A relay to be added.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayInput {
    /// Unique in its pool; 1 to 100 characters.
    pub name: String,
}

/// Why a relay is drained.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DrainInput {
    /// For the relay's log; at most 100 characters.
    pub reason: String,
}

/// A relay. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RelayView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The id of the pool that it belongs to.
    pub pool: String,
    /// The name that people know it by.
    pub name: String,
    /// The time at which it was made, in Unix milliseconds.
    pub created_at: u64,
    /// Whether the relay is connected to its pool now.
    pub connected: bool,
    /// When it was last heard of; null: never.
    pub last_seen_at: Option<u64>,
    /// When it last said hello.
    pub hello_at: Option<u64>,
    /// The version of the program that the relay runs.
    pub software_version: Option<String>,
    /// The name of the program that the relay runs.
    pub software: Option<String>,
    /// Jobs that it is willing to hold at one time.
    pub capacity: Option<u32>,
    /// The transports that the relay can send by: `udp4`, `udp6`.
    pub transports: Vec<String>,
    /// Jobs that it holds.
    pub in_flight: u64,
    /// Whether it gets no more jobs until it connects again.
    pub draining: bool,
    /// What the relay sends as its bearer; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

impl RelayView {
    fn new(row: RelayRow, status: &Status) -> Self {
        let known = status.relays.iter().find(|relay| relay.id == row.id);
        let connected = status.connected.iter().find(|relay| relay.relay == row.id);
        Self {
            connected: connected.is_some(),
            last_seen_at: connected
                .map(|relay| relay.seen_at)
                .max(known.map(|relay| relay.seen_at)),
            hello_at: known.map(|relay| relay.hello_at),
            software_version: known.map(|relay| relay.version.clone()),
            software: known.map(|relay| relay.software.clone()),
            capacity: known.map(|relay| relay.capacity),
            transports: known.map_or_else(Vec::new, |relay| {
                relay.transports.split(',').map(str::to_owned).collect()
            }),
            in_flight: connected.map_or(0, |relay| relay.in_flight),
            draining: connected.is_some_and(|relay| relay.draining),
            credential: None,
            id: row.id,
            pool: row.pool_id,
            name: row.name,
            created_at: row.created_at,
        }
    }
}

const TAKEN: &[(&str, &str)] = &[("relays.name", "Another relay of this pool has this name.")];

/// `listRelays`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<RelayView>>, Problem> {
    let pool = pools::find(&call, call.param("pool")).await?.id;
    let window = call.query.window()?;
    let rows = relays::list(&call.app.db, &pool, window.after_text(), window.rows()).await?;
    let status = pools::status(&call, &pool).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        |row| RelayView::new(row, &status),
    )))
}

/// `createRelay`.
pub async fn create(call: Call<Nothing, RelayInput>) -> Result<Created<RelayView>, Failure> {
    let pool = pools::find(&call, call.param("pool")).await?.id;
    let name = valid::name("name", &call.body.name)?.to_owned();
    let id = call.app.new_id();
    let credential = NewCredential::new(credential::RELAY, &id, platform::random_array()?);
    let row = RelayRow {
        id,
        pool_id: pool,
        name,
        hash: credential.hash,
        created_at: call.app.now,
    };
    let entry = call.entry(
        "relay.create",
        path(&row),
        None,
        Some(json!({ "name": row.name })),
    );
    relays::insert(&call.app.db, &row, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    let view = RelayView::new(row, &Status::default());
    Ok(Created(RelayView {
        credential: Some(credential.text),
        ..view
    }))
}

/// `getRelay`.
pub async fn show(call: Call) -> Result<Shown<RelayView>, Problem> {
    let row = find(&call).await?;
    let status = pools::status(&call, &row.pool_id).await?;
    Ok(Shown(RelayView::new(row, &status)))
}

/// `deleteRelay`. The credential goes first, the connection second; whoever repeats this after a
/// failure closes the connection although the credential is removed already.
pub async fn delete(call: Call) -> Result<Done, Failure> {
    let (pool, id) = (
        call.param("pool").to_owned(),
        call.param("relay").to_owned(),
    );
    let row = find(&call).await;
    if let Ok(row) = &row {
        let entry = call.entry(
            "relay.delete",
            path(row),
            Some(json!({ "name": row.name })),
            None,
        );
        relays::delete(&call.app.db, &row.id, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    // The pool admits no relay that it was told to drop: so it must not be told to drop one that may still exist.
    let row = match row {
        Err(problem) if problem.kind != ProblemKind::NotFound => return Err(problem.into()),
        row => row,
    };
    if let Err(problem) =
        client::call(&call.app.env, &pool, &PoolCall::DropRelay { relay: id }).await
    {
        return Err(Problem {
            internal: problem.internal,
            ..Problem::new(
                ProblemKind::Unavailable,
                "The credential is gone, but a connection made with it may still stand. Repeat the request until it succeeds.",
            )
        }.into());
    }
    Ok(row.map(|_| Done)?)
}

/// `drainRelay`.
pub async fn drain(call: Call<Nothing, DrainInput>) -> Result<Shown<RelayView>, Problem> {
    let row = find(&call).await?;
    let reason = match valid::label("reason", &call.body.reason)? {
        "" => "an operator drains it".to_owned(),
        reason => reason.to_owned(),
    };
    let drain = PoolCall::DrainRelay {
        relay: row.id.clone(),
        reason,
    };
    client::call(&call.app.env, &row.pool_id, &drain).await?;
    let entry = call.entry("relay.drain", path(&row), None, None);
    commit::enter_late(&call.app, &entry).await?;
    let status = pools::status(&call, &row.pool_id).await?;
    Ok(Shown(RelayView::new(row, &status)))
}

async fn find(call: &Context) -> Result<RelayRow, Problem> {
    let row = relays::find(&call.app.db, call.param("relay")).await?;
    row.filter(|row| row.pool_id == call.param("pool"))
        .ok_or_else(|| Problem::not_found("relay"))
}

fn path(row: &RelayRow) -> String {
    format!("pools/{}/relays/{}", row.pool_id, row.id)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::notify::relays::*;

    #[test]
    fn relay_json_format_unchanged_and_shows_no_hash() {
        let row = RelayRow {
            id: "01K6F0000000000000000RELAY".into(),
            pool_id: "default".into(),
            name: "berlin-1".into(),
            hash: "ab".repeat(32),
            created_at: 1,
        };
        assert_eq!(
            serde_json::to_string(&RelayView::new(row, &Status::default())).unwrap(),
            r#"{"id":"01K6F0000000000000000RELAY","pool":"default","name":"berlin-1","created_at":1,"connected":false,"last_seen_at":null,"hello_at":null,"software_version":null,"software":null,"capacity":null,"transports":[],"in_flight":0,"draining":false}"#
        );
    }
}
