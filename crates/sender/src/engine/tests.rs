#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::SocketAddr;

use proptest::prelude::*;
use ringfence_sip_notify::{Response, SipUri, Timers};
use ringfence_wire::{
    Credentials, Header, Job, JobRef, JobResult, Outcome, Retry, ReturnReason, Secret, Target,
};

use super::*;

const PHONE: &str = "198.51.100.7:5060";
const OTHER: &str = "198.51.100.8:5060";

pub(super) fn config() -> EngineConfig {
    EngineConfig {
        from: SipUri::parse("sip:prov@pbx.example").unwrap(),
        outbound_proxy: None,
        only: None,
        proxy_credentials: None,
        alias: false,
        timers: Timers::default(),
        sent_by_v4: Some("198.51.100.20:5070".parse::<SocketAddr>().unwrap().into()),
        sent_by_v6: None,
        sent_by_name: None,
        destinations: Destinations::new(
            vec![
                "198.51.100.0/24".parse().unwrap(),
                "2001:db8::/32".parse().unwrap(),
            ],
            vec![],
            1024..=65535,
            vec![],
        ),
        pace: Pace {
            per_destination: 0,
            per_proxy: 0,
            ..Pace::default()
        },
        capacity: 1000,
        max_in_flight: usize::MAX,
        names: Names::RELAY,
    }
}

pub(super) fn engine_with(config: EngineConfig) -> Engine {
    let mut state = 1_u64;
    Engine::new(config, move |bytes: &mut [u8]| {
        bytes.fill_with(|| {
            // An xorshift: tests need no secrets, only the same numbers every time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        });
    })
}

fn engine() -> Engine {
    engine_with(config())
}

pub(super) fn job(id: &str, aor: &str) -> Job {
    Job {
        job: job_ref(id, 1),
        lease_ms: 120_000,
        target: Target {
            aor: aor.into(),
            address: None,
        },
        event: "check-sync".into(),
        headers: vec![],
        content_type: None,
        body: None,
        route: None,
        credentials: None,
        destinations: None,
    }
}

fn job_ref(id: &str, lease: u32) -> JobRef {
    JobRef {
        id: id.into(),
        lease,
    }
}

/// Lets the engine act at `now` and takes what it sends. Addresses need no DNS, but go the same way.
fn act(engine: &mut Engine, now: u64) -> Vec<(SocketAddr, String)> {
    engine.handle_timeout(now);
    std::iter::from_fn(|| engine.poll_transmit())
        .map(|(to, bytes)| (to.address().unwrap(), String::from_utf8(bytes).unwrap()))
        .collect()
}

fn service(rank: u32, addresses: &[SocketAddr]) -> Service {
    Service {
        rank,
        weight: 0,
        addresses: addresses.to_vec(),
    }
}

pub(super) fn answer(request: &str, status: &str, more: &str) -> Vec<u8> {
    let echoed = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let lines: String = request
        .lines()
        .filter(|line| echoed.iter().any(|name| line.starts_with(name)))
        .map(|line| format!("{line}\r\n"))
        .collect();
    format!("SIP/2.0 {status}\r\n{lines}{more}Content-Length: 0\r\n\r\n").into_bytes()
}

fn result(engine: &mut Engine) -> JobResult {
    match engine.poll_done() {
        Some(Done::Result(result, _)) => *result,
        other => panic!("no result: {other:?}"),
    }
}

/// Runs the timers until nothing is left to do.
fn run_out(engine: &mut Engine, mut now: u64) -> u64 {
    while !engine.is_empty()
        && let Some(at) = engine.poll_timeout()
    {
        now = at.max(now);
        act(engine, now);
    }
    now
}

#[test]
fn an_answer_ends_the_job() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    let sent = act(&mut engine, 0);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].0, PHONE.parse().unwrap());
    assert!(
        sent[0]
            .1
            .starts_with("NOTIFY sip:101@198.51.100.7 SIP/2.0\r\n")
    );
    assert!(sent[0].1.contains("\r\nEvent: check-sync\r\n"));
    engine.datagram(sent[0].0, &answer(&sent[0].1, "200 OK", ""), 18);
    let done = result(&mut engine);
    assert_eq!(
        (done.outcome, done.code, done.rtt_ms, done.attempts),
        (Outcome::Answered, Some(200), Some(18), 1)
    );
    assert_eq!(done.destination.as_deref(), Some(PHONE));
    assert!(engine.is_empty() && engine.poll_done().is_none());
    assert_eq!(engine.in_flight(), 0);
}

#[test]
fn silence_is_told_after_timer_f_with_advice() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    act(&mut engine, 0);
    assert_eq!(run_out(&mut engine, 0), 32_000);
    let done = result(&mut engine);
    assert_eq!(
        (done.outcome, done.reason.as_str(), done.retry),
        (Outcome::Unreachable, "no_answer", Retry::Later)
    );
    assert_eq!(done.attempts, 11);
    assert!(done.explanation.contains("SIP_DETECT_SSAF"));
}

#[test]
fn an_answer_to_nobody_is_counted_and_dropped() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    let sent = act(&mut engine, 0);
    let ok = answer(&sent[0].1, "200 OK", "");
    engine.datagram(sent[0].0, &ok, 1);
    engine.datagram(sent[0].0, &ok, 2);
    engine.datagram(sent[0].0, b"what is this", 2);
    assert_eq!((engine.counts().stray, engine.counts().malformed), (1, 1));
    result(&mut engine);
    assert!(engine.poll_done().is_none());
}

#[test]
fn a_challenge_is_answered_and_the_new_branch_is_heard() {
    let mut engine = engine();
    let mut job = job("a", "sip:101@198.51.100.7");
    job.credentials = Some(Credentials {
        username: "101".into(),
        password: Secret::new("pw"),
        realm: None,
    });
    engine.submit(job, 0);
    let first = act(&mut engine, 0);
    let challenge =
        "WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"n1\", qop=\"auth\"\r\n";
    engine.datagram(
        first[0].0,
        &answer(&first[0].1, "401 Unauthorized", challenge),
        5,
    );
    let second = act(&mut engine, 5);
    assert!(second[0].1.contains("Authorization: Digest "));
    let branch = |text: &str| {
        Response::parse(&answer(text, "200 OK", ""))
            .unwrap()
            .branch()
            .unwrap()
            .to_owned()
    };
    assert_ne!(branch(&first[0].1), branch(&second[0].1));
    engine.datagram(second[0].0, &answer(&second[0].1, "200 OK", ""), 9);
    let done = result(&mut engine);
    assert_eq!((done.outcome, done.attempts), (Outcome::Answered, 2));
}

#[test]
fn nothing_is_sent_to_where_the_configuration_does_not_allow() {
    let mut engine = engine();
    for (n, aor) in [
        "sip:1@203.0.113.1",
        "sip:1@127.0.0.1",
        "sip:1@169.254.169.254",
        "sip:1@198.51.100.7:53",
    ]
    .iter()
    .enumerate()
    {
        engine.submit(job(&n.to_string(), aor), 0);
    }
    let mut direct = job("x", "sip:1@198.51.100.7");
    direct.target.address = Some("224.0.1.75".into());
    engine.submit(direct, 0);
    let mut routed = job("y", "sip:1@198.51.100.7");
    routed.route = Some("sip:203.0.113.1;lr".into());
    engine.submit(routed, 0);
    assert!(act(&mut engine, 0).is_empty());
    for _ in 0..6 {
        let done = result(&mut engine);
        assert_eq!(
            (done.outcome, done.attempts, done.retry),
            (Outcome::NotAllowed, 0, Retry::Never)
        );
    }
    assert_eq!((engine.counts().started, engine.counts().refused), (0, 6));
}

#[test]
fn a_name_that_leads_to_a_forbidden_address_is_refused_too() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@rebound.example"), 0);
    let query = engine.poll_lookup().unwrap();
    let found = vec![service(
        0,
        &[
            "127.0.0.1:5060".parse().unwrap(),
            "169.254.169.254:5060".parse().unwrap(),
        ],
    )];
    engine.located(&query, Ok(found), 3);
    assert!(act(&mut engine, 3).is_empty());
    assert_eq!(result(&mut engine).outcome, Outcome::NotAllowed);
}

#[test]
fn a_job_that_is_no_notify_is_refused_at_once() {
    let mut engine = engine();
    let good = job("a", "sip:101@198.51.100.7");
    let header = |name: &str, value: &str| Job {
        headers: vec![Header {
            name: name.into(),
            value: value.into(),
        }],
        ..good.clone()
    };
    for (bad, reason) in [
        (job("b", "tel:101"), "bad_target"),
        (
            Job {
                event: "check sync".into(),
                ..good.clone()
            },
            "bad_event",
        ),
        (header("X-A", "1\r\nEvil: 2"), "bad_header"),
        (header("Via", "SIP/2.0/UDP evil.example"), "bad_header"),
        (
            header("P-Asserted-Identity", "<sip:boss@pbx.example>"),
            "bad_header",
        ),
        (
            Job {
                body: Some("x".repeat(2000)),
                ..good.clone()
            },
            "too_large",
        ),
        (
            Job {
                route: Some("proxy".into()),
                ..good.clone()
            },
            "bad_route",
        ),
    ] {
        engine.submit(bad, 0);
        let done = result(&mut engine);
        assert_eq!(
            (done.outcome, done.reason.as_str()),
            (Outcome::Invalid, reason)
        );
    }
    assert!(act(&mut engine, 0).is_empty() && engine.is_empty());
}

#[test]
fn jobs_behind_one_name_share_a_look_up() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@pbx.example"), 0);
    engine.submit(job("b", "sip:102@pbx.example"), 0);
    let query = engine.poll_lookup().unwrap();
    assert_eq!(engine.poll_lookup(), None);
    engine.located(&query, Ok(vec![service(0, &[PHONE.parse().unwrap()])]), 10);
    assert_eq!(act(&mut engine, 10).len(), 2);
    engine.submit(job("c", "sip:103@pbx.example"), 20);
    assert_eq!(engine.poll_lookup(), None);
    assert_eq!(act(&mut engine, 20).len(), 1);
    engine.submit(job("d", "sip:104@pbx.example"), 60_000);
    assert!(engine.poll_lookup().is_some());
}

#[test]
fn a_name_that_nobody_knows_is_unreachable() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@nowhere.example"), 0);
    let query = engine.poll_lookup().unwrap();
    engine.located(
        &query,
        Err(LookupError::NotFound("nowhere.example".into())),
        10,
    );
    let done = result(&mut engine);
    assert_eq!(
        (done.outcome, done.reason.as_str()),
        (Outcome::Unreachable, "not_found")
    );
}

/// An engine with one job that may go to PHONE, then to OTHER; the first request is out.
fn two_destinations() -> (Engine, String) {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@pbx.example"), 0);
    let query = engine.poll_lookup().unwrap();
    let found = vec![
        service(20, &[OTHER.parse().unwrap()]),
        service(10, &[PHONE.parse().unwrap()]),
    ];
    engine.located(&query, Ok(found), 0);
    let sent = act(&mut engine, 0);
    assert_eq!(sent[0].0, PHONE.parse().unwrap());
    let text = sent[0].1.clone();
    (engine, text)
}

#[test]
fn silence_503_and_a_transport_error_lead_to_the_next_destination() {
    for way in ["silence", "503", "transport"] {
        let (mut engine, first) = two_destinations();
        let mut now = 5;
        match way {
            "silence" => now = 32_000,
            "503" => engine.datagram(PHONE.parse().unwrap(), &answer(&first, "503 Busy", ""), now),
            _ => engine.send_failed(first.as_bytes(), now),
        }
        let second = loop {
            let sent = act(&mut engine, now);
            if let Some(sent) = sent
                .into_iter()
                .find(|sent| sent.0 == OTHER.parse().unwrap())
            {
                break sent;
            }
            now = engine.poll_timeout().unwrap().max(now);
        };
        engine.datagram(second.0, &answer(&second.1, "200 OK", ""), now + 1);
        let done = result(&mut engine);
        assert_eq!(
            (done.outcome, done.destination.as_deref()),
            (Outcome::Answered, Some(OTHER)),
            "{way}"
        );
        assert!(done.attempts >= 2, "{way}");
        assert_eq!(engine.counts().failovers, 1, "{way}");
        assert!(engine.is_empty() && engine.in_flight() == 0);
    }
}

#[test]
fn a_transport_error_leads_on_at_once() {
    let (mut engine, first) = two_destinations();
    engine.send_failed(first.as_bytes(), 5);
    let sent = act(&mut engine, 5);
    assert_eq!(sent[0].0, OTHER.parse().unwrap());
}

/// What a peer does to an answer.
type Spoils = fn(&str) -> String;

#[test]
fn an_answer_that_cannot_be_used_is_told_apart_from_silence() {
    let cases: [(Spoils, &str); 4] = [
        (
            |ok| ok.replace("CSeq: 1 NOTIFY\r\n", ""),
            "the header CSeq is missing",
        ),
        (
            |ok| ok.replace("1 NOTIFY", "7 NOTIFY"),
            "its CSeq is not that of the request",
        ),
        (
            |ok| ok.replace("SIP/2.0 200", "SIP/2.0 2000"),
            "the status code is not between 100 and 699",
        ),
        (
            |ok| ok.replace("SIP/2.0 200 OK", "HTTP/1.1 200 OK"),
            "the first line is no SIP status or request line",
        ),
    ];
    for (change, message) in cases {
        let mut engine = engine();
        engine.submit(job("a", "sip:101@198.51.100.7"), 0);
        let sent = act(&mut engine, 0);
        let ok = String::from_utf8(answer(&sent[0].1, "200 OK", "")).unwrap();
        engine.datagram(sent[0].0, change(&ok).as_bytes(), 5);
        run_out(&mut engine, 5);
        let done = result(&mut engine);
        assert_eq!(
            (done.outcome, done.reason.as_str(), done.retry),
            (Outcome::Unreachable, "unusable_answer", Retry::Later)
        );
        assert!(done.explanation.contains(message), "{}", done.explanation);
        assert_eq!(engine.counts().unusable, 1);
    }
}

#[test]
fn garbage_of_nobody_is_silence() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    let sent = act(&mut engine, 0);
    engine.datagram(sent[0].0, b"SIP/2.0 200 OK\r\nVia: z9hG4bKother\r\n", 5);
    run_out(&mut engine, 5);
    assert_eq!(result(&mut engine).reason, "no_answer");
    let counts = engine.counts();
    assert_eq!((counts.unusable, counts.malformed), (0, 1));
}

#[test]
fn an_answer_from_another_address_counts_and_is_said_to_be_that() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    let sent = act(&mut engine, 0);
    let ok = answer(&sent[0].1, "200 OK", "");
    engine.datagram("203.0.113.9:5060".parse().unwrap(), &ok, 5);
    let done = result(&mut engine);
    assert_eq!(done.outcome, Outcome::Answered);
    assert!(
        done.explanation.contains("came from 203.0.113.9:5060"),
        "{}",
        done.explanation
    );
    assert_eq!(engine.counts().elsewhere, 1);
}

/// A job of a tenant that may address these.
fn bounded(aor: &str, domains: &[&str], networks: &[&str]) -> Job {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Job {
        destinations: Some(ringfence_wire::Destinations {
            domains: list(domains),
            networks: list(networks),
        }),
        ..job("a", aor)
    }
}

#[test]
fn a_tenants_job_goes_to_that_tenants_destinations_alone() {
    let own = &["pbx.example"][..];
    let net = &["198.51.100.0/28"][..];
    let with_address = |address: &str| {
        let mut job = bounded("sip:101@pbx.example", own, net);
        job.target.address = Some(address.into());
        job
    };
    let with_route = |route: &str| Job {
        route: Some(route.into()),
        ..bounded("sip:101@pbx.example", own, net)
    };
    for refused in [
        bounded("sip:101@other.example", own, net),
        bounded("sip:101@198.51.100.20", own, net),
        bounded("sip:101@pbx.example", &[], net),
        with_address("198.51.100.20:5060"),
        with_address("other.example:5060"),
        with_route("sip:198.51.100.20;lr"),
        with_route("sip:other.example;lr"),
    ] {
        let mut engine = engine();
        engine.submit(refused.clone(), 0);
        let done = result(&mut engine);
        assert_eq!(
            (done.outcome, done.reason.as_str(), done.attempts),
            (Outcome::NotAllowed, "tenant_destination_not_allowed", 0),
            "{refused:?}"
        );
    }
    for taken in [
        bounded("sip:101@198.51.100.7", own, net),
        with_address("198.51.100.7:5060"),
        with_route("sip:198.51.100.10;lr"),
    ] {
        let mut engine = engine();
        engine.submit(taken.clone(), 0);
        assert_eq!(act(&mut engine, 0).len(), 1, "{taken:?}");
    }
}

#[test]
fn dns_does_not_lead_out_of_a_tenants_networks() {
    let lookup = |job: Job, at: &str| {
        let mut engine = engine();
        engine.submit(job, 0);
        let query = engine.poll_lookup().unwrap();
        engine.located(&query, Ok(vec![service(10, &[at.parse().unwrap()])]), 0);
        let sent = act(&mut engine, 0).len();
        (sent, engine.poll_done().is_some())
    };
    let own = &["pbx.example"][..];
    let aor = "sip:101@pbx.example";
    assert_eq!(
        lookup(bounded(aor, own, &["198.51.100.7/32"]), PHONE),
        (1, false)
    );
    assert_eq!(
        lookup(bounded(aor, own, &["198.51.100.9/32"]), PHONE),
        (0, true)
    );
    // A list without networks leaves it to DNS, and to the relay's own configuration.
    assert_eq!(lookup(bounded(aor, own, &[]), PHONE), (1, false));
}

#[test]
fn the_relays_own_proxy_is_not_the_tenants_choice() {
    let mut config = config();
    config.outbound_proxy = Some((SipUri::parse("sip:198.51.100.10").unwrap(), Transport::Udp));
    let mut engine = Engine::new(config, |bytes: &mut [u8]| bytes.fill(7));
    engine.submit(
        bounded("sip:101@pbx.example", &["pbx.example"], &["192.0.2.0/24"]),
        0,
    );
    let sent = act(&mut engine, 0);
    assert_eq!(sent[0].0, "198.51.100.10:5060".parse().unwrap());
}

#[test]
fn another_answer_is_the_answer() {
    let (mut engine, first) = two_destinations();
    engine.datagram(
        PHONE.parse().unwrap(),
        &answer(&first, "486 Busy Here", ""),
        5,
    );
    let done = result(&mut engine);
    assert_eq!(
        (done.outcome, done.code, done.retry),
        (Outcome::Rejected, Some(486), Retry::Later)
    );
    assert!(engine.is_empty());
}

#[test]
fn retry_after_and_the_answers_words_are_passed_on() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    let sent = act(&mut engine, 0);
    engine.datagram(
        sent[0].0,
        &answer(&sent[0].1, "503 Come back", "Retry-After: 17\r\n"),
        5,
    );
    let done = result(&mut engine);
    assert_eq!(
        (done.reason.as_str(), done.retry_after_s),
        ("status_503", Some(17))
    );
    assert!(done.explanation.contains("503 Come back"));
}

#[test]
fn a_job_given_twice_is_told_once_under_its_newest_lease() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    let sent = act(&mut engine, 0);
    let mut again = job("a", "sip:101@198.51.100.7");
    again.job.lease = 2;
    engine.submit(again, 10);
    assert!(act(&mut engine, 10).is_empty());
    engine.datagram(sent[0].0, &answer(&sent[0].1, "200 OK", ""), 20);
    assert_eq!(result(&mut engine).job, job_ref("a", 2));
    assert!(engine.poll_done().is_none());
}

#[test]
fn a_job_that_outlives_its_lease_is_given_back() {
    let mut engine = engine();
    let mut short = job("a", "sip:101@198.51.100.7");
    short.lease_ms = 10_000;
    engine.submit(short, 0);
    act(&mut engine, 0);
    assert_eq!(run_out(&mut engine, 0), 10_000);
    assert_eq!(
        engine.poll_done(),
        Some(Done::Return(job_ref("a", 1), ReturnReason::Lease))
    );
    assert!(engine.is_empty() && engine.in_flight() == 0);
}

#[test]
fn a_job_whose_turn_would_come_too_late_is_given_back() {
    let mut config = config();
    config.pace.per_destination = 1;
    let mut engine = engine_with(config);
    for n in 0..120 {
        engine.submit(job(&n.to_string(), "sip:101@198.51.100.7"), 0);
    }
    run_out(&mut engine, 0);
    let (mut results, mut late) = (0, 0);
    while let Some(done) = engine.poll_done() {
        match done {
            Done::Result(..) => results += 1,
            Done::Return(_, reason) => {
                assert_eq!(reason, ReturnReason::Pace);
                late += 1;
            }
        }
    }
    // One a second, before the last 32 s of leases that end at 120 s.
    assert_eq!((results, late), (88, 32));
}

#[test]
fn the_pace_of_a_destination_is_held() {
    let mut config = config();
    config.pace.per_destination = 10;
    let mut engine = engine_with(config);
    for n in 0..50 {
        engine.submit(job(&n.to_string(), "sip:101@198.51.100.7"), 0);
        engine.submit(job(&format!("other{n}"), "sip:101@198.51.100.8"), 0);
    }
    let mut first_copies = 0;
    for now in 0..1000 {
        for (_, text) in act(&mut engine, now) {
            engine.datagram(PHONE.parse().unwrap(), &answer(&text, "200 OK", ""), now);
            first_copies += 1;
        }
    }
    assert_eq!(first_copies, 20);
}

#[test]
fn more_than_the_capacity_is_given_back() {
    let mut config = config();
    config.capacity = 1;
    let mut engine = engine_with(config);
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    engine.submit(job("b", "sip:102@198.51.100.7"), 0);
    assert_eq!(
        engine.poll_done(),
        Some(Done::Return(job_ref("b", 1), ReturnReason::Full))
    );
}

#[test]
fn a_drain_finishes_what_is_out_and_hands_back_the_rest() {
    let mut config = config();
    config.pace.per_destination = 1;
    let mut engine = engine_with(config);
    engine.submit(job("out", "sip:101@198.51.100.7"), 0);
    let sent = act(&mut engine, 0);
    engine.submit(job("waiting", "sip:102@198.51.100.7"), 0);
    engine.submit(job("locating", "sip:103@pbx.example"), 0);
    engine.drain();
    engine.submit(job("new", "sip:104@198.51.100.7"), 1);
    let mut returned = Vec::new();
    while let Some(Done::Return(job, reason)) = engine.poll_done() {
        assert_eq!(reason, ReturnReason::Drain);
        returned.push(job.id);
    }
    returned.sort();
    assert_eq!(returned, ["locating", "new", "waiting"]);
    engine.datagram(sent[0].0, &answer(&sent[0].1, "200 OK", ""), 2000);
    assert_eq!(result(&mut engine).job.id, "out");
    assert!(engine.is_empty());
}

#[test]
fn the_end_of_a_drain_hands_back_what_is_still_out_and_says_that_it_was() {
    let mut engine = engine();
    engine.submit(job("out", "sip:101@198.51.100.7"), 0);
    act(&mut engine, 0);
    // Its turn has come, but no datagram was taken for the socket.
    engine.submit(job("not out", "sip:101@198.51.100.8"), 1_000);
    engine.handle_timeout(1_000);
    assert_eq!(engine.in_flight(), 2);
    engine.drain();
    assert_eq!(engine.poll_done(), None);
    engine.abandon();
    let mut returned = vec![engine.poll_done().unwrap(), engine.poll_done().unwrap()];
    returned.sort_by_key(|done| format!("{done:?}"));
    assert_eq!(
        returned,
        [
            Done::Return(job_ref("not out", 1), ReturnReason::Drain),
            Done::Return(job_ref("out", 1), ReturnReason::Lease),
        ]
    );
    assert!(engine.is_empty() && engine.in_flight() == 0);
}

#[test]
fn a_cancelled_job_sends_nothing_more() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@198.51.100.7"), 0);
    act(&mut engine, 0);
    engine.cancel(&job_ref("a", 1));
    engine.cancel(&job_ref("never heard of", 1));
    let done = result(&mut engine);
    assert_eq!((done.outcome, done.attempts), (Outcome::Cancelled, 1));
    run_out(&mut engine, 0);
    assert!(engine.poll_done().is_none() && engine.is_empty());
}

#[test]
fn the_proxy_of_the_configuration_gets_what_names_no_other_way() {
    let mut config = config();
    config.outbound_proxy = Some((SipUri::parse("sip:198.51.100.10").unwrap(), Transport::Udp));
    let mut engine = engine_with(config);
    engine.submit(job("proxy", "sip:101@pbx.example"), 0);
    let mut direct = job("direct", "sip:102@pbx.example");
    direct.target.address = Some("198.51.100.7:5062".into());
    engine.submit(direct, 0);
    let mut routed = job("routed", "sip:103@pbx.example");
    routed.route = Some("sip:198.51.100.11:5080;lr".into());
    engine.submit(routed, 0);
    let sent = act(&mut engine, 0);
    let to = |user: &str| {
        let (to, text) = sent
            .iter()
            .find(|s| s.1.starts_with(&format!("NOTIFY sip:{user}@")))
            .unwrap();
        (
            to.to_string(),
            text.lines()
                .find(|l| l.starts_with("Route:"))
                .map(str::to_owned),
        )
    };
    assert_eq!(
        to("101"),
        (
            "198.51.100.10:5060".into(),
            Some("Route: <sip:198.51.100.10;lr>".into())
        )
    );
    assert_eq!(to("102"), ("198.51.100.7:5062".into(), None));
    assert_eq!(
        to("103"),
        (
            "198.51.100.11:5080".into(),
            Some("Route: <sip:198.51.100.11:5080;lr>".into())
        )
    );
}

#[test]
fn a_destination_without_a_socket_is_said_so() {
    let mut engine = engine();
    engine.submit(job("a", "sip:101@[2001:db8::7]"), 0);
    assert!(act(&mut engine, 0).is_empty());
    assert_eq!(result(&mut engine).reason, "no_socket");
}

#[test]
fn a_request_to_the_relay_is_refused_and_a_strangers_is_ignored() {
    let mut engine = engine();
    let options = "OPTIONS sip:198.51.100.20:5070 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKx\r\nFrom: <sip:a@pbx.example>;tag=1\r\nTo: <sip:b@pbx.example>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    engine.datagram("203.0.113.9:5060".parse().unwrap(), options.as_bytes(), 0);
    assert!(act(&mut engine, 0).is_empty());
    engine.datagram(PHONE.parse().unwrap(), options.as_bytes(), 0);
    let sent = act(&mut engine, 0);
    assert!(sent[0].1.starts_with("SIP/2.0 4"), "{}", sent[0].1);
    assert_eq!(engine.counts().requests, 2);
}

/// What the property test does at each step.
#[derive(Debug, Clone)]
enum Step {
    Submit(usize),
    /// Answers one of the requests seen last, with one of [`STATUSES`].
    Answer(usize, usize),
    Cancel(usize),
    Later(u64),
}

const STATUSES: [&str; 7] = [
    "200 OK",
    "100 Trying",
    "503 Busy",
    "486 Busy",
    "401 No",
    "481 No",
    "302 Moved",
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..20_usize).prop_map(Step::Submit),
        3 => (0..20_usize, 0..STATUSES.len()).prop_map(|(which, status)| Step::Answer(which, status)),
        1 => (0..20_usize).prop_map(Step::Cancel),
        1 => (0..5000_u64).prop_map(Step::Later),
    ];
    proptest::collection::vec(step, 1..120)
}

fn take_ended(engine: &mut Engine, ended: &mut Vec<String>) {
    while let Some(done) = engine.poll_done() {
        ended.push(match done {
            Done::Result(result, _) => result.job.id,
            Done::Return(job, _) => job.id,
        });
    }
}

/// Plays `steps`; returns the ids of the jobs given and of those that came out, both sorted.
fn play(steps: Vec<Step>, abandon: bool) -> (Vec<String>, Vec<String>) {
    let mut config = config();
    config.pace.per_destination = 5;
    config.capacity = 12;
    let mut engine = engine_with(config);
    let (mut given, mut ended) = (Vec::<String>::new(), Vec::<String>::new());
    let mut out = VecDeque::<(SocketAddr, String)>::new();
    let mut now = 0;
    for step in steps {
        match step {
            Step::Submit(which) => {
                let id = which.to_string();
                let count = |all: &[String]| all.iter().filter(|other| **other == id).count();
                // One that is held only takes over a lease.
                if count(&given) == count(&ended) {
                    given.push(id.clone());
                }
                let aor = format!("sip:101@198.51.100.{}", 1 + which % 3);
                engine.submit(job(&id, &aor), now);
            }
            Step::Answer(which, status) => {
                if let Some((to, text)) = out.get(which) {
                    engine.datagram(*to, &answer(text, STATUSES[status], ""), now);
                }
            }
            Step::Cancel(which) => engine.cancel(&job_ref(&which.to_string(), 1)),
            Step::Later(by) => now += by,
        }
        for sent in act(&mut engine, now) {
            out.push_front(sent);
        }
        out.truncate(20);
        take_ended(&mut engine, &mut ended);
    }
    if abandon {
        engine.abandon();
    } else {
        run_out(&mut engine, now);
    }
    take_ended(&mut engine, &mut ended);
    assert!(engine.is_empty() && engine.in_flight() == 0);
    assert!(engine.by_branch.is_empty() && engine.by_job.is_empty());
    given.sort();
    ended.sort();
    (given, ended)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever answers, is lost, is cancelled or drained.
    #[test]
    fn every_job_comes_out_exactly_once(steps in steps(), abandon: bool) {
        let (given, ended) = play(steps, abandon);
        prop_assert_eq!(given, ended);
    }
}
