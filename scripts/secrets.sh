#!/usr/bin/env bash
# Makes the secrets of a local run, once, in the git-ignored .dev.vars that wrangler dev reads. What
# is there is never replaced: the local database can only be read with its own MASTER_KEY.
set -euo pipefail
cd "$(dirname "$0")/.."
file=.dev.vars
umask 077
touch "$file"
chmod 600 "$file"
# A file whose last line does not end would swallow the next.
if [ -s "$file" ] && [ -n "$(tail -c 1 "$file")" ]; then echo >>"$file"; fi
ensure() { grep -q "^$1=" "$file" || printf '%s=%s\n' "$1" "$2" >>"$file"; }
ensure MASTER_KEY "local1:$(openssl rand -base64 32)"
ensure ADMIN_TOKEN "$(openssl rand -hex 24)"
# Plain HTTP on a loopback name counts as TLS; see src/config.rs for why a deployment cannot have it.
ensure LOCAL_HTTP loopback
