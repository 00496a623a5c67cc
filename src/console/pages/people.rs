//! Tokens, sessions, the audit log.

use ringfence_console::data::{Audit, AuditPart, Listed, Read as _, Session, Tenant, Token};
use ringfence_console::lists::{audit as log, people as page};
use ringfence_console::part::{Page, Secret};
use ringfence_console::problem::Problem;
use ringfence_console::shell::Shell;
use ringfence_console::text::EN;
use serde_json::{Value, json};

use crate::console::page::PageResult;
use crate::console::pages::parts::{self, Exported};
use crate::console::reply::Reply;
use crate::console::visit::Visit;
use crate::platform::DAY_MS;

async fn tenants(visit: &Visit) -> Result<Vec<(String, String)>, Problem> {
    let list: Listed<Tenant> = visit.get("/tenants", &[("limit", "200")]).await?;
    Ok(list
        .items
        .into_iter()
        .map(|tenant| (tenant.id, tenant.name))
        .collect())
}

/// The tokens.
pub async fn tokens(visit: Visit) -> PageResult {
    let query = visit.query.only(&["cursor", "tenant"]);
    let list: Listed<Token> = visit.get("/tokens", &query).await?;
    let shell = visit.shell(EN.tokens);
    let page = page::tokens(
        shell,
        &visit.viewer,
        &list,
        &tenants(&visit).await?,
        visit.now(),
    );
    Ok(Reply::page(page))
}

/// The form of a new token.
pub async fn new_token(visit: Visit) -> PageResult {
    let typed = Token {
        access: "read".into(),
        ..Token::default()
    };
    Ok(Reply::page(token_page(&visit, &typed, None).await?))
}

async fn token_page(
    visit: &Visit,
    typed: &Token,
    problem: Option<Problem>,
) -> Result<Page, Problem> {
    let form = page::token_form(&visit.viewer, &tenants(visit).await?, typed);
    Ok(Page::new(visit.shell(EN.add_token))
        .with(form)
        .with_problem(problem))
}

/// Makes a token; its text is on this page alone.
pub async fn add_token(visit: Visit) -> PageResult {
    let form = &visit.form;
    let typed = Token {
        name: form.get("name").trim().to_owned(),
        tenant: form.filled("tenant").map(str::to_owned),
        access: form.get("access").to_owned(),
        reveal: form.is_ticked("reveal"),
        email: form.filled("email").map(str::to_owned),
        ..Token::default()
    };
    let days: Option<u64> = form.get("days").parse().ok();
    let body = json!({
        "name": typed.name, "tenant": typed.tenant, "access": typed.access, "reveal": typed.reveal, "email": typed.email,
        "expires_at": days.map(|days| visit.now() + days * DAY_MS),
    });
    match visit.send::<Token>("POST", "/tokens", Some(body)).await {
        Ok(token) => {
            let secret = Secret {
                title: token.name,
                hint: EN.token_secret.into(),
                value: token.token.unwrap_or_default(),
            };
            Ok(Reply::page(
                Page::new(visit.shell(EN.token_made)).with(secret),
            ))
        }
        Err(problem) => {
            let status = problem.status;
            Ok(Reply::refused(
                status,
                token_page(&visit, &typed, Some(problem)).await?,
            ))
        }
    }
}

/// The sessions.
pub async fn sessions(visit: Visit) -> PageResult {
    let list: Listed<Session> = visit
        .get("/sessions", &visit.query.only(&["cursor"]))
        .await?;
    let page = page::sessions(visit.shell(EN.sessions), &list, &visit.session, visit.now());
    Ok(Reply::page(page))
}

/// Every change.
pub async fn audit(visit: Visit) -> PageResult {
    let shell = visit.shell(EN.audit);
    changes(&visit, shell, "/audit", false).await
}

/// Every change of the tenant.
pub async fn tenant_audit(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.audit).await?;
    changes(&visit, shell, &visit.of_tenant("/audit"), true).await
}

async fn changes(visit: &Visit, shell: Shell, path: &str, of_tenant: bool) -> PageResult {
    let filter = visit.query.only(log::FILTER);
    let mut query = filter.clone();
    query.extend(visit.query.only(&["cursor"]));
    let list: Listed<Audit> = visit.get(path, &query).await?;
    let ids = list.items.iter().map(|entry| entry.token.as_str());
    let whose = visit.whose(ids).await?;
    let page = log::page(
        shell,
        &visit.path,
        &list,
        &whose,
        &filter,
        of_tenant,
        visit.now(),
    );
    Ok(Reply::page(page))
}

/// Follows the chain over the log, as far as one call goes.
pub async fn verify_audit(visit: Visit) -> PageResult {
    let found: Value = visit
        .get("/audit/verify", &visit.query.only(&["after"]))
        .await?;
    Ok(Reply::page(log::verified(
        visit.shell(EN.audit_chain),
        &found,
    )))
}

/// A part of the log has fewer pages of the export than this: what ends no sooner is not the API's.
const MAX_PAGES: usize = 100;

/// The log as a file, one entry a line, with the hashes of its chain; in parts, where it is longer.
pub async fn export_audit(visit: Visit) -> PageResult {
    let after = visit.query.only(&["after"]);
    let part: AuditPart = visit.get("/audit/export/part", &after).await?;
    let of = Exported {
        stem: "audit",
        ending: "ndjson",
        content_type: "application/x-ndjson",
        says: EN.audit_in_parts,
        begins: "after",
        next: part.next.map(|next| next.to_string()),
    };
    if !of.is_file(&visit) {
        return Ok(parts::page(&visit, visit.shell(EN.audit_export), &[], &of));
    }
    let bytes = audit_lines(&visit, &part).await?;
    Ok(of.file(&visit, bytes))
}

/// The lines of a part, page by page up to its end.
async fn audit_lines(visit: &Visit, part: &AuditPart) -> Result<Vec<u8>, Problem> {
    let mut lines = Vec::new();
    let mut after = visit.query.get("after").to_owned();
    let mut left = part.next.map(|_| part.entries);
    for _ in 0..MAX_PAGES {
        let limit = left.map(|left| left.min(MAX_LINES).to_string());
        let query = [
            ("after", after.as_str()),
            ("limit", limit.as_deref().unwrap_or_default()),
        ];
        let page = visit.read_file("/audit/export", &query).await?;
        let mut each = page
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty());
        // Besides its entries a page has a first line and a last one, which says how far it goes.
        let entries = (each.clone().count() as u64).saturating_sub(2);
        let end: Value = each
            .next_back()
            .and_then(|line| ringfence_json::from_slice(line).ok())
            .unwrap_or_default();
        lines.extend_from_slice(&page);
        left = left.map(|left| left.saturating_sub(entries));
        if end.is("/chain/complete") || left == Some(0) {
            break;
        }
        after = end.digits("/chain/number");
    }
    Ok(lines)
}

/// The most entries of a page of the export.
const MAX_LINES: u64 = 500;
