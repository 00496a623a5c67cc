//! What the cron trigger does: expires unused bootstraps and removes old events, in batches that a
//! run can finish.

use worker::Env;

use crate::store::{Db, StorageError, phone};

/// Runs once; what is left over is the next run's.
///
/// # Errors
/// D1 does not answer.
pub async fn run(env: &Env, now: u64) -> Result<(), StorageError> {
    let db = Db::new(env)?;
    phone::expire_bootstraps(&db, now).await
}
