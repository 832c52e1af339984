# shellcheck shell=bash
# What the test bed says while it works, and the jobs it says it about.
#
# On a terminal a step is one line that is rewritten: step, MB of MB, time left. In a log it is a line
# at its start with the expected size, one every 10 s, one at its end with size and seconds.
# All of it goes to standard error, each line begins with "testbed: ".
#
# Needs: WORK (folder of this run), TB (cache). Sets: JOB, process group of the running step.

TTY='' WIDTH=80
if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
  TTY=1
  WIDTH=$(stty size <&2 2> /dev/null | cut -d' ' -f2) || :
  [ "${WIDTH:-0}" -gt 0 ] || WIDTH=80
fi
JOB=

say() { printf '%stestbed: %s\n' "${TTY:+$'\r\e[K'}" "$*" >&2; }

# Ends the run as skipped; who wants the reason as text names a file in TESTBED_SKIP_FILE.
skip() {
  say "SKIPPED: $*"
  [ -z "${TESTBED_SKIP_FILE:-}" ] || printf '%s\n' "$*" > "$TESTBED_SKIP_FILE"
  exit 77
}

# Milliseconds of a clock that runs, in NOW_MS.
clock() { NOW_MS=$((${EPOCHREALTIME/[.,]/} / 1000)); }

# start COMMAND...: in the background with a process group of its own, so that a signal to this script
# takes effect at once and the whole of the job can be ended.
start() {
  set -m
  "$@" < /dev/null &
  JOB=$!
  set +m
}

# Ends the running job with everything it started: asked first, forced after 3 s.
end_job() {
  [ -n "$JOB" ] || return 0
  kill -TERM -- "-$JOB" 2> /dev/null || :
  local i
  for i in {1..30}; do
    kill -0 -- "-$JOB" 2> /dev/null || break
    sleep 0.1
  done
  kill -KILL -- "-$JOB" 2> /dev/null || :
  wait "$JOB" 2> /dev/null || :
  JOB=
}

# Text of one look at a step: SO_FAR and TOTAL in bytes, or in seconds when UNIT is s.
progress_text() { # progress_text UNIT SO_FAR TOTAL ELAPSED_MS
  local unit=$1 so_far=$2 total=$3 ms=$4 left
  if [ "$unit" = s ]; then
    echo "$((ms / 1000)) s of about $total s"
  elif [ "$so_far" -le 0 ] || [ "$total" -le 0 ] || [ "$ms" -lt 1000 ]; then
    echo "$(((so_far + 500000) / 1000000)) MB, $((ms / 1000)) s so far"
  else
    [ "$so_far" -le "$total" ] || so_far=$total
    left=$(((total - so_far) / 1000 * ms / (so_far / 1000 + 1) / 1000))
    echo "$(((so_far + 500000) / 1000000)) of $(((total + 500000) / 1000000)) MB, $left s left"
  fi
}

# follow TITLE UNIT TOTAL METER [FILE [SECONDS]]: shows JOB until it ends, FILE is there or time is up.
# METER is a command that prints the bytes so far. Leaves the milliseconds in STEP_MS.
follow() {
  local title=$1 unit=$2 total=$3 meter=$4 file=${5:-} limit=${6:-} begun next=10000 now=0 seen text
  clock; begun=$NOW_MS STEP_MS=0
  if [ -z "$TTY" ]; then
    case $unit-$total in
      s-*) say "$title: about $total s" ;;
      *-0) say "$title" ;;
      *) say "$title: $(((total + 500000) / 1000000)) MB" ;;
    esac
  fi
  while kill -0 "$JOB" 2> /dev/null && ! { [ -n "$file" ] && [ -e "$file" ]; }; do
    sleep 0.1
    clock; STEP_MS=$((NOW_MS - begun))
    [ -z "$limit" ] || [ "$STEP_MS" -lt $((limit * 1000)) ] || break
    if [ -z "$TTY" ]; then
      [ "$STEP_MS" -ge "$next" ] || continue
      next=$((next + 10000))
    fi
    if [ -n "$meter" ]; then seen=$($meter 2> /dev/null) && now=${seen:-$now}; fi
    text="$title: $(progress_text "$unit" "$now" "$total" "$STEP_MS")"
    # cut to the width: a line that wraps cannot be rewritten
    if [ -n "$TTY" ]; then text="testbed: $text"; printf '\r\e[K%s' "${text:0:WIDTH - 1}" >&2; else say "$text"; fi
  done
}

# The closing line of a step that went well.
followed() { # followed TITLE BYTES
  local size=''
  [ "$2" -le 0 ] || size="$((($2 + 500000) / 1000000)) MB in "
  say "$1: $size$((STEP_MS / 1000)).$((STEP_MS / 100 % 10)) s"
}

# step TITLE BYTES METER COMMAND...: a step whose size is known (0: not known).
step() {
  local title=$1 bytes=$2 meter=$3 status=0; shift 3
  start "$@"
  follow "$title" bytes "$bytes" "$meter"
  wait "$JOB" || status=$?
  JOB=
  if [ "$status" = 0 ]; then followed "$title" "$bytes"; elif [ -n "$TTY" ]; then printf '\r\e[K' >&2; fi
  return "$status"
}

# timed_step NAME TITLE COMMAND...: a step that takes as long as it took the last time.
timed_step() {
  local name=$1 title=$2 status=0; shift 2
  start "$@"
  follow "$title" s "$(usual_seconds "$name")" ''
  wait "$JOB" || status=$?
  JOB=
  if [ "$status" = 0 ]; then
    followed "$title" 0
    remember_seconds "$name"
  elif [ -n "$TTY" ]; then printf '\r\e[K' >&2; fi
  return "$status"
}
usual_seconds() { cat "$TB/seconds/$1" 2> /dev/null || echo 10; }
remember_seconds() { mkdir -p "$TB/seconds" && echo "$(((STEP_MS + 999) / 1000))" > "$TB/seconds/$1"; }

# Meters.
bytes_in() { du -sbc "$@" 2> /dev/null | awk 'END { print $1 }'; }
