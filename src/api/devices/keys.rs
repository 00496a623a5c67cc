//! What an operator does to a device's key, and whether the device is in service.
//!
//! The pure life cycle decides, and one conditional write stores its decision: it carries the state
//! that was decided on, so a phone that takes a bootstrap at the same moment is never overwritten.
//! Whoever loses that race decides anew.

use ringfence_api::answer::Revised;
use ringfence_api::devices::DeviceView;
use ringfence_api::devices::keys::{KeyInput, Rearmed};
use ringfence_api::notify::{NotifyQuery, WithNotices};
use ringfence_api::query::Nothing;
use ringfence_provision::key::DeviceKey;
use ringfence_provision::lifecycle::{self, ClaimPolicy, Effect, KeyEvent, KeyState, Transition};
use serde_json::json;

use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::secret::wrap;
use crate::api::{devices, notify};
use crate::app::App;
use crate::audit::device_object;
use crate::files::seal::key_identity;
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::model::tenant::TenantOptions;
use crate::platform;
use crate::store::devices::{self as store, NextKey, StoredKey};
use crate::store::{ChangeError, Entry};

/// How often a key is drawn, or a decision made anew, before giving up.
pub const MAX_DRAWS: usize = 5;

/// `rekeyDevice`.
pub async fn rekey(call: Call<NotifyQuery>) -> Result<Revised<WithNotices<DeviceView>>, Failure> {
    let until = until(&call.tenant().await?.options()?, call.app.now);
    let event = KeyEvent::Rekey {
        now: call.app.now,
        until,
    };
    let (_, row) = apply_transition(&call, &event, "device.rekey", &|| {
        Ok(DeviceKey::from_random(platform::random)?)
    })
    .await?;
    let notified = notify::after_device(&call, call.query.notify, &row.id).await;
    let Revised(answer, revision) = devices::revised(row, call.app.now);
    Ok(Revised(WithNotices { answer, notified }, revision))
}

/// `importDeviceKey`.
pub async fn import(call: Call<Nothing, KeyInput>) -> Result<Revised<DeviceView>, Failure> {
    let key = DeviceKey::parse(call.body.key.expose())
        .map_err(|error| Problem::invalid_value(format!("`key`: {error}.")))?;
    let event = KeyEvent::Import { now: call.app.now };
    let (_, row) =
        apply_transition(&call, &event, "device.import-key", &|| Ok(key.clone())).await?;
    Ok(devices::revised(row, call.app.now))
}

/// `rearmDevice`.
pub async fn rearm(call: Call) -> Result<Revised<Rearmed>, Failure> {
    let until = until(&call.tenant().await?.options()?, call.app.now);
    let event = KeyEvent::Rearm {
        now: call.app.now,
        until,
    };
    let (before, row) = apply_transition(&call, &event, "device.rearm", &|| {
        Err(Problem::internal("a re-arm draws no key"))
    })
    .await?;
    let Revised(device, revision) = devices::revised(row, call.app.now);
    Ok(Revised(
        Rearmed {
            device,
            last_taken_by: devices::delivered(&before),
        },
        revision,
    ))
}

/// `disableDevice`.
pub async fn disable(call: Call) -> Result<Revised<DeviceView>, Failure> {
    set_disabled(call, true).await
}

/// `enableDevice`.
pub async fn enable(call: Call) -> Result<Revised<DeviceView>, Failure> {
    set_disabled(call, false).await
}

async fn set_disabled(call: Call, disabled: bool) -> Result<Revised<DeviceView>, Failure> {
    let app = &call.app;
    let row = call.device().await?;
    call.if_match.check(row.revision)?;
    if (row.disabled == 1) != disabled {
        let action = if disabled {
            "device.disable"
        } else {
            "device.enable"
        };
        let entry = call.entry(
            action,
            device_object(&row.mac),
            Some(json!({ "disabled": !disabled })),
            Some(json!({ "disabled": disabled })),
        );
        store::set_disabled(&app.db, &row, disabled, app.now, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    commit::publish_device(app, &row.tenant_id, &row.mac).await?;
    Ok(devices::revised(call.device().await?, app.now))
}

/// When a bootstrap that is armed now expires.
pub fn until(options: &TenantOptions, now: u64) -> Option<u64> {
    let seconds = u64::from(options.bootstrap_expiry_s);
    (seconds > 0).then(|| now.saturating_add(seconds * 1000))
}

/// Wraps a key for its row.
///
/// # Errors
/// There is no randomness.
pub fn stored(
    app: &App,
    device_id: &str,
    generation: u32,
    key: &DeviceKey,
) -> Result<StoredKey, Problem> {
    let identity = key_identity(device_id, generation);
    let wrapped = wrap(&app.keyring, &identity, key.expose().as_bytes())?;
    let (fingerprint, previous_fingerprint) = app.keyring.fingerprints(key);
    Ok(StoredKey {
        wrapped,
        master: app.keyring.current().id().to_owned(),
        fingerprint,
        previous_fingerprint,
    })
}

/// Decides, writes, publishes. The row before and after.
async fn apply_transition(
    call: &Context,
    event: &KeyEvent,
    action: &'static str,
    draw: &dyn Fn() -> Result<DeviceKey, Problem>,
) -> Result<(DeviceRow, DeviceRow), Failure> {
    let app = &call.app;
    let mut last_seen: Option<DeviceRow> = None;
    for _ in 0..MAX_DRAWS {
        let row = call.device().await?;
        call.if_match.check(row.revision)?;
        // Nothing moved and yet the write did not happen: the key is another device's.
        let unmoved = last_seen.as_ref().is_some_and(|last| same_key(last, &row));
        if unmoved && matches!(event, KeyEvent::Import { .. }) {
            return Err(Problem::conflict("Another device has this very key. Two devices with one key can read each other's files: re-key one of them.").into());
        }
        let transition = decide(&row, event)?;
        let key = match transition.next.generation == row.generation {
            true => None,
            false => Some(stored(app, &row.id, transition.next.generation, &draw()?)?),
        };
        let entry = entry(call, action, &row, &transition);
        let next = NextKey {
            state: transition.next.state,
            generation: transition.next.generation,
            ever_delivered: transition.next.ever_delivered,
            armed_at: transition.next.armed_at,
            armed_until: transition.next.armed_until,
            delivered_at: transition.next.delivered_at,
            confirmed_at: transition.next.confirmed_at,
            key: key.as_ref(),
        };
        match store::set_key(&app.db, &row, &next, app.now, &entry).await {
            Ok(()) => {
                commit::publish_device(app, &row.tenant_id, &row.mac).await?;
                return Ok((row, call.device().await?));
            }
            Err(ChangeError::Overtaken) => last_seen = Some(row),
            Err(ChangeError::Storage(error))
                if error.violates_unique("devices.key_fingerprint") =>
            {
                last_seen = Some(row);
            }
            Err(error) => return Err(commit::failed(error, call.if_match, &[])),
        }
    }
    Err(call.if_match.overtaken().into())
}

fn same_key(one: &DeviceRow, other: &DeviceRow) -> bool {
    (
        one.revision,
        one.generation,
        one.key_state,
        one.delivered_at,
    ) == (
        other.revision,
        other.generation,
        other.key_state,
        other.delivered_at,
    )
}

/// What the life cycle says to an operator's event.
fn decide(row: &DeviceRow, event: &KeyEvent) -> Result<Transition, Problem> {
    let transition = lifecycle::step(&row.key(), event, &ClaimPolicy::default());
    match transition.effect {
        Effect::Changed(_) => Ok(transition),
        Effect::Refuse(reason) => Err(Problem::conflict(format!(
            "The state of the device's key does not allow this: {}.",
            reason.as_str()
        ))),
        _ => Err(Problem::internal(
            "an operator's event was taken for a phone's",
        )),
    }
}

fn entry(call: &Context, action: &'static str, row: &DeviceRow, transition: &Transition) -> Entry {
    let before = json!({
        "key": {
            "state": row.key_state,
            "generation": row.generation,
            "last_taken_by": devices::delivered(row),
        },
    });
    let next = &transition.next;
    let armed_until = (next.state == KeyState::Armed).then_some(next.armed_until);
    let after = json!({
        "key": {
            "state": next.state,
            "generation": next.generation,
            "armed_until": armed_until.flatten(),
        },
    });
    call.entry(action, device_object(&row.mac), Some(before), Some(after))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::keys::*;
    use crate::api::devices::tests::row;

    #[test]
    fn a_bootstrap_expires_as_the_tenant_decided() {
        let options = TenantOptions {
            bootstrap_expiry_s: 60,
            ..TenantOptions::default()
        };
        assert_eq!(until(&options, 1000), Some(61_000));
        let never = TenantOptions {
            bootstrap_expiry_s: 0,
            ..options
        };
        assert_eq!(until(&never, 1000), None);
    }

    #[test]
    fn a_new_key_has_a_new_generation_and_a_rearmed_one_has_not() {
        let rekeyed = decide(
            &row(),
            &KeyEvent::Rekey {
                now: 9,
                until: None,
            },
        )
        .unwrap()
        .next;
        assert_eq!((rekeyed.generation, rekeyed.state), (3, KeyState::Armed));
        assert_eq!(
            (rekeyed.ever_delivered, rekeyed.delivered_at),
            (false, None)
        );
        let rearmed = decide(
            &row(),
            &KeyEvent::Rearm {
                now: 9,
                until: None,
            },
        )
        .unwrap()
        .next;
        assert_eq!((rearmed.generation, rearmed.state), (2, KeyState::Armed));
        assert_eq!(
            (rearmed.ever_delivered, rearmed.delivered_at),
            (true, Some(1500))
        );
        let imported = decide(&row(), &KeyEvent::Import { now: 9 }).unwrap().next;
        assert_eq!(
            (imported.generation, imported.state),
            (3, KeyState::Delivered)
        );
    }

    #[test]
    fn a_device_that_had_every_key_gets_no_other() {
        let last = DeviceRow {
            generation: u32::MAX,
            ..row()
        };
        let problem = decide(
            &last,
            &KeyEvent::Rekey {
                now: 9,
                until: None,
            },
        )
        .unwrap_err();
        assert_eq!(problem.status(), 409);
    }

    #[test]
    fn a_key_that_is_told_does_not_show() {
        let input: KeyInput =
            serde_json::from_str(r#"{"key":"12341234abcdabcd12341234abcdabcd"}"#).unwrap();
        assert_eq!(format!("{:?}", input.key), "SecretString");
    }
}
