# shellcheck shell=bash
# shellcheck disable=SC2034 # What is set here is read by those who source it.
# Sourced by the other scripts: where the tools are, and which versions of them.
RINGFENCE_TOOLS=${RINGFENCE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ringfence}
RINGFENCE_WRAPPERS=$RINGFENCE_TOOLS/wrappers
# The wasm-bindgen command and library must be the very same version: Cargo.toml pins the library.
WASM_BINDGEN_VERSION=0.2.129
WORKER_BUILD_VERSION=0.8.7

export WASM_BINDGEN_BIN=$RINGFENCE_TOOLS/wasm-bindgen-$WASM_BINDGEN_VERSION/bin/wasm-bindgen
export WASM_OPT_BIN=$PWD/node_modules/.bin/wasm-opt
export ESBUILD_BIN=$PWD/node_modules/.bin/esbuild
export WRANGLER_SEND_METRICS=false
export PATH=$PWD/node_modules/.bin:$PATH
