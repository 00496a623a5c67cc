//! What becomes of one job.

use proptest::prelude::*;
use ringfence_wire::{JobRef, ReturnReason};

use super::world::{Phone, T0, World, quick};
use crate::job::State;
use crate::options::PoolOptions;
use crate::store::NewJob;

#[test]
fn a_job_goes_out_and_is_fetched() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.submit("a");
    world.run(T0 + 5_000);
    let job = world.job("a");
    assert_eq!(
        (job.state, job.relay.as_deref(), job.code),
        (State::Fetched, Some("r1"), Some(200))
    );
    let attempts = world.engine.store.attempts("Ja").unwrap();
    assert_eq!(
        (
            attempts.len(),
            attempts[0].outcome.as_deref(),
            attempts[0].rtt_ms
        ),
        (1, Some("answered"), Some(20))
    );
}

#[test]
fn a_job_about_a_change_waits_until_it_can_be_seen() {
    let mut world = World::new(PoolOptions::default());
    world.relay("r1", 10);
    let new = NewJob {
        changed_at: Some(T0 - 10_000),
        ..world.new_job("a")
    };
    let submitted = world.engine.submit(vec![new], T0).unwrap().remove(0);
    assert_eq!(submitted.due_at, T0 + 50_000);
    world.run(T0 + 49_000);
    assert!(world.notified.is_empty());
    world.run(T0 + 60_000);
    assert_eq!(world.notified.len(), 1);
}

#[test]
fn a_second_request_joins_the_first() {
    let mut world = World::new(quick());
    let first = world.submit("a");
    let second = world
        .engine
        .submit(
            vec![NewJob {
                id: "other".into(),
                ..world.new_job("a")
            }],
            T0,
        )
        .unwrap()
        .remove(0);
    assert_eq!(
        (first.joined, second.joined, second.id),
        (false, true, first.id)
    );
    let other_event = NewJob {
        id: "x".into(),
        event: "reboot".into(),
        ..world.new_job("a")
    };
    assert!(!world.engine.submit(vec![other_event], T0).unwrap()[0].joined);
    world.relay("r1", 10);
    world.run(T0 + 5_000);
    assert_eq!(world.notified.len(), 2);
    // Once it has ended, a request is a new job.
    let again = NewJob {
        id: "again".into(),
        ..world.new_job("a")
    };
    assert!(!world.engine.submit(vec![again], world.now).unwrap()[0].joined);
}

#[test]
fn without_a_relay_jobs_wait_and_nothing_wakes_but_their_end() {
    let mut world = World::new(quick());
    world.submit("a");
    world.tick();
    let wake = world
        .engine
        .next_wake(false, &[], &|_| Some(0), world.now)
        .unwrap();
    assert_eq!(wake, Some(T0 + 86_400_000));
    world.run(T0 + 86_400_001);
    assert_eq!(
        (world.job("a").state, world.job("a").reason.as_str()),
        (State::Expired, "never_sent")
    );
}

#[test]
fn a_quiet_pool_never_wakes() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.tick();
    assert_eq!(
        world
            .engine
            .next_wake(true, &world.free(), &|_| Some(0), T0)
            .unwrap(),
        None
    );
}

#[test]
fn an_answered_job_of_an_evicted_object_is_fetched_all_the_same() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.phones.insert("a".into(), Phone::Fetches(60_000));
    world.submit("a");
    world.run(T0 + 1_000);
    assert_eq!(world.job("a").state, State::Answered);
    world.evict();
    world.run(T0 + 130_000);
    assert_eq!(world.job("a").state, State::Fetched);
}

#[test]
fn a_silent_phone_that_came_back_is_not_notified_again() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.phones.insert("a".into(), Phone::Silent);
    world.submit("a");
    world.run(T0 + 1_000);
    world.fetched.insert("a".into(), (7, T0 + 900));
    world.run(T0 + 60_000);
    assert_eq!(
        (world.job("a").state, world.notified.len()),
        (State::Fetched, 1)
    );
}

#[test]
fn the_last_hundred_leases_of_a_job_are_kept() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.submit("a");
    for lease in 1..=150 {
        world.tick();
        let job = JobRef {
            id: "Ja".into(),
            lease,
        };
        let full = ReturnReason::Full;
        world
            .engine
            .given_back("r1", &[job], full, world.now)
            .unwrap();
        world.now += 1_000;
    }
    let rows = world
        .memory
        .0
        .query_row("SELECT count(*) FROM attempts", [], |row| row.get(0));
    assert_eq!(rows, Ok(100));
    let attempts = world.engine.store.attempts("Ja").unwrap();
    assert_eq!((attempts[0].lease, attempts[99].lease), (51, 150));
    assert_eq!(attempts[99].reason.as_deref(), Some("full"));
}

#[test]
fn old_jobs_are_forgotten() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.submit("a");
    world.run(T0 + 31 * 86_400_000);
    assert_eq!(world.engine.store.job("Ja").unwrap(), None);
    assert!(world.engine.store.attempts("Ja").unwrap().is_empty());
    assert_eq!(
        world
            .engine
            .next_wake(true, &world.free(), &|_| Some(0), world.now)
            .unwrap(),
        None
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Relays vanish and come back, the object is evicted, phones do what they like: every job ends
    /// in one final state, and what was fetched was fetched.
    #[test]
    fn every_job_ends_whatever_fails(
        phones in prop::collection::vec(prop_oneof![
            4 => (0..100_000_u64).prop_map(Phone::Fetches),
            1 => Just(Phone::Stale),
            1 => Just(Phone::Answers(200)),
            1 => prop::sample::select(vec![404_u16, 408, 481, 486, 503]).prop_map(Phone::Answers),
            1 => Just(Phone::Silent),
        ], 1..40),
        faults in prop::collection::vec((0..3_u8, 1..200_000_u64), 0..12),
    ) {
        let mut world = World::new(quick());
        world.relay("r1", 8);
        world.relay("r2", 5);
        for (n, phone) in phones.iter().enumerate() {
            world.phones.insert(format!("d{n}"), *phone);
            world.submit(&format!("d{n}"));
        }
        let mut instance = 1;
        for (fault, after) in faults {
            world.run(world.now + after);
            match fault {
                0 => world.evict(),
                1 => { world.relays.pop(); }
                _ => {
                    instance += 1;
                    world.relays.retain(|(session, _)| session.relay != "r1");
                    world.relay_instance("r1", 8, &instance.to_string());
                }
            }
        }
        world.run(T0 + 10 * 86_400_000);
        for (n, phone) in phones.iter().enumerate() {
            let job = world.job(&format!("d{n}"));
            prop_assert!(job.state.is_final(), "{phone:?}: {job:?}");
            if matches!(phone, Phone::Fetches(_)) && instance > 0 && !world.relays.is_empty() {
                prop_assert_eq!(job.state, State::Fetched, "{:?}", job);
            }
        }
    }
}
