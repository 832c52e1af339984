#!/bin/bash
# Container runtimes for tests, from Debian bookworm's packages: unpacked in the cache, not installed.
#
#   test/standalone/runtimes.sh     fills .testbed/runtimes (41 MB of download); a second run does nothing
#
# Exit status: 0 they are there;  77 they cannot be had, the reason is in .testbed/runtimes.skipped.
# TESTBED_CACHE, MIRROR: as test/testbed/testbed.sh.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
for part in progress apt; do
  # shellcheck source=/dev/null
  . "$HERE/../testbed/host/$part.sh"
done
PACKAGES=(containerd runc podman busybox-static systemd)

# What the machine lacks of them, one name=version a line; what it has in another version is left.
absent() {
  apt_in "$TB/apt/runtimes" /var/lib/dpkg/status \
    apt-get -s install --no-install-recommends "$@" 2> "$WORK/apt.log" \
    | awk '/^Inst/ && $3 ~ /^\(/ { print $2 "=" substr($3, 2) }'
}

TB=${TESTBED_CACHE:-$HERE/../../.testbed}; mkdir -p "$TB"; TB=$(readlink -f "$TB")
TESTBED_SKIP_FILE=$TB/runtimes.skipped
INTO=$TB/runtimes
exec 9> "$TB/runtimes.lock"
flock 9
[ ! -f "$INTO/.ok" ] || exit 0
rm -f "$TESTBED_SKIP_FILE"
WORK=$(mktemp -d "$TB/runtimes.XXXXXX")
trap 'end_job; rm -rf "$WORK"' EXIT
trap 'exit 130' INT; trap 'exit 143' TERM

[ "$(uname -sm)" = "Linux x86_64" ] || skip "needs Linux on x86-64, this is $(uname -sm)"
for name in apt-get dpkg-deb tar awk; do
  command -v "$name" > /dev/null || skip "needs $name (a Debian system)"
done
[ -f "$KEYS" ] || skip "needs the package debian-archive-keyring"
find_mirror
apt_lists "$TB/apt/runtimes" bookworm bookworm-updates
list=$(absent "${PACKAGES[@]}") || skip "apt cannot work out ${PACKAGES[*]}: $(apt_reason)"
mkdir "$WORK/root" "$WORK/debs"
if [ -n "$list" ]; then
  # shellcheck disable=SC2086  # a list of words
  apt_download "$TB/apt/runtimes" /var/lib/dpkg/status "the container runtimes" "$WORK/debs" $list \
    || skip "cannot download the container runtimes from $MIRROR: $(apt_reason)"
  unpack "the container runtimes" "$WORK/root" "$WORK"/debs/*.deb \
    || skip "cannot unpack the container runtimes in $WORK"
fi
touch "$WORK/root/.ok"
rm -rf "$INTO"
mv "$WORK/root" "$INTO"
