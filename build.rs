//! Puts into the Worker what it has with it as data: `migrations/`, a list of the files in the order of their names,
//! each as its statements (`src/db/migrations.rs`; a new file needs no code); and the description of the API without
//! the blanks that make it readable, which are two fifths of it.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

type Failure = Box<dyn std::error::Error>;

const DOCUMENT: &str = "crates/api/openapi.json";

// Cargo reads what a build script prints.
#[allow(clippy::print_stdout)]
fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let out = Path::new(&out);
    fs::write(out.join("migrations.rs"), migrations()?)?;
    fs::write(
        out.join("openapi.json"),
        dense(&fs::read_to_string(DOCUMENT)?),
    )?;
    Ok(())
}

fn migrations() -> Result<String, Failure> {
    let mut files = Vec::new();
    for entry in fs::read_dir("migrations")? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "sql") {
            files.push(path);
        }
    }
    files.sort();
    let mut list = String::from("pub const MIGRATIONS: &[Migration] = &[\n");
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| format!("{} has no name in UTF-8", path.display()))?;
        let script = fs::read_to_string(&path)?;
        let statements = ringfence_sql::statements(&script);
        if statements.is_empty() {
            return Err(format!("{} has no statement", path.display()).into());
        }
        writeln!(
            list,
            "Migration {{ name: {name:?}, statements: &{statements:?} }},"
        )?;
    }
    list.push_str("];\n");
    Ok(list)
}

/// JSON without blanks between its parts.
fn dense(json: &str) -> String {
    let (mut in_text, mut is_escaped) = (false, false);
    let stays = |letter: &char| {
        let stays = in_text || !letter.is_ascii_whitespace();
        match letter {
            '"' if !is_escaped => in_text = !in_text,
            _ => {}
        }
        is_escaped = *letter == '\\' && !is_escaped;
        stays
    };
    json.chars().filter(stays).collect()
}
