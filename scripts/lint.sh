#!/usr/bin/env bash
# What a machine can hold the code to: formatting, clippy, the arrows between the crates, that no
# secret is committed, and known vulnerabilities in dependencies.
#
#   scripts/lint.sh         all of it
#   scripts/lint.sh rules   the arrows and the secrets alone: seconds, and nothing is compiled
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh

failed=0
step() { printf '\033[1m[lint %4ds]\033[0m %s\n' "$SECONDS" "$*"; }
bad() { printf '[lint] %s\n' "$*" >&2; failed=1; }

only=${1:-}
[ "$only" = rules ] || scripts/setup.sh lint
if [ "$only" != rules ]; then
  step "cargo fmt"
  cargo fmt --all --check || bad "run cargo fmt --all"

  step "cargo clippy, warnings are errors"
  cargo clippy --workspace --all-targets --quiet -- -D warnings || bad "clippy has something to say"

  step "rustdoc, warnings are errors"
  RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --quiet || bad "rustdoc has something to say"

  step "shellcheck"
  shellcheck --external-sources --severity=warning scripts/*.sh .ci/run || bad "shellcheck has something to say"

  step "prettier and eslint"
  prettier --log-level warn --check 'scripts/**/*.mjs' 'tests/**/*.mjs' eslint.config.mjs package.json || bad "run prettier --write on them"
  eslint . || bad "eslint has something to say"
fi

# --- Arrows between the crates (ARCHITECTURE.md, invariant 1) ---------------------------------------

depends() { # depends PACKAGE [FLAG…]: names of everything PACKAGE is built from, without tests' own
  local package=$1; shift
  cargo tree --locked --package "$package" --edges normal,build --prefix none --format '{p}' "$@" | cut -d' ' -f1 | sort -u
}
forbid() { # forbid PACKAGE "WHY" NAME…
  local package=$1 why=$2 tree; shift 2
  tree=$(depends "$package")
  for name in "$@"; do
    if grep -qx "$name" <<<"$tree"; then bad "$package depends on $name: $why"; fi
  done
}

step "dependency rules"
leaves=(ringfence-provision ringfence-sip-notify ringfence-sql ringfence-wire)
pure=("${leaves[@]}" ringfence-queue)
runtime=(worker wasm-bindgen js-sys web-sys)
sockets=(tokio mio socket2 async-std smol hyper reqwest)
impure=(getrandom rand time chrono)
for package in "${pure[@]}"; do
  forbid "$package" "only the Worker (src/) may" "${runtime[@]}"
  forbid "$package" "only crates/relay opens sockets" "${sockets[@]}"
  forbid "$package" "time and random bytes are arguments of the pure crates" "${impure[@]}"
  forbid "$package" "arrows point inwards" ringfence ringfence-relay
done
for package in "${leaves[@]}"; do
  for other in "${pure[@]}"; do
    [ "$package" = "$other" ] || forbid "$package" "these crates do not know each other; only crates/queue stands on them" "$other"
  done
done
forbid ringfence-relay "only the Worker (src/) may" worker
for package in "${pure[@]}" ringfence ringfence-relay; do forbid "$package" "it is for tests alone" ringfence-test-cost rusqlite schemars; done
forbid ringfence "the Worker has no sockets and does not know the relay" socket2 mio ringfence-relay hyper reqwest

step "every dependency is used"
mkdir -p target
# By its name in the source, which is enough for crates that are not renamed. `getrandom` of the Worker
# also turns on a feature, and what only the tests of a crate use stands in its tests.
for manifest in Cargo.toml crates/*/Cargo.toml; do
  folder=$(dirname "$manifest")
  sed -n '/^\[\(dev-\)\?dependencies\]/,/^\[\(lints\|features\|profile\|lib\|bin\)/p' "$manifest" |
    sed -n 's/^\([a-z0-9_-]\+\)\(\.workspace\)\? *=.*/\1/p' | sort -u |
    while read -r name; do
      [ "$name" = md-5 ] && name=md5
      grep -rqE "\b${name//-/_}\b" "$folder/src" "$folder/tests" --include='*.rs' 2>/dev/null || echo "$manifest: $name"
    done
done >target/unused-dependencies
if [ -s target/unused-dependencies ]; then cat target/unused-dependencies; bad "these dependencies are used nowhere"; fi

step "no I/O, clock or randomness in the pure crates' source"
if grep -rnE '\bstd::(net::(Tcp|Udp)|fs::|process::|env::)|SystemTime::now|Instant::now|\bthread::sleep' \
    crates/{provision,sip-notify,sql,wire,queue}/src; then
  bad "a pure crate reaches outside"
fi
if grep -rnE '\b(TcpStream|TcpListener|UdpSocket)\b' src; then bad "src/ opens a socket"; fi

step "floors of src/"
node scripts/floors.mjs || bad "src/ has an import that ARCHITECTURE.md, Floors, does not allow"

step "the relay asks the C library for no name: a static binary could not"
if grep -rnE '\b(connect_async(_with_config)?|lookup_host|ToSocketAddrs)\b|connect\("' crates/relay/src; then
  bad "crates/relay/src/resolver.rs looks names up; scripts/relay-static.sh says why"
fi

# --- Documents --------------------------------------------------------------------------------------

step "links in the documents"
node scripts/links.mjs || bad "a link leads nowhere"

step "README is a first page"
if [ "$(wc -l <README.md)" -gt 150 ]; then bad "README.md has more than 150 lines: what is more belongs to docs/"; fi

step "nothing is cited that is not in the repository"
if git grep -nIE '\b(issue [0-9]+\b|(findings|design|structure|domain)\.md)' -- . ':!scripts/lint.sh'; then bad "cite what a reader can open"; fi

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

if [ "$failed" = 0 ]; then step "clean"; else exit 1; fi
