//! One device: how it is in one sentence, what it asked for, what it ends up with.

use serde_json::Value;

use crate::data::{
    Device, EffectivePage, Event, FileLint, Listed, Model, Preview, Read as _, Seen, Site, Tenant,
};
use crate::explain;
use crate::href;
use crate::lists::choices;
use crate::lists::devices::timeline;
use crate::lists::tenancy::sealing;
use crate::part::{Act, Cell, Facts, Field, Form, Lines, Page, Table, Tone};
use crate::problem::finding;
use crate::reason;
use crate::shell::{Shell, Viewer};
use crate::text::{EN, fill};
use crate::time::{Moment, ago};
use crate::trial;

/// The state of a device in a few words.
pub fn brief(device: &Device, _now: u64) -> (Tone, String) {
    if device.disabled {
        return (Tone::Quiet, EN.state_disabled.into());
    }
    let (tone, words) = match device.key.state.as_str() {
        "armed" if device.key.bootstrap_waits => (Tone::Plain, EN.state_armed),
        "armed" | "expired" => (Tone::Bad, EN.state_expired),
        "delivered" => (Tone::Warn, EN.state_delivered),
        "confirmed" if is_current(device) => (Tone::Good, EN.state_current),
        "confirmed" => (Tone::Warn, EN.state_stale),
        "replaced" => (Tone::Bad, EN.state_replaced),
        other => (Tone::Plain, other),
    };
    (tone, words.to_owned())
}

/// Whether the phone has fetched what it would get now.
fn is_current(device: &Device) -> bool {
    device
        .fetched_version
        .is_some_and(|fetched| fetched >= device.file_version)
}

/// Where a request came from.
pub fn from_where(seen: &Seen) -> String {
    match (&seen.address, seen.country.as_deref()) {
        (Some(address), Some(country))
            if !address.is_empty() && !country.is_empty() && country != "XX" =>
        {
            fill(EN.from_in, &[address, country])
        }
        (Some(address), _) if !address.is_empty() => address.clone(),
        _ => EN.nobody_knows.to_owned(),
    }
}

/// The state of a device in one sentence.
pub fn sentence(device: &Device, now: u64) -> String {
    let key = &device.key;
    if device.disabled {
        return EN.says_disabled.to_owned();
    }
    let taken =
        |text: &str, seen: &Seen| fill(text, &[&Moment::new(seen.at, now).utc, &from_where(seen)]);
    match (key.state.as_str(), &key.last_taken_by) {
        ("armed", _) if key.bootstrap_waits => match key.armed_until {
            Some(until) => fill(
                EN.says_armed_until,
                &[&ago(key.armed_at, now), &ago(until, now)],
            ),
            None => fill(EN.says_armed, &[&ago(key.armed_at, now)]),
        },
        ("armed" | "expired", _) => EN.says_expired.to_owned(),
        // Nobody took a key that was stated.
        ("delivered", Some(seen)) if seen.address.is_none() => EN.says_imported.to_owned(),
        ("delivered", Some(seen)) => taken(EN.says_delivered, seen),
        ("delivered", None) => EN.says_imported.to_owned(),
        ("confirmed", taken_by) => {
            let mut said = taken_by
                .as_ref()
                .map(|seen| taken(EN.says_taken, seen))
                .unwrap_or_default();
            if let (Some(seen), Some(back)) = (taken_by, key.confirmed_at) {
                said.push_str(&fill(EN.says_back, &[&span(back.saturating_sub(seen.at))]));
            }
            let end = match (device.fetched_at, is_current(device)) {
                (Some(at), true) => fill(EN.says_current, &[&ago(at, now)]),
                (Some(at), false) => fill(EN.says_stale, &[&ago(at, now)]),
                (None, _) => EN.says_not_fetched.to_owned(),
            };
            if said.is_empty() {
                capital(&end)
            } else {
                format!("{said}{}{end}", EN.says_and)
            }
        }
        ("replaced", _) => EN.says_replaced.to_owned(),
        (other, _) => other.to_owned(),
    }
}

/// The same in parts: the time in it is shown in the viewer's zone.
fn said(device: &Device, now: u64) -> Vec<Cell> {
    let text = sentence(device, now);
    let moment = device.key.last_taken_by.as_ref().map(|seen| Moment {
        ago: String::new(),
        ..Moment::new(seen.at, now)
    });
    let found = moment.and_then(|moment| {
        let (before, after) = text.split_once(&moment.utc)?;
        Some(vec![
            Cell::text(before),
            Cell::Time(moment.clone()),
            Cell::text(after),
        ])
    });
    found.unwrap_or_else(|| vec![Cell::text(&text)])
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// A length of time.
fn span(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1000);
    match seconds {
        0..=119 => fill(EN.span_seconds, &[&seconds.to_string()]),
        120..=7_199 => fill(EN.span_minutes, &[&(seconds / 60).to_string()]),
        7_200..=172_799 => fill(EN.span_hours, &[&(seconds / 3_600).to_string()]),
        _ => fill(EN.span_days, &[&(seconds / 86_400).to_string()]),
    }
}

/// What the page of a device is made from.
pub struct OneDevice {
    pub tenant: String,
    pub device: Device,
    pub site: Option<Site>,
    pub events: Listed<Event>,
    pub files: Vec<FileLint>,
    pub now: u64,
}

/// What can be done with a device: the last part of the page's path, and whether it takes something away.
pub const ACTIONS: &[(&str, bool)] = &[
    ("rekey", true),
    ("rearm", false),
    ("disable", true),
    ("enable", false),
    ("notify", false),
    ("remove", true),
];

/// The word of an action, and what it does.
pub fn action(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "rekey" => (EN.rekey, EN.rekey_does),
        "rearm" => (EN.rearm, EN.rearm_does),
        "disable" => (EN.disable, EN.disable_does),
        "enable" => (EN.enable, EN.enable_does),
        "notify" => (EN.notify_device, EN.notify_does),
        "remove" => (EN.remove_device, EN.remove_does),
        _ => return None,
    })
}

/// The page of a device.
pub fn page(shell: Shell, viewer: &Viewer, of: &OneDevice) -> Page {
    let (device, now) = (&of.device, of.now);
    let at = |page: &str| href::device(&of.tenant, &device.mac, page);
    let mut shell = shell;
    shell.lead = said(device, now);
    let (tone, state) = brief(device, now);
    let mut facts = Facts::new(EN.device)
        .with(EN.state, Cell::state(tone, state))
        .with(
            EN.model,
            Cell::text(format!("{} ({})", device.model, device.family)),
        )
        .with(
            EN.site,
            Cell::text(of.site.as_ref().map_or(EN.none, |site| site.name.as_str())),
        )
        .with(
            EN.sealing,
            Cell::text(sealing(
                device.profile.as_deref(),
                device.profile_grade.as_deref(),
            )),
        )
        .with(
            EN.key_generation,
            Cell::text(device.key.generation.to_string()),
        )
        .with(
            EN.last_seen,
            Cell::time(device.last_seen.as_ref().map(|seen| seen.at), now, EN.never),
        );
    if let Some(seen) = &device.key.last_taken_by {
        let from = from_where(seen);
        let cell = match device.key.from_unexpected_network {
            true => Cell::state(Tone::Bad, fill(EN.from_unexpected, &[&from])),
            false => Cell::text(from),
        };
        facts = facts.with(EN.key_taken_by, cell);
    }
    if let Some(failing) = &device.failing {
        let (means, todo) = reason::words(&failing.reason).unwrap_or((&failing.reason, ""));
        let text = format!("{} ({}). {todo}", capital(means), ago(failing.at, now));
        facts = facts.with(EN.last_request, Cell::state(Tone::Bad, text));
    }
    if let Some(until) = device.forwarded_until {
        facts = facts.with(EN.forwarded_until, Cell::time(Some(until), now, ""));
    }
    if viewer.write {
        let state = if device.disabled { "enable" } else { "disable" };
        let mut acts = vec![Act::plain(EN.edit, at("edit"))];
        for name in ["notify", "rearm", "rekey", state, "remove"] {
            acts.extend(action(name).map(|(word, _)| Act::plain(word, at(name))));
        }
        acts.push(Act::plain(EN.import_key, at("import-key")));
        if viewer.runs_all() {
            acts.push(Act::plain(EN.move_device, at("move")));
        }
        if device.forwarded_until.is_some() {
            acts.push(Act::plain(EN.end_forward, at("forward/end")));
        }
        facts.acts = acts;
    }
    let query = href::query(&[("mac", &device.mac), ("tenant", &of.tenant)]);
    let explained = format!("{}{query}", explain::PATH);
    let more = vec![
        Act::plain(EN.effective, at("effective")),
        Act::plain(EN.settings, at("settings")),
        Act::plain(EN.what_to_type, at("url")),
        Act::plain(EN.explain_device, explained),
    ];
    let next = of.events.next.as_ref().map(|_| {
        format!(
            "{}{}",
            href::tenant(&of.tenant, "requests"),
            href::query(&[("device", &device.mac)])
        )
    });
    Page::new(shell)
        .with(facts)
        .with(files(of, more))
        .with(timeline(EN.requests, None, &of.events, next, now))
}

fn files(of: &OneDevice, acts: Vec<Act>) -> Table {
    let rows = of.files.iter().map(|file| {
        let to = href::device(
            &of.tenant,
            &of.device.mac,
            &format!("files{}", href::path([&file.kind])),
        );
        let number = file.findings.len();
        let state = match (file.ok, number) {
            (true, 0) => Cell::state(Tone::Good, EN.file_good),
            (true, _) => Cell::state(Tone::Warn, fill(EN.file_warned, &[&number.to_string()])),
            (false, _) => Cell::state(
                Tone::Bad,
                file.error
                    .clone()
                    .unwrap_or_else(|| EN.file_broken.to_owned()),
            ),
        };
        vec![Cell::link(&file.kind, to), state]
    });
    let mut table = Table::new(EN.files, &[EN.file, EN.state], EN.no_files).with_rows(rows);
    table.acts = acts;
    table
}

/// A page that says what will happen, and does it.
pub fn confirm(shell: Shell, tenant: &str, device: &Device, name: &str, dangerous: bool) -> Page {
    let (word, does) = action(name).unwrap_or((EN.confirm, ""));
    let at = |page: &str| href::device(tenant, &device.mac, page);
    let named = if device.label.is_empty() {
        device.mac.clone()
    } else {
        format!("{} ({})", device.label, device.mac)
    };
    let mut form = Form::post(at(name), word)
        .saying(fill(does, &[&named]))
        .with(Field::hidden("if_match", device.revision.to_string()))
        .or_back(at(""));
    form.danger = dangerous;
    Page::new(shell).with(form)
}

/// The form of a device; a new one has no MAC yet.
pub fn form(action: &str, device: &Device, models: &[Model], sites: &[Site], back: &str) -> Form {
    let is_new = device.id.is_empty();
    let kinds: Vec<_> = models
        .iter()
        .map(|model| (model.name.clone(), model.name.clone()))
        .collect();
    let places: Vec<_> = sites
        .iter()
        .map(|site| (site.id.as_str(), site.name.as_str()))
        .collect();
    let form = Form::post(action, if is_new { EN.add_device } else { EN.save }).or_back(back);
    let form = match is_new {
        true => form.with(
            Field::line("mac", EN.mac, &device.mac)
                .hinting(EN.mac_hint)
                .required(),
        ),
        false => form.with(Field::hidden("if_match", device.revision.to_string())),
    };
    form.with(Field::select("model", EN.model, kinds, &device.model))
        .with(Field::select(
            "site",
            EN.site,
            choices(EN.none, &places),
            device.site.clone().unwrap_or_default(),
        ))
        .with(Field::line("label", EN.label, &device.label))
}

/// What is said of a move.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moving<'a> {
    /// Id of the tenant that the device goes to.
    pub tenant: &'a str,
    /// What becomes of its settings; empty: they go along.
    pub settings: &'a str,
    pub forward: bool,
}

/// The form that moves a device to another tenant.
pub fn move_form(action: &str, tenants: &[Tenant], typed: &Moving<'_>, back: &str) -> Form {
    let tenants: Vec<_> = tenants
        .iter()
        .map(|tenant| (tenant.id.clone(), tenant.name.clone()))
        .collect();
    let settings = vec![
        ("keep".to_owned(), EN.settings_go_along.to_owned()),
        ("drop".to_owned(), EN.settings_are_removed.to_owned()),
    ];
    Form::post(action, EN.move_device)
        .saying(EN.move_does)
        .with(Field::select(
            "tenant",
            EN.move_one_to,
            tenants,
            typed.tenant,
        ))
        .with(Field::select(
            "settings",
            EN.settings,
            settings,
            typed.settings,
        ))
        .with(Field::check("forward", EN.forward_phone, typed.forward))
        .or_back(back)
        .dangerous()
}

/// Each parameter that the device ends up with, and what it shadows.
pub fn effective(
    shell: Shell,
    viewer: &Viewer,
    action: &str,
    page: &EffectivePage,
    revealed: bool,
) -> Page {
    let layer = |layer: &Option<String>| layer.clone().unwrap_or_default();
    let rows = page.items.iter().map(|item| {
        let shadows = item.shadows.iter().map(|shadow| {
            let from = shadow.layer.clone().unwrap_or_else(|| shadow.kind.clone());
            format!("{from}: {}", shadow.value)
        });
        vec![
            Cell::code(&item.name),
            Cell::code(&item.value),
            Cell::text(layer(&item.layer)),
            Cell::text(&item.from),
            Cell::code(shadows.collect::<Vec<_>>().join(", ")),
        ]
    });
    let columns = [EN.parameter, EN.value, EN.layer, EN.file, EN.shadows];
    let table = Table::new("", &columns, EN.no_parameters).with_rows(rows);
    let mut shown = Page::new(shell).with(table);
    if !page.unused.is_empty() {
        let rows = page.unused.iter().map(|unused| {
            vec![
                Cell::code(&unused.name),
                Cell::text(&unused.layer),
                Cell::text(&unused.message),
            ]
        });
        shown = shown.with(Table::new(EN.unused, &[EN.name, EN.layer, EN.why], "").with_rows(rows));
    }
    if viewer.reveal && !revealed {
        shown = shown.with(Form::post(action, EN.reveal).saying(EN.reveal_does));
    }
    shown
}

/// A file as the device would get it.
pub fn preview(
    shell: Shell,
    viewer: &Viewer,
    action: &str,
    preview: &Preview,
    fetched: Option<&Value>,
    revealed: bool,
    now: u64,
) -> Page {
    let marked: Vec<u64> = preview
        .findings
        .iter()
        .filter_map(|one| one.get("line")?.as_u64())
        .collect();
    let text = preview.text.clone().unwrap_or_default();
    let mut lines = Lines::new(&preview.kind, &text, &marked);
    lines.hint = match &preview.error {
        Some(error) => error.clone(),
        None if revealed => EN.preview_revealed.to_owned(),
        None => EN.preview_masked.to_owned(),
    };
    lines.findings = preview.findings.iter().map(finding).collect();
    let mut page = Page::new(shell).with(lines);
    if viewer.reveal && !revealed {
        page = page.with(Form::post(action, EN.reveal).saying(EN.reveal_does));
    }
    match fetched {
        Some(fetched) => against(page, fetched, now),
        None => page,
    }
}

/// What the phone last fetched against what it would fetch now.
fn against(page: Page, fetched: &Value, now: u64) -> Page {
    let (source, reason) = match fetched.text("source") {
        "kept" => (EN.fetched_kept, ""),
        "history" => (EN.fetched_history, ""),
        _ => (EN.fetched_unknown, fetched.text("reason")),
    };
    let facts = Facts::new(EN.fetched_against)
        .with(
            EN.fetched,
            Cell::time(fetched.number("fetched_at"), now, EN.never),
        )
        .with(EN.known_from, Cell::text(format!("{source} {reason}")));
    let page = page.with(facts);
    match fetched.at("diff").is_object() {
        true => page.with(trial::difference(fetched.at("diff"))),
        false => page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Key;

    const NOW: u64 = 1_792_993_265_000;

    fn device(state: &str) -> Device {
        Device {
            mac: "0080F0C571EB".into(),
            file_version: 7,
            fetched_version: Some(7),
            fetched_at: Some(NOW - 60_000),
            key: Key {
                state: state.into(),
                bootstrap_waits: state == "armed",
                armed_at: NOW - 7_200_000,
                last_taken_by: Some(Seen {
                    at: NOW - 3_600_000,
                    address: Some("203.0.113.7".into()),
                    country: Some("NL".into()),
                    user_agent: None,
                }),
                confirmed_at: Some(NOW - 3_560_000),
                ..Key::default()
            },
            ..Device::default()
        }
    }

    #[test]
    fn a_device_is_told_in_one_sentence() {
        assert_eq!(
            sentence(&device("confirmed"), NOW),
            "Took its key on 2026-10-26 04:41 UTC from 203.0.113.7 in NL, came back 40 s later, and has the current files, fetched 1 min ago."
        );
        let stale = Device {
            file_version: 8,
            ..device("confirmed")
        };
        assert!(
            sentence(&stale, NOW)
                .ends_with("has older files, fetched 1 min ago; newer ones wait for it.")
        );
        assert!(sentence(&device("delivered"), NOW).contains("has not come back"));
        assert!(sentence(&device("armed"), NOW).starts_with("Waits for its first boot"));
        let disabled = Device {
            disabled: true,
            ..device("confirmed")
        };
        assert_eq!(sentence(&disabled, NOW), EN.says_disabled);
        assert_eq!(brief(&stale, NOW).0, Tone::Warn);
    }

    #[test]
    fn every_action_says_what_it_does() {
        for (name, _) in ACTIONS {
            assert!(
                action(name).is_some_and(|(word, does)| !word.is_empty() && does.contains("{}")),
                "{name}"
            );
        }
        assert_eq!(action("explode"), None);
    }
}
