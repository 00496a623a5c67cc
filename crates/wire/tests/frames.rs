//! The frames' format is pinned: a relay and an object of different ages meet on the wire.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use ringfence_wire::*;

fn job_ref() -> JobRef {
    JobRef {
        id: "01JD0000000000000000000001".into(),
        lease: 2,
    }
}

fn pin_relay(frame: RelayFrame, text: &str) {
    assert_eq!(frame.encode().unwrap(), text);
    assert_eq!(RelayFrame::decode(text).unwrap(), frame);
}

fn pin_pool(frame: PoolFrame, text: &str) {
    assert_eq!(frame.encode().unwrap(), text);
    assert_eq!(PoolFrame::decode(text).unwrap(), frame);
}

#[test]
fn hello_json_format_unchanged() {
    let bare = Hello {
        version: "0.1.0".into(),
        software: "ringfence-relay".into(),
        instance: "5f3c".into(),
        capacity: 20_000,
        in_flight: 3,
        transports: vec![Transport::Udp4, Transport::Udp6],
        ping_interval_ms: None,
    };
    pin_relay(
        RelayFrame::Hello(Hello {
            ping_interval_ms: Some(30_000),
            ..bare.clone()
        }),
        r#"{"v":1,"type":"hello","version":"0.1.0","software":"ringfence-relay","instance":"5f3c","capacity":20000,"in_flight":3,"transports":["udp4","udp6"],"ping_interval_ms":30000}"#,
    );
    pin_relay(
        RelayFrame::Hello(bare),
        r#"{"v":1,"type":"hello","version":"0.1.0","software":"ringfence-relay","instance":"5f3c","capacity":20000,"in_flight":3,"transports":["udp4","udp6"]}"#,
    );
}

#[test]
fn ack_and_return_json_format_unchanged() {
    pin_relay(
        RelayFrame::Ack(vec![job_ref()]),
        r#"{"v":1,"type":"ack","jobs":[{"id":"01JD0000000000000000000001","lease":2}]}"#,
    );
    pin_relay(
        RelayFrame::Return {
            jobs: vec![job_ref()],
            reason: ReturnReason::Drain,
        },
        r#"{"v":1,"type":"return","jobs":[{"id":"01JD0000000000000000000001","lease":2}],"reason":"drain"}"#,
    );
}

#[test]
fn result_json_format_unchanged() {
    let full = JobResult {
        job: job_ref(),
        outcome: Outcome::Rejected,
        code: Some(503),
        reason: "status_503".into(),
        explanation: "busy".into(),
        retry: Retry::Later,
        attempts: 2,
        rtt_ms: Some(12),
        retry_after_s: Some(30),
        destination: Some("198.51.100.7:5060".into()),
    };
    let bare = JobResult {
        outcome: Outcome::Unreachable,
        code: None,
        reason: "no_answer".into(),
        explanation: "silence".into(),
        attempts: 11,
        rtt_ms: None,
        retry_after_s: None,
        destination: None,
        ..full.clone()
    };
    pin_relay(
        RelayFrame::Result(vec![full, bare]),
        concat!(
            r#"{"v":1,"type":"result","results":[{"id":"01JD0000000000000000000001","lease":2,"outcome":"rejected","code":503,"reason":"status_503","explanation":"busy","retry":"later","attempts":2,"rtt_ms":12,"retry_after_s":30,"destination":"198.51.100.7:5060"},"#,
            r#"{"id":"01JD0000000000000000000001","lease":2,"outcome":"unreachable","reason":"no_answer","explanation":"silence","retry":"later","attempts":11}]}"#
        ),
    );
}

#[test]
fn job_json_format_unchanged() {
    let bare = Job {
        job: job_ref(),
        lease_ms: 120_000,
        target: Target {
            aor: "sip:101@pbx.example".into(),
            address: None,
        },
        event: "check-sync".into(),
        headers: vec![],
        content_type: None,
        body: None,
        route: None,
        credentials: None,
        destinations: None,
    };
    let full = Job {
        target: Target {
            address: Some("198.51.100.7:5060".into()),
            ..bare.target.clone()
        },
        headers: vec![Header {
            name: "Subscription-State".into(),
            value: "active".into(),
        }],
        content_type: Some("text/plain".into()),
        body: Some("hi".into()),
        route: Some("sip:proxy.example;lr".into()),
        credentials: Some(Credentials {
            username: "101".into(),
            password: Secret::new("pw"),
            realm: Some("pbx.example".into()),
        }),
        destinations: Some(Destinations {
            domains: vec!["pbx.example".into()],
            networks: vec!["198.51.100.0/24".into()],
        }),
        ..bare.clone()
    };
    pin_pool(
        PoolFrame::Job(vec![bare, full]),
        concat!(
            r#"{"v":1,"type":"job","jobs":[{"id":"01JD0000000000000000000001","lease":2,"lease_ms":120000,"target":{"aor":"sip:101@pbx.example"},"event":"check-sync"},"#,
            r#"{"id":"01JD0000000000000000000001","lease":2,"lease_ms":120000,"target":{"aor":"sip:101@pbx.example","address":"198.51.100.7:5060"},"event":"check-sync","headers":[{"name":"Subscription-State","value":"active"}],"content_type":"text/plain","body":"hi","route":"sip:proxy.example;lr","credentials":{"username":"101","password":"pw","realm":"pbx.example"},"destinations":{"domains":["pbx.example"],"networks":["198.51.100.0/24"]}}]}"#
        ),
    );
}

#[test]
fn the_pools_other_frames_json_format_unchanged() {
    pin_pool(
        PoolFrame::Welcome(Welcome {
            pool: "p1".into(),
            relay: "r1".into(),
            ping_interval_ms: Some(30_000),
        }),
        r#"{"v":1,"type":"welcome","pool":"p1","relay":"r1","ping_interval_ms":30000}"#,
    );
    pin_pool(
        PoolFrame::Recorded(vec![job_ref()]),
        r#"{"v":1,"type":"recorded","jobs":[{"id":"01JD0000000000000000000001","lease":2}]}"#,
    );
    pin_pool(
        PoolFrame::Cancel(vec![job_ref()]),
        r#"{"v":1,"type":"cancel","jobs":[{"id":"01JD0000000000000000000001","lease":2}]}"#,
    );
    pin_pool(
        PoolFrame::Drain(Drain {
            reason: "revoked".into(),
        }),
        r#"{"v":1,"type":"drain","reason":"revoked"}"#,
    );
}

#[test]
fn errors_json_format_unchanged() {
    let frame = DecodeError::UnknownType("dance".into()).frame();
    pin_relay(
        RelayFrame::Error(frame.clone()),
        r#"{"v":1,"type":"error","code":"unknown_type","message":"a frame of unknown type `dance`"}"#,
    );
    pin_pool(
        PoolFrame::Error(frame),
        r#"{"v":1,"type":"error","code":"unknown_type","message":"a frame of unknown type `dance`"}"#,
    );
}

#[test]
fn unknown_fields_are_ignored_wherever_they_stand() {
    let text = r#"{"new":[1],"type":"ack","v":1,"jobs":[{"id":"a","lease":1,"colour":"red"}]}"#;
    let expected = RelayFrame::Ack(vec![JobRef {
        id: "a".into(),
        lease: 1,
    }]);
    assert_eq!(RelayFrame::decode(text).unwrap(), expected);
}

#[test]
fn words_of_a_later_version_are_read_as_other() {
    let text = r#"{"v":1,"type":"return","jobs":[],"reason":"moonlight"}"#;
    let Ok(RelayFrame::Return { reason, .. }) = RelayFrame::decode(text) else {
        panic!("not a return");
    };
    assert_eq!(reason, ReturnReason::Other);
}

#[test]
fn an_unknown_type_is_told_from_a_broken_frame() {
    let code = |text: &str| PoolFrame::decode(text).unwrap_err().frame().code;
    assert_eq!(code(r#"{"v":1,"type":"dance"}"#), ErrorCode::UnknownType);
    assert_eq!(code(r#"{"v":2,"type":"drain"}"#), ErrorCode::Version);
    assert_eq!(code(r#"{"v":1,"type":"drain"}"#), ErrorCode::Malformed);
    assert_eq!(code("PING"), ErrorCode::Malformed);
    assert_eq!(code(&" ".repeat(MAX_FRAME_BYTES + 1)), ErrorCode::TooLarge);
}

#[test]
fn neither_a_debug_print_nor_an_error_shows_a_password() {
    let text = r#"{"v":1,"type":"job","jobs":[{"id":"a","lease":1,"lease_ms":1,"target":{"aor":"sip:a@b.example"},"event":"e","credentials":{"username":"u","password":"hunter2"}}]}"#;
    let frame = PoolFrame::decode(text).unwrap();
    assert!(!format!("{frame:?}").contains("hunter2"));
    let broken = text.replace(r#""credentials":{"#, r#""credentials":"hunter2","x":{"#);
    assert!(
        !PoolFrame::decode(&broken)
            .unwrap_err()
            .to_string()
            .contains("hunter2")
    );
}

#[test]
fn batches_fit_their_frames_and_keep_the_order() {
    let jobs: Vec<JobRef> = (0..5000)
        .map(|n| JobRef {
            id: format!("{n:026}"),
            lease: n,
        })
        .collect();
    let (frames, oversized) = batches(jobs.clone(), RelayFrame::Ack);
    assert!(oversized.is_empty());
    let mut seen = Vec::new();
    for frame in frames {
        let text = frame.encode().unwrap();
        let Ok(RelayFrame::Ack(part)) = RelayFrame::decode(&text) else {
            panic!("not an ack");
        };
        seen.extend(part);
    }
    assert_eq!(seen, jobs);
}

#[test]
fn an_item_too_long_for_any_frame_is_handed_back() {
    let giant = JobRef {
        id: "x".repeat(MAX_FRAME_BYTES),
        lease: 1,
    };
    let (frames, oversized) = batches(vec![job_ref(), giant.clone()], RelayFrame::Ack);
    assert_eq!((frames.len(), oversized), (1, vec![giant]));
}
