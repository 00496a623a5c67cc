//! What a handler gives back, written down.

use ringfence_api::answer::{
    Accepted, Answer, Created, CreatedRevised, Csv, Done, JSON, Lines, Metrics, Output, Revised,
    Shown, Verbatim,
};
use serde::Serialize;
use worker::{Headers, Response, ResponseBuilder};

use crate::api::request::etag;
use crate::http::problem::Problem;

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

/// An answer that becomes what goes out.
pub trait IntoOutgoing: Answer {
    /// The answer with its body written.
    ///
    /// # Errors
    /// The body does not serialise.
    fn into_outgoing(self) -> Result<Outgoing, Problem>;
}

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

macro_rules! with_body {
    ($name:ident, |$self:ident| $revision:expr) => {
        impl<T: Output> IntoOutgoing for $name<T> {
            fn into_outgoing(self) -> Result<Outgoing, Problem> {
                let $self = self;
                write(Self::STATUS, &$self.0, $revision)
            }
        }
    };
}
with_body!(Shown, |it| None);
with_body!(Revised, |it| Some(it.1));
with_body!(Created, |it| None);
with_body!(Accepted, |it| None);
with_body!(CreatedRevised, |it| Some(it.1));

impl IntoOutgoing for Done {
    fn into_outgoing(self) -> Result<Outgoing, Problem> {
        let mut empty = Outgoing::text(Self::CONTENT_TYPE, String::new(), None);
        empty.status = Self::STATUS;
        Ok(empty)
    }
}

impl IntoOutgoing for Verbatim {
    fn into_outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing::text(Self::CONTENT_TYPE, self.0, None))
    }
}

impl<T: Output + Into<String>> IntoOutgoing for Lines<T> {
    fn into_outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing::text(Self::CONTENT_TYPE, self.0.into(), None))
    }
}

impl IntoOutgoing for Csv {
    fn into_outgoing(self) -> Result<Outgoing, Problem> {
        Ok(Outgoing::text(Self::CONTENT_TYPE, self.text, self.next))
    }
}

impl IntoOutgoing for Metrics {
    fn into_outgoing(self) -> Result<Outgoing, Problem> {
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
        let outgoing = CreatedRevised("a", 3).into_outgoing().unwrap();
        assert_eq!(outgoing.status, 201);
        assert_eq!(outgoing.etag.as_deref(), Some("\"3\""));
        assert_eq!(outgoing.body, b"\"a\"");
        assert_eq!(Shown("a").into_outgoing().unwrap().etag, None);
        assert_eq!(Done.into_outgoing().unwrap().status, 204);
    }
}
