//! Webhooks: those of a tenant, and those of the whole installation.

use ringfence_api::operation::Operation;
use serde_json::{Value, json};

use crate::cli::show_list;
use crate::client::ApiCall;
use crate::command::fleet;
use crate::failure::Failure;
use crate::given::{Given, add, put, read_json};
use crate::output::Format;
use crate::session::Session;
use crate::table::{self, List};
use crate::verb::{Arg, Goes, Kind};
use crate::words::field;

/// Has a verb be about the webhooks of the whole installation.
pub const EVERYWHERE: Arg = Arg {
    name: "everywhere",
    help: "Those of the whole installation instead of the tenant's",
    kind: Kind::Flag,
    goes: Goes::Own,
    is_place: false,
    is_required: false,
    is_many: false,
};

/// The call of the verb's operation, of the tenant's webhooks or those of the whole installation.
fn call(session: &Session, given: &Given<'_>) -> Result<ApiCall, Failure> {
    let place = |name| (name, given.text(name).unwrap_or_default());
    let is_fit = |operation: &&Operation| {
        operation.pattern().contains("{tenant}") != given.flag("everywhere")
    };
    let operation = given.verb.calls.iter().find(is_fit).copied();
    let operation = operation.ok_or_else(|| {
        Failure::Usage(format!(
            "{} takes no --everywhere: leave it out.",
            given.verb.words
        ))
    })?;
    let mut call = session.call(operation, &[place("webhook"), place("message")])?;
    call.query = given.query(session)?;
    Ok(call)
}

/// `webhooks list`.
pub fn list(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let list = List::new(
        session.output,
        &[
            ("ID", "id"),
            ("NAME", "name"),
            ("URL", "url"),
            ("KINDS", "kinds"),
            ("DISABLED", "disabled"),
            ("GIVEN UP", "dead"),
        ],
    );
    let limit = list.limit(given.limit()?);
    let call = call(session, given)?;
    show_list(session, &call, list, limit)
}

/// `webhooks show`.
pub fn show(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = call(session, given)?;
    shown(session, given, &call)
}

fn shown(session: &Session, given: &Given<'_>, call: &ApiCall) -> Result<(), Failure> {
    let answer = session.client.call(call)?.json()?;
    if given.flag("dry_run") {
        return fleet::show_trial(session.output, &answer);
    }
    table::one(session.output, &answer)
}

/// `webhooks create`.
pub fn create(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let body = fields(given, json!({}))?;
    let call = call(session, given)?.with(body);
    shown(session, given, &call)
}

/// `webhooks change`.
pub fn change(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = call(session, given)?;
    let present = session.client.call(&call.reading()?)?;
    let view = present.json()?;
    let mut body = json!({});
    for name in ["name", "url", "kinds", "disabled", "options"] {
        put(&mut body, name, field(&view, name).clone());
    }
    let call = call.with(fields(given, body)?).if_match(present.etag);
    shown(session, given, &call)
}

fn fields(given: &Given<'_>, mut body: Value) -> Result<Value, Failure> {
    for (option, name) in [("name", "name"), ("to", "url")] {
        if let Some(text) = given.text(option) {
            put(&mut body, name, Value::from(text));
        }
    }
    let kinds = given.many("kind");
    if !kinds.is_empty() {
        put(&mut body, "kinds", Value::from(kinds));
    }
    if let Some(word) = given.text("disabled") {
        put(&mut body, "disabled", Value::Bool(word == "on"));
    }
    if let Some(path) = given.text("options") {
        add(&mut body, "options", read_json(path)?);
    }
    Ok(body)
}

/// `webhooks remove`.
pub fn remove(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = call(session, given)?;
    if given.flag("dry_run") {
        return shown(session, given, &call);
    }
    session.client.call(&call)?;
    session.output.remark("It is removed.");
    Ok(())
}

/// `webhooks test`.
pub fn test(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = call(session, given)?.with(json!({}));
    session.client.call(&call)?;
    session
        .output
        .remark("A message is on its way: `ringfence webhooks messages` says what came of it.");
    Ok(())
}

/// `webhooks rotate-secret`.
pub fn rotate_secret(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let body = match given.number("overlap_hours")? {
        Some(hours) => json!({"overlap_hours": hours}),
        None => json!({}),
    };
    let call = call(session, given)?.with(body);
    if given.flag("dry_run") {
        return shown(session, given, &call);
    }
    let answer = session.client.call(&call)?.json()?;
    match session.output.format {
        // A field of this name is otherwise one that is not shown.
        Format::People => session.output.line(crate::words::text(&answer, "secret")),
        _ => table::json(session.output, &answer),
    }
}

/// `webhooks messages`.
///
/// # Errors
/// The webhook is not there.
pub fn messages(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let list = List::new(
        session.output,
        &[
            ("ID", "id"),
            ("KIND", "kind"),
            ("STATE", "state"),
            ("TRIES", "tries"),
            ("STATUS", "status"),
            ("ERROR", "error"),
            ("CREATED", "created_at"),
            ("NEXT", "next_at"),
        ],
    );
    let limit = list.limit(given.limit()?);
    let mut call = call(session, given)?;
    if let Some(state) = given.text("state") {
        call = call.asking("state", state);
    }
    show_list(session, &call, list, limit)
}

/// `webhooks resend`.
///
/// # Errors
/// The webhook or the message is not there.
pub fn resend(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = call(session, given)?.with(json!({}));
    session.client.call(&call)?;
    session.output.remark("It is sent once more.");
    Ok(())
}
