#!/bin/bash
# A throw-away virtual machine with a stock Debian kernel and the software InfiniBand HCA ibfake.
# Plain emulation: no KVM, no root, nothing is installed on the machine. x86-64, Debian 12.
#
#   testbed.sh run [OPTION...] -- COMMAND [ARG...]   standard output, error and exit status are COMMAND's
#   testbed.sh fetch [OPTION...]                     only download and build (run does it when needed)
#   testbed.sh check                                 0 when it can run here, else 77; changes nothing
#   testbed.sh exec [--run PID] -- COMMAND [ARG...]  in the guest of a running `run --door`
#
#   --kernel K    6.1, 6.12 (default), 7, or a suite: bookworm, bookworm-backports, trixie, sid
#   --share DIR   folder the guest may write, at the same path; COMMAND starts there (default: current folder)
#   --node FILE   "node" in the guest (default: DIR/node_modules/node/bin/node if it is there; '' for none)
#   --packages P  more Debian packages for the guest, comma separated (opensm,tcpdump); not installed, unpacked
#   --env N=V     environment of COMMAND, may be given several times
#   --memory MB   (2048)    --cpus N  (2)    --limit SECONDS  (300)    --append TEXT  kernel command line
#   --qemu ARGS   more arguments for the emulator, split at blanks
#   --console     print the kernel's console on standard error too
#   --door        let `testbed.sh exec` in while COMMAND runs
# TESTBED_CACHE   downloads, kernels, module (default .testbed in the repository); MIRROR: a Debian mirror
# TESTBED_UNTRIED=1  run on another system than Debian 12; ACCEL: arguments in place of plain emulation
#
# Exit status: COMMAND's own, or  70 COMMAND succeeded but the kernel reported a bug or a warning;
#   77 skipped, the reason is on standard error;  124 --limit reached;  125 the guest died.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
usage() { sed -n '2,26s/^# \{0,1\}//p' "$HERE/testbed.sh" >&2; exit 2; }
for part in progress apt tools kernel machine; do
  # shellcheck source=/dev/null
  . "$HERE/host/$part.sh"
done

# What is being filled: removed again unless it got finished.
UNFINISHED=
unfinished() { UNFINISHED=$1; }
finished() { UNFINISHED=; }

# However this script ends, the emulator ends with it, and nothing stays but what is complete.
clean_up() {
  local status=$?
  trap '' INT TERM HUP
  end_job
  [ -z "$TTY" ] || printf '\r\e[K' >&2
  [ -z "$UNFINISHED" ] || rm -rf "$UNFINISHED"
  rm -rf "$WORK"
  exit "$status"
}

# What runs that were killed outright left behind.
sweep() {
  local folder
  for folder in "$TB"/run.*; do
    [ ! -d "$folder" ] || kill -0 "${folder##*.}" 2> /dev/null || rm -rf "$folder"
  done
}

check() {
  local name system
  system=$(. /etc/os-release 2> /dev/null && echo "${ID:-} ${VERSION_ID:-}") || :
  [ "$(uname -sm)" = "Linux x86_64" ] || skip "needs Linux on x86-64, this is $(uname -sm)"
  [ "$system" = "debian 12" ] || [ -n "${TESTBED_UNTRIED:-}" ] \
    || skip "tried on Debian 12 only, this is ${system:-unknown}; TESTBED_UNTRIED=1 tries"
  for name in apt-get dpkg-deb tar awk sha256sum timeout flock setpriv; do
    command -v "$name" > /dev/null || skip "needs $name (a Debian system)"
  done
  [ -f "$KEYS" ] || skip "needs the package debian-archive-keyring"
  find_mirror
}

# 90-270 MB for the tools, 170-300 MB for a kernel, as much again while it is unpacked.
check_space() {
  local free
  free=$(df -Pm "$TB" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge 1200 ] || skip "needs 1200 MB in $TB, $free MB are free"
}

cache() { # everything that a run needs, made by one process at a time
  local wait_status=0
  exec 9> "$TB/lock"
  flock -n 9 || { say "waiting for another fetch"; start flock 9; wait "$JOB" || wait_status=$?; JOB=; }
  [ "$wait_status" = 0 ] || exit "$wait_status"
  sweep
  [ -f "$TB/tools/.ok" ] && [ -f "$TB/kernel-$(suite_of "$WANTED")/.ok" ] || check_space
  tools
  # shellcheck disable=SC2086  # a list of words
  packages $PACKAGES
  kernel "$WANTED"
  exec 9>&-
}

# The run to enter: the one named, or the only one there is.
running() {
  local folder found=()
  for folder in "$TB"/run.${RUN:-*}; do
    [ -f "$folder/started" ] && grep -qs 'DOOR=1' "$folder/conf" && found+=("$folder")
  done
  [ ${#found[@]} = 1 ] || { say "${#found[@]} runs with --door${RUN:+ and PID $RUN}"; exit 2; }
  echo "${found[0]}"
}

VERB=${1:-}; shift || usage
WANTED=6.12 SHARE=$PWD NODE=- PACKAGES='' ENVIRONMENT=() MEMORY=2048 CPUS=2 LIMIT=300
APPEND='' QEMU_ARGS='' CONSOLE='' DOOR='' RUN=''
while [ $# -gt 0 ]; do
  case $1 in
    --console) CONSOLE=1; shift; continue ;;
    --door) DOOR=1; shift; continue ;;
    --) shift; break ;;
  esac
  [ $# -ge 2 ] || usage
  case $1 in
    --kernel) WANTED=$2 ;; --share) SHARE=$2 ;; --node) NODE=$2 ;; --packages) PACKAGES=${2//,/ } ;;
    --env) ENVIRONMENT+=("$2") ;; --memory) MEMORY=$2 ;; --cpus) CPUS=$2 ;; --limit) LIMIT=$2 ;;
    --append) APPEND=$2 ;; --qemu) QEMU_ARGS=$2 ;; --run) RUN=$2 ;; *) usage ;;
  esac
  shift 2
done
case $VERB in fetch | check) [ $# = 0 ] || usage ;; run | exec) [ $# -gt 0 ] || usage ;; *) usage ;; esac

check
[ "$VERB" != check ] || exit 0
suite_of "$WANTED" > /dev/null
SHARE=$(readlink -e "$SHARE") || { say "--share: no such folder"; exit 2; }
[ "$NODE" != - ] || { NODE=$SHARE/node_modules/node/bin/node; [ -f "$NODE" ] || NODE=''; }
[ -z "$NODE" ] || [ -f "$NODE" ] || { say "--node: no such file: $NODE"; exit 2; }
TB=${TESTBED_CACHE:-$HERE/../../.testbed}; mkdir -p "$TB"; TB=$(readlink -f "$TB")
if [ "$VERB" = exec ]; then
  folder=$(running)
  door "$folder" "$@"
  exit
fi
WORK=$TB/run.$$; mkdir "$WORK"
trap clean_up EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM
cache
[ "$VERB" = fetch ] || run "$@"
