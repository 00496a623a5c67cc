//! Relays: their credentials, and how they are.

use ringfence_api::answer::{Created, Done, Shown};
use ringfence_api::changing::{About, TrialQuery};
use ringfence_api::notify::relays::{DrainInput, RelayInput, RelayView};
use ringfence_api::page::{Page, PageQuery};
use ringfence_api::query::Nothing;
use ringfence_queue::messages::{PoolCall, Status};
use serde_json::json;

use crate::api::notify::pools;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::valid;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform;
use crate::platform::credential::{self, NewCredential};
use crate::pool::client;
use crate::store::relays::{self, RelayRow};

fn relay_view(row: RelayRow, status: &Status) -> RelayView {
    let known = status.relays.iter().find(|relay| relay.id == row.id);
    let connected = status.connected.iter().find(|relay| relay.relay == row.id);
    RelayView {
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

const TAKEN: &[(&str, &str)] = &[(
    "relays.name",
    "Another relay of this pool has this name. Choose another one, or remove that relay first.",
)];

/// `listRelays`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<RelayView>>, Problem> {
    let pool = pools::find(&call, call.param("pool")).await?.id;
    let window = PageWindow::of(&call.query)?;
    let rows = relays::list(&call.app.db, &pool, window.after_text(), window.rows()).await?;
    let status = pools::status(&call, &pool).await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        |row| relay_view(row, &status),
    )))
}

/// `createRelay`.
pub async fn create(call: Call<TrialQuery, RelayInput>) -> Result<Created<RelayView>, Failure> {
    let pool = pools::find(&call, call.param("pool")).await?.id;
    let name = valid::name("name", &call.body.name)?.to_owned();
    call.tried_saying(
        About::Added,
        "A relay is added. The credential of the relay is in the answer that makes the relay, and nowhere else.",
    )?;
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
    let view = relay_view(row, &Status::default());
    Ok(Created(RelayView {
        credential: Some(credential.text),
        ..view
    }))
}

/// `getRelay`.
pub async fn show(call: Call) -> Result<Shown<RelayView>, Problem> {
    let row = find(&call).await?;
    let status = pools::status(&call, &row.pool_id).await?;
    Ok(Shown(relay_view(row, &status)))
}

/// `deleteRelay`. The credential goes first, the connection second; whoever repeats this after a
/// failure closes the connection although the credential is removed already.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let (pool, id) = (
        call.param("pool").to_owned(),
        call.param("relay").to_owned(),
    );
    let row = find(&call).await;
    if let Ok(row) = &row {
        call.tried_saying(
            About::Removed,
            "The relay's credential is worth nothing from then on, and its connection is closed. What it had in its hands goes out again by others.",
        )?;
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
        Err(problem) if problem.kind != ProblemKind::NotFound || call.is_trial() => {
            return Err(problem.into());
        }
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
    Ok(Shown(relay_view(row, &status)))
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
            serde_json::to_string(&relay_view(row, &Status::default())).unwrap(),
            r#"{"id":"01K6F0000000000000000RELAY","pool":"default","name":"berlin-1","created_at":1,"connected":false,"last_seen_at":null,"hello_at":null,"software_version":null,"software":null,"capacity":null,"transports":[],"in_flight":0,"draining":false}"#
        );
    }
}
