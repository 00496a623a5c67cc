//! Operations: one change of many devices, which goes on by itself.
//!
//! `POST` fixes the selection and checks what can be checked beforehand; the Durable Object of the tenant
//! ([`runner`]) then changes one device after the other, each as the call for it alone would
//! ([`action`]).

mod action;
mod runner;

use std::collections::BTreeSet;

use ringfence_api::answer::{Accepted, Done, Shown};
use ringfence_api::changing::{About, DryRun, Effect, TrialQuery};
use ringfence_api::devices::list::DeviceQuery;
use ringfence_api::operations::action::Action;
use ringfence_api::operations::{
    OperationDevice, OperationInput, OperationView, Outcome, OutcomeCounts, OutcomeQuery,
    SelectionInput, StartQuery, Started,
};
use ringfence_api::page::{Page, PageQuery};
use ringfence_api::query::Nothing;
use serde_json::{Value, json};

use crate::api::devices::list;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::PageWindow;
use crate::api::request::read;
use crate::api::request::token::Token;
use crate::http::problem::Problem;
use crate::platform::config;
use crate::platform::hash::sha256_hex;
use crate::store::LAST_ID;
use crate::store::operations::{
    self, MAX_DEVICES, MAX_KEPT, MAX_KEPT_DEVICES, MAX_RUNNING, NewOperation, OperationDeviceRow,
    OperationRow, Selection,
};
use crate::store::tenants::TenantRow;

pub use runner::wake_all;

/// The most devices that a dry run tries. Each device takes some ten calls of D1, of which a request may make 1,000.
const MAX_SAMPLE: u32 = 10;

/// How many of the MACs that are no devices are named at most.
const MAX_MISSING: u32 = 100;

/// A row, as a token sees it: a tenant's own does not learn where devices move to.
fn operation_view(row: OperationRow, token: &Token) -> OperationView {
    let parsed = |text: &str| ringfence_json::from_str(text).unwrap_or_default();
    let mut action: Value = parsed(&row.action);
    if let Some(input) = action.get_mut("move").filter(|_| token.tenant.is_some()) {
        *input = json!({ "tenant": "another" });
    }
    OperationView {
        action,
        selection: parsed(&row.selection),
        devices: OutcomeCounts {
            all: row.devices,
            pending: row.pending,
            done: row.done,
            unchanged: row.unchanged,
            refused: row.refused,
            cancelled: row.cancelled,
        },
        id: row.id,
        state: row.state,
        cause: row.cause,
        if_unchanged: row.if_unchanged == 1,
        token: row.token_id,
        failure: row.trouble,
        created_at: row.created_at,
        ended_at: row.ended_at,
    }
}

impl From<OperationDeviceRow> for OperationDevice {
    fn from(row: OperationDeviceRow) -> Self {
        Self {
            mac: row.mac,
            device: row.device_id,
            outcome: Outcome::parse(&row.outcome),
            cause: row.cause,
            detail: row.detail,
            at: row.at,
        }
    }
}

/// `createOperation`.
pub async fn create(call: Call<StartQuery, OperationInput>) -> Result<Accepted<Started>, Failure> {
    let tenant = call.tenant().await?;
    let input = &call.body;
    action::check(&input.action, &call).await?;
    let selection = selection(&input.selection, &tenant)?;
    let db = &call.app.db;
    let by_state = operations::preview(db, &tenant.id, &selection).await?;
    let devices = by_state.values().sum();
    check_size(devices)?;
    let missing = match &selection {
        Selection::Macs(macs) => operations::missing(db, &tenant.id, macs, MAX_MISSING).await?,
        Selection::Listed { .. } => Vec::new(),
    };
    let mut started = Started {
        operation: None,
        devices,
        by_state,
        missing,
        message: action::message(&input.action, &call, &selection).await?,
        sample: None,
    };
    if call.query.dry_run {
        let macs = operations::first(db, &tenant.id, &selection, MAX_SAMPLE).await?;
        started.sample = action::sample(&input.action, &call, &macs).await?;
    } else {
        started.operation = Some(start(&call, &tenant, &selection, devices).await?);
    }
    Ok(Accepted(started))
}

async fn start(
    call: &Call<StartQuery, OperationInput>,
    tenant: &TenantRow,
    selection: &Selection,
    devices: u64,
) -> Result<OperationView, Failure> {
    let app = &call.app;
    let input = &call.body;
    check_room(call, &tenant.id, devices).await?;
    let id = app.request_id.to_string();
    let (action, secrets) = action::without_secrets(&input.action, app, &tenant.id, &id)?;
    let shown = |value: &Action| {
        serde_json::to_value(value).map_err(|error| Problem::internal(error.to_string()))
    };
    let action = shown(&action)?;
    let asked = match selection {
        Selection::Macs(macs) => json!({ "macs": macs.len() }),
        Selection::Listed { .. } => json!({ "query": input.selection.query }),
    };
    let is_admin = call.token.is_admin();
    let admin = config::admin_token(&app.env).filter(|_| is_admin);
    let token_hash = admin.map(|token| sha256_hex(&token)).unwrap_or_default();
    let new = NewOperation {
        id: &id,
        tenant_id: &tenant.id,
        token_id: &call.token.id,
        token_hash: &token_hash,
        address: &call.caller.address,
        action: &action.to_string(),
        selection: &asked.to_string(),
        if_unchanged: input.if_unchanged,
        secrets: &secrets,
        now: app.now,
    };
    let entry = call.entry(
        "operation.start",
        format!("operations/{id}"),
        None,
        Some(json!({ "action": input.action.name(), "selection": asked, "devices": devices })),
    );
    operations::insert(&app.db, &new, selection, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    runner::wake(&app.env, &tenant.id).await;
    found(call, &tenant.id, &id).await.map_err(Into::into)
}

/// `listOperations`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<OperationView>>, Problem> {
    let tenant = call.tenant().await?;
    let window = PageWindow::of(&call.query)?;
    let below = window.after.as_ref().map_or(LAST_ID, |[id]| id);
    let rows = operations::list(&call.app.db, &tenant.id, below, window.rows()).await?;
    let key = |row: &OperationRow| [row.id.clone()];
    let view = |row| operation_view(row, &call.token);
    Ok(Shown(window.page(rows, key, view)))
}

/// `getOperation`.
pub async fn show(call: Call) -> Result<Shown<OperationView>, Problem> {
    let operation = row(&call).await?;
    Ok(Shown(operation_view(operation, &call.token)))
}

/// `listOperationDevices`.
pub async fn devices(call: Call<OutcomeQuery>) -> Result<Shown<Page<OperationDevice>>, Problem> {
    let operation = row(&call).await?;
    let query = &call.query;
    let window: PageWindow = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let after = window.after_text().parse().unwrap_or_default();
    let outcome = query.outcome.map(Outcome::as_str);
    let db = &call.app.db;
    let rows = operations::devices(db, &operation.id, outcome, after, window.rows()).await?;
    let key = |row: &OperationDeviceRow| [row.number.to_string()];
    Ok(Shown(window.page(rows, key, OperationDevice::from)))
}

/// `cancelOperation`.
pub async fn cancel(call: Call<Nothing, Nothing>) -> Result<Shown<OperationView>, Failure> {
    let operation = row(&call).await?;
    if operation.state == "cancelled" {
        return Ok(Shown(operation_view(operation, &call.token)));
    }
    if !operation.is_running() {
        return Err(Problem::conflict(
            "The operation is over: what it has done stays. The list of its devices says what became of each.",
        )
        .into());
    }
    let entry = call.entry(
        "operation.cancel",
        format!("operations/{}", operation.id),
        None,
        None,
    );
    let app = &call.app;
    operations::cancel(&app.db, &operation, app.now, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    runner::wake(&app.env, &operation.tenant_id).await;
    let view = found(&call, &operation.tenant_id, &operation.id).await?;
    Ok(Shown(view))
}

/// `deleteOperation`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let operation = row(&call).await?;
    if operation.pending > 0 {
        return Err(Problem::conflict(
            "The operation goes on: cancel it first, and wait until no device is pending.",
        )
        .into());
    }
    call.tried(|| {
        let devices = operation.devices;
        let text = format!("The operation is removed, with what became of each of its devices: {devices}. The devices stay as they are.");
        DryRun::of(vec![Effect::counted(About::Removed, devices, text)])
    })?;
    let object = format!("operations/{}", operation.id);
    let entry = call.entry("operation.delete", object, None, None);
    operations::delete(&call.app.db, &operation, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    Ok(Done)
}

async fn row(call: &Context) -> Result<OperationRow, Problem> {
    let (tenant, id) = (call.param("tenant"), call.param("operation"));
    operations::find(&call.app.db, tenant, id)
        .await?
        .ok_or_else(|| Problem::not_found("operation"))
}

async fn found(call: &Context, tenant_id: &str, id: &str) -> Result<OperationView, Problem> {
    let row = operations::find(&call.app.db, tenant_id, id).await?;
    row.map(|row| operation_view(row, &call.token))
        .ok_or_else(|| Problem::not_found("operation"))
}

fn selection(input: &SelectionInput, tenant: &TenantRow) -> Result<Selection, Problem> {
    match (&input.query, &input.macs) {
        (Some(text), None) => {
            let query: DeviceQuery = read::query(text).map_err(|problem| {
                let detail = problem.detail.replacen("The query", "`selection.query`", 1);
                Problem::invalid_value(detail)
            })?;
            if query.sort.is_some() || query.limit.is_some() || query.cursor.is_some() {
                return Err(Problem::invalid_value(
                    "`selection.query` says which devices, without `sort`, `limit` and `cursor`.",
                ));
            }
            Ok(Selection::Listed {
                needle: list::sought(&query)?,
                conditions: list::filter(&query, tenant.version)?.conditions(),
            })
        }
        (None, Some(macs)) => {
            let macs: BTreeSet<String> = macs.iter().map(|mac| mac.upper()).collect();
            if macs.len() > MAX_DEVICES as usize {
                return Err(too_many());
            }
            Ok(Selection::Macs(macs.into_iter().collect()))
        }
        _ => Err(Problem::invalid_value(
            "`selection` has either `query` or `macs`, and not both.",
        )),
    }
}

fn too_many() -> Problem {
    Problem::invalid_value(format!(
        "An operation has at most {MAX_DEVICES} devices. Narrow the selection, for example to a site or a model, and do it in several."
    ))
}

fn check_size(devices: u64) -> Result<(), Problem> {
    if devices > u64::from(MAX_DEVICES) {
        return Err(too_many());
    }
    if devices == 0 {
        return Err(Problem::invalid_value(
            "The selection has no device of the tenant. Select others: the list of devices shows what a query finds.",
        ));
    }
    Ok(())
}

async fn check_room(call: &Context, tenant_id: &str, devices: u64) -> Result<(), Problem> {
    let usage = operations::usage(&call.app.db, tenant_id).await?;
    if usage.running >= MAX_RUNNING {
        return Err(Problem::conflict(format!(
            "{MAX_RUNNING} operations of the tenant go on already. Wait until one of them is over, or cancel one."
        )));
    }
    if usage.kept >= MAX_KEPT || usage.devices + devices > MAX_KEPT_DEVICES {
        return Err(Problem::conflict(format!(
            "The operations that are kept of the tenant have {} devices, of {MAX_KEPT_DEVICES} at most. Remove one that is over: `DELETE …/operations/{{operation}}`.",
            usage.devices
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::operations::*;

    #[test]
    fn an_outcome_is_read_as_it_is_written() {
        for (outcome, name) in Outcome::ALL {
            assert_eq!(Outcome::parse(name), outcome);
            assert_eq!(outcome.as_str(), name);
            assert_eq!(serde_json::to_value(outcome).unwrap(), name);
        }
    }

    #[test]
    fn a_selection_without_devices_or_with_too_many_is_refused() {
        assert!(check_size(1).is_ok() && check_size(MAX_DEVICES.into()).is_ok());
        assert_eq!(check_size(0).unwrap_err().status(), 422);
        assert_eq!(
            check_size(u64::from(MAX_DEVICES) + 1).unwrap_err().status(),
            422
        );
    }
}
