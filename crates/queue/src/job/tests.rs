#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use ringfence_wire::JobRef;

use super::*;

const T0: u64 = 1_790_812_800_000;
const HOUR: u64 = 3_600_000;

pub(crate) fn policy() -> JobPolicy {
    crate::options::PoolOptions::default().policy()
}

pub(crate) fn job() -> Job {
    Job {
        id: "01K6F00000000000000000JOB1".into(),
        tenant: "01K6F000000000000000TENANT".into(),
        device: "01K6F000000000000000DEVICE".into(),
        mac: "0080F0C571EB".into(),
        event: "check-sync".into(),
        version: 7,
        network: "198.51.100.0/24".into(),
        rollout: None,
        stage: 0,
        queue: String::new(),
        state: State::Queued,
        created_at: T0,
        due_at: T0,
        expires_at: T0 + 24 * HOUR,
        turn_granted: false,
        lease: 0,
        relay: None,
        relay_only: false,
        lease_until: None,
        tries: 0,
        joined: 0,
        first_sent_at: None,
        sent_at: None,
        answered_at: None,
        fetched_at: None,
        ended_at: None,
        check_at: None,
        checked_at: None,
        judge_at: None,
        verdict: RolloutVerdict::None,
        code: None,
        reason: "queued".into(),
        message: String::new(),
    }
}

pub(crate) fn result(lease: u32, outcome: Outcome, code: Option<u16>) -> JobResult {
    JobResult {
        job: JobRef {
            id: job().id,
            lease,
        },
        outcome,
        code,
        reason: code.map_or("no_answer".into(), |code| format!("status_{code}")),
        explanation: "Words.".into(),
        retry: if outcome == Outcome::Unreachable {
            Retry::Later
        } else {
            Retry::Never
        },
        attempts: 1,
        rtt_ms: Some(12),
        retry_after_s: None,
        destination: None,
    }
}

fn leased(now: u64) -> Job {
    let mut job = job();
    job.apply(
        &JobEvent::Lease {
            relay: "r1",
            judge_ms: None,
        },
        now,
        &policy(),
        0,
    );
    assert_eq!(job.state, State::Leased);
    job
}

fn answered(now: u64) -> Job {
    let mut job = leased(now);
    job.apply(
        &JobEvent::Report(&result(1, Outcome::Answered, Some(200))),
        now + 20,
        &policy(),
        0,
    );
    assert_eq!(job.state, State::Answered);
    job
}

#[test]
fn stored_job_format_unchanged() {
    assert_eq!(
        serde_json::to_string(&answered(T0)).unwrap(),
        r#"{"id":"01K6F00000000000000000JOB1","tenant":"01K6F000000000000000TENANT","device":"01K6F000000000000000DEVICE","mac":"0080F0C571EB","event":"check-sync","version":7,"network":"198.51.100.0/24","rollout":null,"stage":0,"lane":"","state":"answered","created_at":1790812800000,"due_at":1790812800000,"expires_at":1790899200000,"slot":0,"lease":1,"relay":"r1","lease_until":null,"tries":0,"joined":0,"first_sent_at":1790812800000,"sent_at":1790812800000,"answered_at":1790812800020,"fetched_at":null,"ended_at":null,"check_at":1790812800020,"checked_at":null,"judge_at":null,"verdict":"none","code":200,"reason":"status_200","words":"Words."}"#
    );
}

#[test]
fn answered_then_downloaded_is_fetched() {
    let mut job = answered(T0);
    job.apply(
        &JobEvent::Seen {
            version: 7,
            at: T0 + 900,
        },
        T0 + 1_000,
        &policy(),
        0,
    );
    assert_eq!(
        (job.state, job.fetched_at, job.ended_at),
        (State::Fetched, Some(T0 + 900), Some(T0 + 1_000))
    );
}

#[test]
fn a_download_before_the_notify_proves_nothing() {
    let mut job = answered(T0);
    job.apply(
        &JobEvent::Seen {
            version: 7,
            at: T0 - 1,
        },
        T0 + 1_000,
        &policy(),
        0,
    );
    assert_eq!(job.state, State::Answered);
}

#[test]
fn a_download_after_sending_counts_before_the_answer_is_there() {
    let mut job = leased(T0);
    job.apply(
        &JobEvent::Seen {
            version: 7,
            at: T0 + 5,
        },
        T0 + 10,
        &policy(),
        0,
    );
    assert_eq!(job.state, State::Fetched);
}

#[test]
fn a_stale_copy_is_told_again_after_the_change_could_be_seen() {
    let mut job = answered(T0);
    job.apply(
        &JobEvent::Seen {
            version: 6,
            at: T0 + 500,
        },
        T0 + 1_000,
        &policy(),
        0,
    );
    assert_eq!(
        (job.state, job.reason.as_str()),
        (State::Queued, "stale_copy")
    );
    assert!(job.due_at >= T0 + 61_000);
    // The same stale download is not counted twice.
    job.apply(
        &JobEvent::Lease {
            relay: "r1",
            judge_ms: None,
        },
        T0 + 70_000,
        &policy(),
        0,
    );
    job.apply(
        &JobEvent::Report(&result(2, Outcome::Answered, Some(200))),
        T0 + 70_020,
        &policy(),
        0,
    );
    job.apply(
        &JobEvent::Seen {
            version: 6,
            at: T0 + 500,
        },
        T0 + 71_000,
        &policy(),
        0,
    );
    assert_eq!(job.state, State::Answered);
}

#[test]
fn answered_and_never_fetched_ends_and_says_so() {
    let mut job = answered(T0);
    let mut now = T0;
    let mut checks = 0;
    while !job.state.is_final() {
        now = job.check_at.unwrap();
        job.apply(&JobEvent::Checked, now, &policy(), 0);
        checks += 1;
    }
    assert_eq!(
        (job.state, job.reason.as_str()),
        (State::Expired, "never_fetched")
    );
    assert_eq!(now, T0 + 20 + 1_800_000);
    assert!(checks < 80, "{checks} questions to D1");
}

#[test]
fn each_code_is_tried_again_or_not() {
    for code in [408, 480, 486, 500, 503] {
        let mut job = leased(T0);
        job.apply(
            &JobEvent::Report(&result(1, Outcome::Rejected, Some(code))),
            T0,
            &policy(),
            0,
        );
        assert_eq!(job.state, State::Queued, "{code}");
        assert!(job.due_at >= T0 + 15_000);
    }
    for code in [403, 404, 481, 489, 501, 603] {
        let mut job = leased(T0);
        job.apply(
            &JobEvent::Report(&result(1, Outcome::Rejected, Some(code))),
            T0,
            &policy(),
            0,
        );
        assert_eq!((job.state, job.code), (State::Rejected, Some(code)));
        assert_eq!(job.message, "Words.");
    }
}

#[test]
fn retry_after_is_honoured() {
    let mut job = leased(T0);
    let busy = JobResult {
        retry_after_s: Some(600),
        ..result(1, Outcome::Rejected, Some(503))
    };
    job.apply(&JobEvent::Report(&busy), T0, &policy(), 0);
    assert_eq!(job.due_at, T0 + 600_000);
}

#[test]
fn silence_is_unreachable_after_the_last_attempt() {
    let mut job = job();
    let mut now = T0;
    for lease in 1..=10 {
        now = now.max(job.due_at);
        job.apply(
            &JobEvent::Lease {
                relay: "r1",
                judge_ms: None,
            },
            now,
            &policy(),
            0,
        );
        job.apply(
            &JobEvent::Report(&result(lease, Outcome::Unreachable, None)),
            now + 32_000,
            &policy(),
            3,
        );
    }
    assert_eq!(
        (job.state, job.check_at),
        (State::Answered, Some(now + 32_000))
    );
    let mut lost = job.clone();
    job.apply(&JobEvent::Checked, now + 33_000, &policy(), 0);
    assert_eq!((job.state, job.tries), (State::Unreachable, 10));
    assert_eq!(job.message, "Words. Tried 10 times.");
    // Only its answer was lost: it has come.
    let seen = JobEvent::Seen {
        version: 7,
        at: now + 9,
    };
    lost.apply(&seen, now + 33_000, &policy(), 0);
    assert_eq!(lost.state, State::Fetched);
}

#[test]
fn a_job_that_was_sent_and_grows_too_old_is_looked_for_once_more() {
    let mut job = leased(T0);
    let busy = result(1, Outcome::Rejected, Some(486));
    job.apply(&JobEvent::Report(&busy), T0 + 20, &policy(), 0);
    let over = job.expires_at;
    job.apply(&JobEvent::Clock, over, &policy(), 0);
    assert_eq!(
        (job.state, job.reason.as_str()),
        (State::Answered, "too_old")
    );
    // An older download since is no reason to notify it again: its time is over.
    let stale = JobEvent::Seen {
        version: 6,
        at: T0 + 9,
    };
    job.apply(&stale, over + 50, &policy(), 0);
    job.apply(&JobEvent::Checked, over + 50, &policy(), 0);
    assert_eq!(
        (job.state, job.reason.as_str()),
        (State::Expired, "too_old")
    );
}

#[test]
fn a_lost_lease_goes_out_again_and_its_late_failure_is_ignored() {
    let mut job = leased(T0);
    let over = job.lease_until.unwrap();
    job.apply(&JobEvent::Clock, over - 1, &policy(), 0);
    assert_eq!(job.state, State::Leased);
    job.apply(&JobEvent::Clock, over, &policy(), 0);
    assert_eq!(
        (job.state, job.reason.as_str()),
        (State::Queued, "lease_over")
    );
    job.apply(
        &JobEvent::Lease {
            relay: "r2",
            judge_ms: None,
        },
        over,
        &policy(),
        0,
    );
    job.apply(
        &JobEvent::Report(&result(1, Outcome::Rejected, Some(404))),
        over + 1,
        &policy(),
        0,
    );
    assert_eq!((job.state, job.lease), (State::Leased, 2));
    // A late success is good news: the phone need not be notified again.
    job.apply(
        &JobEvent::Report(&result(1, Outcome::Answered, Some(200))),
        over + 2,
        &policy(),
        0,
    );
    assert_eq!(job.state, State::Answered);
}

#[test]
fn what_was_given_back_unsent_is_not_proven_by_a_download() {
    let mut job = leased(T0);
    job.apply(
        &JobEvent::GivenBack {
            lease: 1,
            reason: ReturnReason::Drain,
        },
        T0 + 5,
        &policy(),
        0,
    );
    assert_eq!((job.state, job.due_at), (State::Queued, T0 + 5));
    job.apply(
        &JobEvent::Seen {
            version: 7,
            at: T0 + 6,
        },
        T0 + 7,
        &policy(),
        0,
    );
    assert_eq!(job.state, State::Queued);
}

#[test]
fn what_was_given_back_after_it_was_sent_is_proven_by_a_download() {
    for reason in [ReturnReason::Lease, ReturnReason::Other] {
        let mut job = leased(T0);
        job.apply(
            &JobEvent::GivenBack { lease: 1, reason },
            T0 + 5,
            &policy(),
            0,
        );
        assert_eq!((job.state, job.tries), (State::Queued, 1));
        let seen = JobEvent::Seen {
            version: 7,
            at: T0 + 3,
        };
        job.apply(&seen, T0 + 7, &policy(), 0);
        assert_eq!(job.state, State::Fetched, "{reason:?}");
    }
}

/// A relay that is killed again and again, a lease that is too short, a relay that gives back what it
/// sent: none of them notifies a silent phone more often than silence itself.
#[test]
fn sendings_without_a_result_count_and_wait_after_the_second() {
    type Loss = fn(&Job) -> (u64, JobEvent<'static>);
    let losses: [(&str, Loss); 3] = [
        ("lease_over", |job| {
            (job.lease_until.unwrap(), JobEvent::Clock)
        }),
        ("relay_lost", |job| {
            (job.sent_at.unwrap() + 9, JobEvent::LeaseVoid)
        }),
        ("returned", |job| {
            let (lease, reason) = (job.lease, ReturnReason::Lease);
            (
                job.sent_at.unwrap() + 9,
                JobEvent::GivenBack { lease, reason },
            )
        }),
    ];
    for (reason, loss) in losses {
        let mut job = job();
        let mut waits = Vec::new();
        let mut now = T0;
        while job.state == State::Queued {
            now = now.max(job.due_at);
            let lease = JobEvent::Lease {
                relay: "r1",
                judge_ms: None,
            };
            job.apply(&lease, now, &policy(), 0);
            let (at, event) = loss(&job);
            now = at;
            job.apply(&event, now, &policy(), 0);
            waits.push(job.due_at.saturating_sub(now));
        }
        job.apply(&JobEvent::Checked, now, &policy(), 0);
        assert_eq!(waits.len(), 10, "{reason}: {waits:?}");
        assert_eq!(waits[..2], [0, 0], "{reason}");
        assert_eq!(waits[2..5], [60_000, 120_000, 240_000], "{reason}");
        assert_eq!((job.state, job.tries), (State::Unreachable, 10));
        assert_eq!(job.reason, reason);
    }
}

#[test]
fn a_second_request_joins_and_a_standalone_one_leaves_the_queue() {
    let mut job = Job {
        queue: "rollout".into(),
        ..job()
    };
    job.apply(
        &JobEvent::Join {
            version: 9,
            not_before: T0 + 60_000,
            expires_at: T0 + 25 * HOUR,
            standalone: true,
        },
        T0,
        &policy(),
        0,
    );
    assert_eq!(
        (job.version, job.due_at, job.queue.as_str(), job.joined),
        (9, T0 + 60_000, "", 1)
    );
    // Files of the version it was first about are stale now.
    let mut job = answered(T0);
    job.apply(
        &JobEvent::Join {
            version: 9,
            not_before: T0,
            expires_at: T0,
            standalone: true,
        },
        T0 + 30,
        &policy(),
        0,
    );
    job.apply(
        &JobEvent::Seen {
            version: 7,
            at: T0 + 25,
        },
        T0 + 1_000,
        &policy(),
        0,
    );
    assert_eq!(
        (job.state, job.reason.as_str()),
        (State::Queued, "stale_copy")
    );
}

#[test]
fn a_rollout_learns_whether_it_was_in_time() {
    let in_rollout = Job {
        verdict: RolloutVerdict::Open,
        rollout: Some("r".into()),
        ..job()
    };
    let run = |fetched_after: u64| {
        let mut job = in_rollout.clone();
        job.apply(
            &JobEvent::Lease {
                relay: "r1",
                judge_ms: Some(60_000),
            },
            T0,
            &policy(),
            0,
        );
        job.apply(
            &JobEvent::Seen {
                version: 7,
                at: T0 + fetched_after,
            },
            T0 + 90_000,
            &policy(),
            0,
        );
        job.verdict
    };
    assert_eq!(run(59_000), RolloutVerdict::InTime);
    assert_eq!(run(61_000), RolloutVerdict::Late);
    let mut job = in_rollout;
    job.apply(
        &JobEvent::Cancel {
            reason: "operator",
            message: "",
        },
        T0,
        &policy(),
        0,
    );
    assert_eq!(job.verdict, RolloutVerdict::Excluded);
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Lease,
    Report(u32, u16, u32),
    HandOver(u32, u32),
    Back(u32),
    Void,
    Seen(u64, i64),
    Check,
    Join(u64),
    Refuse,
    Cancel,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..90_000_u64).prop_map(Step::Wait),
        1 => (0..50_000_000_u64).prop_map(Step::Wait),
        6 => Just(Step::Lease),
        6 => (0..8_u32, prop::sample::select(vec![0_u16, 200, 404, 408, 480, 481, 486, 489, 500, 503, 603]), 0..4_u32)
            .prop_map(|(outcome, code, back)| Step::Report(outcome, code, back)),
        2 => (0..8_u32, 0..4_u32).prop_map(|(outcome, back)| Step::HandOver(outcome, back)),
        2 => (0..3_u32).prop_map(Step::Back),
        1 => Just(Step::Void),
        2 => (5..9_u64, -5_000..5_000_i64).prop_map(|(version, at)| Step::Seen(version, at)),
        4 => Just(Step::Check),
        1 => (6..9_u64).prop_map(Step::Join),
        1 => Just(Step::Refuse),
        1 => Just(Step::Cancel),
    ];
    prop::collection::vec(step, 0..60)
}

fn outcome(n: u32) -> Outcome {
    [
        Outcome::Answered,
        Outcome::Rejected,
        Outcome::Unreachable,
        Outcome::Unauthorized,
        Outcome::NotAllowed,
        Outcome::Invalid,
        Outcome::Cancelled,
        Outcome::Other,
    ][n as usize % 8]
}

proptest! {
    /// Whatever arrives, in whatever order: one final state, and nothing changes after it. With
    /// nothing more arriving, time alone ends it, even if every relay that takes it vanishes.
    #[test]
    fn a_job_ends_in_exactly_one_final_state(steps in steps(), random: u64, relay_stays: bool) {
        let policy = policy();
        let mut job = Job { verdict: RolloutVerdict::Open, rollout: Some("r".into()), ..job() };
        let mut now = T0;
        let mut endings = 0;
        let mut end: Option<Job> = None;
        let check = |job: &Job, lease_before: u32, endings: &mut u32, end: &mut Option<Job>| {
            match &end {
                Some(end) => assert_eq!(job, end, "a final job changed"),
                None if job.state.is_final() => {
                    *endings += 1;
                    assert!(job.ended_at.is_some() && job.verdict != RolloutVerdict::Open && !job.reason.is_empty());
                    *end = Some(job.clone());
                }
                None => {
                    assert!(job.ended_at.is_none());
                    assert_eq!(job.state == State::Leased, job.lease_until.is_some());
                    assert_eq!(job.state == State::Answered, job.check_at.is_some());
                    assert!(job.lease >= lease_before && job.lease <= lease_before + 1);
                }
            }
        };
        for step in steps {
            let lease = job.lease;
            let result;
            let event = match step {
                Step::Wait(ms) => { now += ms; JobEvent::Clock }
                Step::Lease => JobEvent::Lease { relay: "r", judge_ms: Some(900_000) },
                Step::Report(n, code, back) => {
                    result = self::result(lease.saturating_sub(back), outcome(n), Some(code).filter(|&code| code > 0));
                    JobEvent::Report(&result)
                }
                Step::HandOver(n, back) => {
                    result = self::result(lease.saturating_sub(back), outcome(n), None);
                    JobEvent::HandOver(&result)
                }
                Step::Back(back) => JobEvent::GivenBack { lease: lease.saturating_sub(back), reason: ReturnReason::Pace },
                Step::Void => JobEvent::LeaseVoid,
                Step::Seen(version, at) => JobEvent::Seen { version, at: now.saturating_add_signed(at) },
                Step::Check => JobEvent::Checked,
                Step::Join(version) => JobEvent::Join { version, not_before: now + 60_000, expires_at: now + HOUR, standalone: false },
                Step::Refuse => JobEvent::Refuse { reason: "no_target", message: "" },
                Step::Cancel => JobEvent::Cancel { reason: "operator", message: "" },
            };
            job.apply(&event, now, &policy, random);
            check(&job, lease, &mut endings, &mut end);
        }
        for _ in 0..5_000 {
            if job.state.is_final() { break; }
            let lease = job.lease;
            now = match job.state {
                State::Queued if relay_stays && job.due_at < job.expires_at => now.max(job.due_at),
                State::Queued => now.max(job.expires_at),
                State::Leased => now.max(job.lease_until.unwrap()),
                _ => now.max(job.check_at.unwrap()),
            };
            let event = if job.is_due(now) { JobEvent::Lease { relay: "r", judge_ms: None } }
                else if job.state == State::Answered { JobEvent::Checked }
                else { JobEvent::Clock };
            job.apply(&event, now, &policy, random);
            check(&job, lease, &mut endings, &mut end);
        }
        prop_assert!(job.state.is_final(), "still {:?} after all", job.state);
        prop_assert_eq!(endings, 1);
    }
}
