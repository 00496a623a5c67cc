//! Signing in.

use crate::part::{Field, Form, Kind, Page, Section};
use crate::problem::Problem;
use crate::shell::Shell;
use crate::text::{EN, fill};

/// The id of the form for a one-time code, which `console.js` fills in from behind the `#` of a link.
const BY_CODE: &str = "by-code";

/// What Cloudflare Access says of whoever comes.
pub enum ByAccess {
    /// The e-mail address that it names.
    Email(String),
    /// Why it is not believed.
    Refused(String),
}

/// The form. `next` is where one wanted to go, `said` what happened before.
pub fn page(
    next: &str,
    said: Option<&'static str>,
    problem: Option<Problem>,
    by_access: Option<ByAccess>,
) -> Page {
    let mut shell = Shell::outside(EN.sign_in).leading(EN.sign_in_lead);
    shell.done = said.map(str::to_owned);
    let token = Field::new(Kind::Input("password"), "token", EN.sign_in_token, "");
    let form = Form::post("/console/sign-in", EN.sign_in)
        .with(token.hinting(EN.sign_in_hint).required())
        .with(Field::hidden("next", next));
    let mut by_code = Form::post("/console/sign-in/code", EN.sign_in_by_code)
        .saying(EN.sign_in_by_code_hint)
        .with(Field::hidden("code", ""));
    by_code.id = BY_CODE;
    by_code.waits = true;
    let page = Page::new(shell).with(by_code);
    let page = match by_access {
        None => page,
        Some(ByAccess::Email(email)) => page.with(
            Form::post("/console/sign-in/access", &fill(EN.sign_in_as, &[&email]))
                .with(Field::hidden("next", next)),
        ),
        Some(ByAccess::Refused(why)) => {
            page.with(Section::Text(fill(EN.sign_in_not_by_access, &[&why])))
        }
    };
    page.with(form).with_problem(problem)
}
