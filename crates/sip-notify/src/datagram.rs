//! What else arrives on a SIP socket.

use crate::header::full_name;
use crate::lex::{HeaderLines, ParseError, is_space, is_token_byte, visible};
use crate::response::{CSeq, Care, Common, Response, split_at_space, start_line};
use crate::via::Via;

/// A datagram, by what is to be done with it.
#[derive(Clone, Copy, Debug)]
pub enum Datagram<'a> {
    /// An answer, to the session of its branch.
    Response(Response<'a>),
    /// A request to us, who serve none; see [`refuse`](crate::refuse).
    Request(IncomingRequest<'a>),
    /// Line ends or nothing, sent to keep a NAT open (RFC 5626 §3.5.1).
    KeepAlive,
    /// None of these; drop it, and count why.
    Garbage(ParseError),
}

impl<'a> Datagram<'a> {
    /// Looks what it is.
    pub fn classify(datagram: &'a [u8]) -> Self {
        // Some peers keep alive with a few zero bytes instead.
        if datagram.iter().all(|byte| is_space(*byte) || *byte == 0) {
            return Self::KeepAlive;
        }
        match Response::parse(datagram) {
            Ok(response) => Self::Response(response),
            Err(ParseError::StartLine) => match IncomingRequest::parse(datagram) {
                Ok(request) => Self::Request(request),
                Err(error) => Self::Garbage(error),
            },
            Err(error) => Self::Garbage(error),
        }
    }
}

/// A request, read as far as a refusal needs it.
#[derive(Clone, Copy, Debug)]
pub struct IncomingRequest<'a> {
    method: &'a str,
    via: Via<'a>,
    cseq: CSeq<'a>,
    has_to_tag: bool,
    pub(crate) head: HeaderLines<'a>,
}

impl<'a> IncomingRequest<'a> {
    fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let (line, rest) = start_line(datagram)?;
        let (method, line) = split_at_space(line).ok_or(ParseError::StartLine)?;
        let (uri, version) = split_at_space(line).ok_or(ParseError::StartLine)?;
        let method = visible(method)
            .filter(|method| method.bytes().all(is_token_byte))
            .ok_or(ParseError::StartLine)?;
        if visible(uri).is_none()
            || !version
                .get(..4)
                .is_some_and(|v| v.eq_ignore_ascii_case(b"SIP/"))
        {
            return Err(ParseError::StartLine);
        }
        if version.get(4..) != Some(b"2.0") {
            return Err(ParseError::Version);
        }
        let head = HeaderLines::new(rest);
        let common = Common::read(head, Care::Strict)?;
        common.call_id.ok_or(ParseError::Missing("Call-ID"))?;
        if common.cseq.method != method {
            return Err(ParseError::Header("CSeq"));
        }
        let (mut from, mut to) = (None, None);
        let mut lines = head;
        while let Some((name, value)) = lines.next_line()? {
            match full_name(name) {
                name if name.eq_ignore_ascii_case("From") => from = Some(value),
                name if name.eq_ignore_ascii_case("To") => to = Some(value),
                _ => {}
            }
        }
        from.ok_or(ParseError::Missing("From"))?;
        Ok(Self {
            method,
            via: common.via,
            cseq: common.cseq,
            has_to_tag: has_tag(to.ok_or(ParseError::Missing("To"))?),
            head,
        })
    }

    /// The method.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The topmost Via.
    pub fn via(&self) -> &Via<'a> {
        &self.via
    }

    /// The CSeq.
    pub fn cseq(&self) -> CSeq<'a> {
        self.cseq
    }

    /// Whether the To has a tag, which says that the request belongs to a dialog.
    pub fn has_to_tag(&self) -> bool {
        self.has_to_tag
    }
}

/// Whether a To or From has a tag. Quotes and angle brackets may hold what looks like one.
fn has_tag(value: &[u8]) -> bool {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    let mut parameters = Vec::new();
    let mut parameter: Option<Vec<u8>> = None;
    for byte in value {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'<' => bracketed = true,
            b'>' => bracketed = false,
            _ if bracketed => {}
            b';' => parameters.extend(parameter.replace(Vec::new())),
            byte if is_space(*byte) => {}
            byte => {
                if let Some(parameter) = &mut parameter {
                    parameter.push(byte.to_ascii_lowercase());
                }
            }
        }
    }
    parameters.extend(parameter);
    parameters
        .iter()
        .any(|parameter| parameter.starts_with(b"tag="))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const OPTIONS: &str = "OPTIONS sip:relay@198.51.100.1 SIP/2.0\r\n\
        Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp\r\nFrom: <sip:pbx@192.0.2.1>;tag=1\r\n\
        To: \"a;tag=x\" <sip:relay@198.51.100.1;tag=y>\r\nCall-ID: c\r\nCSeq: 5 OPTIONS\r\n\r\n";

    #[test]
    fn a_request_is_told_from_a_response() {
        let Datagram::Request(request) = Datagram::classify(OPTIONS.as_bytes()) else {
            panic!("not a request");
        };
        assert_eq!(request.method(), "OPTIONS");
        assert_eq!(request.via().branch, Some("z9hG4bKp"));
        assert!(!request.has_to_tag());
        assert!(has_tag(b"<sip:a@b> ; Tag = 7"));
        assert!(has_tag(b"sip:a@b;x=y;tag=7"));
        assert!(!has_tag(b"sip:a@b;xtag=7"));
    }

    #[test]
    fn keep_alives_are_no_garbage() {
        for datagram in [&b"\r\n\r\n"[..], b"\r\n", b"", b"\0\0\0\0"] {
            assert!(matches!(Datagram::classify(datagram), Datagram::KeepAlive));
        }
    }

    #[test]
    fn anything_else_is_garbage_with_a_reason() {
        let mismatched = OPTIONS.replace("5 OPTIONS", "5 INVITE");
        let other_version = OPTIONS.replace("SIP/2.0\r\nVia", "SIP/7.0\r\nVia");
        for (datagram, error) in [
            (&b"hello"[..], ParseError::StartLine),
            (b"GET / HTTP/1.1\r\n\r\n", ParseError::StartLine),
            (b"\x16\x03\x01\n\n\n", ParseError::StartLine),
            (mismatched.as_bytes(), ParseError::Header("CSeq")),
            (other_version.as_bytes(), ParseError::Version),
        ] {
            let Datagram::Garbage(found) = Datagram::classify(datagram) else {
                panic!("taken: {}", datagram.escape_ascii());
            };
            assert_eq!(found, error);
        }
    }
}
