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

# The Worker's last step keeps one core busy for minutes; the native tests have the other meanwhile.
mkdir -p target
builds=target/test-builds.log
# As a process group of its own, so that the compiler does not outlive this script.
set -m
(
  scripts/build.sh
  RINGFENCE_VENDORS=$PWD/tests/vendors RINGFENCE_OUT=target/panic-route scripts/build.sh --features panic-route
) >"$builds" 2>&1 &
building=$!
set +m
trap 'kill -- -"$building" 2>/dev/null || true' EXIT

if [ "$only" != e2e ]; then
  if [ -n "${RINGFENCE_LINTED:-}" ]; then
    echo "[test] the rules are not looked at again: \`make lint\` has passed"
  else
    step "formatting and the rules that compile nothing"
    cargo fmt --all --check
    scripts/lint.sh rules
  fi
  step "unit, property, snapshot and smoke-fuzz tests of every crate (the Worker is built meanwhile)"
  cargo test --workspace --quiet
fi

if [ "$only" = e2e ]; then
  # The tests of every crate have built it otherwise.
  step "the relay and the command line"
  cargo build --quiet -p ringfence-relay -p ringfence-cli
fi

# Waits for what runs in the background, and says every ten seconds what its log says last.
waited() { # waited PID LOG
  while kill -0 "$1" 2>/dev/null; do
    sleep 10
    printf '[test %4ds] … %s\n' "$SECONDS" "$(tail -n 1 "$2")"
  done
  wait "$1"
}

step "the Worker, and the Worker with a test-only route that panics and a vendor of its own"
waited "$building" "$builds" || { cat "$builds"; exit 1; }
trap - EXIT

step "end to end on workerd"
# What Node has compiled of wrangler and of the tests is kept for the next process.
export NODE_COMPILE_CACHE=$PWD/target/tests/compiled
e2e() { node scripts/e2e.mjs "$@"; } # e2e AT-ONCE FILE…
# The same by the names of the tests.
named_e2e() { # named_e2e AT-ONCE NAME…
  local at_once=$1 files
  shift
  mapfile -t files < <(printf 'tests/e2e/%s.test.mjs\n' "$@")
  e2e "$at_once" "${files[@]}"
}
if [ $# -gt 0 ] && [ "$only" = e2e ]; then
  e2e 1 "$@"
else
  # Each file starts its own workerd on its own ports, so several run at once. What takes minutes begins first, the longest
  # before the others. Those that kill, or play a PBX, wait more than they compute: two of them run beside as many others as
  # there are cores. Those that look at a pace, at memory or at who waits for whom need the machine for themselves.
  first=(npx-deploy console-keyboard console migrate npx envelopes webhooks schema)
  beside=(notify-faults restore notify-edge-faults)
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
  apart=target/test-beside.log
  set -m
  named_e2e 2 "${beside[@]}" >"$apart" 2>&1 &
  running=$!
  set +m
  trap 'kill -- -"$running" 2>/dev/null || true' EXIT
  failed=0
  named_e2e "$(nproc)" "${first[@]}" || failed=1
  waited "$running" "$apart" || failed=1
  trap - EXIT
  cat "$apart"
  [ "$failed" = 0 ] || { echo "[test] something above has failed" >&2; exit 1; }
  step "end to end, one file at a time"
  named_e2e 1 "${alone[@]}"
fi

took
echo "[test] all of it passed"
