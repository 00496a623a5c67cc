//! What is said about phones.

use ringfence_api::operation::Operation;
use serde_json::Value;

use crate::failure::Failure;
use crate::given::Given;
use crate::output::{Format, Output};
use crate::session::Session;
use crate::table;
use crate::words::{ago, cell, count as counted, field, moment, now, plain, text};

/// How many of a phone's last requests are shown with the phone at most.
const MAX_REQUESTS: usize = 5;

/// Puts the names of sites where lists of phones have their ids.
///
/// # Errors
/// The sites cannot be listed.
pub fn name_sites(session: &Session, items: &mut [Value]) -> Result<(), Failure> {
    for item in items {
        // A phone of any tenant brings its tenant along; only those of one tenant are asked about here.
        if !field(item, "key.state").is_string() || item.get("tenant_name").is_some() {
            continue;
        }
        if let Some(site) = item.get_mut("site")
            && let Some(id) = site.as_str()
            && let Some(name) = session.sites()?.get(id)
        {
            *site = Value::from(name.clone());
        }
    }
    Ok(())
}

/// `devices show`.
///
/// # Errors
/// The phone is not there.
pub fn show(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = given.call(session)?;
    let device = session.client.call(&call)?.json()?;
    if session.output.format != Format::People || session.output.quiet {
        return table::one(session.output, &device);
    }
    show_device(session, &device)?;
    let events = session
        .call(Operation::ListEvents, &[])?
        .asking("device", text(&device, "mac"))
        .asking("limit", MAX_REQUESTS.to_string());
    let events = session.client.call(&events)?.json()?;
    let events = events.get("items").and_then(Value::as_array);
    let events = events.map(Vec::as_slice).unwrap_or_default();
    if events.is_empty() {
        return Ok(());
    }
    let columns: table::Columns = &[
        ("AT", "at"),
        ("OUTCOME", "outcome"),
        ("REASON", "reason"),
        ("STATUS", "status"),
        ("KIND", "kind"),
        ("FORM", "form"),
        ("ADDRESS", "address"),
        ("REQUEST", "request_id"),
    ];
    let rows: Vec<Vec<String>> = events
        .iter()
        .map(|event| {
            let value = |(_, path): &(&str, &str)| cell(path, field(event, path));
            columns.iter().map(value).collect()
        })
        .collect();
    session
        .output
        .line("\nLast requests (ringfence explain REQUEST says why one ended so):")?;
    table::show(session.output, columns, &rows)
}

/// Says how a phone is.
pub fn show_device(session: &Session, device: &Value) -> Result<(), Failure> {
    if session.output.format != Format::People || session.output.quiet {
        return table::one(session.output, device);
    }
    let mut items = [device.clone()];
    name_sites(session, &mut items)?;
    let [device] = items;
    session.output.answer(&describe(&device, now()))
}

/// A phone in sentences, a line each.
pub fn describe(device: &Value, now: u64) -> String {
    let word = |path: &str| plain(text(device, path));
    let is = |path: &str| field(device, path).as_bool().unwrap_or(false);
    let at = |path: &str| field(device, path).as_u64();
    let since = |path: &str| {
        at(path).map_or_else(String::new, |at| {
            format!(" {} ({})", ago(at, now), moment(at))
        })
    };
    let mut out = format!("{} is a {}", word("mac"), word("model"));
    if !word("label").is_empty() {
        out += &format!(", \"{}\"", word("label"));
    }
    if !word("site").is_empty() {
        out += &format!(", at {}", word("site"));
    }
    out += ".\n";
    if is("disabled") {
        out += "It is out of service: it gets nothing until `devices enable`.\n";
    }
    let taken_by = match word("key.last_taken_by.address") {
        // A runtime may know no addresses.
        empty if empty.is_empty() => String::new(),
        address => format!(" by {address}"),
    };
    let generation = at("key.generation").unwrap_or(1);
    out += &match word("key.state").as_str() {
        "armed" => match at("key.armed_until") {
            Some(until) => format!("Its bootstrap waits for it until {}.\n", moment(until)),
            None => "Its bootstrap waits for it.\n".to_owned(),
        },
        "delivered" if field(device, "key.last_taken_by.address").is_null() => {
            "Its key was taken over with `devices import-key`; it has not yet come for a file that is sealed with it.\n"
                .to_owned()
        }
        "delivered" => format!(
            "Its bootstrap was taken{}{taken_by}; it has not yet come back for a file that is sealed with the key.\n",
            since("key.last_taken_by.at")
        ),
        "confirmed" => format!(
            "Its key (number {generation}) is confirmed: it came back for a sealed file{}.\n",
            since("key.confirmed_at")
        ),
        "expired" => {
            "Nobody took its bootstrap in time: `devices rekey` arms a new one.\n".to_owned()
        }
        "replaced" => "A newer key took the place of this one.\n".to_owned(),
        "" => String::new(),
        other => format!("Its key is {other}.\n"),
    };
    if is("key.from_unexpected_network") {
        out += "Its bootstrap was taken from none of the tenant's expected networks: was it the phone?\n";
    }
    if is("stale") {
        out += &format!(
            "It has version {} of its file, and lacks version {}: `devices notify` tells it.\n",
            at("fetched_version").unwrap_or(0),
            at("file_version").unwrap_or(0)
        );
    } else if at("fetched_version").is_some() {
        out += "It has the last version of its file.\n";
    }
    if !field(device, "failing").is_null() {
        out += &format!(
            "Its last request failed{}: {}.\n",
            since("failing.at"),
            word("failing.reason")
        );
    }
    if let Some(until) = at("forwarded_until") {
        out += &format!(
            "It moved away, and its phone is sent on until {}.\n",
            moment(until)
        );
    }
    match at("last_seen.at") {
        Some(_) => {
            out += &format!("It last asked{}", since("last_seen.at"));
            let address = word("last_seen.address");
            if !address.is_empty() {
                out += &format!(" from {address}");
            }
            let agent = word("last_seen.user_agent");
            if !agent.is_empty() {
                out += &format!(" as \"{agent}\"");
            }
            out += ".\n";
        }
        None => out += "It never asked for anything.\n",
    }
    out
}

/// `devices count`.
///
/// # Errors
/// The counts are not to be had.
pub fn count(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut call = session.call(Operation::CountDevices, &[])?;
    call.query = given.query(session)?;
    let counts = session.client.call(&call)?.json()?;
    if session.output.format == Format::Json {
        return table::json(session.output, &counts);
    }
    let columns: table::Columns = &[
        ("WHAT", ""),
        ("DEVICES", "devices"),
        ("NEVER SEEN", "never_seen"),
        ("SEEN IN 24 H", "seen_24h"),
        ("SILENT 7 DAYS", "silent_7d"),
        ("STALE", "stale"),
        ("FAILING", "failing"),
        ("DISABLED", "disabled"),
    ];
    let row = |what: String, counts: &Value| {
        let mut row = vec![what];
        row.extend(
            columns
                .iter()
                .skip(1)
                .map(|(_, path)| cell(path, field(counts, path))),
        );
        row
    };
    let mut rows = vec![row("all".to_owned(), field(&counts, "all"))];
    for (group, noun) in [
        ("by_state", "state"),
        ("by_vendor", "vendor"),
        ("by_family", "family"),
        ("by_model", "model"),
    ] {
        for (name, counts) in field(&counts, group).as_object().into_iter().flatten() {
            rows.push(row(format!("{noun} {}", plain(name)), counts));
        }
    }
    for site in field(&counts, "by_site").as_array().into_iter().flatten() {
        let name = match text(site, "name") {
            "" => "(none)".to_owned(),
            name => plain(name),
        };
        rows.push(row(format!("site {name}"), site));
    }
    if session.output.format == Format::Csv {
        let head = columns.iter().map(|(head, path)| match *path {
            "" => head.to_lowercase(),
            path => path.to_owned(),
        });
        let mut out = table::record(head);
        for row in rows {
            out += &table::record(row.iter().map(|text| table::harmless(text)));
        }
        return session.output.answer(&out);
    }
    table::show(session.output, columns, &rows)?;
    let counted_at = field(&counts, "counted_at").as_u64().unwrap_or_default();
    if now().saturating_sub(counted_at) > A_WHILE_MS {
        let when = ago(counted_at, now());
        session
            .output
            .remark(&format!("That was counted {when}. --again counts anew."));
    }
    Ok(())
}

/// `devices count-all` and `event-counts`: what the cron event counts.
///
/// # Errors
/// The counts are not to be had.
pub fn count_all(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let counts = session.client.call(&given.call(session)?)?.json()?;
    if session.output.format == Format::People && field(&counts, "counted_at").is_null() {
        session.output.remark(
            "They are not counted yet: the installation does that by itself, every few minutes.",
        );
        return Ok(());
    }
    table::one(session.output, &counts)
}

/// What was counted before that is no longer what is so now.
const A_WHILE_MS: u64 = 60_000;

/// `devices lint`.
///
/// # Errors
/// The phone is not there, or could not be served one of its files.
pub fn lint(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = given.call(session)?;
    let answer = session.client.call(&call)?.json()?;
    match session.output.format {
        Format::People => session.output.answer(&findings(&answer))?,
        _ => table::one(session.output, &answer)?,
    }
    let files = field(&answer, "items").as_array().into_iter().flatten();
    let broken = files
        .filter(|file| field(file, "ok").as_bool() != Some(true))
        .count();
    match broken {
        0 => Ok(()),
        broken => Err(Failure::Unfinished(format!(
            "{} cannot be served.",
            counted(broken as u64, "file")
        ))),
    }
}

/// What is wrong with a phone's files, and which of its settings reach none.
fn findings(answer: &Value) -> String {
    let mut out = String::new();
    for file in field(answer, "items").as_array().into_iter().flatten() {
        let kind = text(file, "kind");
        let is_ok = field(file, "ok").as_bool() == Some(true);
        out += &format!(
            "{kind}: {}\n",
            if is_ok {
                "fit to be served"
            } else {
                "cannot be served"
            }
        );
        if !text(file, "error").is_empty() {
            out += &format!("  {}\n", plain(text(file, "error")));
        }
        for finding in field(file, "findings").as_array().into_iter().flatten() {
            let line = format!(
                "  line {}: {}: {}. {}",
                field(finding, "line"),
                text(finding, "severity"),
                text(finding, "message").trim_end_matches('.'),
                text(finding, "help")
            );
            out += plain(line.trim_end()).as_str();
            out.push('\n');
        }
    }
    for unused in field(answer, "unused").as_array().into_iter().flatten() {
        let line = format!(
            "{} ({} layer): {}",
            text(unused, "name"),
            text(unused, "layer"),
            text(unused, "message")
        );
        out += plain(&line).as_str();
        out.push('\n');
    }
    out
}

/// `devices diff`.
///
/// # Errors
/// The phone is not there, or has no such file.
pub fn diff(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = given.call(session)?;
    let answer = session.client.call(&call)?.json()?;
    if session.output.format == Format::Json {
        return table::json(session.output, &answer);
    }
    let diff = field(&answer, "diff");
    if diff.is_null() {
        return Err(Failure::Unfinished(match text(&answer, "reason") {
            "" => "what the phone has is not known: it never took this file.".to_owned(),
            reason => format!(
                "what the phone has is not known: {}.",
                plain(reason).trim_end_matches('.')
            ),
        }));
    }
    let drawn = hunks(diff);
    if drawn.is_empty() {
        session.output.remark("Nothing differs.");
    }
    session.output.answer(&drawn)
}

/// The hunks of a difference, as `diff -u` has them.
pub fn hunks(diff: &Value) -> String {
    let mut out = String::new();
    for (at, hunk) in field(diff, "hunks")
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
    {
        if at > 0 {
            out += "…\n";
        }
        for line in field(hunk, "lines").as_array().into_iter().flatten() {
            let mark = match text(line, "kind") {
                "insert" => '+',
                "delete" => '-',
                _ => ' ',
            };
            out += &format!(
                "{mark}{}\n",
                plain(text(line, "text").trim_end_matches('\n'))
            );
        }
    }
    out
}

/// Says what a change brought about besides: settings that reach no file, or not those of some phones, and who was told
/// of it.
pub fn remark_on_change(output: Output, answer: &Value) {
    for unused in field(answer, "checked.unused")
        .as_array()
        .into_iter()
        .flatten()
    {
        output.remark(&format!(
            "{} ({} layer): {}",
            plain(text(unused, "name")),
            text(unused, "layer"),
            plain(text(unused, "message"))
        ));
    }
    for left in field(answer, "checked.left_out")
        .as_array()
        .into_iter()
        .flatten()
    {
        let devices = field(left, "devices").as_u64().unwrap_or(0);
        output.remark(&format!(
            "{}: {}",
            counted(devices, "phone"),
            plain(text(left, "message"))
        ));
    }
    let notified = field(answer, "notified");
    if notified.is_null() {
        return;
    }
    let ids = |list: &str, path: &str| {
        let items = field(notified, list).as_array().into_iter().flatten();
        let ids: Vec<String> = items.map(|item| text(item, path).to_owned()).collect();
        ids
    };
    for (noun, ids) in [
        ("job", ids("jobs", "job.id")),
        ("rollout", ids("rollouts", "id")),
    ] {
        for id in ids {
            output.remark(&format!(
                "Phones are notified: ringfence {noun}s show {id} --wait"
            ));
        }
    }
    let problem = text(notified, "problem");
    if !problem.is_empty() {
        output.remark(&format!("Phones are not notified: {}", plain(problem)));
    }
}

/// What a change would do to files.
pub fn show_trial(output: Output, trial: &Value) -> Result<(), Failure> {
    if output.format != Format::People {
        return table::one(output, trial);
    }
    output.answer(&describe_trial(trial))?;
    if field(trial, "diff").is_null() && field(trial, "changed").as_u64() > Some(0) {
        output.remark("--diff-for MAC shows the lines that would change for one of them.");
    }
    Ok(())
}

fn describe_trial(trial: &Value) -> String {
    let number = |path: &str| field(trial, path).as_u64().unwrap_or(0);
    let effects = field(trial, "effects").as_array().into_iter().flatten();
    let effects: Vec<String> = effects.map(|it| plain(text(it, "text"))).collect();
    let mut out = match (number("compared"), number("affected")) {
        (0, _) if !effects.is_empty() => "Nothing is written.\n".to_owned(),
        (0, 0) => "Nothing is written. No phone that stays would get other files.\n".to_owned(),
        (compared, affected) => format!(
            "Nothing is written. {} would be affected. Of {} compared, {} would change and {} would be broken.\n",
            counted(affected, "phone"),
            counted(compared, "file"),
            number("changed"),
            number("broken")
        ),
    };
    for effect in effects {
        out += &format!("  {effect}\n");
    }
    for file in field(trial, "files").as_array().into_iter().flatten() {
        let line = format!(
            "  {} {} {}",
            text(file, "mac"),
            text(file, "file"),
            text(file, "error")
        );
        out += plain(line.trim_end()).as_str();
        out.push('\n');
    }
    for test in field(trial, "tests").as_array().into_iter().flatten() {
        out += &format!("  test \"{}\" would fail\n", plain(text(test, "name")));
    }
    for diff in field(trial, "diff").as_array().into_iter().flatten() {
        let drawn = hunks(diff);
        if !drawn.is_empty() {
            out += &format!("\n{}:\n{drawn}", text(diff, "kind"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_772_353_800_000;

    #[test]
    fn a_phone_is_said_in_sentences() {
        let armed = json!({"mac": "0080F0C571EB", "model": "KX-UTG300B", "label": "Front desk", "site": "Quay",
            "key": {"state": "armed", "generation": 1}, "disabled": false, "stale": false});
        let confirmed = json!({"mac": "0080F0C571EC", "model": "KX-UTG300B", "label": "",
            "key": {"state": "confirmed", "generation": 2, "confirmed_at": NOW - 7_200_000, "from_unexpected_network": true},
            "stale": true, "fetched_version": 3, "file_version": 5,
            "failing": {"at": NOW - 60_000, "reason": "wrong_profile"},
            "last_seen": {"at": NOW - 60_000, "address": "192.0.2.7", "user_agent": "Panasonic \u{1b}[31m"}});
        let delivered = json!({"mac": "0080F0C571ED", "model": "KX-UTG300B", "label": "", "disabled": true,
            "key": {"state": "delivered", "generation": 1, "last_taken_by": {"at": NOW - 5_000, "address": "192.0.2.9"}}});
        let said: Vec<String> = [armed, confirmed, delivered]
            .iter()
            .map(|device| describe(device, NOW))
            .collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn what_is_wrong_with_files_is_said_with_its_line() {
        let answer = json!({"items": [
            {"kind": "standard", "ok": false, "error": null, "findings": [
                {"line": 7, "severity": "error", "message": "A value has a line break.", "help": "Take it out."}]},
            {"kind": "initial", "ok": false, "error": "initial: line 3: no such filter", "findings": []},
            {"kind": "product", "ok": true, "error": null, "findings": []}],
            "unused": [{"name": "system_X", "layer": "device", "message": "The phone has no system file."}]});
        insta::assert_snapshot!(findings(&answer), @r"
        standard: cannot be served
          line 7: error: A value has a line break. Take it out.
        initial: cannot be served
          initial: line 3: no such filter
        product: fit to be served
        system_X (device layer): The phone has no system file.
        ");
    }

    #[test]
    fn a_trial_shows_what_would_change() {
        let trial = json!({"affected": 2, "compared": 2, "changed": 1, "broken": 0, "files": [], "tests": [{"name": "the proxy"}],
            "diff": [{"kind": "standard", "changed": true, "hunks": [{"lines": [
                {"kind": "equal", "text": "<a>\n"}, {"kind": "delete", "text": "1\n"}, {"kind": "insert", "text": "2\n"}]}]}]});
        insta::assert_snapshot!(describe_trial(&trial));
    }
}
