//! Challenges and their answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;

use ringfence_sip_notify::{
    AuthFailure, Credentials, Ending, NotifyOutcome, NotifySession, Receipt, Timers,
};
use support::phone::{expected, parameter};
use support::{Random, answer, header, headers, message, parse, session, session_with_credentials};

const MD5: &str = r#"WWW-Authenticate: Digest realm="pbx.example", nonce="n1", qop="auth,auth-int", opaque="o", algorithm=MD5"#;
const SHA: &str =
    r#"WWW-Authenticate: Digest realm="pbx.example", nonce="n2", qop="auth", algorithm=SHA-256"#;

/// Sends what is due, and answers it with this.
fn challenge(session: &mut NotifySession, status: &str, lines: &[&str]) -> Receipt {
    let request = session.poll_transmit().expect("nothing to answer").to_vec();
    let bytes = answer(&request, status, lines);
    session.handle_response(&parse(&bytes), 50, &mut Random(99).entropy())
}

fn failed(session: &mut NotifySession) -> AuthFailure {
    match session.poll_outcome() {
        Some(NotifyOutcome {
            ending: Ending::AuthFailed { failure, .. },
            ..
        }) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_answer_is_a_new_request_of_the_same_call() {
    let mut session = session_with_credentials(1);
    let before = session.message().clone();
    assert_eq!(
        challenge(&mut session, "401 Unauthorized", &[MD5]),
        Receipt::Resent
    );
    let after = session.message().clone();

    assert_eq!((before.cseq(), after.cseq()), (1, 2));
    assert_eq!(header(after.as_bytes(), "CSeq"), "2 NOTIFY");
    assert_ne!(before.branch(), after.branch());
    assert_eq!(after.branch(), session.branch());
    for same in [
        "Call-ID",
        "From",
        "To",
        "Contact",
        "Event",
        "Date",
        "Content-Length",
    ] {
        assert_eq!(
            header(before.as_bytes(), same),
            header(after.as_bytes(), same)
        );
    }

    let line = header(after.as_bytes(), "Authorization");
    assert_eq!(parameter(line, "username"), Some("100"));
    assert_eq!(parameter(line, "uri"), Some("sip:100@192.0.2.7:5060"));
    assert_eq!(parameter(line, "opaque"), Some("o"));
    assert_eq!(
        (parameter(line, "qop"), parameter(line, "nc")),
        (Some("auth"), Some("00000001"))
    );
    assert_eq!(
        parameter(line, "response"),
        Some(&*expected(after.as_bytes(), line))
    );

    assert_eq!(challenge(&mut session, "200 OK", &[]), Receipt::Finished);
    let outcome = session.poll_outcome().unwrap();
    assert_eq!(outcome.ending, Ending::Answered { code: 200 });
    assert_eq!((outcome.attempts, outcome.transmissions), (2, 2));
}

#[test]
fn the_old_form_without_qop_has_no_cnonce() {
    let mut session = session_with_credentials(1);
    challenge(
        &mut session,
        "401 x",
        &[r#"WWW-Authenticate: Digest realm="a", nonce="n""#],
    );
    let line = header(session.message().as_bytes(), "Authorization");
    for absent in ["qop", "nc", "cnonce", "opaque"] {
        assert_eq!(parameter(line, absent), None);
    }
    assert_eq!(
        parameter(line, "response"),
        Some(&*expected(session.message().as_bytes(), line))
    );
}

#[test]
fn the_strongest_challenge_of_a_realm_is_answered() {
    for order in [[MD5, SHA], [SHA, MD5]] {
        let mut session = session_with_credentials(1);
        let lines = [
            order[0],
            r#"WWW-Authenticate: Basic realm="pbx.example""#,
            order[1],
        ];
        challenge(&mut session, "401 x", &lines);
        let line = header(session.message().as_bytes(), "Authorization");
        assert_eq!(parameter(line, "algorithm"), Some("SHA-256"));
        assert_eq!(parameter(line, "nonce"), Some("n2"));
    }
}

#[test]
fn a_proxy_may_know_another_account_than_the_phone() {
    let own = Arc::new(Credentials::new("pool", "pr0xy", None).unwrap());
    let mut session = session_with_credentials(1).with_proxy_credentials(Some(own.clone()));
    let proxy = r#"Proxy-Authenticate: Digest realm="proxy.example", nonce="p", qop="auth""#;
    assert_eq!(challenge(&mut session, "407 x", &[proxy]), Receipt::Resent);
    assert_eq!(challenge(&mut session, "401 x", &[MD5]), Receipt::Resent);
    let message = session.message().clone();
    let user = |name| parameter(header(message.as_bytes(), name), "username").map(str::to_owned);
    assert_eq!(user("Proxy-Authorization").as_deref(), Some("pool"));
    assert_eq!(user("Authorization").as_deref(), Some("100"));

    // An account of the pool's is none of the phone's.
    let mut session = support::session(2).with_proxy_credentials(Some(own));
    assert_eq!(challenge(&mut session, "407 x", &[proxy]), Receipt::Resent);
    assert_eq!(challenge(&mut session, "401 x", &[MD5]), Receipt::Finished);
    assert_eq!(failed(&mut session), AuthFailure::NoCredentials);
}

#[test]
fn proxy_and_phone_may_both_challenge() {
    let proxy = r#"Proxy-Authenticate: Digest realm="proxy.example", nonce="p", qop="auth", algorithm=MD5-sess"#;
    let mut session = session_with_credentials(1);
    assert_eq!(challenge(&mut session, "407 x", &[proxy]), Receipt::Resent);
    let first = session.message().clone();
    assert!(headers(first.as_bytes(), "Authorization").is_empty());
    assert_eq!(challenge(&mut session, "401 x", &[MD5]), Receipt::Resent);

    let bytes = session.message().as_bytes();
    assert_eq!(header(bytes, "CSeq"), "3 NOTIFY");
    let (of_first, of_second) = (
        header(first.as_bytes(), "Proxy-Authorization"),
        header(bytes, "Proxy-Authorization"),
    );
    // The nonce is used again: its count goes up, and a session password stays with its cnonce.
    assert_eq!(parameter(of_second, "nc"), Some("00000002"));
    assert_eq!(
        parameter(of_first, "cnonce"),
        parameter(of_second, "cnonce")
    );
    for line in [of_second, header(bytes, "Authorization")] {
        assert_eq!(parameter(line, "response"), Some(&*expected(bytes, line)));
    }
    assert_eq!(challenge(&mut session, "200 OK", &[]), Receipt::Finished);
    assert_eq!(session.poll_outcome().unwrap().attempts, 3);
}

#[test]
fn a_refused_password_is_not_sent_again() {
    let mut session = session_with_credentials(1);
    challenge(&mut session, "401 x", &[MD5]);
    let other_nonce = MD5.replace("n1", "n3");
    assert_eq!(
        challenge(&mut session, "401 x", &[&other_nonce]),
        Receipt::Finished
    );
    assert_eq!(failed(&mut session), AuthFailure::Refused);
    assert_eq!(session.poll_transmit(), None);
}

#[test]
fn a_stale_nonce_is_replaced_once() {
    let stale = |nonce: &str| format!("{}, stale=true", MD5.replace("n1", nonce));
    let mut session = session_with_credentials(1);
    challenge(&mut session, "401 x", &[MD5]);
    assert_eq!(
        challenge(&mut session, "401 x", &[&stale("n2")]),
        Receipt::Resent
    );
    let line = header(session.message().as_bytes(), "Authorization").to_owned();
    assert_eq!(
        (parameter(&line, "nonce"), parameter(&line, "nc")),
        (Some("n2"), Some("00000001"))
    );
    assert_eq!(
        challenge(&mut session, "401 x", &[&stale("n3")]),
        Receipt::Finished
    );
    assert_eq!(failed(&mut session), AuthFailure::Refused);
}

#[test]
fn a_stale_first_challenge_is_as_good_as_any() {
    let mut session = session_with_credentials(1);
    let stale = format!("{MD5}, stale=TRUE");
    assert_eq!(challenge(&mut session, "401 x", &[&stale]), Receipt::Resent);
}

#[test]
fn what_cannot_be_answered_ends_the_session_and_says_why() {
    for (lines, failure) in [
        (&[][..], AuthFailure::NoChallenge),
        (
            &[r#"WWW-Authenticate: Digest realm="a""#],
            AuthFailure::Malformed,
        ),
        (
            &[r#"WWW-Authenticate: Basic realm="a""#],
            AuthFailure::Unsupported,
        ),
        (
            &[r#"WWW-Authenticate: Digest realm="a", nonce="n", qop="auth-int""#],
            AuthFailure::Unsupported,
        ),
        (
            &[r#"WWW-Authenticate: Digest realm="a", nonce="n", algorithm=SHA-512-256"#],
            AuthFailure::Unsupported,
        ),
        // A 401 is answered by what WWW-Authenticate says, and by nothing else.
        (
            &[r#"Proxy-Authenticate: Digest realm="a", nonce="n""#],
            AuthFailure::NoChallenge,
        ),
    ] {
        let mut session = session_with_credentials(1);
        assert_eq!(challenge(&mut session, "401 x", lines), Receipt::Finished);
        assert_eq!(failed(&mut session), failure, "{lines:?}");
    }
    let mut session = session(1);
    assert_eq!(challenge(&mut session, "401 x", &[MD5]), Receipt::Finished);
    assert_eq!(failed(&mut session), AuthFailure::NoCredentials);
}

#[test]
fn a_challenge_that_is_too_long_is_said_to_be_that() {
    let line = format!(
        r#"WWW-Authenticate: Digest realm="a", nonce="{}""#,
        "n".repeat(513)
    );
    for lines in [
        &[&*line][..],
        &[&*line, r#"WWW-Authenticate: Basic realm="a""#],
    ] {
        let mut session = session_with_credentials(1);
        assert_eq!(challenge(&mut session, "401 x", lines), Receipt::Finished);
        assert_eq!(failed(&mut session), AuthFailure::TooLong);
    }
}

/// Proxies and a phone in a row, each with its password, that challenge whatever lacks a right answer
/// to a nonce of theirs that is still good.
struct Chain {
    /// Kind of header, realm, and for how many requests a nonce is good.
    challengers: Vec<(&'static str, &'static str, u32)>,
    /// The nonces given, and how many requests used each.
    nonces: Vec<(String, u32)>,
    password_is_right: bool,
}

impl Chain {
    fn answer(&mut self, request: &[u8]) -> (String, Vec<String>) {
        for (at, (kind, realm, uses)) in self.challengers.clone().into_iter().enumerate() {
            let (status, asks, answers) = match kind {
                "proxy" => ("407 x", "Proxy-Authenticate", "Proxy-Authorization"),
                _ => ("401 x", "WWW-Authenticate", "Authorization"),
            };
            let given = headers(request, answers)
                .into_iter()
                .find(|line| parameter(line, "realm") == Some(realm));
            let good = given.is_some_and(|line| {
                assert_eq!(
                    parameter(line, "response"),
                    Some(&*expected(request, line)),
                    "the digest is right"
                );
                let nonce = parameter(line, "nonce").unwrap();
                let owner = format!("{at}-");
                let known = self.nonces.iter_mut().find(|(known, used)| {
                    known == nonce && known.starts_with(&owner) && *used < uses
                });
                known.is_some_and(|(_, used)| {
                    *used += 1;
                    self.password_is_right
                })
            });
            if !good {
                let nonce = format!("{at}-{}", self.nonces.len());
                let line =
                    format!(r#"{asks}: Digest realm="{realm}", nonce="{nonce}", qop="auth""#);
                self.nonces.push((nonce, 0));
                return (status.into(), vec![line]);
            }
        }
        ("200 OK".into(), Vec::new())
    }

    /// What becomes of a session through it, and how many requests it took.
    fn run(&mut self) -> (Ending, usize) {
        let mut session = session_with_credentials(1);
        for requests in 1.. {
            let request = session.poll_transmit().expect("nothing to answer").to_vec();
            let (status, lines) = self.answer(&request);
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let bytes = answer(&request, &status, &lines);
            let receipt = session.handle_response(&parse(&bytes), 50, &mut Random(99).entropy());
            if receipt == Receipt::Finished {
                return (session.poll_outcome().unwrap().ending, requests);
            }
            assert!(requests < 20, "it goes on and on");
        }
        unreachable!()
    }
}

#[test]
fn one_time_nonces_of_any_challenger_are_answered_anew() {
    let proxy = |uses| ("proxy", "proxy.example", uses);
    let second = |uses| ("proxy", "second.example", uses);
    let phone = |uses| ("phone", "phone.example", uses);
    let many = 1000;
    for (challengers, requests) in [
        (vec![proxy(1)], 2),
        (vec![phone(1)], 2),
        (vec![proxy(many), phone(many)], 3),
        (vec![proxy(many), phone(1)], 3),
        (vec![proxy(1), phone(many)], 4),
        (vec![proxy(1), phone(1)], 4),
        (vec![proxy(2), phone(1)], 3),
        (vec![proxy(1), second(1)], 4),
        (vec![proxy(many), second(1), phone(1)], 5),
        (vec![proxy(1), second(many), phone(1)], 6),
        // A realm that proxy and phone share is told apart by the kind of header.
        (
            vec![("proxy", "pbx.example", 1), ("phone", "pbx.example", 1)],
            4,
        ),
    ] {
        let mut chain = Chain {
            challengers: challengers.clone(),
            nonces: Vec::new(),
            password_is_right: true,
        };
        assert_eq!(
            chain.run(),
            (Ending::Answered { code: 200 }, requests),
            "{challengers:?}"
        );
        chain.password_is_right = false;
        let (ending, requests) = chain.run();
        assert!(
            matches!(
                ending,
                Ending::AuthFailed {
                    failure: AuthFailure::Refused,
                    ..
                }
            ),
            "{challengers:?}: {ending:?}"
        );
        assert_eq!(requests, 2, "a refused password is sent once");
    }
}

#[test]
fn whoever_challenges_without_end_is_answered_a_few_times() {
    // Each lets the other's answer pass once and then wants another.
    let mut session = session_with_credentials(1);
    let mut requests = 1;
    loop {
        let (status, header, realm) = match requests % 2 {
            1 => ("407 x", "Proxy-Authenticate", "proxy.example"),
            _ => ("401 x", "WWW-Authenticate", "phone.example"),
        };
        let line = format!(r#"{header}: Digest realm="{realm}", nonce="n{requests}", stale=true"#);
        match challenge(&mut session, status, &[&line]) {
            Receipt::Resent => requests += 1,
            receipt => break assert_eq!(receipt, Receipt::Finished),
        }
    }
    assert_eq!(failed(&mut session), AuthFailure::Refused);
    assert!(requests <= 9, "{requests}");
}

#[test]
fn credentials_of_one_realm_are_shown_to_no_other() {
    let own = Credentials::new("100", "s3cret", Some("own.example")).unwrap();
    let start = || {
        NotifySession::new(
            message(1),
            Some(Arc::new(own.clone())),
            Timers::default(),
            0,
        )
    };
    let mut session = start();
    challenge(&mut session, "401 x", &[SHA]);
    assert_eq!(failed(&mut session), AuthFailure::OtherRealm);

    let mut session = start();
    let own_too = MD5.replace("pbx.example", "own.example");
    assert_eq!(
        challenge(&mut session, "401 x", &[SHA, &own_too]),
        Receipt::Resent
    );
    let line = header(session.message().as_bytes(), "Authorization");
    assert_eq!(parameter(line, "realm"), Some("own.example"));
}

#[test]
fn a_row_of_new_realms_comes_to_an_end() {
    let mut session = session_with_credentials(1);
    let mut requests = 1;
    loop {
        let line = format!(r#"Proxy-Authenticate: Digest realm="r{requests}", nonce="n""#);
        match challenge(&mut session, "407 x", &[&line]) {
            Receipt::Resent => requests += 1,
            receipt => break assert_eq!(receipt, Receipt::Finished),
        }
    }
    assert_eq!(failed(&mut session), AuthFailure::TooMany);
    assert_eq!(requests, 5);
}

#[test]
fn a_copy_of_the_first_challenge_is_foreign_to_the_second_request() {
    let mut session = session_with_credentials(1);
    let first = session.poll_transmit().unwrap().to_vec();
    let challenge = answer(&first, "401 x", &[MD5]);
    let mut random = Random(3);
    assert_eq!(
        session.handle_response(&parse(&challenge), 5, &mut random.entropy()),
        Receipt::Resent
    );
    assert_eq!(
        session.handle_response(&parse(&challenge), 6, &mut random.entropy()),
        Receipt::Foreign
    );
}

#[test]
fn nothing_printed_shows_the_password_or_the_digest() {
    let mut session = session_with_credentials(1);
    challenge(&mut session, "401 x", &[MD5]);
    let printed = format!("{session:?}");
    let line = header(session.message().as_bytes(), "Authorization");
    assert!(!printed.contains("s3cret"));
    assert!(
        !printed.contains(parameter(line, "response").unwrap()),
        "{printed}"
    );
}
