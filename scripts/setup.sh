#!/bin/sh
# Installs what building and testing need on Debian, if it is absent: compilers, network tools, a
# bootstrap Node for npm, then the packages of package-lock.json, the pinned Node among them.
#
#   scripts/setup.sh [--peer]     --peer: also containernetworking-plugins, what `make test` and
#                                 `make bench` compare with
#
# A second run looks and does nothing. Exit status: 0 all is there, 1 something cannot be had
# (the reason is on standard error).
set -eu
cd "$(dirname "$(readlink -f "$0")")/.."
export PATH="$PATH:/usr/sbin:/sbin" DEBIAN_FRONTEND=noninteractive
LIMIT=600 # seconds for one package manager's run

say() { echo "setup: $*" >&2; }
have() { command -v "$1" > /dev/null 2>&1; }

# The absent Debian packages without which nothing can be built.
missing_to_build() {
  have cc && [ -e /usr/include/stdio.h ] || echo gcc libc6-dev
  if ! fresh && ! have npm; then
    have node || echo nodejs
    echo npm
  fi
}

# The absent ones that a faster shim, tests, benches and the lab's ground `host` want.
missing_to_run() {
  have musl-gcc || echo musl-tools
  have ip || echo iproute2
  have ping || echo iputils-ping
  have nft || echo nftables
  [ "${1:-}" != --peer ] || [ -x /usr/lib/cni/macvlan ] || echo containernetworking-plugins
}

# The packages of the lock are installed, and the pinned Node with them.
fresh() {
  [ -x node_modules/node/bin/node ] && cmp -s package-lock.json node_modules/.verbena-lock
}

install_packages() {
  [ $# -gt 0 ] || return 0
  have apt-get || { say "cannot install $*: apt-get is absent, this is no Debian"; return 1; }
  say "installing $* (log: build/setup.log)"
  timeout "$LIMIT" apt-get install -y --no-install-recommends "$@" > build/setup.log 2>&1 \
    || { timeout "$LIMIT" apt-get update >> build/setup.log 2>&1 \
      && timeout "$LIMIT" apt-get install -y --no-install-recommends "$@" >> build/setup.log 2>&1; } \
    || { tail -5 build/setup.log >&2; say "cannot install $*: see build/setup.log"; return 1; }
}

install_modules() {
  ! fresh || return 0
  say "npm ci: packages of package-lock.json and the pinned Node (about 130 MB)"
  timeout "$LIMIT" npm ci --no-audit --no-fund --loglevel=error >&2 \
    || { say "npm ci failed"; exit 1; }
  node_modules/node/bin/node --version > /dev/null \
    || { say "npm ci did not bring the pinned Node: are install scripts allowed?"; exit 1; }
  cp package-lock.json node_modules/.verbena-lock
}

mkdir -p build
needed=$(missing_to_build)
wanted=$(missing_to_run "$@")
# shellcheck disable=SC2086 # one word a package
if [ "$(id -u)" = 0 ]; then
  install_packages $needed $wanted || [ -z "$needed" ] || exit 1
elif [ -n "$needed" ]; then
  say "these packages are absent, as root: apt-get install --no-install-recommends" $needed $wanted
  exit 1
elif [ -n "$wanted" ]; then
  say "going on without (as root: apt-get install --no-install-recommends" $wanted")"
fi
install_modules
