#!/usr/bin/env bash
# Builds the Worker to build/ (wrangler.toml calls this too). Arguments go to cargo, for example
# `--features panic-route` for the one test that needs a panic; RINGFENCE_OUT names another folder
# for the result. Does nothing when nothing has changed since the last time.
#
# A panic unwinds: it costs its own request, not the isolate and every Durable Object in it. That
# takes a standard library built for it, hence the wrappers that scripts/setup.sh made.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
out=${RINGFENCE_OUT:-build}

# wrangler dev starts a build while `make run` may be at it: one at a time.
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9

stamp() {
  { echo "$WORKER_BUILD_VERSION $WASM_BINDGEN_VERSION $*"
    find Cargo.toml Cargo.lock package-lock.json scripts/build.sh scripts/env.sh src crates -type f \
      ! -path '*/target/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -d' ' -f1
}
now=$(stamp "$@")
if [ -s "$out/index_bg.wasm" ] && [ -s "$out/index.js" ] && [ "$(cat "$out/.stamp" 2>/dev/null)" = "$now" ]; then
  echo "[build] $out is up to date"
  exit 0
fi

[ -x "$RINGFENCE_WRAPPERS/cargo" ] || scripts/setup.sh build
if [ -e "$RINGFENCE_WRAPPERS/linker" ]; then
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$(cat "$RINGFENCE_WRAPPERS/linker")
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER
fi
# Paths of the machine that built it are no part of a published module.
remap="--remap-path-prefix=$PWD= --remap-path-prefix=$("$RINGFENCE_WRAPPERS/rustc" --print sysroot)/lib/rustlib/src/rust=rust"
for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
  remap="$remap --remap-path-prefix=$registry=crates"
done
export RUSTFLAGS="-Cllvm-args=-wasm-use-legacy-eh $remap"
export PATH=$RINGFENCE_WRAPPERS:$PATH
# Its own folder: the compiler differs from the one that builds native code.
export CARGO_TARGET_DIR=${RINGFENCE_WASM_TARGET:-$PWD/target/wasm}
rm -f "$out/.stamp"
echo "[build] compiling the Worker to $out (a few minutes the first time)"
# The standard library's sorting and formatting in their short forms: 3 % of the module.
"$RINGFENCE_TOOLS/worker-build-$WORKER_BUILD_VERSION/bin/worker-build" --release --panic-unwind --out-dir "$out" . \
  -Z build-std-features=optimize_for_size "$@" 9>&-

# The names of functions are a third of the module, and Cargo's `strip` may not take them (see
# Cargo.toml): a panic says its file and line without them.
"$WASM_OPT_BIN" -Oz --all-features --strip-debug --strip-producers \
  "$out/index_bg.wasm" -o "$out/index_bg.wasm"
[ "$(stamp "$@")" != "$now" ] || echo "$now" >"$out/.stamp"
