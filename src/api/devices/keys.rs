//! What an operator does to a device's key, and whether the device is in service.
//!
//! The pure life cycle decides, and one conditional write stores its decision: it carries the state
//! that was decided on, so a phone that takes a bootstrap at the same moment is never overwritten.
//! Whoever loses that race decides anew.

use ringfence_api::answer::Revised;
use ringfence_api::changing::{About, ChangeQuery, DryRun, Effect, TrialQuery};
use ringfence_api::devices::DeviceView;
use ringfence_api::devices::keys::{KeyInput, Rearmed, RekeyQuery};
use ringfence_api::notify::WithNotices;
use ringfence_provision::family::Family;
use ringfence_provision::key::DeviceKey;
use ringfence_provision::lifecycle::{
    self, ClaimPolicy, Effect as KeyEffect, KeyEvent, KeyRecord, KeyState, Transition,
};
use ringfence_provision::{serving, vendor};
use serde_json::json;

use crate::api::check::candidate::{self, Candidate};
use crate::api::devices::view::delivered;
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
use crate::store::object::Scope;
use crate::store::settings;
use crate::store::{ChangeError, Entry};

/// How often a key is drawn, or a decision made anew, before giving up.
pub const MAX_DRAWS: usize = 5;

/// `rekeyDevice`.
pub async fn rekey(call: Call<RekeyQuery>) -> Result<Revised<WithNotices<DeviceView>>, Failure> {
    let until = until(&call.tenant().await?.options()?, call.app.now);
    let event = KeyEvent::Rekey {
        now: call.app.now,
        until,
    };
    tried(&call, &event, None, call.query.notify).await?;
    let (_, row) = apply_transition(&call, &event, "device.rekey", &|| {
        Ok(DeviceKey::from_random(platform::random)?)
    })
    .await?;
    let notified = notify::after_device(&call, call.query.notify, &row.id).await;
    let Revised(answer, revision) = devices::revised(row, call.app.now);
    Ok(Revised(WithNotices { answer, notified }, revision))
}

/// `importDeviceKey`.
pub async fn import(call: Call<TrialQuery, KeyInput>) -> Result<Revised<DeviceView>, Failure> {
    let key = DeviceKey::parse(call.body.key.expose())
        .map_err(|error| Problem::invalid_value(format!("`key`: {error}.")))?;
    let event = KeyEvent::Import { now: call.app.now };
    tried(&call, &event, Some(&key), false).await?;
    let (_, row) =
        apply_transition(&call, &event, "device.import-key", &|| Ok(key.clone())).await?;
    Ok(devices::revised(row, call.app.now))
}

/// `rearmDevice`.
pub async fn rearm(call: Call<TrialQuery>) -> Result<Revised<Rearmed>, Failure> {
    let until = until(&call.tenant().await?.options()?, call.app.now);
    let event = KeyEvent::Rearm {
        now: call.app.now,
        until,
    };
    tried(&call, &event, None, false).await?;
    let (before, row) = apply_transition(&call, &event, "device.rearm", &|| {
        Err(Problem::internal("a re-arm draws no key"))
    })
    .await?;
    let Revised(device, revision) = devices::revised(row, call.app.now);
    Ok(Revised(
        Rearmed {
            device,
            last_taken_by: delivered(&before),
        },
        revision,
    ))
}

/// `disableDevice`.
pub async fn disable(call: Call<TrialQuery>) -> Result<Revised<DeviceView>, Failure> {
    set_disabled(&call, true).await
}

/// `enableDevice`.
pub async fn enable(call: Call<ChangeQuery>) -> Result<Revised<DeviceView>, Failure> {
    set_disabled(&call, false).await
}

async fn set_disabled(call: &Context, disabled: bool) -> Result<Revised<DeviceView>, Failure> {
    let app = &call.app;
    let row = call.device().await?;
    call.if_match.check(row.revision)?;
    if call.is_trial() {
        return Err(tried_in_service(call, &row, disabled).await?);
    }
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

/// How a trial ends of taking a device out of service, or of putting it back: what its phone gets from then on.
async fn tried_in_service(
    call: &Context,
    row: &DeviceRow,
    disabled: bool,
) -> Result<Failure, Failure> {
    if (row.disabled == 1) == disabled {
        let text = match disabled {
            true => "The device is out of service already: nothing changes.",
            false => "The device is in service already: nothing changes.",
        };
        call.tried_saying(About::Nothing, text)?;
    }
    // Without a sealing profile nothing is handed out once: no request claims a bootstrap.
    let waits = row.profile.is_some() && row.key().bootstrap_waits(call.app.now);
    if disabled {
        let mut effects = vec![Effect::counted(
            About::Service,
            1,
            "The phone gets no file from then on: each of its requests is refused. The device's key, settings and history stay.",
        )];
        if waits {
            effects.push(Effect::said(
                About::PlaintextFile,
                "The plaintext file that waits is handed out to nobody while the device is out of service. The time of that file runs on.",
            ));
        }
        call.tried(|| DryRun {
            affected: 1,
            ..DryRun::of(effects)
        })?;
    }
    let tenant = call.tenant().await?;
    let mut candidate = Candidate::of_tenant(&call.app, &tenant).await?;
    let scope = Scope::Device {
        id: row.id.clone(),
        mac: row.mac.clone(),
    };
    let rows = settings::of_devices(&call.app.db, &tenant.id, &[&row.id]).await?;
    let values = candidate::layer(&call.app, &tenant.id, &scope.key(), &rows)?;
    // Out of service it has no files that they could be compared with.
    candidate.set_device(row.clone(), values, None);
    let served = match row.key_state {
        KeyState::Armed if !row.key().ever_delivered => {
            "The phone gets its plaintext file, and sealed ones after that."
        }
        _ => "The phone gets its sealed files again.",
    };
    let served = match row.profile {
        Some(_) => served,
        None => "The phone gets its files again.",
    };
    candidate
        .effects
        .push(Effect::counted(About::Service, 1, served));
    if waits {
        candidate.effects.push(Effect::counted(
            About::PlaintextFile,
            1,
            "The plaintext file that waits is handed out to whoever asks for it first.",
        ));
    }
    Err(match candidate.check(call).await {
        Err(tried) => tried,
        Ok(_) => Problem::internal("a trial was taken for a change").into(),
    })
}

/// Ends a call that is only to be tried with what becomes of the key, and of what is handed out. `given` is the key
/// that is stated; with `notify` the phone is told afterwards.
async fn tried(
    call: &Context,
    event: &KeyEvent,
    given: Option<&DeviceKey>,
    notify: bool,
) -> Result<(), Failure> {
    if !call.is_trial() {
        return Ok(());
    }
    let row = call.device().await?;
    call.if_match.check(row.revision)?;
    if let Some(key) = given {
        let (fingerprint, previous) = call.app.keyring.fingerprints(key);
        let fingerprints: Vec<&str> = [Some(fingerprint.as_str()), previous.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        if store::has_key_elsewhere(&call.app.db, &row.id, &fingerprints).await? {
            return Err(Problem::conflict(SAME_KEY).into());
        }
    }
    let next = decide(&row, event)?.next;
    let mut effects = effects(&row, &next, call.app.now);
    effects.extend(notify::tried_after_device(call, notify, &row.id).await?);
    call.tried(|| DryRun {
        affected: 1,
        ..DryRun::of(effects)
    })
}

/// What a decision about a key does, in sentences.
fn effects(row: &DeviceRow, next: &KeyRecord, now: u64) -> Vec<Effect> {
    let was = row.key();
    let mut effects = Vec::new();
    let states = |text: &str| {
        text.replace("{was}", was.state.as_str())
            .replace("{is}", next.state.as_str())
            .replace("{old}", &was.generation.to_string())
            .replace("{new}", &next.generation.to_string())
    };
    let is_new = next.generation != was.generation;
    let text = match is_new {
        true => "Key {old} ({was}) is replaced by key {new}, whose state is {is}.",
        false => "Key {old} stays, and its state becomes {is} instead of {was}.",
    };
    effects.push(Effect::said(About::Key, states(text)));
    effects.extend(plaintext_file(row, next, now));
    let sealed = match (row.profile.is_some(), next.state == KeyState::Armed, is_new) {
        (false, _, _) => {
            "The model has no sealing profile, so its files go out in plaintext over HTTPS whatever the key is."
        }
        (_, true, true) => {
            "Nothing is served under the old key from then on: the phone gets no file until it has taken the new plaintext file."
        }
        (_, true, false) if !next.ever_delivered => {
            "No phone has had the key yet, so no sealed file is served until the plaintext file was taken."
        }
        (_, true, false) => "Sealed files are served under the same key meanwhile.",
        (_, false, _) => {
            "Sealed files are served under the given key at once, and nothing under the old one."
        }
    };
    effects.push(Effect::said(About::SealedFiles, sealed));
    if is_new && next.state == KeyState::Armed {
        let says = after_rekey(row.family, row.profile.as_deref());
        effects.extend(says.map(|text| Effect::said(About::PlaintextFile, text)));
    }
    if row.disabled == 1 {
        effects.push(Effect::said(
            About::Service,
            "The device is out of service: nothing of this is handed out until it is back in service.",
        ));
    }
    effects
}

/// What somebody has to do besides, so that the phone takes the bootstrap of a new key.
pub fn after_rekey(family: Family, profile: Option<&str>) -> Option<&'static str> {
    let profile = vendor::profile(profile?)?;
    serving::after_rekey(family, &profile).map(|says| says.text)
}

/// What becomes of the plaintext file. Without a sealing profile there is none that is handed out once: all of the
/// phone's files go out in plaintext, and no request claims one.
fn plaintext_file(row: &DeviceRow, next: &KeyRecord, now: u64) -> Option<Effect> {
    row.profile.as_ref()?;
    let was = row.key();
    let counted = |number, text: String| Some(Effect::counted(About::PlaintextFile, number, text));
    if next.state == KeyState::Armed {
        let again = match (next.generation != was.generation, was.ever_delivered) {
            (true, _) => {
                "A plaintext file with the new key waits, and is handed out once, to whoever asks for it first"
            }
            (false, true) => {
                "The plaintext file with the key is handed out once more, to whoever asks for it first"
            }
            (false, false) => {
                "The plaintext file with the key waits, and is handed out once, to whoever asks for it first"
            }
        };
        let until = match next.armed_until {
            Some(until) => format!(" within {}", span(until.saturating_sub(now))),
            None => ", without an end".to_owned(),
        };
        return counted(1, format!("{again}{until}."));
    }
    let text = match was.bootstrap_waits(now) {
        true => "The plaintext file that waits is withdrawn: none is handed out any more.",
        false => "No plaintext file is handed out.",
    };
    counted(0, text.to_owned())
}

/// A span as people say it, in its largest whole unit.
fn span(ms: u64) -> String {
    let minutes = ms.div_ceil(60_000);
    let (number, unit) = match minutes {
        0..=119 => (minutes, "minute"),
        120..=2879 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{many}")
}

/// What is said where a key is stated that another device has.
const SAME_KEY: &str = "Another device has this very key. Two devices with one key can read each other's files: re-key one of them.";

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
            return Err(Problem::conflict(SAME_KEY).into());
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
        KeyEffect::Changed(_) => Ok(transition),
        KeyEffect::Refuse(reason) => Err(refused(reason.as_str())),
        KeyEffect::NoGenerationLeft => Err(refused("no_generation_left")),
        _ => Err(Problem::internal(
            "an operator's event was taken for a phone's",
        )),
    }
}

fn refused(why: &str) -> Problem {
    Problem::conflict(format!(
        "The state of the device's key does not allow this: {why}. Remove the device and add it anew: it gets a new key.",
    ))
}

fn entry(call: &Context, action: &'static str, row: &DeviceRow, transition: &Transition) -> Entry {
    let before = json!({
        "key": {
            "state": row.key_state,
            "generation": row.generation,
            "last_taken_by": delivered(row),
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
    fn without_a_sealing_profile_no_trial_promises_a_plaintext_file_that_is_handed_out_once() {
        let plain = DeviceRow {
            profile: None,
            ..row()
        };
        let until = Some(7_200_009);
        for event in [
            KeyEvent::Rekey { now: 9, until },
            KeyEvent::Rearm { now: 9, until },
            KeyEvent::Import { now: 9 },
        ] {
            let about = |row: &DeviceRow| -> Vec<About> {
                let next = decide(row, &event).unwrap().next;
                let effects = effects(row, &next, 9);
                effects.iter().map(|effect| effect.about).collect()
            };
            assert_eq!(
                about(&row()),
                [About::Key, About::PlaintextFile, About::SealedFiles]
            );
            assert_eq!(about(&plain), [About::Key, About::SealedFiles]);
        }
        let next = decide(&plain, &KeyEvent::Rekey { now: 9, until })
            .unwrap()
            .next;
        let effects = effects(&plain, &next, 9);
        assert!(
            effects
                .iter()
                .any(|it| it.text.contains("no sealing profile"))
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
