//! D1 as the queue asks it.

use ringfence_provision::vendor::DEFAULT_EVENT;
use ringfence_queue::engine::{Device, DueDevice, DueJob, Expansion};
use ringfence_queue::target::{self, Settings, TargetError};
use worker::Env;

use crate::db::{Db, StorageError};
use crate::platform::{self, config};
use crate::store::fleet::{self, FleetRow};

/// What there is to know of the due jobs' devices.
///
/// # Errors
/// D1 does not answer, or there are no master keys.
pub async fn look_up(
    env: &Env,
    due_jobs: Vec<DueJob>,
) -> Result<Vec<(DueJob, DueDevice)>, StorageError> {
    let db = Db::new(env)?;
    let ids: Vec<&str> = due_jobs
        .iter()
        .map(|due_job| due_job.device.as_str())
        .collect();
    let rows = fleet::by_ids(&db, &ids).await?;
    let known = with_settings(env, &db, rows).await?;
    Ok(due_jobs
        .into_iter()
        .map(|due_job| {
            let same = |row: &FleetRow| row.id == due_job.device && row.tenant_id == due_job.tenant;
            let found = match known.iter().find(|(row, _)| same(row)) {
                None => DueDevice::Deleted,
                Some((row, _)) if row.disabled != 0 => DueDevice::Disabled,
                Some((row, settings)) => DueDevice::InService {
                    fetched: row.fetched(),
                    message: match settings {
                        Ok(settings) => target::message(settings).map(Box::new),
                        Err(error) => Err(error.clone()),
                    },
                },
            };
            (due_job, found)
        })
        .collect())
}

/// The devices of an expansion, and the last one's id.
///
/// # Errors
/// D1 does not answer, or there are no master keys.
pub async fn expand(
    env: &Env,
    pool: &str,
    asked: &Expansion,
) -> Result<(Vec<Device>, String), StorageError> {
    let db = Db::new(env)?;
    let rows = match &asked.macs {
        Some(macs) => fleet::by_macs(&db, &asked.tenant, pool, macs).await?,
        None => {
            fleet::next(
                &db,
                &asked.tenant,
                pool,
                &asked.selection,
                &asked.cursor,
                asked.limit,
            )
            .await?
        }
    };
    let last = rows
        .last()
        .map_or_else(|| asked.cursor.clone(), |row| row.id.clone());
    let now = platform::now();
    let devices = with_settings(env, &db, rows)
        .await?
        .into_iter()
        .map(|(row, settings)| {
            let (settings, unreadable) = match settings {
                Ok(settings) => (settings, None),
                Err(error) => (Settings::new(&[], DEFAULT_EVENT), Some(error)),
            };
            let event = match &asked.event {
                Some(event) => Ok(event.clone()),
                None => target::event(&settings),
            };
            let problem = unreadable
                .or_else(|| target::message(&settings).err())
                .or_else(|| event.as_ref().err().cloned());
            let event = event.unwrap_or_else(|_| DEFAULT_EVENT.to_owned());
            Device {
                job: row.new_job(platform::new_id(now), &settings, event),
                problem,
            }
        })
        .collect();
    Ok((devices, last))
}

async fn with_settings(
    env: &Env,
    db: &Db,
    rows: Vec<FleetRow>,
) -> Result<Vec<(FleetRow, Result<Settings, TargetError>)>, StorageError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let keyring = config::keyring(env).map_err(|error| StorageError::Config(error.0))?;
    let settings = fleet::settings(db, &keyring, &rows).await?;
    Ok(rows.into_iter().zip(settings).collect())
}
