//! `GET /relay/v1`: the door through which relays come in.
//!
//! A relay shows its credential (`Authorization: Bearer rfr_…`, see [`credential`]), which is good for
//! its own pool alone, and its connection goes to that pool's Durable Object. Whatever is wrong with a
//! credential, the answer is the same.

use worker::{Headers, Method, Request, RequestInit, Response};

use crate::app::{App, Caller};
use crate::http::{AS_IT_SAYS, CONTENT_TYPE_OPTIONS};
use crate::platform::credential::{self, Sent, bearer};
use crate::platform::log;
use crate::pool::{POOL_HEADER, RELAY_HEADER, client};
use crate::store::relays::{self, RelayRow};
use crate::throttle::{self, Guessed};
use crate::witness;

/// Where it is.
pub use ringfence_wire::PATH;

const NO_CREDENTIAL: &str = "A valid relay credential is needed: Authorization: Bearer rfr_…";

/// Lets a relay in, or says why not: 401, 403 without TLS, 426 without an upgrade, 429 after too many
/// wrong credentials from its address, 503 if storage does not answer.
pub async fn answer(request: &Request, app: &App, caller: &Caller) -> worker::Result<Response> {
    if !caller.tls {
        return refuse(403, "A relay connects over TLS only: wss://.");
    }
    if throttle::is_barred(Guessed::Credential, &caller.address, app.now) {
        return refuse(
            429,
            "Too many wrong credentials came from this address. Wait a minute.",
        );
    }
    let header = request.headers().get("authorization")?;
    let relay = match authenticate(app, header.as_deref()).await {
        Ok(Some(relay)) => relay,
        Ok(None) => {
            log::warn(
                "relay_refused",
                &[
                    ("address", &caller.address),
                    ("request_id", &app.request_id),
                ],
            );
            throttle::wrong_guess(app, Guessed::Credential, &caller.address);
            return refuse(401, NO_CREDENTIAL);
        }
        Err(error) => {
            log::warn(
                "relay_door",
                &[
                    ("error", &error.to_string()),
                    ("request_id", &app.request_id),
                ],
            );
            return refuse(503, "Storage does not answer; try again.");
        }
    };
    let upgrade = request.headers().get("upgrade")?.unwrap_or_default();
    if request.method() != Method::Get || !upgrade.eq_ignore_ascii_case("websocket") {
        return refuse(
            426,
            "This is the WebSocket of relays. Ask by GET, with `Upgrade: websocket`.",
        );
    }
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    headers.set(POOL_HEADER, &relay.pool_id)?;
    headers.set(RELAY_HEADER, &relay.id)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Get).with_headers(headers);
    let inner = Request::new_with_init("https://pool/relay", &init)?;
    let answer = client::stub(&app.env, &relay.pool_id)?
        .fetch_with_request(inner)
        .await?;
    let status = answer.status_code();
    // A stub's response cannot be changed, and every answer carries the request's id.
    match answer.websocket() {
        Some(socket) => Response::from_websocket(socket),
        // Its credential was removed between our look at it and the object's.
        None if status == 401 => refuse(401, NO_CREDENTIAL),
        None => refuse(
            if status == 503 { 503 } else { 502 },
            "The pool does not take the connection; try again.",
        ),
    }
}

async fn authenticate(
    app: &App,
    header: Option<&str>,
) -> Result<Option<RelayRow>, crate::db::StorageError> {
    let Some(sent) = bearer(header).and_then(|text| Sent::parse(credential::RELAY, text)) else {
        return Ok(None);
    };
    let (row, standing) = relays::find_vouched(&app.db, sent.id).await?;
    witness::vouch(app, &standing).await?;
    let matches = sent.matches(row.as_ref().map(|row| row.hash.as_str()));
    Ok(row.filter(|_| matches))
}

fn refuse(status: u16, message: &str) -> worker::Result<Response> {
    let mut response = Response::error(message, status)?;
    let headers = response.headers_mut();
    headers.set("cache-control", "no-store")?;
    headers.set(CONTENT_TYPE_OPTIONS, AS_IT_SAYS)?;
    match status {
        401 => headers.set("www-authenticate", "Bearer realm=\"ringfence-relay\"")?,
        426 => headers.set("upgrade", "websocket")?,
        429 => headers.set("retry-after", "60")?,
        503 => headers.set("retry-after", "5")?,
        _ => {}
    }
    Ok(response)
}
