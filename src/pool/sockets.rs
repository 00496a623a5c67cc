//! The relays' WebSockets. They hibernate: what there is to know of a connection is in its attachment,
//! and pings are answered by the runtime while the object sleeps.

use std::collections::BTreeMap;

use ringfence_queue::edge::EDGE;
use ringfence_queue::engine::{Cancels, Engine, MAX_CAPACITY, Session};
use ringfence_queue::messages::{AwayRelay, Connected, PoolReply};
use ringfence_sql::SqlError;
use ringfence_wire::{
    CLOSE_REPLACED, Drain, ErrorCode, ErrorFrame, Hello, Job, JobRef, PoolFrame, RelayFrame,
    ReturnReason, Transport, Welcome, batches,
};
use serde::{Deserialize, Serialize};
use worker::{Request, Response, WebSocket, WebSocketIncomingMessage, WebSocketPair};

use crate::db::object::ObjectSql;
use crate::platform::{self, log};
use crate::pool::{POOL_HEADER, Pool, RELAY_HEADER};

/// Most connections of one pool.
const MAX_SOCKETS: usize = 200;

/// Most connections of one relay: the one that works, and the one that is to replace it. An older one
/// of three is closed, and not the third refused: a relay whose connections died unnoticed gets in.
const MAX_SOCKETS_OF_RELAY: usize = 2;

/// How long a connection may take to say hello, in milliseconds.
const HELLO_MS: u64 = 10_000;

/// How often an attachment's time is renewed, in milliseconds.
const SEEN_MS: u64 = 10_000;

/// Close codes, from the range that is the application's.
const REMOVED: u16 = 4003;
const SILENT: u16 = 4008;
const NOT_RECORDED: u16 = 4011;

/// How often a relay pings that does not say how often, in milliseconds.
const PING_MS: u32 = 30_000;

/// After how many pings that did not come a connection counts for dead.
const MAX_MISSED_PINGS: u64 = 3;

/// What is remembered of a connection while the object sleeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attachment {
    relay: String,
    /// Unknown until the relay has said hello.
    capacity: Option<u32>,
    transports: Vec<Transport>,
    draining: bool,
    /// When it said something other than a ping, about.
    seen_at: u64,
    /// How often it pings, in milliseconds.
    ping_ms: u32,
    /// When it was admitted.
    #[serde(default)]
    accepted_at: u64,
}

impl Attachment {
    /// When it is closed unless it says hello before.
    fn hello_until(&self) -> Option<u64> {
        match self.capacity {
            Some(_) => None,
            None => Some(self.accepted_at + HELLO_MS),
        }
    }

    /// Whether a relay last heard of at `heard_at` should have been heard of since. Its host may
    /// have lost power: TCP alone finds that out after many minutes.
    fn is_silent(&self, heard_at: u64, now: u64) -> bool {
        now > heard_at + SEEN_MS + u64::from(self.ping_ms) * MAX_MISSED_PINGS
    }
}

impl Pool {
    /// Accepts a relay's connection; the Worker has authenticated it.
    pub(super) async fn accept(&self, request: &Request) -> worker::Result<Response> {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .ok()
                .flatten()
                .unwrap_or_default()
        };
        let (pool, relay) = (header(POOL_HEADER), header(RELAY_HEADER));
        if pool.is_empty() || relay.is_empty() {
            return Response::error("not a relay", 400);
        }
        self.close_mute();
        self.make_room(&relay);
        if self.attachments().len() >= MAX_SOCKETS {
            return Response::error("the pool has no room for more connections", 503);
        }
        match self.is_admitted(&pool, &relay) {
            Ok(true) => {}
            // The Worker read its credential before that was removed.
            Ok(false) => return Response::error("the credential was removed", 401),
            Err(error) => return Response::error(error.0, 503),
        }
        let now = platform::now();
        let pair = WebSocketPair::new()?;
        self.state
            .accept_websocket_with_tags(&pair.server, &[&relay]);
        pair.server.serialize_attachment(Attachment {
            relay,
            capacity: None,
            transports: Vec::new(),
            draining: false,
            seen_at: now,
            ping_ms: PING_MS,
            accepted_at: now,
        })?;
        if let Err(error) = self.wake_by(now + HELLO_MS).await {
            return Response::error(error.0, 503);
        }
        Response::from_websocket(pair.client)
    }

    /// Whether a relay is one of this pool still. Learns the pool's id on the way.
    fn is_admitted(&self, pool: &str, relay: &str) -> Result<bool, SqlError> {
        self.learn(pool)?;
        Ok(!self.engine()?.store.is_buried(relay)?)
    }

    /// The relays that said hello, and the pool itself if it sends. One that has fallen silent gets no more jobs.
    pub(super) fn sessions(&self) -> Vec<Session> {
        let now = platform::now();
        self.attachments()
            .into_iter()
            .filter_map(|(socket, attachment)| {
                let silent = attachment.is_silent(self.heard_at(&socket, &attachment), now);
                Some(Session {
                    capacity: attachment.capacity?,
                    draining: attachment.draining || silent,
                    relay: attachment.relay,
                    transports: attachment.transports,
                })
            })
            .chain(self.own_session())
            .collect()
    }

    /// Closes the connections that have fallen silent. Asked for where there is work anyway: while
    /// there is none, a dead connection does no harm, and the object sleeps.
    pub(super) fn close_silent(&self) {
        let now = platform::now();
        for (socket, attachment) in self.attachments() {
            if attachment.is_silent(self.heard_at(&socket, &attachment), now) {
                log::warn("pool_relay_silent", &[("relay", &attachment.relay)]);
                forget(&socket);
                let _ = socket.close(Some(SILENT), Some("nothing was heard of it"));
            }
        }
    }

    /// Closes the connections that did not say hello in time: they hold places of the pool.
    pub(super) fn close_mute(&self) {
        let now = platform::now();
        for (socket, attachment) in self.attachments() {
            if attachment.hello_until().is_some_and(|until| until <= now) {
                forget(&socket);
                let _ = socket.close(Some(SILENT), Some("no hello came"));
            }
        }
    }

    /// When the next connection is to be closed that has not said hello.
    pub(super) fn next_mute(&self) -> Option<u64> {
        let attachments = self.attachments().into_iter();
        attachments
            .filter_map(|(_, attachment)| attachment.hello_until())
            .min()
    }

    /// Closes what a relay has of connections beyond the one that a new one may stand beside: those
    /// without hello first, and of these the oldest.
    fn make_room(&self, relay: &str) {
        let mut own: Vec<_> = self
            .sockets(relay)
            .into_iter()
            .filter_map(|socket| attachment(&socket).map(|attachment| (socket, attachment)))
            .collect();
        own.sort_by_key(|(_, attachment)| (attachment.capacity.is_some(), attachment.accepted_at));
        let beyond = (own.len() + 1).saturating_sub(MAX_SOCKETS_OF_RELAY);
        for (socket, _) in own.into_iter().take(beyond) {
            forget(&socket);
            let _ = socket.close(Some(CLOSE_REPLACED), Some("replaced by another connection"));
        }
    }

    /// Whether anybody is there to take jobs.
    pub(super) fn any_relay(&self) -> bool {
        self.sessions().iter().any(|session| !session.draining)
    }

    /// A relay says something.
    pub(super) fn message(
        &self,
        engine: &Engine<ObjectSql>,
        socket: &WebSocket,
        message: WebSocketIncomingMessage,
    ) -> Result<(), SqlError> {
        let Some(mut attachment) = attachment(socket) else {
            let _ = socket.close(Some(REMOVED), Some("unknown connection"));
            return Ok(());
        };
        let now = platform::now();
        if now >= attachment.seen_at + SEEN_MS {
            attachment.seen_at = now;
            attach(socket, &attachment);
        }
        let frame = match message {
            WebSocketIncomingMessage::String(text) => match RelayFrame::decode(&text) {
                Ok(frame) => frame,
                Err(error) => return say(socket, PoolFrame::Error(error.frame())),
            },
            WebSocketIncomingMessage::Binary(_) => {
                return refuse(socket, "frames are text messages");
            }
        };
        let relay = attachment.relay.clone();
        match frame {
            RelayFrame::Hello(hello) => self.hello(engine, socket, attachment, &hello),
            RelayFrame::Error(error) => {
                log::warn(
                    "pool_relay_error",
                    &[("relay", &relay), ("message", &error.message)],
                );
                Ok(())
            }
            _ if attachment.capacity.is_none() => refuse(socket, "the first frame is hello"),
            RelayFrame::Ack(jobs) => engine.ack(&relay, &jobs, now),
            RelayFrame::Result(results) => {
                let recorded = engine.results(&relay, &results, now)?;
                say_all(socket, recorded, PoolFrame::Recorded);
                Ok(())
            }
            RelayFrame::Return { jobs, reason } => {
                // Whoever drains would give each further job back as well.
                if reason == ReturnReason::Drain && !attachment.draining {
                    attachment.draining = true;
                    attach(socket, &attachment);
                }
                engine.given_back(&relay, &jobs, reason, now)
            }
        }
    }

    /// Hands leased jobs to their relays. What cannot leave is due again.
    pub(super) fn send_jobs(
        &self,
        engine: &Engine<ObjectSql>,
        jobs: Vec<(String, Job)>,
    ) -> Result<(), SqlError> {
        let mut by_relay: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        for (relay, job) in jobs {
            by_relay.entry(relay).or_default().push(job);
        }
        if let Some(jobs) = by_relay.remove(EDGE) {
            self.edge.take(jobs);
        }
        for (relay, jobs) in by_relay {
            let socket = self
                .sockets(&relay)
                .into_iter()
                .find(|socket| attachment(socket).is_some_and(|a| a.capacity.is_some()));
            let (frames, oversized) = batches(jobs, PoolFrame::Job);
            let mut unsent: Vec<JobRef> = oversized.into_iter().map(|job| job.job).collect();
            for frame in frames {
                let sent = socket.as_ref().is_some_and(|socket| {
                    frame
                        .encode()
                        .is_ok_and(|text| socket.send_with_str(text).is_ok())
                });
                if !sent && let PoolFrame::Job(jobs) = frame {
                    unsent.extend(jobs.into_iter().map(|job| job.job));
                }
            }
            engine.unsent(&unsent, platform::now())?;
        }
        Ok(())
    }

    /// Takes back from relays what is no longer wanted.
    pub(super) fn send_cancels(&self, cancels: Cancels) {
        let mut by_relay: BTreeMap<String, Vec<JobRef>> = BTreeMap::new();
        for (relay, job) in cancels {
            match relay.as_str() {
                EDGE => self.edge.cancel(job),
                _ => by_relay.entry(relay).or_default().push(job),
            }
        }
        for (relay, jobs) in by_relay {
            for socket in self.sockets(&relay) {
                say_all(&socket, jobs.clone(), PoolFrame::Cancel);
            }
        }
    }

    /// The pool at a glance.
    pub(super) fn status(&self, engine: &Engine<ObjectSql>) -> Result<PoolReply, SqlError> {
        let mut loads: BTreeMap<String, u64> = BTreeMap::new();
        for (relay, _, n) in engine.store.loads()? {
            *loads.entry(relay).or_default() += n;
        }
        let mut status = engine.status()?;
        status.edge = self.edge_status(engine)?;
        status.connected = self
            .attachments()
            .into_iter()
            .filter(|(_, attachment)| attachment.capacity.is_some())
            .map(|(socket, attachment)| Connected {
                in_flight: loads.get(&attachment.relay).copied().unwrap_or(0),
                draining: attachment.draining,
                seen_at: self.heard_at(&socket, &attachment),
                relay: attachment.relay,
            })
            .collect();
        Ok(PoolReply::Status(status))
    }

    pub(super) fn gauges(&self, engine: &Engine<ObjectSql>) -> Result<PoolReply, SqlError> {
        let mut gauges = engine.gauges()?;
        for (_, attachment) in self.attachments() {
            if attachment.capacity.is_some() {
                gauges.connected += 1;
                gauges.draining += u64::from(attachment.draining);
            }
        }
        let edge = self.edge_status(engine)?;
        gauges.edge_up = edge.map(|edge| edge.failing_since.is_none());
        Ok(PoolReply::Gauges(gauges))
    }

    pub(super) fn watched(&self, engine: &Engine<ObjectSql>) -> Result<PoolReply, SqlError> {
        let mut watched = engine.watched()?;
        let connected = self.attachments().into_iter();
        let connected: Vec<String> = connected
            .filter(|(_, attachment)| attachment.capacity.is_some())
            .map(|(_, attachment)| attachment.relay)
            .collect();
        watched.away.retain(|relay| !connected.contains(&relay.id));
        let edge = self.edge_status(engine)?;
        if let Some(since) = edge.and_then(|edge| edge.failing_since) {
            watched.away.push(AwayRelay {
                id: EDGE.to_owned(),
                seen_at: since,
            });
        }
        Ok(PoolReply::Watched(watched))
    }

    /// Gives a relay no more jobs; it hands back what it has not sent.
    pub(super) fn drain(&self, relay: &str, reason: String) -> PoolReply {
        let sockets = self.sockets(relay);
        if sockets.is_empty() {
            return PoolReply::Conflict {
                detail: "The relay is not connected, so it has no jobs to hand back and gets none. Nothing is to be done.".into(),
            };
        }
        for socket in sockets {
            if let Some(mut attachment) = attachment(&socket) {
                attachment.draining = true;
                attach(&socket, &attachment);
            }
            let _ = say(
                &socket,
                PoolFrame::Drain(Drain {
                    reason: reason.clone(),
                }),
            );
        }
        PoolReply::Done
    }

    /// Closes a relay's connections.
    pub(super) fn close(&self, relay: &str) {
        for socket in self.sockets(relay) {
            close_removed(&socket);
        }
    }

    /// A connection has ended. A relay that drained and closed it in order has said all that it
    /// had to say: what was on its way to it goes to another at once, not when its lease ends.
    pub(super) fn disconnected(&self, socket: &WebSocket, in_order: bool) {
        if let (Ok(engine), Some(attachment)) = (self.engine(), attachment(socket)) {
            let (relay, now) = (&attachment.relay, platform::now());
            let mut left = engine.relay_seen(relay, now);
            if in_order && attachment.draining {
                left = left.and_then(|()| engine.void_leases(relay, now));
            }
            if let Err(error) = left {
                log::warn("pool_relay_gone", &[("error", &error.0)]);
            }
        }
        forget(socket);
    }

    fn hello(
        &self,
        engine: &Engine<ObjectSql>,
        socket: &WebSocket,
        before: Attachment,
        hello: &Hello,
    ) -> Result<(), SqlError> {
        let now = platform::now();
        if engine.store.is_buried(&before.relay)? {
            close_removed(socket);
            return Ok(());
        }
        engine.hello(&before.relay, hello, now)?;
        // Of a relay only its last connection counts.
        for other in self.sockets(&before.relay) {
            if other != *socket {
                forget(&other);
                let _ = other.close(Some(CLOSE_REPLACED), Some("replaced by another connection"));
            }
        }
        let attachment = Attachment {
            capacity: Some(hello.capacity.min(MAX_CAPACITY)),
            transports: hello.transports.iter().copied().take(8).collect(),
            draining: false,
            seen_at: now,
            ping_ms: hello.ping_interval_ms.map_or(PING_MS, |ms| ms.max(1000)),
            accepted_at: before.accepted_at,
            relay: before.relay,
        };
        attach(socket, &attachment);
        let pool = engine.store.meta("pool")?.unwrap_or_default();
        let welcome = Welcome {
            pool,
            relay: attachment.relay,
            ping_interval_ms: None,
        };
        say(socket, PoolFrame::Welcome(welcome))
    }

    fn sockets(&self, relay: &str) -> Vec<WebSocket> {
        self.state.get_websockets_with_tag(relay)
    }

    fn attachments(&self) -> Vec<(WebSocket, Attachment)> {
        let sockets = self.state.get_websockets().into_iter();
        sockets
            .filter_map(|socket| attachment(&socket).map(|attachment| (socket, attachment)))
            .collect()
    }

    /// When anything was last heard on a connection, Unix milliseconds.
    fn heard_at(&self, socket: &WebSocket, attachment: &Attachment) -> u64 {
        attachment.seen_at.max(self.pinged_at(socket))
    }

    /// When the runtime last answered a ping on this connection, Unix milliseconds; 0 is never.
    fn pinged_at(&self, socket: &WebSocket) -> u64 {
        use js_sys::{Date, Function, Reflect};
        use worker::wasm_bindgen::JsCast;

        let state = self.state.as_raw();
        let ask = || -> Option<u64> {
            let method: Function = Reflect::get(state, &"getWebSocketAutoResponseTimestamp".into())
                .ok()?
                .dyn_into()
                .ok()?;
            let at: Date = method.call1(state, socket.as_ref()).ok()?.dyn_into().ok()?;
            Some(at.get_time() as u64)
        };
        ask().unwrap_or(0)
    }
}

/// Nothing for a connection that is closing: it has been forgotten.
fn attachment(socket: &WebSocket) -> Option<Attachment> {
    socket.deserialize_attachment().ok().flatten()
}

fn attach(socket: &WebSocket, attachment: &Attachment) {
    if let Err(error) = socket.serialize_attachment(attachment) {
        log::warn("pool_attachment", &[("error", &error.to_string())]);
    }
}

fn forget(socket: &WebSocket) {
    let _ = socket.serialize_attachment(None::<Attachment>);
}

/// Closes a connection for which there is no credential any more.
fn close_removed(socket: &WebSocket) {
    forget(socket);
    let _ = socket.close(Some(REMOVED), Some("its credential was removed"));
}

/// Closes a connection whose last frame could not be recorded, for a reason of the object's own.
pub(super) fn close_unrecorded(socket: &WebSocket) {
    forget(socket);
    let _ = socket.close(
        Some(NOT_RECORDED),
        Some("could not be recorded: connect again"),
    );
}

fn refuse(socket: &WebSocket, message: &str) -> Result<(), SqlError> {
    let error = ErrorFrame {
        code: ErrorCode::Malformed,
        message: message.into(),
    };
    say(socket, PoolFrame::Error(error))
}

/// Says something. A closed connection hears nothing, and the runtime reports its closing.
fn say(socket: &WebSocket, frame: PoolFrame) -> Result<(), SqlError> {
    match frame.encode() {
        Ok(text) => {
            let _ = socket.send_with_str(text);
        }
        Err(error) => log::warn("pool_frame", &[("error", &error.to_string())]),
    }
    Ok(())
}

fn say_all(socket: &WebSocket, jobs: Vec<JobRef>, frame: impl Fn(Vec<JobRef>) -> PoolFrame) {
    for frame in batches(jobs, frame).0 {
        let _ = say(socket, frame);
    }
}
