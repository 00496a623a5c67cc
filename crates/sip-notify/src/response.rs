//! Responses, as they come from the network.

use std::borrow::Cow;

use crate::challenge::{self, Challenge, ChallengeError, Challenger};
use crate::entropy::MAGIC_COOKIE;
use crate::header::full_name;
use crate::lex::{
    Cursor, HeaderLines, ParseError, is_token_byte, number, split_line, trim, visible,
};
use crate::via::{self, Via};

/// A response (RFC 3261 §7.2), read from one datagram and borrowing from it.
///
/// What is needed to match it must be there and have one reading: the status line, the topmost Via
/// with its branch, the CSeq. [`parse`](Self::parse) refuses it otherwise. Any other line may hold
/// what it likes, be malformed or missing: phones are known for all of that, and a response is
/// recognised without it.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    status: u16,
    reason: &'a [u8],
    head: HeaderLines<'a>,
    body: &'a [u8],
    via: Via<'a>,
    via_is_single: bool,
    cseq: CSeq<'a>,
    call_id: Option<&'a str>,
    retry_after: Option<u32>,
}

/// A CSeq (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2³¹.
    pub number: u32,
    /// The method, which distinguishes case.
    pub method: &'a str,
}

impl<'a> Response<'a> {
    /// Reads a datagram. Line ends before the first line are skipped (RFC 3261 §7.5); what follows
    /// the body that Content-Length counts is dropped. A Content-Length that cannot be right counts
    /// as absent, and the empty line may be missing: nobody acts on the body of an answer. Two of a
    /// header that is matched, or of Content-Length, with different values are refused: there is no
    /// telling which one counts.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        let (line, rest) = start_line(datagram)?;
        let (status, reason) = status_line(line)?;
        let head = HeaderLines::new(rest);
        let common = Common::read(head, Care::Liberal)?;
        Ok(Self {
            status,
            reason,
            head,
            body: common.body,
            via: common.via,
            via_is_single: common.via_is_single,
            cseq: common.cseq,
            call_id: common.call_id,
            retry_after: common.retry_after,
        })
    }

    /// The status code, 100–699.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Whether more answers follow (1xx).
    pub fn is_provisional(&self) -> bool {
        self.status < 200
    }

    /// The words after the status code; they may be none, and in any language.
    pub fn reason(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.reason)
    }

    /// The topmost Via.
    pub fn via(&self) -> &Via<'a> {
        &self.via
    }

    /// Whether there is one Via only. A response with more was meant for somebody behind us, and a
    /// user agent drops it (RFC 3261 §8.1.3.3).
    pub fn has_single_via(&self) -> bool {
        self.via_is_single
    }

    /// The branch of the topmost Via.
    pub fn branch(&self) -> Option<&'a str> {
        self.via.branch
    }

    /// The CSeq.
    pub fn cseq(&self) -> CSeq<'a> {
        self.cseq
    }

    /// The Call-ID, if there is one.
    pub fn call_id(&self) -> Option<&'a str> {
        self.call_id
    }

    /// Retry-After in seconds (RFC 3261 §20.33), without its comment and parameters. One too large
    /// for `u32` is `u32::MAX`; one that is no number counts as absent.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// The body.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The values of a header, by its full name in any case, compact forms included. Raw: trimmed,
    /// but with its folds.
    pub fn header<'n>(&self, name: &'n str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'n> {
        let mut lines = self.head;
        std::iter::from_fn(move || lines.next_readable())
            .filter(move |(found, _)| full_name(found).eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The challenges of a 401 ([`Challenger::Origin`]) or 407 ([`Challenger::Proxy`]), in order; an
    /// error stands for one that cannot be answered.
    pub fn challenges(&self, from: Challenger) -> Vec<Result<Challenge, ChallengeError>> {
        self.header(from.challenge_header())
            .flat_map(challenge::parse_all)
            .collect()
    }
}

/// The branch of the topmost Via of a datagram that may be a response, without reading the rest:
/// enough to look up whose it is.
pub fn peek_branch(datagram: &[u8]) -> Option<&str> {
    let (line, rest) = start_line(datagram).ok()?;
    status_line(line).ok()?;
    let mut lines = HeaderLines::new(rest);
    while let Some((name, value)) = lines.next_readable() {
        if full_name(name).eq_ignore_ascii_case("Via") {
            return via::parse(value)?.0.branch;
        }
    }
    None
}

/// Branches looked for in one datagram.
const MAX_BRANCHES: usize = 8;

/// Whatever looks like a branch of RFC 3261 in a datagram, in any case: at most eight, from the
/// first on. Our branches cannot be guessed, so whoever sends one answers the request that had it,
/// however little else of the answer can be read.
pub fn branches(datagram: &[u8]) -> impl Iterator<Item = &str> {
    let cookie = MAGIC_COOKIE.as_bytes();
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let at = rest
            .windows(cookie.len())
            .position(|window| window.eq_ignore_ascii_case(cookie))?;
        let mut cursor = Cursor::new(rest.get(at..)?);
        let branch = visible(cursor.take_while(is_token_byte))?;
        rest = cursor.rest();
        Some(branch)
    })
    .take(MAX_BRANCHES)
}

/// How carefully a message must be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// Every line right, the body as long as it says.
    Strict,
    /// Whatever has one reading.
    Liberal,
}

/// What requests and responses have in common, as far as we look.
pub(crate) struct Common<'a> {
    pub(crate) via: Via<'a>,
    pub(crate) via_is_single: bool,
    pub(crate) cseq: CSeq<'a>,
    pub(crate) call_id: Option<&'a str>,
    pub(crate) retry_after: Option<u32>,
    pub(crate) body: &'a [u8],
}

impl<'a> Common<'a> {
    pub(crate) fn read(mut lines: HeaderLines<'a>, care: Care) -> Result<Self, ParseError> {
        let mut top_via = None;
        let mut via_is_single = true;
        let mut cseq = None;
        let mut call_id = None;
        let mut retry_after = None;
        let mut content_length = None;
        while let Some((name, value)) = match care {
            Care::Strict => lines.next_line()?,
            Care::Liberal => lines.next_readable(),
        } {
            let name = full_name(name);
            if name.eq_ignore_ascii_case("Via") {
                if top_via.is_some() {
                    via_is_single = false;
                } else {
                    let (via, more) = via::parse(value).ok_or(ParseError::Header("Via"))?;
                    top_via = Some(via);
                    via_is_single = !more;
                }
            } else if name.eq_ignore_ascii_case("CSeq") {
                once(&mut cseq, read_cseq(value), "CSeq", care)?;
            } else if name.eq_ignore_ascii_case("Call-ID") {
                once(&mut call_id, visible(value), "Call-ID", care)?;
            } else if name.eq_ignore_ascii_case("Content-Length") {
                match (number(value), care) {
                    (None, Care::Liberal) => {}
                    (length, _) => once(&mut content_length, length, "Content-Length", care)?,
                }
            } else if name.eq_ignore_ascii_case("Retry-After") && retry_after.is_none() {
                retry_after = read_retry_after(value);
            }
        }
        let rest = lines.body();
        let counted = content_length.map(|len| usize::try_from(len).ok());
        let body = match counted.map(|len| rest.get(..len?)) {
            Some(Some(body)) => body,
            Some(None) if care == Care::Strict => return Err(ParseError::BodyCut),
            _ => rest,
        };
        Ok(Self {
            via: top_via.ok_or(ParseError::Missing("Via"))?,
            via_is_single,
            cseq: cseq.ok_or(ParseError::Missing("CSeq"))?,
            call_id,
            retry_after,
            body,
        })
    }
}

/// Takes in a header that counts once. A second one of the same value does no harm in a message that
/// is read liberally.
fn once<T: PartialEq>(
    place: &mut Option<T>,
    value: Option<T>,
    name: &'static str,
    care: Care,
) -> Result<(), ParseError> {
    let value = value.ok_or(ParseError::Header(name))?;
    match place {
        None => *place = Some(value),
        Some(given) if care == Care::Liberal && *given == value => {}
        Some(_) => return Err(ParseError::Repeated(name)),
    }
    Ok(())
}

/// The first line that is not empty, and what follows it.
pub(crate) fn start_line(datagram: &[u8]) -> Result<(&[u8], &[u8]), ParseError> {
    let mut rest = datagram;
    loop {
        let (line, after) = split_line(rest).ok_or(ParseError::StartLine)?;
        if !line.is_empty() {
            return Ok((line, after));
        }
        rest = after;
    }
}

/// `SIP/2.0 200 OK`. The reason may be empty, and some peers then leave out the space before it too.
fn status_line(line: &[u8]) -> Result<(u16, &[u8]), ParseError> {
    let (version, rest) = split_at_space(line).ok_or(ParseError::StartLine)?;
    let is_sip = version
        .get(..4)
        .is_some_and(|name| name.eq_ignore_ascii_case(b"SIP/"));
    if !is_sip {
        return Err(ParseError::StartLine);
    }
    if version.get(4..) != Some(b"2.0") {
        return Err(ParseError::Version);
    }
    let (code, reason) = split_at_space(rest).unwrap_or((rest, b""));
    if code.len() != 3 {
        return Err(ParseError::StatusCode);
    }
    match number(code).and_then(|code| u16::try_from(code).ok()) {
        Some(code @ 100..=699) => Ok((code, trim(reason))),
        _ => Err(ParseError::StatusCode),
    }
}

pub(crate) fn split_at_space(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b' ')?;
    let (before, rest) = bytes.split_at_checked(at)?;
    Some((before, rest.get(1..)?))
}

fn read_cseq(value: &[u8]) -> Option<CSeq<'_>> {
    let mut cursor = Cursor::new(value);
    let digits = cursor.take_while(|byte| byte.is_ascii_digit());
    let number = u32::try_from(number(digits)?).ok()?;
    if number > i32::MAX.unsigned_abs() {
        return None;
    }
    let before = cursor.rest().len();
    cursor.skip_space();
    if cursor.rest().len() == before {
        return None;
    }
    let method = cursor.take_while(is_token_byte);
    if !cursor.is_empty() {
        return None;
    }
    Some(CSeq {
        number,
        method: visible(method)?,
    })
}

fn read_retry_after(value: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(value);
    let seconds = number(cursor.take_while(|byte| byte.is_ascii_digit()))?;
    cursor.skip_space();
    match cursor.rest().first() {
        None | Some(b';' | b'(') => Some(u32::try_from(seconds).unwrap_or(u32::MAX)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const OK: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKa;rport=5060\r\n\
        From: <sip:prov@pbx.example>;tag=1\r\nTo: <sip:100@pbx.example>;tag=2\r\n\
        Call-ID: c1\r\nCSeq: 1 NOTIFY\r\n";

    fn with(more: &str) -> Vec<u8> {
        format!("{OK}{more}").into_bytes()
    }

    #[test]
    fn the_parts_of_a_response() {
        let bytes = with("Retry-After: 120 (busy);duration=3\r\nContent-Length: 2\r\n\r\nhi there");
        let response = Response::parse(&bytes).unwrap();
        assert_eq!((response.status(), &*response.reason()), (200, "OK"));
        assert_eq!(response.branch(), Some("z9hG4bKa"));
        assert_eq!(peek_branch(&bytes), Some("z9hG4bKa"));
        assert_eq!(response.via().rport, Some(5060));
        assert_eq!(
            response.cseq(),
            CSeq {
                number: 1,
                method: "NOTIFY"
            }
        );
        assert_eq!(response.call_id(), Some("c1"));
        assert_eq!(response.retry_after(), Some(120));
        assert_eq!(response.body(), b"hi");
        assert_eq!(
            response.header("from").next(),
            Some(&b"<sip:prov@pbx.example>;tag=1"[..])
        );
        assert!(response.has_single_via());
    }

    #[test]
    fn compact_and_folded_headers_are_read() {
        let bytes = b"\r\nsip/2.0 486\r\nv:\r\n SIP/2.0/UDP\r\n h;branch=z9hG4bKb\r\ni:\r\n  c2\r\nCSEQ: 007\r\n NOTIFY\r\nl: 0\r\n\r\n";
        let response = Response::parse(bytes).unwrap();
        assert_eq!((response.status(), &*response.reason()), (486, ""));
        assert_eq!(response.branch(), Some("z9hG4bKb"));
        assert_eq!(response.call_id(), Some("c2"));
        assert_eq!(
            response.cseq(),
            CSeq {
                number: 7,
                method: "NOTIFY"
            }
        );
        assert_eq!(response.header("Call-ID").count(), 1);
    }

    #[test]
    fn what_cannot_be_matched_is_refused() {
        for (bytes, error) in [
            (with("CSeq: 2 NOTIFY\r\n\r\n"), ParseError::Repeated("CSeq")),
            (with("i: c2\r\n\r\n"), ParseError::Repeated("Call-ID")),
            (
                with("l: 0\r\nContent-Length: 1\r\n\r\n"),
                ParseError::Repeated("Content-Length"),
            ),
            (
                b"SIP/2.0 200 OK\r\n\r\n".to_vec(),
                ParseError::Missing("Via"),
            ),
            (
                b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\n\r\n".to_vec(),
                ParseError::Missing("CSeq"),
            ),
            (b"SIP/7.0 200 OK\r\n\r\n".to_vec(), ParseError::Version),
            (b"SIP/2.0 99 no\r\n\r\n".to_vec(), ParseError::StatusCode),
            (b"SIP/2.0 700 no\r\n\r\n".to_vec(), ParseError::StatusCode),
            (b"SIP/2.0 2000 no\r\n\r\n".to_vec(), ParseError::StatusCode),
            (b"SIP/2.0 +20 no\r\n\r\n".to_vec(), ParseError::StatusCode),
            (b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), ParseError::StartLine),
            (b"\r\n\r\n".to_vec(), ParseError::StartLine),
            (b"\x00\x01garbage".to_vec(), ParseError::StartLine),
        ] {
            assert_eq!(
                Response::parse(&bytes).unwrap_err(),
                error,
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn what_can_be_matched_is_taken_whatever_else_is_wrong_with_it() {
        let without_call_id = OK.replace("Call-ID: c1\r\n", "CallID: c1\r\n");
        for (bytes, body) in [
            (with(""), &b""[..]),
            (with("Contact: <sip:a@b>"), b""),
            (with("CSeq: 1 NOTIFY\r\ni: c1\r\nl: 0\r\nl: 0\r\n\r\n"), b""),
            (with("Content-Length: -1\r\n\r\nhi"), b"hi"),
            (with("Content-Length: none\r\n\r\nhi"), b"hi"),
            (with("Content-Length: 5\r\n\r\nhi"), b"hi"),
            (
                with("Content-Length: 99999999999999999999\r\n\r\nhi"),
                b"hi",
            ),
            (with("no colon\r\nUser Agent: x\r\n: y\r\n\r\nhi"), b"hi"),
            (with("Server: a\rb\r\nX-ÿ: c\r\n\r\n"), b""),
            (without_call_id.into_bytes(), b""),
        ] {
            let shown = bytes.escape_ascii().to_string();
            let response = Response::parse(&bytes).unwrap();
            assert_eq!(response.status(), 200, "{shown}");
            assert_eq!(response.branch(), Some("z9hG4bKa"), "{shown}");
            assert_eq!(response.cseq().number, 1, "{shown}");
            assert_eq!(response.body(), body, "{shown}");
            assert_eq!(peek_branch(&bytes), Some("z9hG4bKa"), "{shown}");
        }
    }

    #[test]
    fn branches_are_found_in_whatever_arrives() {
        let found = |bytes: &'static [u8]| branches(bytes).collect::<Vec<_>>();
        assert_eq!(
            found(b"NOTIFY x\r\nVia: h;branch=z9hG4bKa;rport\r\nVia: g;branch=Z9HG4BKb,"),
            ["z9hG4bKa", "Z9HG4BKb"]
        );
        assert_eq!(found(b"\xff\0z9hG4bK"), ["z9hG4bK"]);
        assert!(found(b"z9hG4b").is_empty());
        let many = b"z9hG4bKx;".repeat(20);
        assert_eq!(branches(&many).count(), MAX_BRANCHES);
    }

    #[test]
    fn a_cseq_is_below_two_to_the_31() {
        assert_eq!(read_cseq(b"2147483647 X").unwrap().number, 2_147_483_647);
        for value in [
            &b"2147483648 X"[..],
            b"1",
            b"1X",
            b"x X",
            b"1 X Y",
            b"-1 X",
            b"",
        ] {
            assert_eq!(read_cseq(value), None, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn a_retry_after_that_is_no_number_is_absent() {
        assert_eq!(read_retry_after(b"18000;duration=3600"), Some(18000));
        assert_eq!(read_retry_after(b"99999999999"), Some(u32::MAX));
        for value in [&b"soon"[..], b"", b"5x", b"-5"] {
            assert_eq!(read_retry_after(value), None);
        }
    }
}
