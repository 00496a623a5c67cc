//! The audit log. Nothing here writes: entries come with the changes themselves.

use ringfence_api::admin::audit::{AuditQuery, AuditView};
use ringfence_api::answer::Shown;
use ringfence_api::page::Page;
use serde_json::Value;

use crate::api::request::call::Call;
use crate::api::request::page::PageWindow;
use crate::http::problem::Problem;
use crate::platform::first_id_at;
use crate::store::audit::{self, AuditRow, Filter};

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
