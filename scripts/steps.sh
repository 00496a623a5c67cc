# shellcheck shell=bash
# shellcheck disable=SC2154 # Whoever sources it has set `teller`.
# Sourced by the scripts that take long: `step` says what begins, `took` says how long each step was.
# Whoever sources it has set `teller`, the name that stands before each line. The clock is that script's own.
steps=()
step_begun=
step_words=
# A step ends where the next one begins. One of less than a second is not worth a line.
step_ends() {
  if [ -n "$step_begun" ] && ((SECONDS > step_begun)); then
    steps+=("$(printf '%6d s  %s' "$((SECONDS - step_begun))" "$step_words")")
  fi
  step_begun=
}
step() { # step WORDS…
  step_ends
  step_begun=$SECONDS
  step_words=$*
  printf '\033[1m[%s %4ds]\033[0m %s\n' "$teller" "$SECONDS" "$*"
}
took() {
  step_ends
  [ ${#steps[@]} -gt 0 ] || return 0
  printf '[%s] %d s, of which\n' "$teller" "$SECONDS"
  printf '%s\n' "${steps[@]}"
}
