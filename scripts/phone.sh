#!/usr/bin/env bash
# A KX-UTG300 that boots for the first time, with public tools alone: curl and openssl. The operator's
# part goes through the API. Argument: the Worker's address. Works any number of times: from the
# second time on the device gets a new key.
set -euo pipefail
cd "$(dirname "$0")/.."
base=$1
. scripts/demo.sh

step "operator: the tenant \"Demo\" with one $model"
tenant=$(api GET '/tenants?limit=200' | jq -r '.items[] | select(.name == "Demo") | .id')
if [ -z "$tenant" ]; then
  tenant=$(api POST /tenants '{"name":"Demo"}' | jq -r .id)
fi
api PUT "/tenants/$tenant/models/$model" '{"family":"utg","profile":"utg-128"}' >/dev/null
api PUT "/tenants/$tenant/settings" '{"settings":{"master_SysTime_NTP_ADDR":"ntp.demo.example","CFG_RESYNC_FROM_SIP":"check-sync"}}' >/dev/null
if exists "/tenants/$tenant/devices/$mac"; then
  api POST "/tenants/$tenant/devices/$mac/rekey" >/dev/null
  note "the device was there already: it has a new key, and a new bootstrap waits"
else
  api PUT "/tenants/$tenant/devices/$mac" "{\"model\":\"$model\",\"label\":\"Reception\"}" >/dev/null
fi
password=$(openssl rand -base64 12)
api PUT "/tenants/$tenant/devices/$mac/settings" "$(jq -n --arg password "$password" \
  '{settings: {standard_Line1_Sip_SIP_USER_ID: "7001", standard_Line1_Sip_SIP_PASS: {secret: $password},
    standard_Line1_Sip_DISPLAY_NAME: "Reception & <Lobby>"}}')" >/dev/null

# The segment of an access path is shown once, so it is kept beside the local database.
segment=$(cat ".local/access-path-$tenant" 2>/dev/null || true)
if [ -z "$segment" ] || [ "$(fetch "$base/$segment/$model.cfg" "$work/initial.xml")" != 200 ]; then
  segment=$(api POST "/tenants/$tenant/access-paths" '{"label":"demo"}' | jq -r .segment)
  printf '%s' "$segment" >".local/access-path-$tenant"
fi
url=$base/$segment
note "provisioning URL of the phones: $url/"

step "1. the phone asks for its initial file: $model.cfg"
expect "$(fetch "$url/$model.cfg" "$work/initial.xml")" 200 "the initial file"
standard=$(sed -n 's:.*<CFG_STANDARD_FILE_PATH[^>]*>\([^<]*\)<.*:\1:p' "$work/initial.xml")
[ -n "$standard" ] || die "the initial file names no standard file"
note "it names $standard"

step "2. it asks for its standard file, and gets the one plaintext there is"
plain=${standard//'{MAC}'/$mac}
expect "$(fetch "$plain" "$work/bootstrap.xml")" 200 "the bootstrap"
key=$(sed -n 's:.*<CFG_FILE_KEY>\([^<]*\)<.*:\1:p' "$work/bootstrap.xml")
[ ${#key} = 32 ] || die "there is no key in the bootstrap"
note "$(wc -c <"$work/bootstrap.xml") bytes; the key is in line $(grep -n '<CFG_FILE_KEY>' "$work/bootstrap.xml" | cut -d: -f1) of $work/bootstrap.xml (not shown here)"

step "3. anybody asks for the same URL again"
expect "$(fetch "$plain" "$work/again")" 404 "the same URL again"
note "404, like everything else that is not to be had"

step "4. the phone asks for the sealed file"
sealed=${plain%.cfg}.enc
expect "$(fetch "$sealed" "$work/standard.enc")" 200 "the sealed file"
note "$(wc -c <"$work/standard.enc") bytes, beginning $(head -c 20 "$work/standard.enc")…"

step "5. openssl opens it with the key from the bootstrap"
RINGFENCE_KEY=$key openssl enc -d -aes-128-cbc -a -md md5 -pass env:RINGFENCE_KEY -in "$work/standard.enc" -out "$work/standard.xml" 2>/dev/null \
  || die "openssl cannot open the sealed file"
note "$(wc -c <"$work/standard.xml") bytes of XML"

step "6. it is what the operator's preview says"
api GET "/tenants/$tenant/devices/$mac/files/standard/preview?reveal=true" | jq -j .text >"$work/preview.xml"
cmp "$work/standard.xml" "$work/preview.xml" || die "the decrypted file differs from the preview"
grep -qF -- "$password" "$work/standard.xml" || die "the SIP password is not in the file"
note "byte for byte"

step "7. what the operator sees"
for _ in $(seq 50); do
  state=$(api GET "/tenants/$tenant/devices/$mac" | jq -r .key.state)
  [ "$state" != confirmed ] || break
  sleep 0.1
done
expect "$state" confirmed "the key's state"
note "the key is $state: it was delivered once, and the phone came back for sealed files"
# What notify.sh goes on with.
printf '%s' "$sealed" >"$work/sealed-url"
printf '%s' "$key" >"$work/key"
