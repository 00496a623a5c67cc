//! Lists in the order of ids, the newest first, with several filters.
//!
//! A page is read by the index of one filter; what the others leave out is looked at and not shown,
//! [`MAX_LOOKED_AT`] rows for a page at most. One that ends there is shorter than asked for, and says where the
//! next one goes on.

use ringfence_sql::Arg;
use serde::de::DeserializeOwned;

use super::LAST_ID;
use crate::db::{Db, StorageError};

/// The most rows that are looked at for a page.
pub const MAX_LOOKED_AT: u32 = 5_000;

/// A condition whose value comes behind it.
pub(super) type Condition<'a> = (&'static str, Arg<'a>);

/// What a page is read from.
pub(super) struct Page<'a> {
    pub columns: &'static str,
    /// The table, with the index that answers `within` in the order of `id`.
    pub source: &'static str,
    pub within: Vec<Condition<'a>>,
    /// Conditions that each row is looked at for.
    pub besides: Vec<Condition<'a>>,
    /// Only ids below this one.
    pub below: Option<&'a str>,
    /// Only ids from this one on.
    pub from: Option<&'a str>,
}

/// What was found for a page. `At` is where a page can begin: below an id, or behind another place in a list.
#[derive(Debug)]
pub struct PageRows<T, At = String> {
    pub rows: Vec<T>,
    /// Where to go on, if the bound was reached before the page was full.
    pub ended_at: Option<At>,
}

impl Page<'_> {
    /// Reads it.
    pub async fn read<T: DeserializeOwned>(
        &self,
        db: &Db,
        limit: u32,
    ) -> Result<PageRows<T>, StorageError> {
        let (sql, args) = self.rows(limit);
        let rows: Vec<T> = db.rows(&sql, &args).await?;
        let mut ended_at = None;
        if !self.besides.is_empty() && rows.len() < limit as usize {
            let (sql, args) = self.last();
            ended_at = db.value(&sql, &args).await?;
        }
        Ok(PageRows { rows, ended_at })
    }

    /// What is looked at, the newest first.
    fn looked_at(&self, columns: &str, most: u32) -> (String, Vec<Arg<'_>>) {
        let mut args: Vec<Arg<'_>> = vec![self.below.unwrap_or(LAST_ID).into()];
        let mut sql = format!("SELECT {columns} FROM {} WHERE id < ?1", self.source);
        push(&mut sql, &mut args, &self.within);
        if let Some(from) = self.from {
            args.push(from.into());
            sql.push_str(&format!(" AND id >= ?{}", args.len()));
        }
        args.push(most.into());
        sql.push_str(&format!(" ORDER BY id DESC LIMIT ?{}", args.len()));
        (sql, args)
    }

    fn rows(&self, limit: u32) -> (String, Vec<Arg<'_>>) {
        let most = match self.besides.is_empty() {
            true => limit,
            false => MAX_LOOKED_AT,
        };
        let (rows, mut args) = self.looked_at(self.columns, most);
        // A list within a list: with its own limit it is read row by row, and no further than the page needs.
        let mut sql = format!("SELECT {} FROM ({rows}) WHERE 1", self.columns);
        push(&mut sql, &mut args, &self.besides);
        args.push(limit.into());
        sql.push_str(&format!(" LIMIT ?{}", args.len()));
        (sql, args)
    }

    fn last(&self) -> (String, Vec<Arg<'_>>) {
        let (ids, mut args) = self.looked_at("id", MAX_LOOKED_AT);
        args.push((MAX_LOOKED_AT - 1).into());
        let place = args.len();
        (
            format!("SELECT id FROM ({ids}) LIMIT 1 OFFSET ?{place}"),
            args,
        )
    }
}

fn push<'b>(sql: &mut String, args: &mut Vec<Arg<'b>>, conditions: &'b [Condition<'_>]) {
    for (condition, value) in conditions {
        args.push(value.reborrow());
        sql.push_str(&format!(" AND {condition} ?{}", args.len()));
    }
}
