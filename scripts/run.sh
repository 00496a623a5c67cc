#!/usr/bin/env bash
# Builds everything, starts the Worker on this machine, and plays a phone against it with curl and
# openssl. Then it stays up until Ctrl-C. Another port by PORT=.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

PORT=${PORT:-8787}
base=http://127.0.0.1:$PORT
say() { printf '\033[1m[run]\033[0m %s\n' "$*"; }
die() { printf '[run] %s\n' "$*" >&2; exit 1; }

[[ $PORT =~ ^[0-9]+$ ]] && ((PORT > 0 && PORT < 65536)) || die "PORT=$PORT is no port"
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
  die "port $PORT is in use: stop what listens there, or take another one with PORT=8788 make run"
fi

scripts/setup.sh
scripts/secrets.sh
scripts/build.sh

mkdir -p .local
log=.local/wrangler.log
say "applying migrations to the local database"
wrangler d1 migrations apply ringfence --local >.local/migrations.log 2>&1 || { cat .local/migrations.log >&2; die "the migrations failed"; }

# The Worker gets a process group of its own: whatever wrangler starts goes with it.
server=
stop() {
  trap '' INT TERM
  trap - EXIT
  [ -n "$server" ] || return 0
  kill -INT -- "-$server" 2>/dev/null || true
  for _ in $(seq 50); do
    kill -0 -- "-$server" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$server" 2>/dev/null || true
}
interrupted() { stop; printf '\n'; say "stopped"; exit 0; }
trap interrupted INT TERM
trap stop EXIT

say "starting the Worker on $base (log: $log)"
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

scripts/phone.sh "$base"

cat <<TEXT

[run] The Worker is up at $base and stays until Ctrl-C.

  API token   the line ADMIN_TOKEN= in .dev.vars (git-ignored, made once)
  try         token=\$(sed -n 's/^ADMIN_TOKEN=//p' .dev.vars)
              curl -H "Authorization: Bearer \$token" $base/api/v1/tenants
  the API     $base/api/v1/openapi.json
  log         $log
TEXT
# `wait` returns at once when a signal comes, so that the trap runs; and when the Worker ends.
wait "$server" || true
die "the Worker ended by itself: see $log"
