//! The API by HTTP: one call, its answer or its problem; and the pages of a list.

use std::sync::Arc;
use std::time::Duration;

use ringfence_api::operation::Operation;
pub use ringfence_api::page::MAX_PAGE;
use ringfence_provision::secret::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::failure::{Failure, Problem};
use crate::output::Output;

/// How long an answer may take. The heaviest calls take seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest body of an answer that is read: a table of 10,000 devices has some megabytes.
const MAX_BODY: u64 = 256 * 1024 * 1024;

/// How often a call that may be repeated is made at most while the API says that it cannot answer now.
const MAX_TRIES: u32 = 5;

/// The longest wait before a call is repeated, whatever the answer says.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A client of one installation.
#[derive(Debug)]
pub struct Client {
    agent: ureq::Agent,
    /// Where the Worker is, without a slash at its end.
    base: String,
    token: Option<SecretString>,
    output: Output,
}

/// One call.
#[derive(Clone, Debug)]
pub struct ApiCall {
    pub operation: Operation,
    /// From the root on: `/api/v1/tenants`.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
    pub if_match: Option<String>,
    /// Whether it is a list that comes whole, without pages.
    pub is_whole: bool,
    /// Whether a POST may be repeated too, because what it does twice is as if it were done once.
    pub is_repeatable: bool,
}

impl ApiCall {
    /// A call of an operation, without anything but its path.
    pub fn new(operation: Operation, path: String) -> Self {
        Self {
            operation,
            path,
            query: Vec::new(),
            body: None,
            if_match: None,
            is_whole: false,
            is_repeatable: false,
        }
    }

    /// The call that reads what this one writes.
    ///
    /// # Errors
    /// Nothing reads it.
    pub fn reading(&self) -> Result<Self, Failure> {
        let operation = self
            .operation
            .reading()
            .ok_or_else(|| Failure::Usage(format!("{} is not read.", self.operation.pattern())))?;
        Ok(Self::new(operation, self.path.clone()))
    }

    /// The same with a body.
    pub fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The same with a body of the API's types. What has no value is left out: an older Worker may not know it.
    ///
    /// # Errors
    /// The body does not serialise.
    pub fn sending(self, body: &impl Serialize) -> Result<Self, Failure> {
        let mut body = serde_json::to_value(body)
            .map_err(|error| Failure::Usage(format!("the body cannot be written: {error}")))?;
        leave_out_nulls(&mut body);
        Ok(self.with(body))
    }

    /// The same with a parameter of the query.
    pub fn asking(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// The same for a revision that was read before.
    pub fn if_match(mut self, etag: Option<String>) -> Self {
        self.if_match = etag;
        self
    }

    /// The same, and it may be repeated.
    pub fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }
}

/// An answer within 2xx.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub etag: Option<String>,
    /// The cursor of the next table, of `devices.csv`.
    pub next: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Its body as JSON; null where there is none.
    pub fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Failure::Unreachable(format!(
                "the answer is no JSON ({error}): is the URL that of a Ringfence?"
            ))
        })
    }
}

impl Client {
    /// A client of the installation at `url`, with or without `/api/v1` behind it.
    ///
    /// # Errors
    /// The URL is none, or the token would go over the network in clear.
    pub fn new(url: &str, token: Option<SecretString>, output: Output) -> Result<Self, Failure> {
        let base = base(url)?;
        if token.is_some() && base.starts_with("http://") && !is_here(&base) {
            return Err(Failure::Usage(format!(
                "{base} is not HTTPS: everybody on the way would read the token. Write https://."
            )));
        }
        Ok(Self {
            agent: agent(base.starts_with("https:")),
            base,
            token,
            output,
        })
    }

    /// Where the Worker is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Makes a call.
    ///
    /// # Errors
    /// The call has no answer, or one that is not 2xx.
    pub fn call(&self, call: &ApiCall) -> Result<Answer, Failure> {
        let may_repeat = call.is_repeatable || call.operation.method() != "POST";
        let mut tries = 1;
        loop {
            match self.once(call)? {
                Ok(answer) => return Ok(answer),
                Err((problem, Some(wait))) if may_repeat && tries < MAX_TRIES => {
                    if !problem.is_passing() {
                        return Err(Failure::Refused(Box::new(problem)));
                    }
                    let wait = wait.min(MAX_WAIT);
                    self.output.remark(&format!(
                        "{} The Worker is asked again in {} s.",
                        problem.detail.trim_end(),
                        wait.as_secs()
                    ));
                    std::thread::sleep(wait);
                    tries += 1;
                }
                Err((problem, _)) => return Err(Failure::Refused(Box::new(problem))),
            }
        }
    }

    fn once(&self, call: &ApiCall) -> Result<Result<Answer, (Problem, Option<Duration>)>, Failure> {
        let mut url = format!("{}{}", self.base, call.path);
        if !call.query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&call.query)
                .finish();
            url = format!("{url}?{query}");
        }
        let mut request = ureq::http::Request::builder()
            .method(call.operation.method())
            .uri(&url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        if let Some(etag) = &call.if_match {
            request = request.header("if-match", etag);
        }
        if call.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = call.body.as_ref().map(Value::to_string);
        let request = request
            .body(body.unwrap_or_default())
            // What is wrong with a header may be the token.
            .map_err(|_| {
                Failure::Usage(
                    "the URL or the token has a character that no HTTP request has. Copy both once more.".to_owned(),
                )
            })?;
        let unreachable = |error: ureq::Error| {
            let error = error.to_string();
            // What rustls says of bytes that are no TLS at all.
            if error.contains("InvalidContentType") {
                return Failure::Unreachable(format!(
                    "{} does not speak HTTPS there: look at the port, or write http:// if it is this machine.",
                    self.base
                ));
            }
            Failure::Unreachable(format!(
                "{} does not answer: {error}. Look at the URL and at the network (ringfence health).",
                self.base
            ))
        };
        let mut answer = self.agent.run(request).map_err(unreachable)?;
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let status = answer.status().as_u16();
        let (etag, next, after) = (
            header("etag"),
            header("ringfence-next"),
            header("retry-after"),
        );
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_BODY)
            .read_to_vec()
            .map_err(unreachable)?;
        if (200..300).contains(&status) {
            return Ok(Ok(Answer {
                status,
                etag,
                next,
                body,
            }));
        }
        let wait = after.and_then(|text| text.trim().parse().ok());
        Ok(Err((
            Problem::read(status, &body),
            wait.map(Duration::from_secs),
        )))
    }

    /// The parts of a table that is too long for one answer, each a whole table, in their order.
    ///
    /// # Errors
    /// A part is not to be had, or `each` failed.
    pub fn tables(
        &self,
        call: &ApiCall,
        mut each: impl FnMut(Vec<u8>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut part = call.clone();
        loop {
            let answer = self.call(&part)?;
            each(answer.body)?;
            let Some(cursor) = answer.next else {
                return Ok(());
            };
            part = call.clone().asking("cursor", cursor);
        }
    }

    /// All items of a list, as a type of the API.
    ///
    /// # Errors
    /// A page is not to be had, or an item is something else.
    pub fn all<T: DeserializeOwned>(&self, call: &ApiCall) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        self.pages(call, usize::MAX, |items| {
            for item in &items {
                all.push(read(item)?);
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// The items of a list, page by page, at most `limit` of them. Answers whether there are more.
    ///
    /// # Errors
    /// A page is not to be had, or `each` failed.
    pub fn pages(
        &self,
        call: &ApiCall,
        limit: usize,
        mut each: impl FnMut(Vec<Value>) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let mut left = limit;
        let mut cursor: Option<String> = None;
        loop {
            let mut page = call.clone();
            if !call.is_whole {
                page = page.asking("limit", left.min(MAX_PAGE as usize).to_string());
            }
            if let Some(cursor) = &cursor {
                page.query.retain(|(name, _)| name != "cursor");
                page = page.asking("cursor", cursor.clone());
            }
            let mut answer = self.call(&page)?.json()?;
            let mut items = match answer.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            };
            cursor = answer
                .get("next")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let is_cut = items.len() > left;
            items.truncate(left);
            left -= items.len();
            each(items)?;
            if left == 0 || cursor.is_none() {
                return Ok(is_cut || cursor.is_some());
            }
        }
    }
}

/// Takes the members that are null out of every object.
fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_nulls),
        _ => {}
    }
}

/// A part of an answer as a type of the API. What that does not know is passed over.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| {
        Failure::Unreachable(format!(
            "the answer is not as this program knows it ({error}): update it."
        ))
    })
}

/// What makes requests: it follows no redirect, and a status is no error.
pub fn agent(is_tls: bool) -> ureq::Agent {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // Whom the system trusts; to read that takes longer than a call on this machine.
    let system = is_tls.then(rustls_native_certs::load_native_certs);
    let system = system.map(|found| found.certs).unwrap_or_default();
    let roots: Vec<Certificate<'static>> = system
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(RootCerts::new_with_certs(&roots))
        .build();
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        // A redirect would take the token elsewhere.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(PATIENCE))
        .user_agent(concat!("ringfence/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .new_agent()
}

/// The root of an installation, from what people call its URL.
pub fn base(url: &str) -> Result<String, Failure> {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix("/api/v1").unwrap_or(url);
    let parsed: Option<ureq::http::Uri> = url.parse().ok();
    let is_fit = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri
                .authority()
                .is_some_and(|host| !host.as_str().contains('@'))
            && uri.path() == "/"
            && uri.query().is_none()
    });
    if is_fit {
        return Ok(url.to_owned());
    }
    Err(Failure::Usage(
        "the URL of the installation is written as https://phones.operator.example.".to_owned(),
    ))
}

/// Whether an address is this machine's own.
fn is_here(base: &str) -> bool {
    let uri: Option<ureq::http::Uri> = base.parse().ok();
    let host = uri
        .as_ref()
        .and_then(ureq::http::Uri::host)
        .unwrap_or_default();
    host == "localhost"
        || host == "[::1]"
        || host.starts_with("127.") && host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_api::devices::batch::{BatchDevice, BatchInput};
    use ringfence_api::tenancy::sites::SiteView;

    use super::*;

    #[test]
    fn a_url_is_read_as_people_write_it() {
        for url in [
            "https://a.example",
            "https://a.example/",
            "https://a.example/api/v1/",
        ] {
            assert_eq!(base(url).unwrap(), "https://a.example");
        }
        for wrong in [
            "a.example",
            "ftp://a.example",
            "https://u:p@a.example",
            "https://a.example/x?y",
        ] {
            assert_eq!(base(wrong).unwrap_err().code(), 2, "{wrong}");
        }
    }

    #[test]
    fn what_has_no_value_is_not_sent() {
        let device = BatchDevice {
            mac: "0080F0C571EB".to_owned(),
            label: Some(String::new()),
            ..BatchDevice::default()
        };
        let call = ApiCall::new(Operation::PutDevices, String::new());
        let body = BatchInput {
            devices: vec![device],
        };
        assert_eq!(
            call.sending(&body).unwrap().body.unwrap().to_string(),
            r#"{"devices":[{"label":"","mac":"0080F0C571EB"}]}"#
        );
    }

    #[test]
    fn an_answer_of_a_newer_worker_is_read() {
        let site =
            r#"{"id":"S","name":"Harbour","revision":1,"created_at":1,"updated_at":1,"x":{}}"#;
        let site: SiteView = read(&serde_json::from_str(site).unwrap()).unwrap();
        assert_eq!(site.name, "Harbour");
        assert_eq!(read::<SiteView>(&Value::Null).unwrap_err().code(), 3);
    }

    #[test]
    fn a_token_does_not_leave_the_machine_in_clear() {
        let token = || Some(SecretString::new("rf_1_Harbour"));
        let new = |url, token| Client::new(url, token, Output::default());
        assert!(new("http://a.example", token()).is_err());
        assert!(new("http://127.0.0.1.a.example", token()).is_err());
        assert!(new("http://127.0.0.1:8787", token()).is_ok());
        assert!(new("http://[::1]:8787", token()).is_ok());
        assert!(new("http://a.example", None).is_ok());
    }
}
