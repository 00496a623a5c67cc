//! The Worker's side of a pool's Durable Object.

use ringfence_queue::messages::{PoolCall, PoolReply};
use worker::{Env, Headers, Method, Request, RequestInit, Stub};

use crate::http::problem::{Problem, ProblemKind};

/// The binding of the class `Pool`.
const BINDING: &str = "POOL";

/// The object of a pool.
///
/// # Errors
/// The binding is missing.
pub fn stub(env: &Env, pool: &str) -> worker::Result<Stub> {
    env.durable_object(BINDING)?.get_by_name(pool)
}

/// Calls a pool's object. What it refuses becomes the problem that an operator sees.
///
/// # Errors
/// The object does not answer, has no such thing, or its state does not allow it.
pub async fn call(env: &Env, pool: &str, call: &PoolCall) -> Result<PoolReply, Problem> {
    match ask(env, pool, call).await {
        Ok(PoolReply::Conflict { detail }) => Err(Problem::conflict(detail)),
        Ok(PoolReply::Failed { detail }) => Err(unavailable(detail)),
        Ok(reply) => Ok(reply),
        Err(error) => Err(unavailable(error.to_string())),
    }
}

async fn ask(env: &Env, pool: &str, call: &PoolCall) -> worker::Result<PoolReply> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set(crate::pool::POOL_HEADER, pool)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(serde_json::to_string(call)?.into()));
    let request = Request::new_with_init("https://pool/call", &init)?;
    let object = stub(env, pool)?;
    let text = object.fetch_with_request(request).await?.text().await?;
    ringfence_json::from_str(&text).map_err(|error| worker::Error::RustError(error.to_string()))
}

/// An answer that this call does not have.
pub fn unexpected(reply: &PoolReply) -> Problem {
    match reply {
        PoolReply::NotFound => Problem::not_found("job or rollout"),
        other => Problem::internal(format!("the pool's object answered {}", variant(other))),
    }
}

/// A reply's name, as it is on the wire: what is in it may be long, and is nobody's business.
fn variant(reply: &PoolReply) -> String {
    // `"done"` or `{"job":…}`: the first text is the name.
    let text = serde_json::to_string(reply).unwrap_or_default();
    text.split('"').nth(1).unwrap_or_default().to_owned()
}

fn unavailable(detail: String) -> Problem {
    Problem {
        internal: Some(format!("pool: {detail}")),
        ..Problem::new(
            ProblemKind::Unavailable,
            "The pool's queue does not answer. Try again in half a minute.",
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::pool::client::*;

    #[test]
    fn an_unexpected_reply_is_named() {
        let detail = "secret".to_owned();
        for (reply, name) in [
            (PoolReply::Done, "done"),
            (PoolReply::Conflict { detail }, "conflict"),
        ] {
            let message = unexpected(&reply).internal.unwrap();
            assert_eq!(message, format!("the pool's object answered {name}"));
        }
    }
}
