#!/usr/bin/env bash
# Installs whatever the build, the tests and the demonstration need and is not there yet.
#
# Safe to run twice: every step first asks whether its result exists. Needs a Debian 12 machine with
# Rust and Node; everything else comes from Debian, crates.io and npm. Tools that are compiled go to
# a folder outside the checkout, so that a second clone does not compile them again.
#
#   scripts/setup.sh build    what compiles and runs the Worker (default)
#   scripts/setup.sh test     the same, and the SIP peers and tools the tests use
#   scripts/setup.sh bench    the same as build, and a load generator
#   scripts/setup.sh lint     what looks over the code; nothing that compiles the Worker
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

teller=setup
. scripts/steps.sh

want=${1:-build}
die() { printf '[setup] %s\n' "$*" >&2; exit 1; }
case $want in
  build | test | bench | lint) ;;
  *) die "$want is none of build, test, bench, lint" ;;
esac

# --- Debian packages -------------------------------------------------------------------------------

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

apt_updated=
apt_need() { # apt_need COMMAND-OR-FILE PACKAGE…: installs PACKAGE… unless the command or file exists
  local probe=$1; shift
  if command -v "$probe" >/dev/null 2>&1 || [ -e "$probe" ]; then return 0; fi
  command -v apt-get >/dev/null || die "$probe is missing and this is no Debian: install it (Debian calls it: $*)"
  if [ -z "$apt_updated" ]; then
    step "apt-get update"; as_root apt-get update -qq; apt_updated=1
  fi
  step "installing $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

apt_need cc gcc libc6-dev
apt_need openssl openssl
apt_need curl curl
apt_need jq jq
command -v cargo >/dev/null || die "cargo is missing: install Rust (https://rustup.rs), then run this again"
command -v npm >/dev/null || die "npm is missing: install Node.js 20 or newer, then run this again"

# --- Node packages: wrangler, workerd, Node 22, wasm-opt, esbuild ----------------------------------

if ! cmp -s package-lock.json node_modules/.ringfence-lock; then
  step "npm ci (wrangler, workerd, Node 22, wasm-opt, esbuild)"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.ringfence-lock
fi

if [ "$want" = lint ]; then
  apt_need shellcheck shellcheck
  took
  exit 0
fi

# --- A stable Rust that can build std for wasm32 ---------------------------------------------------
#
# The Worker is built with unwinding panics, and the standard library that rustup ships for wasm32
# aborts. So std is built from source, by a stable compiler with RUSTC_BOOTSTRAP=1. Where rustup can
# download, that is rustup's own toolchain; where it cannot, Debian ships one with its source.

wasm_cargo=
wasm_rustc=
if [ -z "${RINGFENCE_DEBIAN_RUST:-}" ] && command -v rustup >/dev/null \
   && { [ -e "$(rustc --print sysroot)/lib/rustlib/src/rust/library/std" ] || rustup component add rust-src >/dev/null 2>&1; } \
   && { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ] || rustup target add wasm32-unknown-unknown >/dev/null 2>&1; }; then
  wasm_cargo=$(rustup which cargo)
  wasm_rustc=$(rustup which rustc)
else
  apt_need /usr/lib/rustlib/src/rust/library/std rustc-web cargo-web rust-web-src lld-22
  apt_need wasm-ld-22 lld-22
  wasm_cargo=/usr/bin/cargo
  wasm_rustc=/usr/bin/rustc
  # worker-build looks for the target's folder, though nothing in it is used: std is built.
  [ -d /usr/lib/rustlib/wasm32-unknown-unknown/lib ] || as_root mkdir -p /usr/lib/rustlib/wasm32-unknown-unknown/lib
fi

# worker-build asks `cargo +nightly` and `rustup` for what the stable compiler above already has.
mkdir -p "$RINGFENCE_WRAPPERS"
wrapper() { printf '#!/bin/sh\n%s\n' "$2" >"$RINGFENCE_WRAPPERS/$1.new"; chmod +x "$RINGFENCE_WRAPPERS/$1.new"; mv "$RINGFENCE_WRAPPERS/$1.new" "$RINGFENCE_WRAPPERS/$1"; }
wrapper cargo "[ \"\$1\" = +nightly ] && shift
export RUSTC_BOOTSTRAP=1 RUSTC=$wasm_rustc
exec $wasm_cargo \"\$@\""
wrapper rustc "[ \"\$1\" = +nightly ] && shift
export RUSTC_BOOTSTRAP=1
exec $wasm_rustc \"\$@\""
wrapper rustup 'case "$*" in
  *component*list*) echo "rust-src (installed)" ;;
  *target*list*) echo "wasm32-unknown-unknown (installed)" ;;
  *toolchain*list*) echo "nightly (installed)" ;;
esac'
if [ "$wasm_rustc" = /usr/bin/rustc ]; then
  echo wasm-ld-22 >"$RINGFENCE_WRAPPERS/linker"
else
  rm -f "$RINGFENCE_WRAPPERS/linker"
fi

# --- Tools compiled from crates.io -----------------------------------------------------------------

# worker-build is linked with OpenSSL.
apt_need /usr/include/openssl/ssl.h libssl-dev
apt_need pkg-config pkg-config

# Side by side: the last steps of each keep one core busy alone.
tools=()
cargo_tool() { # cargo_tool NAME CRATE VERSION OPT-LEVEL
  local name=$1 crate=$2 version=$3 root="$RINGFENCE_TOOLS/$1-$3"
  [ ! -x "$root/bin/$name" ] || return 0
  step "compiling $crate $version (minutes, once)"
  mkdir -p "$RINGFENCE_TOOLS/build"
  # Optimising a tool costs more time than it would ever save here.
  CARGO_PROFILE_RELEASE_OPT_LEVEL=$4 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
  CARGO_TARGET_DIR="$RINGFENCE_TOOLS/build/$name" \
    cargo install --quiet "$crate" --version "$version" --bin "$name" --root "$root" --locked \
    >"$RINGFENCE_TOOLS/build/$name.log" 2>&1 &
  tools+=("$name:$!")
}
# The one looks at every byte of the Worker, the other starts programs.
cargo_tool wasm-bindgen wasm-bindgen-cli "$WASM_BINDGEN_VERSION" 1
cargo_tool worker-build worker-build "$WORKER_BUILD_VERSION" 0
for tool in "${tools[@]}"; do
  while kill -0 "${tool#*:}" 2>/dev/null; do
    sleep 1
    ((SECONDS % 30)) || echo "[setup] … ${tool%:*} is being compiled, $SECONDS s"
  done
  wait "${tool#*:}" || { cat "$RINGFENCE_TOOLS/build/${tool%:*}.log" >&2; die "${tool%:*} could not be compiled"; }
done
rm -rf "$RINGFENCE_TOOLS/build"

# --- What only the tests use -----------------------------------------------------------------------

if [ "$want" = bench ]; then
  apt_need wrk wrk
fi

if [ "$want" = test ]; then
  apt_need sipp sip-tester
  apt_need kamailio kamailio
fi

took
echo "[setup] ready"
