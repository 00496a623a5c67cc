//! Settings per layer. A layer is one document: `PUT` replaces the whole of it.
//!
//! A secret is write-only: it is shown as `{"secret": null}`, which written back keeps what is
//! stored. So a document that was read can be changed and written without knowing its secrets.

use std::collections::BTreeMap;

use ringfence_api::answer::Revised;
use ringfence_api::check::Checked;
use ringfence_api::query::RevealQuery;
use ringfence_api::tenancy::settings::{SettingView, SettingsInput, SettingsQuery, SettingsView};
use ringfence_provision::family::{Family, MAX_SETTINGS};
use ringfence_provision::layers::{LayerSettings, Value, check_name, check_setting};
use ringfence_provision::secret::SecretString;
use ringfence_provision::vendor::EVENT_SETTINGS;
use ringfence_queue::target;

use crate::api::check::candidate::{self, Candidate};
use crate::api::notify::{self, pools};
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::etag::IfMatch;
use crate::api::request::secret::wrap;
use crate::app::App;
use crate::audit::digest::Digests;
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::store::devices::{self, Affected};
use crate::store::object::{Scope, SettingRow};
use crate::store::settings::{self, LayerRows, NewLayer};
use crate::store::tenants::TenantRow;

/// Checks how many settings a layer has. Which families its files are for decides how many it may.
///
/// # Errors
/// There are more.
pub fn check_number(
    settings: &LayerSettings,
    families: impl IntoIterator<Item = Family>,
) -> Result<(), Problem> {
    let most = families
        .into_iter()
        .map(Family::settings_limit)
        .fold(MAX_SETTINGS, usize::max);
    if settings.len() > most {
        return Err(Problem::invalid_value(format!(
            "A layer of these phones has at most {most} settings, and this has {}. Put what several phones share into a layer above them.",
            settings.len()
        )));
    }
    Ok(())
}

/// What the settings of a layer are answered with.
type SettingsAnswer = Result<Revised<SettingsView>, Failure>;
type Get = Call<RevealQuery>;
type Put = Call<SettingsQuery, SettingsInput>;

/// `getTenantSettings`.
pub async fn of_tenant(call: Get) -> SettingsAnswer {
    show(&call, above(&call, Scope::Tenant).await?).await
}

/// `putTenantSettings`.
pub async fn put_tenant(call: Put) -> SettingsAnswer {
    put(&call, above(&call, Scope::Tenant).await?).await
}

/// `getSiteSettings`.
pub async fn of_site(call: Get) -> SettingsAnswer {
    show(&call, site(&call).await?).await
}

/// `putSiteSettings`.
pub async fn put_site(call: Put) -> SettingsAnswer {
    put(&call, site(&call).await?).await
}

/// `getModelSettings`.
pub async fn of_model(call: Get) -> SettingsAnswer {
    show(&call, model(&call).await?).await
}

/// `putModelSettings`.
pub async fn put_model(call: Put) -> SettingsAnswer {
    put(&call, model(&call).await?).await
}

/// `getDeviceSettings`.
pub async fn of_device(call: Get) -> SettingsAnswer {
    show(&call, device(&call).await?).await
}

/// `putDeviceSettings`.
pub async fn put_device(call: Put) -> SettingsAnswer {
    put(&call, device(&call).await?).await
}

/// Writes some settings of the context's device and removes others; the rest of its layer stays.
///
/// # Errors
/// As `putDeviceSettings`.
pub async fn edit_device(
    mut of: Context,
    set: &BTreeMap<String, serde_json::Value>,
    remove: &[String],
) -> Result<(), Failure> {
    let found = device(&of).await?;
    if let Some(row) = &found.device {
        of.if_match.check(row.revision)?;
    }
    // From here on it is about the revision of the layer, which was read just now.
    of.if_match = IfMatch::Absent;
    let kept = found.layer.rows.iter().map(|row| &row.name);
    let mut settings: BTreeMap<_, _> = kept
        .filter(|name| !remove.contains(name))
        .map(|name| (name.clone(), serde_json::json!({ "keep": true })))
        .collect();
    settings.extend(set.clone());
    let call = Call::of(of, SettingsQuery::default(), SettingsInput { settings });
    change(&call, found, &call.body.settings).await.map(drop)
}

/// A layer as it is.
pub struct LayerFound {
    pub scope: Scope,
    pub tenant: TenantRow,
    /// If it is one device's.
    pub device: Option<DeviceRow>,
    pub layer: LayerRows,
}

/// The layer that a path names, by what stands for `{site}`, `{model}` or `{mac}` in it.
///
/// # Errors
/// There is none.
pub async fn named(call: &Context) -> Result<LayerFound, Problem> {
    let is_named = |name| !call.param(name).is_empty();
    match () {
        () if is_named("mac") => device(call).await,
        () if is_named("site") => site(call).await,
        () if is_named("model") => model(call).await,
        () => above(call, Scope::Tenant).await,
    }
}

async fn site(call: &Context) -> Result<LayerFound, Problem> {
    above(call, Scope::Site(call.param("site").to_owned())).await
}

async fn model(call: &Context) -> Result<LayerFound, Problem> {
    above(call, Scope::Model(call.param("model").to_owned())).await
}

async fn above(call: &Context, scope: Scope) -> Result<LayerFound, Problem> {
    let what = match scope {
        Scope::Tenant | Scope::Device { .. } => "tenant",
        Scope::Site(_) => "site",
        Scope::Model(_) => "model",
    };
    let (tenant, layer) = settings::with_tenant(&call.app.db, call.param("tenant"), &scope)
        .await?
        .ok_or_else(|| Problem::not_found(what))?;
    Ok(LayerFound {
        scope,
        tenant,
        device: None,
        layer,
    })
}

async fn device(call: &Context) -> Result<LayerFound, Problem> {
    let mac = call.mac()?.upper();
    let found = devices::surroundings(&call.app.db, call.param("tenant"), &mac, None, 0).await?;
    let (device, found) = found
        .and_then(|mut found| Some((found.device.take()?, found)))
        .ok_or_else(|| Problem::not_found("device"))?;
    Ok(LayerFound {
        scope: Scope::Device {
            id: device.id.clone(),
            mac: device.mac.clone(),
        },
        tenant: found.tenant,
        device: Some(device),
        layer: found.layer,
    })
}

async fn show(call: &Get, found: LayerFound) -> SettingsAnswer {
    let LayerFound { scope, layer, .. } = found;
    let reveal = call.reveal(call.query.reveal, scope.path()).await?;
    let values = if reveal {
        candidate::layer(&call.app, &found.tenant.id, &scope.key(), &layer.rows)?
    } else {
        masked(&layer.rows)
    };
    Ok(view(&values, reveal, layer.revision, None))
}

async fn put(call: &Put, found: LayerFound) -> SettingsAnswer {
    let scope = found.scope.clone();
    let Revised(view, revision) = change(call, found, &call.body.settings).await?;
    let notified = notify::after_layer(call, call.query.notify, &scope).await;
    Ok(Revised(SettingsView { notified, ..view }, revision))
}

async fn change(
    call: &Context,
    found: LayerFound,
    written: &BTreeMap<String, serde_json::Value>,
) -> SettingsAnswer {
    call.if_match.check(found.layer.revision)?;
    let key = found.scope.key();
    let before = candidate::layer(&call.app, &found.tenant.id, &key, &found.layer.rows)?;
    let after = merge(&before, written)?;
    write(call, found, before, after).await
}

/// Writes a layer's settings, if its files stand the check.
///
/// # Errors
/// A file fails the check, or the layer is another than the caller has seen.
pub async fn write(
    call: &Context,
    found: LayerFound,
    before: LayerSettings,
    after: LayerSettings,
) -> SettingsAnswer {
    let app = &call.app;
    let LayerFound {
        scope,
        tenant,
        device,
        layer: stored,
    } = found;
    let key = scope.key();
    call.if_match.check(stored.revision)?;
    pools::check_addresses(app, &tenant.id, &before, &after).await?;
    if before == after {
        call.tried_without_files()?;
        publish(app, &tenant.id, &scope).await?;
        return Ok(view(&after, false, stored.revision, None));
    }
    let mut candidate = match device {
        Some(device) => {
            let mut candidate = Candidate::of_tenant(app, &tenant).await?;
            candidate.set_device(
                device.clone(),
                after.clone(),
                Some((device, before.clone())),
            );
            candidate
        }
        None => {
            let affected = match &scope {
                Scope::Site(id) => Affected::Site(id.clone()),
                Scope::Model(name) => Affected::Models(vec![name.clone()]),
                Scope::Tenant | Scope::Device { .. } => Affected::All,
            };
            let mut candidate = Candidate::load(app, &tenant, &affected).await?;
            candidate.set_layer(&scope, after.clone());
            candidate
        }
    };
    check_number(&after, candidate.families(&scope))?;
    let checked = candidate.check(call).await?;
    let layer = new_layer(app, &tenant.id, &key, &before, &after)?;
    let (was, is) = difference(&digests(app, &tenant.id, &scope), &before, &after);
    let entry = call.entry("settings.update", scope.path(), Some(was), Some(is));
    settings::put(
        &app.db,
        &candidate.checked_against,
        &scope,
        stored.revision,
        &layer,
        app.now,
        &entry,
    )
    .await
    .map_err(|error| commit::failed(error, call.if_match, &[]))?;
    publish(app, &tenant.id, &scope).await?;
    Ok(view(&after, false, stored.revision + 1, Some(checked)))
}

async fn publish(app: &App, tenant_id: &str, scope: &Scope) -> Result<(), Problem> {
    match scope {
        Scope::Device { mac, .. } => commit::drop_files(app, tenant_id, mac).await,
        _ => commit::publish(app, tenant_id).await,
    }
}

/// What a layer's rows become. What stays the same is not written again.
///
/// # Errors
/// There is no randomness, or wrapping fails.
pub fn new_layer(
    app: &App,
    tenant_id: &str,
    scope: &str,
    before: &LayerSettings,
    after: &LayerSettings,
) -> Result<NewLayer, Problem> {
    let (keep, write): (Vec<_>, Vec<_>) = after
        .iter()
        .partition(|(name, value)| before.get(*name) == Some(*value));
    let write = write
        .into_iter()
        .map(|(name, value)| row(app, tenant_id, scope, name, value))
        .collect::<Result<_, Problem>>()?;
    Ok(NewLayer {
        write,
        keep: keep.into_iter().map(|(name, _)| name.clone()).collect(),
        grows: bytes(after) > bytes(before),
    })
}

/// Bytes of names and values, about as they are stored.
fn bytes(layer: &LayerSettings) -> usize {
    let value = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Secret(secret) => WRAPPING + secret.expose().len() * 4 / 3,
    };
    layer.iter().map(|(name, it)| name.len() + value(it)).sum()
}

/// About what wrapping adds to a secret.
const WRAPPING: usize = 60;

fn row(
    app: &App,
    tenant_id: &str,
    scope: &str,
    name: &str,
    value: &Value,
) -> Result<SettingRow, Problem> {
    let (value, master) = match value {
        Value::Text(text) => (text.clone(), None),
        Value::Secret(secret) => {
            let identity = settings::associated_data(tenant_id, scope, name);
            let wrapped = wrap(&app.keyring, &identity, secret.expose().as_bytes())?;
            (wrapped, Some(app.keyring.current().id().to_owned()))
        }
    };
    Ok(SettingRow {
        scope: scope.to_owned(),
        name: name.to_owned(),
        value,
        master,
    })
}

fn view(
    values: &LayerSettings,
    reveal: bool,
    revision: u64,
    checked: Option<Checked>,
) -> Revised<SettingsView> {
    let settings = values
        .iter()
        .map(|(name, value)| {
            let view = match value {
                Value::Text(text) => SettingView::Text(text.clone()),
                Value::Secret(secret) => SettingView::Secret {
                    secret: reveal.then(|| secret.expose().to_owned()),
                },
            };
            (name.clone(), view)
        })
        .collect();
    Revised(
        SettingsView {
            settings,
            revision,
            checked,
            notified: None,
        },
        revision,
    )
}

/// Rows as values, with secrets left wrapped: nobody sees them.
fn masked(rows: &[SettingRow]) -> LayerSettings {
    rows.iter()
        .map(|row| {
            let value = match row.master {
                None => Value::Text(row.value.clone()),
                Some(_) => Value::Secret(SecretString::new("")),
            };
            (row.name.clone(), value)
        })
        .collect()
}

/// What a layer becomes when a document is written over `stored`.
///
/// # Errors
/// A name or a value is not acceptable, or there is nothing to keep.
pub fn merge(
    stored: &LayerSettings,
    written: &BTreeMap<String, serde_json::Value>,
) -> Result<LayerSettings, Problem> {
    written
        .iter()
        .map(|(name, written)| {
            let refused = |error| Problem::invalid_value(format!("`settings`: {error}."));
            check_name(name).map_err(refused)?;
            let value = match parse(written) {
                Some(NewValue::New(value)) => value,
                Some(NewValue::Keep) => stored.get(name).cloned().ok_or_else(|| {
                    Problem::invalid_value(format!(
                        "`settings.{name}` has no stored value to keep. Give its value, or leave it out."
                    ))
                })?,
                None => {
                    return Err(Problem::invalid_value(format!(
                        "`settings.{name}` is neither a string nor {{\"secret\": \"…\"}}, {{\"secret\": null}} or {{\"keep\": true}}."
                    )));
                }
            };
            check_setting(name, &value).map_err(refused)?;
            // What stays as it was may have been stored before it was checked.
            if stored.get(name) != Some(&value) {
                target::check_setting(name, value.expose(), EVENT_SETTINGS).map_err(|error| {
                    Problem::invalid_value(format!("`settings.{name}`: {error}"))
                })?;
            }
            Ok((name.clone(), value))
        })
        .collect()
}

/// A value as it is written in a document.
pub fn written(value: &Value) -> serde_json::Value {
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::Secret(secret) => serde_json::json!({ "secret": secret.expose() }),
    }
}

enum NewValue {
    New(Value),
    Keep,
}

fn parse(written: &serde_json::Value) -> Option<NewValue> {
    use serde_json::Value as Json;

    let members = match written {
        Json::String(text) => return Some(NewValue::New(Value::Text(text.clone()))),
        Json::Object(members) if members.len() == 1 => members,
        _ => return None,
    };
    match (members.get("secret"), members.get("keep")) {
        (Some(Json::String(secret)), None) => Some(NewValue::New(Value::Secret(
            SecretString::new(secret.as_str()),
        ))),
        (Some(Json::Null), None) | (None, Some(Json::Bool(true))) => Some(NewValue::Keep),
        _ => None,
    }
}

/// What the audit log calls the values of a layer.
pub fn digests<'a>(app: &'a App, tenant_id: &str, scope: &Scope) -> Digests<'a> {
    Digests::new(&app.keyring, format!("{tenant_id}:{}", scope.key()))
}

/// What changed, for the audit log: names, lengths and digests of texts, and of a secret that it is
/// one. A text may be marked secret later, so none is there in clear.
pub fn difference(
    digests: &Digests<'_>,
    before: &LayerSettings,
    after: &LayerSettings,
) -> (serde_json::Value, serde_json::Value) {
    let side = |one: &LayerSettings, other: &LayerSettings| {
        let changed: serde_json::Map<_, _> = one
            .iter()
            .filter(|(name, value)| other.get(*name) != Some(*value))
            .map(|(name, value)| (name.clone(), digests.setting(name, value)))
            .collect();
        serde_json::Value::Object(changed)
    };
    (side(before, after), side(after, before))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use ringfence_provision::vendor::panasonic;
    use serde_json::json;

    use crate::api::tenancy::settings::*;
    use crate::audit::digest::tests::keyring;

    fn stored() -> LayerSettings {
        BTreeMap::from([
            ("NTP".to_owned(), Value::Text("ntp.example".into())),
            ("PASS".to_owned(), Value::Secret("e3#rl2(&ae#1".into())),
        ])
    }

    fn merged(written: serde_json::Value) -> Result<LayerSettings, Problem> {
        merge(&stored(), &serde_json::from_value(written).unwrap())
    }

    #[test]
    fn what_was_read_can_be_written_back() {
        let shown = view(&stored(), false, 3, None).0;
        let json = serde_json::to_value(&shown).unwrap();
        assert_eq!(
            json,
            json!({ "settings": { "NTP": "ntp.example", "PASS": { "secret": null } }, "revision": 3 })
        );
        assert_eq!(merged(json["settings"].clone()).unwrap(), stored());
    }

    #[test]
    fn a_document_replaces_the_whole_layer() {
        assert_eq!(merged(json!({})).unwrap(), LayerSettings::new());
        let values =
            merged(json!({ "PASS": { "secret": "new" }, "NTP": { "keep": true } })).unwrap();
        assert_eq!(values.get("PASS"), Some(&Value::Secret("new".into())));
        assert_eq!(values.get("NTP"), stored().get("NTP"));
    }

    #[test]
    fn a_secret_is_shown_only_where_it_may_be() {
        let json = serde_json::to_string(&view(&stored(), true, 1, None).0).unwrap();
        assert!(json.contains(r#""PASS":{"secret":"e3#rl2(&ae#1"}"#));
    }

    #[test]
    fn what_is_no_setting_is_refused_by_name() {
        for wrong in [
            json!({ "A": 1 }),
            json!({ "A": null }),
            json!({ "A": { "secret": 1 } }),
            json!({ "A": { "keep": false } }),
            json!({ "A": { "secret": "x", "keep": true } }),
            json!({ "A": {} }),
            json!({ "A": { "keep": true } }),
            json!({ "A": { "secret": null } }),
        ] {
            let problem = merged(wrong.clone()).unwrap_err();
            assert_eq!(problem.status(), 422);
            assert!(problem.detail.contains("`settings.A`"), "{wrong}");
        }
        assert_eq!(merged(json!({ "A B": "x" })).unwrap_err().status(), 422);
        assert_eq!(merged(json!({ "device": "x" })).unwrap_err().status(), 422);
    }

    #[test]
    fn a_layer_of_a_base_station_has_room_for_every_handset() {
        let settings: LayerSettings = (0..255 * 19)
            .map(|n| (format!("standard_A_{n}"), Value::Text(String::new())))
            .collect();
        assert!(check_number(&settings, [panasonic::HDV, panasonic::UDS124]).is_ok());
        let refused = check_number(&settings, [panasonic::HDV]).unwrap_err();
        assert_eq!(refused.status(), 422);
        assert!(
            refused.detail.contains("at most 1000"),
            "{}",
            refused.detail
        );
    }

    #[test]
    fn what_no_phone_could_be_told_with_is_refused_and_not_quoted() {
        for (name, value) in [
            ("NOTIFY_AOR", "201/sip:e3rl2@192.0.2.5"),
            (
                "CFG_RESYNC_FROM_SIP",
                "check-sync;e3rl2=https://pbx.example/",
            ),
            ("NOTIFY_HEADERS", "Call-Info: e3rl2"),
        ] {
            let problem = merged(json!({ name: value })).unwrap_err();
            assert_eq!(problem.status(), 422);
            assert!(problem.detail.contains(&format!("`settings.{name}`")));
            assert!(!problem.detail.contains("e3rl2"), "{}", problem.detail);
            // Stored before it was checked: it does not stand in the way of other changes.
            let before = BTreeMap::from([(name.to_owned(), Value::Text(value.into()))]);
            let kept = serde_json::from_value(json!({ name: value, "NTP": "x" })).unwrap();
            assert!(merge(&before, &kept).is_ok());
        }
    }

    #[test]
    fn the_audit_log_sees_what_changed_and_no_secret() {
        let mut after = stored();
        after.insert("PASS".into(), Value::Secret("new".into()));
        let keyring = keyring();
        let digests = Digests::new(&keyring, "T:tenant".into());
        let (was, is) = difference(&digests, &stored(), &after);
        assert_eq!(was, json!({ "PASS": { "secret": null } }));
        assert_eq!(is, was);
        let (was, is) = difference(&digests, &stored(), &LayerSettings::new());
        assert_eq!(
            was["NTP"],
            json!({ "length": 11, "digest": digests.of("NTP", "ntp.example") })
        );
        assert_eq!(is, json!({}));
    }
}
