//! No datagram or setting costs more than linear time and memory: hostile repetitions, N of them and
//! four times as many. Memory is counted by the allocator. Time is a clock's, the quickest of several
//! runs, with room for a busy machine: quadratic time would be sixteen times as much.

#![allow(clippy::unwrap_used)]

use ringfence_sip_notify::{
    Challenger, Datagram, EventType, Framer, HeaderName, HeaderValue, Response, SipUri,
    peek_branch, refuse,
};
use ringfence_test_cost::{Counting, assert_linear, repeated};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PIECES: [&str; 26] = [
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    "\r\n ",
    ":",
    ";",
    ",",
    "=",
    "\"",
    "\\",
    "<",
    ">",
    "@",
    "[",
    "]",
    "%",
    "a",
    ";a",
    ";a=\"",
    ",a=",
    "a: b\r\n",
    "Via: SIP/2.0/UDP h;branch=b,\r\n",
    "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n",
    "\0",
];

/// Around what is repeated.
const PLACES: [(&str, &str); 6] = [
    ("", ""),
    ("SIP/2.0 401 ", "\r\n\r\n"),
    (
        "SIP/2.0 401 No\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nCall-ID: c\r\nCSeq: 1 NOTIFY\r\n",
        "\r\n\r\n",
    ),
    (
        "SIP/2.0 401 No\r\nVia: SIP/2.0/UDP h",
        "\r\nCall-ID: c\r\nCSeq: 1 NOTIFY\r\n\r\n",
    ),
    (
        "SIP/2.0 401 No\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nCall-ID: c\r\nCSeq: 1 NOTIFY\r\nWWW-Authenticate: Digest ",
        "\r\n\r\n",
    ),
    (
        "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bKa\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nTo: ",
        "\r\n\r\n",
    ),
];

#[test]
fn a_datagram_is_read_in_linear_time() {
    let source = "192.0.2.1:5060".parse().unwrap();
    for piece in PIECES {
        for (before, after) in PLACES {
            // The larger is as long as a datagram can be.
            assert_linear(&format!("{before:?} {piece:?}"), 16_000, |bytes| {
                let text = format!("{before}{}{after}", repeated(piece, bytes));
                let _ = peek_branch(text.as_bytes());
                if let Ok(response) = Response::parse(text.as_bytes()) {
                    response.challenges(Challenger::Origin);
                    let _ = response.header("Via").count();
                }
                if let Datagram::Request(request) = Datagram::classify(text.as_bytes()) {
                    let _ = refuse(&request, Some(source), "tag");
                }
            });
        }
    }
}

#[test]
fn what_a_setting_says_is_read_in_linear_time() {
    for piece in PIECES {
        for before in ["", "sip:", "sip:a@h;", "sip:[", "check-sync;"] {
            assert_linear(&format!("{before:?} {piece:?}"), 50_000, |bytes| {
                let text = format!("{before}{}", repeated(piece, bytes));
                let _ = SipUri::parse(&text);
                let _ = EventType::parse(&text);
                let _ = HeaderName::parse(&text);
                let _ = HeaderValue::parse(&text);
            });
        }
    }
}

#[test]
fn a_stream_is_taken_apart_in_linear_time_whatever_its_pieces_are() {
    let own = [
        "SIP/2.0 200 OK\r\nl: 0\r\n\r\n",
        "SIP/2.0 200 OK\r\nl: 9\r\n\r\n",
    ];
    for piece in PIECES.into_iter().chain(own) {
        for before in [
            "",
            "SIP/2.0 200 OK\r\n",
            "SIP/2.0 200 OK\r\nl: 60000\r\n\r\n",
            "SIP/2.0 200 OK\r\na: ",
        ] {
            for length in [1, 1_000, 100_000] {
                assert_linear(&format!("{before:?} {piece:?} {length}"), 16_000, |bytes| {
                    let text = format!("{before}{}", repeated(piece, bytes));
                    let mut framer = Framer::new();
                    for part in text.as_bytes().chunks(length) {
                        framer.push(part);
                        while let Ok(Some(_)) = framer.poll() {}
                    }
                });
            }
        }
    }
}
