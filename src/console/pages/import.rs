//! The import of devices from a table, in steps that a form drives: each is one request, with a script or without.
//!
//! The table travels with the page from step to step, so that nothing is stored of it. It has passwords in it, so it
//! travels sealed under the master key, for this session and this tenant alone: a page shows none, and what a browser
//! keeps of a page opens nowhere else.

use ringfence_api::devices::batch::MAX_ROWS;
use ringfence_console::data::{Batch, BatchRow, Measured, Read as _};
use ringfence_console::import::{self as page, About, Became, Counts, Part, RowVerdict, Typed};
use ringfence_console::lists::of_tenant;
use ringfence_console::problem::Problem;
use ringfence_console::text::{EN, fill};
use ringfence_import::{Device, FileError, Mapping, RowOutcome, Table, Wishes};
use ringfence_provision::layers::Value as Setting;
use serde_json::{Map, Value, json};

use crate::api;
use crate::console::page::PageResult;
use crate::console::pages::parts::{self, Exported};
use crate::console::reply::Reply;
use crate::console::reply::own;
use crate::console::visit::Visit;

/// The longest table, in bytes: sealed and written as a form is, it has room in one.
const MAX_TABLE: usize = 1024 * 1024;

/// Most settings, and bytes of settings, of a step: a call of the API takes 1 MiB and 20,000 settings.
const MAX_SETTINGS: usize = 15_000;
const MAX_BYTES: usize = 700_000;

/// The most refused rows that are kept from step to step.
const MAX_KEPT: usize = 200;

/// The form.
pub async fn form(visit: Visit) -> PageResult {
    let shell = visit.tenant_shell(EN.import).await?;
    let typed = Typed::default();
    Ok(Reply::page(page::page(
        shell,
        &visit.path,
        visit.tenant_id(),
        &typed,
        None,
    )))
}

/// A step: rows are checked, or imported.
pub async fn step(visit: Visit) -> PageResult {
    let (mut typed, text) = typed(&visit);
    let text = match text {
        Ok(text) => text,
        Err(problem) => return again(&visit, &typed, problem).await,
    };
    let table = wishes(&typed).and_then(|wishes| Table::open(text.as_bytes(), wishes));
    // What was pasted is not lost, and does not come back in clear.
    typed.sealed = seal(&visit, &text)?;
    let table = match table {
        Ok(table) => table,
        Err(error) => {
            let problem = Problem::new(422, EN.cannot_read, error.to_string());
            return again(&visit, &typed, problem).await;
        }
    };
    let is_run = visit.form.get("step") == "run";
    let from = visit.form.get("from").parse().unwrap_or(0);
    let slice = Slice::of(&table, from);
    let sent = send(&visit, &slice, !is_run).await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(problem) => return again(&visit, &typed, problem).await,
    };
    let about = about(&table, &answer);
    let part = Part {
        from: from as u64,
        to: (from + slice.rows.len()) as u64,
        of: slice.of as u64,
        verdicts: verdicts(&slice, answer),
    };
    let shell = visit.tenant_shell(EN.import).await?;
    let (at, tenant) = (&visit.path, visit.tenant_id());
    Ok(Reply::page(match is_run {
        true => ran(&visit, shell, &typed, part),
        false => {
            let before = visit.form.get(page::FOUND).parse().unwrap_or(0);
            page::checked(shell, at, tenant, &typed, &about, &part, before)
        }
    }))
}

async fn again(visit: &Visit, typed: &Typed, problem: Problem) -> PageResult {
    let shell = visit.tenant_shell(EN.import).await?;
    let status = problem.status;
    let page = page::page(shell, &visit.path, visit.tenant_id(), typed, Some(problem));
    Ok(Reply::refused(status, page))
}

/// What was typed, and the table: pasted just now, or kept from before.
fn typed(visit: &Visit) -> (Typed, Result<String, Problem>) {
    let form = &visit.form;
    let mut typed = Typed {
        sealed: form.get("sealed").to_owned(),
        map: form.get("map").replace("\r\n", "\n"),
        model: form.get("model").trim().to_owned(),
        site: form.get("site").trim().to_owned(),
    };
    let refused = |detail: &str| Err(Problem::new(422, EN.cannot_read, detail));
    // A browser sends line ends as CRLF.
    let pasted = form.get("csv").replace("\r\n", "\n");
    if pasted.len() > MAX_TABLE {
        return (typed, refused(EN.import_long));
    }
    if !pasted.trim().is_empty() {
        return (typed, Ok(pasted));
    }
    if typed.sealed.is_empty() {
        return (typed, refused(EN.import_nothing));
    }
    let opened = visit.app.keyring.unwrap(&identity(visit), &typed.sealed);
    match opened.ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) => (typed, Ok(text)),
        None => {
            typed.sealed.clear();
            (typed, refused(EN.import_lost))
        }
    }
}

fn identity(visit: &Visit) -> String {
    format!("console-import:{}:{}", visit.session, visit.tenant_id())
}

fn seal(visit: &Visit, text: &str) -> Result<String, Problem> {
    api::wrap(&visit.app.keyring, &identity(visit), text.as_bytes())
        .map_err(|problem| own(&problem, &visit.app.request_id))
}

fn wishes(typed: &Typed) -> Result<Wishes, FileError> {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ok(Wishes {
        mapping: Mapping::parse(&typed.map)?,
        delimiter: None,
        model: filled(&typed.model),
        site: filled(&typed.site),
    })
}

/// The rows of a step.
struct Slice {
    rows: Vec<ringfence_import::Row>,
    /// How many rows the table has.
    of: usize,
}

impl Slice {
    fn of(table: &Table<'_>, from: usize) -> Self {
        let mut slice = Self {
            rows: Vec::new(),
            of: 0,
        };
        let (mut settings, mut bytes, mut is_full) = (0, 0, false);
        for row in table.rows() {
            let at = slice.of;
            slice.of += 1;
            if at < from || is_full {
                continue;
            }
            if let RowOutcome::Device(device) = &row.outcome {
                settings += device.settings.len();
                let each = device.settings.iter();
                bytes += each
                    .map(|(name, value)| name.len() + 2 * value.expose().len() + 24)
                    .sum::<usize>();
            }
            let is_first = slice.rows.is_empty();
            is_full = slice.rows.len() >= MAX_ROWS
                || (!is_first && (settings > MAX_SETTINGS || bytes > MAX_BYTES));
            if !is_full {
                slice.rows.push(row);
            }
        }
        slice
    }

    fn devices(&self) -> Vec<&Device> {
        let found = self.rows.iter().filter_map(|row| match &row.outcome {
            RowOutcome::Device(device) => Some(device.as_ref()),
            RowOutcome::NoPhone | RowOutcome::Refused(_) => None,
        });
        found.collect()
    }
}

async fn send(visit: &Visit, slice: &Slice, dry_run: bool) -> Result<Batch, Problem> {
    let devices: Vec<Value> = slice.devices().into_iter().map(body).collect();
    if devices.is_empty() {
        return Ok(Batch::default());
    }
    let query: &[(&str, &str)] = if dry_run { &[("dry_run", "true")] } else { &[] };
    let body = json!({ "devices": devices });
    visit
        .send_with("POST", &visit.of_tenant("/device-batch"), query, Some(body))
        .await
}

/// A device as the API takes it; what the row does not say is left out.
fn body(device: &Device) -> Value {
    let mut body = Map::new();
    body.insert("mac".into(), device.mac.upper().into());
    let texts = [
        ("model", &device.model),
        ("family", &device.family),
        ("site_name", &device.site),
        ("label", &device.label),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            body.insert(name.into(), text.as_str().into());
        }
    }
    if !device.settings.is_empty() {
        let set: Map<String, Value> = device
            .settings
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Setting::Text(text) => text.as_str().into(),
                    Setting::Secret(secret) => json!({ "secret": secret.expose() }),
                };
                (name.clone(), value)
            })
            .collect();
        body.insert("set".into(), set.into());
    }
    body.into()
}

fn about(table: &Table<'_>, answer: &Batch) -> About {
    let ignored = table.ignored().iter().filter(|it| !it.on_purpose);
    About {
        system: table.system().name().to_owned(),
        ignored: ignored.map(|it| it.name.clone()).collect(),
        new_models: answer.new_models.clone(),
        new_sites: answer.new_sites.clone(),
    }
}

/// What becomes of each row: what the table itself tells, and what the API says of the others.
fn verdicts(slice: &Slice, answer: Batch) -> Vec<RowVerdict> {
    let mut answers = answer.items.into_iter();
    let each = slice.rows.iter().map(|row| {
        let (mac, became, why) = match &row.outcome {
            RowOutcome::NoPhone => (
                String::new(),
                Became::NoPhone,
                EN.import_no_phone_why.to_owned(),
            ),
            RowOutcome::Refused(refusal) => (String::new(), Became::Refused, refusal.to_string()),
            RowOutcome::Device(device) => {
                let (became, why) = said(device, answers.next().unwrap_or_default());
                (device.mac.upper(), became, why)
            }
        };
        RowVerdict {
            line: row.line,
            mac,
            became,
            why,
        }
    });
    each.collect()
}

/// What would be wrong with files of a device.
fn said_of(files: &Value) -> String {
    let files = files.as_array().into_iter().flatten();
    let said = files.flat_map(|file| {
        let kind = file.text("file");
        let findings = ringfence_console::problem::of_file(file).into_iter();
        findings.map(move |finding| match finding.starts_with(kind) {
            true => finding,
            false => format!("{kind}: {finding}"),
        })
    });
    said.collect::<Vec<_>>().join(" ")
}

fn said(device: &Device, row: BatchRow) -> (Became, String) {
    let became = match row.outcome.as_str() {
        "created" => Became::Created,
        "changed" => Became::Changed,
        "unchanged" => Became::Unchanged,
        _ => Became::Refused,
    };
    let missing: Vec<&str> = device
        .secrets
        .iter()
        .filter(|name| became == Became::Created && !device.settings.contains_key(*name))
        .map(String::as_str)
        .collect();
    let lacks = (!missing.is_empty()).then(|| fill(EN.import_lacks, &[&missing.join(", ")]));
    // Where files are the reason, what is wrong with them says all.
    let why = match said_of(&row.files) {
        said if said.is_empty() => row.detail,
        said => Some(format!("{} {said}", EN.import_broken)),
    };
    let changes: Vec<&str> = row
        .changes
        .iter()
        .map(|name| name.strip_prefix("settings.").unwrap_or(name))
        .collect();
    let changes = (!changes.is_empty()).then(|| fill(EN.import_changes, &[&changes.join(", ")]));
    let parts = [why, changes, lacks];
    (
        became,
        parts.into_iter().flatten().collect::<Vec<_>>().join(" "),
    )
}

/// The page after a step of the import, with what came of those before.
fn ran(
    visit: &Visit,
    shell: ringfence_console::shell::Shell,
    typed: &Typed,
    mut part: Part,
) -> ringfence_console::part::Page {
    let form = &visit.form;
    let mut counts = Counts::of(Counts::NAMES.map(|name| form.get(name).parse().unwrap_or(0)));
    part.verdicts.iter().for_each(|it| counts.add(it.became));
    let before = form.get("failed").lines().filter_map(kept);
    let now = std::mem::take(&mut part.verdicts);
    let now = now.into_iter().filter(|it| it.became == Became::Refused);
    part.verdicts = before.chain(now).take(MAX_KEPT).collect();
    let failed: Vec<String> = part
        .verdicts
        .iter()
        .map(|it| {
            format!(
                "{}\t{}\t{}",
                it.line,
                it.mac,
                it.why.replace(['\n', '\r'], " ")
            )
        })
        .collect();
    page::ran(
        shell,
        &visit.path,
        visit.tenant_id(),
        typed,
        counts,
        &part,
        &failed.join("\n"),
    )
}

/// A refused row as the step before sent it on.
fn kept(line: &str) -> Option<RowVerdict> {
    let mut parts = line.splitn(3, '\t');
    Some(RowVerdict {
        line: parts.next()?.parse().ok()?,
        mac: parts.next()?.to_owned(),
        became: Became::Refused,
        why: parts.next()?.to_owned(),
    })
}

/// The devices of a list as a file.
pub async fn export(visit: Visit) -> PageResult {
    let filter = visit.query.only(of_tenant::FILTER);
    let asked = of_tenant::of_api(&filter, visit.now());
    let mut query: Vec<_> = asked
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    query.extend(visit.query.only(&["cursor"]));
    let measured: Measured = visit.get(&visit.of_tenant("/device-table"), &query).await?;
    let of = Exported {
        stem: "devices",
        ending: "csv",
        content_type: "text/csv; charset=utf-8",
        says: EN.devices_in_parts,
        begins: "cursor",
        next: measured.next,
    };
    if of.is_file(&visit) {
        let table = visit
            .read_file(&visit.of_tenant("/devices.csv"), &query)
            .await?;
        return Ok(of.file(&visit, table));
    }
    let shell = visit.tenant_shell(EN.export_act).await?;
    Ok(parts::page(&visit, shell, &filter, &of))
}
