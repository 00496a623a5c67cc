#!/usr/bin/env bash
# Everything that proves the project works: formatting, the crates' tests, then the real Worker in
# workerd against real openssl, SIPp and Kamailio.
#
#   scripts/test.sh            all of it
#   scripts/test.sh e2e FILE…  the end-to-end tests alone (all of them, or the named files)
#
# RINGFENCE_LINTED=1 leaves out what `make lint` looks at too; .ci/run says so after it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
export RINGFENCE_PROFILE=fast

teller='test'
. scripts/steps.sh

only=${1:-}
if [ "$only" = e2e ]; then shift; fi

step "set-up"
scripts/setup.sh test

mkdir -p target
# What runs in the background, each a process group of its own, so that nothing of it outlives this script.
declare -A behind
ended() {
  local group
  for group in "${!behind[@]}"; do kill -- -"$group" 2>/dev/null || true; done
}
trap ended EXIT

# Waits for one of them, and says every ten seconds what its log says last.
waited() { # waited PID LOG
  while kill -0 "$1" 2>/dev/null; do
    sleep 10
    printf '[test %4ds] … %s\n' "$SECONDS" "$(tail -n 1 "$2")"
  done
  unset "behind[$1]"
  wait "$1"
}

builds=target/test-builds.log
set -m
(
  scripts/build.sh
  RINGFENCE_VENDORS=$PWD/tests/vendors RINGFENCE_OUT=target/panic-route scripts/build.sh --features panic-route
) >"$builds" 2>&1 &
building=$!
set +m
behind[$building]=1

crates=target/test-crates.log
testing=
if [ "$only" = e2e ]; then
  # The tests of every crate have built it otherwise.
  step "the relay and the command line"
  cargo build --quiet -p ringfence-relay -p ringfence-cli
else
  if [ -n "${RINGFENCE_LINTED:-}" ]; then
    echo "[test] the rules are not looked at again: \`make lint\` has passed"
  else
    step "formatting and the rules that compile nothing"
    cargo fmt --all --check
    scripts/lint.sh rules
  fi
  step "the tests of every crate are compiled (the Worker is built meanwhile)"
  # Cargo's lines say how far it is; where the programs are, nobody needs to read.
  cargo test --workspace --no-run 2>&1 | grep --line-buffered -v '^ *Executable'
  # They run while a core waits: for the Worker's last step, which takes one alone for minutes, and for phones.
  echo "[test] unit, property, snapshot and smoke-fuzz tests of every crate: they run beside what follows"
  set -m
  RUST_TEST_THREADS=1 cargo test --workspace >"$crates" 2>&1 &
  testing=$!
  set +m
  behind[$testing]=1
fi

step "the Worker, and the Worker with a test-only route that panics and a vendor of its own"
waited "$building" "$builds" || { cat "$builds"; exit 1; }

step "end to end on workerd"
# What Node has compiled of wrangler and of the tests is kept for the next process.
export NODE_COMPILE_CACHE=$PWD/target/tests/compiled
if [ "$only" = e2e ] && [ $# -gt 0 ]; then
  node scripts/e2e.mjs 1 "$@"
else
  failed=0
  # Each file starts its own workerd on its own ports, so several run at once. What takes minutes begins first, the longest
  # before the others. Those that kill, or play a PBX, wait more than they compute: two of them run beside as many others as
  # there are cores. Those that look at a pace, at memory or at who waits for whom need the machine for themselves.
  first=(npx-deploy migrate console-keyboard console npx webhooks schema)
  beside=(notify-faults notify-edge-faults restore)
  alone=(bodies notify-fair notify-pace pool templates throttle)
  named=" ${first[*]} ${beside[*]} ${alone[*]} "
  for file in tests/e2e/*.test.mjs; do
    name=$(basename "$file" .test.mjs)
    [[ $named != *" $name "* ]] || continue
    case $name in
      crash | notify* | panic | relay-* | run) beside+=("$name") ;;
      *) first+=("$name") ;;
    esac
  done
  # Their files by the names of the tests.
  files() { printf 'tests/e2e/%s.test.mjs\n' "$@"; }
  mapfile -t of_first < <(files "${first[@]}")
  mapfile -t of_beside < <(files "${beside[@]}")
  mapfile -t of_alone < <(files "${alone[@]}")
  node scripts/e2e.mjs "$(nproc)" "${of_first[@]}" + 2 "${of_beside[@]}" || failed=1
  if [ -n "$testing" ]; then
    if waited "$testing" "$crates"; then
      # Which programs ran, and how many tests each has.
      grep -E '^ +(Running|Doc-tests)|^test result' "$crates"
    else
      cat "$crates"
      echo "[test] a test of a crate has failed, see above" >&2
      failed=1
    fi
  fi
  [ "$failed" = 0 ] || { echo "[test] something above has failed" >&2; exit 1; }
  step "end to end, one file at a time"
  node scripts/e2e.mjs 1 "${of_alone[@]}"
fi

took
echo "[test] all of it passed"
