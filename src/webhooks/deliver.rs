//! One try to deliver a message.

use worker::{AbortSignal, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Url};

use super::record::{MessageRow, Tried};
use super::sign::{WebhookSecret, signatures};
use crate::platform;

/// How long a receiver has to answer, in milliseconds.
const TIMEOUT_MS: u32 = 10_000;

/// Sends a message and says what came of it. A redirect is not followed, and the body of the answer is not read.
pub async fn deliver(url: &Url, secrets: &[WebhookSecret], message: &MessageRow) -> Tried {
    match send(url, secrets, message).await {
        Ok(status @ 200..=299) => Tried::Delivered { status },
        // What Standard Webhooks has for a receiver that wants nothing more.
        Ok(410) => Tried::Gone { status: 410 },
        Ok(status @ 300..=399) => failed(Some(status), "redirect"),
        Ok(status) => failed(Some(status), "status"),
        // What the runtime says of a connection that it cannot make is worth nothing, and is not kept.
        Err(error) if error.to_string().contains("imeout") => failed(None, "timeout"),
        Err(_) => failed(None, "connection"),
    }
}

fn failed(status: Option<u16>, error: &'static str) -> Tried {
    Tried::Failed { status, error }
}

async fn send(url: &Url, secrets: &[WebhookSecret], message: &MessageRow) -> worker::Result<u16> {
    let at = platform::now() / 1000;
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set(
        "user-agent",
        concat!("Ringfence/", env!("CARGO_PKG_VERSION")),
    )?;
    headers.set("webhook-id", &message.id)?;
    headers.set("webhook-timestamp", &at.to_string())?;
    let signature = signatures(secrets, &message.id, at, &message.body);
    headers.set("webhook-signature", &signature)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(message.body.as_str().into()));
    let request = Request::new_with_init(url.as_str(), &init)?;
    let signal = AbortSignal::from(web_sys::AbortSignal::timeout_with_u32(TIMEOUT_MS));
    let response = Fetch::Request(request).send_with_signal(&signal).await?;
    let status = response.status_code();
    if let Some(body) = web_sys::Response::from(response).body() {
        // Whether the receiver likes that is of no interest.
        drop(body.cancel());
    }
    Ok(status)
}
