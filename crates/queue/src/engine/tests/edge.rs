//! A pool that sends itself.

use super::world::{Phone, T0, World, quick};
use crate::edge::{EDGE, EdgeOptions, Sender};
use crate::engine::Session;
use crate::job::State;
use crate::options::PoolOptions;

fn edge(sender: Sender, capacity: u32) -> PoolOptions {
    PoolOptions {
        sender,
        edge: Some(EdgeOptions {
            proxy: "proxy.example".into(),
            capacity,
            ..EdgeOptions::default()
        }),
        ..quick()
    }
}

/// A world in which the pool sends itself.
fn edge_world(options: PoolOptions) -> World {
    let session = Session::of_the_pool(&options, false).unwrap();
    let mut world = World::new(options);
    world.relays.push((session, Vec::new()));
    world
}

/// Who had a job, in turn.
fn senders(world: &World, device: &str) -> Vec<String> {
    let attempts = world.engine.store.attempts(&format!("J{device}")).unwrap();
    attempts.into_iter().map(|attempt| attempt.relay).collect()
}

#[test]
fn a_pool_that_sends_itself_needs_no_relay_and_gives_relays_nothing() {
    let mut world = edge_world(edge(Sender::Edge, 10));
    world.relay("A", 100);
    world.submit("d1");
    world.run(T0 + 60_000);
    assert_eq!(world.job("d1").state, State::Fetched);
    assert_eq!(senders(&world, "d1"), [EDGE]);
}

#[test]
fn a_pool_whose_relays_send_has_nothing_of_its_own() {
    let mut world = edge_world(edge(Sender::Edge, 10));
    world.engine.set_options(&quick()).unwrap();
    world.submit("d1");
    world.run(T0 + 1_000);
    assert_eq!(world.job("d1").state, State::Queued);
    world.relay("A", 1);
    world.run(T0 + 60_000);
    assert_eq!(senders(&world, "d1"), ["A"]);
}

#[test]
fn what_the_pool_cannot_deliver_goes_to_a_relay_and_never_back() {
    let mut world = edge_world(edge(Sender::EdgeThenRelay, 10));
    world.phones.insert("d1".into(), Phone::Silent);
    world.submit("d1");
    world.run(T0 + 5_000);
    let job = world.job("d1");
    assert_eq!(
        (job.state, job.relay_only, job.tries),
        (State::Queued, true, 1)
    );
    assert!(
        job.message
            .starts_with("The pool could not deliver the job, and a relay is to send it.")
    );
    world.relay("A", 1);
    world.phones.insert("d1".into(), Phone::Fetches(10));
    world.run(T0 + 60_000);
    assert_eq!(world.job("d1").state, State::Fetched);
    assert_eq!(senders(&world, "d1"), [EDGE, "A"]);
}

#[test]
fn an_answer_of_the_phone_is_no_reason_for_a_relay() {
    let mut world = edge_world(edge(Sender::EdgeThenRelay, 10));
    world.relay("A", 100);
    world.phones.insert("d1".into(), Phone::Answers(489));
    world.submit("d1");
    world.run(T0 + 60_000);
    assert_eq!(world.job("d1").state, State::Rejected);
    assert_eq!(senders(&world, "d1"), [EDGE]);
}

#[test]
fn relays_help_a_pool_that_is_full() {
    let mut world = edge_world(edge(Sender::EdgeThenRelay, 8));
    world.relay("A", 100);
    for n in 0..20 {
        world.phones.insert(format!("d{n}"), Phone::Answers(200));
        world.submit(&format!("d{n}"));
    }
    world.tick();
    let by = |name: &str| {
        let held = |n: &usize| senders(&world, &format!("d{n}")) == [name];
        (0..20).filter(held).count()
    };
    assert_eq!((by(EDGE), by("A")), (8, 12));
}

#[test]
fn jobs_of_a_run_that_broke_off_go_out_again() {
    let mut world = edge_world(edge(Sender::Edge, 10));
    world.submit("d1");
    world.tick();
    assert_eq!(world.job("d1").state, State::Leased);
    world.evict();
    world.relays[0].1.clear();
    world.engine.void_leases(EDGE, world.now).unwrap();
    world.run(T0 + 60_000);
    assert_eq!(world.job("d1").state, State::Fetched);
    assert_eq!(senders(&world, "d1"), [EDGE, EDGE]);
}
