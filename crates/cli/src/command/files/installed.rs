//! A tenant as the installation has it.

use std::collections::BTreeMap;

use ringfence_api::operation::Operation;
use ringfence_api::tenancy::settings::SettingView;
use ringfence_import::{RowOutcome, Table, Wishes};
use ringfence_provision::layers::Value as Setting_;
use serde_json::Value;

use super::fleet::{Device, Fleet, Layer, Model, Place, Setting, Site};

use crate::client;
use crate::command::import::Progress;
use crate::failure::Failure;
use crate::session::Session;
use crate::words::{field, text};

/// Reads the whole tenant, without secrets.
pub(super) fn read(session: &Session) -> Result<Fleet, Failure> {
    let tenant = session.call(Operation::GetTenant, &[])?;
    let tenant = session.client.call(&tenant)?.json()?;
    let mut sites = BTreeMap::new();
    let all = session.sites()?;
    let mut progress = progress(session, "sites read", all.len());
    for (id, name) in all.iter() {
        let settings = layer(session, Operation::GetSiteSettings, &[("site", id)])?;
        sites.insert(name.clone(), Site { settings });
        progress.at(sites.len() as u64);
    }
    progress.end();
    let mut models = BTreeMap::new();
    let all = list(session, Operation::ListModels, false)?;
    let mut progress = self::progress(session, "models read", all.len());
    for model in all {
        let name = text(&model, "name").to_owned();
        let settings = layer(session, Operation::GetModelSettings, &[("model", &name)])?;
        let word = |field: &str| Some(text(&model, field).to_owned()).filter(|it| !it.is_empty());
        models.insert(
            name,
            Model {
                family: word("family"),
                profile: word("profile"),
                settings,
            },
        );
        progress.at(models.len() as u64);
    }
    progress.end();
    let mut templates = BTreeMap::new();
    for template in list(session, Operation::ListTemplates, true)? {
        let word = |name: &str| text(&template, name).to_owned();
        let place = Place {
            kind: word("kind"),
            family: word("family"),
            model: Some(word("model")).filter(|it| !it.is_empty()),
        };
        templates.insert(place, word("source"));
    }
    Ok(Fleet {
        options: Some(field(&tenant, "options").clone()),
        settings: Some(layer(session, Operation::GetTenantSettings, &[])?),
        sites: Some(sites),
        models: Some(models),
        devices: Some(devices(session)?),
        templates: Some(templates),
    })
}

/// What is said on standard error while much is read.
fn progress(session: &Session, what: &'static str, all: usize) -> Progress {
    Progress::new(session.output, what, all as u64, 0, false)
}

fn list(session: &Session, operation: Operation, is_whole: bool) -> Result<Vec<Value>, Failure> {
    let mut call = session.call(operation, &[])?;
    call.is_whole = is_whole;
    let mut all = Vec::new();
    session.client.pages(&call, usize::MAX, |items| {
        all.extend(items);
        Ok(())
    })?;
    Ok(all)
}

fn layer(
    session: &Session,
    operation: Operation,
    names: &[(&str, &str)],
) -> Result<Layer, Failure> {
    let call = session.call(operation, names)?;
    let answer = session.client.call(&call)?.json()?;
    let settings: BTreeMap<String, SettingView> = client::read(field(&answer, "settings"))?;
    Ok(settings
        .into_iter()
        .map(|(name, value)| match value {
            SettingView::Text(text) => (name, Setting::Text(text)),
            SettingView::Secret { .. } => (name, Setting::kept()),
        })
        .collect())
}

/// All phones, with their settings: by the tables of the export, which are few calls for many.
fn devices(session: &Session) -> Result<BTreeMap<ringfence_provision::mac::Mac, Device>, Failure> {
    let call = session.call(Operation::ExportDevices, &[])?;
    let mut devices = BTreeMap::new();
    // How many there are would be another reading of all of them.
    let mut progress = progress(session, "phones read", 0);
    session.client.tables(&call, |text| {
        let table = Table::open(&text, Wishes::default())
            .map_err(|error| Failure::Unreachable(format!("the phones cannot be read: {error}")))?;
        for row in table.rows() {
            let RowOutcome::Device(device) = row.outcome else {
                return Err(Failure::Unreachable(
                    "a phone of the installation cannot be read: update this program.".to_owned(),
                ));
            };
            let texts = device
                .settings
                .into_iter()
                .map(|(name, value)| match value {
                    Setting_::Text(text) => (name, Setting::Text(text)),
                    Setting_::Secret(_) => (name, Setting::kept()),
                });
            let mut settings: Layer = texts.collect();
            settings.extend(
                device
                    .secrets
                    .into_iter()
                    .map(|name| (name, Setting::kept())),
            );
            devices.insert(
                device.mac,
                Device {
                    model: device.model.unwrap_or_default(),
                    site: device.site,
                    label: device.label.unwrap_or_default(),
                    settings,
                },
            );
        }
        progress.at(devices.len() as u64);
        Ok(())
    })?;
    progress.end();
    Ok(devices)
}
