//! A change of a tenant's data: guard, version, the change itself and its audit entry, as one D1
//! transaction.
//!
//! Every change takes the tenant's next `seq`. The same statement holds the guard: where its
//! condition does not hold, `seq` would become NULL, which the schema refuses, and with it D1 rolls
//! the whole batch back. So what a change was decided on is still true when it is written, or
//! nothing is written, not even the audit entry.
//!
//! What a change was checked against is more than what it writes: other layers, other devices. That
//! is its [`CheckedAgainst`], and part of the guard.
//!
//! The last statement takes the database a step further ([`super::standing`]).

use ringfence_sql::{Arg, args};

use super::audit::Entry;
use super::history::ObjectHistory;
use super::json::json;
use super::object::{Object, layer_key};
use super::{standing, turn};
use crate::db::{D1Result, Db, Statement, StorageError};
use crate::model::limits::Quota;
use crate::model::standing::Step;

/// The version that a statement after the first of a [`Change`] gives to what it writes; `?1` is
/// the tenant.
pub const SEQ: &str = "(SELECT seq FROM tenants WHERE id = ?1)";

/// What a change makes stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidates {
    /// Files of one device, or of none.
    Device,
    /// Files of everything below: the tenant's version goes up too.
    Tenant,
}

/// What a change was checked against: the tenant as it was when the reading for it began, and the
/// device that it is about, if it is about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedAgainst {
    pub tenant_id: String,
    /// The last change of anything in the tenant.
    pub seq: u64,
    /// The last change above the devices.
    pub version: u64,
    /// Id and version.
    pub device: Option<(String, u64)>,
}

impl CheckedAgainst {
    /// That all of it is still so when a change that makes `invalidates` stale is written, and the values
    /// of the condition, which begin at `?first`. What is above devices was checked with all of them,
    /// so nothing may have changed; a device with what is above it, so other devices may have.
    fn condition(&self, invalidates: Invalidates, first: usize) -> (String, Vec<Arg<'_>>) {
        let (mut condition, mut values) = match invalidates {
            Invalidates::Tenant => (format!("seq = ?{first}"), vec![self.seq.into()]),
            Invalidates::Device => (format!("version = ?{first}"), vec![self.version.into()]),
        };
        if let Some((id, version)) = &self.device {
            // A new one is not there yet; one that was deleted is for the change's own guard.
            condition.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM devices WHERE id = ?{} AND version <> ?{})",
                first + 1,
                first + 2
            ));
            values.extend([id.into(), Arg::from(*version)]);
        }
        (condition, values)
    }
}

/// A change was not written.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else changed the same thing, or what this was checked against, in the meantime; or
    /// added the model that it would add, or used the code that it would use.
    #[error("overtaken by another change")]
    Overtaken,
    /// An operation would change a device out of turn: twice, or after it was cancelled or stopped.
    #[error("it is not this device's turn")]
    NotWaiting,
    /// The tenant would use more than it may.
    #[error("the tenant's quota of {}", .0.name())]
    OverQuota(Quota),
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for ChangeError {
    fn from(error: StorageError) -> Self {
        if turn::is_over(&error) {
            return Self::NotWaiting;
        }
        // The last one: what an operation selects is no device any more, or too many.
        let guarded = matches!(
            error.violates_not_null(),
            Some("tenants.seq" | "sessions.token_id" | "operations.devices")
        );
        if guarded || error.violates_unique("models.name") {
            Self::Overtaken
        } else {
            Self::Storage(error)
        }
    }
}

/// The statements of one change, in the order in which they run.
pub struct Change<'a> {
    db: &'a Db,
    statements: Vec<Statement>,
    /// What it is held to, each by a statement.
    quotas: Vec<Quota>,
    /// What it gives a new version.
    histories: Vec<ObjectHistory>,
}

impl<'a> Change<'a> {
    /// A change that nothing stands against.
    pub fn new(db: &'a Db, tenant_id: &str, invalidates: Invalidates) -> Self {
        Self::guarded(db, tenant_id, invalidates, "1", &[])
    }

    /// A change that is written only while `condition` holds. In it the tenant is `?1` and
    /// `values` begin at `?2`.
    pub fn guarded(
        db: &'a Db,
        tenant_id: &str,
        invalidates: Invalidates,
        condition: &str,
        values: &[Arg<'_>],
    ) -> Self {
        let mut all = vec![Arg::Text(tenant_id)];
        all.extend(values.iter().map(Arg::reborrow));
        let guard = Statement::new(&guard(invalidates, condition), &all);
        Self {
            db,
            statements: vec![guard],
            quotas: Vec::new(),
            histories: Vec::new(),
        }
    }

    /// The same for a change that was checked: it is written only while what it was checked against holds too.
    pub fn checked(
        db: &'a Db,
        checked_against: &CheckedAgainst,
        invalidates: Invalidates,
        condition: &str,
        values: &[Arg<'_>],
    ) -> Self {
        let (unmoved, more) = checked_against.condition(invalidates, values.len() + 2);
        let mut all: Vec<Arg<'_>> = values.iter().map(Arg::reborrow).collect();
        all.extend(more);
        let condition = format!("({condition}) AND {unmoved}");
        Self::guarded(
            db,
            &checked_against.tenant_id,
            invalidates,
            &condition,
            &all,
        )
    }

    /// Makes it a change of a second tenant too: that one also takes its next `seq`, and unless
    /// `condition` holds there, nothing of all this is written. In the condition the tenant is `?1` and
    /// `values` begin at `?2`.
    pub fn also_guarded(
        &mut self,
        tenant_id: &str,
        invalidates: Invalidates,
        condition: &str,
        values: &[Arg<'_>],
    ) {
        let mut all = vec![Arg::Text(tenant_id)];
        all.extend(values.iter().map(Arg::reborrow));
        self.push(&guard(invalidates, condition), &all);
    }

    /// A change of what belongs to no tenant: no version, and no guard but what its statements say.
    pub fn of_no_tenant(db: &'a Db) -> Self {
        Self {
            db,
            statements: Vec::new(),
            quotas: Vec::new(),
            histories: Vec::new(),
        }
    }

    /// Adds a statement that is made already; the place of its result in [`commit`](Self::commit).
    pub fn add(&mut self, statement: Statement) -> usize {
        self.statements.push(statement);
        self.statements.len() - 1
    }

    /// Adds a statement.
    pub fn push(&mut self, sql: &str, values: &[Arg<'_>]) {
        self.statements.push(Statement::new(sql, values));
    }

    /// Holds the change to a quota of the tenant: to be called after the statements that use more of it.
    /// Of the quotas that are counted (sites, models, tokens, bytes of templates) a change has one.
    pub fn within(&mut self, tenant_id: &str, quota: Quota) {
        self.statements.push(quota.statement(tenant_id));
        self.quotas.push(quota);
    }

    /// Has the versions of something kept: to be called before the statements that change it. What it is then
    /// becomes a version with the change, in the name of who makes it.
    pub fn keep(&mut self, tenant_id: &str, object: Object, now: u64) {
        let history = ObjectHistory::new(tenant_id, object);
        for (sql, values) in history.before(now) {
            self.push(&sql, &values);
        }
        self.histories.push(history);
    }

    /// Has objects and all that was kept of them gone.
    ///
    /// # Errors
    /// The names of the objects do not serialise.
    pub(super) fn forget(
        &mut self,
        tenant_id: &str,
        objects: &[String],
    ) -> Result<(), StorageError> {
        self.push(
            "DELETE FROM versions WHERE tenant_id = ?1 \
             AND object IN (SELECT value FROM json_each(?2))",
            args![tenant_id, json(objects)?],
        );
        Ok(())
    }

    /// Has the layer of a scope gone, with what it was before.
    ///
    /// # Errors
    /// As [`forget`](Self::forget).
    pub(super) fn delete_layer(
        &mut self,
        tenant_id: &str,
        scope: &str,
    ) -> Result<(), StorageError> {
        for table in ["settings", "layers"] {
            self.push(
                &format!("DELETE FROM {table} WHERE tenant_id = ?1 AND scope = ?2"),
                args![tenant_id, scope],
            );
        }
        self.forget(tenant_id, &[layer_key(scope)])
    }

    /// Adds an audit entry besides the one that it is written with.
    pub fn enter(&mut self, entry: &Entry) {
        self.statements.push(entry.statement());
    }

    /// Writes the change and its audit entry, or neither.
    ///
    /// # Errors
    /// The guard does not hold, or D1 fails or refuses a row.
    pub async fn write(self, entry: &Entry) -> Result<(), ChangeError> {
        self.commit(entry).await.map(drop)
    }

    /// The same, with what each statement gave.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn commit(mut self, entry: &Entry) -> Result<Vec<D1Result>, ChangeError> {
        for history in std::mem::take(&mut self.histories) {
            for (sql, values) in history.after(entry) {
                self.push(&sql, &values);
            }
        }
        self.statements.push(entry.statement());
        if let Some(turn) = &entry.turn {
            self.statements.push(turn.take());
        }
        if let Some(tenant_id) = entry.tenant_id.as_deref().filter(|_| entry.limited) {
            self.within(tenant_id, Quota::AuditBytes);
        }
        self.statements.push(standing::advance(&entry.id));
        let quotas = self.quotas;
        let results = self.db.batch(self.statements).await.map_err(|error| {
            Quota::refused(&quotas, &error).map_or_else(|| error.into(), ChangeError::OverQuota)
        })?;
        let last = results
            .last()
            .ok_or_else(|| StorageError::database("a batch lost a result"))?;
        self.db.record_step(Step {
            standing: standing::one(last)?,
            action: entry.action.to_owned(),
            tenant: entry.tenant_id.clone(),
            object: entry.object.clone(),
            token: entry.token_id.clone(),
            generation: None,
            at: entry.at,
        });
        Ok(results)
    }
}

fn guard(invalidates: Invalidates, condition: &str) -> String {
    let version = match invalidates {
        Invalidates::Device => "",
        Invalidates::Tenant => ", version = seq + 1",
    };
    format!(
        "UPDATE tenants SET seq = CASE WHEN {condition} THEN seq + 1 END{version} WHERE id = ?1"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_that_does_not_hold_would_leave_no_sequence_number() {
        assert_eq!(
            guard(
                Invalidates::Tenant,
                "EXISTS (SELECT 1 FROM sites WHERE id = ?2)"
            ),
            "UPDATE tenants SET seq = CASE WHEN EXISTS (SELECT 1 FROM sites WHERE id = ?2) \
             THEN seq + 1 END, version = seq + 1 WHERE id = ?1"
        );
    }

    #[test]
    fn what_was_checked_holds_as_far_as_the_change_reaches() {
        let above = CheckedAgainst {
            tenant_id: "T".into(),
            seq: 9,
            version: 7,
            device: None,
        };
        let (condition, values) = above.condition(Invalidates::Tenant, 4);
        assert_eq!(condition, "seq = ?4");
        assert!(matches!(values.as_slice(), [Arg::Int(9)]));
        let near = CheckedAgainst {
            device: Some(("D".into(), 8)),
            ..above
        };
        let (condition, values) = near.condition(Invalidates::Device, 2);
        assert_eq!(
            condition,
            "version = ?2 AND NOT EXISTS (SELECT 1 FROM devices WHERE id = ?3 AND version <> ?4)"
        );
        assert!(matches!(
            values.as_slice(),
            [Arg::Int(7), Arg::Text("D"), Arg::Int(8)]
        ));
    }

    #[test]
    fn a_failed_guard_is_told_from_a_failed_database() {
        let overtaken = StorageError::database(
            "D1_ERROR: NOT NULL constraint failed: tenants.seq: SQLITE_CONSTRAINT",
        );
        assert!(matches!(overtaken.into(), ChangeError::Overtaken));
        let added = StorageError::database(
            "D1_ERROR: UNIQUE constraint failed: models.tenant_id, models.name",
        );
        assert!(matches!(added.into(), ChangeError::Overtaken));
        let broken = StorageError::database("D1_ERROR: Network connection lost.");
        assert!(matches!(broken.into(), ChangeError::Storage(_)));
    }
}
