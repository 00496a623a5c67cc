//! The transaction by itself: its timers, what it takes for its own, and that it ends once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use proptest::prelude::*;
use ringfence_sip_notify::{
    ClientTransaction, Datagram, Ending, NoAnswer, NotifySession, ParseError, Receipt, Timers,
    TransactionEvent, Transport, Unusable,
};
use support::{Random, answer, message, parse, session, session_with_credentials};

fn transaction() -> ClientTransaction {
    ClientTransaction::new(message(1), Timers::default(), 1_000)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_final_answer_starts_timer_k() {
    let mut transaction = transaction();
    let request = transaction.poll_transmit().unwrap().to_vec();
    let ok = answer(&request, "200 OK", &[]);
    assert!(transaction.handle_response(&parse(&ok), 1_700));
    assert_eq!(transaction.poll_event(), Some(TransactionEvent::Final(200)));
    assert_eq!(transaction.poll_timeout(), Some(6_700));

    assert!(
        !transaction.handle_response(&parse(&ok), 2_000),
        "a copy is absorbed"
    );
    transaction.handle_timeout(6_699);
    assert!(transaction.poll_timeout().is_some());
    transaction.handle_timeout(6_700);
    assert_eq!(transaction.poll_timeout(), None);
    assert_eq!(transaction.poll_event(), None);
}

/// RFC 3261 §17.1.2: timers E and K are 0 over a stream, timer F is what it is.
#[test]
fn over_a_stream_nothing_is_sent_twice_and_nothing_is_waited_for_after_the_answer() {
    let over = |seed| {
        let message = support::request()
            .over(Transport::Tcp)
            .build(&mut Random(seed).entropy())
            .unwrap();
        ClientTransaction::new(message, Timers::default(), 1_000)
    };
    let mut silent = over(1);
    let request = silent.poll_transmit().unwrap().to_vec();
    assert_eq!(silent.poll_timeout(), Some(33_000), "timer F alone");
    for at in [1_500, 9_000, 32_999] {
        silent.handle_timeout(at);
        assert_eq!(silent.poll_transmit(), None);
    }
    silent.handle_timeout(33_000);
    assert_eq!(silent.poll_event(), Some(TransactionEvent::TimedOut));
    assert_eq!(silent.transmissions(), 1);

    let mut answered = over(1);
    answered.poll_transmit();
    assert!(answered.handle_response(&parse(&answer(&request, "200 OK", &[])), 1_700));
    assert_eq!(answered.poll_event(), Some(TransactionEvent::Final(200)));
    assert_eq!(
        answered.poll_timeout(),
        None,
        "no copy of the answer can come"
    );
}

#[test]
fn an_answer_stops_a_copy_that_was_due() {
    let mut transaction = transaction();
    let request = transaction.poll_transmit().unwrap().to_vec();
    transaction.handle_timeout(1_500);
    transaction.handle_response(&parse(&answer(&request, "200 OK", &[])), 1_500);
    assert_eq!(transaction.poll_transmit(), None);
}

#[test]
fn a_late_timer_sends_one_copy_and_an_early_one_none() {
    let mut transaction = transaction();
    assert!(transaction.poll_transmit().is_some());
    transaction.handle_timeout(1_499);
    assert_eq!(transaction.poll_transmit(), None);
    transaction.handle_timeout(9_000);
    assert!(transaction.poll_transmit().is_some());
    assert_eq!(transaction.poll_transmit(), None);
    assert_eq!(transaction.poll_timeout(), Some(10_000));
    assert_eq!(transaction.transmissions(), 2);
}

#[test]
fn timer_f_wins_over_timer_e() {
    let mut transaction = transaction();
    assert!(transaction.poll_transmit().is_some());
    transaction.handle_timeout(40_000);
    assert_eq!(transaction.poll_transmit(), None);
    assert_eq!(transaction.poll_event(), Some(TransactionEvent::TimedOut));
    assert_eq!(transaction.poll_timeout(), None);
}

#[test]
fn an_answer_to_another_request_is_foreign() {
    let mut session = session(1);
    let request = session.poll_transmit().unwrap().to_vec();
    let ok = text(&answer(&request, "200 OK", &[]));
    let branch = session.branch().to_owned();
    for foreign in [
        ok.replace(&branch, &format!("{branch}x")),
        ok.replace(&branch, "z9hG4bK"),
        ok.replace(&format!(";branch={branch}"), ""),
    ] {
        assert_ne!(foreign, ok);
        let receipt =
            session.handle_response(&parse(foreign.as_bytes()), 5, &mut Random(0).entropy());
        assert_eq!(receipt, Receipt::Foreign, "{foreign}");
    }
    assert!(!session.is_finished());
    let receipt = session.handle_response(&parse(ok.as_bytes()), 5, &mut Random(0).entropy());
    assert_eq!(receipt, Receipt::Finished);
}

/// What a peer does to an answer to a session.
type Changes = fn(&str, &NotifySession) -> String;

/// A session that got an answer with a change in it.
struct Heard {
    session: NotifySession,
    /// The answer as the phone gave it.
    right: String,
    changed: String,
    receipt: Receipt,
}

fn hear(change: Changes) -> Heard {
    let mut session = session(1);
    let request = session.poll_transmit().unwrap().to_vec();
    let right = text(&answer(&request, "200 OK", &[]));
    let changed = change(&right, &session);
    assert_ne!(changed, right);
    let receipt = session.handle_response(&parse(changed.as_bytes()), 5, &mut Random(0).entropy());
    Heard {
        session,
        right,
        changed,
        receipt,
    }
}

#[test]
fn an_answer_that_changed_what_carries_nothing_is_taken() {
    let cases: [Changes; 5] = [
        |ok, session| ok.replace(session.branch(), &session.branch().to_uppercase()),
        |ok, session| ok.replace(session.branch(), &session.branch().to_lowercase()),
        |ok, _| ok.replace("1 NOTIFY", "1 notify"),
        |ok, _| ok.replace("Call-ID:", "CallID:"),
        |ok, _| ok.trim_end().to_owned(),
    ];
    for change in cases {
        let heard = hear(change);
        assert_eq!(heard.receipt, Receipt::Finished, "{}", heard.changed);
    }
}

#[test]
fn an_answer_that_cannot_be_used_is_told_apart_from_silence() {
    let cases: [(Changes, Unusable); 4] = [
        (|ok, _| ok.replace("1 NOTIFY", "1 INVITE"), Unusable::CSeq),
        (|ok, _| ok.replace("1 NOTIFY", "2 NOTIFY"), Unusable::CSeq),
        (
            |ok, session| ok.replace(session.call_id(), "another"),
            Unusable::CallId,
        ),
        (
            |ok, _| ok.replace("\r\nFrom:", "\r\nVia: SIP/2.0/UDP h\r\nFrom:"),
            Unusable::Vias,
        ),
    ];
    for (change, why) in cases {
        let heard = hear(change);
        assert_eq!(heard.receipt, Receipt::Unusable, "{}", heard.changed);
        let mut session = heard.session.clone();
        session.handle_timeout(32_000);
        let outcome = session.poll_outcome().unwrap();
        assert_eq!(outcome.ending, Ending::Unreachable(NoAnswer::Unusable(why)));
        // Another copy of the answer may be right.
        let right = parse(heard.right.as_bytes());
        let mut session = heard.session;
        let receipt = session.handle_response(&right, 9, &mut Random(0).entropy());
        assert_eq!(receipt, Receipt::Finished);
    }

    let mut session = session(1);
    session.handle_unreadable(ParseError::Missing("CSeq"));
    session.handle_timeout(32_000);
    let outcome = session.poll_outcome().unwrap();
    let Ending::Unreachable(NoAnswer::Unusable(why)) = outcome.ending else {
        panic!("{outcome:?}");
    };
    assert_eq!(why.to_string(), "the header CSeq is missing");
}

#[test]
fn a_transport_failure_ends_the_session() {
    let mut session = session(1);
    session.handle_transport_error();
    session.handle_transport_error();
    assert_eq!(session.poll_transmit(), None);
    let outcome = session.poll_outcome().unwrap();
    assert_eq!(outcome.ending, Ending::Unreachable(NoAnswer::Transport));
    assert_eq!(outcome.transmissions, 0);
    assert_eq!(
        (session.poll_outcome(), session.poll_timeout()),
        (None, None)
    );
}

#[test]
fn timers_of_zero_do_not_storm() {
    let timers = Timers {
        t1: 0,
        t2: 0,
        t4: 0,
    };
    let mut transaction = ClientTransaction::new(message(1), timers, 0);
    transaction.handle_timeout(0);
    assert_eq!(transaction.poll_event(), Some(TransactionEvent::TimedOut));
}

/// Anything that can happen to a session.
#[derive(Clone, Debug)]
enum Happening {
    Wait(u64),
    Hear { status: u16, of: Of, more: usize },
    Garbage(Vec<u8>),
    Ask,
    TransportError,
}

#[derive(Clone, Debug)]
enum Of {
    Latest,
    First,
    Nobody,
}

const LINES: [&str; 7] = [
    "Retry-After: 7",
    "WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", qop=\"auth\"",
    "WWW-Authenticate: Digest realm=\"a\", nonce=\"2\", stale=true",
    "Proxy-Authenticate: Digest realm=\"b\", nonce=\"3\", algorithm=SHA-256",
    "Proxy-Authenticate: Digest realm=\"b\", nonce=\"4\", algorithm=SHA-256, stale=true",
    "WWW-Authenticate: Basic realm=\"c\"",
    "WWW-Authenticate: Digest",
];

fn happening() -> impl Strategy<Value = Happening> {
    let of = prop_oneof![4 => Just(Of::Latest), 1 => Just(Of::First), 1 => Just(Of::Nobody)];
    let status = prop_oneof![Just(401_u16), Just(407), Just(180), 100..700_u16];
    prop_oneof![
        3 => (0..9_000_u64).prop_map(Happening::Wait),
        6 => (status, of, 0..LINES.len()).prop_map(|(status, of, more)| Happening::Hear { status, of, more }),
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Happening::Garbage),
        3 => Just(Happening::Ask),
        1 => Just(Happening::TransportError),
    ]
}

proptest! {
    #[test]
    fn a_session_ends_once_whatever_happens(happenings in prop::collection::vec(happening(), 0..60), seed: u64) {
        let mut random = Random(seed);
        let mut session = session_with_credentials(seed);
        let first = session.message().as_bytes().to_vec();
        let mut now = 0;
        let mut outcomes = 0;
        for happening in happenings {
            let was_finished = session.is_finished();
            let branch = session.branch().to_owned();
            match happening {
                Happening::Wait(ms) => {
                    now += ms;
                    session.handle_timeout(now);
                }
                Happening::Hear { status, of, more } => {
                    let request = match of {
                        Of::Latest => session.message().as_bytes().to_vec(),
                        Of::First => first.clone(),
                        Of::Nobody => message(seed ^ 1).as_bytes().to_vec(),
                    };
                    let bytes = answer(&request, &format!("{status} x"), &[LINES[more]]);
                    let receipt = session.handle_response(&parse(&bytes), now, &mut random.entropy());
                    prop_assert_eq!(receipt == Receipt::Resent, branch != session.branch());
                    prop_assert_eq!(receipt == Receipt::Finished, !was_finished && session.is_finished());
                }
                Happening::Garbage(bytes) => {
                    if let Datagram::Response(response) = Datagram::classify(&bytes) {
                        let receipt = session.handle_response(&response, now, &mut random.entropy());
                        prop_assert_eq!(receipt, Receipt::Foreign);
                    }
                }
                Happening::Ask => {
                    let sends = session.poll_transmit().is_some();
                    prop_assert!(!(sends && session.is_finished()));
                }
                Happening::TransportError => session.handle_transport_error(),
            }
            prop_assert!(!was_finished || session.is_finished());
            outcomes += usize::from(session.poll_outcome().is_some());
            prop_assert_eq!(outcomes, usize::from(session.is_finished()));
        }
        // Left alone, it comes to its end by itself.
        while let Some(at) = session.poll_timeout() {
            now = now.max(at);
            session.handle_timeout(now);
            outcomes += usize::from(session.poll_outcome().is_some());
        }
        prop_assert_eq!(outcomes, 1);
        prop_assert_eq!(session.poll_transmit(), None);
    }
}
