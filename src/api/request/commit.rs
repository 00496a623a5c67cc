//! How a change ends: what its refusal says, and that it is in effect before it is acknowledged.

use std::future::Future;

use serde::Serialize;

use crate::api::request::answer::Outgoing;
use crate::api::request::etag::IfMatch;
use crate::app::App;
use crate::db::StorageError;
use crate::edge;
use crate::http::problem::{Problem, ProblemKind};
use crate::platform::log;
use crate::store::{Change, ChangeError, Entry};

/// How often a request is worked on until it says that others are always faster.
const MAX_ATTEMPTS: usize = 3;

/// How a change fails.
#[derive(Debug)]
pub enum Failure {
    /// It was only to be tried: the answer, which says what it would do.
    Tried(Box<Outgoing>),
    /// Nothing was written, because of a change at the same moment: the same request may succeed. The
    /// problem is what the operator is told if it does not.
    Overtaken(Problem),
    /// Nothing was written, because the turn of the device in its operation is over: the operation was
    /// cancelled or stopped, or changed the device already. Only a call that has a turn fails like this.
    OutOfTurn(Problem),
    /// Doing it again would end the same.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl Failure {
    /// Adds a member to the document.
    pub fn with(self, name: &'static str, value: impl Serialize) -> Self {
        match self {
            Self::Overtaken(problem) => Self::Overtaken(problem.with(name, value)),
            Self::OutOfTurn(problem) => Self::OutOfTurn(problem.with(name, value)),
            Self::Problem(problem) => Self::Problem(problem.with(name, value)),
            Self::Tried(answer) => Self::Tried(answer),
        }
    }

    /// What the operator is told, where it is a problem.
    pub fn problem(self) -> Problem {
        match self {
            Self::Overtaken(problem) | Self::OutOfTurn(problem) | Self::Problem(problem) => problem,
            Self::Tried(_) => Problem::internal("a trial was taken for a failure"),
        }
    }
}

/// Works on a request, and once more if it was overtaken: it reads what is there now, compares it with
/// `If-Match` and checks it anew. An overtaken change wrote nothing.
///
/// # Errors
/// Whatever `work` says; at last also that it was overtaken.
pub async fn unless_overtaken<T, F>(mut work: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut result = work().await;
    for _ in 1..MAX_ATTEMPTS {
        match &result {
            Err(Failure::Overtaken(_)) => result = work().await,
            _ => break,
        }
    }
    result
}

/// How a change failed that was not written. `taken` are pairs of a unique column and what to
/// say when another row has its value.
pub fn failed(error: ChangeError, if_match: IfMatch, taken: &[(&str, &str)]) -> Failure {
    let error = match error {
        ChangeError::Overtaken => {
            return Failure::Overtaken(if_match.overtaken());
        }
        ChangeError::OverQuota(quota) => return Problem::over(quota).into(),
        ChangeError::NotWaiting => {
            return Failure::OutOfTurn(Problem::conflict(
                "The operation was cancelled or stopped before this device's turn, or changed it already.",
            ));
        }
        ChangeError::Storage(error) => error,
    };
    let message = taken
        .iter()
        .find(|(column, _)| error.violates_unique(column));
    if let Some((_, message)) = message {
        return Problem::conflict(*message).into();
    }
    if error.violates_foreign_key() {
        return Problem::conflict(
            "Something else refers to this, or what this refers to is gone. Nothing was written. Remove what refers to it first, or read again what it refers to and repeat the request.",
        )
        .into();
    }
    error.into()
}

/// Has the edge know of a change of the tenant. A repeated request gets here again even if it
/// changes nothing more, so whoever repeats after a failure is helped.
///
/// # Errors
/// KV or D1 fails: the change must not be acknowledged.
pub async fn publish(app: &App, tenant_id: &str) -> Result<(), Problem> {
    if let Some(unpublished) = &app.unpublished {
        let mut tenants = unpublished.tenants.borrow_mut();
        tenants.insert(tenant_id.to_owned());
        return Ok(());
    }
    edge::publish_tenant(app, tenant_id)
        .await
        .map_err(not_in_effect)
}

/// The same for a change that voids a device's files.
///
/// # Errors
/// As [`publish`].
pub async fn publish_device(app: &App, tenant_id: &str, mac: &str) -> Result<(), Problem> {
    drop_files(app, tenant_id, mac).await?;
    publish(app, tenant_id).await
}

/// The same for a change that makes a device's files anew and fences nothing.
///
/// # Errors
/// As [`publish`].
pub async fn drop_files(app: &App, tenant_id: &str, mac: &str) -> Result<(), Problem> {
    if let Some(unpublished) = &app.unpublished {
        let mut files = unpublished.files.borrow_mut();
        files.insert((tenant_id.to_owned(), mac.to_owned()));
        return Ok(());
    }
    edge::drop_device_files(app, tenant_id, mac)
        .await
        .map_err(not_in_effect)
}

/// The same for a change of many devices: the files of those of these MACs are void, and with `tenant` what KV holds
/// of the tenant is another.
///
/// # Errors
/// As [`publish`].
pub async fn publish_many(
    app: &App,
    tenant_id: &str,
    macs: &[String],
    tenant: bool,
) -> Result<(), Problem> {
    let files: Vec<_> = macs
        .iter()
        .map(|mac| (tenant_id.to_owned(), mac.clone()))
        .collect();
    edge::drop_files_of(app, files.iter())
        .await
        .map_err(not_in_effect)?;
    if tenant {
        publish(app, tenant_id).await?;
    }
    Ok(())
}

/// Makes known what the changes of a step have left to be published: each tenant once.
///
/// # Errors
/// As [`publish`]; what was left is still left.
pub async fn publish_step(app: &App) -> Result<(), StorageError> {
    let Some(unpublished) = &app.unpublished else {
        return Ok(());
    };
    let files = unpublished.files.borrow().clone();
    edge::drop_files_of(app, files.iter()).await?;
    let tenants = unpublished.tenants.borrow().clone();
    for tenant_id in &tenants {
        edge::publish_tenant(app, tenant_id).await?;
    }
    unpublished.files.take();
    unpublished.tenants.take();
    Ok(())
}

/// The problem of a change that is stored and could not be published.
pub fn not_in_effect(error: StorageError) -> Problem {
    Problem {
        internal: Some(error.to_string()),
        ..Problem::new(
            ProblemKind::Unavailable,
            "The change is stored, but could not be made known to the edge, so phones may still get what was before. Repeat the request until it succeeds.",
        )
    }
}

/// The audit entry of something that a pool's object has done: it cannot be one transaction with it.
///
/// # Errors
/// D1 fails. The answer says that it is done all the same, and the log has the entry.
pub async fn enter_late(app: &App, entry: &Entry) -> Result<(), Problem> {
    // Done already, so it is entered whatever room there is.
    let entry = &Entry {
        limited: false,
        turn: None,
        ..entry.clone()
    };
    let Err(error) = Change::of_no_tenant(&app.db).commit(entry).await else {
        return Ok(());
    };
    log::warn(
        "audit_not_written",
        &[
            ("action", entry.action),
            ("tenant", entry.tenant_id.as_deref().unwrap_or_default()),
            ("object", &entry.object),
            ("after", entry.after.as_deref().unwrap_or_default()),
            ("token", &entry.token_id),
            ("address", &entry.address),
            ("request_id", &entry.request_id),
        ],
    );
    Err(Problem {
        internal: Some(error.to_string()),
        ..Problem::new(
            ProblemKind::Unavailable,
            "The change was made, but the audit log could not be written; the Worker's log has the entry. Do not repeat the request.",
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::api::request::commit::*;

    fn storage(text: &str) -> ChangeError {
        ChangeError::from(StorageError::database(text))
    }

    /// How many attempts a request makes that is overtaken `overtaken` times, and what comes of it.
    fn attempts(overtaken: usize) -> (usize, Result<(), Failure>) {
        let attempts = std::cell::Cell::new(0);
        let mut working = std::pin::pin!(unless_overtaken(|| {
            attempts.set(attempts.get() + 1);
            std::future::ready(match attempts.get() {
                n if n <= overtaken => Err(failed(ChangeError::Overtaken, IfMatch::Absent, &[])),
                _ => Ok(()),
            })
        }));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(result) = working.as_mut().poll(&mut context) else {
            panic!("nothing is waited for");
        };
        (attempts.get(), result)
    }

    #[test]
    fn an_overtaken_request_is_worked_on_again_and_not_for_ever() {
        assert!(matches!(attempts(0), (1, Ok(()))));
        assert!(matches!(attempts(2), (3, Ok(()))));
        let (number, result) = attempts(9);
        let status = result.err().map(|it| it.problem().status());
        assert_eq!((number, status), (3, Some(409)));
    }

    #[test]
    fn a_refused_write_says_why() {
        let taken = [("sites.name", "taken")];
        let failed = |error| failed(error, IfMatch::Absent, &taken);
        let unique = failed(storage(
            "D1_ERROR: UNIQUE constraint failed: sites.tenant_id, sites.name",
        ))
        .problem();
        assert_eq!((unique.status(), unique.detail.as_str()), (409, "taken"));
        assert_eq!(
            failed(storage("D1_ERROR: FOREIGN KEY constraint failed"))
                .problem()
                .status(),
            409
        );
        assert_eq!(
            failed(storage("D1_ERROR: Network connection lost."))
                .problem()
                .status(),
            503
        );
        assert_eq!(failed(ChangeError::Overtaken).problem().status(), 409);
        let late = failed(storage(
            "D1_ERROR: NOT NULL constraint failed: operation_devices.outcome: SQLITE_CONSTRAINT",
        ));
        assert!(matches!(&late, Failure::OutOfTurn(problem) if problem.status() == 409));
    }
}
