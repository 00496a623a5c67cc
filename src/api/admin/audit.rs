//! The audit log. Nothing here writes: entries come with the changes themselves.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::request::answer::Shown;
use crate::api::request::call::Call;
use crate::api::request::page::{Page, PageWindow};
use crate::http::problem::Problem;
use crate::platform::first_id_at;
use crate::store::audit::{self, AuditRow, Filter};

/// Which changes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuditQuery {
    /// What was changed, such as `devices/0080F0C571EB`.
    pub object: Option<String>,
    /// What was done, for example `device.update`.
    pub action: Option<String>,
    /// Id of the token that did it; `admin` for the deployment's own.
    pub token: Option<String>,
    /// The id of a request, or of an operation for all that it changed.
    pub request_id: Option<String>,
    /// At or after this time in Unix milliseconds.
    pub after: Option<u64>,
    /// Before this time in Unix milliseconds.
    pub before: Option<u64>,
    /// How many items; 1 to 200, by default 50. With several filters a page may be shorter and still not the last:
    /// `next` tells.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

/// A change. Times are Unix milliseconds.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AuditView {
    /// The id, a ULID, which sorts by the time of its making.
    pub id: String,
    /// The time, in Unix milliseconds.
    pub at: u64,
    /// The id of the tenant whose data it changed; null if it concerns no tenant.
    pub tenant: Option<String>,
    /// Id of the token; `admin` for the deployment's own, `time` for what nobody did.
    pub token: String,
    /// What was done, for example `device.update`.
    pub action: String,
    /// What was changed: a path of the API below its tenant; empty for the tenant itself.
    pub object: String,
    /// What it had been, without secrets and cut where it was long.
    pub before: Option<Value>,
    /// What it became, without secrets and cut where it was long.
    pub after: Option<Value>,
    /// Where the change came from.
    pub address: String,
    /// The id of the request, which is also in the log and in the answer.
    pub request_id: String,
}

impl From<AuditRow> for AuditView {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            tenant: row.tenant_id,
            token: row.token_id,
            action: row.action,
            object: row.object,
            before: row.before.map(parsed),
            after: row.after.map(parsed),
            address: row.address,
            request_id: row.request_id,
        }
    }
}

/// Stored JSON; text that is none as it is.
pub fn parsed(text: String) -> Value {
    ringfence_json::from_str(&text).unwrap_or(Value::String(text))
}

/// `listAudit`.
pub async fn all(call: Call<AuditQuery>) -> Result<Shown<Page<AuditView>>, Problem> {
    Ok(Shown(page(&call, None).await?))
}

/// `listTenantAudit`. It goes on when the tenant is gone, to a token for all tenants.
pub async fn of_tenant(call: Call<AuditQuery>) -> Result<Shown<Page<AuditView>>, Problem> {
    let page = page(&call, Some(call.param("tenant"))).await?;
    if page.items.is_empty() {
        call.tenant().await?;
    }
    Ok(Shown(page))
}

async fn page(
    call: &Call<AuditQuery>,
    tenant_id: Option<&str>,
) -> Result<Page<AuditView>, Problem> {
    let query = &call.query;
    let window: PageWindow = PageWindow::new(query.limit, query.cursor.as_deref())?;
    let from = query.after.map(first_id_at);
    let until = query.before.map(first_id_at);
    let cursor = window.after.as_ref().map(|[id]| id.clone());
    let below = [cursor, until].into_iter().flatten().min();
    let filter = Filter {
        tenant_id,
        object: query.object.as_deref(),
        action: query.action.as_deref(),
        token_id: query.token.as_deref(),
        request_id: query.request_id.as_deref(),
        below: below.as_deref(),
        from: from.as_deref(),
    };
    let looked = audit::list(&call.app.db, &filter, window.rows()).await?;
    let key = |row: &AuditRow| [row.id.clone()];
    Ok(window.page_until(looked.rows, looked.ended_at, key, AuditView::from))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::admin::audit::*;

    #[test]
    fn audit_json_format_unchanged() {
        let row = AuditRow {
            number: 7,
            id: "01JD0000000000000000000000".into(),
            tenant_id: Some("01JC0000000000000000000000".into()),
            token_id: "admin".into(),
            action: "device.disable".into(),
            object: "devices/0080F0C571EB".into(),
            before: Some(r#"{"disabled":false}"#.into()),
            after: Some(r#"{"disabled":true}"#.into()),
            address: "192.0.2.7".into(),
            request_id: "01JD0000000000000000000001".into(),
            at: 1000,
        };
        assert_eq!(
            serde_json::to_string(&AuditView::from(row)).unwrap(),
            r#"{"id":"01JD0000000000000000000000","at":1000,"tenant":"01JC0000000000000000000000","token":"admin","action":"device.disable","object":"devices/0080F0C571EB","before":{"disabled":false},"after":{"disabled":true},"address":"192.0.2.7","request_id":"01JD0000000000000000000001"}"#
        );
    }
}
