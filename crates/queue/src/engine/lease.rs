//! From the queue to the relays.
//!
//! Three things limit what goes out in a round: the relays' free places (shared out by tenant), the pace
//! of each rollout, and the pace of each destination network. An example with three networks, each of
//! which may be sent one NOTIFY a second, and ten due jobs in the order A A A B B C A B C C:
//!
//! 1. [`Engine::due_jobs`] looks at the jobs in their order. The first job of A goes, and so do the
//!    first of B and of C. Every other job is given a *turn*: the second of A in one second, the third
//!    in two, and so on for each network by itself. A turn is written into the job (`due_at`, and
//!    `turn_granted`), so that the job is not looked at again in every round until then.
//! 2. D1 is asked what there is to know of the three devices. This takes time, and a device may have been
//!    deleted.
//! 3. [`Engine::lease`] hands the jobs to relays. Only now are they counted as sent to their networks
//!    (`sent_us`): a turn that came to nothing costs its network its place, but not a NOTIFY.
//!
//! A network therefore has two clocks. `due_us` is when the next turn may be given out; `sent_us` is
//! when the next NOTIFY may go. A round that comes late may take a turn late, as long as `sent_us`
//! allows it: a slow round loses few turns, and a pause does not end in a burst.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use ringfence_sip_notify::{Host, SipUri};
use ringfence_wire::{self as wire, JobRef, ReturnReason, Transport};

use super::Engine;
use super::places::{Free, Places, Share};
use crate::edge::{EDGE, Sender};
use crate::job::{Job, JobEvent, State};
use crate::messages::{
    AwayRelay, Gauges, MAX_OPEN_LISTED, OpenRollout, PausedRollout, Status, Watched,
};
use crate::options::PoolOptions;
use crate::pace::{self, interval_us, network_interval_us, network_tolerance_us};
use crate::rollout::RolloutState;
use crate::store::{NetworkPace, RolloutRow};
use crate::target::{Message, TargetError};
use ringfence_sql::{Sql, SqlError};

/// Jobs handed to relays in one step.
const MAX_LEASED: u64 = 250;

/// Rows of one queue looked at in one step, most of them perhaps only to be given a later turn.
const MAX_LOOKED_AT: u64 = 2_000;

/// How long a job waits for which no relay with room is fit, in milliseconds, before relays are looked for again.
const NO_RELAY_WAIT_MS: u64 = 10_000;

/// By how much the rounds in which turns are taken may come late without a turn being lost, in
/// milliseconds.
const LATE_MS: u64 = 200;

/// A connected relay that said hello, or the pool itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub relay: String,
    pub capacity: u32,
    pub transports: Vec<Transport>,
    pub draining: bool,
}

impl Session {
    /// The pool itself, if its options have it send.
    pub fn of_the_pool(options: &PoolOptions, draining: bool) -> Option<Self> {
        options.sends_itself().map(|edge| Self {
            relay: EDGE.to_owned(),
            capacity: edge.capacity,
            transports: Vec::new(),
            draining,
        })
    }

    /// Whether jobs may be given to it as the pool is set.
    fn may_send(&self, sender: Sender) -> bool {
        match sender {
            Sender::Relay => self.relay != EDGE,
            Sender::Edge => self.relay == EDGE,
            Sender::EdgeThenRelay => true,
        }
    }
}

/// Queued jobs of one tenant that obey the same pace: those of no rollout, or those of one.
struct Queue {
    tenant: String,
    row: Option<RolloutRow>,
    per_second: f64,
    network_per_second: f64,
    /// Jobs taken in this round.
    taken: u64,
}

/// A job whose turn it is: D1 is to be asked what there is to know of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueJob {
    pub job: String,
    /// Whose job it is: a device may be another tenant's by now.
    pub tenant: String,
    pub device: String,
}

/// What D1 knows of a due job's device.
#[derive(Clone, Debug, PartialEq)]
pub enum DueDevice {
    /// It no longer exists.
    Deleted,
    Disabled,
    InService {
        /// The version that the device took last, and when.
        fetched: Option<(u64, u64)>,
        message: Result<Box<Message>, TargetError>,
    },
}

impl<S: Sql> Engine<S> {
    /// What the connected relays can still take.
    pub fn free(&self, sessions: &[Session]) -> Result<Vec<Free>, SqlError> {
        let mut loads: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (relay, tenant, n) in self.store.loads()? {
            loads.entry(relay).or_default().insert(tenant, n);
        }
        let sender = self.store.options()?.sender;
        let taking = sessions
            .iter()
            .filter(|session| !session.draining && session.may_send(sender));
        Ok(taking
            .map(|session| {
                let held = loads.remove(&session.relay).unwrap_or_default();
                let capacity = u64::from(session.capacity);
                Free {
                    relay: session.relay.clone(),
                    capacity,
                    free: capacity.saturating_sub(held.values().sum()),
                    held,
                    v4: session.transports.contains(&Transport::Udp4),
                    v6: session.transports.contains(&Transport::Udp6),
                    proxy_only: session.relay == EDGE,
                }
            })
            .collect())
    }

    /// What is left in a later round of what [`Engine::free`] found: counting the leases costs more
    /// with each, and between two rounds only the relays may have changed.
    pub fn still_free(&self, free: &mut Vec<Free>, sessions: &[Session]) {
        free.retain(|free| {
            let here = |session: &Session| session.relay == free.relay && !session.draining;
            sessions.iter().any(here)
        });
    }

    /// The jobs whose turn it is now, as many as the relays can take, and as the paces allow: of each
    /// tenant in turn, first those of no rollout, then those of each rollout that is open.
    ///
    /// A turn that is handed out is spent, whatever becomes of it.
    pub fn due_jobs(&self, free: &[Free], now: u64) -> Result<Vec<DueJob>, SqlError> {
        let options = self.store.options()?;
        let mut queues = self.queues(&options)?;
        let mut places = Places::new(free, queues.iter().map(|queue| queue.tenant.as_str()));
        let mut tenants: Vec<String> = queues.iter().map(|queue| queue.tenant.clone()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        // Whoever came last in the last round comes last in this one.
        let last = self.last_tenant.borrow().clone();
        let first = tenants.partition_point(|tenant| *tenant <= last);
        let first = if first < tenants.len() { first } else { 0 };
        tenants.rotate_left(first);

        let mut networks: BTreeMap<String, NetworkPace> = BTreeMap::new();
        let mut taken: Vec<DueJob> = Vec::new();
        for share in [Share::Fair, Share::More] {
            let mut wanting = tenants.clone();
            // Each tenant that wants more gets an equal part of what is left, again and again: a tenant
            // with one job has it out in the first pass, however many jobs another one has.
            while !wanting.is_empty() && (taken.len() as u64) < MAX_LEASED {
                let each = (MAX_LEASED - taken.len() as u64).div_ceil(wanting.len() as u64);
                let mut still = Vec::new();
                for tenant in wanting {
                    let most = each
                        .min(places.left(&tenant, share))
                        .min(MAX_LEASED.saturating_sub(taken.len() as u64));
                    let before = taken.len();
                    for queue in queues.iter_mut().filter(|queue| queue.tenant == tenant) {
                        let more = most.saturating_sub((taken.len() - before) as u64);
                        self.turns(queue, more, &mut networks, &mut taken, now)?;
                    }
                    let got = (taken.len() - before) as u64;
                    places.take(&tenant, got);
                    if got > 0 {
                        self.last_tenant.borrow_mut().clone_from(&tenant);
                    }
                    if got > 0 && got == most {
                        still.push(tenant);
                    }
                }
                wanting = still;
            }
        }
        for (network, pace) in networks {
            // `sent_us` is written when the job is leased (`network_lets`).
            let NetworkPace { sent_us, .. } = self.store.network(&network)?;
            self.store
                .set_network(&network, NetworkPace { sent_us, ..pace })?;
        }
        Ok(taken)
    }

    /// Everything that is queued and may go out, by tenant.
    fn queues(&self, options: &PoolOptions) -> Result<Vec<Queue>, SqlError> {
        let standalone = self.store.standalone_tenants()?.into_iter();
        let mut queues: Vec<Queue> = standalone
            .map(|(tenant, _)| Queue {
                tenant,
                row: None,
                per_second: 0.0,
                network_per_second: options.network_per_second,
                taken: 0,
            })
            .collect();
        for row in self.store.open_rollouts()? {
            let Some(spec) = row.spec() else { continue };
            if row.is_open() {
                queues.push(Queue {
                    tenant: row.tenant.clone(),
                    per_second: options.rollout_pace(spec.per_second),
                    network_per_second: options.network_pace(spec.network_per_second),
                    row: Some(row),
                    taken: 0,
                });
            }
        }
        Ok(queues)
    }

    /// Up to `most` more jobs of a queue that are due and that its pace and their networks' let
    /// through. Those that a network does not let through are given their turn later.
    fn turns(
        &self,
        queue: &mut Queue,
        most: u64,
        networks: &mut BTreeMap<String, NetworkPace>,
        taken: &mut Vec<DueJob>,
        now: u64,
    ) -> Result<(), SqlError> {
        let interval = interval_us(queue.per_second);
        let most = match &queue.row {
            Some(row) => most.min(pace::credit(row.due_us, now * 1000, interval)),
            None => most,
        };
        let before = taken.len();
        let count = |taken: &Vec<DueJob>| (taken.len() - before) as u64;
        let id = queue.row.as_ref().map_or("", |row| row.id.as_str());
        let mut looked = 0;
        // Jobs of a closed network move to a later turn, which brings others to the front: look again
        // until enough were taken, nothing moved, or too many rows were read for one step.
        while count(taken) < most && looked < MAX_LOOKED_AT {
            // Jobs taken in this round are still queued, and come first again.
            let due = self.store.due(id, &queue.tenant, now, most + queue.taken)?;
            let fresh: Vec<Job> = due
                .into_iter()
                .filter(|job| !taken.iter().any(|c: &DueJob| c.job == job.id))
                .collect();
            if fresh.is_empty() {
                break;
            }
            let mut moved = false;
            for job in fresh {
                looked += 1;
                if count(taken) >= most {
                    break;
                }
                match self.network_turn(&job, queue.network_per_second, networks, now)? {
                    None if job.is_due(now) => taken.push(DueJob {
                        job: job.id,
                        tenant: job.tenant,
                        device: job.device,
                    }),
                    None => {}
                    Some(due_at) => {
                        moved = true;
                        let later = Job {
                            due_at,
                            turn_granted: true,
                            ..job.clone()
                        };
                        self.store.save_job(&job, &later)?;
                    }
                }
            }
            if !moved {
                break;
            }
        }
        let got = count(taken);
        queue.taken += got;
        if let Some(row) = &mut queue.row
            && got > 0
        {
            row.due_us = pace::take(row.due_us, now * 1000, interval, got);
            self.store.save_rollout(row)?;
        }
        Ok(())
    }

    /// `None` if the job's network lets the job through now; otherwise the time of the job's turn, in ms.
    ///
    /// Each job is given a turn, so that it is looked at once and not in every round. A turn may be
    /// taken late, as late as may be, as long as the network had not too many NOTIFYs just before: a
    /// slow round loses few turns, and a pause does not end in a burst.
    fn network_turn(
        &self,
        job: &Job,
        per_second: f64,
        networks: &mut BTreeMap<String, NetworkPace>,
        now: u64,
    ) -> Result<Option<u64>, SqlError> {
        if per_second <= 0.0 || job.network.is_empty() {
            return Ok(None);
        }
        let now_us = now * 1000;
        let mut pace = match networks.get(&job.network) {
            Some(pace) => *pace,
            None => NetworkPace {
                // NOTIFYs sent earlier are checked by `network_lets`, after D1 has answered.
                sent_us: now_us,
                ..self.store.network(&job.network)?
            },
        };
        let interval = network_interval_us(per_second, LATE_MS);
        let goes = admits(pace, now) && (job.turn_granted || pace.due_us <= now_us);
        let turn_us = pace.due_us.max(now_us);
        if goes {
            pace.sent_us += interval;
        }
        // A job that had its turn has moved the clock of turns when the turn was given.
        if !goes || !job.turn_granted {
            pace.due_us = turn_us + interval;
        }
        networks.insert(job.network.clone(), pace);
        Ok((!goes).then(|| turn_us.div_ceil(1000).max(now + 1)))
    }

    /// Counts a job for its network, if a NOTIFY may go there now. Returns whether it may.
    fn network_lets(&self, job: &Job, per_second: f64, now: u64) -> Result<bool, SqlError> {
        if per_second <= 0.0 || job.network.is_empty() {
            return Ok(true);
        }
        let pace = self.store.network(&job.network)?;
        if !admits(pace, now) {
            return Ok(false);
        }
        let interval = network_interval_us(per_second, LATE_MS);
        let sent_us = pace.sent_us.max(now * 1000) + interval;
        self.store
            .set_network(&job.network, NetworkPace { sent_us, ..pace })?;
        Ok(true)
    }

    /// Leases due jobs to relays, by what D1 found. What goes to whom is in the answer; it is
    /// written down before it is returned.
    pub fn lease(
        &self,
        found: Vec<(DueJob, DueDevice)>,
        free: &mut [Free],
        now: u64,
    ) -> Result<Vec<(String, wire::Job)>, SqlError> {
        let options = self.store.options()?;
        let mut rollouts: BTreeMap<String, Option<RolloutRow>> = BTreeMap::new();
        let mut out = Vec::new();
        for (due_job, found) in found {
            let Some(job) = self.store.job(&due_job.job)?.filter(|job| job.is_due(now)) else {
                continue;
            };
            for id in job.rollout.iter().chain([&job.queue]) {
                if !id.is_empty() && !rollouts.contains_key(id) {
                    rollouts.insert(id.clone(), self.store.rollout(id)?);
                }
            }
            let row = |id: &str| rollouts.get(id).and_then(Option::as_ref);
            let queue = row(&job.queue);
            if !job.queue.is_empty() && !queue.is_some_and(RolloutRow::is_open) {
                // Paused or cancelled while D1 was asked.
                continue;
            }
            let message = match self.look(&job, found) {
                Ok(message) => message,
                Err(event) => {
                    let event = event.event();
                    self.change(job, &event, &options, now)?;
                    continue;
                }
            };
            let per_second = match queue.and_then(RolloutRow::spec) {
                Some(spec) => options.network_pace(spec.network_per_second),
                None => options.network_per_second,
            };
            if !self.network_lets(&job, per_second, now)? {
                // The job keeps its turn, and is looked at again in the next round.
                continue;
            }
            let needs_a_relay = options.sender == Sender::EdgeThenRelay
                && (job.relay_only || has_a_way_of_its_own(&message));
            let Some(relay) = choose(free, &message, &job.tenant, needs_a_relay) else {
                if free.iter().all(|free| free.free == 0) {
                    break;
                }
                // No relay with room speaks the job's address family, or may have the job.
                let later = Job {
                    due_at: now + NO_RELAY_WAIT_MS,
                    turn_granted: false,
                    ..job.clone()
                };
                self.store.save_job(&job, &later)?;
                continue;
            };
            let judge_ms = job
                .rollout
                .as_deref()
                .and_then(row)
                .and_then(RolloutRow::spec)
                .and_then(|spec| spec.threshold)
                .map(|threshold| u64::from(threshold.within_s) * 1000);
            let job = self.change(
                job,
                &JobEvent::Lease {
                    relay: &relay,
                    judge_ms,
                },
                &options,
                now,
            )?;
            self.store.attempt_begins(&job.id, job.lease, &relay, now)?;
            out.push((
                relay,
                frame(&job, message, options.lease_s.saturating_mul(1000)),
            ));
        }
        Ok(out)
    }

    /// The frame with these jobs did not leave: nothing was sent, they are due again.
    pub fn unsent(&self, jobs: &[JobRef], now: u64) -> Result<(), SqlError> {
        let options = self.store.options()?;
        for unsent in jobs {
            if let Some(job) = self.store.job(&unsent.id)? {
                self.store.attempt_ends(
                    &unsent.id,
                    unsent.lease,
                    "returned",
                    "not_connected",
                    now,
                )?;
                let event = JobEvent::GivenBack {
                    lease: unsent.lease,
                    reason: ReturnReason::Full,
                };
                self.change(job, &event, &options, now)?;
            }
        }
        Ok(())
    }

    /// The pool at a glance; the caller adds who is connected.
    pub fn status(&self) -> Result<Status, SqlError> {
        let open = self.store.open_rollouts()?.into_iter().rev();
        let open = open.take(MAX_OPEN_LISTED).map(|row| OpenRollout {
            id: row.id,
            tenant: row.tenant,
            state: row.state,
            message: row.message,
            total: row.total,
            released: row.released,
            created_at: row.created_at,
        });
        Ok(Status {
            pending: self.store.pending_counts()?,
            relays: self.store.relays()?,
            connected: Vec::new(),
            edge: None,
            open: open.collect(),
        })
    }

    /// What is measured of the pool; the caller adds who is connected.
    pub fn gauges(&self) -> Result<Gauges, SqlError> {
        Ok(Gauges {
            jobs: self.store.pending_ages()?,
            relays: self.store.relays()?.len() as u64,
            rollouts_running: self.store.open_rollouts_in("running")?,
            rollouts_paused: self.store.open_rollouts_in("paused")?,
            ..Gauges::default()
        })
    }

    /// What in the pool may need a person; the caller takes out who is connected.
    pub fn watched(&self) -> Result<Watched, SqlError> {
        let open = self.store.open_rollouts()?.into_iter();
        let paused = open.filter(|row| row.state == RolloutState::Paused);
        let paused = paused.map(|row| PausedRollout {
            since: row.closed_since.unwrap_or(row.created_at),
            id: row.id,
            tenant: row.tenant,
            reason: row.reason,
            message: row.message,
        });
        let away = self.store.relays()?.into_iter().map(|relay| AwayRelay {
            id: relay.id,
            seen_at: relay.seen_at,
        });
        Ok(Watched {
            paused: paused.collect(),
            away: away.collect(),
        })
    }

    /// The message, or what else is to happen to the job.
    fn look(&self, job: &Job, found: DueDevice) -> Result<Message, Instead> {
        match found {
            DueDevice::Deleted => Err(Instead::Cancel(
                "device_gone",
                "The job's device was deleted, or is another tenant's.",
            )),
            DueDevice::Disabled => Err(Instead::Cancel(
                "device_disabled",
                "The job's device was disabled.",
            )),
            DueDevice::InService {
                fetched: Some((version, at)),
                ..
            } if version >= job.version && job.first_sent_at.is_some_and(|sent| at > sent) => {
                // It came back after a sending that nobody answered: not to be notified again.
                Err(Instead::Seen(version, at))
            }
            DueDevice::InService {
                message: Ok(message),
                ..
            } => Ok(*message),
            DueDevice::InService {
                message: Err(error),
                ..
            } => Err(Instead::Refuse(error.reason(), error.to_string())),
        }
    }
}

/// Whether another NOTIFY may go to a network, by what went there before.
fn admits(pace: NetworkPace, now: u64) -> bool {
    pace.sent_us.saturating_sub(network_tolerance_us(LATE_MS)) <= now * 1000
}

/// What happens to a candidate that is not sent.
enum Instead {
    Cancel(&'static str, &'static str),
    Seen(u64, u64),
    Refuse(&'static str, String),
}

impl Instead {
    fn event(&self) -> JobEvent<'_> {
        match self {
            Self::Cancel(reason, message) => JobEvent::Cancel { reason, message },
            Self::Seen(version, at) => JobEvent::Seen {
                version: *version,
                at: *at,
            },
            Self::Refuse(reason, message) => JobEvent::Refuse { reason, message },
        }
    }
}

/// Whether a job says itself where it is to be sent: only a relay does as it says.
fn has_a_way_of_its_own(message: &Message) -> bool {
    message.target.address.is_some() || message.route.is_some()
}

/// The pool itself if it has room, else the relay with the most room among those that can reach the target.
fn choose(
    free: &mut [Free],
    message: &Message,
    tenant: &str,
    needs_a_relay: bool,
) -> Option<String> {
    let (address, is_sure) = literal(message);
    let reaches = |free: &Free| match (free.proxy_only, address) {
        // Its proxy reaches whatever it does.
        (true, _) => !needs_a_relay,
        (false, Some(IpAddr::V4(_))) => free.v4,
        (false, Some(IpAddr::V6(_))) => free.v6,
        (false, None) => true,
    };
    let any = !is_sure && !free.iter().any(reaches);
    let best = free
        .iter_mut()
        .filter(|free| free.free > 0 && (reaches(free) || (any && !free.proxy_only)))
        .max_by_key(|free| (free.proxy_only, free.free))?;
    best.take(tenant);
    Some(best.relay.clone())
}

/// The address that a relay would send to, where no name stands for it: the target's own address,
/// its route, or its address of record, in this order. The last is not sure: a relay may send
/// everything to an outbound proxy of its own.
fn literal(message: &Message) -> (Option<IpAddr>, bool) {
    if let Some(text) = message.target.address.as_deref() {
        let bare = text.trim_matches(['[', ']']);
        let address = text
            .parse::<SocketAddr>()
            .map(|socket| socket.ip())
            .or_else(|_| bare.parse::<IpAddr>());
        return (address.ok(), true);
    }
    let uri = message.route.as_deref().unwrap_or(&message.target.aor);
    let address = match SipUri::parse(uri).ok().map(|uri| uri.host().clone()) {
        Some(Host::V4(ip)) => Some(ip.into()),
        Some(Host::V6(ip)) => Some(ip.into()),
        _ => None,
    };
    (address, message.route.is_some())
}

fn frame(job: &Job, message: Message, lease_ms: u32) -> wire::Job {
    debug_assert_eq!(job.state, State::Leased);
    wire::Job {
        job: JobRef {
            id: job.id.clone(),
            lease: job.lease,
        },
        lease_ms,
        target: message.target,
        event: job.event.clone(),
        headers: message.headers,
        content_type: message.content_type,
        body: message.body,
        route: message.route,
        credentials: message.credentials,
        destinations: message.destinations,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Who of a relay with IPv4 only and much room, and one with both and little, is chosen.
    fn chosen(address: Option<&str>, route: Option<&str>, aor: &str) -> Option<String> {
        let relay = |name: &str, free, v6| Free {
            relay: name.into(),
            capacity: free,
            free,
            held: BTreeMap::new(),
            v4: true,
            v6,
            proxy_only: false,
        };
        let message = Message {
            target: wire::Target {
                aor: aor.into(),
                address: address.map(Into::into),
            },
            route: route.map(Into::into),
            headers: Vec::new(),
            content_type: None,
            body: None,
            credentials: None,
            destinations: None,
        };
        choose(
            &mut [relay("v4", 100, false), relay("both", 1, true)],
            &message,
            "T",
            false,
        )
    }

    #[test]
    fn a_literal_goes_to_a_relay_with_its_family() {
        let (six, four) = ("sip:1@[2001:db8::7]", "sip:1@192.0.2.7");
        let name = "sip:1@pbx.example";
        let proxy = Some("sip:[2001:db8::9]:5070;lr");
        for (address, route, aor, expected) in [
            (None, None, name, "v4"),
            (None, None, four, "v4"),
            (None, None, six, "both"),
            (None, proxy, four, "both"),
            (None, Some("sip:proxy.example;lr"), six, "v4"),
            (None, Some("sip:192.0.2.9;lr"), six, "v4"),
            (Some("[2001:db8::7]:5060"), None, name, "both"),
            (Some("2001:db8::7"), None, name, "both"),
            (Some("192.0.2.7:5060"), proxy, six, "v4"),
            (Some("phone.example:5060"), proxy, six, "v4"),
        ] {
            let got = chosen(address, route, aor);
            assert_eq!(
                got.as_deref(),
                Some(expected),
                "{address:?} {route:?} {aor}"
            );
        }
    }

    #[test]
    fn a_job_with_a_way_of_its_own_is_for_a_relay_where_relays_help() {
        let message = |address: Option<&str>| Message {
            target: wire::Target {
                aor: "sip:1@[2001:db8::7]".into(),
                address: address.map(Into::into),
            },
            route: None,
            headers: Vec::new(),
            content_type: None,
            body: None,
            credentials: None,
            destinations: None,
        };
        let free = |name: &str, proxy_only| Free {
            relay: name.into(),
            capacity: 9,
            free: if proxy_only { 1 } else { 9 },
            held: BTreeMap::new(),
            v4: true,
            v6: false,
            proxy_only,
        };
        assert!(has_a_way_of_its_own(&message(Some("192.0.2.7:5060"))));
        assert!(!has_a_way_of_its_own(&message(None)));
        let both = || [free("edge", true), free("v4", false)];
        let chosen = |of: &mut [Free], address, needs| choose(of, &message(address), "T", needs);
        // Its proxy reaches IPv6; and it comes first, however little room it has.
        assert_eq!(chosen(&mut both(), None, false).as_deref(), Some("edge"));
        let address = Some("192.0.2.7:5060");
        assert_eq!(chosen(&mut both(), address, true).as_deref(), Some("v4"));
        let edge_alone = &mut [free("edge", true)];
        assert_eq!(chosen(edge_alone, address, true), None);
        // Without relays it is given to the pool, which says what to do.
        assert_eq!(chosen(edge_alone, address, false).as_deref(), Some("edge"));
    }

    #[test]
    fn only_an_address_of_record_goes_to_whom_there_is() {
        let only_v4 = |route: Option<&str>| {
            let message = Message {
                target: wire::Target {
                    aor: "sip:1@[2001:db8::7]".into(),
                    address: None,
                },
                route: route.map(Into::into),
                headers: Vec::new(),
                content_type: None,
                body: None,
                credentials: None,
                destinations: None,
            };
            let mut free = [Free {
                relay: "v4".into(),
                capacity: 1,
                free: 1,
                held: BTreeMap::new(),
                v4: true,
                v6: false,
                proxy_only: false,
            }];
            choose(&mut free, &message, "T", false)
        };
        assert_eq!(only_v4(None).as_deref(), Some("v4"), "it may have a proxy");
        assert_eq!(only_v4(Some("sip:[2001:db8::9];lr")), None);
    }
}
