#!/usr/bin/env bash
# The command line as it is handed out: fast, small, for this machine's system or for TARGET, and its man pages and
# completions beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
cargo build --profile relay --locked --quiet -p ringfence-cli --target "$target"
folder=target/$target/relay
program=$PWD/$folder/ringfence
if ! "$program" --version >/dev/null 2>&1; then
  printf '[cli] %s is for another machine\n' "$program"
  exit 0
fi
rm -rf "$folder/man" "$folder/completions"
mkdir -p "$folder/completions"
"$program" man "$folder/man" --quiet
for shell in bash zsh fish; do "$program" completions "$shell" >"$folder/completions/ringfence.$shell"; done
printf '[cli] %s (%s bytes), with man pages and completions beside it\n' "$program" "$(stat -c %s "$program")"
