//! `lint`: a file as a phone would read it, without an installation.

use ringfence_provision::family::Family;
use ringfence_provision::format::{Severity, lint as check};
use ringfence_provision::kind::FileKind;
use serde_json::json;

use crate::failure::Failure;
use crate::given::{Given, read_bytes};
use crate::output::{Format, Output};
use crate::table;
use crate::words::{count, plain};

/// The longest file that is checked, in bytes: no family takes one that long.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// `lint`.
///
/// # Errors
/// The file cannot be read, its family is not known, or it has findings that are errors.
pub fn lint(output: Output, given: &Given<'_>) -> Result<(), Failure> {
    let path = given.required("file")?;
    let family = family(given)?;
    let kind = given.text("kind").unwrap_or("standard");
    let kind = FileKind::parse(kind)
        .ok_or_else(|| Failure::Usage(format!("{kind} is no kind of file.")))?;
    if !family.kinds().contains(&kind) {
        let kinds: Vec<&str> = family.kinds().iter().map(|kind| kind.as_str()).collect();
        return Err(Failure::Usage(format!(
            "phones of the family {} have no {} file: --kind is one of {}.",
            family.as_str(),
            kind.as_str(),
            kinds.join(", ")
        )));
    }
    let bytes = read_bytes(path, MAX_FILE)?;
    let findings = check(family, kind, &bytes);
    let rows: Vec<_> = findings
        .iter()
        .map(|finding| {
            let is_error = finding.severity == Severity::Error;
            json!({"line": finding.line, "column": finding.column, "severity": if is_error { "error" } else { "warning" },
                "code": finding.code, "message": finding.message, "help": finding.help})
        })
        .collect();
    match output.format {
        Format::People => {
            for row in &rows {
                output.line(&plain(&format!(
                    "{path}:{}:{}: {}: {}. {}",
                    row["line"],
                    row["column"],
                    row["severity"].as_str().unwrap_or_default(),
                    row["message"].as_str().unwrap_or_default(),
                    row["help"].as_str().unwrap_or_default()
                )))?;
            }
        }
        _ => {
            let mut list = table::List::new(
                output,
                &[
                    ("LINE", "line"),
                    ("COLUMN", "column"),
                    ("SEVERITY", "severity"),
                    ("CODE", "code"),
                    ("MESSAGE", "message"),
                    ("HELP", "help"),
                ],
            );
            list.page(&rows)?;
            list.end(false)?;
        }
    }
    let errors = findings
        .iter()
        .filter(|it| it.severity == Severity::Error)
        .count();
    match errors {
        0 => {
            output.remark(&format!("{path}: a {} phone reads it.", family.as_str()));
            Ok(())
        }
        errors => Err(Failure::Unfinished(format!(
            "{path} has {}.",
            count(errors as u64, "error")
        ))),
    }
}

/// The family that is named: by itself, or by a model.
fn family(given: &Given<'_>) -> Result<Family, Failure> {
    let Some(word) = given.text("family") else {
        return Err(Failure::Usage(
            "whose file is it? Name the family or the model of the phone: --family utg, --family KX-UTG300B."
                .to_owned(),
        ));
    };
    Family::parse(word)
        .or_else(|| Family::guess(word))
        .ok_or_else(|| {
            let known: Vec<&str> = Family::ALL.iter().map(|family| family.as_str()).collect();
            Failure::Usage(format!(
                "{word} is no family and no model that is known. Families are {}.",
                known.join(", ")
            ))
        })
}
