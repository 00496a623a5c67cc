//! The Durable Object `Webhooks`: looks for one webhook, and delivers its messages. Its name is the webhook's id.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /call` with `ringfence-webhook` | a [`WebhookCall`] | 200 with a [`WebhookReply`]; 400 if the body is none |
//!
//! The alarm sets itself again before it works, so that work which is cut off at any moment is done by the next one.
//! An object whose webhook is gone empties itself.

use std::cell::{Cell, OnceCell};
use std::time::Duration;

use ringfence_sql::SqlError;
use worker::{DurableObject, Env, Request, Response, State, Url, durable_object};

use super::look::{LAG_MS, SITES_EVERY_MS, Seen, Times, Watch};
use super::record::{BEGINNING, WebhookRecord};
use super::sign::WebhookSecret;
use super::{WEBHOOK_HEADER, WebhookCall, WebhookReply, deliver, message, receiver};
use crate::db::object::ObjectSql;
use crate::db::{Db, StorageError};
use crate::model::webhook::{MessageKind, WebhookOptions};
use crate::platform::{self, config, log};
use crate::store::webhooks::{self, WebhookRow, WebhookSecretRow, secret_identity};

/// How long after a look the next one is, in milliseconds.
const LOOK_MS: u64 = 300_000;
/// When an alarm rings again whose work was cut off, in milliseconds: a message takes ten seconds at most.
const BACKUP_MS: u64 = 30_000;
/// The most messages that one alarm delivers. The next alarm follows at once.
const MAX_DELIVERED: u32 = 10;
/// How far back a look goes at most, should the object have slept, in milliseconds.
const MAX_BACK_MS: u64 = 6 * 3_600_000;

/// Under which the object keeps the webhook's id.
const WEBHOOK: &str = "webhook";
/// Under which the record has the end of the last look, when the next one is, and when sites were counted.
const UNTIL: &str = "until";
const NEXT_LOOK: &str = "next_look";
const SITES_AT: &str = "sites_at";
/// A message that is about nothing, so that an operator sees that messages arrive.
const TEST: &str = "webhook.test";

/// See the module.
#[durable_object]
pub struct Webhooks {
    state: State,
    env: Env,
    record: OnceCell<WebhookRecord<ObjectSql>>,
    /// How often it was asked for something that is to be done now.
    asked: Cell<u64>,
}

// A panic costs its own request: what it leaves behind is in SQLite, statement by statement.
impl std::panic::RefUnwindSafe for Webhooks {}

/// Something could not be done. It is done later.
#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error(transparent)]
    Record(#[from] SqlError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    #[error("a secret of the webhook does not open: {0}")]
    Secret(String),
}

/// A webhook as its object works with it.
struct Work {
    row: WebhookRow,
    kinds: Vec<MessageKind>,
    options: WebhookOptions,
    secrets: Vec<WebhookSecretRow>,
}

impl DurableObject for Webhooks {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            record: OnceCell::new(),
            asked: Cell::new(0),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let Some(id) = request.headers().get(WEBHOOK_HEADER)? else {
            return Response::error("no webhook", 400);
        };
        let text = request.text().await?;
        let call: WebhookCall = match ringfence_json::from_str(&text) {
            Ok(call) => call,
            Err(error) => return Response::error(format!("not a call: {error}"), 400),
        };
        let reply = match self.answer(&id, call).await {
            Ok(reply) => reply,
            Err(error) => WebhookReply::Failed {
                detail: error.to_string(),
            },
        };
        Response::from_json(&reply)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.ring_at(platform::now() + BACKUP_MS).await?;
        let asked = self.asked.get();
        match self.work().await {
            // Whoever asked meanwhile has set the alarm, for what this work may not have seen.
            _ if self.asked.get() != asked => self.ring_at(platform::now()).await?,
            Ok(Some(next)) => self.ring_at(next).await?,
            Ok(None) => self.state.storage().delete_alarm().await?,
            // The alarm that was set above.
            Err(error) => log::warn("webhook_work", &[("error", &error.to_string())]),
        }
        Response::empty()
    }
}

impl Webhooks {
    fn record(&self) -> Result<&WebhookRecord<ObjectSql>, SqlError> {
        if self.record.get().is_none() {
            let opened = WebhookRecord::open(ObjectSql(self.state.storage().sql()))?;
            // Somebody else cannot have come first: nothing was waited for.
            let _ = self.record.set(opened);
        }
        let record = self.record.get();
        record.ok_or_else(|| SqlError("the tables are not open".into()))
    }

    async fn ring_at(&self, at: u64) -> worker::Result<()> {
        let pause = Duration::from_millis(at.saturating_sub(platform::now()));
        self.state.storage().set_alarm(pause).await
    }

    /// Sets the alarm to now.
    async fn ring(&self, id: &str) -> worker::Result<()> {
        self.asked.set(self.asked.get() + 1);
        self.state.storage().put(WEBHOOK, id).await?;
        self.ring_at(platform::now()).await
    }

    async fn answer(&self, id: &str, call: WebhookCall) -> Result<WebhookReply, WorkError> {
        let now = platform::now();
        let record = self.record()?;
        Ok(match call {
            WebhookCall::Look => {
                record.set_meta(NEXT_LOOK, 0)?;
                self.ring(id).await?;
                WebhookReply::Done
            }
            WebhookCall::Wake => {
                if self.state.storage().get_alarm().await?.is_none() {
                    self.ring(id).await?;
                }
                WebhookReply::Done
            }
            WebhookCall::Test if record.waiting()? >= super::MAX_WAITING => WebhookReply::Full,
            WebhookCall::Test => {
                let body = message::body(id, TEST, &iso(now), 0, &[]);
                let message = new_message_id();
                record.push(&message, TEST, &body, now)?;
                self.ring(id).await?;
                let sent = record.message(&message)?;
                WebhookReply::Messages {
                    messages: sent.into_iter().collect(),
                }
            }
            WebhookCall::List {
                state,
                before,
                limit,
            } => {
                // Whoever looks sees in the lists of webhooks what is in this one, though no alarm rings.
                if let Err(error) = self.tell_dead_of(id).await {
                    log::warn("webhook_dead", &[("error", &error.to_string())]);
                }
                WebhookReply::Messages {
                    messages: record.list(state.as_deref(), &before, limit)?,
                }
            }
            WebhookCall::Resend { id: message } => {
                if !record.resend(&message, now)? {
                    return Ok(WebhookReply::NotFound);
                }
                self.ring(id).await?;
                // Whoever asked sees it in the lists at once; the alarm says it again, should this fail.
                let told = match Db::new(&self.env) {
                    Ok(db) => webhooks::set_dead(&db, id, record.dead()?).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = told {
                    log::warn("webhook_dead", &[("error", &error.to_string())]);
                }
                let sent = record.message(&message)?;
                WebhookReply::Messages {
                    messages: sent.into_iter().collect(),
                }
            }
        })
    }

    /// Does what is due; when there is something again, in Unix milliseconds.
    async fn work(&self) -> Result<Option<u64>, WorkError> {
        let Some(id) = self.state.storage().get::<String>(WEBHOOK).await? else {
            return Ok(None);
        };
        let db = Db::new(&self.env)?;
        let Some((row, secrets)) = webhooks::with_secrets(&db, &id).await? else {
            self.state.storage().delete_all().await?;
            return Ok(None);
        };
        if row.disabled != 0 {
            self.tell_dead(&db, &row).await?;
            return Ok(None);
        }
        let work = Work {
            kinds: ringfence_json::from_str(&row.kinds).unwrap_or_default(),
            options: ringfence_json::from_str(&row.options).unwrap_or_default(),
            row,
            secrets,
        };
        let record = self.record()?;
        let looked = match record.meta(NEXT_LOOK)? {
            Some(next) if platform::now() < next => Ok(()),
            _ => self.look(&db, &work).await,
        };
        let delivered = self.deliver(&work).await;
        // A look that fails goes on failing while it cannot be made, and nobody would know of messages that were given
        // up meanwhile.
        let told = self.tell_dead(&db, &work.row).await;
        delivered?;
        looked?;
        told?;
        let next = record.meta(NEXT_LOOK)?.unwrap_or(0);
        Ok(Some(record.next_due()?.map_or(next, |due| due.min(next))))
    }

    /// Has D1 know how many messages were given up, where it says another number.
    async fn tell_dead(&self, db: &Db, row: &WebhookRow) -> Result<(), WorkError> {
        let dead = self.record()?.dead()?;
        if dead != row.dead {
            webhooks::set_dead(db, &row.id, dead).await?;
        }
        Ok(())
    }

    /// The same, without the webhook as D1 has it.
    async fn tell_dead_of(&self, id: &str) -> Result<(), WorkError> {
        let db = Db::new(&self.env)?;
        match webhooks::with_secrets(&db, id).await? {
            Some((row, _)) => self.tell_dead(&db, &row).await,
            None => Ok(()),
        }
    }

    /// Looks, and makes messages of what was found.
    async fn look(&self, db: &Db, work: &Work) -> Result<(), WorkError> {
        let record = self.record()?;
        let asked = self.asked.get();
        let now = platform::now();
        let until = now.saturating_sub(LAG_MS);
        let beginning = match record.meta(BEGINNING)? {
            Some(beginning) => beginning,
            None => {
                record.set_meta(BEGINNING, work.row.created_at)?;
                work.row.created_at
            }
        };
        let from = record.meta(UNTIL)?.unwrap_or(beginning);
        let from = from.max(until.saturating_sub(MAX_BACK_MS)).min(until);
        let sites_at = record.meta(SITES_AT)?;
        let times = Times {
            from,
            until,
            now,
            sites: sites_at.is_none_or(|at| now >= at + SITES_EVERY_MS),
        };
        let watch = Watch {
            row: &work.row,
            kinds: &work.kinds,
            options: &work.options,
        };
        let seen = watch.look(&self.env, db, times).await?;
        // From here on nothing is waited for: all of it is written, or nothing.
        self.write_down(&seen, times)?;
        record.compose(&work.row.id, &work.options, now, &iso(now), new_message_id)?;
        record.prune(now)?;
        if self.asked.get() == asked {
            record.set_meta(NEXT_LOOK, now + LOOK_MS)?;
        }
        Ok(())
    }

    fn write_down(&self, seen: &Seen, times: Times) -> Result<(), SqlError> {
        let record = self.record()?;
        for (kind, findings) in &seen.came_about {
            record.found(*kind, findings)?;
        }
        for (kind, findings) in &seen.is_so {
            record.is_so(*kind, findings)?;
        }
        record.set_meta(UNTIL, times.until)?;
        if times.sites {
            record.set_meta(SITES_AT, times.now)?;
        }
        Ok(())
    }

    /// Delivers what is due.
    async fn deliver(&self, work: &Work) -> Result<(), WorkError> {
        let record = self.record()?;
        let due = record.due(platform::now(), MAX_DELIVERED)?;
        if due.is_empty() {
            return Ok(());
        }
        let secrets = self.secrets(work, platform::now())?;
        // It was checked when it was written, and may have come from a time with other rules.
        let local = config::is_local(&self.env);
        let url: Result<Url, _> = receiver::check(&work.row.url, local);
        for message in due {
            // A message is a call of its own for a slow receiver: the alarm must not ring beside it.
            self.ring_at(platform::now() + BACKUP_MS).await?;
            let tried = match &url {
                Ok(url) => deliver::deliver(url, &secrets, &message).await,
                Err(_) => super::record::Tried::Failed {
                    status: None,
                    error: "url",
                },
            };
            let random = platform::random_array().map_or(0, u64::from_le_bytes);
            record.tried(&message, &tried, platform::now(), random)?;
        }
        Ok(())
    }

    /// The secrets that are good now, the newest first.
    fn secrets(&self, work: &Work, now: u64) -> Result<Vec<WebhookSecret>, WorkError> {
        let keyring = config::keyring(&self.env)?;
        let good = work.secrets.iter();
        let good = good.filter(|row| row.ends_at.is_none_or(|end| now < end));
        good.map(|row| {
            let place = secret_identity(&row.webhook_id, row.number);
            let bytes = keyring.unwrap(&place, &row.secret);
            let bytes = bytes.map_err(|error| WorkError::Secret(error.to_string()))?;
            let bytes = zeroize::Zeroizing::new(bytes);
            WebhookSecret::of_bytes(&bytes).ok_or_else(|| WorkError::Secret("length".into()))
        })
        .collect()
    }
}

/// A new message's id.
fn new_message_id() -> String {
    format!("msg_{}", platform::new_id(platform::now()))
}

/// A time in Unix milliseconds, in ISO 8601.
fn iso(at: u64) -> String {
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at as f64));
    String::from(date.to_iso_string())
}
