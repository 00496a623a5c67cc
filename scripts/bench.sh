#!/usr/bin/env bash
# How fast Worker and relay are, beside named baselines, in one run (tests/bench). QUICK=1 for a look.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
teller=bench
. scripts/steps.sh
export RINGFENCE_PROFILE=release

step "set-up and the Worker as it is deployed"
scripts/setup.sh bench
scripts/build.sh

step "compiling the aes crate to WebAssembly, to compare WebCrypto with"
(
  # shellcheck source=/dev/null
  . "$RINGFENCE_COMPILER"
  CARGO_TARGET_DIR=$PWD/target/bench-seal "$WASM_CARGO" build --quiet --release \
    --manifest-path tests/bench/seal-wasm/Cargo.toml --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
)

step "requests, their counts and ratios"
node tests/bench/run.mjs

step "what the module consists of"
RINGFENCE_NAMES=1 RINGFENCE_OUT=target/bench-names scripts/build.sh
node tests/bench/parts.mjs

step "the Worker's own CPU time, without the simulators of storage"
node tests/bench/own.mjs

step "phones that boot after a power cut, and tenants beside each other"
node tests/bench/storm.mjs

step "what an isolate holds after 100,000 requests, and with 100,000 jobs"
node tests/bench/heap.mjs

step "a rollout to 100,000 phones, in one pool and in four"
node tests/bench/pool.mjs

step "a million devices (some ten minutes)"
node tests/bench/growth.mjs

step "a table of 100,000 phones, beside a plain read of it"
node tests/bench/import.mjs

step "the relay beside SIPp, and a pool that sends itself"
scripts/setup.sh test
cargo build --profile relay --quiet -p ringfence-relay
export RINGFENCE_RELAY=$PWD/target/relay/ringfence-relay
node tests/bench/relay.mjs
node tests/bench/edge.mjs

step "a rollout to 10,000 phones at 500 a second, counted at the phones"
node --test --test-force-exit --test-timeout=600000 --test-reporter=spec tests/bench/rollout-pace.test.mjs

took
