#!/usr/bin/env bash
# Deploys to Cloudflare; safe to run again: each step first looks whether it is done.
#
#   scripts/deploy.sh          needs `wrangler login`, or CLOUDFLARE_API_TOKEN (and, with several
#                              accounts, CLOUDFLARE_ACCOUNT_ID)
#   scripts/deploy.sh check    what can be checked without an account: bundle, size, start-up
#
# In this order, because each step needs the one before:
#   1. build
#   2. create the D1 database and the KV namespace, once; their ids go to wrangler.deploy.toml, a
#      git-ignored copy of wrangler.toml (keep it, or keep the ids: they are no secrets)
#   3. apply the migrations, before the code that needs them; they only go forward and only add
#   4. deploy
#   5. set the secrets, the first time. MASTER_KEY is shown once: without it nobody can read the keys
#      and secret settings in the database, so put it where you keep such things. They are shown on a
#      terminal alone. Elsewhere (a pipe, a CI whose log others read) SECRETS_FILE=path names a new
#      file for them, which only its owner can read; without it nothing is begun
#
# The copy also gets a limit of CPU time for each request, which an account of the free plan may not
# set: there it is deployed without.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
export RINGFENCE_PROFILE=release
say() { printf '\033[1m[deploy]\033[0m %s\n' "$*"; }
die() { printf '[deploy] %s\n' "$*" >&2; exit 1; }

scripts/setup.sh
scripts/build.sh

if [ "${1:-}" = check ]; then
  mkdir -p .local
  say "wrangler deploy --dry-run"
  wrangler deploy --dry-run --outdir .local/dry-run
  say "gzip: JavaScript $(gzip -9c build/index.js | wc -c) bytes, WebAssembly $(gzip -9c build/index_bg.wasm | wc -c) bytes"
  say "wrangler check startup"
  wrangler check startup --outfile .local/startup.cpuprofile
  say "migrations, on a new local database"
  rm -rf .local/migrations-check
  wrangler d1 migrations apply ringfence --local --persist-to .local/migrations-check >/dev/null
  say "ready to deploy (secrets, database and namespace need an account)"
  exit 0
fi

secrets_file=${SECRETS_FILE:-}
[ -z "$secrets_file" ] || [ ! -e "$secrets_file" ] || die "$secrets_file is there already: SECRETS_FILE names a new file"

wrangler whoami >/dev/null 2>&1 || die "not logged in: run \`npx wrangler login\`, or set CLOUDFLARE_API_TOKEN"

config=wrangler.deploy.toml
zero_d1=00000000-0000-0000-0000-000000000000
zero_kv=00000000000000000000000000000000

id_of() { # id_of KIND: the id that an earlier deployment wrote down
  [ -e "$config" ] || return 0
  case $1 in
    d1) sed -n 's/^database_id = "\(.*\)"/\1/p' "$config" | grep -v "$zero_d1" || true ;;
    kv) sed -n 's/^id = "\(.*\)"/\1/p' "$config" | grep -v "$zero_kv" || true ;;
  esac
}
# Who makes secrets must be able to hand them over. The Worker may not be there yet: then it has none.
if [ ! -t 1 ] && [ -z "$secrets_file" ]; then
  known=$config
  [ -e "$known" ] || known=wrangler.toml
  if ! wrangler secret list --config "$known" --format json 2>/dev/null | jq -r '.[].name' 2>/dev/null | grep -qx MASTER_KEY; then
    die "the first deployment makes MASTER_KEY and ADMIN_TOKEN, and shows them once. This is no terminal, and its output may be kept where others read it: run it in a terminal, or say SECRETS_FILE=path for a file that only you can read"
  fi
fi

d1=$(id_of d1)
if [ -z "$d1" ]; then
  d1=$(wrangler d1 list --json | jq -r '.[] | select(.name == "ringfence") | .uuid')
  if [ -z "$d1" ]; then
    say "creating the D1 database"
    wrangler d1 create ringfence >/dev/null
    d1=$(wrangler d1 list --json | jq -r '.[] | select(.name == "ringfence") | .uuid')
  fi
fi
kv=$(id_of kv)
if [ -z "$kv" ]; then
  kv=$(wrangler kv namespace list | jq -r '.[] | select(.title == "ringfence-files") | .id')
  if [ -z "$kv" ]; then
    say "creating the KV namespace"
    wrangler kv namespace create ringfence-files >/dev/null
    kv=$(wrangler kv namespace list | jq -r '.[] | select(.title == "ringfence-files") | .id')
  fi
fi
if [ -z "$d1" ] || [ -z "$kv" ]; then die "the database or the namespace could not be created: see the messages above"; fi
write_config() {
  sed -e "s/$zero_d1/$d1/" -e "s/^id = \"$zero_kv\"/id = \"$kv\"/" wrangler.toml >"$config"
}
write_config

say "applying migrations"
wrangler d1 migrations apply ringfence --remote --config "$config"

# A request's share of the one thread that all tenants of an isolate have. The heaviest that there is, a
# check of 500 devices with costly templates, takes a second or two (docs/limits-costs.md). A limit in wrangler.toml is the operator's own.
cpu_ms=10000
own_limits=
if grep -q '^\[limits\]' wrangler.toml; then
  own_limits=1
else
  printf '\n[limits]\ncpu_ms = %s\n' "$cpu_ms" >>"$config"
fi

output=$(mktemp)
trap 'rm -f "$output"' EXIT
deploy() { wrangler deploy --config "$config" 2>&1 | tee "$output"; }
# The API's code for: the plan of this account has no limits of one's own.
no_limits='code: 100328'
say "deploying"
if ! deploy; then
  grep -q "$no_limits" "$output" || die "not deployed: see the messages above"
  [ -z "$own_limits" ] || die "this account is on the free plan, which takes no [limits]: remove them from wrangler.toml"
  say "this account is on the free plan, which takes no limit of one's own and has 10 ms for each request: deploying without [limits]"
  write_config
  deploy || die "not deployed: see the messages above"
fi

have=$(wrangler secret list --config "$config" --format json | jq -r '.[].name')
hand_over() { # hand_over NAME VALUE WORDS: before it is set, so that what is set is never lost
  if [ -n "$secrets_file" ]; then
    (umask 077 && printf '%s=%s\n' "$1" "$2" >>"$secrets_file")
    say "$1 is in $secrets_file, which only you can read; $3"
  elif [ -t 1 ]; then
    say "$1 is shown this once; $3"
    printf '\n    %s\n\n' "$2"
  else
    die "$1 is missing, and a new one cannot be shown here: run it in a terminal, or say SECRETS_FILE=path"
  fi
}
new_secret() { # new_secret NAME VALUE WORDS
  if grep -qx "$1" <<<"$have"; then return 0; fi
  hand_over "$@"
  printf '%s' "$2" | wrangler secret put "$1" --config "$config" >/dev/null ||
    die "$1 could not be set, so forget this one: the next run makes another"
  say "$1 is set"
}
# Without MASTER_KEY nothing works, so without it this is the first deployment, and it comes last. Later
# a missing ADMIN_TOKEN was removed on purpose.
if ! grep -qx MASTER_KEY <<<"$have"; then
  new_secret ADMIN_TOKEN "$(openssl rand -hex 24)" "the first API token; make scoped ones with it, then delete it"
fi
new_secret MASTER_KEY "k$(date +%Y%m%d):$(openssl rand -base64 32)" "keep it: without it the database cannot be read"
say "done: GET /healthz at the address above answers"
