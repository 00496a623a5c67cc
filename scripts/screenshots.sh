#!/usr/bin/env bash
# The pictures of docs/console.md, of the console as it is: a fleet that is made up for them, on the real Worker.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
export RINGFENCE_PROFILE=fast

scripts/setup.sh test
scripts/build.sh
node tests/screenshots/console.mjs
