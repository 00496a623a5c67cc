//! `bindgen MODULE.wasm FOLDER`: writes `index.js` and `index_bg.wasm` to the folder, which is what
//! `scripts/build.sh` makes the Worker of.
//!
//! The command `wasm-bindgen` does the same and much else (a test runner with a web server, among it), and takes
//! three times as long to compile.

use std::path::PathBuf;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(folder), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        anyhow::bail!("usage: bindgen MODULE.wasm FOLDER");
    };
    Bindgen::new()
        .input_path(&module)
        .out_name("index")
        .typescript(false)
        .demangle(false)
        // Imports the module itself, compiled: workerd compiles modules before a Worker runs, never after.
        .module(true)?
        // What `worker` needs to begin anew after an abort: see src/entry.js.
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(&folder)
        .with_context(|| format!("{} to {}", module.display(), folder.display()))?;
    let script = folder.join("index.js");
    let text = std::fs::read_to_string(&script)?;
    std::fs::write(&script, caught_in_place(&text)?)?;
    Ok(())
}

/// Where a function that WebAssembly calls begins and ends: each hands a function of its own, and its arguments as a list, to
/// `wrapError`, which runs it and turns what it throws into what a panic unwinds by.
const BEGIN: [&str; 2] = [": function() { return wrapError(function (", ": function ("];
const ARGUMENTS: [&str; 2] = [") {\n", ") { try {\n"];
const END: [&str; 2] = [
    "}, arguments); },\n",
    "} catch (error) { return wrapError(() => { throw error; }, []); } },\n",
];

/// The same with a `try` in each function, so that `wrapError` runs where something was thrown alone: a request makes hundreds
/// of these calls.
fn caught_in_place(script: &str) -> Result<String> {
    let mut pieces = script.split(BEGIN[0]);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for piece in pieces {
        let (arguments, rest) = piece.split_once(ARGUMENTS[0]).context("no arguments")?;
        let (body, rest) = rest.split_once(END[0]).context("no end")?;
        anyhow::ensure!(
            !["this.", "arguments)", "arguments["]
                .iter()
                .any(|word| body.contains(word)),
            "it looks at who called it: {body}"
        );
        out.extend([BEGIN[1], arguments, ARGUMENTS[1], body, END[1], rest]);
        count += 1;
    }
    anyhow::ensure!(
        count > 0 && !out.contains("return wrapError(function"),
        "not every function is as this expects it: does wasm-bindgen write them otherwise now?"
    );
    Ok(out)
}
