#!/usr/bin/env bash
# How fast Worker and relay are, beside named baselines, in one run (tests/bench). QUICK=1 for a look.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
export RINGFENCE_PROFILE=release

scripts/setup.sh bench
scripts/build.sh

echo "[bench] compiling the aes crate to WebAssembly, to compare WebCrypto with"
(
  # shellcheck source=/dev/null
  . "$RINGFENCE_COMPILER"
  CARGO_TARGET_DIR=$PWD/target/bench-seal "$WASM_CARGO" build --quiet --release \
    --manifest-path tests/bench/seal-wasm/Cargo.toml --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
)

node tests/bench/run.mjs

echo "[bench] the Worker's own CPU time, without the simulators of storage"
node tests/bench/own.mjs

echo "[bench] phones that boot after a power cut, and tenants beside each other"
node tests/bench/storm.mjs

echo "[bench] what an isolate holds after 100,000 requests, and with 100,000 jobs"
node tests/bench/heap.mjs

echo "[bench] a rollout to 100,000 phones, in one pool and in four"
node tests/bench/pool.mjs

echo "[bench] a million devices (some ten minutes)"
node tests/bench/growth.mjs

echo "[bench] a table of 100,000 phones, beside a plain read of it"
node tests/bench/import.mjs

scripts/setup.sh test
cargo build --profile relay --quiet -p ringfence-relay
export RINGFENCE_RELAY=$PWD/target/relay/ringfence-relay
node tests/bench/relay.mjs
node tests/bench/edge.mjs

echo "[bench] a rollout to 10,000 phones at 500 a second, counted at the phones"
node --test --test-force-exit --test-timeout=600000 --test-reporter=spec tests/bench/rollout-pace.test.mjs
