//! How fast NOTIFYs go out: of a rollout, and to one network.

use super::world::{Phone, T0, World, quick, silent_crowd, spec, start, tally};
use crate::options::PoolOptions;
use crate::rollout::{RolloutState, Spec};

#[test]
fn a_rollout_keeps_its_pace() {
    let mut world = World::new(quick());
    world.relay("r1", 10_000);
    for n in 0..2_000 {
        world.phones.insert(format!("d{n}"), Phone::Fetches(300));
    }
    start(&world, spec(), 2_000);
    world.run(T0 + 60_000);
    assert_eq!(
        (world.rollout_row().state, tally(&world, "fetched")),
        (RolloutState::Finished, 2_000)
    );
    let (first, last) = (world.notified[0].0, world.notified.last().unwrap().0);
    let rate = 2_000.0 / ((last - first) as f64 / 1000.0);
    assert!((180.0..=220.0).contains(&rate), "{rate}/s instead of 200/s");
    assert!(world.max_step <= 250);
}

#[test]
fn no_network_is_notified_faster_than_its_limit() {
    let mut world = World::new(quick());
    world.relay("r1", 10_000);
    for n in 0..600 {
        let device = format!("d{n}");
        world.phones.insert(device.clone(), Phone::Fetches(300));
        // Half of them in one office, the others spread.
        let network = if n % 2 == 0 {
            "192.0.2.10".into()
        } else {
            format!("198.51.{}.1", n % 200)
        };
        world.networks.insert(device, network);
    }
    start(
        &world,
        Spec {
            network_per_second: 20.0,
            ..spec()
        },
        600,
    );
    world.run(T0 + 120_000);
    assert_eq!(tally(&world, "fetched"), 600);
    let office: Vec<u64> = world
        .notified
        .iter()
        .filter(|(_, d)| d[1..].parse::<u64>().unwrap() % 2 == 0)
        .map(|notified| notified.0)
        .collect();
    for (n, from) in office.iter().enumerate() {
        let within = office[n..].iter().filter(|at| **at < from + 1_000).count();
        assert!(within <= 20, "{within} in one second");
    }
    let spread = office.last().unwrap() - office[0];
    assert!(
        (18_000..23_000).contains(&spread),
        "300 at 20/s took {spread} ms"
    );
}

#[test]
fn slow_rounds_keep_a_networks_limit_and_lose_little_of_it() {
    for d1_ms in [
        vec![400],
        vec![500, 300, 420, 310],
        vec![20, 450, 20, 20, 300],
    ] {
        let mut world = World::new(quick());
        world.relay("r1", 10_000);
        for n in 0..300 {
            let device = format!("d{n}");
            world.phones.insert(device.clone(), Phone::Fetches(300));
            world.networks.insert(device, "192.0.2.10".into());
        }
        let spec = Spec {
            network_per_second: 20.0,
            ..spec()
        };
        start(&world, spec, 300);
        world.d1_ms = d1_ms.clone();
        world.run(T0 + 120_000);
        assert_eq!(tally(&world, "fetched"), 300);
        let notified: Vec<u64> = world.notified.iter().map(|notified| notified.0).collect();
        for (n, from) in notified.iter().enumerate() {
            let within = notified[n..]
                .iter()
                .filter(|at| **at < from + 1_000)
                .count();
            assert!(within <= 20, "{within} in one second, {d1_ms:?}");
        }
        let took = notified.last().unwrap() - notified[0];
        assert!(took < 30_000, "300 took {took} ms, {d1_ms:?}");
    }
}

#[test]
fn two_queues_share_a_networks_limit() {
    let mut world = World::new(PoolOptions {
        network_per_second: 20.0,
        ..quick()
    });
    world.relay("r1", 10_000);
    for n in 0..100 {
        let device = format!("d{n}");
        world.phones.insert(device.clone(), Phone::Fetches(300));
        world.networks.insert(device, "192.0.2.10".into());
        world.networks.insert(format!("s{n}"), "192.0.2.10".into());
        world.submit(&format!("s{n}"));
    }
    let spec = Spec {
        network_per_second: 20.0,
        ..spec()
    };
    start(&world, spec, 100);
    world.run(T0 + 60_000);
    let notified: Vec<u64> = world.notified.iter().map(|notified| notified.0).collect();
    assert_eq!(notified.len(), 200);
    for (n, from) in notified.iter().enumerate() {
        let within = notified[n..]
            .iter()
            .filter(|at| **at < from + 1_000)
            .count();
        assert!(within <= 20, "{within} in one second");
    }
}

#[test]
fn a_rollouts_pace_is_the_pools_if_that_was_lowered_since() {
    let mut world = silent_crowd(2000);
    world
        .engine
        .set_options(&PoolOptions {
            rollout_per_second_max: 10.0,
            ..quick()
        })
        .unwrap();
    world.run(T0 + 5_000);
    assert!(
        (50..=60).contains(&world.notified.len()),
        "{}",
        world.notified.len()
    );
}
