//! The three answers a phone can get.

use std::borrow::Cow;
use std::collections::BTreeMap;

use js_sys::ArrayBuffer;
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::prelude::*;
use web_sys::Response;

use super::{PhoneRequest, Reason};
use crate::db::StorageError;
use crate::files::inputs::FileInputs;
use crate::files::render;
use crate::http::conditional::{Conditions, if_match, if_range, none_match};
use crate::http::range::{Part, part};
use crate::http::{AS_IT_SAYS, CONTENT_TYPE_OPTIONS, REQUEST_ID};
use crate::kv::to_buffer;

#[wasm_bindgen(module = "/src/phone/answer.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = response)]
    fn made(init: &str, body: Option<JsValue>) -> Result<Response, JsValue>;
}

/// How a request ended.
pub enum PhoneOutcome {
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
    /// The coding that the bytes are in already; empty if there is none.
    pub content_encoding: String,
    /// Present on what may be asked for conditionally or in part: sealed files.
    pub etag: Option<String>,
    /// What the operator will read: `sealed`, `bootstrap`, …
    pub reason: Reason,
    /// For the event, for example why an earlier version was served.
    pub detail: Option<Value>,
}

/// The bytes of a file, in the runtime's memory.
pub enum Body {
    Read(ArrayBuffer),
    /// It was not even read: the phone has it, as `If-None-Match` says.
    Known {
        length: usize,
    },
}

impl Body {
    /// From the module's memory.
    pub fn new(bytes: &[u8]) -> Self {
        Self::Read(to_buffer(bytes))
    }

    fn len(&self) -> usize {
        match self {
            Self::Read(bytes) => bytes.byte_length() as usize,
            Self::Known { length } => *length,
        }
    }
}

/// A file in clear that was made just now and is kept nowhere, as the outcome of a request.
pub(super) fn served(inputs: &FileInputs, bytes: &[u8], reason: Reason) -> PhoneOutcome {
    PhoneOutcome::Served(Served {
        body: Body::new(bytes),
        content_type: render::content_type(inputs).into(),
        content_encoding: String::new(),
        etag: None,
        reason,
        detail: None,
    })
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
pub struct PhoneAnswer {
    pub response: Response,
    pub status: u16,
    /// How many bytes of a file are in it.
    pub bytes: usize,
}

/// What a phone hears: everything of an answer but the response of the runtime.
pub struct Reply<'a> {
    pub status: u16,
    pub headers: BTreeMap<&'static str, Cow<'a, str>>,
    /// How many bytes of a file are in it.
    pub bytes: usize,
    sent: Sent<'a>,
    /// Whether the bytes are in the coding that the headers say, so that the runtime has nothing to encode.
    is_encoded: bool,
}

/// The body of an answer.
enum Sent<'a> {
    Nothing,
    Words(&'static str),
    Whole(&'a ArrayBuffer),
    /// From the first byte up to and without the last one.
    Part(&'a ArrayBuffer, u32, u32),
}

impl PhoneOutcome {
    /// How a request ends that was decided so.
    pub(super) fn of(decided: Result<Self, StorageError>) -> Self {
        decided.unwrap_or_else(|error| Self::Unavailable {
            detail: error.to_string(),
        })
    }

    /// What the phone hears. Only this decides about status, headers and how much of the file goes out.
    pub fn reply<'a>(&'a self, request: &'a PhoneRequest) -> Reply<'a> {
        let id = &request.app.request_id;
        match self {
            Self::Served(served) => served.reply(request),
            Self::Refused(_) => Reply::words(404, "Not found\n", None, request.head, id),
            Self::Unavailable { .. } | Self::Broken { .. } => {
                Reply::try_again_later(request.head, id)
            }
        }
    }
}

impl<'a> Reply<'a> {
    /// An answer that is no file; of these the one refusal.
    fn words(
        status: u16,
        text: &'static str,
        retry_after: Option<&'static str>,
        head: bool,
        request_id: &'a str,
    ) -> Self {
        let mut headers = BTreeMap::from([
            ("content-type", "text/plain; charset=utf-8".into()),
            ("cache-control", "no-store".into()),
            ("content-length", text.len().to_string().into()),
            (CONTENT_TYPE_OPTIONS, AS_IT_SAYS.into()),
            (REQUEST_ID, request_id.into()),
        ]);
        headers.extend(retry_after.map(|seconds| ("retry-after", seconds.into())));
        Self {
            status,
            headers,
            bytes: 0,
            sent: match head {
                true => Sent::Nothing,
                false => Sent::Words(text),
            },
            is_encoded: false,
        }
    }

    /// Storage fails: the phone keeps its configuration and comes back.
    fn try_again_later(head: bool, request_id: &'a str) -> Self {
        Self::words(503, "Try again later\n", Some("120"), head, request_id)
    }

    /// The response.
    pub fn to_answer(&self) -> worker::Result<PhoneAnswer> {
        let body = match self.sent {
            Sent::Nothing => None,
            Sent::Words(text) => Some(JsValue::from_str(text)),
            Sent::Whole(bytes) => Some(bytes.into()),
            Sent::Part(bytes, from, to) => Some(bytes.slice_with_end(from, to).into()),
        };
        Ok(PhoneAnswer {
            response: respond(self.status, &self.headers, body, self.is_encoded)?,
            status: self.status,
            bytes: self.bytes,
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

/// Weighs the conditions in the order of RFC 9110 §13.2.2.
fn select(conditions: &Conditions, head: bool, etag: &str, length: usize) -> Selection {
    let of = Option::as_deref;
    if of(&conditions.if_match).is_some_and(|wanted| !if_match(wanted, etag)) {
        return Selection::Failed;
    }
    if of(&conditions.if_none_match).is_some_and(|known| none_match(known, etag)) {
        return Selection::NotModified;
    }
    // RFC 9110 §14.2: Range is defined for GET alone.
    let range = of(&conditions.range).filter(|_| !head);
    let range = range.filter(|_| if_range(of(&conditions.if_range), etag));
    Selection::Part(part(range, length))
}

impl Served {
    fn reply<'a>(&'a self, request: &'a PhoneRequest) -> Reply<'a> {
        let whole = self.body.len();
        let selection = match &self.etag {
            _ if matches!(self.body, Body::Known { .. }) => Selection::NotModified,
            Some(etag) => select(&request.conditions, request.head, etag, whole),
            None => Selection::Part(Part::Whole),
        };
        let is_encoded = !self.content_encoding.is_empty();
        let mut headers = self.headers(selection, whole, &request.app.request_id);
        let (status, sent, length) = match (selection, &self.body) {
            (Selection::NotModified, _) | (_, Body::Known { .. }) => (304, Sent::Nothing, None),
            (Selection::Failed, _) => (412, Sent::Nothing, Some(0)),
            (Selection::Part(Part::Unsatisfiable), _) => (416, Sent::Nothing, Some(0)),
            (Selection::Part(Part::Whole), Body::Read(file)) => {
                (200, Sent::Whole(file), Some(whole))
            }
            (Selection::Part(Part::Range { first, last }), Body::Read(file)) => {
                let sent = Sent::Part(file, first as u32, last as u32 + 1);
                (206, sent, Some(last - first + 1))
            }
        };
        if let Some(length) = length {
            headers.insert("content-length", length.to_string().into());
        }
        let sent = match request.head {
            true => Sent::Nothing,
            false => sent,
        };
        let bytes = match sent {
            Sent::Nothing | Sent::Words(_) => 0,
            Sent::Whole(_) | Sent::Part(..) => length.unwrap_or_default(),
        };
        Reply {
            status,
            headers,
            bytes,
            sent,
            is_encoded,
        }
    }

    /// The headers of an answer with `selection` of the file, but for the answer's length. `whole` is the length of the file,
    /// in bytes.
    fn headers<'a>(
        &'a self,
        selection: Selection,
        whole: usize,
        request_id: &'a str,
    ) -> BTreeMap<&'static str, Cow<'a, str>> {
        let mut headers = BTreeMap::from([
            (CONTENT_TYPE_OPTIONS, AS_IT_SAYS.into()),
            (REQUEST_ID, request_id.into()),
        ]);
        let is_encoded = !self.content_encoding.is_empty();
        if let Some(etag) = &self.etag {
            headers.insert("accept-ranges", "bytes".into());
            headers.insert("etag", etag.into());
        }
        let cache_control = caching(self.etag.is_some(), is_encoded);
        headers.insert("cache-control", cache_control.into());
        if is_encoded && tells_coding(selection) {
            headers.insert("content-encoding", (&self.content_encoding).into());
        }
        if selection != Selection::NotModified {
            headers.insert("content-type", (&self.content_type).into());
            if is_shown(&self.content_type) {
                headers.insert("content-security-policy", INERT.into());
            }
        }
        let range = match selection {
            Selection::Part(Part::Range { first, last }) => {
                Some(format!("bytes {first}-{last}/{whole}"))
            }
            Selection::Part(Part::Unsatisfiable) => Some(format!("bytes */{whole}")),
            _ => None,
        };
        headers.extend(range.map(|range| ("content-range", range.into())));
        headers
    }
}

/// `Cache-Control` of a file. What is encoded is what the phone decrypts: nothing in between may encode it
/// anew.
fn caching(has_etag: bool, is_encoded: bool) -> &'static str {
    match (has_etag, is_encoded) {
        (true, false) => "private, no-cache",
        (true, true) => "private, no-cache, no-transform",
        // At a name where plaintext may wait: whole, and stored nowhere.
        (false, false) => "no-store",
        (false, true) => "no-store, no-transform",
    }
}

/// Whether an answer says the coding of its file. A part does, too: a range counts the bytes of what is
/// encoded (RFC 9110 §14.2). An answer without any of them does not: a phone would decode nothing.
fn tells_coding(selection: Selection) -> bool {
    matches!(selection, Selection::Part(Part::Whole | Part::Range { .. }))
}

/// Storage fails: the phone keeps its configuration and comes back.
pub fn unavailable(head: bool, request_id: &str) -> worker::Result<Response> {
    let answer = Reply::try_again_later(head, request_id).to_answer()?;
    Ok(answer.response)
}

/// A response over the runtime's own bytes, so that a sealed file is not copied on its way. Status
/// and headers cross over in one piece: a call for each would cost more than all the rest. `is_encoded`: the
/// bytes are in the coding that the headers say, and the runtime has nothing to encode.
fn respond(
    status: u16,
    headers: &BTreeMap<&'static str, Cow<'_, str>>,
    body: Option<JsValue>,
    is_encoded: bool,
) -> worker::Result<Response> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Init<'a> {
        status: u16,
        headers: &'a BTreeMap<&'static str, Cow<'a, str>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encode_body: Option<&'static str>,
    }
    let init = Init {
        status,
        headers,
        encode_body: is_encoded.then_some("manual"),
    };
    Ok(made(&serde_json::to_string(&init)?, body)?)
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
        super::select(&Conditions::read(header), head, ETAG, 10)
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
    fn a_coding_is_told_with_the_files_bytes_alone_and_nothing_may_change_it() {
        assert!(tells_coding(select(&[], false)));
        assert!(tells_coding(select(&[], true)));
        assert!(tells_coding(select(&[("range", "bytes=0-4")], false)));
        for headers in [
            ("range", "bytes=10-"),
            ("if-match", "\"b\""),
            ("if-none-match", ETAG),
        ] {
            assert!(!tells_coding(select(&[headers], false)), "{headers:?}");
        }
        for has_etag in [true, false] {
            assert!(caching(has_etag, true).ends_with(", no-transform"));
            assert!(!caching(has_etag, false).contains("no-transform"));
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
