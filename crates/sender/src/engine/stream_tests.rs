#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use ringfence_sip_notify::{Credentials, SentBy, SipUri, Transport};
use ringfence_wire::{JobResult, Outcome, Retry};

use super::tests::{answer, config, engine_with, job};
use super::*;
use crate::hop::StreamPeer;

/// The pool's proxy, known by its name alone.
fn peer() -> Arc<StreamPeer> {
    Arc::new(StreamPeer {
        transport: Transport::Tls,
        host: "proxy.example".into(),
        port: 5061,
        address: None,
    })
}

/// A sender that has that proxy alone.
fn only() -> EngineConfig {
    EngineConfig {
        only: Some(peer()),
        sent_by_name: Some(SentBy {
            host: ringfence_sip_notify::Host::parse("pool.invalid").unwrap(),
            port: 5061,
        }),
        destinations: Destinations::new(vec![], vec![], 1024..=65535, vec!["pbx.example".into()]),
        names: Names::POOL,
        ..config()
    }
}

/// What is sent over the connection at `now`.
fn sent(engine: &mut Engine, now: u64) -> Vec<String> {
    engine.handle_timeout(now);
    std::iter::from_fn(|| engine.poll_transmit())
        .map(|(hop, bytes)| {
            assert_eq!(hop.stream(), Some(&peer()));
            String::from_utf8(bytes).unwrap()
        })
        .collect()
}

fn results(engine: &mut Engine) -> Vec<JobResult> {
    std::iter::from_fn(|| engine.poll_done())
        .filter_map(|done| match done {
            Done::Result(result, _) => Some(*result),
            Done::Return(..) => None,
        })
        .collect()
}

#[test]
fn requests_go_out_behind_each_other_and_answers_come_in_any_order() {
    let mut engine = engine_with(only());
    for number in 0..100 {
        engine.submit(job(&number.to_string(), "sip:101@pbx.example"), 0);
    }
    let requests = sent(&mut engine, 0);
    assert_eq!(requests.len(), 100);
    assert!(requests[0].contains("\r\nVia: SIP/2.0/TLS pool.invalid:5061;branch="));
    assert!(requests[0].contains("@pool.invalid:5061;transport=tls>\r\n"));
    assert!(
        !requests[0].contains("\r\nRoute:"),
        "the proxy is the next hop"
    );
    let answers: Vec<u8> = requests
        .iter()
        .rev()
        .flat_map(|request| answer(request, "200 OK", ""))
        .collect();
    for piece in answers.chunks(333) {
        engine.received(&peer(), piece, 20);
    }
    let done = results(&mut engine);
    assert_eq!(done.len(), 100);
    assert!(
        done.iter()
            .all(|it| it.outcome == Outcome::Answered && it.attempts == 1)
    );
    assert_eq!(
        done[0].destination.as_deref(),
        Some("tls:proxy.example:5061")
    );
    assert!(engine.is_empty() && !engine.uses(&peer()));
}

#[test]
fn nothing_is_repeated_and_silence_ends_after_timer_f() {
    let mut engine = engine_with(only());
    engine.submit(job("a", "sip:101@pbx.example"), 0);
    assert_eq!(sent(&mut engine, 0).len(), 1);
    assert!(engine.uses(&peer()));
    for now in [500, 4_000, 31_999] {
        assert_eq!(sent(&mut engine, now).len(), 0);
    }
    sent(&mut engine, 32_000);
    let done = results(&mut engine);
    assert_eq!(
        (done[0].outcome, done[0].attempts),
        (Outcome::Unreachable, 1)
    );
}

#[test]
fn what_is_out_when_the_connection_ends_has_failed_and_what_waits_goes_on() {
    let mut config = only();
    config.max_in_flight = 2;
    let mut engine = engine_with(config);
    for number in 0..3 {
        engine.submit(job(&number.to_string(), "sip:101@pbx.example"), 0);
    }
    assert_eq!(sent(&mut engine, 0).len(), 2);
    engine.disconnected(&peer(), "the proxy closed it", 10);
    let done = results(&mut engine);
    assert_eq!(done.len(), 2);
    for one in &done {
        let said = (one.outcome, one.reason.as_str(), one.retry);
        assert_eq!(said, (Outcome::Unreachable, "transport", Retry::Later));
        assert!(
            one.explanation.contains("the proxy closed it"),
            "{}",
            one.explanation
        );
        assert_eq!(one.destination.as_deref(), Some("tls:proxy.example:5061"));
    }
    assert_eq!(
        engine.poll_timeout(),
        Some(0),
        "there is room for the third"
    );
    let request = sent(&mut engine, 10).remove(0);
    engine.received(&peer(), &answer(&request, "200 OK", ""), 20);
    assert_eq!(results(&mut engine)[0].outcome, Outcome::Answered);
    assert_eq!(engine.counts().broken, 1);
}

#[test]
fn a_proxy_that_talks_rubbish_is_left() {
    let mut engine = engine_with(only());
    engine.submit(job("a", "sip:101@pbx.example"), 0);
    sent(&mut engine, 0);
    engine.received(&peer(), b"HTTP/1.1 400 Bad Request\r\n\r\n", 5);
    assert_eq!(engine.poll_close(), Some(peer()));
    assert_eq!(engine.poll_close(), None);
    let done = results(&mut engine);
    assert!(
        done[0].explanation.contains("Content-Length"),
        "{}",
        done[0].explanation
    );
    // The next connection begins anew.
    engine.submit(job("b", "sip:101@pbx.example"), 6);
    let request = sent(&mut engine, 6).remove(0);
    engine.received(&peer(), &answer(&request, "200 OK", ""), 7);
    assert_eq!(results(&mut engine)[0].outcome, Outcome::Answered);
}

#[test]
fn a_ping_and_a_request_of_the_proxys_are_answered_over_its_connection() {
    let mut engine = engine_with(only());
    engine.received(&peer(), b"\r\n\r\n", 0);
    assert_eq!(sent(&mut engine, 0), ["\r\n"]);
    let options = "OPTIONS sip:pool.invalid SIP/2.0\r\nVia: SIP/2.0/TLS p:5061;branch=z9hG4bKx;rport\r\nFrom: <sip:a@p>;tag=1\r\nTo: <sip:b@p>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    engine.received(&peer(), options.as_bytes(), 1);
    let reply = sent(&mut engine, 1).remove(0);
    assert!(reply.starts_with("SIP/2.0 405 "), "{reply}");
    assert!(
        reply.contains("Via: SIP/2.0/TLS p:5061;branch=z9hG4bKx;rport\r\n"),
        "{reply}"
    );
}

#[test]
fn only_the_pools_proxy_is_asked_and_only_for_its_domains() {
    let mut engine = engine_with(only());
    let mut direct = job("direct", "sip:101@pbx.example");
    direct.target.address = Some("198.51.100.7:5060".into());
    let mut routed = job("routed", "sip:101@pbx.example");
    routed.route = Some("sip:pbx.example;lr".into());
    for job in [
        direct,
        routed,
        job("other", "sip:101@other.example"),
        job("address", "sip:101@198.51.100.7"),
        job("below", "sip:101@x.pbx.example"),
    ] {
        engine.submit(job, 0);
    }
    assert_eq!(sent(&mut engine, 0).len(), 0);
    assert!(
        engine.poll_lookup().is_none(),
        "no name of a job is looked up"
    );
    let reasons: BTreeMap<_, _> = results(&mut engine)
        .into_iter()
        .map(|it| {
            assert_eq!((it.outcome, it.retry), (Outcome::NotAllowed, Retry::Never));
            assert!(it.explanation.to_lowercase().contains("the pool "));
            (it.job.id, it.reason)
        })
        .collect();
    let of = |id: &str| reasons[id].as_str();
    assert_eq!(
        (of("direct"), of("routed")),
        ("needs_a_relay", "needs_a_relay")
    );
    for id in ["other", "address", "below"] {
        assert_eq!(of(id), "domain_not_allowed", "{id}");
    }
}

#[test]
fn the_pools_account_answers_the_proxy_and_the_jobs_the_phone() {
    let mut config = only();
    config.proxy_credentials = Some(Arc::new(Credentials::new("pool", "pr0xy", None).unwrap()));
    let mut engine = engine_with(config);
    let mut one = job("a", "sip:101@pbx.example");
    one.credentials = Some(ringfence_wire::Credentials {
        username: "101".into(),
        password: ringfence_wire::Secret::new("pw"),
        realm: None,
    });
    engine.submit(one, 0);
    let challenge = |name: &str, nonce: &str| {
        format!("{name}: Digest realm=\"r\", nonce=\"{nonce}\", qop=\"auth\"\r\n")
    };
    let first = sent(&mut engine, 0).remove(0);
    let proxy = challenge("Proxy-Authenticate", "p");
    engine.received(
        &peer(),
        &answer(&first, "407 Proxy Authentication Required", &proxy),
        1,
    );
    let second = sent(&mut engine, 1).remove(0);
    assert!(
        second.contains("Proxy-Authorization: Digest username=\"pool\""),
        "{second}"
    );
    let phone = challenge("WWW-Authenticate", "w");
    engine.received(&peer(), &answer(&second, "401 Unauthorized", &phone), 2);
    let third = sent(&mut engine, 2).remove(0);
    assert!(
        third.contains("\r\nAuthorization: Digest username=\"101\""),
        "{third}"
    );
    engine.received(&peer(), &answer(&third, "200 OK", ""), 3);
    let done = results(&mut engine);
    assert_eq!((done[0].outcome, done[0].attempts), (Outcome::Answered, 3));
}

#[test]
fn a_relays_proxy_is_looked_up_for_its_transport_and_keeps_its_name() {
    let mut config = config();
    config.outbound_proxy = Some((
        SipUri::parse("sip:edge.pbx.example").unwrap(),
        Transport::Tls,
    ));
    let mut engine = engine_with(config);
    engine.submit(job("a", "sip:101@pbx.example"), 0);
    let query = engine.poll_lookup().unwrap();
    assert_eq!(
        (query.transport, query.usual_port()),
        (Some(Transport::Tls), 5061)
    );
    let addresses: Vec<SocketAddr> = ["198.51.100.10:5061", "198.51.100.11:5061"]
        .map(|it| it.parse().unwrap())
        .into();
    let found = vec![Service {
        rank: 0,
        weight: 0,
        addresses,
    }];
    engine.located(&query, Ok(found), 1);
    engine.handle_timeout(1);
    let (hop, bytes) = engine.poll_transmit().unwrap();
    let first = hop.stream().unwrap().clone();
    assert_eq!(
        (
            first.host.as_str(),
            first.address.unwrap().to_string().as_str()
        ),
        ("edge.pbx.example", "198.51.100.10:5061")
    );
    assert!(
        String::from_utf8(bytes)
            .unwrap()
            .contains("\r\nRoute: <sip:edge.pbx.example;lr>\r\n")
    );
    // The next of its addresses is tried where the first does not answer (RFC 3263 §4.3).
    engine.disconnected(&first, "refused", 2);
    engine.handle_timeout(2);
    let (hop, _) = engine.poll_transmit().unwrap();
    assert_eq!(hop.address().unwrap().to_string(), "198.51.100.11:5061");
}

#[derive(Clone, Debug)]
enum Step {
    Submit,
    Answer(usize),
    Refuse(usize),
    Cut,
    Rubbish,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Submit),
        4 => any::<usize>().prop_map(Step::Answer),
        1 => any::<usize>().prop_map(Step::Refuse),
        1 => Just(Step::Cut),
        1 => Just(Step::Rubbish),
        2 => (0_u64..40_000).prop_map(Step::Wait),
    ]
}

proptest! {
    /// Whatever the proxy does, every job comes out once.
    #[test]
    fn every_job_comes_out_once(steps in prop::collection::vec(step(), 0..60), most in 1_usize..8) {
        let mut config = only();
        config.max_in_flight = most;
        let mut engine = engine_with(config);
        let (mut now, mut jobs) = (0, 0);
        let mut out: Vec<String> = Vec::new();
        let mut ended: BTreeMap<String, u32> = BTreeMap::new();
        for step in steps.into_iter().chain([Step::Wait(400_000)]) {
            match step {
                Step::Submit => {
                    engine.submit(job(&jobs.to_string(), "sip:101@pbx.example"), now);
                    jobs += 1;
                }
                Step::Answer(which) | Step::Refuse(which) if !out.is_empty() => {
                    let request = out.remove(which % out.len());
                    let status = if matches!(step, Step::Answer(_)) { "200 OK" } else { "480 Gone" };
                    for piece in answer(&request, status, "").chunks(100) {
                        engine.received(&peer(), piece, now);
                    }
                }
                Step::Answer(_) | Step::Refuse(_) => {}
                Step::Cut => engine.disconnected(&peer(), "cut", now),
                Step::Rubbish => engine.received(&peer(), b"\0", now),
                Step::Wait(ms) => {
                    let until = now + ms;
                    while let Some(at) = engine.poll_timeout().filter(|at| *at <= until) {
                        now = at.max(now);
                        let before = engine.counts();
                        out.extend(sent(&mut engine, now));
                        if engine.counts() == before && engine.poll_timeout() == Some(at) {
                            break;
                        }
                    }
                    now = until;
                }
            }
            out.extend(sent(&mut engine, now));
            while engine.poll_close().is_some() {}
            prop_assert!(engine.in_flight() <= most);
            while let Some(done) = engine.poll_done() {
                let id = match done {
                    Done::Result(result, _) => result.job.id,
                    Done::Return(job, _) => job.id,
                };
                *ended.entry(id).or_default() += 1;
            }
        }
        prop_assert_eq!(ended.len(), jobs);
        prop_assert!(ended.values().all(|times| *times == 1));
        prop_assert!(engine.is_empty());
    }
}
