//! Completions for shells, and man pages: both from the command line as it is.

use std::path::Path;

use clap_complete::Shell;

use crate::cli::command;
use crate::failure::Failure;
use crate::given::Given;
use crate::output::Output;

/// `completions`.
pub fn completions(output: Output, given: &Given<'_>) -> Result<(), Failure> {
    let shell: Shell = given.required("shell")?.parse().map_err(|_| {
        Failure::Usage(
            "this shell is not known: `ringfence help completions` names those that are."
                .to_owned(),
        )
    })?;
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command(), "ringfence", &mut text);
    output.bytes(&text)
}

/// `man`.
///
/// # Errors
/// A page cannot be written.
pub fn man(output: Output, given: &Given<'_>) -> Result<(), Failure> {
    let folder = Path::new(given.required("folder")?);
    std::fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    clap_mangen::generate_to(command(), folder).map_err(|error| Failure::file(folder, &error))?;
    output.remark(&format!("The pages are in {}.", folder.display()));
    Ok(())
}
