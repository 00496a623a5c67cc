//! What a phone gets: `GET` or `HEAD` of `/{access path}/{path}`.
//!
//! One file per thing a phone can ask for. Each of them ends in a [`PhoneOutcome`]: a file that passed
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
mod own_file;
mod prefetch;
mod reason;
mod request;
mod request_url;
mod sealed;
mod shared;

use web_sys::Response;

use crate::app::{App, Caller};
use crate::http::head::Head;
use decide::{decide, locate};
use event::Record;

pub use answer::{Body, PhoneAnswer, PhoneOutcome, Served, unavailable};
pub use facts::{Copy, Facts};
pub use reason::{Reason, Trace};
pub use request::{PhoneRequest, Taking};
pub use request_url::segment;

/// Answers a phone.
pub async fn answer(head: Head, app: App, caller: Caller) -> worker::Result<Response> {
    let request = PhoneRequest::new(&head.method, &head.path, head.conditions, app, caller);
    let mut record = Record::default();
    let located = locate(&request, &mut record).await;
    let outcome = match located {
        Ok(located) => decide(&request, located, Taking::Claim, &mut record).await,
        Err(error) => Err(error),
    };
    let outcome = PhoneOutcome::of(outcome);
    for deed in std::mem::take(&mut record.deeds) {
        deed.start(&request);
    }
    let answer = outcome.reply(&request).to_answer()?;
    event::record(&request, record, &outcome, &answer);
    Ok(answer.response)
}
