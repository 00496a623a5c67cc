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
    match beside(&call.app.env, OPENAPI).await {
        Ok(document) => Ok(Verbatim(document)),
        Err(error) => Err(Problem {
            internal: Some(format!("{OPENAPI}: {error}")),
            ..Problem::new(
                ProblemKind::Misconfigured,
                "The description of the API was not deployed beside the Worker, or the binding ASSETS is missing. Deploy the whole release again.",
            )
        }),
    }
}

/// A file that is deployed beside the Worker.
async fn beside(env: &Env, url: &str) -> worker::Result<String> {
    let mut answer = env.assets(FILES_BESIDE)?.fetch(url, None).await?;
    match answer.status_code() {
        200 => answer.text().await,
        status => Err(worker::Error::from(format!("answered {status}"))),
    }
}
