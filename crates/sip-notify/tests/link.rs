//! Session and phone over a link that misbehaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use proptest::prelude::*;
use ringfence_sip_notify::{Ending, NoAnswer, Timers};
use support::link::{Run, Weather, run};
use support::phone::{Phone, Step};
use support::{Random, session, session_with_credentials};

fn fair(delay: u64) -> Weather {
    Weather {
        delay,
        ..Weather::default()
    }
}

fn notify(phone: &mut Phone, weather: Weather) -> Run {
    run(&mut session(1), phone, weather, &mut Random(2))
}

#[test]
fn a_phone_that_answers_at_once_is_told_once() {
    let mut phone = Phone::new(vec![Step::Say("200 OK", vec![])]);
    let run = notify(&mut phone, fair(20));
    assert_eq!(run.outcome.ending, Ending::Answered { code: 200 });
    assert_eq!(run.outcome.round_trip_ms, Some(40));
    assert_eq!((run.outcome.attempts, run.outcome.transmissions), (1, 1));
}

#[test]
fn silence_is_met_with_copies_at_the_times_of_timer_e_until_timer_f() {
    let run = notify(&mut Phone::silent(), fair(20));
    assert_eq!(run.outcome.ending, Ending::Unreachable(NoAnswer::Silence));
    assert_eq!(
        run.sent_at,
        [
            0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500
        ]
    );
    assert_eq!(run.ended_at, 32_000);
    assert_eq!(
        (run.outcome.round_trip_ms, run.outcome.transmissions),
        (None, 11)
    );
}

#[test]
fn a_provisional_answer_slows_the_copies_down_to_t2() {
    let mut phone = Phone::new(vec![Step::Ring("200 OK", 30_000)]);
    let run = notify(&mut phone, fair(10));
    // The copy that was due is sent; from there on, every four seconds.
    assert_eq!(
        run.sent_at,
        [0, 500, 4500, 8500, 12500, 16500, 20500, 24500, 28500]
    );
    assert_eq!(run.outcome.ending, Ending::Answered { code: 200 });
    assert_eq!(run.outcome.round_trip_ms, Some(30_020));
}

#[test]
fn a_provisional_answer_alone_is_not_enough() {
    let mut phone = Phone::new(vec![Step::Ring("200 OK", 60_000)]);
    let run = notify(&mut phone, fair(10));
    assert_eq!(
        run.outcome.ending,
        Ending::Unreachable(NoAnswer::ProvisionalOnly)
    );
    assert_eq!(run.ended_at, 32_000);
    assert!(run.dropped > 0, "the late answers are dropped");
}

#[test]
fn three_lost_copies_cost_time_only() {
    let mut phone = Phone::new(vec![Step::Deaf(3, "200 OK")]);
    let run = notify(&mut phone, fair(10));
    assert_eq!(run.outcome.ending, Ending::Answered { code: 200 });
    assert_eq!(run.outcome.round_trip_ms, Some(3_520));
    assert_eq!(run.outcome.transmissions, 4);
}

#[test]
fn answers_to_copies_are_absorbed() {
    // The answer takes longer than T1, so that the phone hears two copies and answers both.
    let mut phone = Phone::new(vec![Step::Say("200 OK", vec![])]);
    let run = notify(&mut phone, fair(400));
    assert_eq!(run.outcome.round_trip_ms, Some(800));
    assert_eq!((run.outcome.transmissions, run.dropped), (2, 1));
}

#[test]
fn an_answer_after_timer_f_changes_nothing() {
    let mut phone = Phone::new(vec![Step::Say("200 OK", vec![])]);
    let run = notify(&mut phone, fair(17_000));
    assert_eq!(run.outcome.ending, Ending::Unreachable(NoAnswer::Silence));
    assert_eq!(run.dropped, 11);
}

#[test]
fn a_rejection_carries_code_words_and_retry_after() {
    let mut phone = Phone::new(vec![Step::Say(
        "503 Come Back",
        vec!["Retry-After: 120 (upgrade)"],
    )]);
    let run = notify(&mut phone, fair(1));
    let Ending::Rejected {
        code,
        retry_after,
        reason,
    } = &run.outcome.ending
    else {
        panic!("{:?}", run.outcome);
    };
    assert_eq!(
        (*code, *retry_after, &**reason),
        (503, Some(120), "Come Back")
    );
    assert!(run.outcome.ending.retry().is_retry());
}

#[test]
fn a_challenge_is_answered_over_a_bad_link() {
    let challenge = r#"WWW-Authenticate: Digest realm="pbx.example", nonce="n1", qop="auth", algorithm=SHA-256"#;
    let guard = Step::Guard {
        status: "401 Unauthorized",
        challenge,
        answer: "200 OK",
    };
    let weather = Weather {
        loss: 40,
        duplicates: 40,
        delay: 30,
        jitter: 900,
    };
    let mut answered = 0;
    for seed in 0..200 {
        let mut phone = Phone::new(vec![guard.clone()]);
        let run = run(
            &mut session_with_credentials(seed),
            &mut phone,
            weather,
            &mut Random(seed),
        );
        match run.outcome.ending {
            Ending::Answered { code: 200 } => answered += 1,
            Ending::Unreachable(_) => {}
            other => panic!("{other:?}"),
        }
        assert!(phone.requests.len() <= 2);
    }
    assert!(answered > 190, "{answered} of 200");
}

fn any_weather() -> impl Strategy<Value = Weather> {
    (0..=100_u8, 0..=100_u8, 0..3_000_u64, 0..5_000_u64).prop_map(
        |(loss, duplicates, delay, jitter)| Weather {
            loss,
            duplicates,
            delay,
            jitter,
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    let status = prop::sample::select(vec![
        "200 OK",
        "202 Accepted",
        "302 Moved",
        "404 Not Found",
        "481",
        "503 Busy",
        "603 No",
    ]);
    let guard = prop::sample::select(vec![
        (
            "401 Unauthorized",
            r#"WWW-Authenticate: Digest realm="a", nonce="1", qop="auth""#,
        ),
        (
            "401 Unauthorized",
            r#"WWW-Authenticate: Digest realm="a", nonce="2", stale=true"#,
        ),
        (
            "401 Unauthorized",
            r#"WWW-Authenticate: Basic realm="a", nonce=x"#,
        ),
        (
            "407 Proxy Authentication Required",
            r#"Proxy-Authenticate: Digest realm="b", nonce="3", algorithm=MD5-sess, qop="auth""#,
        ),
        (
            "407 Proxy Authentication Required",
            r#"Proxy-Authenticate: Digest realm="c", nonce="4", algorithm=SHA-256"#,
        ),
    ]);
    prop_oneof![
        status.clone().prop_map(|status| Step::Say(status, vec![])),
        (status.clone(), 0..40_000_u64).prop_map(|(status, delay)| Step::Ring(status, delay)),
        (0..14_u32, status.clone()).prop_map(|(deaf, status)| Step::Deaf(deaf, status)),
        (guard, status).prop_map(|((status, challenge), answer)| Step::Guard {
            status,
            challenge,
            answer
        }),
    ]
}

proptest! {
    /// [`run`] itself checks that there is one outcome and nothing is sent after it.
    #[test]
    fn every_session_ends_once_and_in_time(
        weather in any_weather(),
        steps in prop::collection::vec(any_step(), 1..8),
        seed: u64,
        knows_password: bool,
    ) {
        let mut session = if knows_password { session_with_credentials(seed) } else { session(seed) };
        let mut phone = Phone::new(steps);
        let run = run(&mut session, &mut phone, weather, &mut Random(seed));
        let attempts = u64::from(run.outcome.attempts);
        prop_assert!(attempts <= 9, "{attempts} attempts");
        prop_assert!(run.ended_at <= attempts * Timers::default().timeout());
        prop_assert!(run.sent_at.len() <= 11 * usize::try_from(attempts).unwrap());
        prop_assert_eq!(usize::from(run.outcome.transmissions), run.sent_at.len());
        prop_assert!(phone.requests.len() <= usize::from(run.outcome.attempts));
        prop_assert!(knows_password || attempts == 1);
    }

    /// Without loss, and with answers within T1, the phone is notified once and believed.
    #[test]
    fn a_good_link_gives_the_phones_own_answer(delay in 0..120_u64, jitter in 0..120_u64, duplicates in 0..=100_u8, seed: u64, code in 200..700_u16) {
        prop_assume!(code != 401 && code != 407);
        let status: &'static str = Box::leak(format!("{code} So").into_boxed_str());
        let mut phone = Phone::new(vec![Step::Say(status, vec![])]);
        let weather = Weather { loss: 0, duplicates, delay, jitter };
        let run = run(&mut session(seed), &mut phone, weather, &mut Random(seed));
        prop_assert_eq!(run.outcome.ending.code(), Some(code));
        prop_assert_eq!(matches!(run.outcome.ending, Ending::Answered { .. }), code < 300);
        prop_assert_eq!(run.outcome.transmissions, 1);
    }
}
