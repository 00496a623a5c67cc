//! Rollouts: what pauses, stops and ends one, and what goes out of two that want the same devices.

use std::collections::BTreeSet;

use super::world::{Phone, T0, World, quick, spec, start, start_as, tally};
use crate::messages::{PoolReply, RolloutChange};
use crate::rollout::{RolloutState, Spec, Stage, Threshold};

/// Ten devices, most of them still queued in a slow rollout, that a second one also wants.
fn two_rollouts() -> World {
    let mut world = World::new(quick());
    world.relay("r1", 100);
    for n in 0..10 {
        world.phones.insert(format!("d{n}"), Phone::Fetches(300));
    }
    let slow = Spec {
        per_second: 0.01,
        ..spec()
    };
    start(&world, slow, 10);
    world.run(T0 + 1_000);
    assert_eq!((world.notified.len(), tally(&world, "queued")), (1, 9));
    world
}

fn change(world: &World, rollout: &str, change: RolloutChange) {
    let reply = world.engine.change_rollout("T", rollout, change, world.now);
    assert!(matches!(reply.unwrap(), PoolReply::Rollout { .. }));
}

/// Why the rollout is not changed.
fn refusal(world: &World, change: RolloutChange) -> String {
    let reply = world.engine.change_rollout("T", "R", change, world.now);
    match reply.unwrap() {
        PoolReply::Conflict { detail } => detail,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_another_rollout_counts_on_goes_out_although_its_own_stops() {
    for stop in [RolloutChange::Cancel, RolloutChange::Pause] {
        for stopped_first in [false, true] {
            // What was cancelled before is no longer there to join.
            if stop == RolloutChange::Cancel && stopped_first {
                continue;
            }
            let mut world = two_rollouts();
            if stopped_first {
                change(&world, "R", stop);
            }
            start_as(&world, "S", spec(), 10);
            world.run(world.now + 1_000);
            if !stopped_first {
                assert!(world.notified.len() <= 3, "{:?}", world.notified);
                change(&world, "R", stop);
            }
            world.run(world.now + 10_000);
            let notified: BTreeSet<&String> =
                world.notified.iter().map(|notified| &notified.1).collect();
            assert_eq!(notified.len(), 10, "{stop:?}, first: {stopped_first}");
            assert_eq!(tally(&world, "cancelled"), 0);
        }
    }
}

#[test]
fn what_nobody_wants_any_more_does_not_go_out() {
    let mut world = two_rollouts();
    // One device more, which keeps it going.
    world.phones.insert("d10".into(), Phone::Fetches(60_000));
    start_as(&world, "S", spec(), 11);
    world.run(world.now + 1_000);
    change(&world, "S", RolloutChange::Cancel);
    change(&world, "R", RolloutChange::Cancel);
    let notified = world.notified.len();
    world.run(world.now + 10_000);
    assert_eq!(world.notified.len(), notified);
    assert_eq!(tally(&world, "cancelled"), 9);
}

#[test]
fn nothing_goes_out_after_a_rollout_was_stopped_while_d1_was_asked() {
    for stop in [RolloutChange::Pause, RolloutChange::Cancel] {
        let mut world = World::new(quick());
        world.relay("r1", 100);
        for n in 0..10 {
            world.phones.insert(format!("d{n}"), Phone::Fetches(300));
        }
        start(&world, spec(), 10);
        world.d1_ms = vec![100];
        world.meanwhile = Some(stop);
        world.run(T0 + 60_000);
        assert_eq!(world.max_step, 1, "a due job there was");
        assert!(world.notified.is_empty(), "{stop:?}: {:?}", world.notified);
    }
}

#[test]
fn a_rollout_that_stands_still_for_a_month_is_cancelled_and_its_jobs_end() {
    let mut world = two_rollouts();
    change(&world, "R", RolloutChange::Pause);
    let notified = world.notified.len();
    world.run(T0 + 29 * 86_400_000);
    assert_eq!(world.rollout_row().state, RolloutState::Paused);
    assert_eq!(tally(&world, "queued"), 9);
    world.run(T0 + 31 * 86_400_000);
    let row = world.rollout_row();
    assert_eq!(
        (row.state, row.reason.as_str(), row.ended_at.is_some()),
        (RolloutState::Cancelled, "stood_still", true)
    );
    assert!(row.message.contains("30 days"), "{}", row.message);
    assert_eq!(
        (tally(&world, "cancelled"), world.notified.len()),
        (9, notified)
    );
}

#[test]
fn a_rollout_waits_for_a_relay_and_can_be_paused() {
    let mut world = World::new(quick());
    for n in 0..50 {
        world.phones.insert(format!("d{n}"), Phone::Fetches(300));
    }
    start(
        &world,
        Spec {
            per_second: 10.0,
            ..spec()
        },
        50,
    );
    world.run(T0 + 90_000_000);
    assert_eq!(
        (world.rollout_row().reason.as_str(), world.notified.len()),
        ("no_relay", 0)
    );
    world.relay("r1", 100);
    world.run(world.now + 1_050);
    world
        .engine
        .change_rollout("T", "R", RolloutChange::Pause, world.now)
        .unwrap();
    let notified = world.notified.len();
    assert!((8..=16).contains(&notified), "{notified}");
    world.run(world.now + 90_000_000);
    assert_eq!(world.notified.len(), notified);
    assert_eq!(tally(&world, "expired"), 0);
    world
        .engine
        .change_rollout("T", "R", RolloutChange::Resume, world.now)
        .unwrap();
    world.run(world.now + 60_000);
    assert_eq!(
        (world.rollout_row().state, tally(&world, "fetched")),
        (RolloutState::Finished, 50)
    );
    for (change, done) in [
        (RolloutChange::Pause, "paused"),
        (RolloutChange::Resume, "resumed"),
        (RolloutChange::Cancel, "cancelled"),
    ] {
        let why = format!(
            "The rollout was not {done}: it finished before, and each of its jobs has ended."
        );
        assert!(refusal(&world, change).starts_with(&why));
    }
}

#[test]
fn a_rollout_adopts_a_pending_job_and_a_single_request_hurries_one() {
    let mut world = World::new(quick());
    for n in 0..3 {
        world.phones.insert(format!("d{n}"), Phone::Fetches(300));
    }
    world.submit("d1");
    let window = serde_json::from_str(r#"{"from":"12:00","to":"13:00"}"#).unwrap();
    start(
        &world,
        Spec {
            window: Some(window),
            ..spec()
        },
        3,
    );
    world.relay("r1", 100);
    world.run(T0 + 10_000);
    assert_eq!(
        world.notified.len(),
        1,
        "the single job does not wait for the window"
    );
    world.run(T0 + 12 * 3_600_000 + 60_000);
    assert_eq!(
        (world.rollout_row().state, world.notified.len()),
        (RolloutState::Finished, 4)
    );
}

#[test]
fn a_window_closes_a_rollout_without_making_its_jobs_old() {
    let mut world = World::new(quick());
    world.relay("r1", 1_000);
    for n in 0..100 {
        world.phones.insert(format!("d{n}"), Phone::Fetches(300));
    }
    // T0 is midnight; two seconds a night would not be enough for all.
    let window = serde_json::from_str(r#"{"from":"00:00","to":"00:01"}"#).unwrap();
    start(
        &world,
        Spec {
            window: Some(window),
            per_second: 1.0,
            expiry_s: 3_600,
            ..spec()
        },
        100,
    );
    world.run(T0 + 3_600_000);
    assert_eq!(
        (
            world.rollout_row().reason.as_str(),
            world.rollout_row().state
        ),
        ("window", RolloutState::Running)
    );
    let first_night = world.notified.len();
    assert!((55..=62).contains(&first_night), "{first_night}");
    world.run(T0 + 3 * 86_400_000);
    assert_eq!(
        (world.rollout_row().state, tally(&world, "fetched")),
        (RolloutState::Finished, 100)
    );
}

#[test]
fn a_tenant_has_so_many_open_rollouts_and_does_not_use_up_another_tenants() {
    let world = World::new(quick());
    for n in 0..20 {
        assert_eq!(world.engine.too_many_rollouts("T").unwrap(), None);
        start_as(&world, &format!("R{n}"), spec(), 1);
    }
    let refusal = world.engine.too_many_rollouts("T").unwrap();
    assert!(
        matches!(refusal, Some(PoolReply::Conflict { detail }) if detail.contains("20 rollouts"))
    );
    assert_eq!(world.engine.too_many_rollouts("other").unwrap(), None);
    let change = world
        .engine
        .change_rollout("T", "R7", RolloutChange::Cancel, world.now);
    change.unwrap();
    assert_eq!(world.engine.too_many_rollouts("T").unwrap(), None);
}

#[test]
fn a_stage_that_fails_stops_the_rollout_and_says_why() {
    let mut world = World::new(quick());
    world.relay("r1", 1_000);
    for n in 0..100 {
        world.phones.insert(
            format!("d{n}"),
            if n % 2 == 0 {
                Phone::Fetches(300)
            } else {
                Phone::Answers(200)
            },
        );
    }
    let stages = vec![Stage::Devices(10)];
    let threshold = Some(Threshold {
        share: 0.8,
        within_s: 30,
    });
    start(
        &world,
        Spec {
            stages,
            threshold,
            ..spec()
        },
        100,
    );
    world.run(T0 + 60_000);
    let row = world.rollout_row();
    assert_eq!(
        (row.state, row.reason.as_str(), row.released),
        (RolloutState::Paused, "threshold", 10)
    );
    assert!(
        row.message
            .contains("devices of this stage fetched within 30 s")
            && row.message.contains("below 80.0 %"),
        "{}",
        row.message
    );
    // Resumed, what was seen is overlooked; the next stage fails by itself, and is cancelled.
    world
        .engine
        .change_rollout("T", "R", RolloutChange::Resume, world.now)
        .unwrap();
    world.run(world.now + 60_000);
    let row = world.rollout_row();
    assert_eq!((row.state, row.stage), (RolloutState::Paused, 1));
    world
        .engine
        .change_rollout("T", "R", RolloutChange::Cancel, world.now)
        .unwrap();
    world.run(world.now + 2 * 3_600_000);
    let row = world.rollout_row();
    assert_eq!(
        (
            row.state,
            tally(&world, "queued"),
            tally(&world, "answered")
        ),
        (RolloutState::Cancelled, 0, 0)
    );
    assert!(row.ended_at.is_some());
    assert_eq!(
        refusal(&world, RolloutChange::Resume),
        "The rollout was not resumed: it was cancelled before, and what is cancelled does not go on. Start a new \
         rollout for the phones that are still to be notified."
    );
    change(&world, "R", RolloutChange::Cancel);
}

#[test]
fn stages_go_on_when_phones_come_back() {
    let mut world = World::new(quick());
    world.relay("r1", 1_000);
    for n in 0..100 {
        world.phones.insert(
            format!("d{n}"),
            if n == 3 {
                Phone::Silent
            } else {
                Phone::Fetches(2_000)
            },
        );
    }
    let stages = vec![Stage::Devices(10), Stage::Percent(50.0)];
    let threshold = Some(Threshold {
        share: 0.9,
        within_s: 60,
    });
    start(
        &world,
        Spec {
            stages,
            threshold,
            ..spec()
        },
        100,
    );
    world.run(T0 + 30_000);
    assert_eq!(
        world.rollout_row().stage,
        0,
        "one phone of the first stage is not judged yet"
    );
    world.run(T0 + 24 * 3_600_000);
    let row = world.rollout_row();
    assert_eq!(
        (
            row.state,
            row.stage,
            tally(&world, "in_time"),
            tally(&world, "late")
        ),
        (RolloutState::Finished, 2, 99, 1)
    );
}
