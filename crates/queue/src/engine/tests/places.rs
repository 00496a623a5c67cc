//! How the places of the relays are shared among tenants.

use proptest::prelude::*;

use super::world::{Phone, T0, World, quick, silent_crowd, submit_as};

#[test]
fn a_silent_rollout_leaves_places_for_another_tenants_job() {
    let mut world = silent_crowd(2000);
    world.run(T0 + 20_000);
    assert_eq!(world.notified.len(), 175, "all places but the eighth");
    submit_as(&world, "U", "u");
    world.run(world.now + 200);
    assert_eq!(world.notified.last().unwrap().1, "u");
    assert_eq!(world.notified.len(), 176, "it was the next to be notified");
}

#[test]
fn a_full_pool_wakes_for_those_alone_who_may_have_a_place() {
    let mut world = silent_crowd(2000);
    world.run(T0 + 20_000);
    let wake = |world: &World| {
        world
            .engine
            .next_wake(true, &world.free(), &|_| Some(0), world.now)
            .unwrap()
            .unwrap()
    };
    assert!(
        wake(&world) > world.now + 10_000,
        "nothing to do until a lease ends"
    );
    submit_as(&world, "U", "u");
    assert!(wake(&world) <= world.now + 100);
}

#[test]
fn tenants_with_many_jobs_have_theirs_in_turn() {
    let mut world = World::new(quick());
    for tenant in ["A", "B", "C"] {
        let jobs = if tenant == "A" { 600 } else { 40 };
        for n in 0..jobs {
            submit_as(&world, tenant, &format!("{tenant}{n}"));
        }
    }
    world.relay("r1", 1000);
    world.tick();
    let of = |world: &World, tenant: &str| {
        let notified = world.notified.iter();
        notified
            .filter(|(_, device)| device.starts_with(tenant))
            .count()
    };
    assert_eq!((of(&world, "B"), of(&world, "C")), (40, 40));
    assert_eq!(
        world.notified.len(),
        250,
        "and the rest of the round is A's"
    );
}

#[test]
fn a_turn_goes_round() {
    // One place: who comes next is whose turn it is, not who is first by name.
    let mut world = World::new(quick());
    for tenant in ["A", "B", "C"] {
        for n in 0..5 {
            submit_as(&world, tenant, &format!("{tenant}{n}"));
        }
    }
    world.relay("r1", 1);
    world.run(T0 + 10_000);
    let order: String = world
        .notified
        .iter()
        .map(|notified| &notified.1[..1])
        .collect();
    assert_eq!(order, "ABCABCABCABCABC");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the tenants want: whoever wants at least its share of the places has it, and what it
    /// does not want others get, but for the eighth.
    #[test]
    fn places_are_shared_out(
        capacity in 1_u32..120,
        wants in proptest::collection::vec(1_u64..80, 1..6),
    ) {
        let mut world = World::new(quick());
        world.silence_ms = 32_000;
        for (tenant, jobs) in wants.iter().enumerate() {
            for n in 0..*jobs {
                let device = format!("{tenant}-{n}");
                world.phones.insert(device.clone(), Phone::Silent);
                submit_as(&world, &format!("T{tenant}"), &device);
            }
        }
        world.relay("r1", capacity);
        world.run(T0 + 5_000);
        let capacity = u64::from(capacity);
        let fair = (capacity / (wants.len() as u64 + 1)).max(1);
        let total: u64 = wants.iter().sum();
        prop_assert!(world.notified.len() as u64 <= capacity);
        prop_assert!(world.notified.len() as u64 >= total.min(capacity - capacity / 8));
        if capacity >= wants.len() as u64 {
            for (tenant, jobs) in wants.iter().enumerate() {
                let own = format!("{tenant}-");
                let notified = world.notified.iter().filter(|(_, device)| device.starts_with(&own));
                prop_assert!(notified.count() as u64 >= fair.min(*jobs), "tenant {tenant}");
            }
        }
    }
}
