#!/usr/bin/env bash
# Builds the Worker to build/ (wrangler.toml calls this too). Arguments go to cargo, for example
# `--features panic-route` for the one test that needs a panic; RINGFENCE_OUT names another folder
# for the result. Does nothing when nothing has changed since the last time.
#
# RINGFENCE_PROFILE names the Cargo profile. `release`, the default, is what is deployed and measured: small
# and slow to make. `fast` is the same code for `make run` and the tests: no link-time optimisation, no wasm-opt,
# and a rebuild after a change takes a fraction of the time.
#
# A panic unwinds: it costs its own request, not the isolate and every Durable Object in it. That
# takes a standard library built for it, hence the wrappers that scripts/setup.sh made.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
teller=build
. scripts/steps.sh
out=${RINGFENCE_OUT:-build}
profile=${RINGFENCE_PROFILE:-release}
case $profile in
  release | fast) ;;
  *) echo "[build] RINGFENCE_PROFILE is release or fast, not $profile" >&2; exit 1 ;;
esac

# wrangler dev starts a build while `make run` may be at it: one at a time.
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9

stamp() {
  { echo "$WORKER_BUILD_VERSION $WASM_BINDGEN_VERSION $profile $*"
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
export RUSTFLAGS="-Cllvm-args=-wasm-use-legacy-eh"
for_cargo=()
if [ "$profile" = release ]; then
  # Paths of the machine that built it are no part of a published module.
  RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$PWD= --remap-path-prefix=$("$RINGFENCE_WRAPPERS/rustc" --print sysroot)/lib/rustlib/src/rust=rust"
  for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$registry=crates"
  done
  # The standard library's sorting and formatting in their short forms: 3 % of the module.
  for_cargo=(-Z build-std-features=optimize_for_size)
fi
export PATH=$RINGFENCE_WRAPPERS:$PATH
# Its own folder: the compiler differs from the one that builds native code.
export CARGO_TARGET_DIR=${RINGFENCE_WASM_TARGET:-$PWD/target/wasm}
rm -f "$out/.stamp"
step "compiling the Worker to $out, profile $profile (minutes, the first time)"
# Without worker-build's own wasm-opt: one pass over the module is enough, and it comes below.
"$RINGFENCE_TOOLS/worker-build-$WORKER_BUILD_VERSION/bin/worker-build" --profile "$profile" --no-opt --panic-unwind \
  --out-dir "$out" . "${for_cargo[@]}" "$@" 9>&-

if [ "$profile" = release ]; then
  # The names of functions are a third of the module, and Cargo's `strip` may not take them (see
  # Cargo.toml): a panic says its file and line without them.
  step "wasm-opt"
  "$WASM_OPT_BIN" -Oz --all-features --strip-debug --strip-producers \
    "$out/index_bg.wasm" -o "$out/index_bg.wasm"
fi
took
[ "$(stamp "$@")" != "$now" ] || echo "$now" >"$out/.stamp"
