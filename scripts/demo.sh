# shellcheck shell=bash
# shellcheck disable=SC2154 # Whoever sources it has set `base`.
# Sourced by phone.sh and notify.sh: the demonstration's one device, and the operator's API by curl.
umask 077
mkdir -p .local/phone
work=.local/phone
token=$(sed -n 's/^ADMIN_TOKEN=//p' .dev.vars)
mac=0080F0C571EB
model=KX-UTG300B
user_agent="Panasonic_$model/01.133 (${mac,,})"
step() { printf '\n\033[1m[phone]\033[0m %s\n' "$*"; }
note() { printf '        %s\n' "$*"; }
die() { printf '[phone] %s\n' "$*" >&2; exit 1; }

# The token goes through a file, not the command line, which others on the machine may read.
printf 'header = "Authorization: Bearer %s"\n' "$token" >"$work/operator"
trap 'rm -f "$work/operator" "$work/answer"' EXIT
api() { # api METHOD PATH [JSON]: the body of a 2xx
  local status
  status=$(curl -sS --config "$work/operator" -X "$1" ${3:+-H 'content-type: application/json' --data "$3"} \
    -o "$work/answer" -w '%{http_code}' "$base/api/v1$2")
  [[ $status == 2* ]] || die "$1 $2 answered $status: $(cat "$work/answer")"
  cat "$work/answer"
}
exists() { [ "$(curl -sS --config "$work/operator" -o /dev/null -w '%{http_code}' "$base/api/v1$1")" = 200 ]; }
fetch() { # fetch URL FILE: the status of what a phone gets
  curl -sS -A "$user_agent" -o "$2" -w '%{http_code}' "$1"
}
expect() { [ "$1" = "$2" ] || die "$3: expected $2, got $1"; }
