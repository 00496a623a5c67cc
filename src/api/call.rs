//! What a handler is called with.

use ringfence_provision::kind::FileKind;
use ringfence_provision::mac::Mac;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use worker::Request;

use super::auth::Token;
use super::etag::IfMatch;
use super::route::Params;
use crate::app::{App, Caller};
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::store::tenants::TenantRow;
use crate::store::{Entry, devices, tenants};

/// The longest body, in bytes.
pub const BODY_MAX: usize = 1024 * 1024;

/// A request that found its route and has its token.
pub struct Incoming {
    pub app: App,
    pub caller: Caller,
    pub token: Token,
    pub params: Params,
    pub request: Request,
}

/// A query or a body, as a handler takes it.
#[cfg(not(test))]
pub trait Input: DeserializeOwned {}
#[cfg(not(test))]
impl<T: DeserializeOwned> Input for T {}

/// A query or a body, as a handler takes it and the OpenAPI document describes it.
#[cfg(test)]
pub trait Input: DeserializeOwned + schemars::JsonSchema {}
#[cfg(test)]
impl<T: DeserializeOwned + schemars::JsonSchema> Input for T {}

/// No query, or no body.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Nothing {}

/// Only whether secrets are to be shown.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RevealQuery {
    /// Shows secrets, to a token that may see them.
    pub reveal: bool,
}

/// One call of an operation.
pub struct Call<Q = Nothing, B = Nothing> {
    pub app: App,
    pub caller: Caller,
    pub token: Token,
    pub if_match: IfMatch,
    params: Params,
    pub query: Q,
    pub body: B,
}

impl<Q: Input, B: Input> Call<Q, B> {
    /// Reads a request.
    ///
    /// # Errors
    /// The query or the body is not what the operation takes.
    pub async fn read(mut incoming: Incoming) -> Result<Self, Problem> {
        let url = incoming.request.url()?;
        let query = parse_query(url.query().unwrap_or_default())?;
        let if_match = incoming.request.headers().get("if-match")?;
        let body = match incoming.request.headers().get("content-length")? {
            Some(length) if length.parse().is_ok_and(|length: usize| length > BODY_MAX) => {
                return Err(too_large());
            }
            _ if incoming.request.method() == worker::Method::Get => Vec::new(),
            _ => incoming.request.bytes().await?,
        };
        if body.len() > BODY_MAX {
            return Err(too_large());
        }
        Ok(Self {
            app: incoming.app,
            caller: incoming.caller,
            token: incoming.token,
            if_match: IfMatch::parse(if_match.as_deref())?,
            params: incoming.params,
            query,
            body: parse_body(&body)?,
        })
    }
}

impl<Q, B> Call<Q, B> {
    /// What stands for `{name}` in the path.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(found, _)| *found == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The `{tenant}` of the path.
    ///
    /// # Errors
    /// There is none.
    pub async fn tenant(&self) -> Result<TenantRow, Problem> {
        tenants::find(&self.app.db, self.param("tenant"))
            .await?
            .ok_or_else(|| Problem::not_found("tenant"))
    }

    /// The `{mac}` of the path.
    ///
    /// # Errors
    /// It is not one.
    pub fn mac(&self) -> Result<Mac, Problem> {
        Mac::parse(self.param("mac"))
            .map_err(|error| Problem::invalid_request(format!("The path's MAC: {error}.")))
    }

    /// The `{kind}` of the path.
    ///
    /// # Errors
    /// It is not one.
    pub fn kind(&self) -> Result<FileKind, Problem> {
        FileKind::parse(self.param("kind")).ok_or_else(|| {
            let kinds = FileKind::ALL.map(FileKind::as_str).join(", ");
            Problem::invalid_request(format!("The kinds of file are {kinds}."))
        })
    }

    /// The device of the path's `{tenant}` and `{mac}`.
    ///
    /// # Errors
    /// There is none.
    pub async fn device(&self) -> Result<DeviceRow, Problem> {
        let mac = self.mac()?.upper();
        devices::find(&self.app.db, self.param("tenant"), &mac)
            .await?
            .ok_or_else(|| Problem::not_found("device"))
    }

    /// An audit entry for a change of the path's tenant. `before` and `after` must hold no secret.
    pub fn entry(
        &self,
        action: &'static str,
        object: impl Into<String>,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Entry {
        let tenant = self.param("tenant");
        let tenant_id = (!tenant.is_empty()).then(|| tenant.to_owned());
        Entry {
            tenant_id,
            id: self.app.new_id(),
            token_id: self.token.id.clone(),
            action,
            object: object.into(),
            before: before.map(|value| value.to_string()),
            after: after.map(|value| value.to_string()),
            address: self.caller.address.clone(),
            request_id: self.app.request_id.to_string(),
            at: self.app.now,
        }
    }

    /// Whether secrets are to be shown, where a caller asked for it.
    ///
    /// # Errors
    /// The token may not see them.
    pub fn may_reveal(&self, wanted: bool) -> Result<bool, Problem> {
        if wanted && !self.token.reveal {
            return Err(Problem::new(
                "forbidden",
                "This token may not see secrets. Leave `reveal` out, or use a token that was made with `reveal`.",
            ));
        }
        Ok(wanted)
    }
}

fn too_large() -> Problem {
    Problem::new(
        "too-large",
        format!("A body is at most {BODY_MAX} bytes long."),
    )
}

fn parse_query<Q: DeserializeOwned>(query: &str) -> Result<Q, Problem> {
    serde_urlencoded::from_str(query)
        .map_err(|error| Problem::invalid_request(format!("The query: {error}.")))
}

/// An empty body is an empty object: what has only optional members may be left out.
fn parse_body<B: DeserializeOwned>(body: &[u8]) -> Result<B, Problem> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| Problem::invalid_request(format!("The body: {error}.")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Named {
        name: String,
    }

    #[test]
    fn an_unknown_member_is_named() {
        let problem = parse_body::<Named>(br#"{"name":"a","nmae":"b"}"#).unwrap_err();
        assert_eq!((problem.kind, problem.status), ("invalid-request", 400));
        assert!(
            problem.detail.contains("unknown field `nmae`"),
            "{}",
            problem.detail
        );
        let problem = parse_query::<RevealQuery>("revael=true").unwrap_err();
        assert!(
            problem.detail.contains("unknown field `revael`"),
            "{}",
            problem.detail
        );
    }

    #[test]
    fn a_missing_member_is_named() {
        let problem = parse_body::<Named>(b"").unwrap_err();
        assert!(
            problem.detail.contains("missing field `name`"),
            "{}",
            problem.detail
        );
        assert_eq!(parse_body::<Named>(br#"{"name":"a"}"#).unwrap().name, "a");
    }

    #[test]
    fn nothing_is_taken_where_nothing_is_wanted() {
        assert!(parse_body::<Nothing>(b"").is_ok());
        assert!(parse_body::<Nothing>(b"{}").is_ok());
        assert!(parse_body::<Nothing>(br#"{"force":true}"#).is_err());
        assert!(parse_query::<Nothing>("").is_ok());
        assert!(parse_query::<Nothing>("force=true").is_err());
        assert!(parse_query::<RevealQuery>("reveal=true").unwrap().reveal);
    }
}
