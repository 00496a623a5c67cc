//! Devices, by their MAC within a tenant.

pub mod batch;
pub mod counts;
pub mod export;
pub mod fetched;
pub mod fleet;
pub mod keys;
pub mod lint;
pub mod list;
pub mod moves;
pub mod preview;
pub mod unknown;
pub mod view;

use ringfence_api::answer::{CreatedRevised, Done, Revised};
use ringfence_api::changing::{About, ChangeQuery, DryRun, Effect};
use ringfence_api::check::Checked;
use ringfence_api::devices::fleet::WithDoubles;
use ringfence_api::devices::{DeviceInput, DeviceView, NewDeviceInput};
use ringfence_api::tenancy::models::ModelInput;
use ringfence_provision::family::Family;
use ringfence_provision::key::DeviceKey;
use ringfence_provision::layers::LayerSettings;
use ringfence_provision::lifecycle::KeyRecord;
use serde_json::json;

use crate::api::check::candidate::{self, Candidate};
use crate::api::devices::view::device_view;
use crate::api::notify::pools;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::etag::IfMatch;
use crate::api::request::valid;
use crate::api::tenancy::{models, settings};
use crate::app::App;
use crate::audit::device_object;
use crate::edge;
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::store::Entry;
use crate::store::devices::{self, DeviceSurroundings, DeviceValues, NewDevice};
use crate::store::models::ModelRow;
use crate::store::object::Scope;
use crate::store::tenants::TenantRow;

/// What the audit log says about a device.
pub fn audited(row: &DeviceRow) -> serde_json::Value {
    json!({
        "model": row.model,
        "site": row.site_id,
        "label": row.label,
        "disabled": row.disabled == 1,
        "key": { "state": row.key_state, "generation": row.generation },
    })
}

/// `getDevice`.
pub async fn show(call: Call) -> Result<Revised<DeviceView>, Problem> {
    Ok(revised(call.device().await?, call.app.now))
}

/// `createDevice`.
pub async fn create(
    call: Call<ChangeQuery, NewDeviceInput>,
) -> Result<CreatedRevised<WithDoubles>, Failure> {
    let mac = call.body.mac.upper();
    let found = around(&call, &mac, call.body.site.as_deref()).await?;
    if found.device.is_some() {
        return Err(Problem::conflict(TAKEN_MAC).into());
    }
    let input = DeviceInput {
        model: call.body.model.clone(),
        site: call.body.site.clone(),
        label: call.body.label.clone(),
        settings: call.body.settings.clone(),
    };
    let (row, checked) = add(&call, &found, mac, &input, None).await?;
    let Revised(view, revision) = revised(row, call.app.now);
    let checked = Some(checked);
    let view = DeviceView { checked, ..view };
    let view = fleet::with_doubles(&call, &found.tenant.id, view).await?;
    Ok(CreatedRevised(view, revision))
}

/// `putDevice`.
pub async fn put(call: Call<ChangeQuery, DeviceInput>) -> Result<Revised<WithDoubles>, Failure> {
    let mac = call.mac()?.upper();
    let found = around(&call, &mac, call.body.site.as_deref()).await?;
    let added = found.device.is_none();
    let (row, checked) = match &found.device {
        Some(row) => {
            call.if_match.check(row.revision)?;
            change(&call, &found, row, &call.body).await?
        }
        None => {
            call.if_match.check(0)?;
            let (row, checked) = add(&call, &found, mac, &call.body, None).await?;
            (row, Some(checked))
        }
    };
    let Revised(view, revision) = revised(row, call.app.now);
    let view = DeviceView { checked, ..view };
    if added {
        let view = fleet::with_doubles(&call, &found.tenant.id, view).await?;
        return Ok(Revised(view, revision));
    }
    Ok(Revised(WithDoubles::none(view), revision))
}

/// `deleteDevice`.
pub async fn delete(call: Call<ChangeQuery>) -> Result<Done, Failure> {
    let row = call.device().await?;
    call.if_match.check(row.revision)?;
    call.tried(|| DryRun {
        affected: 1,
        ..DryRun::of(vec![
            Effect::counted(
                About::Removed,
                1,
                "The device is removed with its key, its settings and their history. None of it comes back: added anew, it gets a new key.",
            ),
            Effect::counted(
                About::Service,
                1,
                "The device's phone gets no file from then on. NOTIFY jobs that wait for the phone are cancelled.",
            ),
        ])
    })?;
    let entry = call.entry(
        "device.delete",
        device_object(&row.mac),
        Some(audited(&row)),
        None,
    );
    devices::delete(&call.app.db, &row, &entry)
        .await
        .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    commit::publish_device(&call.app, &row.tenant_id, &row.mac).await?;
    Ok(Done)
}

/// A device with its ETag.
pub fn revised(row: DeviceRow, now: u64) -> Revised<DeviceView> {
    let revision = row.revision;
    Revised(device_view(row, now), revision)
}

const TAKEN_MAC: &str = "The tenant has a device with this MAC already. Change that device, or remove it first: \
                         a device that is added anew gets a new key.";
const TAKEN: &[(&str, &str)] = &[("devices.mac", TAKEN_MAC)];

/// What a change of the path's device, or of one that is to be added, begins with.
async fn around(
    call: &Context,
    mac: &str,
    site: Option<&str>,
) -> Result<DeviceSurroundings, Problem> {
    let tenant_id = call.param("tenant");
    let since = call.app.now.saturating_sub(edge::FENCE_MS);
    devices::surroundings(&call.app.db, tenant_id, mac, site, since)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))
}

fn check_input(found: &DeviceSurroundings, input: &DeviceInput) -> Result<(), Problem> {
    valid::label("label", &input.label)?;
    valid::model(&input.model)?;
    if input.site.is_some() && !found.has_site {
        return Err(Problem::invalid_value(
            "`site` is not the id of a site of this tenant: the list of its sites has them.",
        ));
    }
    Ok(())
}

/// What a device is to be, and whether that model is to be added: of a family that is known otherwise, or of
/// the one that its name suggests. It is one of the candidate's then.
fn wanted(
    call: &Context,
    candidate: &mut Candidate,
    name: &str,
    family: Option<Family>,
) -> Result<(ModelRow, bool), Problem> {
    let name = valid::model(name)?;
    if let Some(model) = candidate.models().get(name) {
        return Ok((model.clone(), false));
    }
    models::check_room(candidate)?;
    let input = ModelInput {
        family,
        ..ModelInput::default()
    };
    let chosen = models::choose(name, &input, candidate.tenant_options())?;
    let model = ModelRow {
        created_at: call.app.now,
        ..chosen
    };
    candidate.set_model(model.clone());
    Ok((model, true))
}

/// A device of which nothing is stored yet, with a key that waits.
fn fresh(
    app: &App,
    tenant: &TenantRow,
    mac: String,
    model: &ModelRow,
    site: Option<String>,
    label: &str,
) -> Result<DeviceRow, Problem> {
    let record = KeyRecord::new(app.now, keys::until(&tenant.options()?, app.now));
    Ok(DeviceRow {
        id: app.new_id(),
        tenant_id: tenant.id.clone(),
        mac,
        model: model.name.clone(),
        site_id: site,
        label: label.to_owned(),
        disabled: 0,
        version: 0,
        key_state: record.state,
        generation: record.generation,
        ever_delivered: i64::from(record.ever_delivered),
        key_wrapped: String::new(),
        armed_at: record.armed_at,
        armed_until: record.armed_until,
        delivered_at: None,
        delivered_address: None,
        delivered_user_agent: None,
        delivered_country: None,
        confirmed_at: None,
        last_seen_at: None,
        last_seen_address: None,
        last_seen_user_agent: None,
        fetched_version: None,
        fetched_at: None,
        revision: 1,
        created_at: app.now,
        updated_at: app.now,
        forward_until: None,
        failed_at: None,
        failed_reason: None,
        unexpected_network: 0,
        family: model.family,
        profile: model.profile.clone(),
        tenant_version: tenant.version,
    })
}

/// Adds a device. `family` is that of its model, where the tenant does not have the model and something else
/// than its name tells.
async fn add(
    call: &Context,
    found: &DeviceSurroundings,
    mac: String,
    input: &DeviceInput,
    family: Option<Family>,
) -> Result<(DeviceRow, Checked), Failure> {
    let app = &call.app;
    let tenant = &found.tenant;
    check_input(found, input)?;
    let none = LayerSettings::new();
    let values = settings::merge(&none, &input.settings.clone().unwrap_or_default())?;
    pools::check_addresses(app, &tenant.id, &none, &values).await?;
    let mut candidate = Candidate::of_tenant(app, tenant).await?;
    let (model, new_model) = wanted(call, &mut candidate, &input.model, family)?;
    settings::check_number(&values, [model.family])?;
    let row = fresh(app, tenant, mac, &model, input.site.clone(), &input.label)?;
    let scope = Scope::Device {
        id: row.id.clone(),
        mac: row.mac.clone(),
    };
    candidate.set_device(row.clone(), values.clone(), None);
    let checked = candidate.check(call).await?;

    let layer = settings::new_layer(app, &tenant.id, &scope.key(), &none, &values)?;
    let entry = added_entry(call, &row, &values);
    let key = DeviceKey::from_random(crate::platform::random)?;
    let new = NewDevice {
        row: &row,
        checked_against: &candidate.checked_against,
        key: keys::stored(app, &row.id, row.generation, &key)?,
        fenced_at: if found.left { app.now } else { 0 },
        model: new_model.then_some(&model),
        settings: (!values.is_empty()).then_some(&layer),
    };
    let row = devices::insert(&app.db, &new, &entry)
        .await
        .map_err(|error| commit::failed(error, IfMatch::Absent, TAKEN))?;
    if found.left {
        commit::publish_device(app, &tenant.id, &row.mac).await?;
    }
    Ok((row, checked))
}

async fn change(
    call: &Context,
    found: &DeviceSurroundings,
    row: &DeviceRow,
    input: &DeviceInput,
) -> Result<(DeviceRow, Option<Checked>), Failure> {
    let app = &call.app;
    let tenant = &found.tenant;
    check_input(found, input)?;
    let scope = Scope::Device {
        id: row.id.clone(),
        mac: row.mac.clone(),
    };
    let before = candidate::layer(app, &tenant.id, &scope.key(), &found.layer.rows)?;
    let values = match &input.settings {
        Some(written) => settings::merge(&before, written)?,
        None => before.clone(),
    };
    pools::check_addresses(app, &tenant.id, &before, &values).await?;
    let moved = row.model != valid::model(&input.model)? || row.site_id != input.site;
    if !moved && row.label == input.label && values == before {
        call.tried_without_files()?;
        publish(call, row, false).await?;
        return Ok((row.clone(), None));
    }
    let mut candidate = Candidate::of_tenant(app, tenant).await?;
    let (model, new_model) = wanted(call, &mut candidate, &input.model, None)?;
    settings::check_number(&values, [model.family])?;
    let changed = DeviceRow {
        model: model.name.clone(),
        site_id: input.site.clone(),
        label: input.label.clone(),
        ..row.clone()
    };
    let stored = (row.clone(), before.clone());
    candidate.set_device(changed.clone(), values.clone(), Some(stored));
    let checked = candidate.check(call).await?;

    let layer = settings::new_layer(app, &tenant.id, &scope.key(), &before, &values)?;
    let entry = changed_entry(call, (row, &before), (&changed, &values));
    let change = DeviceValues {
        checked_against: &candidate.checked_against,
        model: &model.name,
        site_id: input.site.as_deref(),
        label: &input.label,
    };
    let is = devices::update(
        &app.db,
        row,
        &change,
        new_model.then_some(&model),
        (values != before).then_some((&layer, found.layer.revision)),
        app.now,
        &entry,
    )
    .await
    .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    publish(call, row, row.model != model.name).await?;
    Ok((is, Some(checked)))
}

/// The entry of a device that is added with these settings.
fn added_entry(call: &Context, row: &DeviceRow, values: &LayerSettings) -> Entry {
    let mut after = audited(row);
    if let Some(members) = after.as_object_mut() {
        let digests = settings::digests(&call.app, &row.tenant_id, &Scope::of_device(row));
        let (_, is) = settings::difference(&digests, &LayerSettings::new(), values);
        members.insert("settings".into(), is);
    }
    call.entry("device.create", device_object(&row.mac), None, Some(after))
}

/// The entry of a device that becomes another, each with its settings.
fn changed_entry(
    call: &Context,
    (row, before): (&DeviceRow, &LayerSettings),
    (changed, values): (&DeviceRow, &LayerSettings),
) -> Entry {
    let mut was_all = audited(row);
    let mut is_all = audited(changed);
    if values != before {
        let digests = settings::digests(&call.app, &row.tenant_id, &Scope::of_device(row));
        let (was, is) = settings::difference(&digests, before, values);
        for (all, settings) in [(&mut was_all, was), (&mut is_all, is)] {
            if let Some(members) = all.as_object_mut() {
                members.insert("settings".into(), settings);
            }
        }
    }
    let object = device_object(&row.mac);
    call.entry("device.update", object, Some(was_all), Some(is_all))
}

async fn publish(call: &Context, row: &DeviceRow, fenced: bool) -> Result<(), Problem> {
    if fenced {
        return commit::publish_device(&call.app, &row.tenant_id, &row.mac).await;
    }
    commit::drop_files(&call.app, &row.tenant_id, &row.mac).await
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::devices::*;
    use ringfence_provision::lifecycle::KeyState;

    /// A device whose bootstrap was taken.
    pub(in crate::api) fn row() -> DeviceRow {
        serde_json::from_value(json!({
            "id": "01JD0000000000000000000000", "tenant_id": "01JC0000000000000000000000",
            "mac": "0080F0C571EB", "model": "KX-UTG300B", "site_id": null, "label": "Front desk",
            "disabled": 0, "version": 4, "key_state": "delivered", "generation": 2,
            "ever_delivered": 1, "key_wrapped": "v1.k1.AAAA.BBBB", "armed_at": 1000,
            "armed_until": 2000, "delivered_at": 1500, "delivered_address": "192.0.2.7",
            "delivered_user_agent": "Panasonic_KX-UTG300B/01.133 (0080f0c571eb)",
            "delivered_country": "DE", "confirmed_at": null, "last_seen_at": 1500,
            "last_seen_address": "192.0.2.7", "last_seen_user_agent": "x", "fetched_version": 4,
            "fetched_at": 1500, "revision": 3, "created_at": 900, "updated_at": 1000,
            "family": "utg", "profile": "utg-128", "tenant_version": 7,
        }))
        .unwrap()
    }

    #[test]
    fn device_json_format_unchanged() {
        insta::assert_json_snapshot!(device_view(row(), 1600));
    }

    #[test]
    fn a_bootstrap_waits_only_while_it_would_be_served() {
        let armed = DeviceRow {
            key_state: KeyState::Armed,
            ..row()
        };
        assert!(device_view(armed.clone(), 1999).key.bootstrap_waits);
        assert!(!device_view(armed.clone(), 2000).key.bootstrap_waits);
        let disabled = DeviceRow {
            disabled: 1,
            ..armed
        };
        assert!(!device_view(disabled, 1999).key.bootstrap_waits);
        assert!(!device_view(row(), 1600).key.bootstrap_waits);
    }

    #[test]
    fn a_view_holds_no_key() {
        let json = serde_json::to_string(&device_view(row(), 1600)).unwrap();
        assert!(!json.contains("v1.k1"));
        assert!(!audited(&row()).to_string().contains("v1.k1"));
    }
}
