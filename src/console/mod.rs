//! The console: pages for operators, at `/console`.
//!
//! It is a client of the API and has no way past it: a page asks operations of the API's own table, as
//! whoever is signed in ([`visit::Visit`]), so that rights, checks, allowances and audit entries are the
//! API's. What a page looks like is in `crates/console`, which knows nothing of a Worker.

mod cookie;
mod fields;
mod origin;
mod page;
mod pages;
mod reply;
mod route;
mod visit;

use ringfence_console::problem::Problem as Shown;
use ringfence_console::text::EN;
use worker::{Request, Response};

use crate::api::sessions;
use crate::app::{App, Caller};
use crate::http::body;
use crate::http::problem::Problem;
use crate::platform::{identity, log};
use fields::Fields;
pub use page::has;
use page::{Open, PATH};
use reply::{Reply, own};
use visit::Visit;

/// The longest form, in bytes: a template, escaped.
const MAX_FORM: usize = 3 * 1024 * 1024;

/// The longest form of somebody who is not signed in: a token.
const MAX_STRANGERS_FORM: usize = 4 * 1024;

/// Answers a request below `/console`.
///
/// # Errors
/// The runtime refuses the response.
pub async fn answer(request: Request, app: App, caller: Caller) -> worker::Result<Response> {
    let method = request.inner().method();
    let request_id = app.request_id.clone();
    let reply = match dispatch(&request, &method, app, caller).await {
        Ok(reply) => reply,
        Err(problem) => {
            let internal = problem.internal.clone().unwrap_or_default();
            let kind = problem.kind.as_str();
            let fields = [
                ("problem", kind),
                ("error", &internal),
                ("request_id", &request_id),
            ];
            log::warn("console", &fields);
            reply::outside(own(&problem, &request_id))
        }
    };
    reply.into_response()
}

async fn dispatch(
    request: &Request,
    method: &str,
    app: App,
    caller: Caller,
) -> Result<Reply, Problem> {
    if !caller.tls {
        return Ok(reply::outside(Shown::new(403, EN.forbidden, EN.plain_http)));
    }
    let url = request.url()?;
    let path = request.path();
    let headers = request.headers();
    if method == "POST" && !origin::is_own(headers, &caller.origin)? {
        return Ok(reply::outside(Shown::new(
            403,
            EN.forbidden,
            EN.foreign_form,
        )));
    }
    let assertion = headers.get(identity::HEADER)?;
    let cookie = cookie::of(headers.get("cookie")?.as_deref());
    let signed_in = match &cookie {
        Some(cookie) => sessions::resume(&app, &caller, cookie, assertion.as_deref()).await?,
        None => None,
    };
    let limit = match signed_in {
        Some(_) => MAX_FORM,
        None => MAX_STRANGERS_FORM,
    };
    let form = match method {
        "POST" => match body::read(request, limit).await {
            Ok(bytes) => Fields::parse(&bytes),
            Err(_) => return Ok(reply::outside(Shown::new(413, EN.cannot_read, EN.too_long))),
        },
        _ => Fields::default(),
    };
    let query = Fields::parse(url.query().unwrap_or_default().as_bytes());
    let Some((open, params)) = route::find(method, &path) else {
        let params = route::tenant_of(&path);
        let visit = Visit::new(app, caller, signed_in, path, params, query, form);
        let problem = Shown::new(404, EN.not_found, EN.not_found_detail);
        return Ok(visit.problem(problem).await);
    };
    let run = match open {
        Open::ToAll(run) => run,
        Open::SignedIn(run) if signed_in.is_some() => run,
        Open::SignedIn(_) => {
            let next = if method == "GET" {
                caller_path(&path, url.query())
            } else {
                PATH.into()
            };
            let over = cookie.is_some();
            return Ok(Reply::see(&reply::sign_in(&next, over)).forgetting(over));
        }
    };
    let visit = Visit::new(app, caller, signed_in, path, params, query, form).asserting(assertion);
    Ok(match run(visit.clone()).await {
        Ok(reply) => reply,
        Err(problem) => visit.problem(problem).await,
    })
}

fn caller_path(path: &str, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_consoles_paths_are_its_own_and_no_phones() {
        assert!(has("/console"));
        assert!(has("/console/"));
        assert!(has("/console/devices"));
        for path in ["/", "/consoles", "/console.cfg", "/a/console", "/Console"] {
            assert!(!has(path), "{path}");
        }
    }

    #[test]
    fn what_a_browser_sends_is_read_in_linear_time() {
        use ringfence_test_cost::{assert_linear, repeated};
        for piece in [
            "a",
            "/",
            "%",
            "&",
            "=",
            "a=b&",
            ";",
            "; __Host-ringfence=",
            "name-1=&",
        ] {
            assert_linear(piece, 20_000, |bytes| {
                let text = repeated(piece, bytes);
                let fields = Fields::parse(text.as_bytes());
                fields.only(&["a", "b"]);
                cookie::of(Some(&text));
                route::find("GET", &format!("/console/{text}"));
                route::find("POST", &format!("/console/tenants/{text}"));
            });
        }
    }

    #[test]
    fn what_to_do_next_names_no_call_and_no_member_of_the_api() {
        for reason in crate::phone::Reason::ALL {
            let said = crate::api::words::next(*reason);
            let next = ringfence_console::explain::next(reason.as_str(), said);
            assert!(!next.contains(['`', '…']), "{}: {next}", reason.as_str());
        }
    }

    #[test]
    fn every_reason_of_an_event_is_told_in_words() {
        for reason in crate::phone::Reason::ALL {
            let words = ringfence_console::reason::words(reason.as_str());
            assert!(words.is_some(), "{}", reason.as_str());
        }
    }
}
