//! The one error type of the API: RFC 9457 problem details.

use serde::Serialize;
use serde_json::Value;
use worker::{Headers, Response, ResponseBuilder};

use crate::app::SetupError;
use crate::db::StorageError;
use crate::model::limits::Quota;
use crate::platform::config::ConfigError;

/// An error as an operator sees it. `kind` is stable: clients may match on it.
#[derive(Debug)]
pub struct Problem {
    /// Last part of the `type` URI, for example `not-found`.
    pub kind: &'static str,
    pub status: u16,
    /// What is wrong with this very request, and what to do.
    pub detail: String,
    /// Further members, for example `findings`.
    pub more: Vec<(&'static str, Value)>,
    /// What only the log may say.
    pub internal: Option<String>,
    /// Nothing was written, because of a change at the same moment: the same request may succeed.
    pub overtaken: bool,
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

/// What every `kind` means, for the `title` member and the API description.
pub const KINDS: &[(&str, u16, &str)] = &[
    ("invalid-request", 400, "The request cannot be understood"),
    ("unauthorized", 401, "A valid API token is needed"),
    ("forbidden", 403, "The token may not do this"),
    ("not-found", 404, "There is no such thing"),
    (
        "method-not-allowed",
        405,
        "The resource does not take this method",
    ),
    (
        "conflict",
        409,
        "The state of the resource does not allow this",
    ),
    (
        "over-quota",
        409,
        "The tenant uses all that it may of something",
    ),
    (
        "revision-mismatch",
        412,
        "The resource has changed since it was read",
    ),
    ("too-large", 413, "The body is too large"),
    (
        "invalid-files",
        422,
        "The change would break files of phones",
    ),
    ("invalid-value", 422, "A value is not acceptable"),
    ("too-many-requests", 429, "Too many requests"),
    ("internal", 500, "The server failed"),
    (
        "unavailable",
        503,
        "Storage does not answer; nothing was changed",
    ),
    (
        "database-restored",
        503,
        "The database was put back to an earlier point",
    ),
    ("misconfigured", 503, "The deployment is not configured"),
];

impl Problem {
    /// A problem of a kind listed in [`KINDS`].
    pub fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        let status = KINDS
            .iter()
            .find(|(name, ..)| *name == kind)
            .map_or(500, |found| found.1);
        Self {
            kind,
            status,
            detail: detail.into(),
            more: Vec::new(),
            internal: None,
            overtaken: false,
            quota: None,
        }
    }

    /// A tenant would use more than it may.
    pub fn over(quota: Quota) -> Self {
        let name = quota.name();
        Self {
            quota: Some(quota),
            ..Self::new(
                "over-quota",
                format!(
                    "The tenant's quota `{name}` does not allow this. {}",
                    quota.advice()
                ),
            )
        }
        .with("quota", name)
    }

    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new("invalid-request", detail)
    }

    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::new("invalid-value", detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(
            "not-found",
            format!("There is no {what} of that name here, or the token may not see it."),
        )
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new("conflict", detail)
    }

    /// Something that must not happen did; only the log says what.
    pub fn internal(what: impl Into<String>) -> Self {
        Self {
            internal: Some(what.into()),
            ..Self::new(
                "internal",
                "Nothing can be done about it from outside; the log has more under the request id.",
            )
        }
    }

    /// Adds a member to the document.
    pub fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.more.push((name, value));
        }
        self
    }

    /// The response; the only place that writes a problem down.
    pub fn into_response(self, request_id: &str) -> worker::Result<Response> {
        let title = KINDS
            .iter()
            .find(|(name, ..)| *name == self.kind)
            .map_or("The server failed", |found| found.2);
        let headers = Headers::new();
        headers.set("content-type", "application/problem+json")?;
        headers.set("cache-control", "no-store")?;
        // RFC 9110 §15.5.6.
        let allow = self.more.iter().find(|(name, _)| *name == "allow");
        if let Some(methods) = allow.and_then(|(_, value)| value.as_str()) {
            headers.set("allow", methods)?;
        }
        let body = Body {
            kind: format!("urn:ringfence:problem:{}", self.kind),
            title,
            status: self.status,
            detail: &self.detail,
            request_id,
            more: self
                .more
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        };
        match self.status {
            401 => headers.set("www-authenticate", "Bearer realm=\"ringfence\"")?,
            429 => headers.set("retry-after", "60")?,
            503 => headers.set("retry-after", "30")?,
            _ => {}
        }
        Ok(ResponseBuilder::new()
            .with_status(self.status)
            .with_headers(headers)
            .fixed(serde_json::to_vec(&body)?))
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        Self {
            internal: Some(error.to_string()),
            ..Self::new(
                "unavailable",
                "Try again in half a minute. If it stays so, look at the database's state in the Cloudflare dashboard.",
            )
        }
    }
}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::new("misconfigured", error.0)
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
