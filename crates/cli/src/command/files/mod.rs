//! A tenant as files: `pull` writes them, `plan` says what differs, `apply` makes the installation as they say.
//!
//! | file | what |
//! |---|---|
//! | `tenant.toml` | the tenant's options and the settings of its layer |
//! | `sites.toml`, `models.toml` | sites and models with the settings of their layers |
//! | `devices.toml` | phones by their MACs |
//! | `templates/<kind>/<family>.j2`, `templates/<kind>/<family>/<model>.j2` | templates as they are |
//!
//! What a file does not have is not managed: without `devices.toml` the phones are left alone. A secret stands there by
//! where it is (`{ secret = "env:NAME" }`), or as `{ secret = "kept" }`: whatever the installation has.

mod apply;
mod compare;
mod fleet;
mod folder;
mod installed;

use std::path::Path;

use serde_json::json;

use crate::failure::Failure;
use crate::given::Given;
use crate::output::{Format, confirm};
use crate::session::Session;
use crate::table;
use crate::words::count;
use compare::{Difference, FileChange};

/// `pull`.
///
/// # Errors
/// The tenant is not to be had, or the folder has files of another one and `--overwrite` is not there.
pub fn pull(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let folder = Path::new(given.required("folder")?);
    let fleet = installed::read(session)?;
    let written = folder::write(folder, &fleet, given.flag("overwrite"))?;
    session.output.remark(&format!(
        "{} written: {}, {}, {}, {}. Secrets stand there as {{ secret = \"kept\" }}: name where they are, or leave that.",
        count(written as u64, "file"),
        count(fleet.sites.iter().flatten().count() as u64, "site"),
        count(fleet.models.iter().flatten().count() as u64, "model"),
        count(fleet.templates.iter().flatten().count() as u64, "template"),
        count(fleet.devices.iter().flatten().count() as u64, "phone"),
    ));
    Ok(())
}

/// `plan`.
///
/// # Errors
/// Something differs: the exit code says so.
pub fn plan(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let difference = difference(session, given)?;
    show(session, given, &difference)?;
    match difference.is_none(given.flag("delete")) {
        true => Ok(()),
        false => Err(Failure::Unfinished(
            "The installation is not as the files say: `ringfence apply` makes it so.".to_owned(),
        )),
    }
}

/// `apply`.
///
/// # Errors
/// A change is refused; the others are made.
pub fn apply(session: &Session, given: &Given<'_>) -> Result<(), Failure> {
    let difference = difference(session, given)?;
    let deletes = given.flag("delete");
    if difference.is_none(deletes) {
        if session.output.format == Format::Json {
            show(session, given, &difference)?;
        }
        session
            .output
            .remark("The installation is as the files say: nothing is changed.");
        return Ok(());
    }
    show(session, given, &difference)?;
    if given.flag("dry_run") {
        return Err(Failure::Unfinished("Nothing is changed.".to_owned()));
    }
    // What is only added is taken away again as easily.
    if difference.loses(deletes) && !given.flag("yes") {
        confirm(
            "What is overwritten or deleted here, beyond the history of settings and templates, cannot be undone.",
        )?;
    }
    apply::apply(session, difference, deletes, given.text("comment"))
}

fn difference(session: &Session, given: &Given<'_>) -> Result<Difference, Failure> {
    let wanted = folder::read(Path::new(given.required("folder")?))?;
    let present = installed::read(session)?;
    compare::compare(session, wanted, present)
}

fn show(session: &Session, given: &Given<'_>, difference: &Difference) -> Result<(), Failure> {
    let deletes = given.flag("delete");
    if session.output.format != Format::People {
        let changes: Vec<_> = difference.changes.iter().map(FileChange::json).collect();
        let others: Vec<&str> = difference
            .others
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        return table::json(
            session.output,
            &json!({"changes": changes, "not_in_files": others, "deletes": deletes}),
        );
    }
    session.output.answer(&difference.describe(deletes))
}
