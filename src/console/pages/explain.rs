//! Why did my phone get nothing?

use std::net::IpAddr;

use ringfence_console::explain::{self as page, ExplainForm};
use ringfence_console::problem::Problem;
use ringfence_console::text::EN;
use ringfence_provision::mac::Mac;
use serde_json::{Map, Value};

use crate::console::fields::Fields;
use crate::console::page::PageResult;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

/// The length of an id of a request, a ULID.
const ID_LENGTH: usize = 26;

/// The form; with the id of a request or a MAC in the address, also what is found. A URL is never taken from
/// there: it would stay in the browser's history.
pub async fn form(visit: Visit) -> PageResult {
    let query = &visit.query;
    let given = query.filled("request_id").or(query.filled("mac"));
    let Some(given) = given.filter(|text| !is_url(text)) else {
        return Ok(Reply::page(shown(&visit, &ExplainForm::default(), None)));
    };
    let asked = ExplainForm {
        what: given.to_owned(),
        tenant: query.get("tenant").to_owned(),
        ..ExplainForm::default()
    };
    explain(&visit, given, asked).await
}

/// What is found for what was typed.
pub async fn ask(visit: Visit) -> PageResult {
    let form = &visit.form;
    let what = of_log(form.get("what").trim());
    explain(&visit, what, again(form, what)).await
}

/// What may be shown of what was typed: nothing that has the looks of a URL.
fn again(form: &Fields, what: &str) -> ExplainForm {
    let shown = |text: &str, fits: bool| match fits {
        true => text.to_owned(),
        false => String::new(),
    };
    let address = form.get("address").trim();
    let agent = form.get("user_agent").trim();
    let tenant = form.get("tenant").trim();
    ExplainForm {
        // An access path alone has no looks of its own, so only what is known to be none is shown.
        what: shown(what, matches!(member(what), Some("mac" | "request_id"))),
        address: shown(address, address.parse::<IpAddr>().is_ok()),
        user_agent: shown(agent, !agent.starts_with('/') && !agent.contains("://")),
        tenant: shown(tenant, is_id(tenant)),
    }
}

/// A URL out of a line of a log, `GET /a/b HTTP/1.1`; anything else as it is.
fn of_log(text: &str) -> &str {
    let behind = ["GET ", "HEAD "]
        .into_iter()
        .find_map(|method| text.strip_prefix(method));
    behind.map_or(text, |rest| rest.split(' ').next().unwrap_or_default())
}

fn is_url(text: &str) -> bool {
    text.contains('/')
}

/// The member of the API's input that it is.
fn member(what: &str) -> Option<&'static str> {
    if is_url(what) {
        return Some("url");
    }
    if Mac::parse(what).is_ok() {
        return Some("mac");
    }
    is_id(what).then_some("request_id")
}

fn is_id(text: &str) -> bool {
    text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

async fn explain(visit: &Visit, what: &str, asked: ExplainForm) -> PageResult {
    let found = match member(what) {
        None => Err(Problem::new(422, EN.cannot_read, EN.explain_neither)),
        Some(member) => {
            let mut body = Map::new();
            body.insert(member.to_owned(), what.into());
            let form = &visit.form;
            for name in ["address", "user_agent"] {
                body.extend(form.filled(name).map(|text| (name.to_owned(), text.into())));
            }
            let tenant = Some(&asked.tenant).filter(|id| member == "mac" && !id.is_empty());
            body.extend(tenant.map(|id| ("tenant".to_owned(), id.as_str().into())));
            visit
                .send::<Value>("POST", "/explain", Some(Value::Object(body)))
                .await
        }
    };
    Ok(match found {
        Ok(answer) => Reply::page(shown(visit, &asked, Some(&answer))),
        Err(problem) => {
            let status = problem.status;
            Reply::refused(
                status,
                shown(visit, &asked, None).with_problem(Some(problem)),
            )
        }
    })
}

fn shown(
    visit: &Visit,
    asked: &ExplainForm,
    answer: Option<&Value>,
) -> ringfence_console::part::Page {
    let shell = visit.shell(EN.explain);
    page::page(shell, &visit.viewer, asked, answer, visit.now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pasted_is_recognised() {
        for (what, is) in [
            ("https://phones.example/seg/Config.cfg", Some("url")),
            ("/seg/Config.cfg", Some("url")),
            ("00:80:F0:C5:71:EB", Some("mac")),
            ("0080f0c571eb", Some("mac")),
            ("01JD0000000000000000000000", Some("request_id")),
            ("front desk", None),
            ("", None),
        ] {
            assert_eq!(member(what), is, "{what}");
        }
        assert_eq!(of_log("GET /seg/a.cfg HTTP/1.1"), "/seg/a.cfg");
    }

    #[test]
    fn nothing_of_a_url_is_shown_again() {
        let form = Fields::parse(
            b"what=x&address=/segment/a.cfg&user_agent=https://h/segment/a.cfg&tenant=/segment",
        );
        let shown = again(&form, "https://h/segment/a.cfg");
        assert_eq!(shown, ExplainForm::default());
        let form = Fields::parse(b"address=192.0.2.7&user_agent=Phone/1.0");
        assert_eq!(again(&form, "access-path-without-more").what, "");
        let shown = again(&form, "0080F0C571EB");
        assert_eq!(
            (&*shown.what, &*shown.address, &*shown.user_agent),
            ("0080F0C571EB", "192.0.2.7", "Phone/1.0")
        );
    }
}
