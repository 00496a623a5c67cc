//! What is done with one click after a page has said what will happen: mostly that something is removed. All
//! are alike, so they are rows of a table.

use ringfence_console::data::Read as _;
use ringfence_console::part::{Form, Page};
use ringfence_console::problem::Problem;
use ringfence_console::text::{EN, fill};
use ringfence_console::trial;
use serde_json::{Value, json};

use crate::api::{self, Params};
use crate::console::page::{Open, PageResult};
use crate::console::reply::Reply;
use crate::console::visit::Visit;

struct Deed {
    /// The page that asks.
    page: &'static str,
    method: &'static str,
    /// What the API is asked for, with the page's own names.
    api: &'static str,
    /// What is done, in a word, and what it does.
    word: &'static str,
    does: &'static str,
    /// Where it goes on, with what has been done.
    back: &'static str,
    done: &'static str,
    /// Whether it takes something away.
    danger: bool,
}

macro_rules! deeds {
    ($($page:literal $method:ident $api:literal $word:ident $does:ident $back:literal $done:literal $danger:literal;)*) => {
        fn all() -> [Deed; [$($page),*].len()] {
            [$(Deed {
                page: concat!("/console", $page),
                method: stringify!($method),
                api: $api,
                word: EN.$word,
                does: EN.$does,
                back: concat!("/console", $back),
                done: $done,
                danger: $danger,
            }),*]
        }
    };
}

deeds! {
    "/tokens/{token}/remove" DELETE "/tokens/{token}" remove remove_token_does "/tokens" "removed" true;
    "/pools/{pool}/relays/{relay}/remove" DELETE "/pools/{pool}/relays/{relay}" remove remove_relay_does "/pools/{pool}" "removed" true;
    "/pools/{pool}/relays/{relay}/drain" POST "/pools/{pool}/relays/{relay}/drain" drain drain_does "/pools/{pool}" "changed" false;
    "/tenants/{tenant}/remove" DELETE "/tenants/{tenant}" remove_tenant remove_tenant_does "/tenants" "removed" true;
    "/tenants/{tenant}/access-paths/{path}/remove" DELETE "/tenants/{tenant}/access-paths/{path}" remove remove_access_path_does "/tenants/{tenant}/access-paths" "removed" true;
    "/tenants/{tenant}/sites/{site}/remove" DELETE "/tenants/{tenant}/sites/{site}" remove remove_site_does "/tenants/{tenant}/sites" "removed" true;
    "/tenants/{tenant}/models/{model}/remove" DELETE "/tenants/{tenant}/models/{model}" remove remove_model_does "/tenants/{tenant}/models" "removed" true;
    "/tenants/{tenant}/unknown/{mac}/dismiss" DELETE "/tenants/{tenant}/unknown/{mac}" dismiss dismissed "/tenants/{tenant}/unknown" "removed" false;
    "/tenants/{tenant}/templates/{kind}/{family}/remove" DELETE "/tenants/{tenant}/templates/{kind}/{family}" to_builtin to_builtin_does "/tenants/{tenant}/templates" "removed" true;
    "/tenants/{tenant}/templates/{kind}/{family}/{model}/remove" DELETE "/tenants/{tenant}/templates/{kind}/{family}/{model}" to_builtin to_builtin_does "/tenants/{tenant}/templates" "removed" true;
    "/tenants/{tenant}/operations/{operation}/cancel" POST "/tenants/{tenant}/operations/{operation}/cancel" cancel_operation cancel_operation_does "/tenants/{tenant}/operations/{operation}" "changed" true;
    "/tenants/{tenant}/operations/{operation}/remove" DELETE "/tenants/{tenant}/operations/{operation}" remove_operation remove_operation_does "/tenants/{tenant}/operations" "removed" true;
    "/tenants/{tenant}/devices/{mac}/forward/end" DELETE "/tenants/{tenant}/devices/{mac}/forward" end_forward end_forward_does "/tenants/{tenant}/devices/{mac}" "changed" true;
    "/tenants/{tenant}/file-tests/{test}/remove" DELETE "/tenants/{tenant}/file-tests/{test}" remove remove_test_does "/tenants/{tenant}/file-tests" "removed" true;
    "/tenants/{tenant}/certificates/{name}/remove" DELETE "/tenants/{tenant}/certificates/{name}" remove remove_certificate_does "/tenants/{tenant}/certificates" "removed" true;
    "/tenants/{tenant}/access-paths/{path}/target/end" DELETE "/tenants/{tenant}/access-paths/{path}/target" end_target end_target_does "/tenants/{tenant}/access-paths" "changed" true;
    "/pools/{pool}/proxy-credentials/remove" DELETE "/pools/{pool}/proxy-credentials" proxy_credentials_remove proxy_credentials_remove_does "/pools/{pool}" "removed" true;
    "/pools/{pool}/remove" DELETE "/pools/{pool}" remove remove_pool_does "/pools" "removed" true;
    "/tenants/{tenant}/webhooks/{webhook}/test" POST "/tenants/{tenant}/webhooks/{webhook}/test" test_webhook test_webhook_does "/tenants/{tenant}/webhooks/{webhook}" "sent" false;
    "/tenants/{tenant}/webhooks/{webhook}/messages/{message}/resend" POST "/tenants/{tenant}/webhooks/{webhook}/messages/{message}/resend" resend resend_does "/tenants/{tenant}/webhooks/{webhook}" "sent" false;
    "/tenants/{tenant}/webhooks/{webhook}/remove" DELETE "/tenants/{tenant}/webhooks/{webhook}" remove remove_webhook_does "/tenants/{tenant}/webhooks" "removed" true;
    "/webhooks/{webhook}/test" POST "/webhooks/{webhook}/test" test_webhook test_webhook_does "/webhooks/{webhook}" "sent" false;
    "/webhooks/{webhook}/messages/{message}/resend" POST "/webhooks/{webhook}/messages/{message}/resend" resend resend_does "/webhooks/{webhook}" "sent" false;
    "/webhooks/{webhook}/remove" DELETE "/webhooks/{webhook}" remove remove_webhook_does "/webhooks" "removed" true;
    "/tenants/{tenant}/jobs/{job}/cancel" POST "/tenants/{tenant}/jobs/{job}/cancel" cancel_job cancel_job_does "/tenants/{tenant}/jobs/{job}" "changed" true;
    "/tenants/{tenant}/rollouts/{rollout}/pause" POST "/tenants/{tenant}/rollouts/{rollout}/pause" pause pause_does "/tenants/{tenant}/rollouts/{rollout}" "changed" false;
    "/tenants/{tenant}/rollouts/{rollout}/resume" POST "/tenants/{tenant}/rollouts/{rollout}/resume" resume resume_does "/tenants/{tenant}/rollouts/{rollout}" "changed" false;
    "/tenants/{tenant}/rollouts/{rollout}/cancel" POST "/tenants/{tenant}/rollouts/{rollout}/cancel" cancel_rollout cancel_rollout_does "/tenants/{tenant}/rollouts/{rollout}" "changed" true;
}

/// The page of a deed, or the deed itself.
pub fn find(method: &str, path: &str) -> Option<(Open, Params)> {
    let params = all()
        .iter()
        .find_map(|deed| api::matches(deed.page, path))?;
    match method {
        "GET" => Some((Open::SignedIn(|visit| Box::pin(ask(visit))), params)),
        "POST" => Some((Open::SignedIn(|visit| Box::pin(act(visit))), params)),
        _ => None,
    }
}

fn of(visit: &Visit) -> Result<Deed, Problem> {
    let path = visit.path.strip_suffix('/').unwrap_or(&visit.path);
    let found = all()
        .into_iter()
        .find(|deed| api::matches(deed.page, path).is_some());
    found.ok_or_else(|| Problem::new(404, EN.not_found, EN.not_found_detail))
}

/// A path with what stands for its names.
pub fn filled(pattern: &str, params: &[(&'static str, String)]) -> String {
    pattern
        .split('/')
        .skip(1)
        .map(|segment| {
            let name = segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            let found = name.and_then(|name| params.iter().find(|(found, _)| *found == name));
            match found {
                Some((_, value)) => ringfence_console::href::path([value]),
                None => format!("/{segment}"),
            }
        })
        .collect()
}

/// What the deed is about, by the name that people know it by: what is removed can be read.
async fn name(visit: &Visit, deed: &Deed) -> Option<String> {
    let about = visit.params().last().map(|(_, value)| value.clone());
    if deed.method != "DELETE" || deed.word != EN.remove {
        return None;
    }
    let path = filled(deed.api, visit.params());
    let there: Value = visit.get(&path, &[]).await.unwrap_or_default();
    let names = ["name", "label"].map(|member| there.text(member).to_owned());
    names.into_iter().find(|name| !name.is_empty()).or(about)
}

async fn page(visit: &Visit, deed: &Deed, problem: Option<Problem>) -> Result<Page, Problem> {
    let title = match name(visit, deed).await {
        Some(name) => fill(EN.of_state, &[deed.word, &name]),
        None => deed.word.to_owned(),
    };
    let mut form = Form::post(&*visit.path, deed.word)
        .saying(deed.does)
        .or_back(filled(deed.back, visit.params()));
    form.danger = deed.danger;
    let shell = visit.tenant_shell(&title).await?;
    let page = Page::new(shell).with(form);
    Ok(trial::asking(page, problem, tried(visit, deed)).await)
}

/// What the deed would do, or why it is refused; nothing, where the API does not try it or the viewer may not do it.
async fn tried(visit: &Visit, deed: &Deed) -> Option<Result<Value, Problem>> {
    let path = filled(deed.api, visit.params());
    if !visit.viewer.write || !api::is_tried(deed.method, &format!("/api/v1{path}")) {
        return None;
    }
    let body = (deed.method == "POST").then(|| json!({}));
    let query = [("dry_run", "true")];
    Some(visit.send_with(deed.method, &path, &query, body).await)
}

async fn ask(visit: Visit) -> PageResult {
    let deed = of(&visit)?;
    Ok(Reply::page(page(&visit, &deed, None).await?))
}

async fn act(visit: Visit) -> PageResult {
    let deed = of(&visit)?;
    let body = (deed.method == "POST").then(|| json!({}));
    let path = filled(deed.api, visit.params());
    match visit.send::<Value>(deed.method, &path, body).await {
        Ok(_) => Ok(Reply::see(&format!(
            "{}?done={}",
            filled(deed.back, visit.params()),
            deed.done
        ))),
        Err(problem) => {
            let status = problem.status;
            Ok(Reply::refused(
                status,
                page(&visit, &deed, Some(problem)).await?,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_asks_the_api_for_what_its_page_is_about() {
        let params = vec![("tenant", "T".to_owned()), ("model", "a b/c".to_owned())];
        assert_eq!(
            filled("/tenants/{tenant}/models/{model}", &params),
            "/tenants/T/models/a%20b%2Fc"
        );
        for deed in all() {
            let named = |path: &str| {
                path.split('/')
                    .filter(|part| part.starts_with('{'))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            let (page, api, back) = (named(deed.page), named(deed.api), named(deed.back));
            assert!(
                api.iter().chain(&back).all(|name| page.contains(name)),
                "{}",
                deed.page
            );
            assert_eq!(page, api, "{}", deed.page);
        }
    }
}
