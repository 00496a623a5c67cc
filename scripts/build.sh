#!/usr/bin/env bash
# Builds the Worker to build/ (wrangler.toml calls this too). Arguments go to cargo, for example
# `--features panic-route` for the one test that needs a panic.
#
# A panic unwinds: it costs its own request, not the isolate and every Durable Object in it. That
# takes a standard library built for it, hence the wrappers that scripts/setup.sh made.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
[ -x "$RINGFENCE_WRAPPERS/cargo" ] || scripts/setup.sh build
if [ -e "$RINGFENCE_WRAPPERS/linker" ]; then
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(cat "$RINGFENCE_WRAPPERS/linker")
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER
fi
export RUSTFLAGS="-Cllvm-args=-wasm-use-legacy-eh"
export PATH=$RINGFENCE_WRAPPERS:$PATH
# Its own folder: the compiler differs from the one that builds native code.
export CARGO_TARGET_DIR=${RINGFENCE_WASM_TARGET:-$PWD/target/wasm}
"$RINGFENCE_TOOLS/worker-build-$WORKER_BUILD_VERSION/bin/worker-build" --release --panic-unwind "$@"

# The names of functions are a third of the module, and Cargo's `strip` may not take them (see
# Cargo.toml): a panic says its file and line without them.
"$WASM_OPT_BIN" -Oz --all-features --strip-debug --strip-producers \
  build/index_bg.wasm -o build/index_bg.wasm
