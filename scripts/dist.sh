#!/usr/bin/env bash
# Makes what is handed out and packs it into dist/: the npm package, the folder of a release repository, the static relay,
# and the command line with its man pages and completions. Nothing in dist/ needs Rust.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
export RINGFENCE_PROFILE=release

scripts/setup.sh
teller=dist
. scripts/steps.sh
step "the Worker"
scripts/build.sh
step "the static relay"
scripts/relay-static.sh
step "the command line"
scripts/cli.sh
step "packing"
node scripts/dist.mjs --worker build --out dist
took
