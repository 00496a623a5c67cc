//! The engine on real sockets: everything that `run` and `send` have in common.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ringfence_sender::locate::{LookupError, Query, Service};
use ringfence_sender::{Engine, EngineConfig, Hop, Names};
use thiserror::Error;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};

use crate::config::Settings;
use crate::random::Random;
use crate::resolver::Resolver;
use crate::streams::{StreamEvent, Streams};
use crate::udp::{MAX_DATAGRAM, Sockets};

/// Look-ups under way at one time.
const MAX_LOOKUPS: usize = 64;
/// Datagrams read, and written, before anything else gets a turn.
const MAX_BURST: usize = 256;

/// How often connections are looked at for whether anybody needs them, in milliseconds.
const TIDY: u64 = 5_000;

type Answer = (Query, Result<Vec<Service>, LookupError>);

/// Why there is no node.
#[derive(Debug, Error)]
pub enum NodeError {
    /// No socket.
    #[error("{0}")]
    Bind(std::io::Error),
    /// The certificates of `sip.tls_ca` cannot be used.
    #[error("`sip.tls_ca`: {0}")]
    Ca(std::io::Error),
}

/// An engine with sockets, a resolver and a clock.
pub struct Node {
    /// The engine. After feeding it, call [`Node::pump`].
    pub engine: Engine,
    sockets: Sockets,
    streams: Streams,
    /// When connections were last looked at for whether anybody needs them.
    tidied: u64,
    resolver: Resolver,
    answers: mpsc::Receiver<Answer>,
    answer: mpsc::Sender<Answer>,
    permits: Arc<Semaphore>,
    zero: Instant,
    buffer: Vec<u8>,
    /// A datagram that the socket had no room for.
    stuck: Option<(SocketAddr, Vec<u8>)>,
    /// Whether [`Node::pump`] stopped for the sake of others and not for want of work.
    busy: bool,
}

impl Node {
    /// Opens the sockets.
    pub fn open(settings: &Settings, capacity: usize) -> Result<Self, NodeError> {
        let sockets = Sockets::bind(&settings.sip).map_err(NodeError::Bind)?;
        let (sent_by_v4, sent_by_v6) = sockets.sent_by(&settings.sip);
        let (v4, v6) = sockets.families();
        let resolver = Resolver::new(&settings.dns, v4, v6);
        let config = EngineConfig {
            from: settings.sip.from.clone(),
            outbound_proxy: settings.sip.outbound_proxy.clone(),
            only: None,
            proxy_credentials: None,
            alias: settings.sip.alias,
            timers: settings.sip.timers,
            sent_by_v4,
            sent_by_v6,
            sent_by_name: None,
            destinations: settings.destinations.clone(),
            pace: settings.pace,
            capacity,
            max_in_flight: usize::MAX,
            names: Names::RELAY,
        };
        let (answer, answers) = mpsc::channel(MAX_LOOKUPS);
        Ok(Self {
            engine: Engine::new(config, Random::default()),
            sockets,
            streams: Streams::new(settings.sip.tls_ca.as_deref()).map_err(NodeError::Ca)?,
            tidied: 0,
            resolver,
            answers,
            answer,
            permits: Arc::new(Semaphore::new(MAX_LOOKUPS)),
            zero: Instant::now(),
            buffer: vec![0; MAX_DATAGRAM],
            stuck: None,
            busy: false,
        })
    }

    /// Milliseconds since the node was opened: the `now` of everything.
    pub fn now(&self) -> u64 {
        u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The moment that [`Node::now`] will be `at`.
    pub fn instant(&self, at: u64) -> Instant {
        self.zero + Duration::from_millis(at)
    }

    /// Where the sockets are bound.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.sockets.local_addresses()
    }

    /// Whether each family has a socket.
    pub fn families(&self) -> (bool, bool) {
        self.sockets.families()
    }

    /// Does everything that can be done without waiting: reads, lets timers act, asks DNS, sends.
    pub fn pump(&mut self) {
        let now = self.now();
        self.set_wall_clock(now);
        let (engine, mut received) = (&mut self.engine, 0);
        // Before the timers: an answer that is there makes a copy unnecessary.
        self.sockets
            .receive(MAX_BURST, &mut self.buffer, |from, bytes| {
                received += 1;
                engine.datagram(from, bytes, now);
            });
        for _ in 0..MAX_BURST {
            match self.streams.try_next() {
                Some(event) => stream_event(engine, event, now),
                None => break,
            }
        }
        engine.handle_timeout(now);
        while let Some(query) = self.engine.poll_lookup() {
            self.look_up(query);
        }
        self.busy = !self.transmit(now) || received >= MAX_BURST;
        while let Some(peer) = self.engine.poll_close() {
            self.streams.close(&peer);
        }
        if now >= self.tidied + TIDY && !self.streams.is_empty() {
            self.tidied = now;
            let engine = &self.engine;
            self.streams.close_idle(|peer| engine.uses(peer));
        }
    }

    /// Waits until [`Node::pump`] has something to do. Nothing is lost if this is dropped.
    pub async fn wait(&mut self) {
        if self.busy {
            self.busy = false;
            return tokio::task::yield_now().await;
        }
        let next = self.engine.poll_timeout().map(|at| self.instant(at));
        let far = self.zero + Duration::from_secs(86_400 * 365 * 30);
        tokio::select! {
            _ = self.sockets.readable() => {}
            event = self.streams.next() => {
                let now = u64::try_from(self.zero.elapsed().as_millis()).unwrap_or(u64::MAX);
                stream_event(&mut self.engine, event, now);
            }
            () = writable(&self.sockets, self.stuck.as_ref()) => {}
            Some((query, found)) = self.answers.recv() => {
                let now = self.now();
                self.engine.located(&query, found, now);
            }
            () = sleep_until(next.unwrap_or(far)), if next.is_some() => {}
        }
    }

    /// Sends what there is; false if it stopped with more to send at once.
    fn transmit(&mut self, now: u64) -> bool {
        for _ in 0..MAX_BURST {
            let next = self
                .stuck
                .take()
                .map(|(to, bytes)| (Hop::Datagram(to), bytes));
            let Some((hop, bytes)) = next.or_else(|| self.engine.poll_transmit()) else {
                return true;
            };
            let to = match hop {
                Hop::Datagram(to) => to,
                Hop::Stream(peer) => {
                    self.streams.send(&peer, bytes);
                    continue;
                }
            };
            match self.sockets.try_send(to, &bytes) {
                Ok(()) => tracing::trace!(%to, bytes = bytes.len(), "sent"),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.stuck = Some((to, bytes));
                    return true;
                }
                // An ICMP error of an earlier datagram, reported late: it is not about this one.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => {
                    tracing::debug!(%to, %error, "not sent");
                    self.engine.send_failed(&bytes, now);
                }
            }
        }
        false
    }

    fn look_up(&self, query: Query) {
        let (resolver, answer, permits) = (
            self.resolver.clone(),
            self.answer.clone(),
            self.permits.clone(),
        );
        tokio::spawn(async move {
            let _permit = permits.acquire().await;
            let found = resolver.locate(&query).await;
            let _ = answer.send((query, found)).await;
        });
    }

    fn set_wall_clock(&mut self, now: u64) {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let unix_ms = u64::try_from(unix.as_millis()).unwrap_or_default();
        self.engine.set_wall_clock(unix_ms.saturating_sub(now));
    }
}

fn stream_event(engine: &mut Engine, event: StreamEvent, now: u64) {
    match event {
        StreamEvent::Data(peer, bytes) => engine.received(&peer, &bytes, now),
        StreamEvent::Closed(peer, why) => engine.disconnected(&peer, &why, now),
    }
}

async fn writable(sockets: &Sockets, stuck: Option<&(SocketAddr, Vec<u8>)>) {
    match stuck {
        Some((to, _)) => {
            let _ = sockets.writable(*to).await;
        }
        None => std::future::pending().await,
    }
}
