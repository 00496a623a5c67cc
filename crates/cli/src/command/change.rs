//! Phones added and changed, one or many.

use ringfence_api::devices::batch::{BatchDevice, BatchInput};
use ringfence_api::operation::Operation;
use serde_json::{Map, Value, json};

use crate::client::ApiCall;
use crate::command::settings::{assigned, kept};
use crate::command::{fleet, follow};
use crate::failure::{Failure, Problem};
use crate::given::{Given, put};
use crate::output::{Format, can_ask, confirm};
use crate::session::Session;
use crate::table;
use crate::verb::Wait;
use crate::words::{count, field, plain, text};

/// `devices add`.
///
/// # Errors
/// The phone is there already, or is refused.
pub fn add(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut body = json!({"mac": given.required("mac")?});
    for name in ["model", "label"] {
        if let Some(text) = given.text(name) {
            put(&mut body, name, Value::from(text));
        }
    }
    if let Some(site) = given.text("site").filter(|site| !site.is_empty()) {
        put(&mut body, "site", Value::from(session.site(site)?));
    }
    let settings = assigned(given)?;
    if !settings.is_empty() {
        put(&mut body, "settings", Value::Object(settings));
    }
    let mut call = session.call(Operation::CreateDevice, &[])?.with(body);
    call.query = given.query(session)?;
    done(session, given, &call)
}

/// `devices change`.
///
/// # Errors
/// The phone is not there, or the change is refused.
pub fn change(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mac = given.required("mac")?;
    let place = [("mac", mac)];
    let read = session.call(Operation::GetDevice, &place)?;
    let present = session.client.call(&read)?;
    let settings = assigned(given)?;
    let names = ["model", "label", "site"];
    let is_named = names.iter().any(|name| given.text(name).is_some());
    if settings.is_empty() && !is_named {
        return Err(Failure::Usage(
            "name what is to change: --model, --label, --site, --set or --secret.".to_owned(),
        ));
    }
    let site = match given.text("site") {
        None | Some("") => None,
        Some(site) => Some(session.site(site)?),
    };
    // A row of a batch says no more than that it would be changed: a trial is that of the whole phone.
    if settings.is_empty() || given.flag("dry_run") {
        let device = present.json()?;
        let mut body = json!({});
        if !settings.is_empty() {
            let read = session.call(Operation::GetDeviceSettings, &place)?;
            let present = session.client.call(&read)?.json()?;
            let mut whole = kept(field(&present, "settings"));
            whole.extend(settings);
            put(&mut body, "settings", Value::Object(whole));
        }
        for name in names {
            put(&mut body, name, field(&device, name).clone());
        }
        for name in ["model", "label"] {
            if let Some(text) = given.text(name) {
                put(&mut body, name, Value::from(text));
            }
        }
        if given.text("site").is_some() {
            put(&mut body, "site", site.map_or(Value::Null, Value::from));
        }
        let mut call = session
            .call(Operation::PutDevice, &place)?
            .with(body)
            .if_match(present.etag);
        call.query = given.query(session)?;
        return done(session, given, &call);
    }
    if given.text("site") == Some("") {
        return Err(Failure::Usage(
            "a phone leaves its site by a command of its own: give --site '' without --set and --secret."
                .to_owned(),
        ));
    }
    let device = BatchDevice {
        mac: mac.to_owned(),
        model: given.text("model").map(str::to_owned),
        label: given.text("label").map(str::to_owned),
        site,
        set: Some(settings.into_iter().collect()),
        ..BatchDevice::default()
    };
    let mut call = session
        .call(Operation::PutDevices, &[])?
        .sending(&BatchInput {
            devices: vec![device],
        })?
        .repeatable();
    call.query = given.query(session)?;
    let answer = session.client.call(&call)?.json()?;
    let item = field(&answer, "items").get(0).unwrap_or(&Value::Null);
    if text(item, "outcome") == "refused" {
        return Err(refused(item));
    }
    fleet::remark_on_change(session.output, &answer);
    let device = session.client.call(&read)?.json()?;
    fleet::show_device(session, &device)
}

/// A row of a batch that was refused, as the call for it alone would have been.
fn refused(item: &Value) -> Failure {
    Failure::Refused(Box::new(Problem::of_row(item)))
}

fn done(session: &Session, given: &Given<'_>, call: &ApiCall) -> Result<(), Failure> {
    let mut call = call.clone();
    if given.flag("dry_run") {
        call = call.asking("device", given.required("mac")?);
    }
    let answer = session.client.call(&call)?.json()?;
    match given.flag("dry_run") {
        true => fleet::show_trial(session.output, &answer),
        false => {
            fleet::remark_on_change(session.output, &answer);
            fleet::show_device(session, &answer)
        }
    }
}

/// `operations create`.
///
/// # Errors
/// Nothing is selected, or the operation is refused.
pub fn operate(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let body = json!({
        "action": action(session, given)?,
        "selection": selection(session, given)?,
        "if_unchanged": given.flag("if_unchanged"),
    });
    let mut call = session.call(Operation::CreateOperation, &[])?.with(body);
    match given.flag("dry_run") {
        true => call = call.asking("dry_run", "true"),
        false => asked(session, given, &call)?,
    }
    let answer = session.client.call(&call)?.json()?;
    if session.output.format != Format::People {
        if given.flag("wait") && !field(&answer, "operation").is_null() {
            return follow::wait(session, given, Wait::Operation, &answer);
        }
        return table::one(session.output, &answer);
    }
    let devices = field(&answer, "devices").as_u64().unwrap_or(0);
    session.output.remark(&format!(
        "{}: {}",
        count(devices, "phone"),
        plain(text(&answer, "message"))
    ));
    let sample = field(&answer, "sample");
    if !sample.is_null() {
        let number = |member: &str| field(sample, member).as_u64().unwrap_or(0);
        session.output.remark(&format!(
            "Tried with the first {}: {} would get other files, {} would be refused.",
            count(number("devices"), "phone"),
            number("changed"),
            number("refused"),
        ));
        if !text(sample, "cause").is_empty() {
            session.output.remark(&format!(
                "The first refusal: {}",
                plain(text(sample, "cause"))
            ));
        }
    }
    let missing = field(&answer, "missing").as_array().map_or(0, Vec::len);
    if missing > 0 {
        session.output.remark(&format!(
            "{missing} of the named MACs are no phones of the tenant, and are passed over."
        ));
    }
    let operation = field(&answer, "operation");
    match (operation.is_null(), given.flag("wait")) {
        (true, _) => Ok(()),
        (false, true) => follow::wait(session, given, Wait::Operation, operation),
        (false, false) => session.output.line(text(operation, "id")),
    }
}

/// Asks before many phones lose something, and says how many they are.
fn asked(session: &Session, given: &Given<'_>, call: &ApiCall) -> Result<(), Failure> {
    let Some(lost) = lost(given.required("action")?).filter(|_| !given.flag("yes")) else {
        return Ok(());
    };
    let mut whose = "the phones".to_owned();
    if can_ask() {
        let trial = call.clone().asking("dry_run", "true").repeatable();
        let trial = session.client.call(&trial)?.json()?;
        whose = count(field(&trial, "devices").as_u64().unwrap_or(0), "phone");
    }
    confirm(&format!("This is about {whose}. {lost}"))
}

/// What a phone loses by an action.
fn lost(action: &str) -> Option<&'static str> {
    match action {
        "delete" => Some("Each is removed with its key and its settings, which cannot be undone."),
        "rekey" => Some("Each gets a new key, and nothing else until it took the new bootstrap."),
        "disable" => Some("Each gets nothing any more until it is enabled."),
        _ => None,
    }
}

fn action(session: &Session, given: &Given<'_>) -> Result<Value, Failure> {
    let needs = |what: &str| {
        Failure::Usage(format!(
            "{} needs {what}.",
            given.text("action").unwrap_or_default()
        ))
    };
    Ok(match given.required("action")? {
        "notify" => {
            let mut body = json!({"restart": given.flag("restart")});
            if let Some(event) = given.text("event") {
                put(&mut body, "event", Value::from(event));
            }
            json!({"notify": body})
        }
        "set" => {
            let settings = assigned(given)?;
            if settings.is_empty() {
                return Err(needs("--set NAME=VALUE or --secret NAME=env:VARIABLE"));
            }
            json!({"set": {"settings": settings}})
        }
        "unset" => {
            let names = given.many("unset");
            if names.is_empty() {
                return Err(needs("--unset NAME"));
            }
            json!({"unset": {"names": names}})
        }
        "change" => {
            let mut change = Map::new();
            if let Some(model) = given.text("to_model") {
                change.insert("model".to_owned(), Value::from(model));
            }
            if let Some(site) = given.text("to_site") {
                change.insert("site".to_owned(), Value::from(session.site(site)?));
            }
            if change.is_empty() {
                return Err(needs("--to-model or --to-site"));
            }
            json!({"change": change})
        }
        "move" => {
            let tenant = given
                .text("to_tenant")
                .ok_or_else(|| needs("--to-tenant"))?;
            json!({"move": {"tenant": session.find_tenant(Some(tenant))?}})
        }
        word => Value::from(word),
    })
}

/// The phones that an operation is about: those named, or those of the filter.
fn selection(session: &Session, given: &Given<'_>) -> Result<Value, Failure> {
    let macs = given.many("mac");
    let query = given.query(session)?;
    match (macs.is_empty(), query.is_empty(), given.flag("all")) {
        (false, true, false) => Ok(json!({"macs": macs})),
        (true, true, true) => Ok(json!({"query": ""})),
        (true, false, false) => {
            let mut text = form_urlencoded::Serializer::new(String::new());
            text.extend_pairs(query.iter().filter(|(name, _)| name != "sort"));
            Ok(json!({"query": text.finish()}))
        }
        (true, true, false) => Err(Failure::Usage(
            "name the phones: --mac, a filter such as --model, or --all.".to_owned(),
        )),
        _ => Err(Failure::Usage(
            "name the phones one way: --mac, a filter, or --all.".to_owned(),
        )),
    }
}
