//! The one error type of the API: RFC 9457 problem details.

pub use ringfence_api::problem::ProblemKind;
use serde::Serialize;
use serde_json::Value;
use worker::{Headers, Response, ResponseBuilder};

use crate::app::SetupError;
use crate::db::{SchemaError, StorageError};
use crate::model::limits::Quota;
use crate::platform::config::ConfigError;

/// An error as an operator sees it.
#[derive(Debug)]
pub struct Problem {
    pub kind: ProblemKind,
    /// What is wrong with this very request, and what to do.
    pub detail: String,
    /// Further members, for example `findings`.
    pub more: Vec<(&'static str, Value)>,
    /// What only the log may say.
    pub internal: Option<String>,
    /// The tenant's quota that refuses it; what is used is added before it is answered.
    pub quota: Option<Quota>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

impl Problem {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        self.kind.status()
    }

    /// A problem with this very request.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            more: Vec::new(),
            internal: None,
            quota: None,
        }
    }

    /// A tenant would use more than it may.
    pub fn over(quota: Quota) -> Self {
        let name = quota.name();
        Self {
            quota: Some(quota),
            ..Self::new(
                ProblemKind::OverQuota,
                format!(
                    "The tenant's quota `{name}` does not allow this. {}",
                    quota.advice()
                ),
            )
        }
        .with("quota", name)
    }

    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidRequest, detail)
    }

    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidValue, detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(
            ProblemKind::NotFound,
            format!(
                "There is no {what} of that name here, or the token may not see it. Look it up in the list, or use a token that sees it."
            ),
        )
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Conflict, detail)
    }

    /// Something that must not happen did; only the log says what.
    pub fn internal(what: impl Into<String>) -> Self {
        Self {
            internal: Some(what.into()),
            ..Self::new(
                ProblemKind::Internal,
                "An internal error ended the request: something happened that the Worker's code does not expect. The Worker's log has the details; search it for this request id.",
            )
        }
    }

    /// The schema is behind this Worker. What the database said of a step that failed is in the log alone.
    fn schema(why: &SchemaError) -> Self {
        let problem = |detail: String| Self {
            internal: Some(why.to_string()),
            ..Self::new(ProblemKind::DatabaseMigrating, detail)
        };
        match why {
            SchemaError::Migrating => problem(
                "The Worker brings the database to the schema of its version. Try again in half a minute.".into(),
            ),
            SchemaError::Failed { step } => problem(format!(
                "The migration `{step}` could not be applied, and those before it were. The Worker tries again by \
                 itself; its log says why it failed, in the line `migration_failed`."
            ))
            .with("step", step),
        }
    }

    /// Adds a member to the document.
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.more.push((name, value));
        }
        self
    }

    /// The document, as JSON; the only place that writes a problem down.
    pub fn document(&self, request_id: &str) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Body {
            kind: format!("urn:ringfence:problem:{}", self.kind.as_str()),
            title: self.kind.title(),
            status: self.status(),
            detail: &self.detail,
            request_id,
            more: self
                .more
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        })
    }

    /// The response.
    ///
    /// # Errors
    /// The runtime refuses a header.
    pub fn into_response(self, request_id: &str) -> worker::Result<Response> {
        let status = self.status();
        let headers = Headers::new();
        headers.set("content-type", "application/problem+json")?;
        headers.set("cache-control", "no-store")?;
        // RFC 9110 §15.5.6.
        let allow = self.more.iter().find(|(name, _)| *name == "allow");
        if let Some(methods) = allow.and_then(|(_, value)| value.as_str()) {
            headers.set("allow", methods)?;
        }
        match status {
            401 => headers.set("www-authenticate", "Bearer realm=\"ringfence\"")?,
            429 => headers.set("retry-after", "60")?,
            503 => headers.set("retry-after", "30")?,
            _ => {}
        }
        Ok(ResponseBuilder::new()
            .with_status(status)
            .with_headers(headers)
            .fixed(self.document(request_id)?))
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        let (kind, detail) = match &error {
            StorageError::Schema(why) => return Self::schema(why),
            StorageError::Database(_) | StorageError::Unvouched(_) => (
                ProblemKind::Unavailable,
                "The database does not answer, or the witness does not vouch for it. Try again in half a minute. If it stays so, look at the database's state in the Cloudflare dashboard.",
            ),
            StorageError::Cache(_) => (
                ProblemKind::Unavailable,
                "KV does not answer. Try again in half a minute. If it stays so, look at its state in the Cloudflare dashboard.",
            ),
            StorageError::Corrupt(_) => (
                ProblemKind::Misconfigured,
                "Something that is stored cannot be read: another version wrote it, or it is wrapped under a master key that is not in use. The Worker's log says what, under this request id: deploy that version, or set that key as MASTER_KEY_PREVIOUS.",
            ),
            StorageError::Config(_) => (
                ProblemKind::Misconfigured,
                "The deployment lacks a binding or a secret. The Worker's log says which, under this request id: set it, and deploy again.",
            ),
        };
        Self {
            internal: Some(error.to_string()),
            ..Self::new(kind, detail)
        }
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::new(ProblemKind::Misconfigured, format!("{}.", error.0))
    }
}

impl From<SetupError> for Problem {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Config(error) => error.into(),
            SetupError::Storage(error) => error.into(),
        }
    }
}

impl From<worker::Error> for Problem {
    fn from(error: worker::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<getrandom::Error> for Problem {
    fn from(error: getrandom::Error) -> Self {
        Self::internal(format!("no randomness: {error}"))
    }
}
