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

use ringfence_provision::url_template::MAX_PATH_LEN;
use web_sys::Response;

use crate::app::{App, Caller};
use crate::db::StorageError;
use crate::http::conditional::Conditions;
use crate::http::head::Head;
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
    pub conditions: Conditions,
}

impl PhoneRequest {
    /// A request for `path`, which begins with a slash. `method` is as it was sent.
    pub fn new(method: &str, path: &str, conditions: Conditions, app: App, caller: Caller) -> Self {
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
            conditions,
            app,
            caller,
        }
    }

    /// What URLs in the file begin with. A file that leaves over plain HTTP, being sealed, names HTTPS.
    pub fn url_origin(&self) -> String {
        if self.caller.tls {
            self.caller.origin.clone()
        } else {
            format!("https://{}", self.caller.host)
        }
    }
}

/// Answers a phone.
pub async fn answer(head: Head, app: App, caller: Caller) -> worker::Result<Response> {
    let request = PhoneRequest::new(&head.method, &head.path, head.conditions, app, caller);
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
