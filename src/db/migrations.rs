//! The schema of the database, which the Worker itself brings up to date.
//!
//! The steps are the files of `migrations/`, put in when the Worker is built. Which ones a database has is written in
//! its table `d1_migrations`, wrangler's own: each step is one transaction with its row there, so it is there whole or
//! not at all, whoever applies it, and `wrangler d1 migrations apply` finds what is done and may go on.
//!
//! An isolate learns whether the schema is the one that it was built for with the first call of D1 that it makes
//! anyway: [`GUARD`] goes before the statements of that call and fails it, and so all of it, where a step is missing.
//! That costs a statement, and no round trip. Before a step is applied nothing has been read or written under the old
//! schema, and after that call the isolate asks no more.
//!
//! What keeps two isolates apart is one row, the lock. It is there to save work and to say that somebody is at it;
//! a step is safe without it, because its row in `d1_migrations` is written once. The lock ends by itself, so that an
//! isolate that is killed in the middle keeps nobody waiting for longer than [`LOCK_S`].

use std::cell::RefCell;

use ringfence_sql::args;
use serde::Deserialize;
use worker::D1Database;

use super::d1::{D1Result, Statement, exactly, rows, sent};
use super::error::{SchemaError, StorageError};
use crate::platform::{self, log};

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// One file of `migrations/`.
pub struct Migration {
    pub name: &'static str,
    pub statements: &'static [&'static str],
}

/// As wrangler makes it.
const MADE_BY_WRANGLER: &str = "CREATE TABLE IF NOT EXISTS d1_migrations (\
     id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, \
     applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)";

/// The lock, one row while somebody is at work or has failed; `failed` is the step that could not be applied.
const LOCK_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_lock (\
     id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1), holder TEXT NOT NULL, ends_at INTEGER NOT NULL, \
     failed TEXT) STRICT";

/// Fails where one of the steps `?1` is missing; `newer` is the last one that is newer than `?2`, the last of them.
/// An unknown path is the one error of SQLite whose words are ours.
const GUARD: &str = "SELECT json_extract('{}', CASE \
     WHEN (SELECT count(*) FROM json_each(?1) AS ours WHERE EXISTS \
       (SELECT 1 FROM d1_migrations WHERE name = ours.value)) = json_array_length(?1) \
     THEN '$' ELSE 'ringfence: a migration is missing' END) AS ours, \
     (SELECT max(name) FROM d1_migrations WHERE name > ?2) AS newer";
const MISSING: &str = "ringfence: a migration is missing";

/// Takes the lock, if nobody has it or its time is over. The clock is the database's, the only one that all share.
const TAKE: &str = "INSERT INTO schema_lock (id, holder, ends_at) VALUES (1, ?1, unixepoch() + ?2) \
     ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at \
     WHERE schema_lock.ends_at <= unixepoch()";

/// Fails where the lock is no longer `?1`'s.
const HELD: &str = "SELECT json_extract('{}', CASE \
     WHEN EXISTS (SELECT 1 FROM schema_lock WHERE id = 1 AND holder = ?1) \
     THEN '$' ELSE 'ringfence: the lock is lost' END) AS held";

/// For how long the lock is held without a sign of its holder. A step that takes longer is safe all the same.
const LOCK_S: u64 = 20;

/// For how long nobody tries again after a step has failed.
const PAUSE_S: u64 = 10;

/// For how long an isolate does not ask again after it was told to wait.
const WAIT_MS: u64 = 1_000;

/// What this isolate knows of the schema.
#[derive(Clone)]
enum KnownSchema {
    Nothing,
    /// No step is missing; the last one of a newer Worker.
    Current {
        newer: Option<String>,
    },
    /// Until when, in Unix milliseconds, it need not ask again, and why.
    Wait {
        until: u64,
        why: SchemaError,
    },
}

thread_local! {
    static KNOWN: RefCell<KnownSchema> = const { RefCell::new(KnownSchema::Nothing) };
}

/// Whether this isolate knows that the schema is current.
///
/// # Errors
/// The isolate was told a moment ago that the schema is not current.
pub(super) fn is_known() -> Result<bool, SchemaError> {
    KNOWN.with_borrow(|known| match known {
        KnownSchema::Nothing => Ok(false),
        KnownSchema::Current { .. } => Ok(true),
        KnownSchema::Wait { until, why } if platform::now() < *until => Err(why.clone()),
        KnownSchema::Wait { .. } => Ok(false),
    })
}

/// The last step in the database that a newer Worker has brought, if this isolate has seen one.
pub fn newer() -> Option<String> {
    KNOWN.with_borrow(|known| match known {
        KnownSchema::Current { newer } => newer.clone(),
        _ => None,
    })
}

/// Has the next call of D1 look again: a database that was put back to an earlier point may lack steps that this
/// isolate has seen.
pub fn forget() {
    KNOWN.set(KnownSchema::Nothing);
}

/// The statement that fails a call of D1 where a step is missing.
pub(super) fn guard() -> Statement {
    Statement::new(GUARD, args![names(), last()])
}

#[derive(Deserialize)]
struct Guarded {
    newer: Option<String>,
}

/// Remembers what [`guard`] has found.
pub(super) fn record(result: &D1Result) -> Result<(), StorageError> {
    let newer = rows::<Guarded>(result)?
        .into_iter()
        .find_map(|row| row.newer);
    if let Some(newer) = &newer {
        // Forward only, and what is added keeps what is there working: the Worker before serves on.
        log::warn("schema_newer", &[("step", newer), ("own", last())]);
    }
    KNOWN.set(KnownSchema::Current { newer });
    Ok(())
}

/// Takes note of a call that failed; whether that may be because a step is missing. After a restore by Time Travel
/// it is so in isolates that knew better, too.
pub(super) fn is_missing(error: &StorageError) -> bool {
    let StorageError::Database(error) = error else {
        return false;
    };
    let is_missing = speaks_of_schema(&error.to_string());
    if is_missing {
        forget();
    }
    is_missing
}

fn speaks_of_schema(text: &str) -> bool {
    [
        MISSING,
        "no such table: ",
        "no such column: ",
        "has no column named ",
    ]
    .iter()
    .any(|words| text.contains(words))
}

/// The names of all steps, as JSON.
fn names() -> String {
    let names: Vec<&str> = MIGRATIONS.iter().map(|step| step.name).collect();
    serde_json::Value::from(names).to_string()
}

/// The name of the last step.
fn last() -> &'static str {
    MIGRATIONS.last().map_or("", |step| step.name)
}

#[derive(Deserialize)]
struct Lock {
    holder: String,
    failed: Option<String>,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// Applies the steps that are missing, in their order.
///
/// # Errors
/// Another isolate is at it, a step fails, or D1 does not answer. What was applied stays.
pub(super) async fn apply(database: &D1Database) -> Result<(), StorageError> {
    let result = Run {
        database,
        holder: platform::new_id(platform::now()),
    }
    .all()
    .await;
    if let Err(StorageError::Schema(why)) = &result {
        if is_known() == Ok(true) {
            // Another request of this isolate has finished meanwhile.
            return Ok(());
        }
        let until = platform::now().saturating_add(WAIT_MS);
        let why = why.clone();
        KNOWN.set(KnownSchema::Wait { until, why });
    }
    result
}

/// One isolate's work on the schema.
struct Run<'a> {
    database: &'a D1Database,
    holder: String,
}

impl Run<'_> {
    fn lock() -> Statement {
        Statement::new("SELECT holder, failed FROM schema_lock WHERE id = 1", &[])
    }

    fn missing() -> Statement {
        Statement::new(
            "SELECT ours.value AS name FROM json_each(?1) AS ours \
             WHERE NOT EXISTS (SELECT 1 FROM d1_migrations WHERE name = ours.value)",
            args![names()],
        )
    }

    async fn all(&self) -> Result<(), StorageError> {
        let begun = vec![
            Statement::new(MADE_BY_WRANGLER, &[]),
            Statement::new(LOCK_TABLE, &[]),
            Statement::new(TAKE, args![&self.holder, LOCK_S]),
            Self::lock(),
            Self::missing(),
        ];
        let [_, _, _, lock, missing] = exactly(sent(self.database, &begun).await?)?;
        let missing = rows::<Name>(&missing)?;
        if let Some(error) = self.why_not_ours(rows(&lock)?)
            && !missing.is_empty()
        {
            return Err(error.into());
        }
        let steps = MIGRATIONS
            .iter()
            .filter(|step| missing.iter().any(|row| row.name == step.name));
        for step in steps {
            if let Err(error) = self.step(step).await {
                self.look_into(step, error).await?;
            }
        }
        let free = "DELETE FROM schema_lock WHERE id = 1 AND holder = ?1";
        let ended = vec![Statement::new(free, args![&self.holder]), guard()];
        let [_, guarded] = exactly(sent(self.database, &ended).await?)?;
        record(&guarded)?;
        if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
            log::info("migrated", &[("from", &first.name), ("to", &last.name)]);
        }
        Ok(())
    }

    /// Why this isolate does not go on, if the lock is another's.
    fn why_not_ours(&self, lock: Vec<Lock>) -> Option<SchemaError> {
        match lock.into_iter().next() {
            Some(lock) if lock.holder == self.holder => None,
            Some(Lock {
                failed: Some(step), ..
            }) => Some(SchemaError::Failed { step }),
            _ => Some(SchemaError::Migrating),
        }
    }

    /// One step and its row, as one transaction; with it the lock is held for longer.
    async fn step(&self, step: &Migration) -> Result<(), StorageError> {
        let mut statements = vec![
            Statement::new(HELD, args![&self.holder]),
            Statement::new(
                "UPDATE schema_lock SET ends_at = unixepoch() + ?2, failed = NULL WHERE id = 1 AND holder = ?1",
                args![&self.holder, LOCK_S],
            ),
            Statement::new(
                "INSERT INTO d1_migrations (name) VALUES (?1)",
                args![step.name],
            ),
        ];
        for sql in step.statements {
            statements.push(Statement::new(sql, &[]));
        }
        sent(self.database, &statements).await.map(drop)
    }

    /// What became of a step that failed. The answer alone may be lost; or another isolate, or wrangler, was there
    /// first, which is as well.
    async fn look_into(&self, step: &Migration, error: StorageError) -> Result<(), StorageError> {
        let looked = vec![
            Self::lock(),
            Statement::new(
                "SELECT name FROM d1_migrations WHERE name = ?1",
                args![step.name],
            ),
        ];
        let [lock, found] = exactly(sent(self.database, &looked).await?)?;
        if let Some(error) = self.why_not_ours(rows(&lock)?) {
            return Err(error.into());
        }
        if !rows::<Name>(&found)?.is_empty() {
            return Ok(());
        }
        let step = step.name;
        // The words of the database are for the log alone.
        log::warn(
            "migration_failed",
            &[("step", step), ("error", &error.to_string())],
        );
        let failed = "UPDATE schema_lock SET failed = ?2, ends_at = unixepoch() + ?3 WHERE id = 1 AND holder = ?1";
        let failed = Statement::new(failed, args![&self.holder, step, PAUSE_S]);
        sent(self.database, &[failed]).await?;
        let step = step.to_owned();
        Err(SchemaError::Failed { step }.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use ringfence_sql::{Memory, Sql as _};

    use super::*;

    /// Applies a step as [`Run::step`] does, without the lock.
    fn apply_to(memory: &Memory, step: &Migration) {
        let insert = "INSERT INTO d1_migrations (name) VALUES (?1)";
        memory.run(insert, args![step.name]).unwrap();
        for sql in step.statements {
            memory.run(sql, &[]).unwrap();
        }
    }

    fn guarded(memory: &Memory) -> Result<Option<String>, String> {
        memory
            .rows::<Guarded>(GUARD, args![names(), last()])
            .map(|rows| rows.into_iter().next().expect("one row").newer)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_steps_are_the_files_in_their_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        files.sort();
        let steps: Vec<_> = MIGRATIONS.iter().map(|step| step.name).collect();
        assert_eq!(steps, files);
    }

    #[test]
    fn the_guard_fails_until_the_last_step_and_names_a_newer_one() {
        let memory = Memory::new();
        assert!(speaks_of_schema(&guarded(&memory).unwrap_err()));
        memory.run(MADE_BY_WRANGLER, &[]).unwrap();
        for step in MIGRATIONS {
            let error = guarded(&memory).unwrap_err();
            assert!(error.contains(MISSING), "{error}");
            apply_to(&memory, step);
        }
        assert_eq!(guarded(&memory), Ok(None));
        let later = "INSERT INTO d1_migrations (name) VALUES (?1)";
        memory.run(later, args!["9998_later.sql"]).unwrap();
        memory.run(later, args!["9999_last.sql"]).unwrap();
        assert_eq!(guarded(&memory), Ok(Some("9999_last.sql".to_owned())));
        let gap = "DELETE FROM d1_migrations WHERE name = ?1";
        memory
            .run(gap, args![MIGRATIONS.get(1).unwrap().name])
            .unwrap();
        assert!(guarded(&memory).unwrap_err().contains(MISSING));
    }

    #[test]
    fn the_lock_is_one_holders_until_its_time_is_over() {
        let memory = Memory::new();
        memory.run(LOCK_TABLE, &[]).unwrap();
        let holder = || {
            let sql = "SELECT holder, failed FROM schema_lock WHERE id = 1";
            memory.rows::<Lock>(sql, &[]).unwrap().remove(0).holder
        };
        let take = |name: &str| memory.run(TAKE, args![name, LOCK_S]).unwrap();
        take("one");
        take("two");
        assert_eq!(holder(), "one");
        assert!(memory.run(HELD, args!["one"]).is_ok());
        let lost = memory.run(HELD, args!["two"]).unwrap_err().to_string();
        assert!(lost.contains("the lock is lost"), "{lost}");
        let over = "UPDATE schema_lock SET ends_at = unixepoch()";
        memory.run(over, &[]).unwrap();
        take("two");
        assert_eq!(holder(), "two");
    }

    #[test]
    fn only_what_speaks_of_the_schema_is_taken_for_it() {
        for text in [
            "D1_ERROR: no such table: d1_migrations: SQLITE_ERROR",
            "D1_ERROR: no such column: d.failed_at at offset 7: SQLITE_ERROR",
            "D1_ERROR: table devices has no column named failed_at: SQLITE_ERROR",
        ] {
            assert!(speaks_of_schema(text), "{text}");
        }
        for text in [
            "D1_ERROR: Network connection lost.",
            "D1_ERROR: UNIQUE constraint failed: devices.mac: SQLITE_CONSTRAINT",
        ] {
            assert!(!speaks_of_schema(text), "{text}");
        }
    }
}
