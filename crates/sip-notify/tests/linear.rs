//! No datagram or setting costs more than linear time and memory: hostile repetitions, N of them and
//! four times as many. Memory is counted by the allocator. Time is a clock's, the quickest of several
//! runs, with room for a busy machine: quadratic time would be sixteen times as much.

#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use ringfence_sip_notify::{
    Challenger, Datagram, EventType, HeaderName, HeaderValue, Response, SipUri, peek_branch, refuse,
};

/// Counts the bytes that are asked for on this thread.
struct Counting;

thread_local! {
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

// Every call goes on to the system's allocator as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

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

/// What a clock may say beside the work.
const SLACK: Duration = Duration::from_millis(80);

fn cost(work: impl Fn()) -> (usize, Duration) {
    let (asked, begun) = (ASKED.get(), Instant::now());
    work();
    (ASKED.get() - asked, begun.elapsed())
}

fn check(what: &str, bytes: usize, work: impl Fn(usize)) {
    let (asked, mut time) = cost(|| work(bytes));
    let (asked_4, mut time_4) = cost(|| work(4 * bytes));
    assert!(
        asked_4 <= 5 * asked + 400_000,
        "{what}: {asked} bytes asked for, then {asked_4}"
    );
    for _ in 0..12 {
        if time_4 <= 8 * time + SLACK {
            return;
        }
        time = time.min(cost(|| work(bytes)).1);
        time_4 = time_4.min(cost(|| work(4 * bytes)).1);
    }
    panic!("{what}: {time:?}, then {time_4:?}");
}

#[test]
fn a_datagram_is_read_in_linear_time() {
    let source = "192.0.2.1:5060".parse().unwrap();
    for piece in PIECES {
        for (before, after) in PLACES {
            // The larger is as long as a datagram can be.
            check(&format!("{before:?} {piece:?}"), 16_000, |bytes| {
                let text = format!("{before}{}{after}", piece.repeat(bytes / piece.len()));
                let _ = peek_branch(text.as_bytes());
                if let Ok(response) = Response::parse(text.as_bytes()) {
                    response.challenges(Challenger::Origin);
                    let _ = response.header("Via").count();
                }
                if let Datagram::Request(request) = Datagram::classify(text.as_bytes()) {
                    let _ = refuse(&request, source, "tag");
                }
            });
        }
    }
}

#[test]
fn what_a_setting_says_is_read_in_linear_time() {
    for piece in PIECES {
        for before in ["", "sip:", "sip:a@h;", "sip:[", "check-sync;"] {
            check(&format!("{before:?} {piece:?}"), 50_000, |bytes| {
                let text = format!("{before}{}", piece.repeat(bytes / piece.len()));
                let _ = SipUri::parse(&text);
                let _ = EventType::parse(&text);
                let _ = HeaderName::parse(&text);
                let _ = HeaderValue::parse(&text);
            });
        }
    }
}
