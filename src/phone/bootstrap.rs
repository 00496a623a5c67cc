//! The standard file at its plain name: the bootstrap, exactly once; or, for phones whose files are
//! not sealed, plaintext over HTTPS.
//!
//! The order matters. The file is rendered and linted first, so that a claim is never spent on a
//! file that cannot be made; then one conditional write decides; then the witness is told; then the file
//! goes out. Should D1 or the witness fail in between, nothing is sent, and a claim that may have been
//! written is the operator's to re-arm: better a phone too few than a key too many.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::lifecycle::{Effect, Event, Policy, step};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::serving::Audience;
use ringfence_provision::template::SecretsMode;
use serde_json::json;

use super::{Body, Outcome, PhoneRequest, Reason, Served, sealed, shared, storage};
use crate::db::StorageError;
use crate::files::inputs::{self, FileInputs};
use crate::files::render::{self, FileError};
use crate::files::seal;
use crate::model::device::DeviceRow;
use crate::model::published::PublishedTenant;
use crate::model::tenant::PlainName;
use crate::phone::event::Record;
use crate::store::claims;
use crate::store::file_inputs::{AtPlainName, Claimant, Reads};
use crate::witness;

/// How often a change in between makes the claim start over.
const ATTEMPTS: usize = 4;

/// Serves the plain name of a standard file.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    mac: &Mac,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    let families = record
        .names
        .as_ref()
        .and_then(|names| names.families_at(&request.path, FileKind::Standard, Form::Plain));
    let theirs = families.as_deref();
    let subject = mac.upper();
    let kind = FileKind::Standard;
    if let Some(outcome) = shared::cached(request, tenant, kind, &subject, theirs, record).await {
        return Ok(outcome);
    }
    let policy = Policy {
        retry_window_ms: Some(u64::from(tenant.options.retry_window_s) * 1000)
            .filter(|&window| window > 0),
    };
    let told = |family: &Family| family.spec().sealed_at_plain_name;
    let sealed_after = tenant.options.plain_name_after_delivery == PlainName::Sealed
        || theirs.is_some_and(|all| all.iter().any(told));
    let listed = theirs.map(|all| json!(all).to_string());
    let ask = Ask::of(request);
    let consumes = !ask.head && ask.conditions_hold;
    let claimant = Claimant {
        now: ask.now,
        address: ask.address,
        retry_window_ms: policy.retry_window(),
    };
    let reads = Reads::Plain(AtPlainName {
        claim: consumes.then_some(claimant),
        sealed: sealed_after,
        families: listed.as_deref(),
    });
    for _ in 0..ATTEMPTS {
        let Some(bundle) = inputs::for_phone(&request.app, &tenant.tenant, mac, reads)
            .await
            .map_err(storage)?
        else {
            return Ok(Outcome::Refused(Reason::UnknownDevice));
        };
        let Some(device) = bundle.device.clone() else {
            return Ok(Outcome::Refused(Reason::UnknownDevice));
        };
        record.device = Some(device.id.clone());
        if theirs.is_some_and(|all| !all.contains(&bundle.family)) {
            return Ok(Outcome::Refused(Reason::NoSuchPath));
        }
        if device.disabled != 0 {
            return Ok(Outcome::Refused(Reason::Disabled));
        }
        let Some(profile) = bundle.profile.clone() else {
            record.fetched = Some(bundle.version());
            return shared::from_bundle(
                request,
                &bundle,
                &shared::Wanted {
                    kind,
                    audience: Audience::Device,
                    subject: &subject,
                },
                Reason::PlainOverHttps,
            )
            .await;
        };
        if let Err(reason) = may_claim(&ask, &device, &policy) {
            let waits = matches!(
                reason,
                Reason::HeadOfBootstrap | Reason::ConditionalBootstrap
            );
            return if sealed_after && !waits {
                sealed::serve_at_plain_name(request, tenant, &bundle, mac, record).await
            } else {
                Ok(Outcome::Refused(reason))
            };
        }
        // Copied before the claim: after it nothing is made that memory could fail for.
        let body = match make(request, &bundle, &profile, &device) {
            Ok(bytes) => Body::new(&bytes),
            Err(MakeError::File(error)) => {
                return Ok(Outcome::Broken {
                    detail: sealed::broken(&error),
                });
            }
            Err(MakeError::Key(error)) => return Err(StorageError::Corrupt(error)),
        };
        let won = claims::claim(
            &request.app.db,
            &claims::Claim {
                device: &device,
                now: request.app.now,
                retry_window_ms: policy.retry_window(),
                address: &request.caller.address,
                user_agent: &request.caller.user_agent,
                country: &request.caller.country,
                mark: &request.app.new_id(),
            },
        )
        .await?;
        if won {
            // Not before somebody else than the database knows that it is gone: a database that is
            // put back to before this moment must not give it out again.
            witness::tell(&request.app).await?;
            let (app, tenant_id, mac) = (request.app.clone(), tenant.tenant.clone(), *mac);
            request
                .app
                .later(async move { sealed::refresh(&app, &tenant_id, &mac).await });
            return Ok(Outcome::Served(Served {
                body,
                content_type: render::content_type(&bundle).into(),
                etag: None,
                reason: Reason::Bootstrap,
                detail: None,
            }));
        }
        // Somebody else took it, or the device changed meanwhile: the next look tells.
    }
    Ok(Outcome::Refused(Reason::LostClaim))
}

/// What of a request decides whether it may take a bootstrap.
struct Ask<'a> {
    now: u64,
    address: &'a str,
    head: bool,
    /// Whether its conditions, if it has any, let a bootstrap through.
    conditions_hold: bool,
}

impl<'a> Ask<'a> {
    fn of(request: &'a PhoneRequest) -> Self {
        Self {
            now: request.app.now,
            address: &request.caller.address,
            head: request.head,
            conditions_hold: request.lets_bootstrap_through(),
        }
    }
}

/// What can be told without writing. The claim's own condition decides; this only spares a write
/// where it cannot succeed.
fn may_claim(ask: &Ask<'_>, device: &DeviceRow, policy: &Policy) -> Result<(), Reason> {
    let claim = Event::Claim {
        now: ask.now,
        source: ask.address.to_owned(),
    };
    match step(&device.key(), &claim, policy).effect {
        Effect::ServePlaintext { .. } if ask.head => Err(Reason::HeadOfBootstrap),
        Effect::ServePlaintext { .. } if !ask.conditions_hold => Err(Reason::ConditionalBootstrap),
        Effect::ServePlaintext { .. } => Ok(()),
        Effect::Refuse(why) => Err(why.into()),
        // A claim is answered in one of the two ways above.
        Effect::ServeSealed { .. } | Effect::Changed(_) | Effect::Nothing => Err(Reason::Consumed),
    }
}

enum MakeError {
    File(FileError),
    Key(String),
}

fn make(
    request: &PhoneRequest,
    bundle: &FileInputs,
    profile: &Profile,
    device: &DeviceRow,
) -> Result<Vec<u8>, MakeError> {
    let file = render::render(
        bundle,
        FileKind::Standard,
        Audience::Device,
        &Default::default(),
        SecretsMode::Reveal,
    )
    .map_err(MakeError::File)?;
    let key = seal::unwrap_key(&request.app.keyring, device)
        .map_err(|error| MakeError::Key(error.to_string()))?;
    render::with_key(bundle, profile, &file, &key).map_err(MakeError::File)
}

#[cfg(test)]
mod tests {
    use ringfence_provision::lifecycle::KeyState;

    use super::*;
    use crate::model::device::tests::device;

    const GET: Ask<'_> = Ask {
        now: 1000,
        address: "192.0.2.7",
        head: false,
        conditions_hold: true,
    };

    fn window(seconds: u64) -> Policy {
        Policy {
            retry_window_ms: Some(seconds * 1000).filter(|&window| window > 0),
        }
    }

    fn delivered(at: u64) -> DeviceRow {
        DeviceRow {
            delivered_at: Some(at),
            delivered_address: Some(GET.address.into()),
            ..device(KeyState::Delivered)
        }
    }

    #[test]
    fn a_bootstrap_that_waits_is_for_a_get_whose_conditions_hold() {
        let armed = device(KeyState::Armed);
        assert_eq!(may_claim(&GET, &armed, &window(0)), Ok(()));
        let head = Ask { head: true, ..GET };
        assert_eq!(
            may_claim(&head, &armed, &window(0)),
            Err(Reason::HeadOfBootstrap)
        );
        let conditional = Ask {
            conditions_hold: false,
            ..GET
        };
        assert_eq!(
            may_claim(&conditional, &armed, &window(0)),
            Err(Reason::ConditionalBootstrap)
        );
        let late = DeviceRow {
            armed_until: Some(GET.now),
            ..armed
        };
        assert_eq!(may_claim(&GET, &late, &window(0)), Err(Reason::Expired));
    }

    #[test]
    fn a_clock_that_is_behind_opens_no_window_that_is_off() {
        let device = delivered(GET.now + 5);
        assert_eq!(may_claim(&GET, &device, &window(0)), Err(Reason::Consumed));
        assert_eq!(may_claim(&GET, &device, &window(1)), Ok(()));
    }

    #[test]
    fn a_window_is_for_the_same_known_address_and_ends() {
        let device = delivered(GET.now - 500);
        assert_eq!(may_claim(&GET, &device, &window(1)), Ok(()));
        for address in ["192.0.2.8", ""] {
            let other = Ask { address, ..GET };
            assert_eq!(
                may_claim(&other, &device, &window(1)),
                Err(Reason::Consumed)
            );
        }
        let late = Ask {
            now: GET.now + 500,
            ..GET
        };
        assert_eq!(may_claim(&late, &device, &window(1)), Err(Reason::Consumed));
    }
}
