//! `deploy`, `dev` and `destroy`: handed over to the npm package, which is what talks to Cloudflare.
//!
//! The package is looked for in the folder and those above it, where `npm install` has put it, and never fetched by its
//! name: what a registry has under that name need not be Ringfence.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::given::Given;
use crate::output::Output;

/// Where the package's command is below a folder.
const COMMAND: &str = "node_modules/ringfence/bin/ringfence.mjs";

/// `deploy`, `dev`, `destroy`.
///
/// # Errors
/// Neither the package nor Node.js is there. Otherwise the program ends as the package does.
pub fn hand_over(_: Output, given: &Given<'_>) -> Result<(), Failure> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::Usage(format!("the folder cannot be read: {error}")))?;
    let named = std::env::var_os("RINGFENCE_PACKAGE").map(PathBuf::from);
    let command = named.or_else(|| find(&here)).ok_or_else(|| {
        Failure::Usage(format!(
            "{} needs the npm package, which talks to Cloudflare: run `npm install ./ringfence-{}.tgz` in a folder for the deployment, and this command there.",
            given.verb.words,
            env!("CARGO_PKG_VERSION")
        ))
    })?;
    let mut node = Command::new("node");
    node.arg(&command)
        .arg(given.verb.words)
        .args(given.many("arguments"));
    run(node)
}

/// The package's command, of the nearest folder that has it.
fn find(folder: &Path) -> Option<PathBuf> {
    let mut above = folder.ancestors().map(|folder| folder.join(COMMAND));
    above.find(|path| path.is_file())
}

/// Becomes the other program, so that signals and the exit code are its own.
#[cfg(unix)]
fn run(mut node: Command) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;
    Err(missing(&node.exec()))
}

#[cfg(not(unix))]
fn run(mut node: Command) -> Result<(), Failure> {
    let status = node.status().map_err(|error| missing(&error))?;
    match status.success() {
        true => Ok(()),
        false => Err(Failure::Unfinished(
            "the npm package says why above.".to_owned(),
        )),
    }
}

fn missing(error: &std::io::Error) -> Failure {
    Failure::Usage(format!(
        "Node.js cannot be run ({error}): install version 22 or newer (https://nodejs.org)."
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_package_of_the_nearest_folder_counts() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        assert_eq!(find(&below), None);
        for at in [folder.path().to_owned(), folder.path().join("a")] {
            let command = at.join(COMMAND);
            std::fs::create_dir_all(command.parent().unwrap()).unwrap();
            std::fs::write(&command, "").unwrap();
            assert_eq!(find(&below), Some(command));
        }
    }
}
