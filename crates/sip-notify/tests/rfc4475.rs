//! The torture messages of RFC 4475 that are responses, after its descriptions, and in the manner of
//! its requests some responses more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use ringfence_sip_notify::{Datagram, ParseError, Receipt, Response};
use support::{Random, answer, session};

const HEADERS: &str = "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK0torture0\r\n\
    From: <sip:user@example.test>;tag=5\r\nTo: <sip:user@example.test>;tag=6\r\n\
    Call-ID: c-torture\r\nCSeq: 8 NOTIFY\r\n";

fn response(status_line: &str, more: &str) -> Vec<u8> {
    format!("{status_line}\r\n{HEADERS}{more}\r\n").into_bytes()
}

/// §3.1.1.12 `unreason`: punctuation and UTF-8 in the reason phrase.
#[test]
fn an_unusual_reason_phrase_is_read() {
    let bytes = response(
        "SIP/2.0 200 = 4 * 50; \"да\", но <не> всё: ясно?",
        "Content-Length: 0\r\n",
    );
    let response = Response::parse(&bytes).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.reason(), "= 4 * 50; \"да\", но <не> всё: ясно?");
}

/// §3.1.1.13 `noreason`: a space after the code, and no words.
#[test]
fn an_empty_reason_phrase_is_read() {
    let bytes = response("SIP/2.0 100 ", "Content-Length: 0\r\n");
    let response = Response::parse(&bytes).unwrap();
    assert_eq!((response.status(), &*response.reason()), (100, ""));
    assert!(response.is_provisional());
}

/// §3.1.2.5 `scalarlg`: CSeq and Retry-After beyond their ranges. It is dropped.
#[test]
fn scalars_beyond_their_range_are_dropped() {
    let bytes = b"SIP/2.0 503 Service Unavailable\r\n\
        Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bKlarge\r\n\
        To: <sip:user@example.test>\r\nFrom: <sip:other@example.test>;tag=large\r\n\
        CSeq: 9876543210987654321098 OPTIONS\r\nCall-ID: c-large\r\n\
        Retry-After: 987654321098765432109876543\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(
        Response::parse(bytes).unwrap_err(),
        ParseError::Header("CSeq")
    );
}

/// The half of `scalarlg` that does no harm alone: a very long wait is still a wait.
#[test]
fn a_retry_after_beyond_its_range_is_the_longest_there_is() {
    let bytes = response(
        "SIP/2.0 503 Service Unavailable",
        "Retry-After: 987654321098765432109876543\r\n",
    );
    assert_eq!(
        Response::parse(&bytes).unwrap().retry_after(),
        Some(u32::MAX)
    );
}

/// §3.1.2.19 `bigcode`: a status code beyond 32 bits. It is dropped.
#[test]
fn an_overlarge_status_code_is_dropped() {
    let bytes = response(
        "SIP/2.0 4294967301 far too many digits",
        "Content-Length: 0\r\n",
    );
    assert_eq!(Response::parse(&bytes).unwrap_err(), ParseError::StatusCode);
}

/// §3.3.10 `bcast`: a second Via with the broadcast address. Well formed, but for somebody behind us:
/// a user agent drops it, and nobody sends it on.
#[test]
fn a_response_with_a_second_via_is_read_and_dropped() {
    let mut session = session(1);
    let request = session.poll_transmit().unwrap().to_vec();
    let second = "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbehind";
    for bytes in [
        answer(&request, "200 OK", &[second]),
        String::from_utf8(answer(&request, "200 OK", &[]))
            .unwrap()
            .replace(
                ";rport",
                ";rport , SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbehind",
            )
            .into_bytes(),
    ] {
        let response = Response::parse(&bytes).unwrap();
        assert_eq!(response.branch(), Some(session.branch()));
        assert!(!response.has_single_via());
        assert_eq!(
            session.handle_response(&response, 10, &mut Random(0).entropy()),
            Receipt::Unusable
        );
    }
    assert_eq!(session.poll_outcome(), None);
}

/// In the manner of §3.1.1.1 `wsinv`: folds, odd white space, compact names, mixed case, headers
/// nobody knows, a header with an empty value.
#[test]
fn a_tortuous_response_is_read() {
    let bytes = "SIP/2.0 200 \r\nTO :\r\n sip:100@phone.example ;   tag    = t2\r\n\
        v:  SIP  / 2.0  / UDP\r\n    192.0.2.2;branch=z9hG4bKtortuous\r\n\
        f : \"A \\\\\\\"phone\"       <sip:prov@pbx.example>\r\n  ;\r\n  tag = t1\r\n\
        MaX-fOrWaRdS: 0007\r\nCall-ID  :\r\n c3.tortuous@192.0.2.1\r\ncseq: 0009\r\n  NOTIFY\r\n\
        s :\r\nX-Nobody-Knows:   one value\r\n on two lines\r\n\
        X-Separators: ;,;;,,\r\nl: 0\r\n\r\n";
    let response = Response::parse(bytes.as_bytes()).unwrap();
    assert_eq!(response.call_id(), Some("c3.tortuous@192.0.2.1"));
    assert_eq!(
        (response.cseq().number, response.cseq().method),
        (9, "NOTIFY")
    );
    assert_eq!(response.branch(), Some("z9hG4bKtortuous"));
    assert_eq!(response.header("Subject").next(), Some(&b""[..]));
    assert_eq!(
        response.header("x-nobody-knows").next(),
        Some(&b"one value\r\n on two lines"[..])
    );
}

/// In the manner of §3.1.2.2 `clerr` and §3.1.2.3 `ncl`, which are requests: of an answer nobody needs
/// the body, and status, branch and CSeq have one reading.
#[test]
fn a_content_length_that_cannot_be_right_costs_no_answer() {
    for length in ["9999", "-999", ""] {
        let more = format!("Content-Length: {length}\r\n");
        let bytes = response("SIP/2.0 200 OK", &more);
        let response = Response::parse(&bytes).unwrap();
        assert_eq!((response.status(), response.body()), (200, &b""[..]));
    }
}

/// In the manner of §3.1.2.16 `badvers` and §3.3.9 `mcl01`.
#[test]
fn malformed_responses_are_dropped_with_their_reason() {
    for (bytes, error) in [
        (response("SIP/7.0 200 OK", ""), ParseError::Version),
        (
            response("SIP/2.0 200 OK", "Content-Length: 13\r\nl: 5\r\n"),
            ParseError::Repeated("Content-Length"),
        ),
    ] {
        assert_eq!(Response::parse(&bytes).unwrap_err(), error);
        assert!(matches!(Datagram::classify(&bytes), Datagram::Garbage(_)));
    }
}

/// In the manner of §3.1.1.8 `dblreq`: what follows the message in its datagram is ignored.
#[test]
fn octets_after_the_body_are_ignored() {
    let mut bytes = response("SIP/2.0 486 Busy Here", "Content-Length: 0\r\n");
    bytes.extend(response("SIP/2.0 200 OK", ""));
    let response = Response::parse(&bytes).unwrap();
    assert_eq!((response.status(), response.body()), (486, &b""[..]));
}
