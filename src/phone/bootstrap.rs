//! The standard file at its plain name: the bootstrap, exactly once; or, for phones whose files are
//! not sealed, plaintext over HTTPS.
//!
//! The order matters. The file is rendered and linted first, so that a claim is never spent on a
//! file that cannot be made; then one conditional write decides; then the file goes out. Should D1
//! fail in between, nothing is sent, and a claim that may have been written is the operator's to
//! re-arm: better a phone too few than a key too many.

use ringfence_provision::kind::FileKind;
use ringfence_provision::lifecycle::{KeyState, Policy};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::template::SecretsMode;

use super::{Body, Outcome, PhoneRequest, Reason, Served, sealed, shared, storage};
use crate::edge::TenantEdge;
use crate::files::bundle::{self, Bundle};
use crate::files::render::{self, FileError};
use crate::files::seal;
use crate::model::device::DeviceRow;
use crate::model::tenant::PlainName;
use crate::observe::Record;
use crate::store::{StorageError, phone};

/// How often a change in between makes the claim start over.
const ATTEMPTS: usize = 4;

/// Serves the plain name of a standard file.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &TenantEdge,
    mac: &Mac,
    record: &mut Record,
) -> Result<Outcome, StorageError> {
    if let Some(outcome) =
        shared::cached(request, tenant, FileKind::Standard, &mac.upper(), record).await
    {
        return Ok(outcome);
    }
    for _ in 0..ATTEMPTS {
        let Some(bundle) = bundle::for_device(&request.app, &tenant.tenant, mac)
            .await
            .map_err(storage)?
        else {
            return Ok(Outcome::Refused(Reason::UnknownDevice));
        };
        let Some(device) = bundle.device.clone() else {
            return Ok(Outcome::Refused(Reason::UnknownDevice));
        };
        record.device = Some(device.id.clone());
        if device.disabled != 0 {
            return Ok(Outcome::Refused(Reason::Disabled));
        }
        let Some(profile) = bundle.profile.clone() else {
            record.fetched = Some(bundle.version());
            return shared::from_bundle(
                request,
                &bundle,
                FileKind::Standard,
                &mac.upper(),
                Reason::PlainOverHttps,
            )
            .await;
        };
        let policy = Policy {
            retry_window_ms: Some(u64::from(tenant.options.retry_window_s) * 1000)
                .filter(|&window| window > 0),
        };
        if let Err(reason) = may_claim(request, &device, &policy) {
            return match tenant.options.plain_name_after_delivery {
                PlainName::Sealed
                    if reason != Reason::HeadOfBootstrap
                        && reason != Reason::ConditionalBootstrap =>
                {
                    sealed::serve_at_plain_name(request, tenant, &bundle, mac, record).await
                }
                _ => Ok(Outcome::Refused(reason)),
            };
        }
        let bytes = match make(request, &bundle, &profile, &device) {
            Ok(bytes) => bytes,
            Err(MakeError::File(error)) => {
                return Ok(Outcome::Broken {
                    detail: sealed::broken(&error),
                });
            }
            Err(MakeError::Key(error)) => return Err(StorageError(error)),
        };
        let won = phone::claim(
            &request.app.db,
            &phone::Claim {
                device: &device,
                now: request.app.now,
                retry_window_ms: policy.retry_window(),
                address: &request.caller.address,
                user_agent: &request.caller.user_agent,
                country: &request.caller.country,
            },
        )
        .await?;
        if won {
            let (app, tenant_id, mac) = (request.app.clone(), tenant.tenant.clone(), *mac);
            request
                .app
                .later(async move { sealed::refresh(&app, &tenant_id, &mac).await });
            return Ok(Outcome::Served(Served {
                body: Body::new(&bytes),
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

/// What can be told without writing. The claim's own condition decides; this only spares a write
/// where it cannot succeed.
fn may_claim(request: &PhoneRequest, device: &DeviceRow, policy: &Policy) -> Result<(), Reason> {
    let now = request.app.now;
    let waits =
        device.key_state == KeyState::Armed && device.armed_until.is_none_or(|end| now < end);
    let again = device.key_state == KeyState::Delivered
        && !request.caller.address.is_empty()
        && device.delivered_address.as_deref() == Some(&request.caller.address)
        && device
            .delivered_at
            .is_some_and(|at| now < at.saturating_add(policy.retry_window()));
    if !waits && !again {
        return Err(match device.key_state {
            KeyState::Armed | KeyState::Expired => Reason::Expired,
            KeyState::Delivered | KeyState::Confirmed => Reason::Consumed,
            KeyState::Replaced => Reason::Replaced,
        });
    }
    if request.head {
        Err(Reason::HeadOfBootstrap)
    } else if request.conditional {
        Err(Reason::ConditionalBootstrap)
    } else {
        Ok(())
    }
}

enum MakeError {
    File(FileError),
    Key(String),
}

fn make(
    request: &PhoneRequest,
    bundle: &Bundle,
    profile: &Profile,
    device: &DeviceRow,
) -> Result<Vec<u8>, MakeError> {
    let file = render::render(
        bundle,
        FileKind::Standard,
        &Default::default(),
        SecretsMode::Reveal,
    )
    .map_err(MakeError::File)?;
    let key = seal::unwrap_key(&request.app.keyring, device)
        .map_err(|error| MakeError::Key(error.to_string()))?;
    render::with_key(bundle, profile, &file, &key).map_err(MakeError::File)
}
