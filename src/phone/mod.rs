//! What a phone gets: `GET` or `HEAD` of `/{access path}/{path}`.
//!
//! One file per thing a phone can ask for. Each of them ends in an [`Outcome`]: a file that passed
//! its lint, whole and with `Content-Length`; the one refusal; or 503 where storage fails.
//!
//! *Architecture invariant:* every refusal is the same answer, byte for byte, whatever its reason,
//! and nothing is written before any answer but the claim of a bootstrap.

mod answer;
mod bootstrap;
mod certificate;
mod event;
mod forward;
mod initial;
mod keep;
mod prefetch;
mod reason;
mod sealed;
mod shared;

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::url_template::MAX_PATH_LEN;
use web_sys::Response;
use worker::{Headers, Request};

use crate::app::{App, Caller};
use crate::db::StorageError;
use crate::edge;
use crate::files::names::CERTIFICATES;
use crate::http::conditional::passes_without_validators;
use crate::platform::hash::sha256_hex;
use crate::store::file_inputs::{self, Reads};
use crate::throttle::{self, Guessed};
use event::Record;
use prefetch::Prefetch;

pub use answer::{Answer, Body, Outcome, Served, unavailable};
pub use reason::{Reason, Trace};

/// A key under which KV never has a file.
const NO_FILE: &str = "f1:none";

/// A phone's request, with what every handler needs.
pub struct PhoneRequest {
    pub app: App,
    pub caller: Caller,
    /// Whether it is `HEAD`, which consumes nothing and reveals nothing.
    pub head: bool,
    /// The first segment, as the phone wrote it.
    pub access_path: String,
    /// The rest, still percent-encoded.
    pub path: String,
    headers: Headers,
}

impl PhoneRequest {
    /// A header of the request. Each look costs a call out of the module: only where it matters.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).ok().flatten()
    }

    /// Whether the request's conditions let a bootstrap through, which has no validator: no ETag and no
    /// date was ever given for one.
    pub fn lets_bootstrap_through(&self) -> bool {
        passes_without_validators(|name| self.header(name))
    }
}

/// Answers a phone.
pub async fn answer(request: &Request, app: App, caller: Caller) -> worker::Result<Response> {
    // As it was sent: `worker::Method` takes every name that it does not know for GET.
    let method = request.inner().method();
    let path = request.path();
    let (access_path, rest) = path
        .strip_prefix('/')
        .unwrap_or(&path)
        .split_once('/')
        .unwrap_or(("", ""));
    let request = PhoneRequest {
        head: method == "HEAD",
        access_path: access_path.to_owned(),
        path: rest.to_owned(),
        headers: request.headers().clone(),
        app,
        caller,
    };
    let allowed = matches!(method.as_str(), "GET" | "HEAD");
    let mut record = Record::default();
    let outcome = match find(&request, allowed, &mut record).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Unavailable {
            detail: error.to_string(),
        },
    };
    let answer = outcome.to_answer(&request)?;
    event::record(&request, record, &outcome, &answer);
    Ok(answer.response)
}

/// From the path to the handler of the kind of file it names.
async fn find(
    request: &PhoneRequest,
    allowed: bool,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let app = &request.app;
    // What cannot be one is looked up like any other: it takes as long.
    let sound = request.access_path.len() <= MAX_PATH_LEN;
    let access_path = if sound { &*request.access_path } else { "" };
    let hash = sha256_hex(access_path);
    let asks = allowed && request.path.len() <= MAX_PATH_LEN;
    let guess = asks
        .then(|| Prefetch::new(app, &hash, &request.path))
        .flatten();
    let address = &request.caller.address;
    let trusted = !throttle::is_barred(Guessed::AccessPath, address, app.now);
    let Some(known) = edge::find_tenant(app, &hash, trusted).await? else {
        throttle::wrong_guess(app, Guessed::AccessPath, address);
        // D1 has been asked: a KV read is what is left of the usual work.
        edge::read_file(app, NO_FILE).await;
        return Ok(Outcome::Refused(if access_path.is_empty() {
            Reason::NoAccessPath
        } else {
            Reason::UnknownAccessPath
        }));
    };
    let tenant = &known.tenant;
    // From here on the request belongs to the tenant, and whatever comes of it is an event.
    record.tenant = Some(tenant.tenant.clone());
    record.events_per_minute = tenant.options.events_per_minute;
    record.access_path_hash = hash;
    record.access_path = tenant.access_path.clone();
    if !tenant.answers(&request.caller.host, app.now) {
        return refuse_unknown(app, Reason::AccessPathClosed).await;
    }
    if !allowed {
        return refuse_unknown(app, Reason::MethodNotAllowed).await;
    }
    if !asks {
        return refuse_unknown(app, Reason::NoSuchPath).await;
    }
    record.names = known.table.clone();

    if let Some(name) = request.path.strip_prefix(CERTIFICATES) {
        if !request.caller.tls {
            return refuse_unknown(app, Reason::NotTls).await;
        }
        return certificate::serve(request, tenant, name).await;
    }
    let (resolved, begun) = match &known.table {
        Some(table) => Prefetch::settle(guess, table, &request.path),
        None => (None, None),
    };
    let Some(resolved) = resolved else {
        return refuse_unknown(app, Reason::NoSuchPath).await;
    };
    record.kind = Some(resolved.kind);
    record.form = Some(resolved.form);
    record.mac = resolved.mac;
    let over_http = !request.caller.tls;
    if over_http && !(resolved.form == Form::Sealed && tenant.options.sealed_over_http) {
        return refuse_unknown(app, Reason::NotTls).await;
    }
    match (resolved.kind, resolved.form, resolved.mac) {
        (kind, Form::Sealed, Some(mac)) => {
            sealed::serve(request, tenant, kind, &mac, begun, record).await
        }
        (FileKind::Standard, Form::Plain, Some(mac)) => {
            bootstrap::serve(request, tenant, &mac, record).await
        }
        (FileKind::Initial, Form::Plain, _) => {
            initial::serve(request, tenant, &resolved, record).await
        }
        (_, Form::Plain, _) => shared::serve(request, tenant, &resolved, record).await,
        (_, Form::Sealed, None) => refuse_unknown(app, Reason::NoSuchPath).await,
    }
}

/// The refusal of what is not even looked up, after as much work as a look-up takes: a stranger
/// learns nothing from the time either.
async fn refuse_unknown(app: &App, reason: Reason) -> Result<Outcome, StorageError> {
    edge::read_file(app, NO_FILE).await;
    file_inputs::device(&app.db, "none", "none", Reads::Always).await?;
    Ok(Outcome::Refused(reason))
}

/// Whatever keeps a bundle from being put together, the phone hears 503 and comes back.
fn storage(error: crate::files::inputs::InputsError) -> StorageError {
    match error {
        crate::files::inputs::InputsError::Storage(error) => error,
        other => StorageError::Corrupt(other.to_string()),
    }
}
