//! Answering requests that come to a socket which serves none.
//!
//! A proxy that keeps watch over its peers with OPTIONS takes silence for death. So a request may be
//! refused, statelessly (RFC 3261 §8.2.7), in about as many bytes as it had.

use std::net::SocketAddr;

use crate::datagram::IncomingRequest;
use crate::header::full_name;

/// How a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 405: no method is served here.
    MethodNotAllowed,
    /// 481: it belongs to a dialog or a transaction that does not exist here.
    NoSuchTransaction,
}

impl Refusal {
    /// The refusal that suits a request; `None` for an ACK, which is never answered.
    pub fn of(request: &IncomingRequest<'_>) -> Option<Self> {
        match request.method() {
            "ACK" => None,
            "CANCEL" => Some(Self::NoSuchTransaction),
            _ if request.has_to_tag() => Some(Self::NoSuchTransaction),
            _ => Some(Self::MethodNotAllowed),
        }
    }

    fn status_line(self) -> &'static [u8] {
        match self {
            Self::MethodNotAllowed => b"SIP/2.0 405 Method Not Allowed\r\n",
            Self::NoSuchTransaction => b"SIP/2.0 481 Call/Transaction Does Not Exist\r\n",
        }
    }
}

/// The refusal of a request that came from `source`, to be sent back to `source`: Via, From, To,
/// Call-ID and CSeq copied (§8.2.6.2), with what was seen of the sender in the topmost Via
/// (RFC 3581 §4). The To gets `tag`, which must be the same for copies of a request: one for the
/// life of the process will do. `None` for what is not answered. Over a connection `source` may be unknown: the answer
/// goes back the way that the request came.
///
/// The answer goes to whoever the datagram claims to be from, so the caller limits its rate and its
/// destinations as it does for what it sends itself.
pub fn refuse(
    request: &IncomingRequest<'_>,
    source: Option<SocketAddr>,
    tag: &str,
) -> Option<Vec<u8>> {
    let refusal = Refusal::of(request)?;
    let mut response = refusal.status_line().to_vec();
    let mut lines = request.head;
    let mut top = true;
    while let Some((name, value)) = lines.next_line().ok()? {
        let name = full_name(name);
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if !["Via", "From", "To", "Call-ID", "CSeq"].into_iter().any(is) {
            continue;
        }
        response.extend_from_slice(name.as_bytes());
        response.extend_from_slice(b": ");
        if is("Via") && std::mem::take(&mut top) {
            // Nobody's Via holds a quoted string, and one could hide a comma or a semicolon.
            if value.contains(&b'"') {
                return None;
            }
            response.extend_from_slice(&seen(request, value, source));
        } else {
            response.extend_from_slice(value);
        }
        if is("To") && !request.has_to_tag() {
            response.extend_from_slice(b";tag=");
            response.extend_from_slice(tag.as_bytes());
        }
        response.extend_from_slice(b"\r\n");
    }
    if refusal == Refusal::MethodNotAllowed {
        // §21.4.6: a 405 says what is allowed, and here that is nothing.
        response.extend_from_slice(b"Allow:\r\n");
    }
    response.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    Some(response)
}

/// The topmost Via with `received`, and with `rport` if its sender asked for it.
fn seen(request: &IncomingRequest<'_>, value: &[u8], source: Option<SocketAddr>) -> Vec<u8> {
    let via = request.via();
    // Parameters go to the end of the first value, before a comma.
    let end = value
        .iter()
        .position(|byte| *byte == b',')
        .unwrap_or(value.len());
    let (first, rest) = value.split_at_checked(end).unwrap_or((value, b""));
    let mut text = first.to_vec();
    if let Some(source) = source {
        if via.wants_rport && via.rport.is_none() {
            text = fill_rport(&text, source.port());
        }
        if via.received.is_none() {
            text.extend_from_slice(format!(";received={}", source.ip()).as_bytes());
        }
    }
    text.extend_from_slice(rest);
    text
}

/// Puts the port after the `;rport` that has none.
fn fill_rport(via: &[u8], port: u16) -> Vec<u8> {
    let mut filled = Vec::with_capacity(via.len() + 6);
    for (index, part) in via.split(|byte| *byte == b';').enumerate() {
        if index > 0 {
            filled.push(b';');
        }
        filled.extend_from_slice(part);
        if crate::lex::trim(part).eq_ignore_ascii_case(b"rport") {
            filled.extend_from_slice(format!("={port}").as_bytes());
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::{Datagram, Response};

    fn answer(request: &str) -> Option<String> {
        let Datagram::Request(request) = Datagram::classify(request.as_bytes()) else {
            panic!("not a request");
        };
        let source = "192.0.2.1:40000".parse().unwrap();
        refuse(&request, Some(source), "relay").map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn request(method: &str, to: &str) -> String {
        format!(
            "{method} sip:relay@198.51.100.1 SIP/2.0\r\nv: SIP/2.0/UDP pbx.example;rport;branch=z9hG4bKp\r\n\
             Via: SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKq\r\nMax-Forwards: 70\r\n\
             f: <sip:pbx@pbx.example>;tag=1\r\nTo: {to}\r\nCall-ID: c\r\nCSeq: 5 {method}\r\n\r\n"
        )
    }

    #[test]
    fn an_options_gets_405_and_nothing_is_allowed() {
        let answer = answer(&request("OPTIONS", "<sip:relay@198.51.100.1>")).unwrap();
        insta::assert_snapshot!(answer.replace('\r', "").trim_end(), @r"
        SIP/2.0 405 Method Not Allowed
        Via: SIP/2.0/UDP pbx.example;rport=40000;branch=z9hG4bKp;received=192.0.2.1
        Via: SIP/2.0/UDP 192.0.2.200;branch=z9hG4bKq
        From: <sip:pbx@pbx.example>;tag=1
        To: <sip:relay@198.51.100.1>;tag=relay
        Call-ID: c
        CSeq: 5 OPTIONS
        Allow:
        Content-Length: 0
        ");
        let response = Response::parse(answer.as_bytes()).unwrap();
        assert_eq!(response.via().rport, Some(40000));
    }

    #[test]
    fn a_request_of_a_dialog_gets_481() {
        let answer = answer(&request("BYE", "<sip:relay@198.51.100.1>;tag=9")).unwrap();
        assert!(answer.starts_with("SIP/2.0 481 "), "{answer}");
        assert!(
            answer.contains("\r\nTo: <sip:relay@198.51.100.1>;tag=9\r\n"),
            "{answer}"
        );
    }

    #[test]
    fn an_ack_is_not_answered() {
        assert_eq!(answer(&request("ACK", "<sip:relay@198.51.100.1>")), None);
    }
}
