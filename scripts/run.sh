#!/usr/bin/env bash
# Builds everything, starts the Worker and a relay on this machine, and plays a phone against them: its
# first boot, then a change that it is told about by NOTIFY. Stays up until Ctrl-C. Another port by
# PORT=, a relay that is built already by RINGFENCE_RELAY=.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
export RINGFENCE_PROFILE=fast

PORT=${PORT:-8787}
base=http://127.0.0.1:$PORT
teller=run
. scripts/steps.sh
say() { printf '\033[1m[run]\033[0m %s\n' "$*"; }
die() { printf '[run] %s\n' "$*" >&2; exit 1; }

if ! [[ $PORT =~ ^[1-9][0-9]{0,4}$ ]] || ((PORT > 65535)); then die "PORT=$PORT is no port"; fi
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
  die "port $PORT is in use: stop what listens there, or take another one with PORT=8788 make run"
fi

mkdir -p .local
relay=${RINGFENCE_RELAY:-target/debug/ringfence-relay}
build_relay() { cargo build --quiet -p ringfence-relay; }
# What else is compiled leaves a core idle at its end: the relay takes what is left over. Where that fails, for want of
# a linker that the set-up brings, it is built once more below, where one can read why.
ahead=
# shellcheck disable=SC2317 # A trap calls it.
stop_ahead() { [ -z "$ahead" ] || kill -TERM "$ahead" 2>/dev/null || true; }
if [ -z "${RINGFENCE_RELAY:-}" ]; then
  nice -n 10 cargo build --quiet -p ringfence-relay >.local/relay-build.log 2>&1 <&- &
  ahead=$!
  trap 'stop_ahead; exit 130' INT TERM
  trap stop_ahead EXIT
fi

step "set-up"
scripts/setup.sh
scripts/secrets.sh
step "the Worker"
scripts/build.sh
if [ -n "$ahead" ]; then
  step "the relay (a minute or two, the first time)"
  wait "$ahead" || build_relay
  trap - INT TERM EXIT
fi

log=.local/wrangler.log

# The Worker gets a process group of its own: whatever wrangler starts goes with it.
server=
helpers=()
# shellcheck disable=SC2317 # Traps call it.
stop() {
  trap '' INT TERM
  trap - EXIT
  # Asked again and again and not by `wait`, which can hang in a trap that interrupted a `wait`.
  local left
  for _ in $(seq 120); do
    left=
    for helper in "${helpers[@]}"; do
      if kill -TERM "$helper" 2>/dev/null; then left=1; fi
    done
    [ -n "$left" ] || break
    sleep 0.1
  done
  for helper in "${helpers[@]}"; do kill -KILL "$helper" 2>/dev/null || true; done
  [ -n "$server" ] || return 0
  kill -INT -- "-$server" 2>/dev/null || true
  for _ in $(seq 50); do
    kill -0 -- "-$server" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$server" 2>/dev/null || true
}
# shellcheck disable=SC2317
interrupted() { stop; printf '\n'; say "stopped"; exit 0; }
trap interrupted INT TERM
trap stop EXIT

step "starting the Worker on $base (log: $log)"
set -m
wrangler dev --ip 127.0.0.1 --port "$PORT" --local --show-interactive-dev-session=false --inspector-port 0 --log-level log <&- >"$log" 2>&1 &
server=$!
set +m
for second in $(seq 120); do
  if curl -fsS -o .local/health.json "$base/healthz" 2>/dev/null; then break; fi
  kill -0 "$server" 2>/dev/null || { tail -n 30 "$log" >&2; die "the Worker did not start; the log above says why"; }
  [ "$second" != 120 ] || { tail -n 30 "$log" >&2; die "the Worker does not answer after two minutes"; }
  ((second % 10)) || say "still starting ($second s)"
  sleep 1
done

step "a phone boots for the first time"
scripts/phone.sh "$base"

step "a relay's credential"
scripts/notify.sh "$base" prepare
step "starting the relay (log: .local/relay.log) and the phone's SIP side"
rm -f .local/phone/{port,notified,update.enc}
"$relay" --config .local/relay.toml <&- >.local/relay.log 2>&1 &
helpers+=($!)
node scripts/handset.mjs "$(cat .local/phone/sealed-url)" .local/phone <&- >.local/handset.log 2>&1 &
helpers+=($!)
for tenth in $(seq 300); do
  if [ -s .local/phone/port ] && grep -q connected .local/relay.log; then break; fi
  kill -0 "${helpers[0]}" 2>/dev/null || { tail -n 20 .local/relay.log >&2; die "the relay ended; its log above says why"; }
  [ "$tenth" != 300 ] || { tail -n 20 .local/relay.log .local/handset.log >&2; die "the relay is not connected after half a minute"; }
  sleep 0.1
done
step "the phone is told of a change"
scripts/notify.sh "$base" tell

step "a phone of another vendor"
scripts/other-phone.sh "$base"
took

cat <<TEXT

[run] The Worker is up at $base, with a relay and a phone, and stays until Ctrl-C.

  console     $base/console (sign in with the API token)
  API token   the line ADMIN_TOKEN= in .dev.vars (git-ignored, made once)
  try         token=\$(sed -n 's/^ADMIN_TOKEN=//p' .dev.vars)
              curl -H "Authorization: Bearer \$token" $base/api/v1/tenants
  the API     $base/api/v1/openapi.json
  logs        $log, .local/relay.log
TEXT
# `wait` returns at once when a signal comes, so that the trap runs; and when the Worker ends.
wait "$server" || true
die "the Worker ended by itself: see $log"
