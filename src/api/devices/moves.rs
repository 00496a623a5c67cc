//! Moving a device to another tenant: it keeps its key, the key's state and its history, and for a
//! while the tenant that it left sends the phone on.

use ringfence_api::answer::{Done, Shown};
use ringfence_api::changing::{About, ChangeQuery, TrialQuery};
use ringfence_api::check::Checked;
use ringfence_api::devices::DeviceView;
use ringfence_api::devices::moves::{ForwardView, Keep, MoveInput, MovedView};
use ringfence_api::tenancy::models::ModelInput;
use ringfence_provision::layers::LayerSettings;
use ringfence_queue::job::State;
use ringfence_queue::messages::{PoolCall, PoolReply};
use ringfence_queue::store::JobFilter;
use serde_json::json;

use crate::api::check::candidate::{self, Candidate};
use crate::api::devices::audited;
use crate::api::devices::view::device_view;
use crate::api::notify::pools as api_pools;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::secret::wrap;
use crate::api::request::valid;
use crate::api::tenancy::models;
use crate::api::tenancy::{access_paths as api_paths, settings};
use crate::audit::device_object;
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::platform::hash::sha256_hex;
use crate::platform::{self, DAY_MS, log};
use crate::pool::client;
use crate::store::access_paths::{self, AccessPathRow, segment_identity};
use crate::store::devices::{self, DeviceSurroundings};
use crate::store::models::ModelRow;
use crate::store::moves::{self, Entries, Move, Road};
use crate::store::object::Scope;
use crate::store::tenants::TenantRow;
use crate::store::{Entry, pools};

/// For how many days the phone is sent on at most.
const MAX_DAYS: u32 = 365;

/// What access paths that were made for moved phones are called.
const LABEL: &str = "Moved phones";

/// `moveDevice`.
pub async fn device(call: Call<ChangeQuery, MoveInput>) -> Result<Shown<MovedView>, Failure> {
    let mac = call.mac()?.upper();
    let here = devices::surroundings(&call.app.db, call.param("tenant"), &mac, None, 0)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))?;
    let site = call.body.site.as_deref();
    let there = devices::surroundings(&call.app.db, &call.body.tenant, &mac, site, 0)
        .await?
        .ok_or_else(|| {
            Problem::invalid_value(
                "`tenant` is not the id of a tenant: the list of tenants has them.",
            )
        })?;
    if there.tenant.id == here.tenant.id {
        return Err(Problem::invalid_value(
            "`tenant` is the one that the device is in. To change its site or model, change the device.",
        ).into());
    }
    match &here.device {
        Some(row) => go(&call, &here, &there, row.clone()).await.map(Shown),
        None => Ok(Shown(again(&call, &there.tenant, &mac).await?)),
    }
}

/// `endForward`.
pub async fn end(call: Call<TrialQuery>) -> Result<Done, Failure> {
    let row = call.device().await?;
    call.if_match.check(row.revision)?;
    match row.forward_until {
        Some(until) if call.app.now < until => call.tried_saying(
            About::Access,
            "The tenant that the device left no longer sends its phone on: a phone that still asks there is refused until its new URL is typed in.",
        )?,
        _ => call.tried_saying(About::Nothing, "The phone is not sent on: nothing changes.")?,
    }
    if row.forward_until.is_some() {
        let entry = call.entry("device.end-forward", device_object(&row.mac), None, None);
        moves::end(&call.app.db, &row, &entry)
            .await
            .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    }
    Ok(Done)
}

async fn go(
    call: &Call<ChangeQuery, MoveInput>,
    here: &DeviceSurroundings,
    there: &DeviceSurroundings,
    row: DeviceRow,
) -> Result<MovedView, Failure> {
    let app = &call.app;
    call.if_match.check(row.revision)?;
    if there.device.is_some() {
        return Err(Problem::conflict(TAKEN_MAC).into());
    }
    if call.body.site.is_some() && !there.has_site {
        return Err(Problem::invalid_value(
            "`site` is not the id of a site of the other tenant: the list of its sites has them.",
        )
        .into());
    }
    let target = &there.tenant;
    let mut candidate = Candidate::of_tenant(app, target).await?;
    let (model, new_model) = fitting_model(call, &mut candidate, &row)?;
    let label = call.body.label.as_deref().unwrap_or(&row.label);
    let to = DeviceRow {
        tenant_id: target.id.clone(),
        model: model.name.clone(),
        site_id: call.body.site.clone(),
        label: valid::label("label", label)?.to_owned(),
        family: model.family,
        profile: model.profile.clone(),
        tenant_version: target.version,
        ..row.clone()
    };
    let scope = Scope::Device {
        id: row.id.clone(),
        mac: row.mac.clone(),
    };
    let none = LayerSettings::new();
    let own = candidate::layer(app, &row.tenant_id, &scope.key(), &here.layer.rows)?;
    let values = match call.body.settings {
        Keep::Drop => none.clone(),
        Keep::Keep => own.clone(),
    };
    settings::check_number(&values, [model.family])?;
    let leaving = Some((row.tenant_id.as_str(), scope.key()));
    api_pools::check_addresses_but(app, &target.id, &none, &values, leaving).await?;
    candidate.set_device(to.clone(), values.clone(), None);
    let road = road(call, target).await?;
    if call.changing.trial.is_some() {
        candidate
            .set_left(app, &here.tenant, row.clone(), own)
            .await?;
    }
    let checked = candidate.check(call).await?;

    let layer = settings::new_layer(app, &target.id, &scope.key(), &none, &values)?;
    let digests = settings::digests(app, &target.id, &scope);
    let (_, taken) = settings::difference(&digests, &none, &values);
    let entered = Entered {
        settings: taken,
        road: road.as_ref(),
    };
    let [left, came, both] = entries(call, &row, &to, entered);
    let made = road.as_ref().and_then(|road| road.entry(call, &target.id));
    let moved = Move {
        from: &row,
        to: &to,
        checked_against: &candidate.checked_against,
        model: new_model.then_some(&model),
        settings: (!values.is_empty()).then_some(&layer),
        road: road.as_ref().map(Chosen::stored),
    };
    let entries = Entries {
        left: &left,
        came: &came,
        both: &both,
        made: made.as_ref(),
    };
    moves::write(&app.db, &moved, &entries, app.now)
        .await
        .map_err(|error| commit::failed(error, call.if_match, TAKEN))?;
    publish(call, &row.tenant_id, target, &row.mac).await?;
    let cancelled_jobs = cancel_jobs(call, &row.tenant_id, &row.id).await;
    let forward = road.map(|road| road.view(call, target));
    Ok(view(
        call,
        target,
        &row.mac,
        forward,
        cancelled_jobs,
        Some(checked),
    )
    .await?)
}

/// The same move, asked for once more: whoever was told that it is stored and not in effect repeats
/// it until it is.
async fn again(
    call: &Call<ChangeQuery, MoveInput>,
    target: &TenantRow,
    mac: &str,
) -> Result<MovedView, Failure> {
    let source = call.param("tenant");
    let departed = moves::departure(&call.app.db, source, mac).await?;
    let Some(departed) = departed.filter(|departed| departed.target_id == target.id) else {
        return Err(Problem::not_found("device").into());
    };
    call.tried_without_files()?;
    publish(call, source, target, mac).await?;
    let cancelled_jobs = cancel_jobs(call, source, &departed.device_id).await;
    let until = departed.ends_at;
    let forward = departed
        .access_path_id
        .filter(|_| call.app.now < until)
        .map(|access_path| ForwardView {
            access_path,
            url: None,
            until,
        });
    Ok(view(call, target, mac, forward, cancelled_jobs, None).await?)
}

const TAKEN_MAC: &str = "The other tenant has a device with this MAC already. Remove one of the two: \
                         a device that is added anew gets a new key.";
const TAKEN: &[(&str, &str)] = &[("devices.mac", TAKEN_MAC)];

async fn view(
    call: &Context,
    target: &TenantRow,
    mac: &str,
    forward: Option<ForwardView>,
    cancelled_jobs: Option<u32>,
    checked: Option<Checked>,
) -> Result<MovedView, Problem> {
    let row = devices::find(&call.app.db, &target.id, mac)
        .await?
        .ok_or_else(|| Problem::not_found("device"))?;
    Ok(MovedView {
        tenant: target.id.clone(),
        device: DeviceView {
            checked,
            ..device_view(row, call.app.now)
        },
        forward,
        cancelled_jobs,
    })
}

/// Voids what is cached where it was, and what may be where it is now.
async fn publish(
    call: &Context,
    source: &str,
    target: &TenantRow,
    mac: &str,
) -> Result<(), Problem> {
    commit::drop_files(&call.app, source, mac).await?;
    commit::publish(&call.app, source).await?;
    commit::publish_device(&call.app, &target.id, mac).await
}

/// What the device is in the target, and whether that has to be added there. It is one of the candidate's
/// then.
fn fitting_model(
    call: &Call<ChangeQuery, MoveInput>,
    candidate: &mut Candidate,
    row: &DeviceRow,
) -> Result<(ModelRow, bool), Problem> {
    let named = call.body.model.as_deref();
    let name = valid::model(named.unwrap_or(&row.model))?;
    if let Some(model) = candidate.models().get(name) {
        // Its key goes along, so what is sealed with it must be what the phone opens.
        if named.is_none() && (model.family, &model.profile) != (row.family, &row.profile) {
            let name_of = |family: &str, profile: &Option<String>| match profile {
                Some(profile) => format!("{family}, sealed as {profile}"),
                None => format!("{family}, plaintext over HTTPS"),
            };
            return Err(Problem::conflict(format!(
                "{name} is {} in the other tenant and {} here. Change the model on one side, or name `model` in the request to take it as it is there.",
                name_of(model.family.as_str(), &model.profile),
                name_of(row.family.as_str(), &row.profile),
            )));
        }
        return Ok((model.clone(), false));
    }
    models::check_room(candidate)?;
    let input = match named {
        Some(_) => ModelInput::default(),
        None => ModelInput {
            family: Some(row.family),
            profile: Some(row.profile.clone()),
        },
    };
    let chosen = models::choose(name, &input, candidate.tenant_options())?;
    let model = ModelRow {
        created_at: call.app.now,
        ..chosen
    };
    candidate.set_model(model.clone());
    Ok((model, true))
}

/// The access path that the phone is sent to.
struct Chosen {
    path: AccessPathRow,
    /// Wrapped, with the id of the master key, where it is not stored yet.
    wrapped: Option<(String, String)>,
    /// The segment of a new one.
    made: Option<String>,
    ends_at: u64,
}

impl Chosen {
    fn stored(&self) -> Road<'_> {
        Road {
            path: &self.path,
            segment: self.wrapped.as_ref().map(|(text, id)| (&**text, &**id)),
            new: self.made.is_some(),
            ends_at: self.ends_at,
        }
    }

    /// What the target's log says of an access path that the move adds.
    fn entry(&self, call: &Context, target_id: &str) -> Option<Entry> {
        self.made.as_ref()?;
        Some(Entry {
            tenant_id: Some(target_id.to_owned()),
            ..api_paths::created(call, &self.path)
        })
    }

    fn view(self, call: &Context, target: &TenantRow) -> ForwardView {
        let url = |segment| api_paths::url(call, target, segment);
        ForwardView {
            url: self.made.as_deref().map(url),
            access_path: self.path.id,
            until: self.ends_at,
        }
    }
}

async fn road(
    call: &Call<ChangeQuery, MoveInput>,
    target: &TenantRow,
) -> Result<Option<Chosen>, Problem> {
    let input = &call.body.forward;
    if !(1..=MAX_DAYS).contains(&input.days) {
        return Err(Problem::invalid_value(format!(
            "`forward.days` is 1 to {MAX_DAYS}."
        )));
    }
    if !input.enabled {
        return Ok(None);
    }
    let app = &call.app;
    let ends_at = app.now.saturating_add(u64::from(input.days) * DAY_MS);
    let wrapped = |id: &str, segment: &str| -> Result<(String, String), Problem> {
        let identity = segment_identity(&target.id, id);
        let wrapped = wrap(&app.keyring, &identity, segment.as_bytes())?;
        Ok((wrapped, app.keyring.current().id().to_owned()))
    };
    if let Some(url) = &input.url {
        let segment = api_paths::segment_of(url);
        let path = access_paths::with_hash(&app.db, &target.id, &sha256_hex(segment), ends_at)
            .await?
            .filter(|path| path.expires_at.is_none_or(|end| app.now < end))
            .ok_or_else(|| {
                Problem::invalid_value(
                    "`forward.url` is no access path of the other tenant that is still good. Give its URL or its segment as it was shown when it was made, or leave it out.",
                )
            })?;
        let wrapped = match path.segment {
            Some(_) => None,
            None => Some(wrapped(&path.id, segment)?),
        };
        return Ok(Some(Chosen {
            wrapped,
            made: None,
            ends_at: ends_at.min(path.expires_at.unwrap_or(u64::MAX)),
            path,
        }));
    }
    let known = access_paths::with_segment(&app.db, &target.id, ends_at).await?;
    if let Some(path) = known {
        return Ok(Some(Chosen {
            path,
            wrapped: None,
            made: None,
            ends_at,
        }));
    }
    let paths = access_paths::list(
        &app.db,
        &target.id,
        ends_at,
        "",
        access_paths::MAX_ACCESS_PATHS,
    )
    .await?;
    if paths.len() >= access_paths::MAX_ACCESS_PATHS as usize {
        return Err(Problem::conflict(format!(
            "The other tenant has {} access paths already, so none can be made for moved phones. Name one in `forward.url`, or remove one there.",
            access_paths::MAX_ACCESS_PATHS
        )));
    }
    let segment = api_paths::segment(platform::random_array()?);
    let path = AccessPathRow {
        id: app.new_id(),
        hash: sha256_hex(&segment),
        label: LABEL.to_owned(),
        created_at: app.now,
        expires_at: None,
        last_used_at: None,
        devices: 0,
        segment: None,
        target_since: None,
    };
    Ok(Some(Chosen {
        wrapped: Some(wrapped(&path.id, &segment)?),
        made: Some(segment),
        ends_at,
        path,
    }))
}

/// What a move changes besides the device.
struct Entered<'a> {
    /// Of its layer, as the log shows it.
    settings: serde_json::Value,
    road: Option<&'a Chosen>,
}

/// What each tenant's log says, neither of the other; and what those may read who see both.
fn entries(
    call: &Call<ChangeQuery, MoveInput>,
    from: &DeviceRow,
    to: &DeviceRow,
    entered: Entered<'_>,
) -> [Entry; 3] {
    const ACTION: &str = "device.move";
    let object = device_object(&from.mac);
    let mut after = audited(to);
    if let Some(members) = after.as_object_mut() {
        members.insert("settings".into(), entered.settings);
        // A segment that is stored from now on is a change of the access path too.
        let forward = entered.road.map(|road| {
            json!({
                "access_path": road.path.id,
                "made": road.made.is_some(),
                "segment_stored": road.wrapped.is_some(),
                "until": road.ends_at,
            })
        });
        members.insert("forward".into(), json!(forward));
    }
    let entry = |tenant: Option<&str>, before, after| Entry {
        tenant_id: tenant.map(str::to_owned),
        ..call.entry(ACTION, object.clone(), before, after)
    };
    let elsewhere = || Some(json!({ "tenant": "another" }));
    [
        entry(Some(&from.tenant_id), Some(audited(from)), elsewhere()),
        entry(Some(&to.tenant_id), elsewhere(), Some(after)),
        entry(
            None,
            Some(json!({ "device": from.id, "tenant": from.tenant_id })),
            Some(json!({ "device": to.id, "tenant": to.tenant_id })),
        ),
    ]
}

/// Cancels what waits in the queue for the device in the tenant that it left; how many jobs, or `None`
/// if a queue does not answer.
async fn cancel_jobs(call: &Context, tenant_id: &str, device_id: &str) -> Option<u32> {
    match try_cancel_jobs(call, tenant_id, device_id).await {
        Ok(number) => Some(number),
        Err(problem) => {
            let detail = problem.internal.unwrap_or(problem.detail);
            log::warn(
                "jobs_not_cancelled",
                &[
                    ("tenant", tenant_id),
                    ("device", device_id),
                    ("error", &detail),
                ],
            );
            None
        }
    }
}

async fn try_cancel_jobs(call: &Context, tenant_id: &str, device_id: &str) -> Result<u32, Problem> {
    let env = &call.app.env;
    let mut number = 0;
    for pool in pools::of_tenant(&call.app.db, tenant_id).await? {
        for state in [State::Queued, State::Leased, State::Answered] {
            let filter = JobFilter {
                tenant: tenant_id.to_owned(),
                device: Some(device_id.to_owned()),
                rollout: None,
                state: Some(state.as_str().to_owned()),
                before: None,
                limit: MAX_WAITING_JOBS,
            };
            let jobs = match client::call(env, &pool, &PoolCall::Jobs(filter)).await? {
                PoolReply::Jobs { jobs, .. } => jobs,
                other => return Err(client::unexpected(&other)),
            };
            for job in jobs {
                let cancel = PoolCall::CancelJob {
                    tenant: tenant_id.to_owned(),
                    id: job.id,
                };
                // One that ended in the meantime needs no cancelling.
                if let Ok(PoolReply::Job { .. }) = client::call(env, &pool, &cancel).await {
                    number += 1;
                }
            }
        }
    }
    Ok(number)
}

/// Most waiting jobs of a device that are looked for: it has one for each event.
const MAX_WAITING_JOBS: u32 = 100;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::moves::*;

    #[test]
    fn settings_go_along_and_the_phone_is_sent_on_unless_it_is_said() {
        let input: MoveInput = serde_json::from_str(r#"{"tenant":"T"}"#).unwrap();
        assert_eq!(input.settings, Keep::Keep);
        assert!(input.forward.enabled);
        assert_eq!((input.forward.url, input.forward.days), (None, 30));
        let input: MoveInput =
            serde_json::from_str(r#"{"tenant":"T","settings":"drop","forward":{"enabled":false}}"#)
                .unwrap();
        assert_eq!(input.settings, Keep::Drop);
        assert!(!input.forward.enabled);
    }

    #[test]
    fn segment_identity_format_unchanged() {
        assert_eq!(segment_identity("T", "P"), "access-path:T:P");
    }
}
