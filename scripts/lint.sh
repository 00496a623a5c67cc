#!/usr/bin/env bash
# What a machine can hold the code to: formatting and linters, the arrows between the crates and the
# floors and circles of src/, dependencies, links, that no secret is committed, and known vulnerabilities.
#
#   scripts/lint.sh         all of it
#   scripts/lint.sh rules   what compiles nothing, from the arrows to the secrets: seconds
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

teller=lint
. scripts/steps.sh

complaints=()
bad() { printf '[lint] %s\n' "$*" >&2; complaints+=("$*"); }

only=${1:-}
if [ "$only" != rules ]; then
  scripts/setup.sh lint

  step "cargo fmt"
  cargo fmt --all --check || bad "run cargo fmt --all"
  cargo fmt --manifest-path tools/bindgen/Cargo.toml --check || bad "run cargo fmt --manifest-path tools/bindgen/Cargo.toml"

  step "cargo clippy, warnings are errors"
  cargo clippy --workspace --all-targets --quiet -- -D warnings || bad "clippy has something to say"
  # Into the workspace's folder, which is kept: cold it takes half a minute. scripts/setup.sh keeps none of its own.
  cargo clippy --manifest-path tools/bindgen/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}" --all-targets --locked --quiet -- -D warnings ||
    bad "clippy has something to say about tools/bindgen"

  step "rustdoc, warnings are errors"
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet || bad "rustdoc has something to say"

  step "shellcheck"
  shellcheck --external-sources --severity=style scripts/*.sh .ci/run || bad "shellcheck has something to say"

  step "prettier"
  prettier --log-level warn --check 'scripts/**/*.mjs' 'tests/**/*.mjs' 'npm/**/*.mjs' 'npm/**/*.json' 'crates/console/editor/*.js' crates/console/assets/console.js 'src/**/*.js' eslint.config.mjs package.json || bad "run prettier --write on them"

  step "eslint"
  eslint --max-warnings 0 . || bad "eslint has something to say"
fi

# --- Arrows between the crates (ARCHITECTURE.md, invariant 1) ---------------------------------------

declare -A trees
forbid() { # forbid PACKAGE "WHY" NAME…: nothing that PACKAGE is built from is called so, its tests' own apart
  local package=$1 why=$2; shift 2
  [ -n "${trees[$package]:-}" ] ||
    trees[$package]=$(cargo tree --locked --package "$package" --edges normal,build --prefix none --format '{p}' | cut -d' ' -f1 | sort -u)
  for forbidden in "$@"; do
    if grep -qx "$forbidden" <<<"${trees[$package]}"; then bad "$package depends on $forbidden: $why"; fi
  done
}

step "dependency rules"
leaves=(ringfence-console ringfence-provision ringfence-sip-notify ringfence-sql ringfence-wire)
pure=(ringfence-api ringfence-json "${leaves[@]}" ringfence-import ringfence-queue ringfence-sender)
runtime=(worker wasm-bindgen js-sys web-sys)
sockets=(tokio mio socket2 async-std smol hyper reqwest)
impure=(getrandom rand time chrono)
for package in "${pure[@]}"; do
  forbid "$package" "only the Worker (src/) may" "${runtime[@]}"
  forbid "$package" "only crates/relay opens sockets" "${sockets[@]}"
  forbid "$package" "time and random bytes are arguments of the pure crates" "${impure[@]}"
  forbid "$package" "arrows point inwards" ringfence ringfence-relay
done
# crates/json is the ground: what reads JSON stands on it.
for package in ringfence-json "${leaves[@]}"; do
  for other in "${pure[@]}"; do
    case $other:$package in ringfence-json:ringfence-console | ringfence-json:ringfence-sql | ringfence-json:ringfence-wire) continue ;; esac
    [ "$package" = "$other" ] || forbid "$package" "these crates do not know each other; only crates/api, crates/import, crates/queue and crates/sender stand on some of them, and what reads JSON on crates/json" "$other"
  done
done
forbid ringfence-relay "only the Worker (src/) may" worker
for other in ringfence-console ringfence-queue ringfence-sip-notify ringfence-sql ringfence-wire; do
  forbid ringfence-import "it stands on crates/provision alone" "$other"
done
for other in ringfence-console ringfence-import ringfence-provision ringfence-queue ringfence-sql; do
  forbid ringfence-sender "it stands on crates/sip-notify and crates/wire" "$other"
done
for other in ringfence-console ringfence-import ringfence-sender; do
  forbid ringfence-api "it stands on crates/provision, crates/queue and crates/wire" "$other"
done
for other in ringfence-api ringfence-console ringfence-import ringfence-provision ringfence-sender; do
  forbid ringfence-queue "it stands on crates/json, crates/sip-notify, crates/sql and crates/wire" "$other"
done
for package in "${pure[@]}" ringfence ringfence-cli ringfence-relay; do forbid "$package" "it is for tests alone" ringfence-test-cost rusqlite schemars; done
forbid ringfence-cli "it is a client of the API, and shares with the Worker what is pure" worker ringfence ringfence-relay tokio hyper
forbid ringfence "the Worker has no sockets and does not know the relay" socket2 mio ringfence-cli ringfence-relay hyper reqwest

step "every dependency is used, comes from crates.io, and its licence lets it be handed out"
node scripts/dependencies.mjs || bad "a dependency is one too many"

step "no crate is in a program twice"
# Two versions cost the Worker size and start-up. The relay has one such pair: ring takes the older getrandom.
twice() { # twice PACKAGE [FLAG…]: names of crates that are in it in more than one version
  local package=$1; shift
  cargo tree --locked --quiet --package "$package" --edges normal,no-proc-macro --duplicates --depth 0 --prefix none --format '{p}' "$@" |
    sed -n 's/^\([^ ]* v[^ ]*\).*/\1/p' | sort -u | cut -d' ' -f1 | uniq -d
}
for duplicate in $(twice ringfence --target wasm32-unknown-unknown); do bad "the Worker has $duplicate in two versions"; done
for duplicate in $(twice ringfence-relay); do
  [ "$duplicate" = getrandom ] || bad "the relay has $duplicate in two versions"
done

step "no I/O, clock or randomness in the pure crates' source"
if grep -rnE '\bstd::(net::(Tcp|Udp)|fs::|process::|env::)|SystemTime::now|Instant::now|\bthread::sleep' \
    crates/{api,console,import,json,provision,sender,sip-notify,sql,wire,queue}/src; then
  bad "a pure crate reaches outside"
fi
if grep -rnE '\b(TcpStream|TcpListener|UdpSocket)\b' src; then bad "src/ opens a socket"; fi

step "floors and circles of src/"
node scripts/floors.mjs || bad "src/ has an import or a circle that ARCHITECTURE.md, Floors and Circles, does not allow"

step "the console's pages run no script but their own files"
# The content security policy forbids the rest, and htmx would fail without a word.
if grep -rnEi '\son[a-z]+=|\bstyle=|hx-on|hx-vals=|hx-vars|hx-headers=|javascript:|"js:|<style|<script[^>]*>[^<]|hx-trigger="[^"]*\[' crates/console/templates; then
  bad "a template has a script, a style or an expression in it"
fi
if grep -rnE '\|\s*safe\b|escape\s*=\s*"none"' crates/console/{templates,src}; then bad "a page shows something without escaping it"; fi
# Only the templates that sections, fields and cells are.
if grep -rn 'HtmlSafe' crates/console/src --include=*.rs | grep -v '^crates/console/src/part.rs:'; then bad "a page shows something without escaping it"; fi

step "what is a vendor's stands in the vendor's folder"
node scripts/vendors.mjs || bad "a vendor's name stands outside of its folder"

step "the relay asks the C library for no name: a static binary could not"
if grep -rnE '\b(connect_async(_with_config)?|lookup_host|ToSocketAddrs)\b|connect\("' crates/relay/src; then
  bad "crates/relay/src/resolver.rs looks names up; scripts/relay-static.sh says why"
fi

# --- Documents --------------------------------------------------------------------------------------

step "links in the documents, and which test proves which invariant"
node scripts/links.mjs || bad "a link leads nowhere, or ARCHITECTURE.md and tests/README.md differ about a test"

step "the vendors' pages have the same sections"
node scripts/pages.mjs || bad "a page of docs/phones is not like the others"

step "README is a first page"
if [ "$(wc -l <README.md)" -gt 150 ]; then bad "README.md has more than 150 lines: what is more belongs to docs/"; fi

step "each crate and each tool has a README"
for folder in crates/*/ tools/*/; do
  [ -s "${folder}README.md" ] || bad "${folder}README.md is missing: what it does, in a few lines, and how its tests are run"
done

step "nothing is cited that is not in the repository"
if git grep -nIiE '\b(issue [0-9]+\b|(findings|design|structure|domain)\.md)' -- . ':!scripts/lint.sh'; then bad "cite what a reader can open"; fi

step "a text says what a number is, and a section # Errors what fails"
# CONTRIBUTING.md, How prose is written. What is in migrations/ stays as it was applied.
node scripts/prose.mjs || bad "a text does not say what it means"

# --- Secrets ----------------------------------------------------------------------------------------

step "no secret is committed"
if git ls-files | grep -E '(^|/)(\.dev\.vars|\.env)($|\.)|(^|/)\.local/'; then bad "a file with secrets is in git"; fi
if git grep -nIE -e '^ *-----BEGIN ([A-Z]+ )*PRIVATE KEY-----$' -e 'PRIVATE KEY-----(\\r)?\\n[A-Za-z0-9+/]{16}' -e 'MASTER_KEY(_PREVIOUS)? *[=:] *"?[A-Za-z0-9_-]+:[A-Za-z0-9+/]{43}=' -- .; then
  bad "this looks like a secret"
fi
if [ -e .dev.vars ]; then
  while IFS='=' read -r name value; do
    if [ ${#value} -ge 32 ] && git grep -qF -e "$value" -- .; then bad "$name of .dev.vars is in git"; fi
  done <.dev.vars
fi

# --- Advisories -------------------------------------------------------------------------------------

if [ "$only" = rules ]; then :
elif command -v cargo-audit >/dev/null; then
  step "cargo audit"
  database=${CARGO_HOME:-$HOME/.cargo}/advisory-db
  if [ -d "$database" ]; then cargo audit --no-fetch --quiet || bad "cargo audit found advisories"
  elif cargo audit --quiet; then :
  elif [ -d "$database" ]; then bad "cargo audit found advisories"
  else step "skipped: the advisory database cannot be had here"; fi
else
  step "advisories skipped: cargo-audit is not installed (cargo install cargo-audit)"
fi

took
# Again at the end: whoever sees the last lines of a log sees what is wrong.
if [ ${#complaints[@]} -gt 0 ]; then printf '[lint] %s\n' "${complaints[@]}" >&2; exit 1; fi
echo "[lint] clean"
