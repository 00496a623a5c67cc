#!/usr/bin/env bash
# Builds everything, starts the Worker on this machine, and plays a phone against it: its first boot, then a change that it
# is told about by NOTIFY. Where the machine has Kamailio, the Worker sends that itself, through it; elsewhere a relay
# does, and by SENDER=relay. Stays up until Ctrl-C. Another port by PORT=, a relay that is built already by
# RINGFENCE_RELAY=.
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

kamailio=$(PATH=$PATH:/usr/sbin command -v kamailio || true)
sender=${SENDER:-}
[ -n "$sender" ] || { sender=relay; [ -z "$kamailio" ] || sender=edge; }
case $sender in
  relay) ;;
  edge) [ -n "$kamailio" ] || die "SENDER=edge needs Kamailio: install it, or leave SENDER= out" ;;
  *) die "SENDER=$sender is neither relay nor edge" ;;
esac

mkdir -p .local
relay=${RINGFENCE_RELAY:-target/debug/ringfence-relay}
build_relay() { cargo build --quiet -p ringfence-relay; }
# What else is compiled leaves a core idle at its end: the relay takes what is left over. Where that fails, for want of
# a linker that the set-up brings, it is built once more below, where one can read why.
ahead=
# shellcheck disable=SC2317 # A trap calls it.
stop_ahead() { [ -z "$ahead" ] || kill -TERM "$ahead" 2>/dev/null || true; }
if [ "$sender" = relay ] && [ -z "${RINGFENCE_RELAY:-}" ]; then
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

rm -f .local/phone/{port,notified,update.enc}
proxy_port=
if [ "$sender" = edge ]; then
  step "starting Kamailio (log: .local/kamailio.log), and a pool that sends to it over TCP"
  proxy_port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });')
  (
    umask 077
    openssl rand -hex 16 >.local/proxy-password
    printf '#!KAMAILIO\n#!define PORT %s\n#!define PASSWORD "%s"\ninclude_file "%s/scripts/kamailio.cfg"\n' \
      "$proxy_port" "$(cat .local/proxy-password)" "$PWD" >.local/kamailio.cfg
  )
  rm -rf .local/kamailio && mkdir -p .local/kamailio
  "$kamailio" -f .local/kamailio.cfg -DD -E -m 16 -M 4 -Y "$PWD/.local/kamailio" -P "$PWD/.local/kamailio/pid" <&- >.local/kamailio.log 2>&1 &
  said=.local/kamailio.log
else
  step "a relay's credential"
  scripts/notify.sh "$base" prepare relay
  step "starting the relay (log: .local/relay.log)"
  "$relay" --config .local/relay.toml <&- >.local/relay.log 2>&1 &
  said=.local/relay.log
fi
helpers+=($!)
if [ "$sender" = edge ]; then scripts/notify.sh "$base" prepare edge "$proxy_port"; fi
step "the phone's SIP side"
node scripts/handset.mjs "$(cat .local/phone/sealed-url)" .local/phone "$proxy_port" <&- >.local/handset.log 2>&1 &
helpers+=($!)
is_up() { [ -s .local/phone/port ] && { [ "$sender" = edge ] || grep -q connected .local/relay.log; }; }
for tenth in $(seq 300); do
  if is_up; then break; fi
  kill -0 "${helpers[0]}" 2>/dev/null || { tail -n 20 "$said" >&2; die "it ended; its log above says why"; }
  [ "$tenth" != 300 ] || { tail -n 20 "$said" .local/handset.log >&2; die "it is not up after half a minute"; }
  sleep 0.1
done
step "the phone is told of a change"
scripts/notify.sh "$base" tell "$sender"

step "a phone of another vendor"
scripts/other-phone.sh "$base"
# wrangler fires no cron trigger on this machine; without it the first page of the console has no numbers.
curl -fsS -o /dev/null --max-time 60 "$base/cdn-cgi/handler/scheduled" || say "the cron trigger did not answer: see $log"
took

if [ "$sender" = edge ]; then
  with='Kamailio'
  other='sent by the pool itself, over TCP; SENDER=relay make run has a relay send it over UDP'
else
  with='a relay'
  other='sent by a relay, over UDP; where Kamailio is installed, make run has the pool send it over TCP'
fi
cat <<TEXT

[run] The Worker is up at $base, with $with and a phone, and stays until Ctrl-C.

  console     $base/console (sign in with the API token)
  API token   the line ADMIN_TOKEN= in .dev.vars (git-ignored, made once)
  try         token=\$(sed -n 's/^ADMIN_TOKEN=//p' .dev.vars)
              curl -H "Authorization: Bearer \$token" $base/api/v1/tenants
  the API     $base/api/v1/openapi.json
  logs        $log, $said
  NOTIFY      $other
TEXT
# `wait` returns at once when a signal comes, so that the trap runs; and when the Worker ends.
wait "$server" || true
die "the Worker ended by itself: see $log"
