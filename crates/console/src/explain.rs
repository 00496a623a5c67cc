//! What a phone hears to a request, and why, as the API's `explain` found it. The page repeats nothing of a URL
//! that was pasted: it holds an access path.

use serde_json::Value;

use crate::data::{Event, Listed, Read as _};
use crate::href;
use crate::lint;
use crate::lists::devices::timeline;
use crate::part::{Act, Cell, Facts, Field, Form, Item, List, Page, Section, Tone};
use crate::problem::finding;
use crate::reason;
use crate::shell::{Shell, Viewer};
use crate::text::{EN, fill};

/// Where it is.
pub const PATH: &str = "/console/explain";

/// What was typed, as far as it may be shown again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExplainForm {
    /// Nothing, if it was a URL.
    pub what: String,
    pub address: String,
    pub user_agent: String,
    pub tenant: String,
}

/// The page: the form, and below it what was found.
pub fn page(
    shell: Shell,
    viewer: &Viewer,
    asked: &ExplainForm,
    answer: Option<&Value>,
    now: u64,
) -> Page {
    let page = Page::new(shell.leading(EN.explain_lead));
    let page = match answer {
        None => page.with(form(viewer, asked)),
        // What was found stands before the form for the next question.
        Some(answer) => found(page, viewer, answer, now).with(form(viewer, asked)),
    };
    page.with(Section::Acts(vec![Act::plain(EN.lint, lint::PATH)]))
}

fn form(viewer: &Viewer, asked: &ExplainForm) -> Form {
    let mut more = vec![
        Field::line("address", EN.explain_address, &asked.address).hinting(EN.explain_optional),
        Field::line("user_agent", EN.explain_agent, &asked.user_agent).hinting(EN.explain_optional),
    ];
    if viewer.tenant.is_none() {
        more.push(
            Field::line("tenant", EN.explain_tenant, &asked.tenant).hinting(EN.explain_tenant_hint),
        );
    }
    let mut form = Form::post(PATH, EN.explain_do).with(
        Field::line("what", EN.explain_what, &asked.what)
            .hinting(EN.explain_what_hint)
            .required(),
    );
    form.fields.extend(more);
    form
}

/// The words of a step.
fn step(id: &str) -> &str {
    match id {
        "throttle" => EN.step_throttle,
        "access_path" => EN.step_access_path,
        "host" => EN.step_host,
        "method" => EN.step_method,
        "name" => EN.step_name,
        "transport" => EN.step_transport,
        "device" => EN.step_device,
        "key" => EN.step_key,
        "form" => EN.step_form,
        "copy" => EN.step_copy,
        "file" => EN.step_file,
        other => other,
    }
}

fn found(page: Page, viewer: &Viewer, answer: &Value, now: u64) -> Page {
    let steps = answer.list("steps");
    let details = |name: &str| {
        let found = steps.iter().find(|step| step.text("step") == name);
        found.map_or(&Value::Null, |step| step.at("details"))
    };
    let failed = steps.iter().find(|step| step.text("outcome") == "failed");
    let mut page = page
        .with(hears(
            viewer,
            answer,
            failed,
            details("access_path"),
            details("device"),
        ))
        .with(in_order(steps))
        .with(request(answer));
    let file = details("file");
    let mut wrong: Vec<String> = file.list("findings").iter().map(finding).collect();
    wrong.extend(Some(file.text("error").to_owned()).filter(|text| !text.is_empty()));
    if !wrong.is_empty() {
        page = page.with(List::of(EN.explain_findings, wrong));
    }
    let then = answer.at("then").to_string();
    if let Ok(event) = ringfence_json::from_str::<Event>(&then) {
        let list = Listed {
            items: vec![event],
            next: None,
        };
        page = page.with(timeline(EN.explain_then, None, &list, None, now));
    }
    page
}

/// What to do next: where the API's sentence names its own calls and members, what the console calls them.
pub fn next<'a>(reason: &str, said: &'a str) -> &'a str {
    match reason {
        "no_such_path" => EN.next_no_such_path,
        "macro_not_replaced" => EN.next_macro,
        "wrong_case" | "mac_notation" | "wrong_extension" => EN.next_name,
        "extra_slash" | "extra_folder" => EN.next_folder,
        "disabled" => EN.next_disabled,
        "wrong_form" => EN.next_form,
        "no_family" => EN.next_family,
        "no_certificate" => EN.next_certificate,
        _ => said,
    }
}

/// Where that is done.
struct Places<'a> {
    /// Id of the tenant whose access path it was; empty, if it is not known.
    tenant: &'a str,
    /// The device's; empty, if there is none.
    mac: &'a str,
    viewer: &'a Viewer,
}

impl Places<'_> {
    /// The buttons for a reason, as far as the viewer may press them.
    fn of(&self, reason: &str) -> Vec<Act> {
        let of_tenant = |text: &str, page: &str| self.tenant_act(text, page);
        let of_device = |text: &str, page: &str| self.device_act(text, page);
        let acts = match reason {
            "disabled" => vec![of_device(EN.enable, "enable")],
            "bootstrap_expired" | "sealed_at_plain_name" => vec![of_device(EN.rearm, "rearm")],
            "bootstrap_consumed" => {
                vec![of_device(EN.rearm, "rearm"), of_device(EN.rekey, "rekey")]
            }
            "key_replaced" => vec![of_device(EN.rekey, "rekey")],
            "unknown_device" => vec![
                of_tenant(EN.unknown_phones, "unknown"),
                of_tenant(EN.add_device, "devices/new"),
            ],
            "unknown_model" => vec![of_tenant(EN.add_model, "models/new")],
            "no_certificate" => vec![of_tenant(EN.add_certificate, "certificates/new")],
            "access_path_closed" => vec![
                of_tenant(EN.access_paths, "access-paths"),
                of_tenant(EN.edit_tenant, "edit"),
            ],
            "no_such_path" | "macro_not_replaced" | "wrong_case" | "mac_notation"
            | "wrong_extension" | "extra_slash" | "extra_folder" | "no_family" => {
                vec![of_tenant(EN.edit_tenant, "edit")]
            }
            "wrong_form" => vec![
                of_tenant(EN.models, "models"),
                of_tenant(EN.edit_tenant, "edit"),
            ],
            "file_not_made" | "sealed_last_good" | "shared_last_good" => vec![
                of_device(EN.settings, "settings"),
                of_tenant(EN.templates, "templates"),
            ],
            _ => Vec::new(),
        };
        acts.into_iter().flatten().collect()
    }

    fn tenant_act(&self, text: &str, page: &str) -> Option<Act> {
        let may = self.viewer.write && !self.tenant.is_empty();
        may.then(|| Act::plain(text, href::tenant(self.tenant, page)))
    }

    fn device_act(&self, text: &str, page: &str) -> Option<Act> {
        let may = self.viewer.write && !self.tenant.is_empty() && !self.mac.is_empty();
        may.then(|| Act::plain(text, href::device(self.tenant, self.mac, page)))
    }
}

/// The end of it: where the request ends, what the phone hears, what to do.
fn hears(
    viewer: &Viewer,
    answer: &Value,
    failed: Option<&Value>,
    access_path: &Value,
    device: &Value,
) -> Facts {
    let verdict = answer.at("verdict");
    let tone = match verdict.text("outcome") {
        "served" | "not_modified" => Tone::Good,
        "refused" => Tone::Warn,
        _ => Tone::Bad,
    };
    let reason = verdict.text("reason");
    let (means, _) = reason::words(reason).unwrap_or((reason, ""));
    let status = answer.digits("/hears/status");
    let length = answer.count("/hears/length");
    let exact = match answer.is("/hears/is_exact") {
        true => EN.explain_bytes,
        false => EN.explain_not_exact,
    };
    let title = match failed {
        Some(failed) => fill(EN.explain_ends_at, &[step(failed.text("step"))]),
        None => EN.explain_all_well.to_owned(),
    };
    let mut facts = Facts::new(&title);
    if let Some(failed) = failed {
        facts = facts.with(
            step(failed.text("step")),
            Cell::state(tone, failed.text("message")),
        );
    }
    let (tenant, mac) = (access_path.text("tenant"), device.text("/device/mac"));
    let places = Places {
        tenant,
        mac,
        viewer,
    };
    facts.acts = places.of(reason);
    facts = facts
        .with(
            EN.explain_next,
            Cell::text(next(reason, answer.text("next"))),
        )
        .with(EN.explain_outcome, Cell::state(tone, means))
        .with(
            EN.explain_hears,
            Cell::text(fill(exact, &[&status, &length])),
        );
    if !tenant.is_empty() && !mac.is_empty() {
        facts = facts.with(EN.device, Cell::link(mac, href::device(tenant, mac, "")));
    }
    facts
}

fn in_order(steps: &[Value]) -> List {
    let items = steps.iter().map(|found| {
        let (tone, ended) = match found.text("outcome") {
            "passed" => (Tone::Good, EN.step_passed),
            "failed" => (Tone::Bad, EN.step_failed),
            "skipped" => (Tone::Quiet, EN.step_skipped),
            _ => (Tone::Plain, EN.step_information),
        };
        Item {
            parts: Vec::new(),
            head: Cell::state(tone, step(found.text("step"))),
            more: vec![Cell::text(ended)],
            text: match found.text("outcome") {
                "skipped" => String::new(),
                _ => found.text("message").to_owned(),
            },
            hint: String::new(),
        }
    });
    List {
        title: EN.explain_steps.into(),
        items: items.collect(),
        ..List::default()
    }
}

/// What was asked, as far as it is known, and what was taken to be so.
fn request(answer: &Value) -> Facts {
    let asked = answer.at("asked");
    let scheme = if asked.is("tls") { "https" } else { "http" };
    let line = format!(
        "{} {scheme}://{}/…/{}",
        asked.text("method"),
        asked.text("host"),
        asked.text("path"),
    );
    let mut facts = Facts::new(EN.explain_request).with(EN.asked_for, Cell::code(line));
    for (name, member) in [
        (EN.explain_address, "address"),
        (EN.explain_agent, "user_agent"),
    ] {
        if !asked.text(member).is_empty() {
            facts = facts.with(name, Cell::code(asked.text(member)));
        }
    }
    let assumed: Vec<&str> = asked
        .list("assumed")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    if !assumed.is_empty() {
        facts = facts.with(EN.explain_assumed, Cell::text(assumed.join(" ")));
    }
    facts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn where_a_request_ends_stands_first() {
        let answer = json!({
            "asked": {"method": "GET", "host": "phones.example", "tls": true, "path": "Config.cfg", "assumed": ["A."]},
            "steps": [
                {"step": "access_path", "outcome": "passed", "message": "Good.", "details": {"tenant": "T"}},
                {"step": "device", "outcome": "failed", "message": "None.", "details": {"device": {"mac": "0080F0C571EB"}}},
                {"step": "key", "outcome": "skipped", "message": "Not.", "details": null},
            ],
            "verdict": {"outcome": "refused", "reason": "unknown_device", "status": 404},
            "hears": {"status": 404, "length": 9, "is_exact": true},
            "next": "Add it.",
        });
        let asked = ExplainForm::default();
        let shell = Shell::outside("x");
        let html = page(shell, &Viewer::default(), &asked, Some(&answer), 0).html();
        let html = html.unwrap_or_default();
        let at = |text: &str| html.find(text).unwrap_or(usize::MAX);
        assert!(at("Ends at: Device") < at("Step by step"), "{html}");
        assert!(at("Add it.") < at("Step by step") && at("None.") < at("Step by step"));
        assert!(html.contains("/console/tenants/T/devices/0080F0C571EB"));
        assert!(html.contains("404, 9 bytes") && html.contains("phones.example/…/Config.cfg"));
    }

    #[test]
    fn what_to_do_next_leads_to_where_it_is_done_whoever_may_do_it() {
        let writer = Viewer {
            write: true,
            ..Viewer::default()
        };
        let of = |viewer, tenant, mac, reason| {
            let places = Places {
                tenant,
                mac,
                viewer,
            };
            let acts = places.of(reason).into_iter();
            acts.map(|act| act.href).collect::<Vec<_>>()
        };
        let device = "/console/tenants/T/devices/M";
        assert_eq!(
            of(&writer, "T", "M", "bootstrap_consumed"),
            [format!("{device}/rearm"), format!("{device}/rekey")]
        );
        assert_eq!(
            of(&writer, "T", "", "unknown_device"),
            [
                "/console/tenants/T/unknown",
                "/console/tenants/T/devices/new"
            ]
        );
        let reader = Viewer::default();
        for (viewer, tenant, mac) in [(&reader, "T", "M"), (&writer, "", "M"), (&writer, "T", "")] {
            assert!(of(viewer, tenant, mac, "disabled").is_empty());
        }
    }
}
