#!/usr/bin/env bash
# Deploys to Cloudflare; safe to run again: each step first looks whether it is done.
#
#   scripts/deploy.sh          needs `wrangler login`, or CLOUDFLARE_API_TOKEN (and, with several
#                              accounts, CLOUDFLARE_ACCOUNT_ID)
#   scripts/deploy.sh check    what can be checked without an account: bundle, size, start-up
#
# In this order, because each step needs the one before:
#   1. build
#   2. deploy. The first time wrangler creates the D1 database `ringfence` and the KV namespace `ringfence-files`, and
#      binds them to the Worker; later it finds them bound. The Worker brings the database to its schema by itself. What its
#      rate limits count by follows from its name, so that two installations in one account do not count together
#   3. set the secrets, the first time. MASTER_KEY is shown once: without it nobody can read the keys
#      and secret settings in the database, so put it where you keep such things. They are shown on a
#      terminal alone. Elsewhere (a pipe, a CI whose log others read) SECRETS_FILE=path names a new
#      file for them, which only its owner can read; without it nothing is begun
#
# It is deployed with a limit of CPU time for each request, which an account of the free plan may not
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

# The names of the secrets. The Worker may not be there yet: then it has none, and this fails.
secrets() { wrangler secret list --format json | jq -r '.[].name'; }
is_there=1
have=$(secrets 2>/dev/null) || is_there=

# Who makes secrets must be able to hand them over.
if [ ! -t 1 ] && [ -z "$secrets_file" ] && ! grep -qx MASTER_KEY <<<"$have"; then
  die "the first deployment makes MASTER_KEY and ADMIN_TOKEN, and shows them once. This is no terminal, and its output may be kept where others read it: run it in a terminal, or say SECRETS_FILE=path for a file that only you can read"
fi

# A request's share of the one thread that all tenants of an isolate have. The heaviest that there is, a
# check of 500 devices with costly templates, takes a second or two (docs/limits-costs.md). A limit in wrangler.toml is the operator's own.
limits=$'\n[limits]\ncpu_ms = 10000\n'
if grep -q '^\[limits\]' wrangler.toml; then limits=; fi
# A deployment that fails after wrangler has made the namespace leaves it bound to nothing, and the next one fails to
# make it again: it is named then.
namespace=
name=$(sed -nE "/^name *=/{s/^name *= *[\"'](.*)[\"'].*/\1/p;q}" wrangler.toml)
output=$(mktemp)
# Beside wrangler.toml, because what that names is named from where it is.
config=wrangler.made.toml
trap 'rm -f "$output" "$config"' EXIT
deploy() {
  { sed "s/^binding = \"FILES\"\$/&${namespace:+\nid = \"$namespace\"}/" wrangler.toml | node scripts/counters.mjs "$name"
    printf '%s' "$limits"; } >"$config"
  wrangler deploy --config "$config" 2>&1 | tee "$output"
}
# The API's codes for: the plan of this account has no limits of one's own; a namespace has that name.
no_limits='code: 100328'
name_is_taken='code: 10014'
find_namespace() { namespace=$(wrangler kv namespace list | jq -r --arg title "$name-files" '.[] | select(.title == $title) | .id'); }
say "deploying"
until deploy; do
  if grep -q "$no_limits" "$output"; then
    [ -n "$limits" ] || die "this account is on the free plan, which takes no [limits]: remove them from wrangler.toml"
    say "this account is on the free plan, which takes no limit of one's own and has 10 ms for each request: deploying without [limits]"
    limits=
    [ -n "$is_there" ] || find_namespace
  elif [ -z "$namespace" ] && grep -q "$name_is_taken" "$output"; then
    find_namespace
    [ -n "$namespace" ] || die "not deployed: see the messages above"
    say "going on with the KV namespace $name-files, which an attempt before this one has made"
  else
    die "not deployed: see the messages above"
  fi
done

have=$(secrets)
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
  printf '%s' "$2" | wrangler secret put "$1" >/dev/null ||
    die "$1 could not be set, so forget this one: the next run makes another"
  say "$1 is set"
}
# Without MASTER_KEY nothing works, so without it this is the first deployment, and it comes last. Later
# a missing ADMIN_TOKEN was removed on purpose.
if ! grep -qx MASTER_KEY <<<"$have"; then
  new_secret ADMIN_TOKEN "$(openssl rand -hex 24)" "the first API token; make scoped ones with it, then delete it"
fi
new_secret MASTER_KEY "k$(date +%Y%m%d):$(openssl rand -base64 32)" "keep it: without it the database cannot be read"
say "done: GET /healthz at the address above brings the database to the schema of this version, and answers"
