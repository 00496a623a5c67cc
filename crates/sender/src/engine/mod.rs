//! Jobs go in, requests and results come out.
//!
//! A job is *located* (its next hop looked up), *waits* for its turn at its destination, and
//! *flies* (a NOTIFY session on the way) until it has a result; a failed destination is followed
//! by the next that DNS named, as long as the lease lasts.
//!
//! After every `submit`, `located`, `datagram`, `received`, `send_failed`, `disconnected`, `cancel`, `drain` or
//! `handle_timeout` ask [`Engine::poll_lookup`], [`Engine::poll_transmit`], [`Engine::poll_close`] and
//! [`Engine::poll_done`] until `None`, and call [`Engine::handle_timeout`] at [`Engine::poll_timeout`]. Times are
//! milliseconds since any epoch.
//!
//! Whoever has the sockets opens a connection when there is something to send over it, and closes it when
//! [`Engine::uses`] says that nobody needs it any more.
//!
//! Every job that `submit` took comes out of `poll_done` exactly once.

mod by_text;
mod entry;
mod flight;
mod lookups;
mod pacer;
mod prepare;
mod result;
mod stream;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;

use std::sync::Arc;

use ringfence_sip_notify::{
    Credentials, Datagram, Entropy, Framer, SentBy, SipUri, Timers, Transport, refuse,
};
use ringfence_wire::{Job, JobRef, JobResult, ReturnReason};
use serde::Deserialize;

use self::by_text::ByText;
use self::entry::{Entry, State};
use self::lookups::Lookups;
use self::pacer::{Line, Pacer, Rate, network};
use self::prepare::prepare;
pub use self::result::{UNUSABLE, WHAT_TO_DO};
use crate::destination::Destinations;
use crate::hop::{Hop, StreamPeer};
use crate::locate::{LookupError, Query, Service, order};

/// What the engine runs with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The From URI.
    pub from: SipUri,
    /// Where everything goes that names no other way, and over what. Of a stream's proxy the URI names the domain
    /// that its certificate is for.
    pub outbound_proxy: Option<(SipUri, Transport)>,
    /// The one peer that everything goes to, whatever a job says: no address of a job is used. Without it, each
    /// job's own way is looked up.
    pub only: Option<Arc<StreamPeer>>,
    /// What answers a proxy that challenges, in place of the job's credentials.
    pub proxy_credentials: Option<Arc<Credentials>>,
    /// Whether a proxy may send requests of its own over a connection (RFC 5923).
    pub alias: bool,
    /// RFC 3261's T1, T2, T4.
    pub timers: Timers,
    /// How Via and Contact name the sender over IPv4; `None`: it cannot send over IPv4.
    pub sent_by_v4: Option<SentBy>,
    /// The same for IPv6.
    pub sent_by_v6: Option<SentBy>,
    /// The same over a connection to a peer whose address is not known.
    pub sent_by_name: Option<SentBy>,
    /// Where it may send.
    pub destinations: Destinations,
    /// How fast.
    pub pace: Pace,
    /// Jobs held at one time.
    pub capacity: usize,
    /// NOTIFYs out at one time; the others wait.
    pub max_in_flight: usize,
    /// How results speak of the sender.
    pub names: Names,
}

/// How results speak of the sender and of its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// At the beginning of a sentence: `This relay`.
    pub sender: &'static str,
    /// What lists the domains that it serves.
    pub domains: &'static str,
    /// What lists the networks that it serves; nothing where it serves none.
    pub networks: Option<&'static str>,
}

impl Names {
    /// Of a relay, with the keys of its configuration.
    pub const RELAY: Self = Self {
        sender: "This relay",
        domains: "`destinations.domains` of its configuration",
        networks: Some("`destinations.allow`"),
    };

    /// Of a pool that sends itself, with the keys of its options.
    pub const POOL: Self = Self {
        sender: "The pool",
        domains: "`edge.domains` of its options",
        networks: None,
    };
}

/// How many NOTIFYs may start in a second. 0: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pace {
    /// To one destination network.
    pub per_destination: u32,
    /// To the outbound proxy, or a job's own route, in place of `per_destination`.
    pub per_proxy: u32,
    /// Altogether.
    pub total: u32,
    /// How many leading bits make an IPv4 network.
    pub prefix_v4: u8,
    /// The same for IPv6.
    pub prefix_v6: u8,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            per_destination: 50,
            per_proxy: 1000,
            total: 0,
            prefix_v4: 32,
            prefix_v6: 64,
        }
    }
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It has ended; its lease lasts until then.
    Result(Box<JobResult>, u64),
    /// Somebody else should do it.
    Return(JobRef, ReturnReason),
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// NOTIFY sessions started: one for each destination tried.
    pub started: u64,
    /// Requests given out to be sent, repeated ones and answers to challenges among them.
    pub transmitted: u64,
    /// Responses that belong to no session: late, duplicate or foreign.
    pub stray: u64,
    /// Datagrams that are no SIP, or no response for this relay.
    pub malformed: u64,
    /// Answers to a NOTIFY of this relay that cannot be used.
    pub unusable: u64,
    /// Final answers that came from another address than the NOTIFY went to.
    pub elsewhere: u64,
    /// Requests that somebody sent to the relay.
    pub requests: u64,
    /// Jobs refused because of their destination.
    pub refused: u64,
    /// Sessions followed by one to the next destination.
    pub failovers: u64,
    /// Connections that broke, or said what is no SIP.
    pub broken: u64,
}

/// Timers that act in one call: what they bring about is taken out before more of it is made.
const MAX_TIMERS: usize = 1024;
/// Refusals of requests that may wait for the socket.
const MAX_REPLIES: usize = 64;

/// Jobs in every stage.
pub struct Engine {
    config: EngineConfig,
    random: Box<dyn Entropy + Send>,
    entries: HashMap<u64, Box<Entry>>,
    by_job: ByText,
    by_branch: ByText,
    next_key: u64,
    lookups: Lookups,
    pacer: Pacer<u64>,
    timers: BinaryHeap<Reverse<(u64, u64)>>,
    /// Sessions that have something to send.
    ready: VecDeque<u64>,
    /// Answers to requests that somebody sent to us.
    replies: VecDeque<(Hop, Vec<u8>)>,
    /// What comes over connections.
    streams: HashMap<Arc<StreamPeer>, Framer>,
    /// Connections that are of no further use.
    to_close: VecDeque<Arc<StreamPeer>>,
    done: VecDeque<Done>,
    in_flight: usize,
    draining: bool,
    /// The To tag of every refusal, one for the life of the process.
    tag: String,
    unix_ms_at_zero: u64,
    counts: Counts,
}

impl Engine {
    /// An engine without jobs. `random` must be unguessable: see
    /// [`Entropy`].
    pub fn new(config: EngineConfig, mut random: impl Entropy + Send + 'static) -> Self {
        let mut tag = [0; 8];
        random.fill(&mut tag);
        let tag = format!("{:016x}", u64::from_le_bytes(tag));
        let total = (config.pace.total > 0).then(|| Rate::per_second(config.pace.total));
        Self {
            config,
            random: Box::new(random),
            entries: HashMap::new(),
            by_job: ByText::default(),
            by_branch: ByText::default(),
            next_key: 0,
            lookups: Lookups::default(),
            pacer: Pacer::new(total),
            timers: BinaryHeap::new(),
            ready: VecDeque::new(),
            replies: VecDeque::new(),
            streams: HashMap::new(),
            to_close: VecDeque::new(),
            done: VecDeque::new(),
            in_flight: 0,
            draining: false,
            tag,
            unix_ms_at_zero: 0,
            counts: Counts::default(),
        }
    }

    /// Says what time it is where `now` is 0, in Unix milliseconds, for the Date header.
    pub fn set_wall_clock(&mut self, unix_ms_at_zero: u64) {
        self.unix_ms_at_zero = unix_ms_at_zero;
    }

    /// Jobs held, waiting ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no job is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Jobs whose NOTIFY is out.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Counts since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a job. One that is already held only takes over the new lease: the phone is not notified
    /// twice because the pool asked twice.
    pub fn submit(&mut self, job: Job, now: u64) {
        let lease_end = now.saturating_add(u64::from(job.lease_ms));
        if let Some(key) = self.held(&job.job.id) {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.job.lease = job.job.lease;
                entry.lease_end = lease_end;
                self.arm(key, now);
            }
            return;
        }
        if self.draining {
            return self.give_back(job.job, ReturnReason::Drain);
        }
        if self.entries.len() >= self.config.capacity {
            return self.give_back(job.job, ReturnReason::Full);
        }
        let id = job.job.clone();
        let lease_ms = job.lease_ms;
        let (prepared, hop) = match prepare(job, &self.config) {
            Ok(prepared) => prepared,
            Err(refusal) => {
                self.counts.refused += 1;
                let result = Box::new(refusal.result(id));
                self.done.push_back(Done::Result(result, lease_end));
                return;
            }
        };
        let key = self.next_key;
        self.next_key += 1;
        self.by_job.insert(&id.id, key);
        let mut entry = Entry::new(id, lease_ms, lease_end, prepared);
        let only = self.config.only.clone().map(Hop::Stream);
        entry.candidates.extend(only.clone());
        self.entries.insert(key, Box::new(entry));
        self.arm(key, now);
        if let Some(only) = only {
            self.wait(key, only, now);
        } else if let Some(ip) = hop.host.ip() {
            let address = SocketAddr::new(ip, hop.port.unwrap_or(hop.usual_port()));
            self.route(key, &Ok(vec![Service::at(address)]), now);
        } else if let Some(found) = self.lookups.ask(hop, key, now) {
            self.route(key, &found, now);
        }
    }

    /// Gives up a job, wherever it stands.
    pub fn cancel(&mut self, job: &JobRef) {
        if let Some(key) = self.held(&job.id)
            && let Some(entry) = self.remove(key)
        {
            let result = Box::new(result::cancelled(&entry));
            self.done.push_back(Done::Result(result, entry.lease_end));
        }
    }

    /// The answer to a look-up.
    pub fn located(&mut self, query: &Query, found: Result<Vec<Service>, LookupError>, now: u64) {
        for key in self.lookups.answer(query, &found, now) {
            self.route(key, &found, now);
        }
    }

    /// A datagram that arrived.
    pub fn datagram(&mut self, from: SocketAddr, bytes: &[u8], now: u64) {
        match Datagram::classify(bytes) {
            Datagram::Response(response) => self.response(Some(from), &response, now),
            Datagram::Request(request) => {
                self.counts.requests += 1;
                // Only whoever may be told anything gets an answer, and a flood gets few: the relay
                // reflects nothing towards a forged source address.
                if self.replies.len() < MAX_REPLIES
                    && self.config.destinations.permits(from).is_ok()
                    && let Some(reply) = refuse(&request, Some(from), &self.tag)
                {
                    self.replies.push_back((from.into(), reply));
                }
            }
            Datagram::KeepAlive => {}
            Datagram::Garbage(why) => self.unreadable(bytes, why),
        }
    }

    /// What happens because time passes. When very much is due at once, part of it is left, and
    /// [`Engine::poll_timeout`] still says `now` or earlier.
    pub fn handle_timeout(&mut self, now: u64) {
        for _ in 0..MAX_TIMERS {
            match self.timers.peek().copied() {
                Some(Reverse((at, key))) if at <= now => {
                    self.timers.pop();
                    self.timer(key, at, now);
                }
                _ => break,
            }
        }
        while self.in_flight < self.config.max_in_flight
            && let Some(key) = self.pacer.pop(now)
        {
            self.start(key, now);
        }
        // Timers of jobs that ended stay in the heap until their time; not too many of them.
        if self.timers.len() > 4 * self.entries.len() + 1024 {
            let armed = self.entries.iter().map(|(key, entry)| (entry.armed, *key));
            self.timers = armed.map(Reverse).collect();
        }
    }

    /// Takes no more jobs, and gives back those whose NOTIFY is not out.
    pub fn drain(&mut self) {
        self.draining = true;
        let keys: Vec<u64> = self
            .entries
            .iter()
            .filter(|(_, entry)| !matches!(entry.state, State::Flying(_)))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.return_entry(key, ReturnReason::Drain);
        }
        self.pacer.drain();
    }

    /// Gives back everything, out or not: the end of a drain.
    pub fn abandon(&mut self) {
        self.drain();
        let keys: Vec<u64> = self.entries.keys().copied().collect();
        for key in keys {
            self.return_entry(key, ReturnReason::Drain);
        }
    }

    /// Takes jobs again.
    pub fn reopen(&mut self) {
        self.draining = false;
    }

    /// The next look-up to make; [`Engine::located`] takes its answer.
    pub fn poll_lookup(&mut self) -> Option<Query> {
        self.lookups.poll()
    }

    /// The next request to send, or answer to one, and where.
    pub fn poll_transmit(&mut self) -> Option<(Hop, Vec<u8>)> {
        if let Some(reply) = self.replies.pop_front() {
            return Some(reply);
        }
        while let Some(key) = self.ready.front() {
            if let Some(entry) = self.entries.get_mut(key)
                && let State::Flying(flight) = &mut entry.state
                && let Some(bytes) = flight.session.poll_transmit()
            {
                self.counts.transmitted += 1;
                return Some((flight.to.clone(), bytes.to_vec()));
            }
            self.ready.pop_front();
        }
        None
    }

    /// The next job that has ended or is given back.
    pub fn poll_done(&mut self) -> Option<Done> {
        self.done.pop_front()
    }

    /// When to call [`Engine::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<u64> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let has_room = self.in_flight < self.config.max_in_flight;
        match (timer, self.pacer.next().filter(|_| has_room)) {
            (Some(timer), Some(pace)) => Some(timer.min(pace)),
            (timer, pace) => timer.or(pace),
        }
    }

    /// The key of a job that is held.
    fn held(&self, id: &str) -> Option<u64> {
        self.by_job.job(id).filter(|key| {
            self.entries
                .get(key)
                .is_some_and(|entry| entry.job.id == id)
        })
    }

    /// Chooses the destinations of a located job and lets it wait for its turn.
    fn route(&mut self, key: u64, found: &Result<Vec<Service>, LookupError>, now: u64) {
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let services = match found {
            Ok(services) => services,
            Err(error) => {
                let result = result::not_located(entry, error);
                return self.end(key, result);
            }
        };
        let random = &mut self.random;
        let addresses = order(services, |n| {
            let mut bytes = [0; 8];
            random.fill(&mut bytes);
            u64::from_le_bytes(bytes) % n.max(1)
        });
        let mut refusal = None;
        let mut not_the_tenants = None;
        let destinations = &self.config.destinations;
        let prepared = entry.prepared.as_ref();
        let tenants = prepared.and_then(|prepared| prepared.tenants.as_deref());
        let over = prepared.and_then(|prepared| prepared.over.clone());
        entry.candidates = addresses
            .into_iter()
            .filter(|to| {
                let is_the_tenants = tenants.is_none_or(|tenants| tenants.permits_found(to.ip()));
                if !is_the_tenants {
                    not_the_tenants.get_or_insert(*to);
                }
                is_the_tenants
            })
            .filter(|to| match destinations.permits(*to) {
                Ok(()) => true,
                Err(why) => {
                    refusal.get_or_insert(why);
                    false
                }
            })
            .map(|address| match &over {
                None => Hop::Datagram(address),
                Some((transport, host)) => Hop::Stream(Arc::new(StreamPeer {
                    transport: *transport,
                    host: host.clone(),
                    port: address.port(),
                    address: Some(address),
                })),
            })
            .collect();
        match (entry.candidates.front().cloned(), refusal) {
            (Some(to), _) => self.wait(key, to, now),
            (None, Some(refusal)) => {
                self.counts.refused += 1;
                let result = result::not_allowed(entry, self.config.names, &refusal);
                self.end(key, result);
            }
            (None, None) if not_the_tenants.is_some() => {
                self.counts.refused += 1;
                let result = not_the_tenants.map(|to| result::not_the_tenants(entry, to));
                if let Some(result) = result {
                    self.end(key, result);
                }
            }
            (None, None) => {
                let error = LookupError::NotFound("the target".into());
                let result = result::not_located(entry, &error);
                self.end(key, result);
            }
        }
    }

    /// Lets a job wait for its turn at `to`, the first of its candidates.
    fn wait(&mut self, key: u64, to: Hop, now: u64) {
        let pace = self.config.pace;
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let per_second = if entry.prepared.as_ref().is_some_and(|p| p.via_proxy) {
            pace.per_proxy
        } else {
            pace.per_destination
        };
        entry.state = State::Waiting;
        let line = match (to.address(), to.stream()) {
            (Some(address), _) => network(address.ip(), pace.prefix_v4, pace.prefix_v6),
            (None, Some(peer)) => Line::Named(peer.host.clone(), peer.port),
            (None, None) => return,
        };
        self.pacer
            .push(line, Rate::per_second(per_second), key, now);
        self.arm(key, now);
    }

    /// Makes sure that the heap has a timer early enough for this job.
    fn arm(&mut self, key: u64, now: u64) {
        let lasts = self.longest_transaction();
        if let Some(entry) = self.entries.get_mut(&key) {
            let at = entry.deadline(lasts).max(now);
            if at < entry.armed {
                entry.armed = at;
                self.timers.push(Reverse((at, key)));
            }
        }
    }

    fn timer(&mut self, key: u64, at: u64, now: u64) {
        let lasts = self.longest_transaction();
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        if entry.armed != at {
            return;
        }
        entry.armed = u64::MAX;
        if entry.deadline(lasts) > now {
            return self.arm(key, now);
        }
        match &mut entry.state {
            State::Flying(_) if entry.lease_end <= now => {
                self.return_entry(key, ReturnReason::Lease);
            }
            State::Flying(flight) => {
                flight.session.handle_timeout(now);
                self.settle(key, now);
            }
            State::Locating | State::Waiting => self.return_entry(key, ReturnReason::Pace),
        }
    }

    /// How long a request without an answer lasts: timer F, 64·T1.
    fn longest_transaction(&self) -> u64 {
        self.config.timers.timeout()
    }

    fn end(&mut self, key: u64, result: JobResult) {
        if let Some(entry) = self.remove(key) {
            let done = Done::Result(Box::new(result), entry.lease_end);
            self.done.push_back(done);
        }
    }

    /// Gives a job back. If anything was sent for it the phone may have heard, whatever the reason:
    /// the pool must not take it for untold.
    fn return_entry(&mut self, key: u64, reason: ReturnReason) {
        if let Some(entry) = self.remove(key) {
            let reason = match entry.sent() {
                0 => reason,
                _ => ReturnReason::Lease,
            };
            self.give_back(entry.job, reason);
        }
    }

    fn give_back(&mut self, job: JobRef, reason: ReturnReason) {
        self.done.push_back(Done::Return(job, reason));
    }

    fn remove(&mut self, key: u64) -> Option<Box<Entry>> {
        let entry = self.entries.remove(&key)?;
        self.by_job.remove(&entry.job.id, key);
        if let State::Flying(flight) = &entry.state {
            self.in_flight -= 1;
            self.by_branch.remove(flight.session.branch(), key);
        }
        Some(entry)
    }
}
