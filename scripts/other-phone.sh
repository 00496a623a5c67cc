#!/usr/bin/env bash
# A Grandstream GXP2160 that boots for the first time in the tenant of the demonstration's other phone: it
# asks by its maker's names, for the binary form with its key first and then for its sealed file. Argument: the
# Worker's address. Works any number of times.
set -euo pipefail
cd "$(dirname "$0")/.."
base=$1
. scripts/demo.sh
# What demo.sh knows is the other phone.
other=C074AD2BD859
user_agent="Grandstream Model HW GXP2160 SW 1.0.11.39 DevId ${other,,}"
name=cfg${other,,}.xml

step "11. in the same tenant: a Grandstream GXP2160, added by its model alone"
tenant=$(api GET '/tenants?limit=200' | jq -r '.items[] | select(.name == "Demo") | .id')
url=$base/$(cat ".local/access-path-$tenant")
if exists "/tenants/$tenant/devices/$other"; then
  api POST "/tenants/$tenant/devices/$other/rekey" >/dev/null
fi
password=$(openssl rand -base64 12)
api PUT "/tenants/$tenant/devices/$other" "$(jq -n --arg password "$password" '{model: "GXP2160", label: "Kitchen", settings:
  {line_1_user: "7002", line_1_password: {secret: $password}, line_1_domain: "sip.demo.example"}}')" >"$work/other.json"
note "family $(jq -r .family "$work/other.json"), sealed as $(jq -r .profile "$work/other.json")"

step "12. it asks by its maker's names"
expect "$(fetch "$url/cfg${other,,}" "$work/other.bin")" 200 "the bootstrap"
key=$(tr -d '\0' <"$work/other.bin" | LC_ALL=C sed -n 's:.*P1359=\([A-Za-z0-9]*\)&.*:\1:p')
[ ${#key} = 32 ] || die "there is no password in the bootstrap"
expect "$(fetch "$url/cfg${other,,}" "$work/other.xml")" 404 "the same name again"
note "cfg<mac> is there once, in the binary form of $(wc -c <"$work/other.bin") bytes, with the password of the sealed file (P1359)"

step "13. $name, in the same boot: sealed, and openssl opens it"
expect "$(fetch "$url/$name" "$work/other.enc")" 200 "the sealed file"
RINGFENCE_KEY=$key openssl enc -d -aes-256-cbc -md md5 -pass env:RINGFENCE_KEY -in "$work/other.enc" -out "$work/other.xml" 2>/dev/null \
  || die "openssl cannot open the sealed file"
# The file says where the phone goes on asking, under the access path that it came by, which no preview shows.
segment=$(basename "$url")
grep -q "<P237>[^<]*/$segment</P237>" "$work/other.xml" || die "the file does not say where the phone goes on asking"
api GET "/tenants/$tenant/devices/$other/files/standard/preview?reveal=true" | jq -j .text \
  | sed "s:/ACCESS-PATH</P237>:/$segment</P237>:" >"$work/preview.xml"
cmp "$work/other.xml" "$work/preview.xml" || die "the decrypted file differs from the preview"
note "$(wc -c <"$work/other.enc") bytes, beginning $(head -c 8 "$work/other.enc"); opened, it is the operator's preview with its own URL in it, byte for byte"
