//! What templates, settings and options were, and the way back. One handler for all of them: below `history` and
//! `rollback` their pages have the paths that the API has.

use ringfence_console::data::Read as _;
use ringfence_console::history::{self as page, Places, Typed};
use ringfence_console::href;
use ringfence_console::problem::Problem;
use ringfence_console::text::{EN, fill};
use serde_json::{Value, json};

use crate::api::{self, Params};
use crate::console::page::{Open, PageResult};
use crate::console::reply::Reply;
use crate::console::visit::Visit;

macro_rules! patterns {
    ($($rest:literal)*) => {
        const HISTORY: &[&str] = &[$(concat!("/console/tenants/{tenant}/history/", $rest)),*];
        const ROLLBACK: &[&str] = &[$(concat!("/console/tenants/{tenant}/rollback/", $rest)),*];
    };
}
patterns! {
    "options"
    "settings"
    "sites/{site}/settings"
    "models/{model}/settings"
    "devices/{mac}/settings"
    "templates/{kind}/{family}"
    "templates/{kind}/{family}/{model}"
}

/// The page of versions, or the way back to one.
pub fn find(method: &str, path: &str) -> Option<(Open, Params)> {
    let of = |patterns: &'static [&'static str]| {
        patterns
            .iter()
            .find_map(|pattern| api::matches(pattern, path))
    };
    Some(match method {
        "GET" => match of(HISTORY) {
            Some(params) => (Open::SignedIn(|visit| Box::pin(list(visit))), params),
            None => (Open::SignedIn(|visit| Box::pin(ask(visit))), of(ROLLBACK)?),
        },
        "POST" => (Open::SignedIn(|visit| Box::pin(go(visit))), of(ROLLBACK)?),
        _ => return None,
    })
}

/// The thing whose versions they are.
struct Thing {
    /// The API's path, below the tenant and below `history`.
    rest: String,
    title: String,
    places: Places,
}

impl Thing {
    fn of(visit: &Visit) -> Result<Self, Problem> {
        let nothing = || Problem::new(404, EN.not_found, EN.not_found_detail);
        let base = href::tenant(visit.tenant_id(), "");
        let path = visit.path.strip_suffix('/').unwrap_or(&visit.path);
        let below = path.strip_prefix(&base).ok_or_else(nothing)?;
        let rest = below
            .strip_prefix("/history")
            .or_else(|| below.strip_prefix("/rollback"))
            .ok_or_else(nothing)?;
        let about: Vec<&str> = visit
            .params()
            .iter()
            .filter(|(name, _)| *name != "tenant")
            .map(|(_, value)| value.as_str())
            .collect();
        let word = match (rest, rest.starts_with("/templates")) {
            ("/options", _) => EN.options,
            (_, true) => EN.template,
            _ => EN.settings,
        };
        let back = match rest {
            "/options" => "/edit",
            rest => rest,
        };
        Ok(Self {
            title: fill(EN.history_of, &[&[&[word], &*about].concat().join(" ")]),
            places: Places {
                history: format!("{base}/history{rest}"),
                rollback: format!("{base}/rollback{rest}"),
                back: format!("{base}{back}"),
            },
            rest: rest.to_owned(),
        })
    }

    /// The revision of the thing as it is now.
    async fn revision(&self, visit: &Visit) -> Result<String, Problem> {
        let rest = if self.rest == "/options" {
            ""
        } else {
            &self.rest
        };
        let now: Value = visit.get(&visit.of_tenant(rest), &[]).await?;
        let revision = now.get("revision").and_then(Value::as_u64);
        Ok(revision.unwrap_or_default().to_string())
    }
}

/// The versions, and what differs between two.
async fn list(visit: Visit) -> PageResult {
    let thing = Thing::of(&visit)?;
    let query = visit.query.only(&["cursor"]);
    let path = visit.of_tenant(&format!("/history{}", thing.rest));
    let list: Value = visit.get(&path, &query).await?;
    let compared = visit.query.only(&["from", "to"]);
    let diff: Option<Value> = match compared.is_empty() {
        true => None,
        false => {
            let path = visit.of_tenant(&format!("/diff{}", thing.rest));
            Some(visit.get(&path, &compared).await?)
        }
    };
    let shell = visit.tenant_shell(&thing.title).await?;
    let ids = list
        .list("items")
        .iter()
        .map(|version| version.text("token"));
    let whose = visit.whose(ids).await?;
    let page = page::page(
        shell,
        &visit.viewer,
        &thing.places,
        &list,
        diff.as_ref(),
        &whose,
        visit.now(),
    );
    Ok(Reply::page(page))
}

/// What is said of a change besides the change.
pub fn typed(visit: &Visit) -> Typed<'_> {
    Typed {
        comment: visit.form.get("comment"),
        device: visit.form.get("device"),
    }
}

/// The query of a change: what is said of it, or that it is only tried.
pub fn changing<'a>(typed: &Typed<'a>, check: bool) -> Vec<(&'static str, &'a str)> {
    match check {
        // Of what no file is made from there is no device to show.
        true if typed.device.trim().is_empty() => vec![("dry_run", "true")],
        true => vec![("dry_run", "true"), ("device", typed.device.trim())],
        false => vec![("comment", typed.comment.trim())],
    }
}

/// Sends a change, or, where the form asks for that, has it only tried: then it answers what the change would do.
///
/// # Errors
/// What the API says.
pub async fn change(
    visit: &Visit,
    method: &str,
    path: &str,
    body: Value,
) -> Result<Option<Value>, Problem> {
    let (_, dry) = change_and_answer(visit, method, path, body).await?;
    Ok(dry)
}

/// The same with what the API answers to the change itself.
///
/// # Errors
/// What the API says.
pub async fn change_and_answer(
    visit: &Visit,
    method: &str,
    path: &str,
    body: Value,
) -> Result<(Value, Option<Value>), Problem> {
    let check = visit.form.is_ticked("check");
    let query = changing(&typed(visit), check);
    let answer: Value = visit.send_with(method, path, &query, Some(body)).await?;
    Ok(match check {
        true => (Value::Null, Some(answer)),
        false => (answer, None),
    })
}

/// Why a form is shown again: it was only tried, or it was refused.
pub enum Again {
    Tried(Value),
    Refused(Problem),
}

impl Again {
    /// What a trial found, and what was wrong.
    pub fn parts(self) -> (Option<Value>, Option<Problem>) {
        match self {
            Self::Tried(dry) => (Some(dry), None),
            Self::Refused(problem) => (None, Some(problem)),
        }
    }
}

/// The same for a change of one device, whose files a trial shows.
///
/// # Errors
/// The form is to be shown again.
pub async fn change_device(
    visit: &Visit,
    method: &str,
    path: &str,
    mac: &str,
    body: Value,
) -> Result<Value, Again> {
    let check = visit.form.is_ticked("check");
    let typed = Typed {
        device: mac,
        ..typed(visit)
    };
    let query = changing(&typed, check);
    let sent = visit.send_with(method, path, &query, Some(body)).await;
    match (sent, check) {
        (Ok(dry), true) => Err(Again::Tried(dry)),
        (Ok(done), false) => Ok(done),
        (Err(problem), _) => Err(Again::Refused(problem)),
    }
}

/// Says what going back would do: it is tried at once.
async fn ask(visit: Visit) -> PageResult {
    let thing = Thing::of(&visit)?;
    let version = visit.query.get("version").to_owned();
    let path = visit.of_tenant(&format!("/rollback{}", thing.rest));
    let body = json!({ "version": version.parse::<u64>().unwrap_or_default() });
    let query = [("dry_run", "true")];
    let tried = visit
        .send_with::<Value>("POST", &path, &query, Some(body))
        .await;
    let (dry, problem) = match tried {
        Ok(dry) => (Some(dry), None),
        Err(problem) => (None, Some(problem)),
    };
    confirm(&visit, &thing, &version, dry, problem).await
}

async fn confirm(
    visit: &Visit,
    thing: &Thing,
    version: &str,
    dry: Option<Value>,
    problem: Option<Problem>,
) -> PageResult {
    let shell = visit.tenant_shell(&thing.title).await?;
    let revision = thing.revision(visit).await?;
    let status = problem.as_ref().map_or(200, |problem| problem.status);
    let page = page::confirm(
        shell,
        &thing.places,
        version,
        &revision,
        &typed(visit),
        dry.as_ref(),
        problem,
    );
    Ok(Reply::refused(status, page))
}

/// Goes back.
async fn go(visit: Visit) -> PageResult {
    let thing = Thing::of(&visit)?;
    let version = visit.form.get("version").to_owned();
    let path = visit.of_tenant(&format!("/rollback{}", thing.rest));
    let body = json!({ "version": version.parse::<u64>().unwrap_or_default() });
    match change(&visit, "POST", &path, body).await {
        Ok(None) => Ok(Reply::see(&format!("{}?done=rolled", thing.places.history))),
        Ok(dry) => confirm(&visit, &thing, &version, dry, None).await,
        Err(problem) => confirm(&visit, &thing, &version, None, Some(problem)).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_with_versions_has_its_pages() {
        for rest in [
            "options",
            "settings",
            "sites/S/settings",
            "models/M%20x/settings",
            "devices/0080F0C571EB/settings",
            "templates/standard/utg",
            "templates/standard/utg/M",
        ] {
            for (method, folder, is_there) in [
                ("GET", "history", true),
                ("GET", "rollback", true),
                ("POST", "rollback", true),
                ("POST", "history", false),
            ] {
                let path = format!("/console/tenants/T/{folder}/{rest}");
                assert_eq!(find(method, &path).is_some(), is_there, "{method} {path}");
            }
        }
        assert!(find("GET", "/console/tenants/T/history/nothing").is_none());
    }
}
