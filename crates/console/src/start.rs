//! The first run: from nothing to a phone that has its files, one step after the other.

use crate::data::{Device, Event, Listed};
use crate::device::sentence;
use crate::href;
use crate::lists::devices::timeline;
use crate::part::{Act, Cell, Field, Form, Item, List, Page, Section, Tone};
use crate::shell::Shell;
use crate::text::EN;

/// Where one begins.
pub const PATH: &str = "/console/start";

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Tenant,
    AccessPath,
    Phone,
    Boot,
    Done,
}

/// The steps, those that are done marked so.
fn steps(at: Step) -> List {
    let all = [
        (Step::Tenant, EN.start_tenant, EN.start_tenant_does),
        (Step::AccessPath, EN.start_path, EN.start_path_does),
        (Step::Phone, EN.start_phone, EN.start_phone_does),
        (Step::Boot, EN.start_boot, EN.start_boot_does),
    ];
    let items = all.into_iter().map(|(step, name, does)| {
        let (tone, word) = match step.cmp(&at) {
            std::cmp::Ordering::Less => (Tone::Good, EN.step_done),
            std::cmp::Ordering::Equal => (Tone::Warn, EN.step_now),
            std::cmp::Ordering::Greater => (Tone::Quiet, EN.step_later),
        };
        Item {
            parts: Vec::new(),
            head: Cell::state(tone, name),
            more: vec![Cell::text(word)],
            text: does.to_owned(),
            hint: String::new(),
        }
    });
    List {
        title: EN.start_steps.to_owned(),
        items: items.collect(),
        ..List::default()
    }
}

/// A page of a step, with its form.
pub fn page(shell: Shell, at: Step, form: Form) -> Page {
    Page::new(shell.leading(EN.start_lead))
        .with(form)
        .with(steps(at))
}

/// Asks for the tenant.
pub fn tenant(name: &str) -> Form {
    let name = Field::line("name", EN.name, name).hinting(EN.start_tenant_hint);
    Form::post(PATH, EN.go_on)
        .titled(EN.start_tenant)
        .with(name.required())
}

/// Asks for the access path.
pub fn access_path(at: &str, label: &str) -> Form {
    Form::post(at, EN.add_access_path)
        .titled(EN.start_path)
        .saying(EN.access_path_does)
        .with(Field::hidden("step", "path"))
        .with(Field::line("label", EN.label, label).required())
}

/// Asks for the phone. The access path goes along, so that the next page has the whole URL; it is kept nowhere.
pub fn phone(at: &str, typed: &Device, segment: &str) -> Form {
    let mut form = Form::post(at, EN.add_device)
        .titled(EN.start_phone)
        .with(Field::hidden("step", "phone"))
        .with(
            Field::line("mac", EN.mac, &typed.mac)
                .hinting(EN.mac_hint)
                .required(),
        )
        .with(
            Field::line("model", EN.model, &typed.model)
                .hinting(EN.model_hint)
                .required(),
        )
        .with(Field::line("label", EN.label, &typed.label));
    form = match segment {
        "" => form.with(Field::line("segment", EN.access_path, "").hinting(EN.start_segment_hint)),
        segment => form.with(Field::hidden("segment", segment)),
    };
    form
}

/// Watches the phone come; what stays above the rest is put there by whoever calls.
pub fn watch(
    mut shell: Shell,
    tenant: &str,
    device: &Device,
    events: &Listed<Event>,
    now: u64,
) -> Page {
    let has_come = has_files(device);
    if !has_come {
        shell.live = Some(href::tenant(
            tenant,
            &format!("start{}", href::path([&device.mac])),
        ));
        shell.every_s = 2;
    }
    let at = if has_come { Step::Done } else { Step::Boot };
    let mut page = Page::new(shell)
        .with(progress(device, events, now))
        .with(timeline(EN.start_heard, Some(tenant), events, None, now))
        .with(steps(at));
    if has_come {
        page = page.with(Section::Acts(vec![
            Act::main(EN.to_device, href::device(tenant, &device.mac, "")),
            Act::plain(EN.overview, href::tenant(tenant, "")),
        ]));
    }
    page
}

/// Whether the phone has its files: of one whose files are sealed, the bootstrap alone is not yet that.
pub fn has_files(device: &Device) -> bool {
    match device.profile {
        Some(_) => device.key.confirmed_at.is_some(),
        None => device.fetched_at.is_some(),
    }
}

/// How far the phone is.
fn progress(device: &Device, events: &Listed<Event>, now: u64) -> List {
    let asked = events
        .items
        .iter()
        .any(|event| event.mac.as_deref() == Some(&device.mac));
    let took = device.key.last_taken_by.is_some();
    let is_sealed = device.profile.is_some();
    let line = |is_so: bool, yes: &str, no: &str| Item {
        parts: Vec::new(),
        head: match is_so {
            true => Cell::state(Tone::Good, yes),
            false => Cell::state(Tone::Quiet, no),
        },
        more: Vec::new(),
        text: String::new(),
        hint: String::new(),
    };
    let mut items = vec![line(asked || took, EN.watch_asked, EN.watch_not_asked)];
    if is_sealed {
        items.push(line(took, EN.watch_took, EN.watch_not_took));
    }
    items.push(line(
        has_files(device),
        EN.watch_fetched,
        EN.watch_not_fetched,
    ));
    let mut list = List {
        title: EN.start_boot.to_owned(),
        items,
        ..List::default()
    };
    if let Some(last) = list.items.last_mut() {
        last.hint = sentence(device, now);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Viewer;

    #[test]
    fn a_phone_is_watched_until_it_has_its_files() {
        let shell = || Shell::new("x", &Viewer::default(), "/console");
        let mut device = Device {
            mac: "0080F0C571EB".into(),
            ..Device::default()
        };
        let events = Listed::default();
        let waiting = watch(shell(), "T", &device, &events, 0);
        assert_eq!(
            waiting.shell.live.as_deref(),
            Some("/console/tenants/T/start/0080F0C571EB")
        );
        device.fetched_at = Some(1);
        let sealed = Device {
            profile: Some("p".into()),
            ..device.clone()
        };
        assert!(
            watch(shell(), "T", &sealed, &events, 2)
                .shell
                .live
                .is_some()
        );
        let done = watch(shell(), "T", &device, &events, 2);
        assert_eq!(done.shell.live, None);
        assert!(done.html().unwrap_or_default().contains(EN.watch_fetched));
    }
}
