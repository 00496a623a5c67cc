//! Rotation of the master key.
//!
//! 1. `MASTER_KEY` becomes `MASTER_KEY_PREVIOUS`, a new one with another id takes its place: from
//!    now on everything is wrapped under the new one and the old one still opens.
//! 2. `POST /api/v1/rotation` until `remaining` is 0. It may stop and start again anywhere. At the end
//!    it takes files out of KV that the old master key wraps; they are made again when they are asked
//!    for.
//! 3. `MASTER_KEY_PREVIOUS` goes.

use ringfence_api::admin::rotation::{RotationView, StepInput};
use ringfence_api::answer::Shown;
use ringfence_api::query::Nothing;
use ringfence_provision::key::DeviceKey;
use ringfence_provision::wrap::Keyring;
use serde_json::json;
use zeroize::Zeroizing;

use crate::api::request::call::Call;
use crate::api::request::commit::{self, Failure};
use crate::api::request::secret::wrap;
use crate::app::App;
use crate::edge;
use crate::files::seal::key_identity;
use crate::http::problem::Problem;
use crate::platform::log;
use crate::store::access_paths::segment_identity;
use crate::store::audit_chain::{self, ChainError};
use crate::store::pools::password_identity;
use crate::store::rotation::{
    self, Count, KeyRow, NewKey, NewPassword, NewPastSecret, NewSecret, NewSegment,
    NewWebhookSecret, PastSecretRow, Rewrapped, SecretRow,
};
use crate::store::settings::associated_data;
use crate::store::webhooks::secret_identity;

/// How many values a step wraps again unless the request says otherwise, and at most.
const DEFAULT: u32 = 50;
const MAX_STEP: u32 = 90;

/// How many values are read at a time.
const MAX_READ: u32 = 200;

/// `getRotation`.
pub async fn show(call: Call) -> Result<Shown<RotationView>, Problem> {
    let view = state(&call.app).await?;
    Ok(Shown(with_files(&call.app, view, false).await?))
}

/// Adds the files in KV that the previous master key wraps, and removes some if `remove` says so.
/// Nothing is wrapped again there: whoever asks next has it made anew. One that a request has just
/// stored with the old key is found by the next step.
async fn with_files(app: &App, view: RotationView, remove: bool) -> Result<RotationView, Problem> {
    if view.previous.is_none() {
        return Ok(view);
    }
    let files = edge::files_not_under(app, &view.current, remove).await?;
    Ok(RotationView {
        remaining: view.remaining + files,
        files,
        ..view
    })
}

/// `rotate`.
pub async fn step(call: Call<Nothing, StepInput>) -> Result<Shown<RotationView>, Failure> {
    let app = &call.app;
    let limit = call.body.limit.unwrap_or(DEFAULT);
    if !(1..=MAX_STEP).contains(&limit) {
        return Err(Problem::invalid_value(format!("`limit` is 1 to {MAX_STEP}.")).into());
    }
    let Some(previous) = app.keyring.previous() else {
        let view = state(app).await?;
        return Ok(Shown(RotationView {
            rewrapped: Some(0),
            ..view
        }));
    };
    // What does not open stays under the previous master key and comes first in every step: a step
    // counts what it wraps, and reads on behind what it cannot.
    let mut work = Work {
        app,
        previous: previous.id(),
        limit: limit as usize,
        done: Rewrapped::default(),
        failed: Vec::new(),
    };
    work.keys().await?;
    work.secrets().await?;
    work.segments().await?;
    work.past_secrets().await?;
    work.webhook_secrets().await?;
    work.passwords().await?;
    let Work {
        done, mut failed, ..
    } = work;
    let mut number = done.len();
    if number > 0 {
        let current = app.keyring.current().id();
        let after = json!({ "master": current, "rewrapped": number });
        let before = json!({ "master": previous.id() });
        let entry = call.entry("rotation.step", "rotation", Some(before), Some(after));
        number = rotation::write(&app.db, current, &done, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    // The end of the audit chain goes under the current master key too. If it does not, it remains, and
    // the next step tries again.
    if let Err(error) = audit_chain::extend(&app.db, &app.keyring, 1).await {
        log::warn("audit_not_chained", &[("error", &error.to_string())]);
        let master = rotation::chain_master(&app.db).await?;
        if matches!(error, ChainError::Forged) && master.as_deref() == Some(previous.id()) {
            failed.push("audit_head".to_owned());
        }
    }
    let view = state(app).await?;
    let view = RotationView {
        rewrapped: Some(number),
        remaining: view.remaining.saturating_sub(failed.len() as u64),
        failed,
        ..view
    };
    // The database first: until all of it is done, files may be made from what is left. Nor are they counted until then,
    // for that reads the names of all there are.
    Ok(Shown(match view.remaining {
        0 => with_files(app, view, true).await?,
        _ => view,
    }))
}

/// A step, as far as it has come.
struct Work<'a> {
    app: &'a App,
    /// Id of the master key that is to be done without.
    previous: &'a str,
    limit: usize,
    done: Rewrapped,
    /// The places of values that do not open.
    failed: Vec<String>,
}

impl Work<'_> {
    fn is_done(&self) -> bool {
        self.done.len() >= self.limit
    }

    async fn keys(&mut self) -> Result<(), Problem> {
        let mut after = String::new();
        while !self.is_done() {
            let rows = rotation::keys_under(&self.app.db, self.previous, &after, MAX_READ).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            for row in rows {
                if self.is_done() {
                    break;
                }
                let place = key_identity(&row.id, row.generation);
                match new_key(&self.app.keyring, row, &place)? {
                    Some(key) => self.done.keys.push(key),
                    None => self.failed.push(place),
                }
            }
        }
        Ok(())
    }

    async fn secrets(&mut self) -> Result<(), Problem> {
        let mut after = [String::new(), String::new(), String::new()];
        while !self.is_done() {
            let behind = after.each_ref().map(String::as_str);
            let rows =
                rotation::secrets_under(&self.app.db, self.previous, behind, MAX_READ).await?;
            let Some(last) = rows.last() else { break };
            after = [&last.tenant_id, &last.scope, &last.name].map(Clone::clone);
            for row in rows {
                if self.is_done() {
                    break;
                }
                let place = associated_data(&row.tenant_id, &row.scope, &row.name);
                match new_secret(&self.app.keyring, row, &place)? {
                    Some(secret) => self.done.secrets.push(secret),
                    None => self.failed.push(place),
                }
            }
        }
        Ok(())
    }

    async fn segments(&mut self) -> Result<(), Problem> {
        let mut after = String::new();
        while !self.is_done() {
            let rows =
                rotation::segments_under(&self.app.db, self.previous, &after, MAX_READ).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            for row in rows {
                if self.is_done() {
                    break;
                }
                let place = segment_identity(&row.tenant_id, &row.id);
                match opened(&self.app.keyring, &place, &row.segment) {
                    Some(plain) => self.done.segments.push(NewSegment {
                        wrapped: wrap(&self.app.keyring, &place, &plain)?,
                        row,
                    }),
                    None => self.failed.push(place),
                }
            }
        }
        Ok(())
    }

    async fn webhook_secrets(&mut self) -> Result<(), Problem> {
        let mut after = (String::new(), 0);
        while !self.is_done() {
            let (db, behind) = (&self.app.db, (&*after.0, after.1));
            let rows = rotation::webhook_secrets_under(db, self.previous, behind, MAX_READ).await?;
            let Some(last) = rows.last() else { break };
            after = (last.webhook_id.clone(), last.number);
            for row in rows {
                if self.is_done() {
                    break;
                }
                let place = secret_identity(&row.webhook_id, row.number);
                match opened(&self.app.keyring, &place, &row.secret) {
                    Some(plain) => self.done.webhooks.push(NewWebhookSecret {
                        wrapped: wrap(&self.app.keyring, &place, &plain)?,
                        row,
                    }),
                    None => self.failed.push(place),
                }
            }
        }
        Ok(())
    }

    async fn passwords(&mut self) -> Result<(), Problem> {
        let mut after = String::new();
        while !self.is_done() {
            let rows =
                rotation::passwords_under(&self.app.db, self.previous, &after, MAX_READ).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.pool_id);
            for row in rows {
                if self.is_done() {
                    break;
                }
                let place = password_identity(&row.pool_id);
                match opened(&self.app.keyring, &place, &row.password) {
                    Some(plain) => self.done.passwords.push(NewPassword {
                        wrapped: wrap(&self.app.keyring, &place, &plain)?,
                        row,
                    }),
                    None => self.failed.push(place),
                }
            }
        }
        Ok(())
    }

    /// Secret settings of earlier versions, which are wrapped for the setting that they were.
    async fn past_secrets(&mut self) -> Result<(), Problem> {
        let mut after: Option<PastSecretRow> = None;
        while !self.is_done() {
            let (db, behind) = (&self.app.db, after.as_ref());
            let rows = rotation::past_secrets_under(db, self.previous, behind, MAX_READ).await?;
            let Some(last) = rows.last() else { break };
            after = Some(last.clone());
            for row in rows {
                if self.is_done() {
                    break;
                }
                let place = associated_data(&row.tenant_id, row.scope(), &row.name);
                match opened(&self.app.keyring, &place, &row.value) {
                    Some(plain) => self.done.past.push(NewPastSecret {
                        wrapped: wrap(&self.app.keyring, &place, &plain)?,
                        row,
                    }),
                    None => self.failed.push(format!("{place}:{}", row.last)),
                }
            }
        }
        Ok(())
    }
}

async fn state(app: &App) -> Result<RotationView, Problem> {
    let current = app.keyring.current().id();
    let counts = rotation::others(&app.db, current).await?;
    let previous = app.keyring.previous().map(|key| key.id().to_owned());
    Ok(summary(current, previous, &counts))
}

fn summary(current: &str, previous: Option<String>, counts: &[Count]) -> RotationView {
    let sum = |wanted: &dyn Fn(&str) -> bool| {
        counts
            .iter()
            .filter(|count| wanted(&count.master))
            .map(|count| count.number)
            .sum()
    };
    let is_previous = |id: &str| previous.as_deref() == Some(id);
    RotationView {
        remaining: sum(&is_previous),
        unreadable: sum(&|id| id != current && !is_previous(id)),
        is_at_least: counts
            .iter()
            .any(|count| count.number >= u64::from(rotation::MAX_COUNTED)),
        current: current.to_owned(),
        previous,
        files: 0,
        rewrapped: None,
        failed: Vec::new(),
    }
}

/// A device's key under the current master key; nothing if it does not open.
fn new_key(keyring: &Keyring, row: KeyRow, place: &str) -> Result<Option<NewKey>, Problem> {
    let Some(plain) = opened(keyring, place, &row.key_wrapped) else {
        return Ok(None);
    };
    let key = std::str::from_utf8(&plain)
        .ok()
        .and_then(|text| DeviceKey::parse(text).ok());
    let Some(key) = key else {
        return Ok(None);
    };
    let wrapped = wrap(keyring, place, key.expose().as_bytes())?;
    let (fingerprint, _) = keyring.fingerprints(&key);
    Ok(Some(NewKey {
        row,
        wrapped,
        fingerprint,
    }))
}

/// A secret setting under the current master key; nothing if it does not open.
fn new_secret(
    keyring: &Keyring,
    row: SecretRow,
    place: &str,
) -> Result<Option<NewSecret>, Problem> {
    let Some(plain) = opened(keyring, place, &row.value) else {
        return Ok(None);
    };
    let wrapped = wrap(keyring, place, &plain)?;
    Ok(Some(NewSecret { row, wrapped }))
}

fn opened(keyring: &Keyring, place: &str, wrapped: &str) -> Option<Zeroizing<Vec<u8>>> {
    keyring.unwrap(place, wrapped).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use ringfence_provision::wrap::MasterKey;

    use crate::api::admin::rotation::*;

    const KEY: &str = "12341234abcdabcd12341234abcdabcd";
    const OLD: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    const NEW: &str = "k2:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn ring(current: &str, previous: Option<&str>) -> Keyring {
        let master = |text: &str| MasterKey::parse(text).unwrap();
        Keyring::new(master(current), previous.map(master)).unwrap()
    }

    #[test]
    fn a_key_moves_to_the_current_master_key_with_its_fingerprint() {
        let place = key_identity("D", 3);
        let row = KeyRow {
            id: "D".into(),
            generation: 3,
            key_wrapped: ring(OLD, None)
                .wrap([1; 12], &place, KEY.as_bytes())
                .unwrap(),
        };
        let both = ring(NEW, Some(OLD));
        let new = new_key(&both, row, &place).unwrap().unwrap();
        let after = ring(NEW, None);
        assert_eq!(after.unwrap(&place, &new.wrapped).unwrap(), KEY.as_bytes());
        assert_eq!(
            new.fingerprint,
            after.fingerprints(&DeviceKey::parse(KEY).unwrap()).0
        );
    }

    #[test]
    fn a_value_that_was_moved_is_told_and_left() {
        let row = SecretRow {
            tenant_id: "T".into(),
            scope: "tenant".into(),
            name: "PASS".into(),
            value: ring(OLD, None).wrap([1; 12], "elsewhere", b"x").unwrap(),
        };
        let place = associated_data("T", "tenant", "PASS");
        assert!(
            new_secret(&ring(NEW, Some(OLD)), row, &place)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn what_remains_and_what_cannot_be_read_are_told_apart() {
        let count = |master: &str, number| Count {
            master: master.into(),
            number,
        };
        let counts = [
            count("k1", 3),
            count("k2", 5),
            count("k0", 2),
            count("k1", 4),
        ];
        let view = summary("k2", Some("k1".into()), &counts);
        assert_eq!((view.remaining, view.unreadable), (7, 2));
        let view = summary("k2", None, &counts);
        assert_eq!((view.remaining, view.unreadable), (0, 9));
    }
}
