//! Names the static parts by what is in them: `console.css` is served as `console.<hash>.css`, for ever.
//! `scripts/build.sh` copies them under the same names.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use sha2::{Digest as _, Sha256};

/// How many hexadecimal digits of the SHA-256 of a part are in its name.
const DIGITS: usize = 16;

/// What the editor is made of; `scripts/build.sh` makes one file of it, and names it by the same hash.
const EDITOR: &[&str] = &[
    "editor/editor.js",
    "editor/template.js",
    "../../package-lock.json",
];

fn hash(bytes: &[u8]) -> io::Result<String> {
    let mut hash = String::new();
    for byte in Sha256::digest(bytes) {
        write!(hash, "{byte:02x}").map_err(io::Error::other)?;
    }
    hash.truncate(DIGITS);
    Ok(hash)
}

fn main() -> io::Result<()> {
    let folder = Path::new("assets");
    println!("cargo::rerun-if-changed=assets");
    let mut sources = Vec::new();
    for name in EDITOR {
        println!("cargo::rerun-if-changed={name}");
        sources.extend(fs::read(name)?);
    }
    let editor = hash(&sources)?;
    println!("cargo::rustc-env=CONSOLE_EDITOR=/console/assets/editor.{editor}.js");
    println!("cargo::rerun-if-changed=templates");
    for (variable, stem, extension) in [
        ("CONSOLE_CSS", "console", "css"),
        ("CONSOLE_JS", "console", "js"),
        ("CONSOLE_HTMX", "htmx.min", "js"),
        ("CONSOLE_ICON", "icon", "svg"),
    ] {
        let hash = hash(&fs::read(folder.join(format!("{stem}.{extension}")))?)?;
        println!("cargo::rustc-env={variable}=/console/assets/{stem}.{hash}.{extension}");
    }
    Ok(())
}
