//! The Worker's side of the witness.

use std::cell::RefCell;

use worker::{Env, Headers, Method, Request, RequestInit};

use super::messages::{KnownStanding, WitnessCall, WitnessReply};
use super::{WitnessError, behind, is_sound};
use crate::app::App;
use crate::model::standing::Standing;
use crate::platform;
use crate::store::standing;

/// The binding of the class `Witness`.
const BINDING: &str = "WITNESS";

/// The deployment's one witness.
const NAME: &str = "deployment";

/// For how long an isolate goes on with what the witness answered, in milliseconds. A database that is put back within
/// this time after a step may be believed for the rest of the time, by isolates that have not heard of the step.
pub const KEPT_MS: u64 = 5_000;

thread_local! {
    /// What was learnt, and when.
    static KNOWN: RefCell<Option<(KnownStanding, u64)>> = const { RefCell::new(None) };
}

/// Asks the witness.
pub async fn ask(env: &Env, call: &WitnessCall) -> Result<WitnessReply, WitnessError> {
    match fetch(env, call).await {
        Ok(WitnessReply::Failed { detail }) => Err(WitnessError::Unreachable(detail)),
        Ok(reply) => Ok(reply),
        Err(error) => Err(WitnessError::Unreachable(error.to_string())),
    }
}

async fn fetch(env: &Env, call: &WitnessCall) -> worker::Result<WitnessReply> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(serde_json::to_string(call)?.into()));
    let request = Request::new_with_init("https://witness/call", &init)?;
    let object = env.durable_object(BINDING)?.get_by_name(NAME)?;
    let text = object.fetch_with_request(request).await?.text().await?;
    ringfence_json::from_str(&text).map_err(|error| worker::Error::RustError(error.to_string()))
}

fn remember(known: &KnownStanding) {
    KNOWN.set(Some((known.clone(), platform::now())));
}

/// What the witness knows, or knew a moment ago.
async fn known(app: &App) -> Result<KnownStanding, WitnessError> {
    let kept = KNOWN.with_borrow(|kept| {
        kept.as_ref()
            .filter(|(_, at)| platform::now() < at.saturating_add(KEPT_MS))
            .map(|(known, _)| known.clone())
    });
    match kept {
        Some(known) => Ok(known),
        None => look(app).await,
    }
}

async fn look(app: &App) -> Result<KnownStanding, WitnessError> {
    match ask(&app.env, &WitnessCall::Look).await? {
        WitnessReply::Known(known) => {
            remember(&known);
            Ok(known)
        }
        other => Err(unexpected(&other)),
    }
}

/// Lets a request go on that believes what it read from D1, and read at `database`.
///
/// # Errors
/// The database is behind what was witnessed, or the witness does not answer.
pub async fn vouch(app: &App, database: &Standing) -> Result<(), WitnessError> {
    let known = known(app).await?;
    hold(app, database, &known).await
}

/// The same where the database has not been read yet, and with what the witness knows at this moment.
///
/// # Errors
/// As [`vouch`].
pub async fn vouch_now(app: &App) -> Result<(), WitnessError> {
    let known = look(app).await?;
    hold(app, &standing::read(&app.db).await?, &known).await
}

async fn hold(app: &App, database: &Standing, known: &KnownStanding) -> Result<(), WitnessError> {
    if is_sound(database, known.standing.as_ref()) {
        return Ok(());
    }
    // It may have been read before the witness learnt of the step.
    let again = standing::read(&app.db).await?;
    match &known.standing {
        Some(witnessed) if !is_sound(&again, Some(witnessed)) => Err(behind(&again, witnessed)),
        _ => Ok(()),
    }
}

/// Reports to the witness what this request has written. To be called before any of it is acknowledged.
///
/// # Errors
/// The witness does not answer, or knows better: nothing of it may be acknowledged.
pub async fn report(app: &App) -> Result<(), WitnessError> {
    let steps = app.db.take_steps();
    if steps.is_empty() {
        return Ok(());
    }
    let call = |checked| WitnessCall::Report {
        steps: steps.clone(),
        checked,
    };
    let mut reply = ask(&app.env, &call(false)).await?;
    if let WitnessReply::Doubtful(known) = &reply {
        let database = standing::read(&app.db).await?;
        hold(app, &database, known).await?;
        reply = ask(&app.env, &call(true)).await?;
    }
    match reply {
        WitnessReply::Witnessed(known) => {
            remember(&known);
            Ok(())
        }
        WitnessReply::Foreign(known) | WitnessReply::Doubtful(known) => {
            remember(&known);
            let (Some(last), Some(witnessed)) = (steps.last(), &known.standing) else {
                return Err(WitnessError::Unreachable("it knows nothing".into()));
            };
            Err(behind(&last.standing, witnessed))
        }
        other => Err(unexpected(&other)),
    }
}

fn unexpected(reply: &WitnessReply) -> WitnessError {
    let text = serde_json::to_string(reply).unwrap_or_default();
    let name = text.split('"').nth(1).unwrap_or_default();
    WitnessError::Unreachable(format!("it answered `{name}`"))
}
