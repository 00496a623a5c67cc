//! Access paths: the first segment of a tenant's URLs. A segment is shown when it is made and never
//! again; several are good at once, so that one can take another's place.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::request::answer::{Created, Done, Shown};
use crate::api::request::call::{Call, Context, Nothing};
use crate::api::request::commit::{self, Failure};
use crate::api::request::page::{Page, PageQuery};
use crate::api::request::valid;
use crate::edge;
use crate::http::problem::Problem;
use crate::platform::hash::sha256_hex;
use crate::platform::{self, DAY_MS};
use crate::store::access_paths::{self, AccessPathRow, MAX_ACCESS_PATHS};
use crate::store::tenants::TenantRow;
use crate::store::{ChangeError, Entry};

/// For how long a device counts as one that uses an access path: seven days.
const RECENT_MS: u64 = 7 * DAY_MS;

/// What an operator decides about an access path.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AccessPathInput {
    /// For people; at most 100 characters.
    #[serde(default)]
    pub label: String,
    /// From when on it answers no more, in Unix milliseconds; null is never.
    #[serde(default)]
    pub expires_at: Option<u64>,
}

/// An access path. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AccessPathView {
    /// The id of the access path, which is no secret.
    pub id: String,
    /// A text of the operator for people to read.
    pub label: String,
    /// The time at which it was made, in Unix milliseconds.
    pub created_at: u64,
    /// The time at which it ends, in Unix milliseconds; null if it does not end.
    pub expires_at: Option<u64>,
    /// When a phone last got a file under it, to the hour; null if none ever has.
    pub last_used_at: Option<u64>,
    /// How many devices have got a file under it in the last seven days, at most 1,000. A request that names no
    /// device, such as one for a model's file, counts for `last_used_at` alone.
    pub devices_7d: u64,
    /// What stands in URLs; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// What to tell phones; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl From<AccessPathRow> for AccessPathView {
    fn from(row: AccessPathRow) -> Self {
        Self {
            id: row.id,
            label: row.label,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            devices_7d: row.devices,
            segment: None,
            url: None,
        }
    }
}

/// `listAccessPaths`.
pub async fn list(call: Call<PageQuery>) -> Result<Shown<Page<AccessPathView>>, Problem> {
    let tenant = call.tenant().await?;
    let window = call.query.window()?;
    let rows = access_paths::list(
        &call.app.db,
        &tenant.id,
        call.app.now.saturating_sub(RECENT_MS),
        window.after_text(),
        window.rows(),
    )
    .await?;
    Ok(Shown(window.page(
        rows,
        |row| [row.id.clone()],
        AccessPathView::from,
    )))
}

/// `createAccessPath`.
pub async fn create(
    call: Call<Nothing, AccessPathInput>,
) -> Result<Created<AccessPathView>, Failure> {
    let tenant = call.tenant().await?;
    let label = valid::label("label", &call.body.label)?;
    check_expiry(call.body.expires_at, call.app.now)?;
    let segment = segment(platform::random_array()?);
    let row = AccessPathRow {
        id: call.app.new_id(),
        hash: sha256_hex(&segment),
        label: label.to_owned(),
        created_at: call.app.now,
        expires_at: call.body.expires_at,
        segment: None,
        last_used_at: None,
        devices: 0,
    };
    let entry = created(&call, &row);
    access_paths::insert(&call.app.db, &tenant.id, &row, MAX_ACCESS_PATHS, &entry)
        .await
        .map_err(|error| match error {
            ChangeError::Overtaken => Problem::conflict(format!(
                "A tenant has at most {MAX_ACCESS_PATHS} access paths: remove one first."
            ))
            .into(),
            error => commit::failed(error, call.if_match, &[]),
        })?;
    commit::publish(&call.app, &tenant.id).await?;
    let url = Some(url(&call, &tenant, &segment));
    Ok(Created(AccessPathView {
        segment: Some(segment),
        url,
        ..row.into()
    }))
}

/// What the audit log says of one that is added.
pub fn created(call: &Context, row: &AccessPathRow) -> Entry {
    let after = json!({ "label": row.label, "expires_at": row.expires_at });
    call.entry(
        "access-path.create",
        format!("access-paths/{}", row.id),
        None,
        Some(after),
    )
}

/// `putAccessPath`.
pub async fn put(call: Call<Nothing, AccessPathInput>) -> Result<Shown<AccessPathView>, Failure> {
    let label = valid::label("label", &call.body.label)?;
    let row = find(&call).await?;
    let tenant_id = call.param("tenant");
    if row.label != label || row.expires_at != call.body.expires_at {
        let entry = call.entry(
            "access-path.update",
            format!("access-paths/{}", row.id),
            Some(json!({ "label": row.label, "expires_at": row.expires_at })),
            Some(json!({ "label": label, "expires_at": call.body.expires_at })),
        );
        access_paths::update(
            &call.app.db,
            tenant_id,
            &row.id,
            label,
            call.body.expires_at,
            &entry,
        )
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    commit::publish(&call.app, tenant_id).await?;
    Ok(Shown(find(&call).await?.into()))
}

/// `deleteAccessPath`.
pub async fn delete(call: Call) -> Result<Done, Failure> {
    let row = find(&call).await?;
    let before = json!({ "label": row.label, "expires_at": row.expires_at });
    let entry = call.entry(
        "access-path.delete",
        format!("access-paths/{}", row.id),
        Some(before),
        None,
    );
    // KV first: after the row is gone nobody knows the name of its value any more.
    edge::drop_access_path(&call.app, &row.hash).await?;
    access_paths::delete(&call.app.db, call.param("tenant"), &row.id, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    // A request in between may have put it back.
    edge::drop_access_path(&call.app, &row.hash)
        .await
        .map_err(commit::not_in_effect)?;
    Ok(Done)
}

/// What the URLs of a tenant begin with under an access path.
pub fn url(call: &Context, tenant: &TenantRow, segment: &str) -> String {
    let origin = match &tenant.hostname {
        Some(host) => format!("https://{host}"),
        None => call.caller.origin.clone(),
    };
    format!("{origin}/{segment}/")
}

async fn find(call: &Context) -> Result<AccessPathRow, Problem> {
    let since = call.app.now.saturating_sub(RECENT_MS);
    access_paths::find(
        &call.app.db,
        call.param("tenant"),
        call.param("path"),
        since,
    )
    .await?
    .ok_or_else(|| Problem::not_found("access path"))
}

fn check_expiry(expires_at: Option<u64>, now: u64) -> Result<(), Problem> {
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::invalid_value(
            "`expires_at` is in the past. It is a time in Unix milliseconds.",
        ));
    }
    Ok(())
}

/// 128 random bits as 32 hexadecimal digits, which survive being read out over a telephone.
pub fn segment(random: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(random))
}

#[cfg(test)]
mod tests {
    use crate::api::tenancy::access_paths::*;

    #[test]
    fn a_segment_has_all_of_its_bits() {
        assert_eq!(segment([0; 16]), "0".repeat(32));
        assert_eq!(segment([0xAB; 16]), "ab".repeat(16));
    }

    #[test]
    fn an_access_path_does_not_begin_its_life_expired() {
        assert!(check_expiry(None, 5).is_ok());
        assert!(check_expiry(Some(6), 5).is_ok());
        assert!(check_expiry(Some(5), 5).is_err());
    }
}
