//! What the tables cost: small steps, indexes and pages.

use super::world::{Phone, T0, World, quick, spec, start};
use crate::messages::RolloutChange;
use crate::rollout::{Spec, Stage};
use crate::store::JobFilter;

#[test]
fn a_hundred_thousand_jobs_are_worked_in_small_steps() {
    let mut world = World::new(quick());
    world.memory.0.execute_batch("BEGIN").unwrap();
    for n in 0..100_000 {
        world.submit(&format!("d{n}"));
    }
    world.relay("r1", 400);
    for _ in 0..5 {
        world.act();
        world.tick();
        world.now += 50;
    }
    assert_eq!(world.max_step, 250);
    assert!(world.notified.len() >= 800);
    let (page, next) = world
        .engine
        .store
        .list_jobs(&JobFilter {
            tenant: "T".into(),
            state: Some("leased".into()),
            limit: 50,
            ..JobFilter::default()
        })
        .unwrap();
    assert!(
        page.len() <= 50 && next.is_some(),
        "a page is bounded however long the list is"
    );
}

#[test]
fn an_index_is_behind_every_look_up() {
    let mut world = World::new(quick());
    world.relay("r1", 5);
    for n in 0..20 {
        world.phones.insert(format!("d{n}"), Phone::Fetches(300));
    }
    world.submit("d1");
    start(
        &world,
        Spec {
            network_per_second: 5.0,
            stages: vec![Stage::Devices(3)],
            ..spec()
        },
        20,
    );
    world.run(T0 + 2_000);
    for change in [
        RolloutChange::Pause,
        RolloutChange::Resume,
        RolloutChange::Cancel,
    ] {
        world
            .engine
            .change_rollout("T", "R", change, world.now)
            .unwrap();
        world.run(world.now + 1_000);
    }
    world.engine.drop_relay("r1", world.now).unwrap();
    world.engine.cancel_job("T", "Jd1", world.now).unwrap();
    world.engine.show_rollouts("T", "~", 10).unwrap();
    for filter in [
        JobFilter {
            limit: 5,
            ..JobFilter::default()
        },
        JobFilter {
            limit: 5,
            device: Some("d1".into()),
            ..JobFilter::default()
        },
        JobFilter {
            limit: 5,
            rollout: Some("R".into()),
            ..JobFilter::default()
        },
    ] {
        world.engine.store.list_jobs(&filter).unwrap();
    }
    world.run(T0 + 40 * 86_400_000);
    let scans = world.memory.scans();
    // The relays of a pool are few, and all of them are wanted.
    let scans: Vec<&String> = scans
        .iter()
        .filter(|scan| !scan.starts_with("SCAN relays"))
        .collect();
    assert!(scans.is_empty(), "{scans:#?}");
}

#[test]
fn pages_lead_through_all_jobs() {
    let mut world = World::new(quick());
    for n in 0..25 {
        world.submit(&format!("{n:02}"));
    }
    let mut filter = JobFilter {
        tenant: "T".into(),
        limit: 10,
        ..JobFilter::default()
    };
    let mut seen = Vec::new();
    loop {
        let (jobs, next) = world.engine.store.list_jobs(&filter).unwrap();
        seen.extend(jobs.into_iter().map(|job| job.id));
        match next {
            Some(next) => filter.before = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let of_device = JobFilter {
        tenant: "T".into(),
        device: Some("03".into()),
        limit: 10,
        ..JobFilter::default()
    };
    assert_eq!(world.engine.store.list_jobs(&of_device).unwrap().0.len(), 1);
    let foreign = JobFilter {
        tenant: "U".into(),
        device: Some("03".into()),
        limit: 10,
        ..JobFilter::default()
    };
    assert!(world.engine.store.list_jobs(&foreign).unwrap().0.is_empty());
}
