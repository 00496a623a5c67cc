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
mod initial;
mod routes;
mod sealed;
mod shared;

use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::mac::Mac;
use sha2::{Digest as _, Sha256};
use web_sys::Response;
use worker::{Method, Request};

pub use answer::{Body, Outcome, Reason, Served, refusal, unavailable};
pub use initial::urls;

use crate::app::{App, Caller};
use crate::edge::{self, TenantEdge};
use crate::observe::{self, Record};
use crate::store::{StorageError, phone};

/// Files below this folder are the tenant's root certificates, under their own names.
pub const CERTIFICATES: &str = "certs/";

/// The longest path that is looked at.
const PATH_MAX: usize = 512;

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
    pub if_none_match: Option<String>,
    /// Whether any header makes the request conditional.
    pub conditional: bool,
    pub if_range: Option<String>,
    pub range: Option<String>,
}

/// Answers a phone.
pub async fn answer(request: &Request, app: App, caller: Caller) -> worker::Result<Response> {
    let method = request.method();
    let path = request.path();
    let (access_path, rest) = path
        .strip_prefix('/')
        .unwrap_or(&path)
        .split_once('/')
        .unwrap_or(("", ""));
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let request = PhoneRequest {
        head: method == Method::Head,
        access_path: access_path.to_owned(),
        path: rest.to_owned(),
        if_none_match: header("if-none-match"),
        conditional: [
            "if-none-match",
            "if-match",
            "if-modified-since",
            "if-unmodified-since",
        ]
        .iter()
        .any(|name| header(name).is_some()),
        if_range: header("if-range"),
        range: header("range"),
        app,
        caller,
    };
    let allowed = matches!(method, Method::Get | Method::Head);
    let mut record = Record::default();
    let outcome = match find(&request, allowed, &mut record).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Unavailable {
            detail: error.to_string(),
        },
    };
    let response = outcome.to_response(&request)?;
    observe::phone(&request, record, &outcome, response.status());
    Ok(response)
}

/// From the path to the handler of the kind of file it names.
async fn find(
    request: &PhoneRequest,
    allowed: bool,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let app = &request.app;
    if !allowed || request.access_path.is_empty() || request.path.len() > PATH_MAX {
        return refuse_unknown(app, Reason::NoSuchPath).await;
    }
    let hash = hash_access_path(&request.access_path);
    let Some(tenant) = edge::find_tenant(app, &hash).await? else {
        return refuse_unknown(app, Reason::UnknownAccessPath).await;
    };
    if !tenant.answers(&request.caller.host, app.now) {
        return refuse_unknown(app, Reason::AccessPathClosed).await;
    }
    record.tenant = Some(tenant.tenant.clone());
    record.events_per_minute = tenant.options.events_per_minute;

    if let Some(name) = request.path.strip_prefix(CERTIFICATES) {
        return certificate::serve(request, &tenant, name).await;
    }
    let Some(resolved) =
        routes::table(&tenant.options).and_then(|table| table.resolve(&request.path))
    else {
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
            sealed::serve(request, &tenant, kind, &mac, record).await
        }
        (FileKind::Standard, Form::Plain, Some(mac)) => {
            bootstrap::serve(request, &tenant, &mac, record).await
        }
        (FileKind::Initial, Form::Plain, mac) => {
            initial::serve(
                request,
                &tenant,
                mac.as_ref(),
                resolved.model.as_deref(),
                record,
            )
            .await
        }
        (kind, Form::Plain, mac) => {
            shared::serve(
                request,
                &tenant,
                kind,
                mac.as_ref(),
                resolved.model.as_deref(),
                record,
            )
            .await
        }
        (_, Form::Sealed, None) => refuse_unknown(app, Reason::NoSuchPath).await,
    }
}

/// The refusal of what is not even looked up, after as much work as a look-up takes: a stranger
/// learns nothing from the time either.
async fn refuse_unknown(app: &App, reason: Reason) -> Result<Outcome, StorageError> {
    edge::read_file(app, "f1:none").await;
    phone::device(&app.db, "none", "none").await?;
    Ok(Outcome::Refused(reason))
}

/// How an access path is stored: 128 random bits need no salt and no slow hash.
pub fn hash_access_path(segment: &str) -> String {
    Sha256::digest(segment.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether this is the tenant's and the phone's own file, still good.
fn is_fresh(tenant: &TenantEdge, mac: &Mac, meta: &edge::FileMeta) -> bool {
    tenant.accepts(&mac.upper(), meta.version)
}

/// Whatever keeps a bundle from being put together, the phone hears 503 and comes back.
fn storage(error: crate::files::bundle::BundleError) -> StorageError {
    match error {
        crate::files::bundle::BundleError::Storage(error) => error,
        other => StorageError(other.to_string()),
    }
}
