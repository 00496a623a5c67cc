//! The relay at work: one task that joins the node with the link to the pool.

use std::collections::VecDeque;
use std::time::Duration;

use ringfence_wire::{
    DecodeError, EncodeError, Hello, PoolFrame, RelayFrame, ReturnReason, Transport,
};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use crate::config::Settings;
use crate::http::{self, Pages};
use crate::link::{self, LinkEvent};
use crate::metrics::{Gauges, Metrics};
use crate::node::{Node, NodeError};
use crate::outbox::Outbox;
use crate::random::Random;
use ringfence_sender::{Done, UNUSABLE};

/// What is left of a drain's time when everything still out is handed back: enough for the frames
/// to arrive.
const HAND_BACK: Duration = Duration::from_millis(1500);
/// How often results are looked at whose lease may have ended.
const EXPIRY: u64 = 5_000;
/// Link events handled before the sockets get a turn.
const MAX_EVENTS: usize = 64;

/// Why the relay does not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// Settings without a pool.
    #[error("the configuration names no pool: set `pool.url` and `pool.credential_file`")]
    NoPool,
    /// No sockets.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// `/metrics` cannot listen.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A relay that is ready to run.
pub struct Relay {
    node: Node,
    outbox: Outbox,
    metrics: Metrics,
    instance: String,
    capacity: u32,
    ping_interval: Duration,
    drain: Duration,
    link: JoinHandle<()>,
    events: mpsc::Receiver<LinkEvent>,
    http: Option<TcpListener>,
    /// Frames out, while there is a connection.
    frames: Option<mpsc::Sender<String>>,
    /// Whether the pool has welcomed us on this connection.
    welcomed: bool,
    /// Frames that are encoded and found no room yet.
    encoded: VecDeque<String>,
    /// When a drain ends.
    stop_at: Option<Instant>,
    expire_at: u64,
}

impl Relay {
    /// Opens sockets and starts to connect.
    pub async fn open(settings: Settings) -> Result<Self, RunError> {
        let pool = settings.pool.clone().ok_or(RunError::NoPool)?;
        // Said once here: should a dependency ever bring a second provider along, rustls would have
        // to be told which. An error means that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let capacity = pool.capacity;
        let node = Node::open(&settings, usize::try_from(capacity).unwrap_or(usize::MAX))?;
        let http = match settings.http {
            Some(address) => Some(http::listen(address).await?),
            None => None,
        };
        let (sender, events) = mpsc::channel(32);
        let mut random = Random::default();
        let instance = format!("{:016x}{:016x}", random.number(), random.number());
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            %instance,
            bound = ?node.local_addresses(),
            http = ?http.as_ref().and_then(|listener| listener.local_addr().ok()),
            pool = %pool.url,
            capacity,
            "relay starts"
        );
        Ok(Self {
            node,
            outbox: Outbox::default(),
            metrics: Metrics::default(),
            instance,
            capacity,
            ping_interval: pool.ping_interval,
            drain: settings.drain,
            link: tokio::spawn(link::keep(pool, settings.dns, sender, move || {
                random.number()
            })),
            events,
            http,
            frames: None,
            welcomed: false,
            encoded: VecDeque::new(),
            stop_at: None,
            expire_at: EXPIRY,
        })
    }

    /// Works until `stop` resolves and what was under way is finished or handed back.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let (ask, mut asked) = mpsc::channel::<oneshot::Sender<Pages>>(4);
        let pages = self
            .http
            .take()
            .map(|listener| tokio::spawn(http::serve(listener, ask)));
        let mut stop = std::pin::pin!(stop);
        while !self.finished() {
            self.advance();
            let far = Instant::now() + Duration::from_secs(3600);
            let wake = self.stop_at.map_or(far, |at| self.next_wake(at));
            let draining = self.stop_at.is_some();
            let reserve = reserve(self.frames.as_ref(), !self.encoded.is_empty());
            tokio::select! {
                () = self.node.wait() => {}
                event = self.events.recv() => {
                    let Some(event) = event else { break };
                    self.link_event(event);
                    for _ in 0..MAX_EVENTS {
                        let Ok(event) = self.events.try_recv() else { break };
                        self.link_event(event);
                    }
                }
                () = reserve => {}
                Some(page) = asked.recv() => {
                    let _ = page.send(self.pages());
                }
                () = &mut stop, if !draining => self.begin_drain(),
                () = sleep_until(wake) => {}
            }
        }
        self.close().await;
        if let Some(pages) = pages {
            pages.abort();
        }
    }

    /// Everything that can be done without waiting.
    fn advance(&mut self) {
        if let Some(at) = self.stop_at
            && Instant::now() + HAND_BACK >= at
        {
            self.node.engine.abandon();
        }
        self.node.pump();
        while let Some(done) = self.node.engine.poll_done() {
            match done {
                Done::Result(result, lease_end) => {
                    tracing::debug!(
                        job = %result.job.id,
                        lease = result.job.lease,
                        outcome = crate::metrics::outcome(result.outcome),
                        reason = %result.reason,
                        code = result.code,
                        attempts = result.attempts,
                        rtt_ms = result.rtt_ms,
                        destination = result.destination,
                        "job ended"
                    );
                    if result.reason == UNUSABLE {
                        tracing::warn!(
                            job = %result.job.id,
                            destination = result.destination,
                            explanation = %result.explanation,
                            "an answer cannot be used"
                        );
                    }
                    self.metrics.result(&result);
                    self.outbox.result(*result, lease_end);
                }
                Done::Return(job, reason) => {
                    tracing::debug!(job = %job.id, lease = job.lease, ?reason, "job given back");
                    self.metrics.returned(reason);
                    self.outbox.give_back(job, reason);
                }
            }
        }
        let now = self.node.now();
        if now >= self.expire_at {
            self.expire_at = now + EXPIRY;
            self.metrics.results_expired += self.outbox.expire(now) as u64;
        }
        self.speak();
    }

    /// Says what there is to say, as far as the connection takes it.
    fn speak(&mut self) {
        while self.welcomed
            && let Some(frames) = &self.frames
        {
            let Some(text) = self.encoded.pop_front() else {
                if !self.outbox.has_frames() {
                    return;
                }
                match self.outbox.next_frames() {
                    Ok(texts) => self.encoded.extend(texts),
                    Err(error) => tracing::error!(%error, "frame dropped"),
                }
                continue;
            };
            match frames.try_send(text) {
                Ok(()) => self.metrics.frames_out += 1,
                Err(mpsc::error::TrySendError::Full(text)) => {
                    return self.encoded.push_front(text);
                }
                // The link's word about it is on its way.
                Err(mpsc::error::TrySendError::Closed(_)) => return,
            }
        }
    }

    fn link_event(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Up(frames) => {
                self.metrics.connections += 1;
                self.frames = Some(frames);
                self.say(&RelayFrame::Hello(self.hello()));
            }
            LinkEvent::Down(reason) => {
                tracing::warn!(
                    %reason,
                    held = self.node.engine.len(),
                    unrecorded = self.outbox.unrecorded(),
                    "no connection to the pool"
                );
                self.frames = None;
                self.welcomed = false;
                self.encoded.clear();
                self.outbox.disconnected();
            }
            LinkEvent::Text(text) => match PoolFrame::decode(&text) {
                Ok(frame) => {
                    self.metrics.frames_in += 1;
                    self.frame(frame);
                }
                Err(error) => self.bad_frame(&error),
            },
        }
    }

    fn frame(&mut self, frame: PoolFrame) {
        let now = self.node.now();
        match frame {
            PoolFrame::Welcome(welcome) => {
                tracing::info!(pool = %welcome.pool, relay = %welcome.relay, "connected");
                self.welcomed = true;
                if self.stop_at.is_none() {
                    self.node.engine.reopen();
                }
            }
            PoolFrame::Job(jobs) => {
                for job in jobs {
                    if self.outbox.arrived(&job.job, job.lease_ms, now) {
                        self.node.engine.submit(job, now);
                    }
                }
            }
            PoolFrame::Recorded(jobs) => self.outbox.recorded(&jobs),
            PoolFrame::Cancel(jobs) => {
                for job in &jobs {
                    self.node.engine.cancel(job);
                }
            }
            PoolFrame::Drain(drain) => {
                tracing::warn!(reason = %drain.reason, "the pool takes its jobs back");
                self.node.engine.drain();
            }
            PoolFrame::Error(error) => {
                tracing::error!(code = ?error.code, message = %error.message, "the pool could not follow");
            }
        }
    }

    fn bad_frame(&mut self, error: &DecodeError) {
        self.metrics.bad_frames += 1;
        tracing::warn!(%error, "message from the pool not understood");
        self.say(&RelayFrame::Error(error.frame()));
    }

    /// Says one frame at once, outside the order of the outbox.
    fn say(&mut self, frame: &RelayFrame) {
        let sent: Result<(), EncodeError> = frame.encode().map(|text| {
            if let Some(frames) = &self.frames
                && frames.try_send(text).is_ok()
            {
                self.metrics.frames_out += 1;
            }
        });
        if let Err(error) = sent {
            tracing::error!(%error, "frame dropped");
        }
    }

    fn hello(&self) -> Hello {
        let (v4, v6) = self.node.families();
        let transports = [(v4, Transport::Udp4), (v6, Transport::Udp6)];
        Hello {
            version: env!("CARGO_PKG_VERSION").into(),
            software: "ringfence-relay".into(),
            instance: self.instance.clone(),
            capacity: self.capacity,
            in_flight: u32::try_from(self.node.engine.len() + self.outbox.unrecorded())
                .unwrap_or(u32::MAX),
            transports: transports
                .into_iter()
                .filter_map(|(there, transport)| there.then_some(transport))
                .collect(),
            ping_interval_ms: Some(
                u32::try_from(self.ping_interval.as_millis()).unwrap_or(u32::MAX),
            ),
        }
    }

    fn begin_drain(&mut self) {
        tracing::info!(
            held = self.node.engine.len(),
            in_flight = self.node.engine.in_flight(),
            "stopping: finishing what is out, handing back the rest"
        );
        self.stop_at = Some(Instant::now() + self.drain);
        if self.welcomed {
            // Of no job: it says that further ones are for others.
            self.say(&RelayFrame::Return {
                jobs: Vec::new(),
                reason: ReturnReason::Drain,
            });
        }
        self.node.engine.drain();
    }

    fn next_wake(&self, stop_at: Instant) -> Instant {
        stop_at
            .checked_sub(HAND_BACK)
            .filter(|hand_back| *hand_back > Instant::now())
            .unwrap_or(stop_at)
    }

    fn finished(&self) -> bool {
        let Some(stop_at) = self.stop_at else {
            return false;
        };
        let quiet = self.node.engine.is_empty()
            && self.outbox.unrecorded() == 0
            && !self.outbox.has_frames()
            && self.encoded.is_empty();
        quiet || Instant::now() >= stop_at
    }

    async fn close(mut self) {
        let unrecorded = self.outbox.unrecorded();
        // Dropping the sender lets the link finish what is queued, say goodbye and end.
        let connected = self.frames.take().is_some();
        if connected {
            let _ = timeout(Duration::from_secs(1), &mut self.link).await;
        }
        self.link.abort();
        if unrecorded > 0 {
            tracing::warn!(
                unrecorded,
                "stopped before the pool recorded everything: those jobs go out again"
            );
        } else {
            tracing::info!("stopped");
        }
    }

    fn pages(&self) -> Pages {
        let gauges = Gauges {
            connected: self.welcomed,
            draining: self.stop_at.is_some(),
            held: self.node.engine.len(),
            in_flight: self.node.engine.in_flight(),
            unrecorded: self.outbox.unrecorded(),
        };
        let healthy = gauges.connected && !gauges.draining;
        let health = serde_json::json!({
            "healthy": healthy,
            "connected": gauges.connected,
            "draining": gauges.draining,
            "held": gauges.held,
            "in_flight": gauges.in_flight,
            "unrecorded": gauges.unrecorded,
            "version": env!("CARGO_PKG_VERSION"),
        });
        Pages {
            metrics: self.metrics.page(gauges, self.node.engine.counts()),
            health: format!("{health}\n"),
            healthy,
        }
    }
}

/// Waits for room on the connection, if something waits for it.
fn reserve(
    frames: Option<&mpsc::Sender<String>>,
    wanted: bool,
) -> impl Future<Output = ()> + use<> {
    let frames = frames.filter(|_| wanted).cloned();
    async move {
        match frames {
            Some(frames) if frames.reserve().await.is_ok() => {}
            _ => std::future::pending().await,
        }
    }
}
