#!/bin/bash
# The tests of tier 2 in one boot of a Debian kernel, with a real OpenSM at hand.
#
#   test/testbed/run-tests.sh [KERNEL [FILE...]]   KERNEL 6.12 (default), 6.1 or 7;
#                                                  FILE: bundled tests (default dist/test-vm/*.js)
#
# Exit status: of `node --test`, or  77 skipped, the reason is printed;  70 the tests passed but the
#   kernel reported a bug or a warning;  124 not done within 1500 s;  125 the guest died;  2 no tests.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
cd "$HERE/../.."
KERNEL=${1:-6.12}
[ $# = 0 ] || shift
[ $# -gt 0 ] || set -- dist/test-vm/*.js
[ -f "$1" ] || { echo "tier 2 on kernel $KERNEL: no bundled tests ($1); make builds them" >&2; exit 2; }

reason=$(mktemp)
trap 'rm -f "$reason"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
status=0
# one test file at a time: they share the guest's adapters and its one RDMA namespace mode
TESTBED_SKIP_FILE=$reason "$HERE/testbed.sh" run --kernel "$KERNEL" --share "$PWD" --limit 1500 \
  --packages opensm,infiniband-diags,containerd,runc,podman,systemd -- \
  node --test --test-concurrency=1 --test-force-exit --test-reporter=spec "$@" || status=$?
if [ "$status" = 77 ] && [ -s "$reason" ]; then
  echo "SKIPPED: tier 2 on kernel $KERNEL: $(cat "$reason")"
elif [ "$status" != 0 ]; then
  echo "tier 2 on kernel $KERNEL ended with status $status" >&2
fi
exit "$status"
