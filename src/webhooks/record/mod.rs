//! What a webhook's object remembers: what was found and not told yet, messages until they are delivered, and
//! those that could not be.
//!
//! Every step is written without waiting for anything, so the runtime writes all of it or nothing: what was found
//! with the mark up to which was looked, a message with the findings that it took. A message has its id before it is
//! first sent, and keeps it.

use ringfence_sql::{Arg, Sql, SqlError, args};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::{self, Finding, MAX_ITEMS};
use crate::model::webhook::{MessageKind, WebhookOptions};
use crate::platform::DAY_MS;

/// Most messages that wait. Until there is room, what is found is gathered.
pub const MAX_WAITING: u64 = 200;
/// Most findings of one kind that are gathered; of more only how many is known.
const MAX_FINDINGS: u64 = 2_000;
/// Most messages that are kept, delivered or dead: the oldest go first.
const MAX_KEPT: u64 = 500;
/// For how long a message is kept after its end, in milliseconds.
const KEPT_MS: u64 = 30 * DAY_MS;
/// How long after a try that failed the next one is, in milliseconds; after the last one there is none. Some 28
/// hours altogether.
const PAUSES_MS: [u64; 9] = [
    5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000, 10_800_000, 28_800_000, 57_600_000,
];

const TABLES: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS findings (
       number INTEGER PRIMARY KEY AUTOINCREMENT,
       kind TEXT NOT NULL,
       subject TEXT NOT NULL,
       item TEXT NOT NULL,
       UNIQUE (kind, subject)
     ) STRICT",
    // What is so now and was found: it is found again only after it was not so.
    "CREATE TABLE IF NOT EXISTS present (
       kind TEXT NOT NULL,
       subject TEXT NOT NULL,
       PRIMARY KEY (kind, subject)
     ) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS messages (
       id TEXT PRIMARY KEY NOT NULL,
       kind TEXT NOT NULL,
       body TEXT NOT NULL,
       state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead')),
       created_at INTEGER NOT NULL,
       due_at INTEGER NOT NULL,
       tries INTEGER NOT NULL DEFAULT 0,
       status INTEGER,
       error TEXT,
       ended_at INTEGER
     ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS messages_by_state ON messages (state, id)",
    "CREATE INDEX IF NOT EXISTS messages_by_end ON messages (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS findings_by_kind ON findings (kind, number)",
];

/// A message. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    pub id: String,
    pub kind: String,
    pub body: String,
    pub state: String,
    pub created_at: u64,
    pub due_at: u64,
    pub tries: u64,
    pub status: Option<u16>,
    pub error: Option<String>,
    pub ended_at: Option<u64>,
}

/// What came of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The receiver has it.
    Delivered { status: u16 },
    /// It is tried again.
    Failed {
        status: Option<u16>,
        error: &'static str,
    },
    /// The receiver wants no more of it.
    Gone { status: u16 },
}

/// The tables over a database.
pub struct WebhookRecord<S> {
    sql: S,
}

impl<S: Sql> WebhookRecord<S> {
    /// Opens the tables.
    pub fn open(sql: S) -> Result<Self, SqlError> {
        for table in TABLES {
            sql.run(table, args![])?;
        }
        Ok(Self { sql })
    }

    fn number(&self, sql: &str, args: &[Arg<'_>]) -> Result<Option<u64>, SqlError> {
        #[derive(Deserialize)]
        struct Number {
            n: Option<u64>,
        }
        let rows: Vec<Number> = self.sql.rows(sql, args)?;
        Ok(rows.into_iter().next().and_then(|row| row.n))
    }

    /// A number that is remembered under a name.
    pub fn meta(&self, name: &str) -> Result<Option<u64>, SqlError> {
        self.number("SELECT value AS n FROM meta WHERE name = ?", args![name])
    }

    /// Remembers it.
    pub fn set_meta(&self, name: &str, value: u64) -> Result<(), SqlError> {
        let sql = "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value";
        self.sql.run(sql, args![name, value])
    }

    /// Gathers what came about.
    pub fn found(&self, kind: MessageKind, findings: &[Finding]) -> Result<(), SqlError> {
        let kind = kind.as_str();
        let sql = "SELECT count(*) AS n FROM findings WHERE kind = ?";
        let mut there = self.number(sql, args![kind])?.unwrap_or(0);
        for finding in findings {
            if there >= MAX_FINDINGS {
                let name = format!("unlisted:{kind}");
                let unlisted = self.meta(&name)?.unwrap_or(0);
                self.set_meta(&name, unlisted + 1)?;
                continue;
            }
            there += 1;
            let sql = "INSERT INTO findings (kind, subject, item) VALUES (?, ?, ?)
                       ON CONFLICT (kind, subject) DO UPDATE SET item = excluded.item";
            let item = finding.item.to_string();
            self.sql.run(sql, args![kind, &finding.subject, item])?;
        }
        Ok(())
    }

    /// Gathers what is so now and was not so at the last look.
    pub fn is_so(&self, kind: MessageKind, findings: &[Finding]) -> Result<(), SqlError> {
        #[derive(Deserialize)]
        struct Row {
            subject: String,
        }
        let word = kind.as_str();
        let sql = "SELECT subject FROM present WHERE kind = ?";
        let before: Vec<Row> = self.sql.rows(sql, args![word])?;
        for Row { subject } in &before {
            if !findings.iter().any(|finding| finding.subject == *subject) {
                let sql = "DELETE FROM present WHERE kind = ? AND subject = ?";
                self.sql.run(sql, args![word, subject])?;
            }
        }
        let is_new = |finding: &&Finding| !before.iter().any(|row| row.subject == finding.subject);
        let new: Vec<Finding> = findings.iter().filter(is_new).cloned().collect();
        for finding in &new {
            let sql = "INSERT INTO present (kind, subject) VALUES (?, ?) ON CONFLICT DO NOTHING";
            self.sql.run(sql, args![word, &finding.subject])?;
        }
        self.found(kind, &new)
    }

    /// Makes messages of what was gathered, as far as their time has come and the queue has room. `new_id` makes an
    /// id; `timestamp` is the time in ISO 8601.
    pub fn compose(
        &self,
        webhook: &str,
        options: &WebhookOptions,
        now: u64,
        timestamp: &str,
        mut new_id: impl FnMut() -> String,
    ) -> Result<(), SqlError> {
        for kind in MessageKind::ALL {
            let word = kind.as_str();
            let sql = "SELECT count(*) AS n FROM findings WHERE kind = ?";
            let count = self.number(sql, args![word])?.unwrap_or(0);
            if count == 0 || !self.is_time(kind, options, now)? || self.waiting()? >= MAX_WAITING {
                continue;
            }
            let name = format!("unlisted:{word}");
            let count = count + self.meta(&name)?.unwrap_or(0);
            let items = self.items(word)?;
            let body = message::body(webhook, word, timestamp, count, &items);
            self.push(&new_id(), word, &body, now)?;
            self.sql
                .run("DELETE FROM findings WHERE kind = ?", args![word])?;
            self.set_meta(&name, 0)?;
            self.set_meta(&format!("told:{word}"), now)?;
        }
        Ok(())
    }

    /// Whether the next message of a kind may be made.
    fn is_time(
        &self,
        kind: MessageKind,
        options: &WebhookOptions,
        now: u64,
    ) -> Result<bool, SqlError> {
        let told = self.meta(&format!("told:{}", kind.as_str()))?;
        if options.daily.contains(&kind) {
            let since = match told {
                Some(told) => told,
                None => self.meta(BEGINNING)?.unwrap_or(now),
            };
            let at = u64::from(options.daily_at) * 60_000;
            let day = |time: u64| (time + DAY_MS - at) / DAY_MS;
            return Ok(day(now) > day(since));
        }
        let window = u64::from(options.window_minutes) * 60_000;
        Ok(told.is_none_or(|told| now >= told + window))
    }

    fn items(&self, kind: &str) -> Result<Vec<Value>, SqlError> {
        #[derive(Deserialize)]
        struct Row {
            item: String,
        }
        let sql = "SELECT item FROM findings WHERE kind = ? ORDER BY number LIMIT ?";
        let rows: Vec<Row> = self.sql.rows(sql, args![kind, MAX_ITEMS])?;
        let items = rows.iter().map(|row| ringfence_json::from_str(&row.item));
        Ok(items.filter_map(Result::ok).collect())
    }

    /// Puts a message into the queue.
    pub fn push(&self, id: &str, kind: &str, body: &str, now: u64) -> Result<(), SqlError> {
        let sql = "INSERT INTO messages (id, kind, body, state, created_at, due_at) VALUES (?, ?, ?, 'waiting', ?, ?)";
        self.sql.run(sql, args![id, kind, body, now, now])
    }

    /// How many messages wait.
    pub fn waiting(&self) -> Result<u64, SqlError> {
        let sql = "SELECT count(*) AS n FROM messages WHERE state = 'waiting'";
        Ok(self.number(sql, args![])?.unwrap_or(0))
    }

    /// How many messages were given up.
    pub fn dead(&self) -> Result<u64, SqlError> {
        let sql = "SELECT count(*) AS n FROM messages WHERE state = 'dead'";
        Ok(self.number(sql, args![])?.unwrap_or(0))
    }

    /// Messages that are due, the longest due first.
    pub fn due(&self, now: u64, limit: u32) -> Result<Vec<MessageRow>, SqlError> {
        let sql = "SELECT * FROM messages WHERE state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?";
        self.sql.rows(sql, args![now, limit])
    }

    /// When the next message is due, in Unix milliseconds.
    pub fn next_due(&self) -> Result<Option<u64>, SqlError> {
        let sql = "SELECT min(due_at) AS n FROM messages WHERE state = 'waiting'";
        self.number(sql, args![])
    }

    /// Notes what came of a try. `random` spreads the next one over a fifth of its pause.
    pub fn tried(
        &self,
        message: &MessageRow,
        tried: &Tried,
        now: u64,
        random: u64,
    ) -> Result<(), SqlError> {
        let pause = usize::try_from(message.tries)
            .ok()
            .and_then(|at| PAUSES_MS.get(at));
        let (state, status, error, due_at) = match (tried, pause) {
            (Tried::Delivered { status }, _) => ("delivered", Some(*status), None, now),
            (Tried::Gone { status }, _) => ("dead", Some(*status), Some("gone"), now),
            (Tried::Failed { status, error }, Some(pause)) => {
                let due_at = now + pause + random % (pause / 5);
                ("waiting", *status, Some(*error), due_at)
            }
            (Tried::Failed { status, error }, None) => ("dead", *status, Some(*error), now),
        };
        let status = status.map(u64::from);
        let ended_at = (state != "waiting").then_some(now);
        let sql = "UPDATE messages SET state = ?, status = ?, error = ?, due_at = ?, ended_at = ?, tries = tries + 1 WHERE id = ? AND state = 'waiting'";
        self.sql.run(
            sql,
            args![state, status, error, due_at, ended_at, &message.id],
        )
    }

    /// Puts a dead message into the queue again, under the same id; whether there is such a one.
    pub fn resend(&self, id: &str, now: u64) -> Result<bool, SqlError> {
        let is_dead = self.message(id)?.is_some_and(|row| row.state == "dead");
        if is_dead {
            let sql = "UPDATE messages SET state = 'waiting', tries = 0, due_at = ?, ended_at = NULL WHERE id = ? AND state = 'dead'";
            self.sql.run(sql, args![now, id])?;
        }
        Ok(is_dead)
    }

    /// A message by its id.
    pub fn message(&self, id: &str) -> Result<Option<MessageRow>, SqlError> {
        let rows: Vec<MessageRow> = self
            .sql
            .rows("SELECT * FROM messages WHERE id = ?", args![id])?;
        Ok(rows.into_iter().next())
    }

    /// Messages of a state, or of all, the newest first, from before the id `before`.
    pub fn list(
        &self,
        state: Option<&str>,
        before: &str,
        limit: u32,
    ) -> Result<Vec<MessageRow>, SqlError> {
        match state {
            Some(state) => {
                let sql =
                    "SELECT * FROM messages WHERE state = ? AND id < ? ORDER BY id DESC LIMIT ?";
                self.sql.rows(sql, args![state, before, limit])
            }
            None => {
                let sql = "SELECT * FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?";
                self.sql.rows(sql, args![before, limit])
            }
        }
    }

    /// Forgets messages that ended long ago, or that are too many.
    pub fn prune(&self, now: u64) -> Result<(), SqlError> {
        let sql = "DELETE FROM messages WHERE ended_at < ?";
        self.sql.run(sql, args![now.saturating_sub(KEPT_MS)])?;
        let sql =
            "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE ended_at IS NOT NULL
                   ORDER BY ended_at DESC LIMIT 1000 OFFSET ?)";
        self.sql.run(sql, args![MAX_KEPT])
    }
}

/// Under which the record has the time from which on is looked at all.
pub const BEGINNING: &str = "beginning";

#[cfg(test)]
mod tests;
