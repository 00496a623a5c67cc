//! Which relay has which jobs, and what becomes of those that a relay loses.

use ringfence_wire::{JobRef, ReturnReason};

use super::world::{T0, World, quick};
use crate::job::State;

#[test]
fn relays_share_by_free_capacity() {
    let mut world = World::new(quick());
    world.relay("small", 10);
    world.relay("large", 30);
    for n in 0..60 {
        world.submit(&format!("d{n}"));
    }
    world.tick();
    let loads = world.engine.store.loads().unwrap();
    let of = |name: &str| loads.iter().find(|load| load.0 == name).unwrap().2;
    // An eighth is kept for other tenants.
    assert_eq!((of("small"), of("large")), (7, 28));
}

#[test]
fn a_vanished_relays_jobs_go_to_another_within_the_lease() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.submit("a");
    world.tick();
    world.relays.clear();
    world.relay("r2", 10);
    world.run(T0 + 140_000);
    let job = world.job("a");
    assert_eq!(
        (job.state, job.relay.as_deref(), job.lease),
        (State::Fetched, Some("r2"), 2)
    );
    let first = &world.engine.store.attempts("Ja").unwrap()[0];
    assert_eq!(
        (first.outcome.as_deref(), first.reason.as_deref()),
        (Some("lost"), Some("lease_over"))
    );
}

#[test]
fn a_relay_that_comes_back_as_another_process_has_lost_its_jobs() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.submit("a");
    world.tick();
    world.relays.clear();
    world.relay_instance("r1", 10, "1");
    assert_eq!(world.job("a").state, State::Leased);
    world.relays.clear();
    world.relay_instance("r1", 10, "2");
    assert_eq!(
        (world.job("a").state, world.job("a").reason.as_str()),
        (State::Queued, "relay_lost")
    );
    world.run(T0 + 5_000);
    assert_eq!(world.job("a").state, State::Fetched);
}

#[test]
fn a_result_of_somebody_elses_lease_changes_nothing_but_is_recorded() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.submit("a");
    world.tick();
    let result = world
        .answer(
            JobRef {
                id: "Ja".into(),
                lease: 1,
            },
            "a",
        )
        .unwrap();
    let recorded = world
        .engine
        .results("intruder", std::slice::from_ref(&result), world.now)
        .unwrap();
    assert_eq!((recorded.len(), world.job("a").state), (1, State::Leased));
    world.engine.results("r1", &[result], world.now).unwrap();
    assert_eq!(world.job("a").state, State::Answered);
}

#[test]
fn what_a_relay_gives_back_goes_out_again() {
    let mut world = World::new(quick());
    world.relay("r1", 10);
    world.submit("a");
    world.tick();
    world.relays.clear();
    world
        .engine
        .given_back(
            "r1",
            &[JobRef {
                id: "Ja".into(),
                lease: 1,
            }],
            ReturnReason::Drain,
            world.now,
        )
        .unwrap();
    world.relay("r2", 10);
    world.run(T0 + 5_000);
    assert_eq!(
        (world.job("a").state, world.job("a").relay.as_deref()),
        (State::Fetched, Some("r2"))
    );
}

#[test]
fn a_relay_is_shown_with_no_more_places_than_it_may_have() {
    let mut world = World::new(quick());
    world.relay("r1", u32::MAX);
    assert_eq!(world.engine.store.relays().unwrap()[0].capacity, 100_000);
}
