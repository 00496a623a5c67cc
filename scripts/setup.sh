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
BINDGEN_BIN=$(bindgen)

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
fi

# What compiles for wasm32, for scripts/build.sh and scripts/bench.sh.
mkdir -p "$RINGFENCE_TOOLS"
{
  echo "WASM_CARGO=$wasm_cargo"
  echo "export RUSTC=$wasm_rustc RUSTC_BOOTSTRAP=1"
  [ "$wasm_rustc" != /usr/bin/rustc ] || echo "export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22"
} >"$RINGFENCE_COMPILER.new"
mv "$RINGFENCE_COMPILER.new" "$RINGFENCE_COMPILER"

# --- The tool that makes the JavaScript side of the Worker -----------------------------------------

if [ ! -x "$BINDGEN_BIN" ]; then
  step "compiling tools/bindgen (minutes, once)"
  CARGO_TARGET_DIR=$RINGFENCE_TOOLS/build \
    cargo install --quiet --path tools/bindgen --root "${BINDGEN_BIN%/bin/*}" --locked >"$RINGFENCE_TOOLS/build.log" 2>&1 &
  compiling=$!
  while kill -0 "$compiling" 2>/dev/null; do
    sleep 1
    ((SECONDS % 30)) || echo "[setup] … tools/bindgen is being compiled, $SECONDS s"
  done
  wait "$compiling" || { cat "$RINGFENCE_TOOLS/build.log" >&2; die "tools/bindgen could not be compiled"; }
  rm -rf "$RINGFENCE_TOOLS/build" "$RINGFENCE_TOOLS/build.log"
fi

# --- What only the tests use -----------------------------------------------------------------------

if [ "$want" = bench ]; then
  apt_need wrk wrk
fi

if [ "$want" = test ]; then
  apt_need sipp sip-tester
  apt_need kamailio kamailio
  compgen -G '/usr/lib/*/kamailio/modules/tls.so' >/dev/null || apt_need 'kamailio with TLS' kamailio-tls-modules
  # The browser that looks at the console, without the windows of a desktop, and letters for it.
  apt_need chromium-headless-shell chromium-headless-shell
  apt_need /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core
  # Scrapes the metrics and checks the alert rules. Its package would start one for the whole machine.
  if ! command -v promtool >/dev/null; then
    if [ -d /run/systemd/system ]; then as_root systemctl mask --quiet prometheus.service; fi
    apt_need promtool prometheus
  fi
  # Time zones are compared with Python's. python3-minimal has no zoneinfo, so the command alone does not tell.
  python3 -c 'import zoneinfo' 2>/dev/null || apt_need 'python3 with zoneinfo' python3
fi

took
echo "[setup] ready"
