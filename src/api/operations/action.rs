//! What an operation does to each of its devices: the same as the call for one device, by the same code.

use std::collections::BTreeMap;

use ringfence_api::changing::{ChangeQuery, TrialQuery};
use ringfence_api::devices::DeviceInput;
use ringfence_api::devices::keys::RekeyQuery;
use ringfence_api::operation::Needs;
use ringfence_api::operations::Sample;
use ringfence_api::operations::action::{Action, ChangeInput};
use ringfence_api::query::Nothing;
use ringfence_api::tenancy::settings::SettingsInput;
use ringfence_provision::layers::{LayerSettings, Value, check_name};
use ringfence_provision::mac::Mac;
use serde_json::{Value as Json, json};

use crate::api::devices::{self, keys, moves};
use crate::api::notify;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::Failure;
use crate::api::request::etag::IfMatch;
use crate::api::request::secret::wrap;
use crate::api::request::valid;
use crate::api::tenancy::{limits, settings};
use crate::app::App;
use crate::http::problem::Problem;
use crate::store::object::SettingRow;
use crate::store::operations::{self, Selection, secrets_scope};
use crate::store::settings::associated_data;
use crate::store::tenants;

/// The name under which the URL of a move is kept: no setting has it.
const FORWARD_URL: &str = "forward.url";

/// More settings than this are a layer of their own.
const MAX_SETTINGS: usize = 100;

/// What can be told of it before any device's turn.
///
/// # Errors
/// The action would be refused for every device.
pub async fn check(action: &Action, call: &Context) -> Result<(), Problem> {
    match action {
        Action::Move(input) => {
            call.token.check(Needs::WriteAll, None)?;
            if input.tenant == call.param("tenant") {
                return Err(Problem::invalid_value(
                    "`action.move.tenant` is the tenant that the devices are in. To change their site or model, use the action `change`.",
                ));
            }
            let target = tenants::find(&call.app.db, &input.tenant).await?;
            target.map(drop).ok_or_else(|| {
                Problem::invalid_value(
                    "`action.move.tenant` is not the id of a tenant: the list of tenants has them.",
                )
            })
        }
        Action::Set(input) => check_settings(input),
        Action::Unset(input) => {
            let refused = |error| Problem::invalid_value(format!("`action.unset.names`: {error}."));
            check_number("action.unset.names", input.names.len())?;
            input
                .names
                .iter()
                .try_for_each(|name| check_name(name).map_err(refused))
        }
        Action::Change(input) => check_change(call, input).await,
        Action::Notify(input) if input.restart && input.event.is_some() => {
            Err(Problem::invalid_value(
                "`restart` names the event itself: leave `event` out, or `restart`.",
            ))
        }
        _ => Ok(()),
    }
}

/// What becomes of each device of a selection, for people. Of a new key it also says what somebody has to do at phones of some
/// families.
pub async fn message(
    action: &Action,
    call: &Context,
    selection: &Selection,
) -> Result<String, Problem> {
    let mut message = action.effect().to_owned();
    if !matches!(action, Action::Rekey) {
        return Ok(message);
    }
    let tenant = call.param("tenant");
    for row in operations::families(&call.app.db, tenant, selection).await? {
        let says = keys::after_rekey(row.family, row.profile.as_deref());
        // Several profiles of a family say the same.
        let says = says.map(|text| format!(" {}: {text}", row.family.as_str()));
        if let Some(says) = says.filter(|says| !message.contains(says.as_str())) {
            message += &says;
        }
    }
    Ok(message)
}

/// The action without what is secret in it, and that, wrapped for the operation.
///
/// # Errors
/// There is no randomness.
pub fn without_secrets(
    action: &Action,
    app: &App,
    tenant_id: &str,
    id: &str,
) -> Result<(Action, Vec<SettingRow>), Problem> {
    let mut plain = action.clone();
    let mut secrets: Vec<(String, String)> = Vec::new();
    match &mut plain {
        Action::Set(input) => {
            for (name, value) in &mut input.settings {
                let secret = value.get("secret").and_then(|it| it.as_str());
                if let Some(secret) = secret.map(str::to_owned) {
                    *value = json!({ "secret": null });
                    secrets.push((name.clone(), secret));
                }
            }
        }
        Action::Move(input) => {
            let url = input.forward.url.take();
            secrets.extend(url.map(|url| (FORWARD_URL.to_owned(), url)));
        }
        _ => {}
    }
    let scope = secrets_scope(id);
    let row = |(name, secret): (String, String)| {
        let identity = associated_data(tenant_id, &scope, &name);
        Ok(SettingRow {
            value: wrap(&app.keyring, &identity, secret.as_bytes())?,
            master: Some(app.keyring.current().id().to_owned()),
            scope: scope.clone(),
            name,
        })
    };
    let rows = secrets
        .into_iter()
        .map(row)
        .collect::<Result<_, Problem>>()?;
    Ok((plain, rows))
}

/// The action with its secrets again.
pub fn with_secrets(mut action: Action, secrets: &LayerSettings) -> Action {
    match &mut action {
        Action::Set(input) => {
            for (name, value) in &mut input.settings {
                if let Some(Value::Secret(secret)) = secrets.get(name) {
                    *value = json!({ "secret": secret.expose() });
                }
            }
        }
        Action::Move(input) => {
            let url = secrets.get(FORWARD_URL);
            input.forward.url = url.map(|url| url.expose().to_owned());
        }
        _ => {}
    }
    action
}

/// Does it to the device of the context.
///
/// # Errors
/// As the call for one device.
pub async fn apply(action: &Action, of: Context) -> Result<(), Failure> {
    match action {
        Action::Notify(input) => {
            // The entry of a phone that was told comes after it.
            if let Some(own) = &of.token.tenant {
                limits::check_audit_room(&of.app, own).await?;
            }
            let call = Call::of(of, TrialQuery::default(), input.clone());
            notify::device(call).await.map(drop)?;
        }
        Action::Rekey => {
            let call = Call::of(of, RekeyQuery::default(), Nothing {});
            keys::rekey(call).await.map(drop)?;
        }
        Action::Rearm => keys::rearm(plain(of)).await.map(drop)?,
        Action::Disable => keys::disable(plain(of)).await.map(drop)?,
        Action::Enable => {
            let call = Call::of(of, ChangeQuery::default(), Nothing {});
            keys::enable(call).await.map(drop)?;
        }
        Action::Delete => {
            let call = Call::of(of, ChangeQuery::default(), Nothing {});
            devices::delete(call).await.map(drop)?;
        }
        Action::Move(input) => {
            let call = Call::of(of, ChangeQuery::default(), input.clone());
            moves::device(call).await.map(drop)?;
        }
        Action::Set(input) => settings::edit_device(of, &input.settings, &[]).await?,
        Action::Unset(input) => {
            settings::edit_device(of, &BTreeMap::new(), &input.names).await?;
        }
        Action::Change(input) => change(of, input).await?,
    }
    Ok(())
}

/// Whether it changes what files its devices get.
fn changes_files(action: &Action) -> bool {
    matches!(
        action,
        Action::Set(_) | Action::Unset(_) | Action::Change(_) | Action::Move(_)
    )
}

/// What it would do to the files of some devices; nothing where it changes no files.
///
/// # Errors
/// Something that is not a device's own: storage does not answer.
pub async fn sample(
    action: &Action,
    call: &Context,
    macs: &[String],
) -> Result<Option<Sample>, Problem> {
    if !changes_files(action) {
        return Ok(None);
    }
    let mut sample = Sample::default();
    for mac in macs.iter().filter_map(|mac| Mac::parse(mac).ok()) {
        sample.devices += 1;
        let tried = match apply(action, call.trying(mac)).await {
            // It is so already.
            Ok(()) => continue,
            Err(Failure::Tried(answer)) => ringfence_json::from_slice::<Json>(&answer.body)
                .map_err(|error| Problem::internal(error.to_string()))?,
            Err(failure) => {
                let problem = failure.problem();
                if problem.status() >= 500 {
                    return Err(problem);
                }
                refuse(&mut sample, Some(problem.detail));
                continue;
            }
        };
        let counts = |member: &str| tried.get(member).and_then(Json::as_u64) > Some(0);
        let test = tried.pointer("/tests/0/name").and_then(Json::as_str);
        if counts("broken") {
            refuse(&mut sample, tried.pointer("/files/0").and_then(why));
        } else if let Some(test) = test {
            refuse(
                &mut sample,
                Some(format!("the test of files “{test}” would fail")),
            );
        }
        if counts("changed") {
            sample.changed += 1;
            if sample.mac.is_none() {
                sample.mac = Some(mac.upper());
                let diff = tried.get("diff").and_then(Json::as_array);
                sample.diff = diff.cloned().unwrap_or_default();
            }
        }
    }
    Ok(Some(sample))
}

fn refuse(sample: &mut Sample, cause: Option<String>) {
    sample.refused += 1;
    if sample.cause.is_none() {
        sample.cause = cause;
    }
}

/// Why a file is broken: its error, or the first of its findings.
fn why(file: &Json) -> Option<String> {
    let text = |path: &str| file.pointer(path).and_then(Json::as_str);
    text("/error")
        .or_else(|| text("/findings/0/message"))
        .map(str::to_owned)
}

fn plain(of: Context) -> Call<TrialQuery> {
    Call::of(of, TrialQuery::default(), Nothing {})
}

/// Changes a device that is still as it is read here; its label stays.
async fn change(mut of: Context, input: &ChangeInput) -> Result<(), Failure> {
    let row = of.device().await?;
    of.if_match.check(row.revision)?;
    let absent = of.if_match == IfMatch::Absent;
    of.if_match = IfMatch::Revision(row.revision);
    let body = DeviceInput {
        model: input.model.clone().unwrap_or(row.model),
        site: input.site.clone().unwrap_or(row.site_id),
        label: row.label,
        settings: None,
    };
    let done = devices::put(Call::of(of, ChangeQuery::default(), body)).await;
    match done {
        Ok(_) => Ok(()),
        // It changed in between, and nobody asked for it to be as it was: once more.
        Err(Failure::Problem(problem)) if absent && problem.status() == 412 => {
            Err(Failure::Overtaken(problem))
        }
        Err(failure) => Err(failure),
    }
}

fn check_number(member: &str, number: usize) -> Result<(), Problem> {
    if (1..=MAX_SETTINGS).contains(&number) {
        return Ok(());
    }
    Err(Problem::invalid_value(format!(
        "`{member}` has 1 to {MAX_SETTINGS} settings. Put what many phones share into a layer above them."
    )))
}

fn check_settings(input: &SettingsInput) -> Result<(), Problem> {
    check_number("action.set.settings", input.settings.len())?;
    settings::merge(&LayerSettings::new(), &input.settings).map(drop)
}

async fn check_change(call: &Context, input: &ChangeInput) -> Result<(), Problem> {
    if input.model.is_none() && input.site.is_none() {
        return Err(Problem::invalid_value(
            "`action.change` has `model`, `site` or both.",
        ));
    }
    if let Some(model) = &input.model {
        valid::model(model)?;
    }
    if let Some(Some(site)) = &input.site {
        call.site(site).await.map_err(|_| {
            Problem::invalid_value(
                "`action.change.site` is not the id of a site of this tenant: the list of its sites has them.",
            )
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use crate::api::operations::action::*;

    #[test]
    fn action_json_format_unchanged() {
        for text in [
            r#"{"notify":{"event":null,"restart":true}}"#,
            r#""rekey""#,
            r#""rearm""#,
            r#""disable""#,
            r#""enable""#,
            r#""delete""#,
            r#"{"move":{"tenant":"T","site":null,"model":null,"label":null,"settings":"keep","forward":{"enabled":true,"url":null,"days":30}}}"#,
            r#"{"set":{"settings":{"A":"1","B":{"secret":null}}}}"#,
            r#"{"unset":{"names":["A"]}}"#,
            r#"{"change":{"model":"KX-UTG200B"}}"#,
            r#"{"change":{"site":null}}"#,
        ] {
            let action: Action = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&action).unwrap(), text);
        }
    }

    #[test]
    fn a_secret_comes_back_to_its_setting() {
        let action: Action =
            serde_json::from_str(r#"{"set":{"settings":{"A":"1","B":{"secret":null}}}}"#).unwrap();
        let secrets = LayerSettings::from([("B".to_owned(), Value::Secret("e3rl2".into()))]);
        let whole = serde_json::to_string(&with_secrets(action, &secrets)).unwrap();
        assert_eq!(
            whole,
            r#"{"set":{"settings":{"A":"1","B":{"secret":"e3rl2"}}}}"#
        );
    }
}
