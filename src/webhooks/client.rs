//! The Worker's side of a webhook's object.

use worker::{Env, Headers, Method, Request, RequestInit};

use super::{BINDING, WEBHOOK_HEADER, WebhookCall, WebhookReply};
use crate::db::{Db, StorageError};
use crate::http::problem::{Problem, ProblemKind};
use crate::platform::{self, DAY_MS, first_id_at, log};
use crate::store::webhooks;

/// The most objects that the cron event wakes.
const MAX_WOKEN: u32 = 50;

/// Calls a webhook's object.
///
/// # Errors
/// The object does not answer, or has failed.
pub async fn call(env: &Env, id: &str, call: &WebhookCall) -> Result<WebhookReply, Problem> {
    match ask(env, id, call).await {
        Ok(WebhookReply::Failed { detail }) => Err(unavailable(detail)),
        Ok(reply) => Ok(reply),
        Err(error) => Err(unavailable(error.to_string())),
    }
}

async fn ask(env: &Env, id: &str, call: &WebhookCall) -> worker::Result<WebhookReply> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set(WEBHOOK_HEADER, id)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(serde_json::to_string(call)?.into()));
    let request = Request::new_with_init("https://webhooks/call", &init)?;
    let object = env.durable_object(BINDING)?.get_by_name(id)?;
    let text = object.fetch_with_request(request).await?.text().await?;
    ringfence_json::from_str(&text).map_err(|error| worker::Error::RustError(error.to_string()))
}

/// From how far back on an object is woken.
const BACK_MS: u64 = 400 * DAY_MS;

/// Wakes objects whose alarm was lost; those that have one do nothing. Where there are many, each cron event wakes
/// others: those that were made after a time that is drawn.
pub async fn wake_all(env: &Env, db: &Db) -> Result<(), StorageError> {
    let now = platform::now();
    let drawn = platform::random_array().map_or(0, u64::from_le_bytes);
    let after = first_id_at(now.saturating_sub(drawn % BACK_MS));
    let mut ids = webhooks::enabled(db, &after, MAX_WOKEN).await?;
    if ids.is_empty() {
        ids = webhooks::enabled(db, "", MAX_WOKEN).await?;
    }
    for id in ids {
        if let Err(problem) = call(env, &id, &WebhookCall::Wake).await {
            let error = problem.internal.unwrap_or_default();
            log::warn("webhook_not_woken", &[("webhook", &id), ("error", &error)]);
        }
    }
    Ok(())
}

fn unavailable(detail: String) -> Problem {
    Problem {
        internal: Some(format!("webhook: {detail}")),
        ..Problem::new(
            ProblemKind::Unavailable,
            "The queue of the webhook does not answer. Try again in half a minute.",
        )
    }
}
