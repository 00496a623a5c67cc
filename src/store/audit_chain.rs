//! The chain over the audit log, and cuts of it. What is hashed and how: [`audit::chain`](crate::audit::chain).
//!
//! Entries are written without a hash, in the transaction of their change, so that changes do not
//! wait for each other; D1 numbers them. Soon after, [`extend`] takes those that are not in the chain
//! yet, in the order of their numbers. Of two that extend at once one wins, by a compare of the head.

use ringfence_api::admin::audit_chain::{CutRow, Link};
use ringfence_provision::wrap::Keyring;
use ringfence_sql::args;
use serde::Deserialize;

use super::audit::{AUDIT_COLUMNS, AuditRow};
use super::json::json;
use super::{Change, ChangeError};
use crate::audit::chain::{self, Head};
use crate::db::{Db, Statement, StorageError, rows};

/// How many entries are read at once.
const MAX_PAGE_ENTRIES: u32 = 500;

/// How many bytes of entries are read at once, and at least one entry. Entries from before they were
/// bounded may be long.
const MAX_PAGE_BYTES: u64 = 2 * 1024 * 1024;

/// How many pages of entries one call or one run of the cron event takes into the chain, where some are not in it yet.
pub const MAX_PAGES_CHAINED: usize = 10;

/// The chain cannot be extended or cut.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The stored end of the chain does not have the tag that only the Worker can make.
    #[error(
        "the stored end of the audit chain was not written by this deployment: somebody has changed it in the database"
    )]
    Forged,
    /// The tag is under a master key that is not in use.
    #[error(
        "the end of the audit chain is sealed under the master key `{0}`, which is not in use: set it as MASTER_KEY_PREVIOUS and repeat"
    )]
    UnknownKey(String),
    /// Somebody else moved the head; what is there now may be looked at.
    #[error("somebody else was extending or cutting the audit chain: repeat")]
    Overtaken,
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for ChainError {
    fn from(error: StorageError) -> Self {
        let guard = error.violates_not_null();
        if guard.is_some_and(|column| column.starts_with("audit_head.")) {
            Self::Overtaken
        } else {
            Self::Storage(error)
        }
    }
}

impl From<ChangeError> for ChainError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Storage(error) => error.into(),
            // A cut has no guard but the head, and no quota.
            ChangeError::Overtaken | ChangeError::NotWaiting | ChangeError::OverQuota(_) => {
                Self::Overtaken
            }
        }
    }
}

#[derive(Deserialize)]
struct HeadRow {
    #[serde(rename = "$head")]
    head: Head,
    master: String,
    tag: String,
}

/// The head, if its tag is the Worker's, and whether the tag is under the current master key.
async fn head(db: &Db, keyring: &Keyring) -> Result<(Head, bool), ChainError> {
    let row: Option<HeadRow> = db
        .row(
            "SELECT number, hash, cut_number, cut_hash, master, tag FROM audit_head WHERE only = 1",
            &[],
        )
        .await?;
    let Some(row) = row else {
        // None was ever written, or somebody took it away: then there are hashes without it.
        let last: Option<Option<u64>> =
            db.value("SELECT max(number) FROM audit_chain", &[]).await?;
        let cut: Option<Option<u64>> = db.value("SELECT max(number) FROM audit_cuts", &[]).await?;
        return match last.flatten().or(cut.flatten()) {
            None => Ok((Head::start(), true)),
            Some(_) => Err(ChainError::Forged),
        };
    };
    let key = keyring
        .find(&row.master)
        .map_err(|_| ChainError::UnknownKey(row.master.clone()))?;
    if row.head.tag(key) != row.tag {
        return Err(ChainError::Forged);
    }
    Ok((row.head, row.master == keyring.current().id()))
}

/// Takes up to `pages` pages of entries into the chain; the head afterwards.
///
/// # Errors
/// [`ChainError`]. What was taken stays taken.
pub async fn extend(db: &Db, keyring: &Keyring, pages: usize) -> Result<Head, ChainError> {
    let (mut head, current) = head(db, keyring).await?;
    if !current {
        // A rotation goes on: the previous master key will not be there for long.
        db.batch(vec![put_head(keyring, &head, &head)]).await?;
    }
    for _ in 0..pages {
        let entries = page(db, head.number, None, MAX_PAGE_ENTRIES).await?;
        let Some(next) = linked(&head, &entries) else {
            break;
        };
        let (end, hashes) = next;
        let moved = Head {
            number: end.number,
            hash: end.hash,
            ..head.clone()
        };
        let statements = vec![
            put_head(keyring, &head, &moved),
            Statement::new(
                "INSERT INTO audit_chain (number, hash) \
                 SELECT value ->> 0, value ->> 1 FROM json_each(?1)",
                args![json(&hashes)?],
            ),
        ];
        db.batch(statements).await?;
        head = moved;
    }
    Ok(head)
}

/// The links of entries after a head, and the last of them. An entry that is missing is passed over
/// here: verification tells of it, and the log goes on.
fn linked(
    head: &Head,
    entries: &[(AuditRow, Option<String>)],
) -> Option<(Link, Vec<(u64, String)>)> {
    let mut link = head.end();
    let hashes: Vec<(u64, String)> = entries
        .iter()
        .map(|(row, _)| {
            link = chain::next_link(&link, row);
            (link.number, link.hash.clone())
        })
        .collect();
    (!hashes.is_empty()).then_some((link, hashes))
}

/// Writes the head over the one that was read, or fails the batch.
fn put_head(keyring: &Keyring, was: &Head, is: &Head) -> Statement {
    let key = keyring.current();
    Statement::new(
        "INSERT INTO audit_head (only, number, hash, cut_number, cut_hash, master, tag) \
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (only) DO UPDATE SET \
         number = CASE WHEN audit_head.number = ?7 AND audit_head.hash = ?8 \
         AND audit_head.cut_number = ?9 THEN excluded.number END, \
         hash = excluded.hash, cut_number = excluded.cut_number, cut_hash = excluded.cut_hash, \
         master = excluded.master, tag = excluded.tag",
        args![
            is.number,
            &is.hash,
            is.cut_number,
            &is.cut_hash,
            key.id(),
            is.tag(key),
            was.number,
            &was.hash,
            was.cut_number
        ],
    )
}

/// Entries after a number, with the hash that each has if it is in the chain: at most `limit`, and not
/// more than fit into memory. `until` leaves out what came at that time or later.
pub async fn page(
    db: &Db,
    after: u64,
    until: Option<u64>,
    limit: u32,
) -> Result<Vec<(AuditRow, Option<String>)>, StorageError> {
    #[derive(Deserialize)]
    struct Chained {
        #[serde(rename = "$row")]
        row: AuditRow,
        hash: Option<String>,
    }
    // The sizes come first, by themselves: of what does not fit nothing is read.
    let found: Vec<Chained> = db
        .rows(
            &format!(
                "SELECT {AUDIT_COLUMNS}, (SELECT hash FROM audit_chain c WHERE c.number = audit.number) \
                 AS hash FROM (SELECT number AS nth, bytes, sum(bytes) OVER (ORDER BY number) AS total, \
                 max(at >= ?3) OVER (ORDER BY number) AS late FROM (SELECT number, at, \
                 coalesce(octet_length(before), 0) + coalesce(octet_length(after), 0) AS bytes \
                 FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2)) \
                 CROSS JOIN audit ON audit.number = nth \
                 WHERE (total <= ?4 OR total = bytes) AND (?3 IS NULL OR late = 0) ORDER BY nth"
            ),
            args![after, limit.min(MAX_PAGE_ENTRIES), until, MAX_PAGE_BYTES],
        )
        .await?;
    Ok(found
        .into_iter()
        .map(|chained| (chained.row, chained.hash))
        .collect())
}

/// Of the entries after the number `after`: where a file of them ends that has at most `limit` entries and `bytes` bytes,
/// and at least one entry, and how many entries it has; nothing, where there is no entry.
pub async fn extent(
    db: &Db,
    after: u64,
    limit: u32,
    bytes: u64,
) -> Result<Option<Extent>, StorageError> {
    db.row(
        "SELECT max(number) AS number, count(*) AS entries FROM (SELECT number, bytes, \
         sum(bytes) OVER (ORDER BY number) AS total FROM (SELECT number, \
         coalesce(octet_length(before), 0) + coalesce(octet_length(after), 0) AS bytes \
         FROM audit WHERE number > ?1 ORDER BY number LIMIT ?2)) \
         WHERE total <= ?3 OR total = bytes HAVING count(*) > 0",
        args![after, limit, bytes],
    )
    .await
}

/// Entries that follow each other.
#[derive(Clone, Debug, Deserialize)]
pub struct Extent {
    /// The number of the last one.
    pub number: u64,
    pub entries: u64,
}

/// The link of an entry of the chain, as it is stored.
pub async fn link(db: &Db, number: u64) -> Result<Option<Link>, StorageError> {
    db.row(
        "SELECT number, hash FROM audit_chain WHERE number = ?1",
        args![number],
    )
    .await
}

/// How many entries are not in the chain yet, and the number of the last one that is stored with a
/// hash.
pub async fn beyond(db: &Db, head: &Head) -> Result<(u64, u64), StorageError> {
    let pending: Option<u64> = db
        .value(
            "SELECT count(*) FROM audit WHERE number > ?1",
            args![head.number],
        )
        .await?;
    let last: Option<Option<u64>> = db.value("SELECT max(number) FROM audit_chain", &[]).await?;
    Ok((
        pending.unwrap_or_default(),
        last.flatten().unwrap_or(head.cut_number),
    ))
}

/// The cuts, the newest first.
pub async fn cuts(db: &Db, limit: u32) -> Result<Vec<CutRow>, StorageError> {
    db.rows(
        "SELECT number, hash, first_number, first_hash, entries, first_at, last_at, token_id, at \
         FROM audit_cuts WHERE number > 0 ORDER BY number DESC LIMIT ?1",
        args![limit],
    )
    .await
}

/// The first entry that is left after `number`, and the one of exactly `last`: number, hash and time.
pub async fn period(
    db: &Db,
    after: u64,
    last: u64,
) -> Result<Option<(Stamp, Stamp)>, StorageError> {
    let [first, last] = db
        .batch_of([
            Statement::new(
                &format!("SELECT {STAMP} WHERE a.number > ?1 ORDER BY a.number LIMIT 1"),
                args![after],
            ),
            Statement::new(&format!("SELECT {STAMP} WHERE a.number = ?1"), args![last]),
        ])
        .await?;
    let (mut first, mut last): (Vec<Stamp>, Vec<Stamp>) = (rows(&first)?, rows(&last)?);
    Ok(first.pop().zip(last.pop()))
}

const STAMP: &str = "a.number, a.at, c.hash FROM audit a JOIN audit_chain c ON c.number = a.number";

/// An entry of the chain in short.
#[derive(Clone, Debug, Deserialize)]
pub struct Stamp {
    pub number: u64,
    pub at: u64,
    pub hash: String,
}

/// Cuts the log up to an entry of the chain, with the audit entry of the cut; the rows go then, or with
/// [`sweep`].
pub async fn cut(
    db: &Db,
    keyring: &Keyring,
    head: &Head,
    cut: &CutRow,
    entry: &super::Entry,
) -> Result<(), ChainError> {
    let moved = Head {
        cut_number: cut.number,
        cut_hash: cut.hash.clone(),
        ..head.clone()
    };
    let mut change = Change::of_no_tenant(db);
    change.add(put_head(keyring, head, &moved));
    change.push(
        "INSERT INTO audit_cuts (number, hash, first_number, first_hash, entries, first_at, \
         last_at, token_id, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        args![
            cut.number,
            &cut.hash,
            cut.first_number,
            &cut.first_hash,
            cut.entries,
            cut.first_at,
            cut.last_at,
            &cut.token_id,
            cut.at
        ],
    );
    for statement in sweeping() {
        change.add(statement);
    }
    Ok(change.write(entry).await?)
}

/// How many rows of a table one sweep removes.
const MAX_SWEPT: u32 = 2_000;

fn sweeping() -> [Statement; 2] {
    // The triggers let nothing else go.
    [
        Statement::new(
            "DELETE FROM audit_chain WHERE number IN (SELECT number FROM audit_chain \
             WHERE number <= (SELECT max(number) FROM audit_cuts) ORDER BY number LIMIT ?1)",
            args![MAX_SWEPT],
        ),
        Statement::new(
            "DELETE FROM audit WHERE number IN (SELECT number FROM audit \
             WHERE number <= (SELECT max(number) FROM audit_cuts) ORDER BY number LIMIT ?1)",
            args![MAX_SWEPT],
        ),
    ]
}

/// Removes some rows of what was cut.
pub async fn sweep(db: &Db) -> Result<(), StorageError> {
    db.batch(sweeping().into()).await.map(drop)
}
