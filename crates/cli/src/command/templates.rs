//! Templates compared, and tests of files run.

use ringfence_api::operation::Operation;
use serde_json::Value;

use crate::command::fleet::hunks;
use crate::failure::Failure;
use crate::given::Given;
use crate::output::Format;
use crate::session::Session;
use crate::table;
use crate::words::{count, field, plain, text};

/// `templates diff` and `options diff`.
///
/// # Errors
/// The template or a version is not there.
pub fn diff(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let call = given.call(session)?;
    let answer = session.client.call(&call)?.json()?;
    if session.output.format == Format::Json {
        return table::json(session.output, &answer);
    }
    let drawn = hunks(&answer);
    if drawn.is_empty() {
        session.output.remark("Nothing differs.");
    }
    session.output.answer(&drawn)
}

/// `tests run`.
///
/// # Errors
/// A test fails.
pub fn run_tests(session: &Session, _: &Given<'_>) -> Result<(), Failure> {
    let call = session.call(Operation::RunFileTests, &[])?;
    let answer = session.client.call(&call)?.json()?;
    if session.output.format == Format::Json {
        table::json(session.output, &answer)?;
    } else {
        session.output.answer(&describe(&answer))?;
    }
    let failed = field(&answer, "items").as_array().into_iter().flatten();
    let failed = failed
        .filter(|test| field(test, "failed").as_u64() > Some(0))
        .count();
    match failed {
        0 => Ok(()),
        failed => Err(Failure::Unfinished(format!(
            "{} failed.",
            count(failed as u64, "test")
        ))),
    }
}

fn describe(run: &Value) -> String {
    let mut out = String::new();
    for test in field(run, "items").as_array().into_iter().flatten() {
        let number = |name: &str| field(test, name).as_u64().unwrap_or(0);
        let mark = if number("failed") == 0 { "ok " } else { "NOT" };
        out += &format!(
            "{mark} {} ({})\n",
            plain(text(test, "name")),
            count(number("files"), "file")
        );
        for failure in field(test, "failures").as_array().into_iter().flatten() {
            let found = field(failure, "found").as_array().into_iter().flatten();
            let found: Vec<String> = found.filter_map(Value::as_str).map(plain).collect();
            let found = if found.is_empty() {
                "nothing".to_owned()
            } else {
                found.join(", ")
            };
            out += &format!(
                "      {} {}: {} is {found}\n",
                text(failure, "mac"),
                text(failure, "file"),
                plain(text(failure, "parameter"))
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_that_fails_says_where() {
        let run = json!({"items": [
            {"name": "the proxy", "files": 3, "failed": 0, "failures": []},
            {"name": "the clock", "files": 3, "failed": 1, "failures": [
                {"mac": "0080F0C571EB", "file": "standard", "parameter": "NTP", "found": ["a.example"]}]}]});
        insta::assert_snapshot!(describe(&run), @"
        ok  the proxy (3 files)
        NOT the clock (3 files)
              0080F0C571EB standard: NTP is a.example
        ");
    }
}
