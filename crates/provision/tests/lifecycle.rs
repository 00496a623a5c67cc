//! What must hold in every history of a device's keys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use ringfence_provision::lifecycle::{
    ClaimPolicy, Effect, KeyChange, KeyEvent, KeyReason, KeyRecord, KeyState, Transition,
    may_serve_sealed, step,
};

const SOURCES: [&str; 3] = ["192.0.2.7", "2001:db8::7", ""];

/// An event, with what its request knew: the current generation, or one that has been replaced
/// meanwhile (counted back).
#[derive(Clone, Debug)]
struct Input {
    event: KeyEvent,
    stale_by: usize,
}

fn inputs() -> impl Strategy<Value = Vec<Input>> {
    // Time may go backwards a little, as it does between two machines.
    let event = (
        0_u64..400,
        0_u8..14,
        0_usize..3,
        proptest::option::of(0_u64..200),
    );
    let input = (event, 0_usize..8).prop_map(|((now, choice, source, lifetime), stale)| Input {
        event: event_of(now, choice, SOURCES[source], lifetime.map(|ms| now + ms)),
        stale_by: stale.saturating_sub(5),
    });
    proptest::collection::vec(input, 0..80)
}

fn event_of(now: u64, choice: u8, source: &str, until: Option<u64>) -> KeyEvent {
    match choice {
        0..=4 => KeyEvent::Claim {
            now,
            source: source.to_owned(),
        },
        5..=7 => KeyEvent::SealedFetch { now },
        8 => KeyEvent::Tick { now },
        9 => KeyEvent::Rearm { now, until },
        10 => KeyEvent::Rekey { now, until },
        11 => KeyEvent::Import { now },
        _ => KeyEvent::Restored {
            claimed: choice == 13,
            rekeyed: now.is_multiple_of(2),
        },
    }
}

/// Every generation of a device's key, the current one last, and what went out.
struct History {
    generations: Vec<KeyRecord>,
    policy: ClaimPolicy,
}

impl History {
    fn new(policy: ClaimPolicy) -> Self {
        Self {
            generations: vec![KeyRecord::new(0, Some(100))],
            policy,
        }
    }

    /// Applies an event and gives the generation it was for, from 0, with what came of it.
    fn apply(&mut self, input: &Input) -> (usize, Transition) {
        let last = self.generations.len() - 1;
        let at = last.saturating_sub(input.stale_by);
        let transition = step(&self.generations[at], &input.event, &self.policy);
        if let Some(replaced) = transition.replaced.clone() {
            assert_eq!(at, last, "only the current generation is replaced");
            self.generations[at] = replaced;
            self.generations.push(transition.next.clone());
        } else {
            self.generations[at] = transition.next.clone();
        }
        (at, transition)
    }

    fn current(&self) -> usize {
        self.generations.len() - 1
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_plaintext_goes_out_at_most_once_per_arming(inputs in inputs()) {
        let mut history = History::new(ClaimPolicy::default());
        let mut taken = false;
        for input in &inputs {
            match history.apply(input).1.effect {
                Effect::ServePlaintext { retry } => {
                    prop_assert!(!retry && !taken);
                    taken = true;
                }
                Effect::Changed(KeyChange::Rearmed { .. } | KeyChange::Rekeyed) => taken = false,
                Effect::Changed(KeyChange::Imported | KeyChange::Restored) => taken = true,
                _ => {}
            }
        }
    }

    #[test]
    fn a_retry_is_for_the_taker_in_time_and_before_a_sealed_fetch(
        inputs in inputs(),
        window in 0_u64..300,
    ) {
        let policy = ClaimPolicy { retry_window_ms: Some(window) };
        let mut history = History::new(policy);
        // Who took the bootstrap of this arming, and when, while a retry is thinkable.
        let mut taken: Option<(String, u64)> = None;
        for input in &inputs {
            let effect = history.apply(input).1.effect;
            match (&effect, &input.event) {
                (Effect::ServePlaintext { retry: false }, KeyEvent::Claim { now, source }) => {
                    prop_assert_eq!(&taken, &None);
                    taken = Some((source.clone(), *now));
                }
                (Effect::ServePlaintext { retry: true }, KeyEvent::Claim { now, source }) => {
                    let (taker, at) = taken.as_ref().unwrap();
                    prop_assert_eq!(source, taker);
                    prop_assert!(!source.is_empty());
                    prop_assert!(*now < at + window);
                }
                (Effect::ServePlaintext { .. }, other) => {
                    prop_assert!(false, "a plaintext for {:?}", other);
                }
                // Nobody may retry from here on until it is armed again.
                (Effect::ServeSealed { confirms: true }, _) => taken = Some((String::new(), 0)),
                (Effect::Changed(KeyChange::Rearmed { .. } | KeyChange::Rekeyed), _) => taken = None,
                (Effect::Changed(KeyChange::Imported | KeyChange::Restored), _) => {
                    taken = Some((String::new(), 0));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn nothing_is_served_under_an_old_key(inputs in inputs(), window in 0_u64..300) {
        let mut history = History::new(ClaimPolicy { retry_window_ms: Some(window) });
        for input in &inputs {
            let (at, transition) = history.apply(input);
            if matches!(
                transition.effect,
                Effect::ServePlaintext { .. } | Effect::ServeSealed { .. }
            ) {
                prop_assert_eq!(at, history.current());
            }
            for (at, record) in history.generations.iter().enumerate() {
                let old = at != history.current();
                prop_assert_eq!(record.state == KeyState::Replaced, old);
                prop_assert_eq!(record.generation as usize, at + 1);
                prop_assert!(!(old && may_serve_sealed(record)));
            }
        }
    }

    #[test]
    fn sealed_files_are_served_once_a_phone_has_the_key(inputs in inputs()) {
        let mut history = History::new(ClaimPolicy::default());
        let mut phone_has_it = false;
        for input in &inputs {
            let (at, transition) = history.apply(input);
            if let KeyEvent::Restored { claimed, rekeyed } = input.event
                && at == history.current()
            {
                phone_has_it = !rekeyed && (phone_has_it || claimed);
            }
            match transition.effect {
                Effect::ServePlaintext { .. } | Effect::Changed(KeyChange::Imported) => {
                    phone_has_it = true;
                }
                Effect::Changed(KeyChange::Rekeyed) => phone_has_it = false,
                Effect::ServeSealed { .. } => prop_assert!(phone_has_it),
                Effect::Refuse(_) if matches!(input.event, KeyEvent::SealedFetch { .. }) => {
                    prop_assert!(!phone_has_it || at != history.current());
                }
                _ => {}
            }
            let current = &history.generations[history.current()];
            prop_assert_eq!(may_serve_sealed(current), phone_has_it);
        }
    }

    /// The two places that tell whether something is to be written agree.
    #[test]
    fn what_is_not_announced_as_a_change_changes_nothing(inputs in inputs(), window in 0_u64..300) {
        let mut history = History::new(ClaimPolicy { retry_window_ms: Some(window) });
        for input in &inputs {
            let before = history.generations.clone();
            let (_, transition) = history.apply(input);
            let writes = matches!(
                transition.effect,
                Effect::ServePlaintext { retry: false }
                    | Effect::ServeSealed { confirms: true }
                    | Effect::Changed(_)
            );
            if !writes {
                prop_assert_eq!(&before, &history.generations);
            }
        }
    }
}

#[test]
fn a_bootstrap_is_void_from_its_time_on_whether_or_not_anybody_looked() {
    let record = KeyRecord::new(0, Some(100));
    let claim = |now| KeyEvent::Claim {
        now,
        source: "192.0.2.7".to_owned(),
    };
    let policy = ClaimPolicy::default();
    let in_time = step(&record, &claim(99), &policy);
    assert_eq!(in_time.effect, Effect::ServePlaintext { retry: false });
    let late = step(&record, &claim(100), &policy);
    assert_eq!(late.effect, Effect::Refuse(KeyReason::Expired));
    let expired = step(&record, &KeyEvent::Tick { now: 100 }, &policy);
    assert_eq!(expired.next.state, KeyState::Expired);
    let later = step(&expired.next, &claim(100), &policy);
    assert_eq!(later.effect, Effect::Refuse(KeyReason::Expired));
}

#[test]
fn a_re_arm_says_who_took_the_last_bootstrap() {
    let policy = ClaimPolicy::default();
    let claim = KeyEvent::Claim {
        now: 5,
        source: "192.0.2.7".to_owned(),
    };
    let delivered = step(&KeyRecord::new(0, None), &claim, &policy).next;
    let rearm = KeyEvent::Rearm {
        now: 9,
        until: Some(20),
    };
    let rearmed = step(&delivered, &rearm, &policy);
    assert_eq!(
        rearmed.effect,
        Effect::Changed(KeyChange::Rearmed {
            last_delivered_at: Some(5),
            last_delivered_to: Some("192.0.2.7".to_owned()),
        })
    );
    assert_eq!(rearmed.next.generation, 1);
    assert!(rearmed.next.bootstrap_waits(19) && !rearmed.next.bootstrap_waits(20));
    assert!(may_serve_sealed(&rearmed.next));
}

#[test]
fn a_sealed_fetch_does_not_take_a_waiting_bootstrap_away() {
    let policy = ClaimPolicy::default();
    let armed = KeyRecord::new(0, None);
    let imported = step(&armed, &KeyEvent::Import { now: 0 }, &policy).next;
    let rearm = KeyEvent::Rearm {
        now: 1,
        until: None,
    };
    let rearmed = step(&imported, &rearm, &policy).next;
    let fetched = step(&rearmed, &KeyEvent::SealedFetch { now: 2 }, &policy);
    assert_eq!(fetched.effect, Effect::ServeSealed { confirms: false });
    assert!(fetched.next.bootstrap_waits(3));
}

#[test]
fn with_the_window_off_a_clock_that_runs_behind_opens_nothing() {
    let claim = |now| KeyEvent::Claim {
        now,
        source: "192.0.2.7".to_owned(),
    };
    for policy in [
        ClaimPolicy::default(),
        ClaimPolicy {
            retry_window_ms: Some(0),
        },
    ] {
        let delivered = step(&KeyRecord::new(0, None), &claim(100), &policy).next;
        let again = step(&delivered, &claim(50), &policy);
        assert_eq!(again.effect, Effect::Refuse(KeyReason::Consumed));
    }
}

#[test]
fn the_retry_window_is_bounded() {
    let policy = ClaimPolicy {
        retry_window_ms: Some(u64::MAX),
    };
    assert_eq!(policy.retry_window(), ClaimPolicy::MAX_RETRY_WINDOW_MS);
}

#[test]
fn the_last_generation_cannot_be_replaced() {
    let last = KeyRecord {
        generation: u32::MAX,
        ..KeyRecord::new(0, None)
    };
    let rekey = KeyEvent::Rekey {
        now: 1,
        until: None,
    };
    let transition = step(&last, &rekey, &ClaimPolicy::default());
    assert_eq!(transition.effect, Effect::NoGenerationLeft);
    assert_eq!((transition.next, transition.replaced), (last, None));
}

/// A database that was put back gives out nothing that may have been taken since.
#[test]
fn after_a_restore_no_bootstrap_waits_and_a_key_that_was_replaced_seals_nothing() {
    let policy = ClaimPolicy {
        retry_window_ms: Some(100),
    };
    let claim = KeyEvent::Claim {
        now: 2,
        source: "192.0.2.7".to_owned(),
    };
    let armed = KeyRecord::new(0, None);
    let delivered = step(&armed, &claim, &policy).next;
    let confirmed = step(&delivered, &KeyEvent::SealedFetch { now: 2 }, &policy).next;
    for record in [armed, delivered, confirmed] {
        for (claimed, rekeyed) in [(false, false), (true, false), (false, true), (true, true)] {
            let restored = KeyEvent::Restored { claimed, rekeyed };
            let next = step(&record, &restored, &policy).next;
            assert!(!next.bootstrap_waits(1));
            let had_it = record.ever_delivered || claimed;
            assert_eq!(may_serve_sealed(&next), had_it && !rekeyed);
            let again = step(&next, &restored, &policy);
            assert_eq!((again.effect, again.next), (Effect::Nothing, next.clone()));
            if rekeyed || record.state != KeyState::Delivered {
                let asked = step(&next, &claim, &policy).effect;
                assert!(matches!(asked, Effect::Refuse(_)), "{asked:?}");
            }
        }
    }
}
