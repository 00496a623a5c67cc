//! The standard file at its plain name: the bootstrap, exactly once; or, for phones whose files are
//! not sealed, plaintext over HTTPS. A phone that asks for a file with the key alone gets that one as its bootstrap,
//! and afterwards nothing under its name.
//!
//! The order matters. The file is rendered and linted first, so that a claim is never spent on a
//! file that cannot be made; then one conditional write decides; then it is reported to the witness; then the file
//! goes out. Should D1 or the witness fail in between, nothing is sent, and a claim that may have been
//! written is the operator's to re-arm: better a phone too few than a key too many.

use ringfence_provision::family::Family;
use ringfence_provision::kind::{FileKind, Form};
use ringfence_provision::lifecycle::{ClaimPolicy, Effect, KeyEvent, step};
use ringfence_provision::mac::Mac;
use ringfence_provision::seal::Profile;
use ringfence_provision::serving::Audience;
use ringfence_provision::url_template::Resolved;
use serde_json::json;

use super::deed::Deed;
use super::keep::InKv;
use super::own_file::{self, InClear, SealedFileError};
use super::request::storage;
use super::request_url::RequestUrl;
use super::{
    Body, PhoneOutcome, PhoneRequest, Reason, Served, Taking, forward, initial, sealed, shared,
};
use crate::db::StorageError;
use crate::files::inputs::{self, FileInputs};
use crate::files::render;
use crate::files::seal;
use crate::model::device::DeviceRow;
use crate::model::published::PublishedTenant;
use crate::model::tenant::PlainName;
use crate::phone::event::Record;
use crate::store::claims;
use crate::store::file_inputs::{AtPlainName, Claimant, ReadWhen};
use crate::witness;

/// How often a change in between makes the claim start over.
const MAX_ATTEMPTS: usize = 4;

/// Serves the plain name of a standard file.
pub(super) async fn serve(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    named: &Resolved,
    mac: &Mac,
    taking: Taking,
    record: &mut Record,
) -> Result<PhoneOutcome, StorageError> {
    let at = At::of(request, tenant, named, record);
    let theirs = at.families.as_deref();
    let owner = mac.upper();
    let kind = FileKind::Standard;
    let request_url = RequestUrl::of(request, tenant);
    let looked = shared::look(request, tenant, kind, &owner, at.whole.as_deref()).await;
    record.record_fact(|facts| facts.copies.extend(looked.copy(Form::Plain)));
    if let Some(outcome) = shared::cached(request, tenant, kind, &owner, &looked, record).await {
        return Ok(outcome);
    }
    let policy = ClaimPolicy {
        retry_window_ms: Some(u64::from(tenant.options.retry_window_s) * 1000)
            .filter(|&window| window > 0),
    };
    let listed = theirs.map(|all| json!(all).to_string());
    let ask = ClaimAsk::of(request);
    let consumes = !ask.head && ask.conditions_hold;
    let claimant = Claimant {
        now: ask.now,
        address: ask.address,
        retry_window_ms: policy.retry_window(),
    };
    let mut in_kv = match at.sealed_after {
        true => Some(sealed::look_at_plain_name(request, tenant, mac, record).await),
        false => None,
    };
    for _ in 0..MAX_ATTEMPTS {
        let reads = ReadWhen::Plain(AtPlainName {
            claim: consumes.then_some(claimant),
            sealed: at.sealed_after,
            in_clear: at.has_whole_files(),
            families: listed.as_deref(),
            kept: in_kv.as_ref().and_then(sealed::kept),
        });
        let (inputs, forward) = inputs::at_plain_name(&request.app, &tenant.tenant, mac, reads)
            .await
            .map_err(storage)?;
        let Some(inputs) = inputs else {
            let whole = at.whole.as_deref();
            let forward = forward.filter(|forward| forward::leads_by_own_file(forward, whole));
            let Some(forward) = forward else {
                return Ok(PhoneOutcome::Refused(Reason::UnknownDevice));
            };
            record.record_fact(|facts| facts.forward = Some(forward.clone()));
            return Ok(forward::serve(request, &forward, kind, mac).await);
        };
        let Some(device) = inputs.device.clone() else {
            return Ok(PhoneOutcome::Refused(Reason::UnknownDevice));
        };
        record.found(&inputs);
        if device.disabled == 0 && at.with_index.contains(&inputs.family) {
            record.kind = Some(FileKind::Initial);
            return initial::serve(request, tenant, named, record).await;
        }
        let is_theirs = theirs.is_none_or(|all| all.contains(&inputs.family));
        if !is_theirs || inputs.family.spec().forbids(&request.path) {
            return Ok(PhoneOutcome::Refused(Reason::NoSuchPath));
        }
        if device.disabled != 0 {
            return Ok(PhoneOutcome::Refused(Reason::Disabled));
        }
        if sealed::misses_inputs(&inputs, in_kv.as_ref()) {
            in_kv = in_kv.map(InKv::without_file);
            continue;
        }
        let wanted = at.bootstrap_of(inputs.family);
        if wanted == Bootstrap::KeyAlone && inputs.profile.is_none() {
            return Ok(PhoneOutcome::Refused(Reason::WrongForm));
        }
        let Some(profile) = inputs.profile.clone() else {
            record.fetched = Some(inputs.version());
            return shared::from_inputs(
                request,
                &inputs,
                &shared::Wanted {
                    kind,
                    audience: Audience::Device,
                    looked: &looked,
                    request_url: &request_url,
                },
                Reason::PlainOverHttps,
                record,
            )
            .await;
        };
        if let Err(reason) = may_claim(&ask, &device, &policy) {
            let waits = matches!(
                reason,
                Reason::HeadOfBootstrap | Reason::ConditionalBootstrap
            );
            let sealed_instead = wanted == Bootstrap::Whole && !waits;
            return match in_kv.take().filter(|_| sealed_instead) {
                Some(looked) => {
                    sealed::serve_at_plain_name(request, tenant, &inputs, looked, record).await
                }
                None => Ok(PhoneOutcome::Refused(reason)),
            };
        }
        // Copied before the claim: after it nothing is made that memory could fail for.
        let made = make(
            request,
            &inputs,
            &profile,
            &device,
            *mac,
            &request_url,
            wanted,
        );
        let (body, clear) = match made {
            Ok((bytes, clear)) => (Body::new(&bytes), clear),
            Err(SealedFileError::File(error)) => {
                return Ok(PhoneOutcome::Broken {
                    detail: sealed::broken(&error),
                });
            }
            Err(SealedFileError::Storage(error)) => return Err(error),
        };
        if take(request, tenant, &device, &policy, wanted, taking).await? {
            let content_type = match wanted {
                Bootstrap::KeyAlone => own_file::CONTENT_TYPE,
                Bootstrap::Whole => render::content_type(&inputs),
            };
            record.deeds.push(Deed::Refresh {
                mac: *mac,
                inputs: Box::new(inputs),
                clear: Box::new(clear),
            });
            return Ok(PhoneOutcome::Served(Served {
                body,
                content_type: content_type.into(),
                content_encoding: String::new(),
                etag: None,
                reason: Reason::Bootstrap,
                detail: None,
            }));
        }
        // Somebody else took it, or the device changed meanwhile: the next look tells.
    }
    Ok(PhoneOutcome::Refused(Reason::LostClaim))
}

/// Takes the bootstrap of a device, or looks whether it could be taken at this moment. Either is the
/// claim's own condition.
async fn take(
    request: &PhoneRequest,
    tenant: &PublishedTenant,
    device: &DeviceRow,
    policy: &ClaimPolicy,
    wanted: Bootstrap,
    taking: Taking,
) -> Result<bool, StorageError> {
    let app = &request.app;
    let claim = claims::Claim {
        device,
        now: app.now,
        retry_window_ms: policy.retry_window(),
        address: &request.caller.address,
        user_agent: &request.caller.user_agent,
        country: &request.caller.country,
        is_whole: wanted == Bootstrap::Whole,
        is_unexpected: !tenant.options.expects(&request.caller.address),
        mark: &app.new_id(),
    };
    match taking {
        Taking::Look => claims::may_claim(&app.db, &claim).await,
        Taking::Claim => {
            let won = claims::claim(&app.db, &claim).await?;
            if won {
                // Not before somebody else than the database knows that it is gone: a database that is
                // put back to before this moment must not give it out again.
                witness::report(app).await?;
            }
            Ok(won)
        }
    }
}

/// Which files may be at the path.
struct At {
    /// The families whose name it is; `None`: of all.
    families: Option<Vec<Family>>,
    /// Those of them whose standard file may be there.
    whole: Option<Vec<Family>>,
    /// Those of them whose phones ask there for the file with the key alone.
    carriers: Vec<Family>,
    /// Those whose initial file has the same name.
    with_index: Vec<Family>,
    /// Whether the sealed file is there once a key was delivered.
    sealed_after: bool,
}

impl At {
    fn of(
        request: &PhoneRequest,
        tenant: &PublishedTenant,
        named: &Resolved,
        record: &Record,
    ) -> Self {
        let names = record.names.as_ref();
        let asking = |kind| names?.families_at(&request.path, kind, Form::Plain);
        let families = asking(FileKind::Standard);
        let with_index = match named.others.is_empty() {
            true => Vec::new(),
            false => asking(FileKind::Initial).unwrap_or_default(),
        };
        // A name that a tenant gives for all is one of the standard file.
        let carriers = match (names, &families) {
            (Some(names), Some(_)) => names.carriers_at(&request.path),
            _ => Vec::new(),
        };
        let whole = families.as_ref().map(|all| {
            let rest = all.iter().filter(|family| !carriers.contains(family));
            rest.copied().collect::<Vec<_>>()
        });
        let told = |family: &Family| family.spec().sealed_at_plain_name;
        let always = tenant.options.plain_name_after_delivery == PlainName::Sealed;
        let sealed_after = match &whole {
            None => always,
            Some(all) => all.iter().any(|family| always || told(family)),
        };
        Self {
            families,
            whole,
            carriers,
            with_index,
            sealed_after,
        }
    }

    /// Whether there is a standard file at all.
    fn has_whole_files(&self) -> bool {
        self.whole.as_ref().is_none_or(|all| !all.is_empty())
    }

    /// Which bootstrap a phone of the family asks for here.
    fn bootstrap_of(&self, family: Family) -> Bootstrap {
        match self.carriers.contains(&family) {
            true => Bootstrap::KeyAlone,
            false => Bootstrap::Whole,
        }
    }
}

/// What a phone takes as its bootstrap.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bootstrap {
    /// The standard file with the key in it.
    Whole,
    /// The file with the key alone.
    KeyAlone,
}

/// What of a request decides whether it may take a bootstrap.
struct ClaimAsk<'a> {
    now: u64,
    address: &'a str,
    head: bool,
    /// Whether its conditions, if it has any, let a bootstrap through.
    conditions_hold: bool,
}

impl<'a> ClaimAsk<'a> {
    fn of(request: &'a PhoneRequest) -> Self {
        Self {
            now: request.app.now,
            address: &request.caller.address,
            head: request.head,
            conditions_hold: request.conditions.pass_without_validators(),
        }
    }
}

/// What can be told without writing. The claim's own condition decides; this only spares a write
/// where it cannot succeed.
fn may_claim(ask: &ClaimAsk<'_>, device: &DeviceRow, policy: &ClaimPolicy) -> Result<(), Reason> {
    let claim = KeyEvent::Claim {
        now: ask.now,
        source: ask.address.to_owned(),
    };
    match step(&device.key(), &claim, policy).effect {
        Effect::ServePlaintext { .. } if ask.head => Err(Reason::HeadOfBootstrap),
        Effect::ServePlaintext { .. } if !ask.conditions_hold => Err(Reason::ConditionalBootstrap),
        Effect::ServePlaintext { .. } => Ok(()),
        Effect::Refuse(why) => Err(why.into()),
        // A claim is answered in one of the two ways above.
        Effect::ServeSealed { .. }
        | Effect::Changed(_)
        | Effect::NoGenerationLeft
        | Effect::Nothing => Err(Reason::Consumed),
    }
}

/// The bootstrap, and the same without the key.
fn make(
    request: &PhoneRequest,
    inputs: &FileInputs,
    profile: &Profile,
    device: &DeviceRow,
    mac: Mac,
    request_url: &RequestUrl,
    wanted: Bootstrap,
) -> Result<(Vec<u8>, InClear), SealedFileError> {
    let asked = (FileKind::Standard, Form::Plain);
    let clear = InClear::of(&request.app, inputs, asked, request_url)?;
    let key =
        seal::unwrap_key(&request.app.keyring, device).map_err(SealedFileError::not_sealed)?;
    let bytes = match wanted {
        Bootstrap::Whole => render::with_key(inputs, profile, &clear.file, &key),
        Bootstrap::KeyAlone => render::key_alone(inputs, profile, &clear.file, &key, mac),
    }
    .map_err(SealedFileError::File)?;
    Ok((bytes, clear))
}

#[cfg(test)]
mod tests {
    use ringfence_provision::lifecycle::KeyState;

    use super::*;
    use crate::model::device::tests::device;

    const GET: ClaimAsk<'_> = ClaimAsk {
        now: 1000,
        address: "192.0.2.7",
        head: false,
        conditions_hold: true,
    };

    fn window(seconds: u64) -> ClaimPolicy {
        ClaimPolicy {
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
        let head = ClaimAsk { head: true, ..GET };
        assert_eq!(
            may_claim(&head, &armed, &window(0)),
            Err(Reason::HeadOfBootstrap)
        );
        let conditional = ClaimAsk {
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
            let other = ClaimAsk { address, ..GET };
            assert_eq!(
                may_claim(&other, &device, &window(1)),
                Err(Reason::Consumed)
            );
        }
        let late = ClaimAsk {
            now: GET.now + 500,
            ..GET
        };
        assert_eq!(may_claim(&late, &device, &window(1)), Err(Reason::Consumed));
    }
}
