//! What a handler gives back.

use serde::Serialize;
use worker::{Headers, Response, ResponseBuilder};

use crate::api::request::etag;
use crate::http::problem::Problem;

/// A response body, as a handler gives it.
#[cfg(not(test))]
pub trait Output: Serialize {}
#[cfg(not(test))]
impl<T: Serialize> Output for T {}

/// A response body, as a handler gives it and the OpenAPI document describes it.
#[cfg(test)]
pub trait Output: Serialize + schemars::JsonSchema {}
#[cfg(test)]
impl<T: Serialize + schemars::JsonSchema> Output for T {}

/// An answer, ready to be sent.
#[derive(Debug)]
pub struct Outgoing {
    pub status: u16,
    pub etag: Option<String>,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    /// The cursor of what comes next, where the body has no place for it.
    pub next: Option<String>,
}

const JSON: &str = "application/json";

/// What the type of an answer says about it.
pub trait Answer {
    /// The status.
    const STATUS: u16;
    /// Whether it carries an ETag for `If-Match`.
    #[cfg(test)]
    const ETAG: bool;
    /// The type of its content.
    const CONTENT_TYPE: &'static str = JSON;
    /// The body.
    type Body: Output;

    /// The answer, written down.
    ///
    /// # Errors
    /// The body does not serialise.
    fn outgoing(self) -> Result<Outgoing, Problem>;
}

/// 200 with a body.
pub struct Shown<T>(pub T);

/// 200 with a body that has a revision.
pub struct Revised<T>(pub T, pub u64);

/// 201 with a body.
pub struct Created<T>(pub T);

/// 201 with a body that has a revision.
pub struct CreatedRevised<T>(pub T, pub u64);

/// 202 with a body: it was ordered, and goes on by itself.
pub struct Accepted<T>(pub T);

/// 204.
pub struct Done;

/// 200 with JSON that is written already.
pub struct Verbatim(pub &'static str);

/// 200 with JSON values, one a line.
pub struct Lines(pub String);

/// 200 with a table (RFC 4180).
pub struct Csv {
    pub text: String,
    /// The cursor of the next table, if there is one.
    pub next: Option<String>,
}
/// 200 with metrics in Prometheus' text format.
pub struct Metrics(pub String);

fn write<T: Serialize>(status: u16, body: &T, revision: Option<u64>) -> Result<Outgoing, Problem> {
    let body = serde_json::to_vec(body)
        .map_err(|error| Problem::internal(format!("an answer does not serialise: {error}")))?;
    Ok(Outgoing {
        status,
        etag: revision.map(etag::of),
        content_type: JSON,
        body,
        next: None,
    })
}

macro_rules! answer {
    ($name:ident, $status:literal, $etag:literal, |$self:ident| $revision:expr) => {
        impl<T: Output> Answer for $name<T> {
            const STATUS: u16 = $status;
            #[cfg(test)]
            const ETAG: bool = $etag;
            type Body = T;

            fn outgoing(self) -> Result<Outgoing, Problem> {
                let $self = self;
                write($status, &$self.0, $revision)
            }
        }
    };
}
answer!(Shown, 200, false, |it| None);
answer!(Revised, 200, true, |it| Some(it.1));
answer!(Created, 201, false, |it| None);
answer!(Accepted, 202, false, |it| None);
answer!(CreatedRevised, 201, true, |it| Some(it.1));

impl Answer for Done {
    const STATUS: u16 = 204;
    #[cfg(test)]
    const ETAG: bool = false;
    type Body = ();

    fn outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing {
            status: Self::STATUS,
            etag: None,
            content_type: Self::CONTENT_TYPE,
            body: Vec::new(),
            next: None,
        })
    }
}

impl Answer for Verbatim {
    const STATUS: u16 = 200;
    #[cfg(test)]
    const ETAG: bool = false;
    type Body = serde_json::Value;

    fn outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing {
            status: Self::STATUS,
            etag: None,
            content_type: Self::CONTENT_TYPE,
            body: self.0.as_bytes().to_vec(),
            next: None,
        })
    }
}

impl Answer for Lines {
    const STATUS: u16 = 200;
    #[cfg(test)]
    const ETAG: bool = false;
    const CONTENT_TYPE: &'static str = "application/x-ndjson";
    type Body = String;

    fn outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing::text(Self::CONTENT_TYPE, self.0, None))
    }
}

impl Answer for Csv {
    const STATUS: u16 = 200;
    #[cfg(test)]
    const ETAG: bool = false;
    const CONTENT_TYPE: &'static str = "text/csv; charset=utf-8";
    type Body = String;

    fn outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing::text(Self::CONTENT_TYPE, self.text, self.next))
    }
}

impl Answer for Metrics {
    const STATUS: u16 = 200;
    #[cfg(test)]
    const ETAG: bool = false;
    const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";
    type Body = String;

    fn outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing::text(Self::CONTENT_TYPE, self.0, None))
    }
}

impl Outgoing {
    /// 200 with a text, and the cursor of the next one, if there is one.
    fn text(content_type: &'static str, text: String, next: Option<String>) -> Self {
        Self {
            status: 200,
            etag: None,
            content_type,
            body: text.into_bytes(),
            next,
        }
    }

    /// The response.
    ///
    /// # Errors
    /// The runtime refuses a header.
    pub fn into_response(self) -> worker::Result<Response> {
        let headers = Headers::new();
        headers.set("cache-control", "no-store")?;
        if let Some(etag) = &self.etag {
            headers.set("etag", etag)?;
        }
        if let Some(next) = &self.next {
            headers.set("ringfence-next", next)?;
        }
        let response = ResponseBuilder::new().with_status(self.status);
        if self.status == 204 {
            return Ok(response.with_headers(headers).empty());
        }
        headers.set("content-type", self.content_type)?;
        Ok(response.with_headers(headers).fixed(self.body))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::request::answer::*;

    #[test]
    fn the_type_of_an_answer_says_its_status_and_its_etag() {
        let outgoing = CreatedRevised("a", 3).outgoing().unwrap();
        assert_eq!(outgoing.status, 201);
        assert_eq!(outgoing.etag.as_deref(), Some("\"3\""));
        assert_eq!(outgoing.body, b"\"a\"");
        assert_eq!(Shown("a").outgoing().unwrap().etag, None);
        assert_eq!(Done.outgoing().unwrap().status, 204);
    }
}
