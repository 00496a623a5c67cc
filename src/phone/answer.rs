//! The three answers a phone can get.

use js_sys::ArrayBuffer;
use serde_json::Value;
use wasm_bindgen::JsValue;
use web_sys::{Response, ResponseInit};
use worker::Headers;

use super::PhoneRequest;
use crate::edge::to_buffer;
use crate::http::conditional::{if_range, none_match};
use crate::http::range::{Part, part};

/// How a request ended.
pub enum Outcome {
    /// A file, or a part of it, or word that the phone's copy is good.
    Served(Served),
    /// The one refusal.
    Refused(Reason),
    /// Storage fails or a file cannot be made: the phone keeps what it has and comes back.
    Unavailable {
        /// For the log.
        detail: String,
    },
    /// A file does not render or fails its lint, and there is no earlier one to serve.
    Broken {
        /// For the event that the operator reads: what is wrong and where.
        detail: Value,
    },
}

/// A file on its way.
pub struct Served {
    pub body: Body,
    pub content_type: String,
    /// Present on what may be asked for conditionally or in part: sealed files.
    pub etag: Option<String>,
    /// What the operator will read: `sealed`, `bootstrap`, …
    pub reason: Reason,
    /// For the event, for example why an earlier version was served.
    pub detail: Option<Value>,
}

/// The bytes of a file, in the runtime's memory.
pub struct Body(pub ArrayBuffer);

impl Body {
    /// From the module's memory.
    pub fn new(bytes: &[u8]) -> Self {
        Self(to_buffer(bytes))
    }

    fn len(&self) -> usize {
        self.0.byte_length() as usize
    }
}

/// Why a request ended as it did: for the operator alone, never for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Sealed,
    SealedLastGood,
    Bootstrap,
    PlainOverHttps,
    Initial,
    Shared,
    SharedLastGood,
    Certificate,
    UnknownAccessPath,
    AccessPathClosed,
    NoSuchPath,
    NotTls,
    UnknownDevice,
    UnknownModel,
    Disabled,
    NotDelivered,
    Consumed,
    Expired,
    Replaced,
    HeadOfBootstrap,
    ConditionalBootstrap,
    LostClaim,
    WrongForm,
    NoFamily,
    NoCertificate,
}

impl Reason {
    /// The word in events and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::SealedLastGood => "sealed_last_good",
            Self::Bootstrap => "bootstrap",
            Self::PlainOverHttps => "plain_over_https",
            Self::Initial => "initial",
            Self::Shared => "shared",
            Self::SharedLastGood => "shared_last_good",
            Self::Certificate => "certificate",
            Self::UnknownAccessPath => "unknown_access_path",
            Self::AccessPathClosed => "access_path_closed",
            Self::NoSuchPath => "no_such_path",
            Self::NotTls => "not_tls",
            Self::UnknownDevice => "unknown_device",
            Self::UnknownModel => "unknown_model",
            Self::Disabled => "disabled",
            Self::NotDelivered => "key_not_delivered",
            Self::Consumed => "bootstrap_consumed",
            Self::Expired => "bootstrap_expired",
            Self::Replaced => "key_replaced",
            Self::HeadOfBootstrap => "head_of_bootstrap",
            Self::ConditionalBootstrap => "conditional_bootstrap",
            Self::LostClaim => "lost_claim",
            Self::WrongForm => "wrong_form",
            Self::NoFamily => "no_family",
            Self::NoCertificate => "no_certificate",
        }
    }
}

impl Outcome {
    /// The response. Only this decides about status, headers and how much of the file goes out.
    pub fn to_response(&self, request: &PhoneRequest) -> worker::Result<Response> {
        match self {
            Self::Served(served) => served.to_response(request),
            Self::Refused(_) => refusal(request.head),
            Self::Unavailable { .. } | Self::Broken { .. } => unavailable(request.head),
        }
    }
}

impl Served {
    fn to_response(&self, request: &PhoneRequest) -> worker::Result<Response> {
        let headers = Headers::new();
        headers.set("content-type", &self.content_type)?;
        headers.set("x-content-type-options", "nosniff")?;
        let Some(etag) = &self.etag else {
            // Plaintext: whole, and stored nowhere.
            headers.set("cache-control", "no-store")?;
            return respond(
                200,
                headers,
                Some(&self.body.0),
                self.body.len(),
                request.head,
            );
        };
        headers.set("cache-control", "private, no-cache")?;
        headers.set("etag", etag)?;
        headers.set("accept-ranges", "bytes")?;
        if request
            .if_none_match
            .as_deref()
            .is_some_and(|header| none_match(header, etag))
        {
            headers.delete("content-type")?;
            return respond(304, headers, None, 0, true);
        }
        let length = self.body.len();
        let range = request.range.as_deref().filter(|_| {
            // RFC 9110 §14.2: Range is defined for GET alone.
            !request.head && if_range(request.if_range.as_deref(), etag)
        });
        match part(range, length) {
            Part::Whole => respond(200, headers, Some(&self.body.0), length, request.head),
            Part::Range { first, last } => {
                headers.set("content-range", &format!("bytes {first}-{last}/{length}"))?;
                let slice = self.body.0.slice_with_end(first as u32, last as u32 + 1);
                respond(206, headers, Some(&slice), last - first + 1, false)
            }
            Part::Unsatisfiable => {
                headers.set("content-range", &format!("bytes */{length}"))?;
                respond(416, headers, None, 0, false)
            }
        }
    }
}

/// The one refusal: the same for everything that is not to be had.
pub fn refusal(head: bool) -> worker::Result<Response> {
    words(404, b"Not found\n", None, head)
}

/// Storage fails: the phone keeps its configuration and comes back.
pub fn unavailable(head: bool) -> worker::Result<Response> {
    words(503, b"Try again later\n", Some("120"), head)
}

fn words(
    status: u16,
    text: &[u8],
    retry_after: Option<&str>,
    head: bool,
) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "text/plain; charset=utf-8")?;
    headers.set("cache-control", "no-store")?;
    if let Some(seconds) = retry_after {
        headers.set("retry-after", seconds)?;
    }
    respond(status, headers, Some(&to_buffer(text)), text.len(), head)
}

/// A response over the runtime's own bytes, so that a sealed file is not copied on its way.
fn respond(
    status: u16,
    headers: Headers,
    body: Option<&ArrayBuffer>,
    length: usize,
    head: bool,
) -> worker::Result<Response> {
    if status != 304 {
        headers.set("content-length", &length.to_string())?;
    }
    let init = ResponseInit::new();
    init.set_status(status);
    init.set_headers(&JsValue::from(headers.0));
    let body = body.filter(|_| !head);
    let response = match body {
        Some(body) => Response::new_with_opt_buffer_source_and_init(Some(body), &init),
        None => Response::new_with_opt_str_and_init(None, &init),
    };
    Ok(response?)
}
