//! What the fuzz target does, for a bounded number of inputs on a stable compiler.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use ringfence_wire::*;

const SEEDS: [&str; 6] = [
    r#"{"v":1,"type":"hello","version":"0.1.0","software":"r","instance":"5f","capacity":2,"transports":["udp4"]}"#,
    r#"{"v":1,"type":"ack","jobs":[{"id":"01JD","lease":2}]}"#,
    r#"{"v":1,"type":"result","results":[{"id":"01JD","lease":2,"outcome":"answered","code":200,"reason":"ok","explanation":"","retry":"never","attempts":1}]}"#,
    r#"{"v":1,"type":"return","jobs":[],"reason":"full"}"#,
    r#"{"v":1,"type":"job","jobs":[{"id":"01JD","lease":1,"lease_ms":1000,"target":{"aor":"sip:a@b.example"},"event":"check-sync","credentials":{"username":"u","password":"p"}}]}"#,
    r#"{"v":1,"type":"drain","reason":"x"}"#,
];

/// Whatever is read is written back and read again as the same.
fn check(text: &str) {
    if let Ok(frame) = RelayFrame::decode(text) {
        assert_eq!(RelayFrame::decode(&frame.encode().unwrap()).unwrap(), frame);
    }
    if let Ok(frame) = PoolFrame::decode(text) {
        assert_eq!(PoolFrame::decode(&frame.encode().unwrap()).unwrap(), frame);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn a_mutated_frame_is_read_or_refused(seed in 0..SEEDS.len(), at in 0usize..200, with in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        let at = at % bytes.len();
        if cut { bytes.truncate(at); } else { bytes[at] = with; }
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_result_survives_the_wire(id in ".{0,40}", lease: u32, code in proptest::option::of(any::<u16>()), text in ".{0,80}", n: u32) {
        let frame = RelayFrame::Result(vec![JobResult {
            job: JobRef { id, lease },
            outcome: Outcome::Rejected,
            code,
            reason: text.clone(),
            explanation: text,
            retry: Retry::Never,
            attempts: n,
            rtt_ms: Some(n),
            retry_after_s: None,
            destination: None,
        }]);
        prop_assert_eq!(RelayFrame::decode(&frame.encode().unwrap()).unwrap(), frame);
    }
}
