//! The NOTIFY itself.

use std::time::{Duration, UNIX_EPOCH};

use crate::entropy::{self, Entropy};
use crate::event::EventType;
use crate::header::{HeaderError, HeaderName, HeaderValue};
use crate::host::SentBy;
use crate::message::{Message, Writer};
use crate::transport::Transport;
use crate::uri::SipUri;

/// Largest request built for datagrams, in bytes.
///
/// RFC 3261 §18.1.1 wants a larger one sent over a transport with congestion control where the path's
/// MTU is unknown, and phones have only UDP here. The authorisation of a challenged request may go
/// beyond it: a few hundred bytes more are worth trying, failing for their sake is not.
pub const MAX_REQUEST: usize = 1300;

/// Largest request built for a stream, in bytes. A proxy may have to send it on by UDP, in more than one packet then.
pub const MAX_STREAM_REQUEST: usize = 8 * 1024;

/// Characters of the From tag: 80 bits, of which RFC 3261 §19.3 demands 32.
const TAG_CHARS: usize = 16;
/// Characters of the Call-ID: 130 bits.
const CALL_ID_CHARS: usize = 26;
/// A proxy chain longer than this is a loop (RFC 3261 §8.1.1.6 recommends it).
const MAX_FORWARDS: u8 = 70;
/// The last second that `httpdate` can write: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;
const FIRST_CSEQ: u32 = 1;

/// An out-of-dialog NOTIFY (RFC 3261 §8.1.1, RFC 6665 §8) to be built.
///
/// It belongs to no subscription, as is usual for telling a phone to fetch its configuration; hence
/// `Subscription-State: terminated`, which RFC 6665 §8.2.1 requires in every NOTIFY. An extra header
/// of that name replaces it.
#[derive(Clone, Debug)]
pub struct NotifyRequest {
    request_uri: SipUri,
    to: Option<SipUri>,
    from: SipUri,
    sent_by: SentBy,
    contact: Option<SipUri>,
    event: EventType,
    route: Option<SipUri>,
    date: Option<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<(HeaderValue, Box<[u8]>)>,
    transport: Transport,
    alias: bool,
}

impl NotifyRequest {
    /// A request to `target`, in the name of `from`, that asks for answers to `sent_by`.
    pub fn new(target: SipUri, from: SipUri, sent_by: SentBy, event: EventType) -> Self {
        Self {
            request_uri: target,
            to: None,
            from,
            sent_by,
            contact: None,
            event,
            route: None,
            date: None,
            headers: Vec::new(),
            body: None,
            transport: Transport::Udp,
            alias: false,
        }
    }

    /// The transport that is to carry it; UDP, where nothing is said.
    #[must_use]
    pub fn over(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Lets the peer send requests of its own over the connection that this one came by (RFC 5923 §5). Over UDP
    /// there is no connection, and nothing is said.
    #[must_use]
    pub fn with_alias(mut self) -> Self {
        self.alias = true;
        self
    }

    /// The To header where it differs from the Request-URI: the phone's address of record, when the
    /// request goes straight to the phone's address.
    #[must_use]
    pub fn with_to(mut self, to: SipUri) -> Self {
        self.to = Some(to);
        self
    }

    /// The Contact; without it, the From user at the relay's own address.
    #[must_use]
    pub fn with_contact(mut self, contact: SipUri) -> Self {
        self.contact = Some(contact);
        self
    }

    /// An outbound proxy as a Route (RFC 3261 §8.1.2), made a loose router if it does not say so.
    /// The caller sends the request to that proxy. A proxy that is only the next hop needs none.
    #[must_use]
    pub fn with_route(mut self, proxy: SipUri) -> Self {
        self.route = Some(proxy.into_loose_router());
        self
    }

    /// The Date, in seconds since 1970 UTC.
    #[must_use]
    pub fn with_date(mut self, unix_seconds: u64) -> Self {
        self.date = Some(unix_seconds.min(LAST_SECOND));
        self
    }

    /// One more header; several of a name are sent in order. A name that the request decides itself
    /// is refused, one that is not harmless ([`HARMLESS`](crate::HARMLESS)), and a second
    /// Subscription-State (RFC 6665 §8.4).
    pub fn with_header(
        mut self,
        name: HeaderName,
        value: HeaderValue,
    ) -> Result<Self, HeaderError> {
        if name.is_reserved() {
            return Err(HeaderError::Reserved(name));
        }
        if !name.is_harmless() {
            return Err(HeaderError::NotHarmless(name));
        }
        let state = "Subscription-State";
        if name.is(state) && self.headers.iter().any(|(given, _)| given.is(state)) {
            return Err(HeaderError::Twice(name));
        }
        self.headers.push((name, value));
        Ok(self)
    }

    /// A body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: HeaderValue, body: Vec<u8>) -> Self {
        self.body = Some((content_type, body.into()));
        self
    }

    /// The Request-URI: where the request goes, unless it has a route.
    pub fn request_uri(&self) -> &SipUri {
        &self.request_uri
    }

    /// The outbound proxy.
    pub fn route(&self) -> Option<&SipUri> {
        self.route.as_ref()
    }

    /// Writes the request, with a new branch, From tag and Call-ID.
    pub fn build(&self, entropy: &mut dyn Entropy) -> Result<Message, RequestError> {
        let body = self.body.as_ref().map_or(&[][..], |(_, body)| body);
        // Checked first, so that what follows cannot grow beyond a datagram.
        let mut size = body.len();
        for (name, value) in &self.headers {
            size = size.saturating_add(name.as_str().len() + value.as_str().len() + 4);
        }
        let most = self.most();
        let too_large = |size| RequestError::TooLarge { size, most };
        if size > most {
            return Err(too_large(size));
        }
        let (writer, spans) = self.write(body, entropy).ok_or_else(|| too_large(size))?;
        let message = writer.finish(spans, FIRST_CSEQ, self.transport);
        match message.as_bytes().len() {
            size if size <= most => Ok(message),
            size => Err(too_large(size)),
        }
    }

    /// How large it may be.
    fn most(&self) -> usize {
        match self.transport.is_reliable() {
            true => MAX_STREAM_REQUEST,
            false => MAX_REQUEST,
        }
    }

    fn write(
        &self,
        body: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Option<(Writer, [crate::message::Span; 5])> {
        let to = self.to.as_ref().unwrap_or(&self.request_uri);
        let mut writer = Writer::with_capacity(512 + body.len());
        let mut line = |parts: &[&str]| {
            let mut last = None;
            for part in parts {
                last = Some(writer.push(part.as_bytes())?);
            }
            last
        };

        line(&["NOTIFY "])?;
        let uri = line(&[self.request_uri.as_str()])?;
        line(&[
            " SIP/2.0\r\nVia: SIP/2.0/",
            self.transport.as_str(),
            " ",
            &self.sent_by.to_string(),
            ";branch=",
        ])?;
        let branch = line(&[&entropy::branch(entropy)])?;
        let has_alias = self.alias && self.transport.is_reliable();
        line(&[if has_alias {
            ";rport;alias\r\n"
        } else {
            ";rport\r\n"
        }])?;
        if let Some(route) = &self.route {
            line(&["Route: <", route.as_str(), ">\r\n"])?;
        }
        line(&["Max-Forwards: ", &MAX_FORWARDS.to_string(), "\r\n"])?;
        let tag = entropy::token(TAG_CHARS, entropy);
        line(&["From: <", self.from.as_str(), ">;tag=", &tag, "\r\n"])?;
        line(&["To: <", to.as_str(), ">\r\n"])?;
        if let Some(seconds) = self.date {
            // Seconds are bounded by the year 9999, so neither the sum nor the writing can panic.
            let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            line(&["Date: ", &date, "\r\n"])?;
        }
        line(&["Call-ID: "])?;
        let call_id = line(&[&entropy::token(CALL_ID_CHARS, entropy)])?;
        line(&["\r\nCSeq: "])?;
        let cseq_digits = line(&[&FIRST_CSEQ.to_string()])?;
        line(&[" NOTIFY\r\n"])?;
        let authorization = line(&[""])?;
        match &self.contact {
            Some(contact) => line(&["Contact: <", contact.as_str(), ">\r\n"])?,
            None => {
                let user = self.from.user();
                let sent_by = self.sent_by.to_string();
                let at = if user.is_some() { "@" } else { "" };
                line(&[
                    "Contact: <sip:",
                    user.unwrap_or_default(),
                    at,
                    &sent_by,
                    self.transport.uri_parameter(),
                    ">\r\n",
                ])?
            }
        };
        line(&["Event: ", self.event.as_str(), "\r\n"])?;
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.is("Subscription-State"))
        {
            line(&["Subscription-State: terminated\r\n"])?;
        }
        for (name, value) in &self.headers {
            line(&[name.as_str(), ": ", value.as_str(), "\r\n"])?;
        }
        if let Some((content_type, _)) = &self.body {
            line(&["Content-Type: ", content_type.as_str(), "\r\n"])?;
        }
        line(&["Content-Length: ", &body.len().to_string(), "\r\n\r\n"])?;
        writer.push(body)?;
        Some((writer, [uri, branch, call_id, cseq_digits, authorization]))
    }
}

/// Why a request is not built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// More than [`MAX_REQUEST`] bytes, or [`MAX_STREAM_REQUEST`] for a stream.
    #[error(
        "the NOTIFY has {size} bytes, and may have {most}: shorten the extra headers or the body"
    )]
    TooLarge {
        /// Its size in bytes, or that of its extra headers and body if they alone are too large.
        size: usize,
        /// How many it may have.
        most: usize,
    },
}
