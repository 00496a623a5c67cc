#!/usr/bin/env bash
# Packs what is handed out into dist/: the npm package, the folder of a release repository, and the static relay and
# the command line where `make relay-static` and `make cli` have built them. Nothing in dist/ needs Rust.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
export RINGFENCE_PROFILE=release

scripts/setup.sh
scripts/build.sh
node scripts/dist.mjs --worker build --out dist
