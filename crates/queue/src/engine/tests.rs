//! A pool in a simulated world: its tables in SQLite, relays and phones that behave as a test says,
//! and a clock that jumps from wake to wake.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use ringfence_wire::{Hello, JobRef, JobResult, Outcome, Retry, ReturnReason, Target, Transport};

use super::places::Free;
use super::*;
use crate::edge::{EDGE, EdgeOptions, Sender};
use crate::messages::NewRollout;
use crate::rollout::{RolloutState, Selection, Spec, Stage, Threshold};
use crate::store::{JobFilter, RolloutRow};
use crate::target::Message;
use ringfence_sql::Memory;

const T0: u64 = 1_790_812_800_000;

/// What a phone does when it is notified.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phone {
    /// Answers 200 and fetches so many milliseconds later.
    Fetches(u64),
    /// Answers 200 and takes an older version.
    Stale,
    Answers(u16),
    Silent,
}

/// A job with a relay: when it is answered, and for which device it is.
type Held = (u64, JobRef, String);

struct World {
    memory: Memory,
    engine: Engine<Memory>,
    now: u64,
    relays: Vec<(Session, Vec<Held>)>,
    phones: HashMap<String, Phone>,
    /// What D1 would say: version and time of the last download.
    fetched: BTreeMap<String, (u64, u64)>,
    /// Downloads to come.
    downloads: Vec<(u64, String, u64)>,
    /// When each device was notified.
    notified: Vec<(u64, String)>,
    networks: HashMap<String, String>,
    offset: i64,
    max_step: usize,
    /// How long D1 takes for a round's devices: in turn, whatever is in it.
    d1_ms: Vec<u64>,
    /// What an operator does to the rollout meanwhile.
    meanwhile: Option<RolloutChange>,
    /// How long a relay waits for a silent phone, in milliseconds.
    silence_ms: u64,
}

impl World {
    fn new(options: PoolOptions) -> Self {
        let memory = Memory::new();
        let engine = Engine::new(Store::open(memory.clone()).unwrap(), 7);
        engine.set_options(&options).unwrap();
        Self {
            memory,
            engine,
            now: T0,
            relays: Vec::new(),
            phones: HashMap::new(),
            fetched: BTreeMap::new(),
            downloads: Vec::new(),
            notified: Vec::new(),
            networks: HashMap::new(),
            offset: 0,
            max_step: 0,
            d1_ms: vec![0],
            meanwhile: None,
            silence_ms: 20,
        }
    }

    /// The object is evicted and wakes again.
    fn evict(&mut self) {
        self.engine = Engine::new(Store::open(self.memory.clone()).unwrap(), self.now);
    }

    fn relay(&mut self, name: &str, capacity: u32) {
        self.relay_instance(name, capacity, "1");
    }

    fn relay_instance(&mut self, name: &str, capacity: u32, instance: &str) {
        let hello = Hello {
            version: "0.1.0".into(),
            software: "ringfence-relay".into(),
            instance: instance.into(),
            capacity,
            in_flight: 0,
            transports: vec![Transport::Udp4],
            ping_interval_ms: None,
        };
        self.engine.hello(name, &hello, self.now).unwrap();
        let session = Session {
            relay: name.into(),
            capacity,
            transports: hello.transports,
            draining: false,
        };
        self.relays.push((session, Vec::new()));
    }

    fn free(&self) -> Vec<Free> {
        let sessions = self.relays.iter().map(|(session, _)| session.clone());
        self.engine.free(&sessions.collect::<Vec<_>>()).unwrap()
    }

    fn new_job(&self, device: &str) -> NewJob {
        NewJob {
            id: format!("J{device}"),
            tenant: "T".into(),
            device: device.into(),
            mac: "0080F0C571EB".into(),
            event: "check-sync".into(),
            version: 7,
            changed_at: None,
            destination: self.networks.get(device).cloned().unwrap_or_default(),
        }
    }

    fn released(&self, rollout: &str, n: &u64) -> Device {
        let job = NewJob {
            id: format!("{rollout}{n}"),
            ..self.new_job(&format!("d{n}"))
        };
        Device { job, problem: None }
    }

    fn submit(&mut self, device: &str) -> Submitted {
        self.engine
            .submit(vec![self.new_job(device)], self.now)
            .unwrap()
            .remove(0)
    }

    fn job(&self, device: &str) -> Job {
        self.engine
            .store
            .job(&format!("J{device}"))
            .unwrap()
            .unwrap()
    }

    fn rollout_row(&self) -> RolloutRow {
        self.engine.store.rollout("R").unwrap().unwrap()
    }

    /// What the object does when its alarm rings.
    fn tick(&mut self) {
        let (engine, now, offset) = (&self.engine, self.now, self.offset);
        let zone = |_: &str| Some(offset);
        engine.sweep(now).unwrap();
        let checks = engine.checks(now).unwrap();
        if !checks.is_empty() {
            let seen = checks
                .iter()
                .map(|job| (job.device.clone(), self.fetched.get(&job.device).copied()))
                .collect();
            engine.checked(&checks, &seen, now).unwrap();
        }
        let cancels = engine.advance(!self.relays.is_empty(), &zone, now).unwrap();
        for (relay, job) in cancels {
            for (session, held) in &mut self.relays {
                if session.relay == relay {
                    held.retain(|(_, held, _)| *held != job);
                }
            }
        }
        for asked in engine.expansions(now).unwrap() {
            let total = self.phones.len() as u64;
            let from: u64 = asked.cursor.parse().unwrap_or(0);
            let ids: Vec<u64> = (from..total.min(from + asked.limit)).collect();
            let devices = ids
                .iter()
                .map(|n| self.released(&asked.rollout, n))
                .collect();
            let cursor = ids.last().map_or(from, |n| n + 1).to_string();
            engine.expanded(&asked, devices, &cursor, now).unwrap();
        }
        let sessions: Vec<Session> = self
            .relays
            .iter()
            .map(|(session, _)| session.clone())
            .collect();
        let mut free = engine.free(&sessions).unwrap();
        let candidates = engine.candidates(&free, now).unwrap();
        self.max_step = self.max_step.max(candidates.len());
        let found = candidates
            .into_iter()
            .map(|candidate| {
                let message = Ok(Box::new(Message {
                    target: Target {
                        aor: format!("sip:{}@pbx.example", candidate.device),
                        address: None,
                    },
                    route: None,
                    headers: Vec::new(),
                    content_type: None,
                    body: None,
                    credentials: None,
                    destinations: None,
                }));
                let fetched = self.fetched.get(&candidate.device).copied();
                (candidate, CandidateDevice::InService { fetched, message })
            })
            .collect();
        self.now += self.d1_ms[0];
        self.d1_ms.rotate_left(1);
        let now = self.now;
        if let Some(change) = self.meanwhile.take() {
            engine.change_rollout("T", "R", change, now).unwrap();
        }
        for (relay, job) in engine.lease(found, &mut free, now).unwrap() {
            let device = job
                .target
                .aor
                .trim_start_matches("sip:")
                .split('@')
                .next()
                .unwrap()
                .to_owned();
            self.notified.push((now, device.clone()));
            let (_, held) = self
                .relays
                .iter_mut()
                .find(|(session, _)| session.relay == relay)
                .unwrap();
            let wait = match self.phones.get(&device) {
                Some(Phone::Silent) => self.silence_ms,
                _ => 20,
            };
            held.push((now + wait, job.job, device));
        }
        engine.advance(!self.relays.is_empty(), &zone, now).unwrap();
    }

    /// What relays and phones do up to now.
    fn act(&mut self) {
        let now = self.now;
        for (at, device, version) in std::mem::take(&mut self.downloads) {
            if at <= now {
                self.fetched.insert(device, (version, at));
            } else {
                self.downloads.push((at, device, version));
            }
        }
        for n in 0..self.relays.len() {
            let (done, held): (Vec<_>, Vec<_>) = std::mem::take(&mut self.relays[n].1)
                .into_iter()
                .partition(|(at, ..)| *at <= now);
            self.relays[n].1 = held;
            let results: Vec<JobResult> = done
                .into_iter()
                .filter_map(|(_, job, device)| self.answer(job, &device))
                .collect();
            let relay = self.relays[n].0.relay.clone();
            self.engine.results(&relay, &results, now).unwrap();
        }
    }

    fn answer(&mut self, job: JobRef, device: &str) -> Option<JobResult> {
        let (outcome, code) = match self
            .phones
            .get(device)
            .copied()
            .unwrap_or(Phone::Fetches(500))
        {
            Phone::Fetches(after) => {
                self.downloads
                    .push((self.now + after, device.to_owned(), 7));
                (Outcome::Answered, Some(200))
            }
            Phone::Stale => {
                self.downloads.push((self.now + 500, device.to_owned(), 6));
                (Outcome::Answered, Some(200))
            }
            Phone::Answers(200) => (Outcome::Answered, Some(200)),
            Phone::Answers(code) => (Outcome::Rejected, Some(code)),
            Phone::Silent => (Outcome::Unreachable, None),
        };
        Some(JobResult {
            job,
            outcome,
            code,
            reason: code.map_or("no_answer".into(), |code| format!("status_{code}")),
            explanation: "Words.".into(),
            retry: Retry::Later,
            attempts: 1,
            rtt_ms: Some(20),
            retry_after_s: None,
            destination: None,
        })
    }

    /// Lives until `until`, or until nothing is to come any more.
    fn run(&mut self, until: u64) {
        let mut steps = 0;
        while self.now < until {
            self.act();
            self.tick();
            let sessions: Vec<Session> = self
                .relays
                .iter()
                .map(|(session, _)| session.clone())
                .collect();
            let free = self.engine.free(&sessions).unwrap();
            let offset = self.offset;
            let wake = self
                .engine
                .next_wake(!self.relays.is_empty(), &free, &|_| Some(offset), self.now)
                .unwrap();
            let held = self
                .relays
                .iter()
                .flat_map(|(_, held)| held.iter().map(|(at, ..)| *at));
            let outside = held.chain(self.downloads.iter().map(|(at, ..)| *at)).min();
            let next = [wake, outside.map(|at| at.max(self.now + 1))]
                .into_iter()
                .flatten()
                .min();
            self.now = next.unwrap_or(until).min(until).max(self.now);
            steps += 1;
            assert!(steps < 200_000, "it does not come to rest");
        }
        self.act();
    }
}

fn quick() -> PoolOptions {
    PoolOptions {
        change_wait_s: 0,
        network_per_second: 0.0,
        ..PoolOptions::default()
    }
}

fn spec() -> Spec {
    Spec {
        selection: Selection::default(),
        event: None,
        per_second: 200.0,
        network_per_second: 0.0,
        spread_s: 0,
        window: None,
        stages: Vec::new(),
        threshold: None,
        expiry_s: 86_400,
    }
}

fn start(world: &World, spec: Spec, total: u64) {
    start_as(world, "R", spec, total);
}

fn start_as(world: &World, id: &str, spec: Spec, total: u64) {
    let new = NewRollout {
        id: id.into(),
        tenant: "T".into(),
        spec: spec.checked().unwrap(),
        macs: Vec::new(),
        total,
    };
    world.engine.start_rollout(&new, world.now).unwrap();
}

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
            .starts_with("The pool could not deliver it, and a relay is to send it.")
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

fn tally(world: &World, name: &str) -> i64 {
    world
        .engine
        .store
        .tallies("R")
        .unwrap()
        .iter()
        .filter(|row| row.name == name)
        .map(|row| row.n)
        .sum()
}

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
fn a_silent_phone_that_came_back_is_not_told_again() {
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
fn no_network_is_told_faster_than_its_limit() {
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
        assert_eq!(world.max_step, 1, "a candidate there was");
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

/// Why the rollout is not changed.
fn refusal(world: &World, change: RolloutChange) -> String {
    let reply = world.engine.change_rollout("T", "R", change, world.now);
    match reply.unwrap() {
        PoolReply::Conflict { detail } => detail,
        other => panic!("{other:?}"),
    }
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

/// A world whose tenant T has a rollout over so many phones that never answer, on a relay with 200
/// places.
fn silent_crowd(phones: u64) -> World {
    let mut world = World::new(quick());
    world.silence_ms = 32_000;
    for n in 0..phones {
        world.phones.insert(format!("d{n}"), Phone::Silent);
    }
    world.relay("r1", 200);
    let fast = Spec {
        per_second: 1000.0,
        ..spec()
    };
    start_as(&world, "R", fast, phones);
    world
}

fn submit_as(world: &World, tenant: &str, device: &str) {
    let new = NewJob {
        tenant: tenant.into(),
        ..world.new_job(device)
    };
    world.engine.submit(vec![new], world.now).unwrap();
}

#[test]
fn a_silent_rollout_leaves_places_for_another_tenants_job() {
    let mut world = silent_crowd(2000);
    world.run(T0 + 20_000);
    assert_eq!(world.notified.len(), 175, "all places but the eighth");
    submit_as(&world, "U", "u");
    world.run(world.now + 200);
    assert_eq!(world.notified.last().unwrap().1, "u");
    assert_eq!(world.notified.len(), 176, "it was the next to be told");
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
fn tenants_with_much_to_say_are_told_in_turn() {
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

#[test]
fn a_relay_is_shown_with_no_more_places_than_it_may_have() {
    let mut world = World::new(quick());
    world.relay("r1", u32::MAX);
    assert_eq!(world.engine.store.relays().unwrap()[0].capacity, 100_000);
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
