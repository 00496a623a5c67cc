//! One visit to a page: who comes, what was typed, and the API as that one may use it.

use std::collections::BTreeSet;
use std::rc::Rc;

use ringfence_console::data::Tenant;
use ringfence_console::href;
use ringfence_console::lists::Whose;
use ringfence_console::problem::{Document, Problem};
use ringfence_console::shell::{Shell, Viewer};
use ringfence_console::text::EN;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::sessions::{self, SignedIn};
use crate::api::tokens;
use crate::api::{self, Params, RawAnswer, RawCall, Token};
use crate::app::{App, Caller};
use crate::console::fields::Fields;
use crate::console::reply::own;
use crate::console::reply::{self, Reply};

/// Everything that a page works with.
#[derive(Clone)]
pub struct Visit {
    pub app: App,
    pub caller: Caller,
    pub viewer: Viewer,
    /// Id of the session; empty for somebody who is not signed in.
    pub session: Rc<str>,
    /// The path of the page.
    pub path: Rc<str>,
    pub query: Rc<Fields>,
    pub form: Rc<Fields>,
    /// What Cloudflare Access says of whoever comes; nothing is proven by it yet.
    pub assertion: Option<Rc<str>>,
    token: Rc<Token>,
    params: Rc<Params>,
}

/// Who is signed in, as pages know it.
pub fn viewer(who: &SignedIn) -> Viewer {
    Viewer {
        name: who.token_name.clone(),
        tenant: who.token.tenant.clone(),
        write: who.token.write,
        reveal: who.token.reveal,
    }
}

impl Visit {
    /// A visit.
    pub fn new(
        app: App,
        caller: Caller,
        who: Option<SignedIn>,
        path: String,
        params: Params,
        query: Fields,
        form: Fields,
    ) -> Self {
        let viewer = who.as_ref().map(viewer).unwrap_or_default();
        let (session, token) = match who {
            Some(who) => (who.session, who.token),
            None => (String::new(), Token::nobody()),
        };
        Self {
            app,
            caller,
            viewer,
            session: session.into(),
            path: path.into(),
            query: query.into(),
            form: form.into(),
            assertion: None,
            token: token.into(),
            params: params.into(),
        }
    }

    /// The same with what Cloudflare Access says.
    #[must_use]
    pub fn asserting(mut self, assertion: Option<String>) -> Self {
        self.assertion = assertion.map(Rc::from);
        self
    }

    /// What stands for `{name}` in the path.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(found, _)| *found == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// Every name and what stands for it.
    pub fn params(&self) -> &[(&'static str, String)] {
        &self.params
    }

    /// The time of the visit, in Unix milliseconds.
    pub fn now(&self) -> u64 {
        self.app.now
    }

    /// Reads something. `path` is relative to the version of the API.
    ///
    /// # Errors
    /// What the API says.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, Problem> {
        read(self.ask("GET", path, query, None, None).await?.body)
    }

    /// Reads something that is no JSON.
    ///
    /// # Errors
    /// What the API says.
    pub async fn read_file(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>, Problem> {
        Ok(self.ask("GET", path, query, None, None).await?.body)
    }

    /// Changes something.
    ///
    /// # Errors
    /// What the API says.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<T, Problem> {
        self.send_with(method, path, &[], body).await
    }

    /// The same with a query. `If-Match` is what the form was made from, if it says so.
    ///
    /// # Errors
    /// What the API says.
    pub async fn send_with<T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<T, Problem> {
        let if_match = match self.form.get("if_match") {
            "" => None,
            revision => Some(format!("\"{revision}\"")),
        };
        read(self.ask(method, path, query, if_match, body).await?.body)
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        if_match: Option<String>,
        body: Option<Value>,
    ) -> Result<RawAnswer, Problem> {
        let query = href::query(query);
        let raw = RawCall {
            query: query.strip_prefix('?').unwrap_or_default().to_owned(),
            if_match,
            body: body
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
        };
        let path = format!("/api/v1{path}");
        let answer = api::ask(&self.app, &self.caller, &self.token, method, &path, raw).await;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        let document: Document = ringfence_json::from_slice(&answer.body).unwrap_or_default();
        Err(Problem::from(document))
    }

    /// Ends a session: the own one, another of the same token, or any, for who may.
    ///
    /// # Errors
    /// There is none such, or D1 fails.
    pub async fn end_session(&self, id: &str) -> Result<(), Problem> {
        let ended = sessions::end(&self.app, &self.caller, &self.token, id).await;
        ended.map_err(|problem| own(&problem, &self.app.request_id))
    }

    /// Tokens by the names that people know them by, where an answer has only their ids.
    ///
    /// # Errors
    /// D1 fails.
    pub async fn whose<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<Whose, Problem> {
        let ids: BTreeSet<&str> = ids.into_iter().filter(|id| !id.is_empty()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let named = tokens::named(&self.app, &self.token, &ids).await;
        let named = named.map_err(|problem| own(&problem, &self.app.request_id))?;
        Ok(Whose::new(named))
    }

    /// A page for this visitor.
    pub fn shell(&self, title: &str) -> Shell {
        let mut shell = Shell::new(title, &self.viewer, &self.path);
        shell.done = done(self.query.get("done")).map(str::to_owned);
        shell
    }

    /// The id of the path's tenant.
    pub fn tenant_id(&self) -> &str {
        self.param("tenant")
    }

    /// The API's path of the tenant, or of what is below.
    pub fn of_tenant(&self, rest: &str) -> String {
        format!("{}{rest}", href::path(["tenants", self.tenant_id()]))
    }

    /// The tenant of the path.
    ///
    /// # Errors
    /// What the API says.
    pub async fn tenant(&self) -> Result<Tenant, Problem> {
        self.get(&self.of_tenant(""), &[]).await
    }

    /// A page within the path's tenant, if the path has one.
    ///
    /// # Errors
    /// What the API says.
    pub async fn tenant_shell(&self, title: &str) -> Result<Shell, Problem> {
        if self.tenant_id().is_empty() {
            return Ok(self.shell(title));
        }
        let tenant = self.tenant().await?;
        Ok(self
            .shell(title)
            .within(&tenant.id, &tenant.name, &self.path))
    }

    /// A problem as a page, within the tenant that one was in. What is wrong with storage is not asked for again.
    pub async fn problem(&self, problem: Problem) -> Reply {
        if self.session.is_empty() {
            return reply::outside(problem);
        }
        let shell = match problem.status {
            500.. => None,
            _ => self.tenant_shell(&problem.title).await.ok(),
        };
        reply::inside(shell.unwrap_or_else(|| self.shell(&problem.title)), problem)
    }
}

fn read<T: DeserializeOwned>(body: Vec<u8>) -> Result<T, Problem> {
    let body = if body.is_empty() {
        b"null".to_vec()
    } else {
        body
    };
    ringfence_json::from_slice(&body)
        .map_err(|error| Problem::new(500, EN.cannot_show, error.to_string()))
}

/// What has just been done, by the word in the address.
fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "saved" => EN.done_saved,
        "added" => EN.done_added,
        "removed" => EN.done_removed,
        "rekey" => EN.done_rekey,
        "rearm" => EN.done_rearm,
        "disable" => EN.done_disable,
        "enable" => EN.done_enable,
        "rolled" => EN.done_rolled,
        "started" => EN.done_started,
        "sent" => EN.done_sent,
        "notified" => EN.done_notified,
        "adopted" => EN.done_adopted,
        "ended" => EN.done_ended,
        "changed" => EN.done_changed,
        _ => return None,
    })
}
