//! The Durable Object `Pool`: the queue of NOTIFY jobs of one relay pool, and the WebSockets of its
//! relays. One object per pool; its name is the pool's id.
//!
//! *Invariant:* whatever an answer or a frame says has happened is in the object's SQLite before it
//! leaves (output gates), an alarm is set whenever there is anything to come, and nothing that
//! matters is in memory. So the object may be evicted, restarted or cut off at any moment.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /call` | a [`PoolCall`] | 200 with a [`PoolReply`]; 400 if the body is none |
//! | `GET /relay` with `Upgrade: websocket`, `ringfence-pool` and `ringfence-relay` | – | 101; 401 if the relay's credential has been removed meanwhile; 503 if the pool has no room for more connections. A third connection of a relay closes an older one, and one that has not said hello after 10 s is closed |
//!
//! Only the Worker reaches it: who may call was decided there, and so was which relay this is.
//!
//! Every change ends with [`Pool::poke`], which brings the alarm forward; all the work that waits for
//! anything is done by the alarm alone, so that it never runs twice at once. The alarm first re-arms
//! itself as a backup and, when its work is done, moves to the next due time. It returns an error only
//! if both failed; the runtime then retries it.
//! Who decides what is in [`ringfence_queue`]; this only moves it between D1, SQLite and the sockets.

pub mod client;

mod alarm;
pub mod edge;
mod lookups;
mod sockets;

use std::cell::{Cell, OnceCell};
use std::time::Duration;

use ringfence_queue::engine::Engine;
use ringfence_queue::messages::{PoolCall, PoolReply};
use ringfence_sql::SqlError;
use ringfence_wire::{PING, PONG};
use worker::{
    DurableObject, Env, Method, Request, Response, State, WebSocket, WebSocketIncomingMessage,
    durable_object,
};

use crate::db::object::{self, ObjectSql};
use crate::platform::{self, log, zone};
use crate::pool::alarm::WorkError;
use crate::pool::edge::Edge;

/// Header of the pool's id, from the Worker.
pub const POOL_HEADER: &str = "ringfence-pool";
/// Header of the relay's id, from the Worker.
pub const RELAY_HEADER: &str = "ringfence-relay";

/// When an alarm rings again that did not get to set itself, in milliseconds.
const BACKUP_MS: u64 = 30_000;

/// How long the work rests after D1 failed, in milliseconds.
const REST_MS: u64 = 2_000;

/// See the module.
#[durable_object]
pub struct Pool {
    state: State,
    env: Env,
    /// Opened by the first event, or the first that finds the tables in order.
    engine: OnceCell<Engine<ObjectSql>>,
    /// Unix milliseconds before which D1 is left alone: it has just failed.
    rest_until: Cell<u64>,
    /// The pool itself as a sender.
    edge: Edge,
}

// A panic costs its own request: what it leaves behind is in SQLite, statement by statement.
impl std::panic::RefUnwindSafe for Pool {}

impl DurableObject for Pool {
    fn new(state: State, env: Env) -> Self {
        match worker::WebSocketRequestResponsePair::new(PING, PONG) {
            Ok(pair) => state.set_websocket_auto_response(&pair),
            Err(error) => log::warn("pool_auto_response", &[("error", &format!("{error:?}"))]),
        }
        Self {
            state,
            env,
            engine: OnceCell::new(),
            rest_until: Cell::new(0),
            edge: Edge::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        if request.method() == Method::Get {
            return self.accept(&request).await;
        }
        let pool = request.headers().get(POOL_HEADER)?.unwrap_or_default();
        let text = request.text().await?;
        let call: PoolCall = match ringfence_json::from_str(&text) {
            Ok(call) => call,
            Err(error) => return Response::error(format!("not a call: {error}"), 400),
        };
        let reply = match self.learn(&pool) {
            Ok(()) => self.call(call).await,
            Err(error) => Err(error),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => PoolReply::Failed { detail: error.0 },
        };
        Response::from_json(&reply)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let backup = self.set_alarm(platform::now() + BACKUP_MS).await;
        let next = match self.engine() {
            Ok(engine) => {
                let resting = self.rest_until.get() > platform::now();
                if !resting && let Err(error) = self.begin(engine).await {
                    log::warn("pool_work", &[("error", &error.to_string())]);
                    self.rest_until.set(platform::now() + REST_MS);
                }
                if self.edge.has_jobs() {
                    self.run(engine).await;
                }
                self.rearm(engine).await
            }
            Err(error) => Err(error),
        };
        match (backup, next) {
            // Nothing would wake the object.
            (Err(error), Err(_)) => Err(error.to_string().into()),
            _ => Response::empty(),
        }
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        let heard = self
            .engine()
            .and_then(|engine| self.message(engine, &socket, message));
        let poked = self.poke().await;
        if let Err(error) = heard.and(poked) {
            log::warn("pool_message", &[("error", &error.0)]);
            // Nothing was said back: a relay that connects again says it again.
            sockets::close_unrecorded(&socket);
        }
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        _code: usize,
        _reason: String,
        clean: bool,
    ) -> worker::Result<()> {
        self.disconnected(&socket, clean);
        // Completes the closing handshake where the runtime does not; elsewhere it is closed already.
        let _ = socket.close(Some(1000), Some("closed"));
        let _ = self.poke().await;
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, error: worker::Error) -> worker::Result<()> {
        log::warn("pool_socket", &[("error", &error.to_string())]);
        self.disconnected(&socket, false);
        let _ = self.poke().await;
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> worker::Result<()> {
        Err("this object takes no TCP connections".into())
    }
}

impl Pool {
    /// The engine. Tables that could not be opened are tried again by every event: the cause may
    /// have passed, and the object would else stay as it is until it is evicted.
    fn engine(&self) -> Result<&Engine<ObjectSql>, SqlError> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let store = object::open(&self.state)
            .inspect_err(|error| log::warn("pool_not_opened", &[("error", &error.0)]))?;
        let seed = platform::random_array()
            .map(u64::from_le_bytes)
            .unwrap_or(1);
        Ok(self.engine.get_or_init(|| Engine::new(store, seed)))
    }

    /// Learns which pool this is: an object does not know its own name.
    fn learn(&self, pool: &str) -> Result<(), SqlError> {
        let store = &self.engine()?.store;
        match pool.is_empty() || store.meta("pool")?.as_deref() == Some(pool) {
            true => Ok(()),
            false => store.set_meta("pool", pool),
        }
    }

    /// What an alarm does first.
    async fn begin(&self, engine: &Engine<ObjectSql>) -> Result<(), WorkError> {
        self.take_back(engine)?;
        self.work(engine).await
    }

    /// Brings the alarm forward to now.
    async fn poke(&self) -> Result<(), SqlError> {
        self.edge.ring();
        self.wake_by(platform::now()).await
    }

    /// Brings the alarm forward to `at`, Unix milliseconds, unless it rings before.
    async fn wake_by(&self, at: u64) -> Result<(), SqlError> {
        match self.state.storage().get_alarm().await {
            Ok(Some(set)) if set <= i64::try_from(at).unwrap_or(i64::MAX) + 10 => Ok(()),
            _ => self.set_alarm(at).await,
        }
    }

    /// Sets the alarm to the next thing to do, or takes it away. On a failure that alarm stands which
    /// was set before.
    async fn rearm(&self, engine: &Engine<ObjectSql>) -> Result<(), SqlError> {
        match self.next_wake(engine) {
            // No await between the question and the alarm: a poke that comes later wins.
            Ok(Some(at)) => self.set_alarm(at.max(self.rest_until.get())).await,
            Ok(None) => {
                if let Err(error) = self.state.storage().delete_alarm().await {
                    log::warn("pool_alarm", &[("error", &error.to_string())]);
                }
                Ok(())
            }
            Err(error) => {
                log::warn("pool_next_wake", &[("error", &error.0)]);
                Err(error)
            }
        }
    }

    /// When there is something to do, if nothing else happens before.
    fn next_wake(&self, engine: &Engine<ObjectSql>) -> Result<Option<u64>, SqlError> {
        let now = platform::now();
        let sessions = self.sessions();
        let free = engine.free(&sessions)?;
        let zone = |zone: &str| zone::offset_ms(zone, now);
        let next = engine.next_wake(!sessions.is_empty(), &free, &zone, now)?;
        Ok(next.into_iter().chain(self.next_mute()).min())
    }

    async fn set_alarm(&self, at: u64) -> Result<(), SqlError> {
        let offset = Duration::from_millis(at.saturating_sub(platform::now()));
        let set = self.state.storage().set_alarm(offset).await;
        set.map_err(|error| {
            log::warn("pool_alarm", &[("error", &error.to_string())]);
            SqlError(error.to_string())
        })
    }

    /// Does what the Worker asks.
    async fn call(&self, call: PoolCall) -> Result<PoolReply, SqlError> {
        let engine = self.engine()?;
        let now = platform::now();
        let changes = !matches!(
            call,
            PoolCall::Jobs(_)
                | PoolCall::Job { .. }
                | PoolCall::Rollouts { .. }
                | PoolCall::Rollout { .. }
                | PoolCall::Status
                | PoolCall::Gauges
                | PoolCall::Watch
        );
        let reply = match call {
            PoolCall::Submit { jobs } => PoolReply::Submitted {
                jobs: engine.submit(jobs, now)?,
            },
            PoolCall::Jobs(filter) => {
                let (jobs, next) = engine.store.list_jobs(&filter)?;
                PoolReply::Jobs { jobs, next }
            }
            PoolCall::Job { tenant, id } => engine.show_job(&tenant, &id)?,
            PoolCall::CancelJob { tenant, id } => {
                let (reply, cancels) = engine.cancel_job(&tenant, &id, now)?;
                self.send_cancels(cancels);
                reply
            }
            PoolCall::StartRollout(new) => match engine.too_many_rollouts(&new.tenant)? {
                Some(refusal) => refusal,
                None => {
                    engine.start_rollout(&new, now)?;
                    engine.show_rollout(&new.tenant, &new.id)?
                }
            },
            PoolCall::Rollouts {
                tenant,
                before,
                limit,
            } => engine.show_rollouts(&tenant, &before, limit)?,
            PoolCall::Rollout { tenant, id } => engine.show_rollout(&tenant, &id)?,
            PoolCall::ChangeRollout { tenant, id, change } => {
                engine.change_rollout(&tenant, &id, change, now)?
            }
            PoolCall::Status => self.status(engine)?,
            PoolCall::Gauges => self.gauges(engine)?,
            PoolCall::Watch => self.watched(engine)?,
            PoolCall::SetOptions { options } => {
                engine.set_options(&options)?;
                self.follow_options(engine)?;
                PoolReply::Done
            }
            PoolCall::RenewCredentials => {
                self.end_run();
                PoolReply::Done
            }
            PoolCall::DropRelay { relay } => {
                self.close(&relay);
                engine.drop_relay(&relay, now)?;
                PoolReply::Done
            }
            PoolCall::DrainRelay { relay, reason } => self.drain(&relay, reason),
        };
        if changes {
            self.poke().await?;
        }
        Ok(reply)
    }
}
