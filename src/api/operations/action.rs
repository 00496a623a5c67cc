//! What an operation does to each of its devices: the same as the call for one device, by the same code.

use std::collections::BTreeMap;

use ringfence_provision::layers::{LayerSettings, Value, check_name};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use crate::api::devices::{self, DeviceInput, keys, moves};
use crate::api::notify::{self, NotifyInput, NotifyQuery};
use crate::api::request::auth::Needs;
use crate::api::request::call::{Call, Context, Nothing};
use crate::api::request::changing::ChangeQuery;
use crate::api::request::commit::Failure;
use crate::api::request::etag::IfMatch;
use crate::api::request::secret::wrap;
use crate::api::request::valid;
use crate::api::tenancy::limits;
use crate::api::tenancy::settings::{self, SettingsInput};
use crate::app::App;
use crate::http::problem::Problem;
use crate::store::file_inputs::SettingRow;
use crate::store::operations::secrets_scope;
use crate::store::settings::associated_data;
use crate::store::tenants;

/// What is done to each device, as the call for one device does it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Action {
    /// Tells the phone, as `notifyDevice` does.
    Notify(NotifyInput),
    /// Gives the device a new key, as `rekeyDevice` does.
    Rekey,
    /// Has the bootstrap of the same key served once more, as `rearmDevice` does.
    Rearm,
    /// Takes the device out of service, as `disableDevice` does.
    Disable,
    /// Puts the device back into service, as `enableDevice` does.
    Enable,
    /// Removes the device, as `deleteDevice` does.
    Delete,
    /// Moves the device to another tenant, as `moveDevice` does; takes a token for all tenants.
    Move(moves::MoveInput),
    /// Writes these settings of the device's own layer and leaves its others as they are.
    Set(SettingsInput),
    /// Removes settings of the device's own layer.
    Unset(UnsetInput),
    /// Changes the model or the site of the device, as `putDevice` does, and leaves all else as it is.
    Change(ChangeInput),
}

/// Settings to be removed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UnsetInput {
    /// The names of the settings; a device without one of them keeps what it has.
    pub names: Vec<String>,
}

/// What a device becomes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangeInput {
    /// The model; left out, it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Id of a site, or null for none; left out, it stays.
    #[serde(deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub site: Option<Option<String>>,
}

/// What is there, though it is null.
fn there<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(input).map(Some)
}

/// The name under which the URL of a move is kept: no setting has it.
const FORWARD_URL: &str = "forward.url";

/// More settings than this are a layer of their own.
const MAX_SETTINGS: usize = 100;

impl Action {
    /// What the audit log calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Notify(_) => "notify",
            Self::Rekey => "rekey",
            Self::Rearm => "rearm",
            Self::Disable => "disable",
            Self::Enable => "enable",
            Self::Delete => "delete",
            Self::Move(_) => "move",
            Self::Set(_) => "set",
            Self::Unset(_) => "unset",
            Self::Change(_) => "change",
        }
    }

    /// What a device without a change of its own is: everything but telling its phone is one.
    pub fn outcome_without_change(&self) -> &'static str {
        match self {
            Self::Notify(_) => "done",
            _ => "unchanged",
        }
    }

    /// The tenant that devices go to.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Move(input) => Some(&input.tenant),
            _ => None,
        }
    }

    /// What it will do, for people.
    pub fn effect(&self) -> &'static str {
        match self {
            Self::Notify(_) => "Each phone is told by NOTIFY.",
            Self::Rekey => {
                "Each device gets a new key: what was sealed under the old one is gone, and its phone has nothing until it took the new bootstrap, which waits from then on."
            }
            Self::Rearm => {
                "The bootstrap of each device is served once more, to whoever asks for it first."
            }
            Self::Disable => "Each device is out of service: its phone gets nothing.",
            Self::Enable => "Each device is in service again.",
            Self::Delete => "Each device is removed with its settings and its key.",
            Self::Move(_) => "Each device moves to the other tenant, with its key and its history.",
            Self::Set(_) => {
                "These settings are written into the layer of each device; its others stay."
            }
            Self::Unset(_) => "These settings are removed from the layer of each device.",
            Self::Change(_) => {
                "Each device has this model and site; what they say of its files holds from then on."
            }
        }
    }

    /// What can be told of it before any device's turn.
    ///
    /// # Errors
    /// It would be refused for every device.
    pub async fn check(&self, call: &Context) -> Result<(), Problem> {
        match self {
            Self::Move(input) => {
                call.token.check(Needs::WriteAll, None)?;
                if input.tenant == call.param("tenant") {
                    return Err(Problem::invalid_value(
                        "`action.move.tenant` is the tenant that the devices are in.",
                    ));
                }
                let target = tenants::find(&call.app.db, &input.tenant).await?;
                target.map(drop).ok_or_else(|| {
                    Problem::invalid_value(
                        "`action.move.tenant` is not the id of a tenant: `GET /api/v1/tenants` lists them.",
                    )
                })
            }
            Self::Set(input) => check_settings(input),
            Self::Unset(input) => {
                let refused =
                    |error| Problem::invalid_value(format!("`action.unset.names`: {error}."));
                check_number("action.unset.names", input.names.len())?;
                input
                    .names
                    .iter()
                    .try_for_each(|name| check_name(name).map_err(refused))
            }
            Self::Change(input) => check_change(call, input).await,
            Self::Notify(input) if input.restart && input.event.is_some() => {
                Err(Problem::invalid_value(
                    "`restart` names the event itself: leave `event` out, or `restart`.",
                ))
            }
            _ => Ok(()),
        }
    }

    /// The action without what is secret in it, and that, wrapped for the operation.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn without_secrets(
        &self,
        app: &App,
        tenant_id: &str,
        id: &str,
    ) -> Result<(Self, Vec<SettingRow>), Problem> {
        let mut plain = self.clone();
        let mut secrets: Vec<(String, String)> = Vec::new();
        match &mut plain {
            Self::Set(input) => {
                for (name, value) in &mut input.settings {
                    let secret = value.get("secret").and_then(|it| it.as_str());
                    if let Some(secret) = secret.map(str::to_owned) {
                        *value = json!({ "secret": null });
                        secrets.push((name.clone(), secret));
                    }
                }
            }
            Self::Move(input) => {
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
    pub fn with_secrets(mut self, secrets: &LayerSettings) -> Self {
        match &mut self {
            Self::Set(input) => {
                for (name, value) in &mut input.settings {
                    if let Some(Value::Secret(secret)) = secrets.get(name) {
                        *value = json!({ "secret": secret.expose() });
                    }
                }
            }
            Self::Move(input) => {
                let url = secrets.get(FORWARD_URL);
                input.forward.url = url.map(|url| url.expose().to_owned());
            }
            _ => {}
        }
        self
    }

    /// Does it to the device of the context.
    ///
    /// # Errors
    /// As the call for one device.
    pub async fn apply(&self, of: Context) -> Result<(), Failure> {
        match self {
            Self::Notify(input) => {
                // The entry of a phone that was told comes after it.
                if let Some(own) = &of.token.tenant {
                    limits::check_audit_room(&of.app, own).await?;
                }
                let call = Call::of(of, Nothing {}, input.clone());
                notify::device(call).await.map(drop)?;
            }
            Self::Rekey => {
                let call = Call::of(of, NotifyQuery::default(), Nothing {});
                keys::rekey(call).await.map(drop)?;
            }
            Self::Rearm => keys::rearm(plain(of)).await.map(drop)?,
            Self::Disable => keys::disable(plain(of)).await.map(drop)?,
            Self::Enable => keys::enable(plain(of)).await.map(drop)?,
            Self::Delete => {
                let call = Call::of(of, ChangeQuery::default(), Nothing {});
                devices::delete(call).await.map(drop)?;
            }
            Self::Move(input) => {
                let call = Call::of(of, Nothing {}, input.clone());
                moves::device(call).await.map(drop)?;
            }
            Self::Set(input) => settings::edit_device(of, &input.settings, &[]).await?,
            Self::Unset(input) => {
                settings::edit_device(of, &BTreeMap::new(), &input.names).await?;
            }
            Self::Change(input) => change(of, input).await?,
        }
        Ok(())
    }
}

fn plain(of: Context) -> Call {
    Call::of(of, Nothing {}, Nothing {})
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
                "`action.change.site` is not the id of a site of this tenant: `GET /api/v1/tenants/{tenant}/sites` lists them.",
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
        let whole = serde_json::to_string(&action.with_secrets(&secrets)).unwrap();
        assert_eq!(
            whole,
            r#"{"set":{"settings":{"A":"1","B":{"secret":"e3rl2"}}}}"#
        );
    }
}
