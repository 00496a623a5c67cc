//! A file that is pasted and checked; nothing is stored.

use ringfence_console::lint::{self as page, LintForm};
use ringfence_console::text::EN;
use serde_json::{Value, json};

use crate::console::fields::Fields;
use crate::console::page::PageResult;
use crate::console::pages::tenancy::families;
use crate::console::reply::Reply;
use crate::console::visit::Visit;

fn asked(fields: &Fields) -> LintForm {
    LintForm {
        family: fields.get("family").to_owned(),
        kind: fields.get("kind").to_owned(),
        text: fields.get("text").replace("\r\n", "\n"),
    }
}

/// The form; the address may name family and kind.
pub async fn form(visit: Visit) -> PageResult {
    let asked = LintForm {
        text: String::new(),
        ..asked(&visit.query)
    };
    let families = families(&visit).await?;
    let page = page::page(visit.shell(EN.lint), &families, &asked, None);
    Ok(Reply::page(page))
}

/// What is wrong with what was pasted, which stays.
pub async fn check(visit: Visit) -> PageResult {
    let asked = asked(&visit.form);
    let body = json!({ "family": asked.family, "kind": asked.kind, "text": asked.text });
    let found = visit.send::<Value>("POST", "/lint", Some(body)).await;
    let families = families(&visit).await?;
    let shown = |answer| page::page(visit.shell(EN.lint), &families, &asked, answer);
    Ok(match found {
        Ok(answer) => Reply::page(shown(Some(&answer))),
        Err(problem) => Reply::refused(problem.status, shown(None).with_problem(Some(problem))),
    })
}
