#!/usr/bin/env bash
# The relay as one file that needs nothing of the system it runs on, and the proof: it has no dynamic
# section that names a library, and in an empty root it checks its configuration and sends a NOTIFY.
# The C library is linked in; what it would load at run time (NSS, for names) the relay does not use.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/env.sh
say() { printf '[relay-static] %s\n' "$*"; }
fail() { printf '[relay-static] %s\n' "$*" >&2; exit 1; }

target=${RELAY_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
case $target in
  *-musl) ;; # static by default, where `rustup target add` can have it
  *-gnu)
    library=$(cc -print-file-name=libc.a)
    [ -f "$library" ] || fail "there is no libc.a: install libc6-dev (Debian) or glibc-static (Fedora)" ;;
  *) fail "a static build is for Linux, not for $target" ;;
esac
# --target, even for this machine: without it the flags would also be used for build scripts. Random
# bytes come from the system call: looking for it by dlsym, as is usual, finds nothing in a static
# binary, and the files that would be taken instead need not be there.
RUSTFLAGS='-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"' cargo build --profile relay --locked --quiet -p ringfence-relay --target "$target"
relay=$PWD/target/$target/relay/ringfence-relay

if readelf -lW "$relay" | grep -q INTERP; then fail "$relay asks for a dynamic loader"; fi
if readelf -dW "$relay" | grep NEEDED; then fail "$relay needs libraries"; fi
# What would load NSS modules at run time, of whatever version is there.
if nm "$relay" | grep -E ' [TtWw] (__)?(getaddrinfo|gethostbyname_r|getpwuid_r)$'; then
  fail "the C library's look-ups are linked in, which a static binary must not use"
fi

if [ "$target" != "$(rustc -vV | sed -n 's/^host: //p')" ] && ! "$relay" --version >/dev/null 2>&1; then
  say "not run here: it is for $target"
else
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  cp "$relay" "$root/relay"
  printf '%s\n' rfr_proof >"$root/credential"
  chmod 600 "$root/credential"
  cat >"$root/relay.toml" <<'TOML'
[pool]
url = "wss://ringfence.example/relay/v1"
credential_file = "/credential"
[sip]
bind = ["127.0.0.1:0"]
from = "sip:prov@pbx.example"
[destinations]
allow = ["127.0.0.0/8"]
[http]
listen = "127.0.0.1:0"
TOML
  if [ "$(id -u)" = 0 ]; then alone=(chroot "$root"); else alone=(unshare --user --map-root-user chroot "$root"); fi
  if "${alone[@]}" /relay --version >/dev/null 2>&1; then
    "${alone[@]}" /relay --config /relay.toml --check || fail "--check fails in an empty root"
    if command -v node >/dev/null; then
      node scripts/answer-once.mjs "${alone[@]}" /relay send --config /relay.toml || fail "send fails in an empty root"
      say "it checks its configuration and sends a NOTIFY in an empty root"
    fi
  else
    "$relay" --version >/dev/null || fail "it does not run"
    say "not tried in an empty root: that needs root or user namespaces"
  fi
fi
say "$relay ($(stat -c %s "$relay") bytes, no library needed)"
