//! Settings of a layer: shown, changed, compared.

use ringfence_import::is_secret_name;
use serde_json::{Map, Value, json};

use crate::cli::show_list;
use crate::client::ApiCall;
use crate::command::fleet;
use crate::failure::Failure;
use crate::given::{Given, pair};
use crate::output::Format;
use crate::secret;
use crate::session::Session;
use crate::table::{self, List};
use crate::words::{cell, field, plain};

/// The call of that of the verb's operations which is about the layer that is named.
///
/// # Errors
/// The site is not there, or several layers are named.
fn call(session: &Session, given: &Given<'_>) -> Result<ApiCall, Failure> {
    let named = ["site", "model", "device"].map(|name| given.text(name));
    let place = match named {
        [None, None, None] => return session.call(given.operation(&[])?, &[]),
        [Some(site), None, None] => ("site", session.site(site)?),
        [None, Some(model), None] => ("model", model.to_owned()),
        [None, None, Some(mac)] => ("mac", mac.to_owned()),
        _ => {
            return Err(Failure::Usage(
                "a layer is that of a site, of a model or of a device: name one of them."
                    .to_owned(),
            ));
        }
    };
    session.call(given.operation(&[place.0])?, &[(place.0, &place.1)])
}

/// Settings that the command line gives: `--set`, or what stands behind the verb, and `--secret`.
///
/// # Errors
/// One is not written as NAME=VALUE, a secret stands in clear, or its reference leads to nothing.
pub fn assigned(given: &Given<'_>) -> Result<Map<String, Value>, Failure> {
    let mut settings = Map::new();
    for text in given.many("set") {
        let (name, value) = pair(text)?;
        if is_secret_name(name) {
            return Err(Failure::Usage(format!(
                "{name} is a secret, and what stands on the command line is seen by everybody on the machine: --secret {name}=env:VARIABLE, file:PATH, command:LINE or -."
            )));
        }
        settings.insert(name.to_owned(), Value::from(value));
    }
    for text in given.many("secret") {
        let (name, reference) = pair(text)?;
        let value = secret::read(reference)?;
        settings.insert(name.to_owned(), json!({"secret": value.expose()}));
    }
    Ok(settings)
}

/// `settings show`.
///
/// # Errors
/// The layer is not there.
pub fn show(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut call = call(session, given)?;
    if given.flag("reveal") {
        call = call.asking("reveal", "true");
    }
    let answer = session.client.call(&call)?.json()?;
    if session.output.format == Format::Json {
        return table::json(session.output, &answer);
    }
    let settings = field(&answer, "settings");
    let rows: Vec<Vec<String>> = settings
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| vec![plain(name), shown(value)])
        .collect();
    let columns: table::Columns = &[("SETTING", "name"), ("VALUE", "value")];
    if session.output.format == Format::Csv {
        let mut out = table::record(columns.iter().map(|(_, path)| (*path).to_owned()));
        for row in &rows {
            out += &table::record(row.iter().map(|text| table::harmless(text)));
        }
        return session.output.answer(&out);
    }
    if rows.is_empty() {
        session.output.remark("The layer has no settings.");
        return Ok(());
    }
    if session.output.quiet {
        let names = rows.iter().filter_map(|row| row.first());
        return session
            .output
            .answer(&names.map(|name| format!("{name}\n")).collect::<String>());
    }
    table::show(session.output, columns, &rows)
}

fn shown(value: &Value) -> String {
    match field(value, "secret") {
        Value::String(revealed) => plain(revealed),
        _ => cell("", value),
    }
}

/// `settings set`.
///
/// # Errors
/// The layer is not there, or the change is refused.
pub fn set(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let fresh = assigned(given)?;
    if fresh.is_empty() {
        return Err(Failure::Usage(
            "name what is to be set: NAME=VALUE, or --secret NAME=env:VARIABLE.".to_owned(),
        ));
    }
    change(session, given, |settings| {
        for (name, value) in fresh {
            settings.insert(name, value);
        }
        Ok(())
    })
}

/// `settings unset`.
///
/// # Errors
/// The layer or a setting is not there, or the change is refused.
pub fn unset(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    change(session, given, |settings| {
        for name in given.many("name") {
            if settings.remove(name).is_none() {
                return Err(Failure::Usage(format!(
                    "the layer has no setting {name}: `ringfence settings show` lists what it has."
                )));
            }
        }
        Ok(())
    })
}

/// Reads a layer, changes it, and writes it for the revision that was read.
fn change(
    session: &Session,
    given: &Given<'_>,
    edit: impl FnOnce(&mut Map<String, Value>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let call = call(session, given)?;
    let present = session.client.call(&call.reading()?)?;
    let mut settings = kept(field(&present.json()?, "settings"));
    edit(&mut settings)?;
    let mut call = call
        .with(json!({"settings": settings}))
        .if_match(present.etag);
    call.query = given.query(session)?;
    if given.flag("dry_run")
        && let Some(mac) = given.text("diff_for").or_else(|| given.text("device"))
    {
        call = call.asking("device", mac);
    }
    if given.flag("notify") {
        call = call.asking("notify", "true");
    }
    let answer = session.client.call(&call)?.json()?;
    if given.flag("dry_run") {
        return fleet::show_trial(session.output, &answer);
    }
    match session.output.format {
        Format::People => {
            session.output.remark("The settings are written.");
            fleet::remark_on_change(session.output, &answer);
            Ok(())
        }
        _ => table::one(session.output, &answer),
    }
}

/// The settings of a layer as they are written back: a secret that is not shown is kept.
pub fn kept(settings: &Value) -> Map<String, Value> {
    let settings = settings.as_object().into_iter().flatten();
    settings
        .map(|(name, value)| match value {
            Value::Object(_) => (name.clone(), json!({"keep": true})),
            value => (name.clone(), value.clone()),
        })
        .collect()
}

/// `settings history`.
///
/// # Errors
/// The layer is not there.
pub fn history(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let list = List::new(
        session.output,
        &[
            ("VERSION", "version"),
            ("AT", "at"),
            ("CURRENT", "current"),
            ("BYTES", "bytes"),
            ("TOKEN", "token"),
            ("COMMENT", "comment"),
        ],
    );
    let limit = list.limit(given.limit()?);
    let call = call(session, given)?;
    show_list(session, &call, list, limit)
}

/// `settings diff`.
///
/// # Errors
/// The layer or a version is not there.
pub fn diff(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut call = call(session, given)?;
    for name in ["from", "to"] {
        if let Some(number) = given.number(name)? {
            call = call.asking(name, number.to_string());
        }
    }
    let answer = session.client.call(&call)?.json()?;
    if session.output.format == Format::Json {
        return table::json(session.output, &answer);
    }
    let mut out = String::new();
    for setting in field(&answer, "settings").as_array().into_iter().flatten() {
        let name = plain(crate::words::text(setting, "name"));
        for (side, mark) in [("from", '-'), ("to", '+')] {
            let value = field(setting, side);
            if !value.is_null() {
                out += &format!("{mark}{name} = {}\n", shown(value));
            }
        }
    }
    if out.is_empty() {
        session.output.remark("Nothing differs.");
    }
    session.output.answer(&out)
}

/// `settings rollback`.
///
/// # Errors
/// The layer or the version is not there, or the change is refused.
pub fn roll_back(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let mut call = call(session, given)?.with(json!({"version": given.number("version")?}));
    call.query = given.query(session)?;
    if given.flag("dry_run")
        && let Some(mac) = given.text("diff_for").or_else(|| given.text("device"))
    {
        call = call.asking("device", mac);
    }
    let answer = session.client.call(&call)?.json()?;
    if given.flag("dry_run") {
        return fleet::show_trial(session.output, &answer);
    }
    match session.output.format {
        Format::People => {
            session.output.remark("The settings are what they were.");
            Ok(())
        }
        _ => table::one(session.output, &answer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_not_shown_is_kept() {
        let read = json!({"line_1_user": "201", "line_1_password": {"secret": null}});
        assert_eq!(
            Value::Object(kept(&read)),
            json!({"line_1_user": "201", "line_1_password": {"keep": true}})
        );
    }
}
