# shellcheck shell=bash
# shellcheck disable=SC2034 # What is set here is read by those who source it.
# Sourced by the other scripts: where the tools are, and which versions of them.
RINGFENCE_TOOLS=${RINGFENCE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ringfence}
# Which Rust compiles for wasm32: written by scripts/setup.sh, sourced by what compiles.
RINGFENCE_COMPILER=$RINGFENCE_TOOLS/wasm-compiler.sh
# Where tools/bindgen is, once compiled. A tool that was changed is another tool.
bindgen() { echo "$RINGFENCE_TOOLS/bindgen-$(cat tools/bindgen/Cargo.{lock,toml} tools/bindgen/src/*.rs | sha256sum | cut -c1-12)/bin/bindgen"; }
export WASM_OPT_BIN=$PWD/node_modules/.bin/wasm-opt
export ESBUILD_BIN=$PWD/node_modules/.bin/esbuild
export WRANGLER_SEND_METRICS=false
export PATH=$PWD/node_modules/.bin:$PATH
