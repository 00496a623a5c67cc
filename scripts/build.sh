#!/usr/bin/env bash
# Builds the Worker to build/ (wrangler.toml calls this too). Arguments go to cargo, for example
# `--features panic-route` for the one test that needs a panic; RINGFENCE_OUT names another folder
# for the result. Does nothing when nothing has changed since the last time.
#
# RINGFENCE_VENDORS names folders with folders of vendors of one's own, which become a part of the Worker
# (docs/adding-a-vendor.md).
#
# RINGFENCE_PROFILE names the Cargo profile. `release`, the default, is what is deployed and measured: small
# and slow to make. `fast` is the same code for `make run` and the tests: no link-time optimisation, no wasm-opt,
# and a rebuild after a change takes a fraction of the time. RINGFENCE_NAMES=1 keeps the names of functions in a release, for a
# profiler.
#
# A panic unwinds: it costs its own request, not the isolate and every Durable Object in it. That
# takes a standard library built for it, and so a compiler that may build one (scripts/setup.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
BINDGEN_BIN=$(bindgen)
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
  { echo "$BINDGEN_BIN $profile ${RINGFENCE_NAMES:-} $*"
    IFS=: read -ra vendors <<<"${RINGFENCE_VENDORS:-}"
    find "${vendors[@]}" Cargo.toml Cargo.lock package-lock.json scripts/build.sh scripts/env.sh build.rs migrations src crates -type f \
      ! -path '*/target/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -d' ' -f1
}

# What is deployed beside the Worker's modules: the description of the API, and the console's static parts, named by what
# is in them (crates/console/build.rs names them in the same way), so that they are kept for ever.
static_parts() {
  local parts=build/public/console/assets made file name hash
  mkdir -p build && made=$(mktemp -d build/public.XXXXXX) && mkdir -p "$made/console/assets"
  for file in crates/console/assets/*.{css,js,svg}; do
    name=$(basename "$file")
    hash=$(sha256sum "$file" | cut -c1-16)
    cp "$file" "$made/console/assets/${name%.*}.$hash.${name##*.}"
  done
  # CodeMirror and what is ours around it, as one file, with the licence that it is under.
  local editor=(crates/console/editor/editor.js crates/console/editor/template.js package-lock.json)
  hash=$(cat "${editor[@]}" | sha256sum | cut -c1-16)
  name=editor.$hash.js
  if [ -e "$parts/$name" ]; then
    cp "$parts/$name" "$made/console/assets/$name"
  else
    node_modules/.bin/esbuild "${editor[0]}" --bundle --minify --format=esm --target=es2022 --log-level=warning \
      --banner:js="/*! CodeMirror: $(cat node_modules/@codemirror/state/LICENSE) */" --outfile="$made/console/assets/$name"
  fi
  cp crates/console/assets/_headers "$made/_headers"
  # Without the blanks that are for people.
  node -e 'const { readFileSync, writeFileSync } = require("node:fs"); const [from, to] = process.argv.slice(1); writeFileSync(to, JSON.stringify(JSON.parse(readFileSync(from, "utf8"))))' \
    crates/api/openapi.json "$made/openapi.json"
  if ! diff -rq "$made" build/public >/dev/null 2>&1; then
    # One that is served just now is replaced in place.
    mkdir -p "$parts" && chmod 755 "$made" && cp -r "$made"/. build/public/
    for file in "$parts"/*; do [ -e "$made/console/assets/$(basename "$file")" ] || rm "$file"; done
  fi
  rm -rf "$made"
}
static_parts

now=$(stamp "$@")
if [ -s "$out/index_bg.wasm" ] && [ -s "$out/index.js" ] && [ "$(cat "$out/.stamp" 2>/dev/null)" = "$now" ]; then
  echo "[build] $out is up to date"
  exit 0
fi

{ [ -e "$RINGFENCE_COMPILER" ] && [ -x "$BINDGEN_BIN" ]; } || scripts/setup.sh build
# shellcheck source=/dev/null
. "$RINGFENCE_COMPILER"
# With SIMD a sign in a file is looked for sixteen bytes at a time, and the module is a hundredth smaller.
RUSTFLAGS="-Cllvm-args=-wasm-use-legacy-eh -Ctarget-feature=+simd128"
for_cargo=()
if [ "$profile" = release ]; then
  # Paths of the machine that built it are no part of a published module.
  RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$PWD= --remap-path-prefix=$("$RUSTC" --print sysroot)/lib/rustlib/src/rust=rust"
  for registry in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do
    RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$registry=crates"
  done
  # The standard library's sorting and formatting in their short forms: 3 % of the module.
  for_cargo=(-Z build-std-features=optimize_for_size)
fi
export RUSTFLAGS="$RUSTFLAGS -Cpanic=unwind"
# The compiler differs from the one that builds native code.
target=${RINGFENCE_WASM_TARGET:-$PWD/target/wasm}
rm -f "$out/.stamp"
step "compiling the Worker to $out, profile $profile (minutes, the first time)"
# js-sys has the futures that wasm-bindgen's macros otherwise take from a crate of their own, as `worker` expects.
WASM_BINDGEN_USE_JS_SYS=1 CARGO_TARGET_DIR=$target "$WASM_CARGO" build --quiet --lib --profile "$profile" \
  --target wasm32-unknown-unknown -Z build-std=std,panic_unwind "${for_cargo[@]}" "$@" 9>&-

step "its JavaScript side"
made=$out/.made
rm -rf "$made"
"$BINDGEN_BIN" "$target/wasm32-unknown-unknown/$profile/ringfence.wasm" "$made"
cp src/entry.js "$made/entry.js"
"$ESBUILD_BIN" --log-level=warning --bundle --minify --format=esm --external:./index_bg.wasm '--external:cloudflare:*' \
  --inject:src/microtask.js \
  --outfile="$made/worker.js" "$made/entry.js"
# esbuild keeps an import of a module's source as it is; in workerd the plain import is that.
sed -i 's/import source /import /' "$made/worker.js"
mv "$made/worker.js" "$out/index.js"
mv "$made/index_bg.wasm" "$out/index_bg.wasm"
rm -rf "$made"

if [ "$profile" = release ]; then
  # What counts is the compressed size. The rest of -Oz makes functions shorter, each in its own way, and so less alike:
  # the module is smaller by it and compresses a tenth worse than without it. So functions stay as the compiler
  # made them. Of those that are equal one stays, and they are put in the order of their names: those of one origin,
  # which are much alike, are then within the 32 KB in which gzip finds repetitions. `-s 2` lets the first pass go on
  # until nothing is left to do.
  # The features are those that the compiler wrote into the module: with --all-features it would be written in
  # encodings that not every engine reads.
  # The names themselves go last: they are a third of the module, and Cargo's `strip` may not take them (see
  # Cargo.toml). A panic says its file and line without them.
  step "wasm-opt"
  names=(--strip-debug)
  if [ -n "${RINGFENCE_NAMES:-}" ]; then names=(--debuginfo); fi
  "$WASM_OPT_BIN" -s 2 --duplicate-function-elimination --reorder-functions-by-name \
    "${names[@]}" --strip-producers "$out/index_bg.wasm" -o "$out/index_bg.wasm"
fi
static_parts
took
[ "$(stamp "$@")" != "$now" ] || echo "$now" >"$out/.stamp"
