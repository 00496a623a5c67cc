#!/usr/bin/env bash
# The second half of the demonstration: an operator's change, told to the phone by NOTIFY.
#
#   scripts/notify.sh BASE prepare relay      a pool, and the configuration of a relay for it in .local/relay.toml
#   scripts/notify.sh BASE prepare edge PORT  a pool that sends itself, to a proxy on PORT with the password in
#                                             .local/proxy-password
#   scripts/notify.sh BASE tell SENDER        with that and scripts/handset.mjs up: the change, and what came of it
set -euo pipefail
cd "$(dirname "$0")/.."
base=$1
. scripts/demo.sh
tenant=$(api GET '/tenants?limit=200' | jq -r '.items[] | select(.name == "Demo") | .id')

sender=$3
if [ "$2" = prepare ]; then
  pool=$(api GET '/pools?limit=200' | jq -r '.items[] | select(.name == "Demo") | .id')
  # One machine is one location: there is no minute to wait until the others see a change.
  pool_input=$(jq -n --arg sender "$sender" --arg port "${4:-5060}" '{name: "Demo", options: {change_wait_s: 0, fetch_poll_ms: 500, fetch_timeout_s: 60,
    sender: $sender, edge: {proxy: "127.0.0.1", port: ($port | tonumber), transport: "tcp", domains: ["pbx.test"]}}}')
  if [ -z "$pool" ]; then
    pool=$(api POST /pools "$pool_input" | jq -r .id)
  else
    api PUT "/pools/$pool" "$pool_input" >/dev/null
  fi
  api PUT "/tenants/$tenant/pool" "{\"pool\":\"$pool\"}" >/dev/null
  if [ "$sender" = edge ]; then
    api PUT "/pools/$pool/proxy-credentials" \
      "$(jq -n --rawfile password .local/proxy-password '{username: "ringfence", password: ($password | rtrimstr("\n"))}')" >/dev/null
    exit
  fi
  # The credential is shown once, like the access path.
  credential=.local/relay-credential-$pool
  [ -s "$credential" ] || api POST "/pools/$pool/relays" '{"name":"this machine"}' | jq -r .credential >"$credential"
  cat >.local/relay.toml <<TOML
[pool]
url = "${base/http:/ws:}/relay/v1"
credential_file = "$credential"
[sip]
bind = ["127.0.0.1:0"]
from = "sip:prov@pbx.test"
[destinations]
allow = ["127.0.0.1/32"]
[http]
listen = "127.0.0.1:0"
[log]
format = "text"
TOML
  exit
fi

step "8. the operator gives the phone another number, and has it told"
number=$((7002 + RANDOM % 900))
# A relay sends to the phone's own address; the pool itself to its proxy, which knows the phone.
way='{}'
[ "$sender" = edge ] || way=$(jq -n --arg port "$(cat "$work/port")" '{NOTIFY_ADDRESS: ("127.0.0.1:" + $port)}')
settings=$(jq -n --arg number "$number" --arg password "$(openssl rand -base64 12)" --argjson way "$way" \
  '{settings: ({standard_Line1_Sip_SIP_USER_ID: $number, standard_Line1_Sip_SIP_PASS: {secret: $password}, standard_Line1_Sip_DISPLAY_NAME: "Reception & <Lobby>",
    NOTIFY_AOR: "sip:7001@pbx.test"} + $way)}')
job=$(api PUT "/tenants/$tenant/devices/$mac/settings?notify=true" "$settings" | jq -r '.notified.jobs[0].job.id // empty')
[ -n "$job" ] || die "there is no job: $(cat "$work/answer")"
note "$number; the job is $job"

if [ "$sender" = edge ]; then
  step "9. the pool sends a NOTIFY over TCP, Kamailio asks for its password and passes it on by UDP; the phone comes back by itself"
else
  step "9. the relay sends a NOTIFY, and the phone comes back by itself"
fi
for _ in $(seq 300); do
  api GET "/tenants/$tenant/jobs/$job" >"$work/job"
  [ "$(jq .ended_at "$work/job")" = null ] || break
  sleep 0.2
done
expect "$(jq -r .state "$work/job")" fetched "the job's state ($(jq -r .message "$work/job"))"
note "$(sed -n 2p "$work/notified" | tr -d '\r'), answered $(jq -r .code "$work/job"); the job reads fetched"

step "10. the phone opens the new file with the key it has"
for _ in $(seq 50); do [ ! -s "$work/update.enc" ] || break; sleep 0.1; done
RINGFENCE_KEY=$(cat "$work/key") openssl enc -d -aes-128-cbc -a -md md5 -pass env:RINGFENCE_KEY -in "$work/update.enc" -out "$work/update.xml" 2>/dev/null \
  || die "openssl cannot open the new file"
grep -qF ">$number<" "$work/update.xml" || die "the new number is not in the file"
note "its number is $number now"
rm -f "$work/key"
