//! Signing in and out.

use ringfence_console::part::{Form, Page};
use ringfence_console::problem::Problem as Shown;
use ringfence_console::sign_in::{self as page, ByAccess};
use ringfence_console::text::EN;

use crate::api::sessions;
use crate::console::cookie;
use crate::console::page::{PageResult, has};
use crate::console::reply::{self, Reply, own};
use crate::console::visit::Visit;
use crate::platform::{config, identity};

/// The form.
pub async fn form(visit: Visit) -> PageResult {
    let said = match visit.query.get("said") {
        "over" => Some(EN.session_over),
        "out" => Some(EN.signed_out),
        _ => None,
    };
    let by_access = by_access(&visit).await;
    let next = visit.query.get("next");
    Ok(Reply::page(page::page(next, said, None, by_access)))
}

/// What Cloudflare Access says of whoever comes; nothing where it says nothing.
async fn by_access(visit: &Visit) -> Option<ByAccess> {
    let access = config::access(&visit.app.env)?;
    let assertion = visit.assertion.as_deref()?;
    Some(
        match identity::email(&access, assertion, visit.app.now).await {
            Ok(email) => ByAccess::Email(email),
            Err(refused) => ByAccess::Refused(refused.to_string()),
        },
    )
}

/// Opens a session for whoever Cloudflare Access names.
pub async fn sign_in_by_access(visit: Visit) -> PageResult {
    let next = visit.form.get("next");
    let refused = |status, why: String| {
        reply::not_signed_in(next, Shown::new(status, EN.sign_in_access, why))
    };
    let email = match by_access(&visit).await {
        Some(ByAccess::Email(email)) => email,
        Some(ByAccess::Refused(why)) => return Ok(refused(403, why)),
        None => return Ok(refused(403, EN.sign_in_no_access.to_owned())),
    };
    match sessions::open_as(&visit.app, &visit.caller, &email).await {
        Ok(opened) => {
            let cookie = cookie::set(&opened.cookie, opened.lasts_s);
            Ok(Reply::see(inward(next)).with_cookie(cookie))
        }
        Err(problem) => Ok(reply::not_signed_in(
            next,
            own(&problem, &visit.app.request_id),
        )),
    }
}

/// Opens a session for a one-time code.
pub async fn sign_in_by_code(visit: Visit) -> PageResult {
    match sessions::open_by_code(&visit.app, &visit.caller, visit.form.get("code").trim()).await {
        Ok(opened) => {
            let cookie = cookie::set(&opened.cookie, opened.lasts_s);
            Ok(Reply::see("/console").with_cookie(cookie))
        }
        Err(problem) => Ok(reply::not_signed_in(
            "",
            own(&problem, &visit.app.request_id),
        )),
    }
}

/// Opens a session for an API token.
pub async fn sign_in(visit: Visit) -> PageResult {
    let next = visit.form.get("next");
    let token = visit.form.get("token").trim();
    if token.is_empty() {
        let problem = Shown::new(422, EN.sign_in_token, EN.sign_in_empty);
        return Ok(reply::not_signed_in(next, problem));
    }
    match sessions::open(&visit.app, &visit.caller, token).await {
        Ok(opened) => {
            let cookie = cookie::set(&opened.cookie, opened.lasts_s);
            Ok(Reply::see(inward(next)).with_cookie(cookie))
        }
        Err(problem) => {
            let shown = own(&problem, &visit.app.request_id);
            Ok(reply::not_signed_in(next, shown))
        }
    }
}

/// Ends the own session.
pub async fn sign_out(visit: Visit) -> PageResult {
    visit.end_session(&visit.session).await?;
    Ok(Reply::see("/console/sign-in?said=out").forgetting(true))
}

/// Says what the end of a session does.
pub async fn ask_end(visit: Visit) -> PageResult {
    let form = Form::post(&*visit.path, EN.end)
        .saying(EN.end_does)
        .or_back("/console/sessions")
        .dangerous();
    Ok(Reply::page(Page::new(visit.shell(EN.end)).with(form)))
}

/// Ends a session.
pub async fn end(visit: Visit) -> PageResult {
    visit.end_session(visit.param("session")).await?;
    Ok(Reply::see("/console/sessions?done=ended"))
}

/// Where one wanted to go, if that is a page of the console; the fleet otherwise.
fn inward(next: &str) -> &str {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let plain = next
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && has(path) && !path.contains("//") {
        next
    } else {
        "/console"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_out_of_the_console() {
        assert_eq!(inward("/console/devices?q=1"), "/console/devices?q=1");
        for next in [
            "",
            "//evil.example",
            "https://evil.example",
            "/consoles",
            "/console/\\evil",
            "/console//evil",
            "/console/\r\nx: y",
        ] {
            assert_eq!(inward(next), "/console", "{next:?}");
        }
    }
}
