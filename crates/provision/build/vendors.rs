//! Vendors whose folders are somewhere else: each folder in one that `RINGFENCE_VENDORS` names becomes a module, as
//! if it stood in `src/vendor`.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use super::Failure;

/// Writes the modules and the lists of their families, profiles and User-Agents.
pub(crate) fn source() -> Result<String, Failure> {
    let mut names = Vec::new();
    let mut modules = String::new();
    for parent in env::split_paths(&env::var_os("RINGFENCE_VENDORS").unwrap_or_default()) {
        if parent.as_os_str().is_empty() {
            continue;
        }
        let parent = fs::canonicalize(&parent).map_err(|error| {
            format!(
                "RINGFENCE_VENDORS names {}: {error}; give it from the root on",
                parent.display()
            )
        })?;
        for folder in folders(&parent)? {
            let file = parent.join(&folder).join("mod.rs");
            // A module says what it is by itself.
            writeln!(
                modules,
                "#[allow(missing_docs)] #[path = {file:?}] pub mod {folder};"
            )?;
            names.push(folder);
        }
    }
    let list = |what: &str| {
        let each = names.iter().map(|name| format!("&{name}::{what}"));
        each.collect::<Vec<_>>().join(", ")
    };
    let (families, profiles) = (list("FAMILIES"), list("PROFILES"));
    writeln!(
        modules,
        "const OTHER_FAMILIES: &[&[Family]] = &[{families}];"
    )?;
    let agents = names.iter().map(|name| format!("&[{name}::USER_AGENTS]"));
    let agents = agents.collect::<Vec<_>>().join(", ");
    writeln!(
        modules,
        "const OTHER_USER_AGENTS: &[&[UserAgents]] = &[{agents}];"
    )?;
    writeln!(
        modules,
        "const OTHER_PROFILES: &[&[ProfileSpec]] = &[{profiles}];"
    )?;
    Ok(modules)
}

/// The folders that are vendors, by name.
#[allow(clippy::print_stdout)]
fn folders(parent: &Path) -> Result<Vec<String>, Failure> {
    println!("cargo::rerun-if-changed={}", parent.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.path().join("mod.rs").is_file() {
            let name = entry.file_name().into_string();
            found.push(name.map_err(|name| format!("{name:?} is no name of a module"))?);
        }
    }
    found.sort();
    Ok(found)
}
