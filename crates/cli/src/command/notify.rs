//! `rollouts create`.

use ringfence_api::operation::Operation;
use serde_json::{Value, json};

use crate::command::{fleet, follow};
use crate::failure::Failure;
use crate::given::{Given, put, read_json};
use crate::output::Format;
use crate::session::Session;
use crate::table;
use crate::verb::Wait;
use crate::words::field;

/// `destinations show`.
pub fn destinations(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let answer = session.client.call(&given.call(session)?)?.json()?;
    if session.output.format == Format::People && field(&answer, "destinations").is_null() {
        session.output.remark(
            "Nothing is set. While no other tenant uses its pools, its NOTIFYs may go wherever the relays may send; otherwise nowhere.",
        );
        return Ok(());
    }
    table::one(session.output, &answer)
}

/// `pools of-tenant` and `sites pool`.
pub fn pool_of(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let answer = session.client.call(&given.call(session)?)?.json()?;
    if session.output.format == Format::People && field(&answer, "pool").is_null() {
        session.output.remark(match given.text("site") {
            Some(_) => "Nothing is set: the tenant's pool notifies them.",
            None => "Nothing is set: the pool `default` notifies them.",
        });
        return Ok(());
    }
    table::one(session.output, &answer)
}

/// `rollouts create`.
///
/// # Errors
/// Nothing is selected, or the rollout is refused.
pub fn create_rollout(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut body = match given.text("plan") {
        Some(path) => read_json(path)?,
        None => json!({}),
    };
    let macs = given.many("mac");
    let mut selection = json!({});
    if !macs.is_empty() {
        put(&mut selection, "macs", Value::from(macs));
    }
    if let Some(model) = given.text("model") {
        put(&mut selection, "model", Value::from(model));
    }
    if let Some(site) = given.text("site") {
        put(&mut selection, "site", Value::from(session.site(site)?));
    }
    let is_named = selection.as_object().is_some_and(|it| !it.is_empty());
    match (is_named, given.flag("all")) {
        (true, false) => put(&mut body, "selection", selection),
        (false, true) => {}
        (true, true) => {
            return Err(Failure::Usage(
                "--all is every phone: leave out --model, --site and --mac.".to_owned(),
            ));
        }
        (false, false) if body.get("selection").is_some() => {}
        (false, false) => {
            return Err(Failure::Usage(
                "name the phones: --model, --site, --mac or --all.".to_owned(),
            ));
        }
    }
    if let Some(event) = given.text("event") {
        put(&mut body, "event", Value::from(event));
    }
    if let Some(pool) = given.text("pool") {
        put(&mut body, "pool", Value::from(session.pool(pool)?));
    }
    if let Some(pace) = given.number("per_second")? {
        put(&mut body, "per_second", Value::from(pace));
    }
    for (name, field) in [("spread", "spread_s"), ("expiry", "expiry_s")] {
        if let Some(seconds) = given.seconds(name)? {
            put(&mut body, field, Value::from(seconds));
        }
    }
    let mut call = session.call(Operation::CreateRollout, &[])?.with(body);
    call.query = given.query(session)?;
    let rollout = session.client.call(&call)?.json()?;
    if given.flag("dry_run") {
        return fleet::show_trial(session.output, &rollout);
    }
    match given.flag("wait") {
        true => follow::wait(session, given, Wait::Rollout, &rollout),
        false => table::one(session.output, &rollout),
    }
}
