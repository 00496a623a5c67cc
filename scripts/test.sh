#!/usr/bin/env bash
# Everything that proves the project works: formatting, the crates' tests, then the real Worker in
# workerd against real openssl, SIPp and Kamailio.
#
#   scripts/test.sh            all of it
#   scripts/test.sh e2e FILE…  the end-to-end tests alone (all of them, or the named files)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

started=$SECONDS
step() { printf '\n\033[1m[test %4ds]\033[0m %s\n' "$((SECONDS - started))" "$*"; }

only=${1:-}
if [ "$only" = e2e ]; then shift; fi

scripts/setup.sh test

if [ "$only" != e2e ]; then
  step "formatting"
  cargo fmt --all --check
  step "unit, property, snapshot and smoke-fuzz tests of every crate"
  cargo test --workspace --quiet
fi

step "the Worker"
scripts/build.sh
step "the Worker with the test-only panic route"
RINGFENCE_OUT=target/panic-route scripts/build.sh --features panic-route

step "the relay"
cargo build --profile relay --quiet -p ringfence-relay

step "end to end on workerd"
if [ $# -gt 0 ] && [ "$only" = e2e ]; then files=("$@"); else files=(tests/e2e/*.test.mjs); fi
# One file at a time: each starts its own workerd, and there may be only two cores. A test that fails
# may leave a socket open; that must not keep its file from ending.
node --test --test-concurrency=1 --test-force-exit --test-timeout=900000 --test-reporter=spec "${files[@]}"

step "all of it passed"
