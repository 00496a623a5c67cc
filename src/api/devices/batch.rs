//! Many devices in one call: each is added, changed, left as it is or refused by itself, and what is written is one
//! change that is published once.
//!
//! What a device is held to is what the call for it alone holds it to: the same checks, by the same code.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_api::answer::Shown;
use ringfence_api::check::Checked;
use ringfence_api::devices::batch::{
    BatchAnswer, BatchDevice, BatchInput, BatchQuery, BatchRow, Became, MAX_ROWS,
};
use ringfence_provision::family::Family;
use ringfence_provision::key::DeviceKey;
use ringfence_provision::layers::LayerSettings;
use ringfence_provision::mac::Mac;
use serde_json::{Value, json};

use super::{added_entry, changed_entry, fresh, keys, wanted};
use crate::api::check::candidate::{self, Candidate};
use crate::api::notify::pools;
use crate::api::request::call::{Call, Context};
use crate::api::request::commit::{self, Failure};
use crate::api::request::etag::IfMatch;
use crate::api::request::valid;
use crate::api::tenancy::settings;
use crate::http::problem::Problem;
use crate::model::device::DeviceRow;
use crate::store::batch::{self, Added, Batch, BatchSurroundings, Changed, Layer};
use crate::store::models::ModelRow;
use crate::store::object::Scope;
use crate::store::{Entry, Invalidates, sites};
use crate::{edge, platform};

/// The most settings that one call writes, of all its devices together.
const MAX_SETTINGS: usize = 20_000;

/// The most devices whose files are removed from KV one by one, 14 deletions each. Where more devices change, all files
/// of the tenant are made anew: an invocation may make 1,000 calls.
const MAX_DROPPED: usize = 40;

/// For how long after a change, in milliseconds, a repetition of the call sees to it that the change is known to the edge.
const REPEATED_MS: u64 = 3_600_000;

/// `putDevices`.
pub async fn put(call: Call<BatchQuery, BatchInput>) -> Result<Shown<BatchAnswer>, Failure> {
    let rows = &call.body.devices;
    check_size(rows)?;
    let macs = macs(rows);
    let found = around(&call, rows, &macs).await?;
    let mut plan = Plan::new(&call, found).await?;
    for (row, mac) in rows.iter().zip(macs) {
        plan.take(row, mac);
    }
    plan.check_addresses().await?;
    let checked = plan.check().await?;
    if call.changing.trial.is_none() {
        plan.write(&call).await?;
    }
    Ok(Shown(plan.answer(checked, call.changing.trial.is_some())))
}

fn check_size(rows: &[BatchDevice]) -> Result<(), Problem> {
    if !(1..=MAX_ROWS).contains(&rows.len()) {
        return Err(Problem::invalid_value(format!(
            "`devices` has 1 to {MAX_ROWS} devices, and this has {}. Send the others in further calls.",
            rows.len()
        )));
    }
    let settings = |row: &BatchDevice| {
        let each = [&row.settings, &row.set];
        each.into_iter().flatten().map(BTreeMap::len).sum::<usize>()
    };
    let number: usize = rows.iter().map(settings).sum();
    if number > MAX_SETTINGS {
        return Err(Problem::invalid_value(format!(
            "The devices have {number} settings together; a call writes {MAX_SETTINGS} at most. Send some of the devices in further calls."
        )));
    }
    Ok(())
}

/// The MAC of each row, or what is wrong with it.
fn macs(rows: &[BatchDevice]) -> Vec<Result<String, Problem>> {
    let mut seen = BTreeSet::new();
    let each = rows.iter().map(|row| {
        let mac = Mac::parse(row.mac.trim())
            .map_err(|error| Problem::invalid_value(format!("`mac`: {error}.")))?
            .upper();
        if !seen.insert(mac.clone()) {
            return Err(Problem::invalid_value(
                "`mac`: an earlier device of the same call has this MAC already. Leave one of the two out.",
            ));
        }
        Ok(mac)
    });
    each.collect()
}

async fn around(
    call: &Context,
    rows: &[BatchDevice],
    macs: &[Result<String, Problem>],
) -> Result<BatchSurroundings, Problem> {
    let macs: Vec<String> = macs.iter().flatten().cloned().collect();
    let named: BTreeSet<&String> = rows
        .iter()
        .flat_map(|row| [&row.site, &row.site_name])
        .flatten()
        .collect();
    let named: Vec<String> = named.into_iter().cloned().collect();
    let since = call.app.now.saturating_sub(edge::FENCE_MS);
    batch::surroundings(&call.app.db, call.param("tenant"), &macs, &named, since)
        .await?
        .ok_or_else(|| Problem::not_found("tenant"))
}

/// A device that is to be written.
struct Wanted {
    /// Its place in the call.
    at: usize,
    /// As it is stored, with its settings and the revision of these; `None`: it is new.
    was: Option<(DeviceRow, LayerSettings, u64)>,
    /// As it is to be.
    row: DeviceRow,
    before: LayerSettings,
    values: LayerSettings,
}

/// What a call comes to.
struct Plan<'a> {
    call: &'a Context,
    found: BatchSurroundings,
    /// The settings of devices that are there, by scope.
    layers: BTreeMap<String, LayerSettings>,
    candidate: Candidate,
    /// Models and sites (name and id) that are not there yet.
    models: BTreeMap<String, ModelRow>,
    sites: BTreeMap<String, String>,
    wanted: Vec<Wanted>,
    rows: Vec<BatchRow>,
    /// Devices that are as they are to be, and were perhaps not made known when they became so.
    repeated: Vec<String>,
}

impl<'a> Plan<'a> {
    async fn new(call: &'a Context, found: BatchSurroundings) -> Result<Self, Problem> {
        Ok(Self {
            layers: candidate::layers(&call.app, &found.tenant.id, &found.settings)?,
            candidate: Candidate::of_tenant(&call.app, &found.tenant).await?,
            call,
            found,
            models: BTreeMap::new(),
            sites: BTreeMap::new(),
            wanted: Vec::new(),
            rows: Vec::new(),
            repeated: Vec::new(),
        })
    }

    /// Takes a device in, or says why not.
    fn take(&mut self, row: &BatchDevice, mac: Result<String, Problem>) {
        let at = self.rows.len();
        let shown = mac.as_ref().ok().cloned();
        let outcome = mac.and_then(|mac| self.want(at, row, mac));
        self.rows.push(match outcome {
            Ok((outcome, changes)) => BatchRow {
                mac: shown,
                outcome,
                changes,
                cause: None,
                detail: None,
                files: None,
            },
            Err(problem) => refused(shown, problem),
        });
    }

    fn want(
        &mut self,
        at: usize,
        row: &BatchDevice,
        mac: String,
    ) -> Result<(Became, Vec<String>), Problem> {
        if let Some(label) = &row.label {
            valid::label("label", label)?;
        }
        let stored = self.found.devices.get(&mac).cloned();
        let scope = stored.as_ref().map(|stored| Scope::of_device(stored).key());
        let layer = scope.as_ref().and_then(|scope| self.layers.get(scope));
        let before = layer.cloned().unwrap_or_default();
        let values = settings::merge(&before, &written(row, &before)?)?;
        let site = self.site(row, stored.as_ref())?;
        let name = row
            .model
            .as_ref()
            .or(stored.as_ref().map(|stored| &stored.model));
        let name = name.cloned().ok_or_else(|| {
            Problem::invalid_value(
                "`model`: the tenant has no device with this MAC, and a new one needs a model. Name the model, or correct the MAC.",
            )
        })?;
        let label = row
            .label
            .clone()
            .or(stored.as_ref().map(|stored| stored.label.clone()));
        let label = label.unwrap_or_default();
        if let Some(stored) = &stored
            && (&stored.model, &stored.site_id, &stored.label) == (&name, &site, &label)
            && before == values
        {
            self.unchanged(stored);
            return Ok((Became::Unchanged, Vec::new()));
        }
        let family = family(row)?;
        let (model, new) = wanted(self.call, &mut self.candidate, &name, family)?;
        settings::check_number(&values, [model.family])?;
        if new {
            self.models.insert(model.name.clone(), model.clone());
        }
        let revision = scope.and_then(|scope| self.found.revisions.get(&scope));
        let was = stored.map(|stored| (stored, before.clone(), revision.copied().unwrap_or(0)));
        let row = match &was {
            Some((stored, ..)) => DeviceRow {
                model: model.name.clone(),
                site_id: site,
                label,
                ..stored.clone()
            },
            None => fresh(
                &self.call.app,
                &self.found.tenant,
                mac,
                &model,
                site,
                &label,
            )?,
        };
        let became = match &was {
            Some((stored, ..)) => (Became::Changed, changes(stored, &row, &before, &values)),
            None => (Became::Created, Vec::new()),
        };
        self.wanted.push(Wanted {
            at,
            was,
            row,
            before,
            values,
        });
        Ok(became)
    }

    /// The id of the site that a row names, or that its device has. One that is not there is to be added.
    fn site(
        &mut self,
        row: &BatchDevice,
        stored: Option<&DeviceRow>,
    ) -> Result<Option<String>, Problem> {
        let has = |sites: &[sites::SiteRow], fits: &dyn Fn(&sites::SiteRow) -> bool| {
            sites
                .iter()
                .find(|site| fits(site))
                .map(|site| site.id.clone())
        };
        match (&row.site, &row.site_name) {
            (None, None) => Ok(stored.and_then(|stored| stored.site_id.clone())),
            (Some(_), Some(_)) => Err(Problem::invalid_value(
                "`site` and `site_name` say the same: leave one of them out.",
            )),
            (Some(id), None) => has(&self.found.sites, &|site| site.id == *id).map(Some).ok_or_else(|| {
                Problem::invalid_value(
                    "`site` is not the id of a site of this tenant: the list of its sites has them.",
                )
            }),
            (None, Some(name)) => {
                valid::name("site_name", name)?;
                if let Some(id) = has(&self.found.sites, &|site| site.name == *name) {
                    return Ok(Some(id));
                }
                let id = self.sites.entry(name.clone());
                Ok(Some(id.or_insert_with(|| self.call.app.new_id()).clone()))
            }
        }
    }

    /// Notes a device that is as it is to be. Had the change that made it so not been made known, the caller was told to
    /// repeat the call.
    fn unchanged(&mut self, stored: &DeviceRow) {
        let is_covered = stored.version <= self.found.tenant.version || stored.revision == 1;
        let is_recent = stored.updated_at.saturating_add(REPEATED_MS) > self.call.app.now;
        if is_recent && !is_covered {
            self.repeated.push(stored.mac.clone());
        }
    }

    /// Refuses those whose settings would have the tenant address somebody else's phones.
    async fn check_addresses(&mut self) -> Result<(), Problem> {
        let layers: Vec<_> = self
            .wanted
            .iter()
            .map(|it| (&it.before, &it.values))
            .collect();
        let found =
            pools::check_addresses_of(&self.call.app, &self.found.tenant.id, &layers, None).await?;
        let mut found = found.into_iter();
        self.refuse(|_| found.next().flatten());
        Ok(())
    }

    /// Refuses those with a file that could not be served, or with a test that would no longer be met.
    async fn check(&mut self) -> Result<Checked, Problem> {
        for it in &self.wanted {
            let stored = it
                .was
                .as_ref()
                .map(|(row, before, _)| (row.clone(), before.clone()));
            self.candidate
                .add_device(it.row.clone(), it.values.clone(), stored);
        }
        let (checked, mut found) = self.candidate.check_each().await?;
        self.refuse(|it| found.remove(&it.row.id));
        Ok(checked)
    }

    fn refuse(&mut self, mut why: impl FnMut(&Wanted) -> Option<Problem>) {
        let rows = &mut self.rows;
        self.wanted
            .retain(|it| match (why(it), rows.get_mut(it.at)) {
                (Some(problem), Some(row)) => {
                    *row = refused(Some(it.row.mac.clone()), problem);
                    false
                }
                _ => true,
            });
    }

    /// The new sites and models that a device is left for.
    fn keep_what_is_needed(&mut self) {
        let wanted = &self.wanted;
        self.models
            .retain(|name, _| wanted.iter().any(|it| it.row.model == *name));
        self.sites
            .retain(|_, id| wanted.iter().any(|it| it.row.site_id.as_ref() == Some(id)));
    }

    /// Writes what is left, and makes it known.
    async fn write(&mut self, call: &Context) -> Result<(), Failure> {
        self.keep_what_is_needed();
        let app = &call.app;
        let tenant_id = self.found.tenant.id.clone();
        let mut dropped = std::mem::take(&mut self.repeated);
        let left: BTreeSet<&String> = self.found.left.iter().collect();
        let is_new = |it: &&Wanted| it.was.is_none();
        dropped.extend(
            self.wanted
                .iter()
                .filter(|it| !is_new(it) || left.contains(&it.row.mac))
                .map(|it| it.row.mac.clone()),
        );
        let reach = match dropped.len() > MAX_DROPPED {
            true => Invalidates::Tenant,
            false => Invalidates::Device,
        };
        let is_fenced = |it: &Wanted| match &it.was {
            Some((stored, ..)) => stored.model != it.row.model,
            None => left.contains(&it.row.mac),
        };
        let tenant = reach == Invalidates::Tenant || self.wanted.iter().any(is_fenced);
        if !self.wanted.is_empty() || reach == Invalidates::Tenant {
            self.add_sites(call).await?;
            self.write_devices(call, reach).await?;
        }
        let files = if reach == Invalidates::Tenant {
            Vec::new()
        } else {
            dropped
        };
        commit::publish_many(app, &tenant_id, &files, tenant).await?;
        Ok(())
    }

    /// Adds the sites first: each has an entry and a quota of its own. Nothing is lost should the rest fail.
    async fn add_sites(&mut self, call: &Context) -> Result<(), Failure> {
        for (name, id) in &self.sites {
            let entry = call.entry(
                "site.create",
                format!("sites/{id}"),
                None,
                Some(json!({ "name": name })),
            );
            sites::insert(
                &call.app.db,
                &self.found.tenant.id,
                id,
                name,
                call.app.now,
                &entry,
            )
            .await
            .map_err(
                |error| match commit::failed(error, IfMatch::Absent, TAKEN) {
                    // Somebody else has added it just now.
                    Failure::Problem(problem) if problem.detail == TAKEN_SITE => {
                        Failure::Overtaken(problem)
                    }
                    failure => failure,
                },
            )?;
            self.candidate.checked_against.seq += 1;
        }
        Ok(())
    }

    async fn write_devices(&self, call: &Context, reach: Invalidates) -> Result<(), Failure> {
        let app = &call.app;
        let tenant_id = &self.found.tenant.id;
        let mut batch = Batch {
            checked_against: &self.candidate.checked_against,
            reach,
            models: self.models.values().collect(),
            added: Vec::new(),
            changed: Vec::new(),
            layers: Vec::new(),
            now: app.now,
        };
        let mut entries: Vec<Entry> = Vec::new();
        for it in &self.wanted {
            match &it.was {
                Some((was, before, revision)) => {
                    entries.push(changed_entry(call, (was, before), (&it.row, &it.values)));
                    batch.changed.push(Changed {
                        was: was.clone(),
                        layer_revision: *revision,
                        model: it.row.model.clone(),
                        site_id: it.row.site_id.clone(),
                        label: it.row.label.clone(),
                    });
                }
                None => {
                    entries.push(added_entry(call, &it.row, &it.values));
                    let key = DeviceKey::from_random(platform::random)?;
                    let left = self.found.left.contains(&it.row.mac);
                    batch.added.push(Added {
                        key: keys::stored(app, &it.row.id, it.row.generation, &key)?,
                        fenced_at: if left { app.now } else { 0 },
                        row: it.row.clone(),
                    });
                }
            }
            if it.before != it.values {
                let scope = Scope::of_device(&it.row).key();
                let layer = settings::new_layer(app, tenant_id, &scope, &it.before, &it.values)?;
                let kept: BTreeSet<&String> = layer.keep.iter().collect();
                let gone = it.before.keys().filter(|name| !kept.contains(name));
                batch.layers.push(Layer {
                    retire: gone.cloned().collect(),
                    write: layer.write,
                    grows: layer.grows,
                    scope,
                });
            }
        }
        let said = json!({ "created": batch.added.len(), "changed": batch.changed.len() });
        let entry = call.entry("device.batch", "devices", None, Some(said));
        batch::write(&app.db, &batch, &entries, &entry)
            .await
            .map_err(|error| commit::failed(error, IfMatch::Absent, &[]))
    }

    fn answer(mut self, checked: Checked, dry_run: bool) -> BatchAnswer {
        self.keep_what_is_needed();
        let number = |became| {
            let rows = self.rows.iter().filter(|row| row.outcome == became);
            rows.count() as u64
        };
        BatchAnswer {
            dry_run,
            created: number(Became::Created),
            changed: number(Became::Changed),
            unchanged: number(Became::Unchanged),
            refused: number(Became::Refused),
            new_models: self.models.into_keys().collect(),
            new_sites: self.sites.into_keys().collect(),
            checked,
            items: self.rows,
        }
    }
}

const TAKEN_SITE: &str = "Somebody else added a site of this name at the same moment. Repeat the call: the devices get that site.";
const TAKEN: &[(&str, &str)] = &[("sites.name", TAKEN_SITE)];

/// The layer that a row writes, as the call for its settings would.
fn written(row: &BatchDevice, before: &LayerSettings) -> Result<BTreeMap<String, Value>, Problem> {
    let keep = || {
        before
            .keys()
            .map(|name| (name.clone(), json!({ "keep": true })))
    };
    match (&row.settings, &row.set) {
        (Some(_), Some(_)) => Err(Problem::invalid_value(
            "`settings` are all that the device has, `set` some of them: leave one of the two out.",
        )),
        (Some(all), None) => Ok(all.clone()),
        (None, Some(some)) => Ok(keep().chain(some.clone()).collect()),
        (None, None) => Ok(keep().collect()),
    }
}

/// What of a device becomes another, by name.
fn changes(
    was: &DeviceRow,
    is: &DeviceRow,
    before: &LayerSettings,
    after: &LayerSettings,
) -> Vec<String> {
    let columns = [
        ("model", was.model != is.model),
        ("site", was.site_id != is.site_id),
        ("label", was.label != is.label),
    ];
    let columns = columns.into_iter().filter(|(_, differs)| *differs);
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let settings = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| format!("settings.{name}"));
    columns
        .map(|(name, _)| name.to_owned())
        .chain(settings)
        .collect()
}

fn family(row: &BatchDevice) -> Result<Option<Family>, Problem> {
    let Some(name) = &row.family else {
        return Ok(None);
    };
    Family::parse(name).map(Some).ok_or_else(|| {
        let families = Family::ALL.map(Family::as_str).join(", ");
        Problem::invalid_value(format!("`family` is one of {families}."))
    })
}

fn refused(mac: Option<String>, problem: Problem) -> BatchRow {
    let files = problem
        .more
        .into_iter()
        .find(|(name, _)| *name == "devices");
    BatchRow {
        mac,
        outcome: Became::Refused,
        changes: Vec::new(),
        cause: Some(problem.kind.as_str().to_owned()),
        detail: Some(problem.detail),
        files: files.map(|(_, files)| files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::devices::tests::row;
    use ringfence_provision::layers::Value;

    #[test]
    fn what_changes_is_told_by_name_and_never_by_value() {
        let was = row();
        let is = DeviceRow {
            label: "Quay".into(),
            site_id: Some("S".into()),
            ..was.clone()
        };
        let settings = |pairs: &[(&str, Value)]| -> LayerSettings {
            let pairs = pairs.iter().cloned();
            pairs
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        };
        let secret = |text: &str| Value::Secret(text.into());
        let before = settings(&[
            ("A", Value::Text("1".into())),
            ("PASS", secret("e3rl2")),
            ("GONE", Value::Text("x".into())),
        ]);
        let after = settings(&[
            ("A", Value::Text("1".into())),
            ("PASS", secret("other")),
            ("NEW", Value::Text("y".into())),
        ]);
        assert_eq!(
            changes(&was, &is, &before, &after),
            [
                "site",
                "label",
                "settings.GONE",
                "settings.NEW",
                "settings.PASS"
            ]
        );
        assert!(changes(&was, &was, &before, &before).is_empty());
    }
}
