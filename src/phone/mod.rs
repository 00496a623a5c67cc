//! What a phone gets: `GET` or `HEAD` of `/{access path}/{path}`.
//!
//! One file per thing a phone can ask for. Each of them ends in an [`Outcome`]: a file that passed
//! its lint, whole and with `Content-Length`; the one refusal; or 503 where storage fails.
//!
//! What is decided and what is done about it are apart: [`decide()`] reads, and says what the answer is and
//! what is left to do; [`answer()`] does it. Whoever only wants to know ([`explain`]) decides in the same way
//! and does nothing. The one thing that is done on the way to a decision is the claim of a bootstrap, and
//! [`Taking`] says whether it is.
//!
//! *Architecture invariant:* every refusal is the same answer, byte for byte, whatever its reason,
//! and nothing is written before any answer but the claim of a bootstrap.

mod answer;
mod asked;
mod bootstrap;
mod certificate;
mod decide;
mod deed;
mod event;
pub mod explain;
mod facts;
mod forward;
mod initial;
mod keep;
mod prefetch;
mod reason;
mod sealed;
mod shared;

use std::cell::OnceCell;

use ringfence_provision::url_template::MAX_PATH_LEN;
use web_sys::Response;
use worker::{Headers, Request};

use crate::app::{App, Caller};
use crate::db::StorageError;
use crate::http::conditional::{none_match, passes_without_validators};
use crate::platform::hash::sha256_hex;
use decide::{decide, locate};
use event::Record;

pub use answer::{Body, Outcome, PhoneAnswer, Served, unavailable};
pub use asked::segment;
pub use decide::Taking;
pub use facts::{Copy, Facts};
pub use reason::{Reason, Trace};

/// A phone's request, with what every handler needs.
pub struct PhoneRequest {
    pub app: App,
    pub caller: Caller,
    /// Whether it is `HEAD`, which consumes nothing and reveals nothing.
    pub head: bool,
    /// Whether it is `GET` or `HEAD`.
    pub is_read: bool,
    /// The first segment, as the phone wrote it.
    pub access_path: String,
    /// SHA-256 of the access path, hex: what it is looked up by.
    pub access_path_hash: String,
    /// The rest, still percent-encoded.
    pub path: String,
    headers: Headers,
    if_none_match: OnceCell<Option<String>>,
}

impl PhoneRequest {
    /// A request for `path`, which begins with a slash. `method` is as it was sent.
    pub fn new(method: &str, path: &str, headers: Headers, app: App, caller: Caller) -> Self {
        let (access_path, rest) = path
            .strip_prefix('/')
            .unwrap_or(path)
            .split_once('/')
            .unwrap_or(("", ""));
        // What cannot be one is looked up like any other: it takes as long.
        let sound = access_path.len() <= MAX_PATH_LEN;
        Self {
            head: method == "HEAD",
            is_read: matches!(method, "GET" | "HEAD"),
            access_path_hash: sha256_hex(if sound { access_path } else { "" }),
            access_path: access_path.to_owned(),
            path: rest.to_owned(),
            headers,
            if_none_match: OnceCell::new(),
            app,
            caller,
        }
    }

    /// A header of the request. Each look costs a call out of the module: only where it matters.
    pub fn header(&self, name: &str) -> Option<String> {
        let look = || self.headers.get(name).ok().flatten();
        match name {
            "if-none-match" => self.if_none_match.get_or_init(look).clone(),
            _ => look(),
        }
    }

    /// Whether `If-None-Match` says that the phone has a file with this ETag, and no condition that comes before it
    /// (RFC 9110 §13.2.2) has a say.
    pub fn has_copy(&self, etag: &str) -> bool {
        let known = self.header("if-none-match");
        known.is_some_and(|known| none_match(&known, etag)) && self.header("if-match").is_none()
    }

    /// What URLs in the file begin with. A file that leaves over plain HTTP, being sealed, names HTTPS.
    pub fn url_origin(&self) -> String {
        if self.caller.tls {
            self.caller.origin.clone()
        } else {
            format!("https://{}", self.caller.host)
        }
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
    // The request's own: a clone of `worker::Headers` is a copy of them all.
    let headers = Headers(request.inner().headers());
    let request = PhoneRequest::new(&method, &request.path(), headers, app, caller);
    let mut record = Record::default();
    let located = locate(&request, &mut record).await;
    let outcome = match located {
        Ok(located) => decide(&request, located, Taking::Claim, &mut record).await,
        Err(error) => Err(error),
    };
    let outcome = Outcome::of(outcome);
    for deed in std::mem::take(&mut record.deeds) {
        deed.start(&request);
    }
    let answer = outcome.reply(&request).to_answer()?;
    event::record(&request, record, &outcome, &answer);
    Ok(answer.response)
}

/// Whatever keeps a bundle from being put together, the phone hears 503 and comes back.
fn storage(error: crate::files::inputs::InputsError) -> StorageError {
    match error {
        crate::files::inputs::InputsError::Storage(error) => error,
        other => StorageError::Corrupt(other.to_string()),
    }
}
