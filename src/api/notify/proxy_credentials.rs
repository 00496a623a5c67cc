//! What a pool that sends its NOTIFYs itself answers its proxy's challenge with.

use ringfence_api::answer::{Done, Shown};
use ringfence_api::changing::{About, TrialQuery};
use ringfence_api::notify::proxy_credentials::{ProxyCredentialsInput, ProxyCredentialsView};
use ringfence_queue::messages::PoolCall;
use ringfence_sip_notify::Credentials;
use serde_json::json;

use crate::api::notify::pools::{find, hear};
use crate::api::request::call::Call;
use crate::api::request::commit::{self, Failure};
use crate::api::request::secret::wrap;
use crate::http::problem::{Problem, ProblemKind};
use crate::store::pools::{self, CredentialsRow, password_identity};

impl From<CredentialsRow> for ProxyCredentialsView {
    fn from(row: CredentialsRow) -> Self {
        Self {
            username: row.username,
            realm: row.realm,
            updated_at: row.updated_at,
        }
    }
}

/// `getProxyCredentials`.
pub async fn show(call: Call) -> Result<Shown<ProxyCredentialsView>, Problem> {
    let pool = find(&call, call.param("pool")).await?;
    let row = pools::credentials(&call.app.db, &pool.id).await?;
    row.map(|row| Shown(row.into())).ok_or_else(none)
}

fn none() -> Problem {
    Problem::new(
        ProblemKind::NotFound,
        "The pool has no credentials for its proxy. `PUT` of the same path sets them.",
    )
}

/// `putProxyCredentials`.
pub async fn put(
    call: Call<TrialQuery, ProxyCredentialsInput>,
) -> Result<Shown<ProxyCredentialsView>, Failure> {
    let pool = find(&call, call.param("pool")).await?;
    let input = &call.body;
    // An empty realm of a form is none.
    let realm = input.realm.clone().filter(|realm| !realm.is_empty());
    Credentials::new(&input.username, input.password.expose(), realm.as_deref())
        .map_err(|error| Problem::invalid_value(format!("These are no credentials: {error}.")))?;
    call.tried_saying(
        About::Replaced,
        "The pool answers its proxy's challenge with these from then on.",
    )?;
    let row = CredentialsRow {
        username: input.username.clone(),
        realm,
        password: wrap(
            &call.app.keyring,
            &password_identity(&pool.id),
            input.password.expose().as_bytes(),
        )?,
        updated_at: call.app.now,
        pool_id: pool.id,
    };
    let entry = call.entry(
        "pool.credentials",
        format!("pools/{}", row.pool_id),
        None,
        Some(json!({ "username": row.username, "realm": row.realm })),
    );
    let master = call.app.keyring.current().id();
    pools::put_credentials(&call.app.db, &row, master, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    hear(&call, &row.pool_id, &PoolCall::RenewCredentials).await?;
    Ok(Shown(row.into()))
}

/// `deleteProxyCredentials`.
pub async fn delete(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let pool = find(&call, call.param("pool")).await?;
    let row = pools::credentials(&call.app.db, &pool.id)
        .await?
        .ok_or_else(none)?;
    call.tried_saying(
        About::Removed,
        "The pool no longer answers its proxy's challenge: a proxy that asks for a password refuses what the pool sends.",
    )?;
    let before = json!({ "username": row.username, "realm": row.realm });
    let object = format!("pools/{}", pool.id);
    let entry = call.entry("pool.credentials.delete", object, Some(before), None);
    pools::delete_credentials(&call.app.db, &pool.id, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    hear(&call, &pool.id, &PoolCall::RenewCredentials).await?;
    Ok(Done)
}
