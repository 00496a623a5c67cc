//! What a tenant has, changed in part.

use ringfence_api::operation::Operation;
use serde_json::{Value, json};

use crate::command::fleet;
use crate::failure::Failure;
use crate::given::{Given, put};
use crate::session::Session;
use crate::table;
use crate::words::field;

/// `models put`. What is not named stays, but for the sealing profile of a model that changes its family: that is
/// the new family's own.
///
/// # Errors
/// The change is refused.
pub fn put_model(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let place = [("model", given.required("model")?)];
    let mut call = session.call(Operation::PutModel, &place)?;
    let mut body = json!({});
    match session.client.call(&call.reading()?) {
        Ok(present) => {
            let model = present.json()?;
            put(&mut body, "family", field(&model, "family").clone());
            if given.text("family").is_none() {
                put(&mut body, "profile", field(&model, "profile").clone());
            }
            call = call.if_match(present.etag);
        }
        Err(Failure::Refused(problem)) if problem.status == 404 => {}
        Err(failure) => return Err(failure),
    }
    if let Some(family) = given.text("family") {
        put(&mut body, "family", Value::from(family));
    }
    if let Some(profile) = given.text("sealing") {
        let profile = Some(profile).filter(|profile| !profile.is_empty());
        put(&mut body, "profile", Value::from(profile));
    }
    call.query = given.query(session)?;
    if let Some(mac) = given.text("diff_for").filter(|_| given.flag("dry_run")) {
        call = call.asking("device", mac);
    }
    let answer = session.client.call(&call.with(body))?.json()?;
    if given.flag("dry_run") {
        return fleet::show_trial(session.output, &answer);
    }
    table::one(session.output, &answer)
}
