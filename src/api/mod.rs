//! The operator's API, version 1: JSON below `/api/v1`.
//!
//! [`ringfence_api::operation`] is the whole of it at a glance, and [`routes`] has the handler of each operation. One
//! file per resource; a handler takes a [`Call`](request::call::Call) with its query and body as types, and gives an
//! [`Answer`](ringfence_api::answer::Answer).
//!
//! *Architecture invariants:* every change goes through [`crate::store::Change`], and so has its
//! audit entry in its own transaction; it is published to the edge before it is acknowledged; no
//! handler reads a device's key back out.

mod about;
mod admin;
mod check;
mod devices;
mod explain;
mod families;
#[cfg(test)]
mod linear;
mod notify;
mod operations;
mod request;
mod route;
mod routes;
mod tenancy;

use std::cell::Cell;
use std::rc::Rc;

use ringfence_api::operation::{Needs, Operation};
pub use ringfence_api::path::{Params, matches};
pub use route::is_tried;
use worker::{Request, Response};

use crate::app::{App, Caller};
use crate::http::problem::{Problem, ProblemKind};
use crate::platform::log;
use crate::witness;
use admin::audit_chain;
pub use admin::{sessions, tokens};
#[cfg(test)]
pub use explain::words;
use request::answer::Outgoing;
use request::call::Incoming;
pub use request::call::RawCall;
pub use request::secret::wrap;
pub use request::token::Token;
use request::{allowance, auth, commit};
use route::RouteMatch;
use tenancy::limits;

pub use operations::wake_all as wake_operations;

/// Says whether the Worker and its database answer; the one path that needs no HTTPS.
const HEALTH: &str = "/healthz";

/// Answers a request below `/api/`, or for `/healthz`.
///
/// # Errors
/// The runtime refuses the response.
pub async fn answer(request: Request, app: App, caller: Caller) -> worker::Result<Response> {
    let request_id = app.request_id.clone();
    let mut line = LogLine {
        address: caller.address.clone(),
        ..LogLine::default()
    };
    let result = dispatch(request, app, caller, &mut line).await;
    line.write(result.as_ref(), &request_id);
    match result {
        Ok(outgoing) => outgoing.into_response(),
        Err(problem) => problem.into_response(&request_id),
    }
}

async fn dispatch(
    request: Request,
    app: App,
    caller: Caller,
    line: &mut LogLine,
) -> Result<Outgoing, Problem> {
    let path = request.path();
    if !caller.tls && path != HEALTH {
        return Err(Problem::new(
            ProblemKind::Forbidden,
            "The API answers over HTTPS only: a token that was sent over plain HTTP is known to \
             everybody on the way. Replace it.",
        ));
    }
    // As it was sent: `worker::Method` takes every name that it does not know for GET.
    let method = request.inner().method();
    let (operation, params) = match route::find(&method, &path) {
        RouteMatch::Route(operation, params) => (operation, params),
        RouteMatch::OtherMethod(methods) => {
            let methods = methods.join(", ");
            let detail = format!("This takes {methods}.");
            return Err(Problem::new(ProblemKind::MethodNotAllowed, detail).with("allow", methods));
        }
        RouteMatch::Nothing => {
            return Err(Problem::new(
                ProblemKind::NotFound,
                "There is no such path: /api/v1/openapi.json lists them all.",
            ));
        }
    };
    line.operation = operation.id();
    let header = request.headers().get("authorization")?;
    let token = match operation.needs() {
        Needs::Nothing => Token::nobody(),
        _ => {
            auth::authenticate(
                &app,
                header.as_deref(),
                &caller.address,
                route::spent(operation),
            )
            .await?
        }
    };
    line.token.clone_from(&token.id);
    let tenant = admit(&app, operation, &token, &params).await?;
    let raw = RawCall::read(&request).await?;
    let revealed = Rc::clone(&line.revealed);
    let incoming = Incoming::new(raw, app.clone(), caller, token, params, revealed)?;
    run(&app, operation, incoming, tenant).await
}

/// Lets a call go on to its operation; the tenant of its path.
async fn admit(
    app: &App,
    operation: Operation,
    token: &Token,
    params: &Params,
) -> Result<Option<String>, Problem> {
    // A call that is refused has cost a look-up already: it is spent like any other.
    if operation.needs() != Needs::Nothing {
        allowance::spend(app, token, route::spent(operation)).await?;
    }
    let tenant = params.iter().find(|(name, _)| *name == "tenant");
    token.check(operation.needs(), tenant.map(|(_, id)| id.as_str()))?;
    if token.is_admin() && operation.needs().writes() && operation != Operation::Restored {
        // Every other token was held against the witness as it was looked up.
        witness::vouch_now(app).await?;
    }
    if let Some(own) = token
        .tenant
        .as_ref()
        .filter(|_| route::is_done_first(operation))
    {
        limits::check_audit_room(app, own).await?;
    }
    Ok(tenant.map(|(_, id)| id.clone()))
}

/// Runs an operation, and sees to what follows it.
async fn run(
    app: &App,
    operation: Operation,
    incoming: Incoming,
    tenant: Option<String>,
) -> Result<Outgoing, Problem> {
    let result = commit::unless_overtaken(|| routes::call(operation, incoming.clone())).await;
    let result = match result {
        Ok(outgoing) => Ok(outgoing),
        Err(failure) => Err(limits::explained(app, tenant.as_deref(), failure.problem()).await),
    };
    let wrote = app.db.has_steps();
    // Before it is acknowledged; and of what a request has written that failed in the end, too.
    let reported = witness::report(app).await;
    if wrote {
        audit_chain::extend_later(app);
    }
    let outgoing = result?;
    reported?;
    Ok(outgoing)
}

/// What the console asks: an operation of the table above, by whoever is signed in. The rights, checks,
/// allowances and audit entries are those of the same call by HTTP; the answer is what it would have been.
pub async fn ask(
    app: &App,
    caller: &Caller,
    token: &Token,
    method: &str,
    path: &str,
    raw: RawCall,
) -> RawAnswer {
    let mut line = LogLine {
        address: caller.address.clone(),
        token: token.id.clone(),
        ..LogLine::default()
    };
    let result = inner(app, caller, token, (method, path), raw, &mut line).await;
    line.write(result.as_ref(), &app.request_id);
    match result {
        Ok(outgoing) => RawAnswer {
            status: outgoing.status,
            body: outgoing.body,
        },
        Err(problem) => RawAnswer {
            status: problem.status(),
            body: problem.document(&app.request_id).unwrap_or_default(),
        },
    }
}

async fn inner(
    app: &App,
    caller: &Caller,
    token: &Token,
    (method, path): (&str, &str),
    raw: RawCall,
    line: &mut LogLine,
) -> Result<Outgoing, Problem> {
    let RouteMatch::Route(operation, params) = route::find(method, path) else {
        return Err(Problem::not_found("operation"));
    };
    line.operation = operation.id();
    let tenant = admit(app, operation, token, &params).await?;
    raw.check_length()?;
    let revealed = Rc::clone(&line.revealed);
    let (worker, caller) = (app.clone(), caller.clone());
    let incoming = Incoming::new(raw, worker, caller, token.clone(), params, revealed)?;
    run(app, operation, incoming, tenant).await
}

/// An answer of [`ask`].
pub struct RawAnswer {
    pub status: u16,
    /// JSON; a problem document outside of 2xx.
    pub body: Vec<u8>,
}

/// What the log says of an answer.
#[derive(Default)]
struct LogLine {
    operation: &'static str,
    token: String,
    address: String,
    /// Whether the answer shows secrets.
    revealed: Rc<Cell<bool>>,
}

impl LogLine {
    fn write(&self, result: Result<&Outgoing, &Problem>, request_id: &str) {
        let status = result.map_or_else(|problem| problem.status(), |outgoing| outgoing.status);
        let problem = result.err();
        let fields = [
            ("operation", self.operation),
            ("status", &status.to_string()),
            (
                "problem",
                problem.map_or("", |problem| problem.kind.as_str()),
            ),
            (
                "error",
                problem
                    .and_then(|problem| problem.internal.as_deref())
                    .unwrap_or_default(),
            ),
            ("token", &self.token),
            ("address", &self.address),
            ("revealed", if self.revealed.get() { "true" } else { "" }),
            ("request_id", request_id),
        ];
        if status >= 500 {
            log::warn("api", &fields);
        } else {
            log::info("api", &fields);
        }
    }
}
