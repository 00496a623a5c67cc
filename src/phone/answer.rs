//! The three answers a phone can get.

use std::collections::BTreeMap;

use js_sys::{ArrayBuffer, JSON};
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::JsCast as _;
use web_sys::{Response, ResponseInit};

use super::{PhoneRequest, Reason};
use crate::http::conditional::{if_match, if_range, none_match};
use crate::http::range::{Part, part};
use crate::http::{AS_IT_SAYS, CONTENT_TYPE_OPTIONS, REQUEST_ID};
use crate::kv::to_buffer;

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

/// What a browser may do with a file: nothing. It runs no script, loads nothing and does not belong
/// to this origin, where the API is.
const INERT: &str = "default-src 'none'; sandbox";

/// Whether a browser would show a file of that type as a page rather than save it. A sealed file is
/// none: its answer is the one that is sent most, and stays as short as it is.
fn is_shown(content_type: &str) -> bool {
    content_type.starts_with("text/")
}

/// What goes out.
pub struct Answer {
    pub response: Response,
    pub status: u16,
    /// How many bytes of a file are in it.
    pub bytes: usize,
}

impl Outcome {
    /// The response. Only this decides about status, headers and how much of the file goes out.
    pub fn to_answer(&self, request: &PhoneRequest) -> worker::Result<Answer> {
        let id = &request.app.request_id;
        let (response, status) = match self {
            Self::Served(served) => return served.to_answer(request),
            Self::Refused(_) => (words(404, "Not found\n", None, request.head, id)?, 404),
            Self::Unavailable { .. } | Self::Broken { .. } => (unavailable(request.head, id)?, 503),
        };
        Ok(Answer {
            response,
            status,
            bytes: 0,
        })
    }
}

/// How much of a file with an ETag a request gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selection {
    /// `If-Match` names another file: 412.
    Failed,
    /// The phone's copy is good: 304.
    NotModified,
    Part(Part),
}

/// Weighs the conditions in the order of RFC 9110 §13.2.2. `header` reads one of the request's.
fn select(
    header: impl Fn(&str) -> Option<String>,
    head: bool,
    etag: &str,
    length: usize,
) -> Selection {
    if header("if-match").is_some_and(|wanted| !if_match(&wanted, etag)) {
        return Selection::Failed;
    }
    if header("if-none-match").is_some_and(|known| none_match(&known, etag)) {
        return Selection::NotModified;
    }
    // RFC 9110 §14.2: Range is defined for GET alone.
    let range = if head { None } else { header("range") };
    let range = range.filter(|_| if_range(header("if-range").as_deref(), etag));
    Selection::Part(part(range.as_deref(), length))
}

impl Served {
    fn to_answer(&self, request: &PhoneRequest) -> worker::Result<Answer> {
        let whole = self.body.len();
        let selection = match &self.etag {
            Some(etag) => select(|name| request.header(name), request.head, etag, whole),
            None => Selection::Part(Part::Whole),
        };
        let mut headers = BTreeMap::from([
            (CONTENT_TYPE_OPTIONS, AS_IT_SAYS),
            (REQUEST_ID, &*request.app.request_id),
        ]);
        match &self.etag {
            Some(etag) => headers.extend([
                ("cache-control", "private, no-cache"),
                ("accept-ranges", "bytes"),
                ("etag", etag),
            ]),
            // Plaintext: whole, and stored nowhere.
            None => headers.extend([("cache-control", "no-store")]),
        }
        if selection != Selection::NotModified {
            headers.insert("content-type", &self.content_type);
            if is_shown(&self.content_type) {
                headers.insert("content-security-policy", INERT);
            }
        }
        let content_range = match selection {
            Selection::Part(Part::Range { first, last }) => format!("bytes {first}-{last}/{whole}"),
            Selection::Part(Part::Unsatisfiable) => format!("bytes */{whole}"),
            _ => String::new(),
        };
        if !content_range.is_empty() {
            headers.insert("content-range", &content_range);
        }
        let (status, slice, length) = match selection {
            Selection::NotModified => (304, None, None),
            Selection::Failed => (412, None, Some(0)),
            Selection::Part(Part::Unsatisfiable) => (416, None, Some(0)),
            Selection::Part(Part::Whole) => (200, Some(self.body.0.clone()), Some(whole)),
            Selection::Part(Part::Range { first, last }) => {
                let slice = self.body.0.slice_with_end(first as u32, last as u32 + 1);
                (206, Some(slice), Some(last - first + 1))
            }
        };
        let length_text = length.map(|length| length.to_string());
        if let Some(length) = &length_text {
            headers.insert("content-length", length);
        }
        let body = slice.filter(|_| !request.head);
        let bytes = body.as_ref().and(length).unwrap_or_default();
        Ok(Answer {
            response: respond(status, &headers, body.as_ref())?,
            status,
            bytes,
        })
    }
}

/// Storage fails: the phone keeps its configuration and comes back.
pub fn unavailable(head: bool, request_id: &str) -> worker::Result<Response> {
    words(503, "Try again later\n", Some("120"), head, request_id)
}

/// An answer that is no file; of these the one refusal.
fn words(
    status: u16,
    text: &str,
    retry_after: Option<&str>,
    head: bool,
    request_id: &str,
) -> worker::Result<Response> {
    let length = text.len().to_string();
    let mut headers = BTreeMap::from([
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-store"),
        ("content-length", &length),
        (CONTENT_TYPE_OPTIONS, AS_IT_SAYS),
        (REQUEST_ID, request_id),
    ]);
    headers.extend(retry_after.map(|seconds| ("retry-after", seconds)));
    let body = (!head).then(|| to_buffer(text.as_bytes()));
    respond(status, &headers, body.as_ref())
}

/// A response over the runtime's own bytes, so that a sealed file is not copied on its way. Status
/// and headers cross over in one piece: a call for each would cost more than all the rest.
fn respond(
    status: u16,
    headers: &BTreeMap<&str, &str>,
    body: Option<&ArrayBuffer>,
) -> worker::Result<Response> {
    #[derive(Serialize)]
    struct Init<'a> {
        status: u16,
        headers: &'a BTreeMap<&'a str, &'a str>,
    }
    let init = JSON::parse(&serde_json::to_string(&Init { status, headers })?)?;
    let init: &ResponseInit = init.unchecked_ref();
    let response = match body {
        Some(body) => Response::new_with_opt_buffer_source_and_init(Some(body), init),
        None => Response::new_with_opt_str_and_init(None, init),
    };
    Ok(response?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ETAG: &str = "\"a\"";

    fn select(headers: &[(&str, &str)], head: bool) -> Selection {
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        };
        super::select(header, head, ETAG, 10)
    }

    #[test]
    fn without_conditions_the_whole_file_goes_out() {
        assert_eq!(select(&[], false), Selection::Part(Part::Whole));
        assert_eq!(select(&[], true), Selection::Part(Part::Whole));
    }

    #[test]
    fn conditions_are_weighed_before_the_range() {
        let range = ("range", "bytes=0-4");
        let some = Selection::Part(Part::Range { first: 0, last: 4 });
        assert_eq!(select(&[range], false), some);
        assert_eq!(select(&[range, ("if-match", ETAG)], false), some);
        assert_eq!(select(&[range, ("if-none-match", "\"b\"")], false), some);
        assert_eq!(select(&[range, ("if-range", ETAG)], false), some);
        assert_eq!(
            select(&[range, ("if-range", "\"b\"")], false),
            Selection::Part(Part::Whole)
        );
        assert_eq!(
            select(&[range, ("if-none-match", ETAG)], false),
            Selection::NotModified
        );
        assert_eq!(
            select(&[("if-match", "\"b\""), ("if-none-match", ETAG)], false),
            Selection::Failed
        );
        assert_eq!(
            select(&[("range", "bytes=10-"), ("if-none-match", ETAG)], false),
            Selection::NotModified
        );
    }

    #[test]
    fn what_a_browser_would_show_is_made_inert() {
        for shown in ["text/xml; charset=utf-8", "text/plain; charset=utf-8"] {
            assert!(is_shown(shown));
        }
        for saved in ["application/octet-stream", "application/x-pem-file"] {
            assert!(!is_shown(saved));
        }
    }

    #[test]
    fn head_knows_conditions_and_no_range() {
        assert_eq!(
            select(&[("range", "bytes=10-")], true),
            Selection::Part(Part::Whole)
        );
        assert_eq!(
            select(&[("if-none-match", "*")], true),
            Selection::NotModified
        );
    }
}
