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
        // What `worker` needs to begin anew after an abort: see scripts/entry.mjs.
        .reset_state_function(true)
        .force_enable_abort_handler(true)
        .generate(&folder)
        .with_context(|| format!("{} to {}", module.display(), folder.display()))
}
