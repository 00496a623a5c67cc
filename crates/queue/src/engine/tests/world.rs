//! The simulated world of the tests: the tables of a pool in SQLite, relays and phones that behave as a test says,
//! and a clock that jumps from wake to wake.

use std::collections::{BTreeMap, HashMap};

use ringfence_sql::Memory;
use ringfence_wire::{Hello, JobRef, JobResult, Outcome, Retry, Target, Transport};

use crate::engine::places::Free;
use crate::engine::{Device, DueDevice, Engine, Session};
use crate::job::Job;
use crate::messages::{NewRollout, RolloutChange, Submitted};
use crate::options::PoolOptions;
use crate::rollout::{Selection, Spec};
use crate::store::{NewJob, RolloutRow, Store};
use crate::target::Message;

pub(super) const T0: u64 = 1_790_812_800_000;

/// What a phone does when it is notified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phone {
    /// Answers 200, and fetches this number of milliseconds later.
    Fetches(u64),
    /// Answers 200 and takes an older version.
    Stale,
    Answers(u16),
    Silent,
}

/// A job with a relay: when it is answered, and for which device it is.
pub(super) type Held = (u64, JobRef, String);

pub(super) struct World {
    pub(super) memory: Memory,
    pub(super) engine: Engine<Memory>,
    pub(super) now: u64,
    pub(super) relays: Vec<(Session, Vec<Held>)>,
    pub(super) phones: HashMap<String, Phone>,
    /// What D1 would say: version and time of the last download.
    pub(super) fetched: BTreeMap<String, (u64, u64)>,
    /// Downloads to come.
    pub(super) downloads: Vec<(u64, String, u64)>,
    /// When each device was notified.
    pub(super) notified: Vec<(u64, String)>,
    pub(super) networks: HashMap<String, String>,
    pub(super) offset: i64,
    pub(super) max_step: usize,
    /// How long D1 takes for a round's devices: in turn, whatever is in it.
    pub(super) d1_ms: Vec<u64>,
    /// What an operator does to the rollout meanwhile.
    pub(super) meanwhile: Option<RolloutChange>,
    /// How long a relay waits for a silent phone, in milliseconds.
    pub(super) silence_ms: u64,
}

impl World {
    pub(super) fn new(options: PoolOptions) -> Self {
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
    pub(super) fn evict(&mut self) {
        self.engine = Engine::new(Store::open(self.memory.clone()).unwrap(), self.now);
    }

    pub(super) fn relay(&mut self, name: &str, capacity: u32) {
        self.relay_instance(name, capacity, "1");
    }

    pub(super) fn relay_instance(&mut self, name: &str, capacity: u32, instance: &str) {
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

    pub(super) fn free(&self) -> Vec<Free> {
        let sessions = self.relays.iter().map(|(session, _)| session.clone());
        self.engine.free(&sessions.collect::<Vec<_>>()).unwrap()
    }

    pub(super) fn new_job(&self, device: &str) -> NewJob {
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

    pub(super) fn released(&self, rollout: &str, n: &u64) -> Device {
        let job = NewJob {
            id: format!("{rollout}{n}"),
            ..self.new_job(&format!("d{n}"))
        };
        Device { job, problem: None }
    }

    pub(super) fn submit(&mut self, device: &str) -> Submitted {
        self.engine
            .submit(vec![self.new_job(device)], self.now)
            .unwrap()
            .remove(0)
    }

    pub(super) fn job(&self, device: &str) -> Job {
        self.engine
            .store
            .job(&format!("J{device}"))
            .unwrap()
            .unwrap()
    }

    pub(super) fn rollout_row(&self) -> RolloutRow {
        self.engine.store.rollout("R").unwrap().unwrap()
    }

    /// What the object does when its alarm rings.
    pub(super) fn tick(&mut self) {
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
        let due_jobs = engine.due_jobs(&free, now).unwrap();
        self.max_step = self.max_step.max(due_jobs.len());
        let found = due_jobs
            .into_iter()
            .map(|due_job| {
                let message = Ok(Box::new(Message {
                    target: Target {
                        aor: format!("sip:{}@pbx.example", due_job.device),
                        address: None,
                    },
                    route: None,
                    headers: Vec::new(),
                    content_type: None,
                    body: None,
                    credentials: None,
                    destinations: None,
                }));
                let fetched = self.fetched.get(&due_job.device).copied();
                (due_job, DueDevice::InService { fetched, message })
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
    pub(super) fn act(&mut self) {
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

    pub(super) fn answer(&mut self, job: JobRef, device: &str) -> Option<JobResult> {
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
    pub(super) fn run(&mut self, until: u64) {
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

pub(super) fn quick() -> PoolOptions {
    PoolOptions {
        change_wait_s: 0,
        network_per_second: 0.0,
        ..PoolOptions::default()
    }
}

pub(super) fn spec() -> Spec {
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

pub(super) fn start(world: &World, spec: Spec, total: u64) {
    start_as(world, "R", spec, total);
}

pub(super) fn start_as(world: &World, id: &str, spec: Spec, total: u64) {
    let new = NewRollout {
        id: id.into(),
        tenant: "T".into(),
        spec: spec.checked().unwrap(),
        macs: Vec::new(),
        total,
    };
    world.engine.start_rollout(&new, world.now).unwrap();
}

pub(super) fn submit_as(world: &World, tenant: &str, device: &str) {
    let new = NewJob {
        tenant: tenant.into(),
        ..world.new_job(device)
    };
    world.engine.submit(vec![new], world.now).unwrap();
}

pub(super) fn tally(world: &World, name: &str) -> i64 {
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

/// A world whose tenant T has a rollout over `phones` phones that never answer, on a relay with 200
/// places.
pub(super) fn silent_crowd(phones: u64) -> World {
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
