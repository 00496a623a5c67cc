//! The pool itself as the sender of its NOTIFYs: over one connection to the proxy that its options name, by TCP or TLS.
//!
//! The connection lives within one run of the alarm, and so does the sender: between two runs the object holds nothing,
//! and may hibernate. A run has two parts, which wait for each other at nothing:
//!
//! - one goes on with the pool's [work](Pool::work), which leases jobs to relays and to the pool itself;
//! - the other sends what was leased, and records what became of it.
//!
//! *Invariant:* a lease is stored before its NOTIFY is sent, and a result is stored before its place is given to another
//! job. So a run may break off anywhere: the next one finds the leases of the last, which nobody can have any more, and
//! puts those jobs back into the queue.

mod link;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use ringfence_queue::edge::{EDGE, EdgeOptions, EdgeOptionsError};
use ringfence_queue::engine::{Engine, Session};
use ringfence_queue::messages::EdgeStatus;
use ringfence_sender::{Destinations, Done, EngineConfig, Names, Pace, StreamPeer, destination};
use ringfence_sip_notify::{Credentials, Host, SentBy, Timers, Transport};
use ringfence_sql::SqlError;
use ringfence_wire::{Job, JobRef, JobResult, ReturnReason};
use worker::Delay;

use self::link::Link;
use crate::db::object::ObjectSql;
use crate::db::{Db, StorageError};
use crate::platform::{self, config, log};
use crate::pool::Pool;
use crate::store::pools::{self, PoolCredentialsError};

/// How long a run takes jobs, in milliseconds: the runtime ends an alarm after 15 minutes, and the last of them may be
/// on their way for half a minute more.
const RUN_MS: u64 = 10 * 60_000;

/// Least time between two rounds of the pool's work in a run, in milliseconds: answers come one by one, and a round for
/// each would cost more than the answer.
const ROUND_MS: u64 = 50;

/// How often a run sets the alarm, and how far ahead, in milliseconds: it rings only if the run broke off.
const BEAT_MS: u64 = 5_000;
const RESCUE_MS: u64 = 10_000;

/// Most jobs that go into the sender before it gets to send.
const MAX_TAKEN: usize = 500;

/// The place of the [`EdgeStatus`] in the object's tables.
const STATUS: &str = "edge_status";

/// What the two parts of a run leave for each other, and for whoever calls the object meanwhile.
#[derive(Default)]
pub(super) struct Edge {
    /// Leased to the pool itself, and not yet with its sender.
    inbox: RefCell<Vec<Job>>,
    /// No longer wanted.
    cancelled: RefCell<Vec<JobRef>>,
    /// What the run that is under way sends by.
    sends_by: RefCell<Option<EdgeOptions>>,
    /// Whether a run takes no more jobs.
    is_draining: Cell<bool>,
    /// Whether the pool's work has something new to look at.
    is_work: Cell<bool>,
    /// Whether a run is over but for the work that is under way.
    is_over: Cell<bool>,
    /// Jobs that the sender holds.
    held: Cell<usize>,
    waker: RefCell<Option<Waker>>,
}

impl Edge {
    /// Something has changed that the pool's work should look at.
    pub(super) fn ring(&self) {
        self.is_work.set(true);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    /// Takes leased jobs.
    pub(super) fn take(&self, jobs: Vec<Job>) {
        self.inbox.borrow_mut().extend(jobs);
        self.wake();
    }

    /// Gives up a job.
    pub(super) fn cancel(&self, job: JobRef) {
        self.cancelled.borrow_mut().push(job);
        self.wake();
    }

    /// Whether anything was leased to the pool itself.
    pub(super) fn has_jobs(&self) -> bool {
        !self.inbox.borrow().is_empty()
    }

    /// Waits until `is_so`, or `until` (Unix milliseconds). Everything in a run is one task, so that whatever wakes it has
    /// every part look again.
    async fn until(&self, until: Option<u64>, mut is_so: impl FnMut() -> bool) {
        let ms = until.map(|at| at.saturating_sub(platform::now()));
        let mut delay = ms.map(|ms| Box::pin(Delay::from(Duration::from_millis(ms))));
        poll_fn(|cx| {
            if is_so() {
                return Poll::Ready(());
            }
            match &mut delay {
                Some(delay) => delay.as_mut().poll(cx),
                None => Poll::Pending,
            }
        })
        .await;
    }
}

/// Why the pool cannot send as things are.
#[derive(Debug, thiserror::Error)]
enum EdgeError {
    #[error("the pool does not send itself")]
    Off,
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Credentials(#[from] PoolCredentialsError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why options name nothing that may be dialled.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("edge.proxy is no name and no address")]
    NoHost,
    #[error("edge.proxy is {0}, which is no SIP proxy")]
    Never(&'static str),
    #[error(transparent)]
    Options(#[from] EdgeOptionsError),
}

/// Refuses options with which the pool could not send.
pub fn check(edge: &EdgeOptions) -> Result<(), ProxyError> {
    sender_config(edge, None).map(drop)
}

/// What the sender runs with.
fn sender_config(
    edge: &EdgeOptions,
    credentials: Option<Credentials>,
) -> Result<EngineConfig, ProxyError> {
    let host = edge.host().ok_or(ProxyError::NoHost)?;
    if let Some(ip) = host.ip()
        && let Some(what) = destination::never(ip.to_canonical())
    {
        return Err(ProxyError::Never(what));
    }
    let transport = Transport::from(edge.transport);
    let port = edge.dialled_port();
    Ok(EngineConfig {
        from: edge.from_uri()?,
        outbound_proxy: None,
        only: Some(Arc::new(StreamPeer {
            transport,
            host: edge.proxy.trim_matches(['[', ']']).to_owned(),
            port,
            address: None,
        })),
        proxy_credentials: credentials.map(Arc::new),
        alias: edge.alias,
        timers: Timers::default(),
        sent_by_v4: None,
        sent_by_v6: None,
        // Answers come by the connection, so that no name of ours has to lead anywhere (RFC 2606 §2).
        sent_by_name: Host::parse("ringfence.invalid").map(|host| SentBy { host, port }),
        destinations: Destinations::new(Vec::new(), Vec::new(), 1024..=65535, edge.domains.clone()),
        pace: Pace {
            per_proxy: edge.per_second,
            ..Pace::default()
        },
        capacity: edge.capacity as usize,
        max_in_flight: edge.capacity as usize,
        names: Names::POOL,
    })
}

impl Pool {
    /// The pool itself as one that jobs may be given to, if its options have it send.
    pub(super) fn own_session(&self) -> Option<Session> {
        let options = self.engine().ok()?.store.options().ok()?;
        Session::of_the_pool(&options, self.edge.is_draining.get())
    }

    /// Puts back what an earlier run had: it is over, and so is whatever it held.
    pub(super) fn take_back(&self, engine: &Engine<ObjectSql>) -> Result<(), SqlError> {
        self.edge.inbox.borrow_mut().clear();
        self.edge.cancelled.borrow_mut().clear();
        self.edge.is_draining.set(false);
        self.edge.is_over.set(false);
        engine.void_leases(EDGE, platform::now())
    }

    /// Sends what was leased to the pool itself, and goes on with its work meanwhile, until there is nothing to send for a
    /// while.
    pub(super) async fn run(&self, engine: &Engine<ObjectSql>) {
        let options = engine.store.options().ok();
        let edge = options.as_ref().and_then(|options| options.sends_itself());
        self.edge.sends_by.replace(edge.cloned());
        let config = match edge {
            Some(edge) => self
                .configured(engine, edge)
                .await
                .map(|config| (edge, config)),
            None => Err(EdgeError::Off),
        };
        match config {
            Ok((edge, config)) => self.send_and_work(engine, edge, config).await,
            Err(error) => self.give_up(engine, &error.to_string()),
        }
        self.edge.sends_by.replace(None);
        // Nothing is held any more, so the next run may have jobs: those that this one gave back wake the object.
        self.edge.is_draining.set(false);
    }

    /// Ends a run that sends by other options than the pool's.
    pub(super) fn follow_options(&self, engine: &Engine<ObjectSql>) -> Result<(), SqlError> {
        let options = engine.store.options()?;
        if self.edge.sends_by.borrow().as_ref() != options.sends_itself() {
            self.end_run();
        }
        Ok(())
    }

    /// Has the run that is under way take no more jobs, and give back those that have not gone out.
    pub(super) fn end_run(&self) {
        if self.edge.sends_by.borrow().is_some() {
            self.edge.is_draining.set(true);
            self.edge.wake();
        }
    }

    async fn send_and_work(
        &self,
        engine: &Engine<ObjectSql>,
        edge: &EdgeOptions,
        config: EngineConfig,
    ) {
        let mut sending = pin!(self.send(engine, edge, config));
        let mut working = pin!(self.keep_working(engine));
        let (mut is_sent, mut is_worked) = (false, false);
        poll_fn(|cx| {
            self.edge.waker.replace(Some(cx.waker().clone()));
            if !is_sent && sending.as_mut().poll(cx).is_ready() {
                is_sent = true;
                self.edge.is_over.set(true);
            }
            is_worked = is_worked || working.as_mut().poll(cx).is_ready();
            match is_sent && is_worked {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        self.edge.waker.replace(None);
    }

    async fn configured(
        &self,
        engine: &Engine<ObjectSql>,
        edge: &EdgeOptions,
    ) -> Result<EngineConfig, EdgeError> {
        let pool = engine.store.meta("pool").ok().flatten().unwrap_or_default();
        let keyring = config::keyring(&self.env).map_err(|error| StorageError::Config(error.0))?;
        let stored = pools::credentials(&Db::new(&self.env)?, &pool).await?;
        let credentials = stored.map(|row| row.open(&keyring)).transpose()?;
        Ok(sender_config(edge, credentials)?)
    }

    /// Gives back what was leased: the pool cannot send as things are.
    fn give_up(&self, engine: &Engine<ObjectSql>, why: &str) {
        log::warn("pool_edge", &[("error", why)]);
        let jobs: Vec<JobRef> = self
            .edge
            .inbox
            .take()
            .into_iter()
            .map(|job| job.job)
            .collect();
        let now = platform::now();
        let given = engine.unsent(&jobs, now);
        if let Err(error) =
            given.and_then(|()| change_status(engine, |status| status.fail(why, now)))
        {
            log::warn("pool_edge", &[("error", &error.0)]);
        }
        self.rest_until.set(now + super::REST_MS);
    }

    /// The pool's work, whenever there may be some, until the run is over.
    async fn keep_working(&self, engine: &Engine<ObjectSql>) {
        let mut next = None;
        let mut not_before = platform::now() + ROUND_MS;
        let mut beat = platform::now();
        loop {
            let over = || self.edge.is_over.get();
            let now = platform::now();
            if now >= beat {
                beat = now + BEAT_MS;
                // A failure is in the log; the alarm that is set already rings later.
                let _ = self.set_alarm(now + RESCUE_MS).await;
            }
            let until = next.unwrap_or(beat).min(beat);
            self.edge
                .until(Some(until), || over() || self.edge.is_work.get())
                .await;
            let is_due = next.is_some_and(|at| at <= platform::now());
            if !over() && !is_due && !self.edge.is_work.get() {
                continue;
            }
            self.edge.until(Some(not_before), over).await;
            if over() {
                return;
            }
            self.edge.is_work.set(false);
            if let Err(error) = self.work(engine).await {
                log::warn("pool_work", &[("error", &error.to_string())]);
                self.rest_until.set(platform::now() + super::REST_MS);
            }
            not_before = self.rest_until.get().max(platform::now() + ROUND_MS);
            next = self.next_wake(engine).ok().flatten();
        }
    }

    /// Sends and records, until there has been nothing to send for a while.
    async fn send(&self, engine: &Engine<ObjectSql>, edge: &EdgeOptions, config: EngineConfig) {
        let Some(peer) = config.only.clone() else {
            return;
        };
        let mut sender = ringfence_sender::Engine::new(config, |bytes: &mut [u8]| {
            // A branch that can be guessed lets strangers answer: without randomness the run ends here.
            assert!(platform::random(bytes).is_ok(), "no randomness");
        });
        let mut link: Option<Link> = None;
        let began = platform::now();
        let mut busy_at = began;
        let mut is_drained = false;
        loop {
            let now = platform::now();
            if now >= began + RUN_MS {
                self.edge.is_draining.set(true);
            }
            if self.edge.is_draining.get() && !is_drained {
                is_drained = true;
                sender.drain();
            }
            self.feed(&mut sender).await;
            if let Some(open) = &mut link {
                if open.has_just_opened() {
                    self.record_status(engine, |status| status.connect(now));
                }
                let read = open.take();
                if !read.is_empty() {
                    sender.received(&peer, &read, now);
                }
                let overdue = open.deadline().is_some_and(|at| at <= now);
                let why = match open.ended() {
                    Some(why) => Some(why.to_owned()),
                    None => overdue.then(|| open.overdue()),
                };
                if let Some(why) = why
                    && let Some(open) = link.take()
                {
                    if !sender.is_empty() {
                        log::warn("pool_edge", &[("proxy", &peer.host), ("error", &why)]);
                        self.record_status(engine, |status| status.fail(&why, now));
                    }
                    sender.disconnected(&peer, &why, now);
                    open.close().await;
                }
            }
            sender.handle_timeout(now);
            while link.as_ref().is_none_or(Link::takes_more)
                && let Some((_, bytes)) = sender.poll_transmit()
            {
                link.get_or_insert_with(|| Link::open(&self.env, edge, now))
                    .send(&bytes);
            }
            // What the proxy says cannot be read: nothing on this connection can be relied on any more.
            if sender.poll_close().is_some()
                && let Some(open) = link.take()
            {
                self.record_status(engine, |status| {
                    status.fail("the proxy said what is no SIP", now)
                });
                open.close().await;
            }
            self.record(engine, &mut sender);
            if !sender.is_empty() || self.edge.has_jobs() {
                busy_at = now;
            } else if self.edge.is_draining.get() || now >= busy_at + u64::from(edge.idle_s) * 1000
            {
                break;
            }
            self.edge.held.set(sender.len());
            let times = [
                sender.poll_timeout(),
                link.as_ref().and_then(Link::deadline),
                Some(began + RUN_MS).filter(|_| !self.edge.is_draining.get()),
                Some(busy_at + u64::from(edge.idle_s) * 1000).filter(|_| sender.is_empty()),
            ];
            self.attend(&mut link, times.into_iter().flatten().min())
                .await;
        }
        // From here on nothing is leased to the pool itself: whoever leases looks at this first.
        self.edge.is_draining.set(true);
        self.edge.held.set(0);
        if let Some(open) = link {
            open.close().await;
        }
    }

    /// Waits until something is read, or given to send, or `until`.
    async fn attend(&self, link: &mut Option<Link>, until: Option<u64>) {
        let ms = until.map(|at| at.saturating_sub(platform::now()));
        let mut delay = ms.map(|ms| Box::pin(Delay::from(Duration::from_millis(ms))));
        let was_draining = self.edge.is_draining.get();
        poll_fn(|cx| {
            let is_news = self.edge.has_jobs()
                || !self.edge.cancelled.borrow().is_empty()
                || self.edge.is_draining.get() != was_draining;
            let link = match link {
                Some(link) => link.poll(cx),
                None => Poll::Pending,
            };
            match (is_news, link, &mut delay) {
                (true, ..) | (_, Poll::Ready(()), _) => Poll::Ready(()),
                (false, Poll::Pending, Some(delay)) => delay.as_mut().poll(cx),
                (false, Poll::Pending, None) => Poll::Pending,
            }
        })
        .await;
    }

    /// Hands the sender what was leased, once that is on disk.
    async fn feed(&self, sender: &mut ringfence_sender::Engine) {
        let jobs: Vec<Job> = {
            let mut inbox = self.edge.inbox.borrow_mut();
            let count = inbox.len().min(MAX_TAKEN);
            inbox.drain(..count).collect()
        };
        if !jobs.is_empty()
            && let Err(error) = self.state.storage().sync().await
        {
            log::warn("pool_edge", &[("error", &error.to_string())]);
        }
        let now = platform::now();
        for job in jobs {
            sender.submit(job, now);
        }
        for job in self.edge.cancelled.take() {
            sender.cancel(&job);
        }
    }

    /// Stores what became of jobs. What cannot be stored is sent again when the leases end.
    fn record(&self, engine: &Engine<ObjectSql>, sender: &mut ringfence_sender::Engine) {
        let mut results: Vec<JobResult> = Vec::new();
        let mut returned: Vec<(JobRef, ReturnReason)> = Vec::new();
        while let Some(done) = sender.poll_done() {
            match done {
                Done::Result(result, _) => results.push(*result),
                Done::Return(job, reason) => returned.push((job, reason)),
            }
        }
        if results.is_empty() && returned.is_empty() {
            return;
        }
        let now = platform::now();
        let recorded = engine.results(EDGE, &results, now).and_then(|_| {
            returned
                .into_iter()
                .try_for_each(|(job, reason)| engine.given_back(EDGE, &[job], reason, now))
        });
        if let Err(error) = recorded {
            log::warn("pool_edge_not_recorded", &[("error", &error.0)]);
        }
        self.edge.ring();
    }

    fn record_status(&self, engine: &Engine<ObjectSql>, change: impl FnOnce(&mut EdgeStatus)) {
        if let Err(error) = change_status(engine, change) {
            log::warn("pool_edge", &[("error", &error.0)]);
        }
    }

    /// How the pool itself is as a sender, if its options have it send.
    pub(super) fn edge_status(
        &self,
        engine: &Engine<ObjectSql>,
    ) -> Result<Option<EdgeStatus>, SqlError> {
        if engine.store.options()?.sends_itself().is_none() {
            return Ok(None);
        }
        let mut status = stored_status(engine)?;
        status.in_flight = self.edge.held.get() as u64;
        Ok(Some(status))
    }
}

fn stored_status(engine: &Engine<ObjectSql>) -> Result<EdgeStatus, SqlError> {
    let text = engine.store.meta(STATUS)?;
    Ok(text
        .and_then(|text| ringfence_json::from_str(&text).ok())
        .unwrap_or_default())
}

/// Changes what is known of the pool as a sender.
fn change_status(
    engine: &Engine<ObjectSql>,
    change: impl FnOnce(&mut EdgeStatus),
) -> Result<(), SqlError> {
    let mut status = stored_status(engine)?;
    change(&mut status);
    let text = serde_json::to_string(&status).unwrap_or_default();
    engine.store.set_meta(STATUS, &text)
}
