//! Puts into the Worker what it has with it as data: `migrations/`, a list of the files in the order of their names,
//! each as its statements (`src/db/migrations.rs`; a new file needs no code).

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

type Failure = Box<dyn std::error::Error>;

// Cargo reads what a build script prints.
#[allow(clippy::print_stdout)]
fn main() -> Result<(), Failure> {
    println!("cargo::rerun-if-changed=migrations");
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let out = Path::new(&out);
    fs::write(out.join("migrations.rs"), migrations()?)?;
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
