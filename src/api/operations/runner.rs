//! The Durable Object `Operations`: does the operations of one tenant, one after the other, in steps. Its name is
//! the tenant's id.
//!
//! | request | answer |
//! |---|---|
//! | `POST /wake` with `ringfence-tenant` | 200: the alarm is set |
//!
//! What there is to do stands in D1, and so does what became of each device: the object holds the tenant's id
//! and an alarm. The alarm sets itself again before a step begins, so that one that is cut off at any moment is
//! followed by another; the cron event wakes an object whose alarm was lost.
//!
//! A step changes [`MAX_STEP_DEVICES`] devices at most, each by the code of the call for it alone. Then it publishes what
//! they changed, the tenant once ([`commit::publish_step`]), and last notes what became of them. Where it is cut
//! off, those that were changed are *applied*: the next step publishes and notes them. What the change of a device
//! writes is one transaction with its turn ([`crate::store::operations`]), so none is changed twice.

use std::cell::Cell;
use std::time::Duration;

use ringfence_api::operations::action::Action;
use worker::{
    DurableObject, Env, Headers, Method, Request, RequestInit, Response, State, durable_object,
};

use crate::api::admin::audit_chain;
use crate::api::check::candidate;
use crate::api::operations::action;
use crate::api::request::call::Context;
use crate::api::request::commit::{self, Failure};
use crate::api::request::etag::IfMatch;
use crate::api::request::token::Token;
use crate::app::{App, Caller};
use crate::db::{Corrupt, Db, StorageError};
use crate::http::problem::Problem;
use crate::platform::credential::is_same;
use crate::platform::hash::sha256_hex;
use crate::platform::{self, config, log};
use crate::store::operations::{self, OperationDeviceRow, OperationRow, StopCause, TurnOutcome};
use crate::store::{Turn, tokens};
use crate::witness;

/// Most devices that a step changes. Each takes some ten calls of D1 and 14 deletions in KV, and an invocation may
/// make 1,000 calls.
const MAX_STEP_DEVICES: u32 = 20;

/// After this time a step begins no further device, in milliseconds.
const MAX_STEP_MS: u64 = 10_000;

/// Most waiting devices that a step ends where the operation does not go on.
const MAX_ENDED_DEVICES: u32 = 1_000;

/// When an alarm rings again whose step was cut off, in milliseconds.
const BACKUP_MS: u64 = 15_000;

/// The longest pause after steps that could not be done, in milliseconds.
const MAX_PAUSE_MS: u64 = 60_000;

/// How many steps in a row may fail to change one device before the device is given up.
const MAX_FAILURES: u64 = 10;

/// The most tenants whose objects the cron event wakes.
const MAX_WOKEN: u32 = 200;

/// The binding of the class.
const BINDING: &str = "OPERATIONS";

/// Header of the tenant's id, from the Worker.
const TENANT_HEADER: &str = "ringfence-tenant";

/// Under which the object keeps the tenant's id.
const TENANT: &str = "tenant";

/// Wakes the object of a tenant. Where that fails, the cron event does it.
pub async fn wake(env: &Env, tenant_id: &str) {
    if let Err(error) = try_wake(env, tenant_id).await {
        let error = error.to_string();
        log::warn(
            "operations_not_woken",
            &[("tenant", tenant_id), ("error", &error)],
        );
    }
}

async fn try_wake(env: &Env, tenant_id: &str) -> worker::Result<()> {
    let headers = Headers::new();
    headers.set(TENANT_HEADER, tenant_id)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_headers(headers);
    let request = Request::new_with_init("https://operations/wake", &init)?;
    let answer = env
        .durable_object(BINDING)?
        .get_by_name(tenant_id)?
        .fetch_with_request(request)
        .await?;
    match answer.status_code() {
        200 => Ok(()),
        status => Err(format!("it answered {status}").into()),
    }
}

/// Wakes the objects of all tenants with operations that are not over.
pub async fn wake_all(env: &Env, db: &Db) -> Result<(), StorageError> {
    for tenant_id in operations::tenants_with_pending(db, MAX_WOKEN).await? {
        wake(env, &tenant_id).await;
    }
    Ok(())
}

/// See the module.
#[durable_object]
pub struct Operations {
    state: State,
    env: Env,
    /// How often it was woken.
    woken: Cell<u64>,
}

// A panic costs its own step: what it leaves behind is in D1, transaction by transaction.
impl std::panic::RefUnwindSafe for Operations {}

impl DurableObject for Operations {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            woken: Cell::new(0),
        }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let Some(tenant_id) = request.headers().get(TENANT_HEADER)? else {
            return Response::error("no tenant", 400);
        };
        self.state.storage().put(TENANT, &tenant_id).await?;
        self.woken.set(self.woken.get() + 1);
        self.ring_in(0).await?;
        Response::ok("")
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.ring_in(BACKUP_MS).await?;
        let Some(tenant_id) = self.state.storage().get::<String>(TENANT).await? else {
            self.state.storage().delete_alarm().await?;
            return Response::empty();
        };
        let woken = self.woken.get();
        match step(&self.env, &tenant_id).await {
            // Whoever woke it meanwhile has set the alarm.
            Ok(Next::Nothing) if self.woken.get() == woken => {
                self.state.storage().delete_alarm().await?;
            }
            Ok(Next::Nothing) => {}
            Ok(Next::In(pause)) => self.ring_in(pause).await?,
            Err(error) => {
                log::warn(
                    "operation_step",
                    &[("tenant", &tenant_id), ("error", &error.to_string())],
                );
            }
        }
        Response::empty()
    }
}

impl Operations {
    async fn ring_in(&self, pause_ms: u64) -> worker::Result<()> {
        let pause = Duration::from_millis(pause_ms);
        self.state.storage().set_alarm(pause).await
    }
}

/// What follows a step.
enum Next {
    /// Nothing is left to do.
    Nothing,
    /// Another step after a pause in milliseconds.
    In(u64),
}

/// Does the next step of a tenant's operations.
async fn step(env: &Env, tenant_id: &str) -> Result<Next, StorageError> {
    let now = platform::now();
    let db = Db::new(env)?;
    let Some(operation) = operations::next(&db, tenant_id).await? else {
        return Ok(Next::Nothing);
    };
    let app = App::for_step(env.clone(), now, &operation.id)
        .map_err(|error| StorageError::Config(error.to_string()))?;
    let done = Step {
        app: &app,
        operation: &operation,
        wrote: Cell::new(false),
    }
    .run()
    .await;
    app.finish().await;
    let Err(error) = done else {
        return Ok(Next::In(0));
    };
    let error = error.to_string();
    log::warn(
        "operation_step",
        &[("operation", &operation.id), ("error", &error)],
    );
    operations::record_failure(&db, &operation.id, FAILURE).await?;
    Ok(Next::In(pause(operation.failures)))
}

/// What an operator is told: only the log says more.
const FAILURE: &str = "A step could not be done: storage, the edge or the witness did not answer. The Worker tries the step again.";

/// The pause after `failures` failures in a row, in milliseconds.
fn pause(failures: u64) -> u64 {
    let doubled = 1_000_u64.saturating_mul(1 << failures.min(10));
    doubled.min(MAX_PAUSE_MS)
}

struct Step<'a> {
    app: &'a App,
    operation: &'a OperationRow,
    /// Whether it has changed anything.
    wrote: Cell<bool>,
}

impl Step<'_> {
    async fn run(&self) -> Result<(), StorageError> {
        let operation = self.operation;
        let db = &self.app.db;
        let mut outcomes = self.applied().await?;
        let mut changed = Ok(());
        if operation.is_running() {
            match self.token().await? {
                Ok(token) => changed = self.change(&token, &mut outcomes).await,
                Err(cause) => {
                    operations::stop(db, &operation.id, cause, self.app.now).await?;
                }
            }
        }
        // Whatever failed, what was changed before is made known and noted.
        commit::publish_step(self.app).await?;
        let got_on = changed.is_ok();
        operations::record(db, &operation.id, &outcomes, got_on, platform::now()).await?;
        if self.wrote.get() {
            audit_chain::extend_later(self.app);
        }
        if !operation.is_running() {
            operations::end_waiting(db, &operation.id, self.app.now, MAX_ENDED_DEVICES).await?;
        }
        changed
    }

    /// Devices that an earlier step changed, which was cut off before they were published.
    async fn applied(&self) -> Result<Vec<TurnOutcome>, StorageError> {
        let db = &self.app.db;
        let rows = operations::devices(
            db,
            &self.operation.id,
            Some("applied"),
            0,
            2 * MAX_STEP_DEVICES,
        )
        .await?;
        if !rows.is_empty() {
            let action: Result<Action, _> = ringfence_json::from_str(&self.operation.action);
            let target = action.ok().and_then(|it| it.target().map(str::to_owned));
            for row in &rows {
                self.unpublished(&row.mac, target.as_deref());
            }
        }
        Ok(rows.iter().map(|row| done(row.number)).collect())
    }

    /// Notes that a change of a device is not published, in its tenant and in the one that it goes to.
    fn unpublished(&self, mac: &str, target: Option<&str>) {
        let Some(unpublished) = &self.app.unpublished else {
            return;
        };
        let tenants = [Some(self.operation.tenant_id.as_str()), target];
        for tenant_id in tenants.into_iter().flatten() {
            let mut tenants = unpublished.tenants.borrow_mut();
            tenants.insert(tenant_id.to_owned());
            let mut files = unpublished.files.borrow_mut();
            files.insert((tenant_id.to_owned(), mac.to_owned()));
        }
    }

    /// The token that the operation was started with, or why it stops.
    async fn token(&self) -> Result<Result<Token, StopCause>, StorageError> {
        let operation = self.operation;
        if !operation.token_hash.is_empty() {
            witness::vouch_now(self.app).await?;
            let admin = config::admin_token(&self.app.env);
            let is_it = admin.is_some_and(|it| is_same(&sha256_hex(&it), &operation.token_hash));
            return Ok(if is_it {
                Ok(Token::admin())
            } else {
                Err(StopCause::TokenRemoved)
            });
        }
        let (row, standing) = tokens::find_vouched(&self.app.db, &operation.token_id).await?;
        witness::vouch(self.app, &standing).await?;
        let Some(row) = row else {
            return Ok(Err(StopCause::TokenRemoved));
        };
        if row.expires_at.is_some_and(|end| end <= self.app.now) {
            return Ok(Err(StopCause::TokenExpired));
        }
        Ok(Ok(Token::of_row(row)))
    }

    /// Changes the devices whose turn it is.
    async fn change(
        &self,
        token: &Token,
        outcomes: &mut Vec<TurnOutcome>,
    ) -> Result<(), StorageError> {
        let (app, operation) = (self.app, self.operation);
        let waiting =
            operations::devices(&app.db, &operation.id, Some("waiting"), 0, MAX_STEP_DEVICES)
                .await?;
        if waiting.is_empty() {
            return Ok(());
        }
        let action = self.action().await?;
        for (place, row) in waiting.iter().enumerate() {
            if place > 0 && platform::now() > app.now + MAX_STEP_MS {
                break;
            }
            // One that is not known to have worked just now gets a step of its own to fail in.
            let given_up = place == 0 && operation.failures >= MAX_FAILURES;
            match self.turn(&action, token, row).await {
                Ok(outcome) => outcomes.push(outcome),
                // It was cancelled or stopped meanwhile: the next step sees to those that wait.
                Err(Failure::OutOfTurn(_)) => break,
                Err(failure) if given_up => {
                    outcomes.push(refused(row.number, &failure.problem()));
                }
                // The others of this step are noted first; the next one begins with this device.
                Err(_) if place > 0 => break,
                Err(failure) => {
                    let problem = failure.problem();
                    let detail = problem.internal.unwrap_or(problem.detail);
                    return Err(StorageError::database(detail));
                }
            }
        }
        Ok(())
    }

    async fn action(&self) -> Result<Action, StorageError> {
        let operation = self.operation;
        let action: Action =
            ringfence_json::from_str(&operation.action).map_err(Corrupt::OperationAction)?;
        let rows = operations::secrets(&self.app.db, operation).await?;
        let scope = operations::secrets_scope(&operation.id);
        let secrets = candidate::layer(self.app, &operation.tenant_id, &scope, &rows)
            .map_err(|_| Corrupt::OperationSecrets)?;
        Ok(action::with_secrets(action, &secrets))
    }

    /// The turn of one device.
    ///
    /// # Errors
    /// [`Failure::OutOfTurn`]; or the device's change fails though nothing is wrong with the device: it is tried again.
    async fn turn(
        &self,
        action: &Action,
        token: &Token,
        row: &OperationDeviceRow,
    ) -> Result<TurnOutcome, Failure> {
        let (app, operation) = (self.app, self.operation);
        let if_match = match operation.if_unchanged {
            1 => IfMatch::Revision(row.revision),
            _ => IfMatch::Absent,
        };
        let context = Context::of_turn(
            app.clone(),
            caller(&operation.address),
            token.clone(),
            if_match,
            (&operation.tenant_id, &row.mac),
            Turn {
                operation_id: operation.id.clone(),
                number: row.number,
                at: platform::now(),
            },
        );
        let result = commit::unless_overtaken(|| action::apply(action, context.clone())).await;
        if app.db.has_steps() {
            self.wrote.set(true);
            if result.is_err() {
                // It is written, and whether the call came to publishing it is not known.
                self.unpublished(&row.mac, action.target());
            }
        }
        witness::report(app).await?;
        match result {
            Ok(()) => Ok(TurnOutcome {
                outcome: action.outcome_without_change(),
                ..done(row.number)
            }),
            Err(Failure::OutOfTurn(problem)) => Err(Failure::OutOfTurn(problem)),
            Err(failure) => match failure.problem() {
                problem if problem.status() >= 500 => Err(problem.into()),
                problem => Ok(refused(row.number, &problem)),
            },
        }
    }
}

fn done(number: u64) -> TurnOutcome {
    TurnOutcome {
        number,
        outcome: "done",
        cause: None,
        detail: None,
    }
}

fn refused(number: u64, problem: &Problem) -> TurnOutcome {
    TurnOutcome {
        number,
        outcome: "refused",
        cause: Some(problem.kind.as_str()),
        detail: Some(problem.detail.clone()),
    }
}

/// Who started the operation, as far as the audit log says it.
fn caller(address: &str) -> Caller {
    Caller {
        host: String::new(),
        origin: String::new(),
        tls: true,
        address: address.to_owned(),
        user_agent: String::new(),
        country: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::api::operations::runner::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        assert_eq!(
            [0, 1, 5, 6, 99].map(pause),
            [1_000, 2_000, 32_000, 60_000, 60_000]
        );
    }
}
