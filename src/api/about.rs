//! What the API says of itself: whether it works, and its description.

use ringfence_api::answer::{Shown, Verbatim};
use ringfence_api::health::Health;
use worker::Env;

use crate::api::request::call::Call;
use crate::db::migrations;
use crate::http::problem::{Problem, ProblemKind};
use crate::store::standing;
use crate::witness;

/// The binding of the files that are deployed beside the Worker, and where the description of this API, made from the
/// table of operations, is among them (`scripts/build.sh`): no phone needs it, so it is no part of the module.
const FILES_BESIDE: &str = "ASSETS";
const OPENAPI: &str = "https://assets/openapi.json";

/// `getHealth`.
pub async fn health(call: Call) -> Result<Shown<Health>, Problem> {
    let standing = standing::read(&call.app.db).await?;
    witness::vouch(&call.app, &standing).await?;
    Ok(Shown(Health {
        status: "ok",
        newer_schema: migrations::newer(),
    }))
}

/// `getOpenapi`.
pub async fn openapi(call: Call) -> Result<Verbatim, Problem> {
    beside(&call.app.env, OPENAPI)
        .await
        .map(Verbatim)
        .map_err(|missing| {
            let (kind, detail) = match &missing {
                Missing::NotDeployed(_) => (
                    ProblemKind::Misconfigured,
                    "The description of the API was not deployed beside the Worker, or the binding ASSETS is missing. Deploy the whole release again.",
                ),
                Missing::NoAnswer(_) => (
                    ProblemKind::Unavailable,
                    "The files that are deployed beside the Worker cannot be had just now. Try again in half a minute.",
                ),
            };
            Problem {
                internal: Some(format!("{OPENAPI}: {missing}")),
                ..Problem::new(kind, detail)
            }
        })
}

/// Why a file that is deployed beside the Worker cannot be had.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error("not deployed: {0}")]
    NotDeployed(String),
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// A file that is deployed beside the Worker.
async fn beside(env: &Env, url: &str) -> Result<String, Missing> {
    let files = env
        .assets(FILES_BESIDE)
        .map_err(|error| Missing::NotDeployed(error.to_string()))?;
    let unheard = |error: worker::Error| Missing::NoAnswer(error.to_string());
    let mut answer = files.fetch(url, None).await.map_err(unheard)?;
    match answer.status_code() {
        200 => answer.text().await.map_err(unheard),
        404 => Err(Missing::NotDeployed("answered 404".to_owned())),
        status => Err(Missing::NoAnswer(format!("answered {status}"))),
    }
}
