#!/bin/sh
# Installs what `make` has built on this machine, for containers without Kubernetes: the program in
# /opt/verbena, the command `verbena`, the unit verbena-agent.service, and the CNI plugins.
#
#   deploy/systemd/install.sh [--take] [PLUGIN...]   PLUGIN: names in the CNI folder (default ipoib)
#   deploy/systemd/install.sh --remove               everything but the state in /var/lib/verbena
#
# A name in the CNI folder that another project's file has is left and said, or with --take replaced;
# --remove puts that file back. CNI_BIN: the CNI folder (default /opt/cni/bin).
# Exit status: 0 done;  1 nothing is built, or a name is another's;  2 wrong use.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
PROGRAM=/opt/verbena
COMMAND=/usr/local/bin/verbena
UNIT=/etc/systemd/system/verbena-agent.service
CNI_BIN=${CNI_BIN:-/opt/cni/bin}
KEPT=.before-verbena # ending of another project's file that a plugin took the place of

say() { echo "verbena: $*" >&2; }
is_ours() { grep -q 'plugin of Verbena' "$1" 2> /dev/null; }
reload() { [ ! -d /run/systemd/system ] || systemctl daemon-reload; }

# A file that is in use is replaced by a rename.
put() { # put MODE FILE PLACE
  install -D -m "$1" "$2" "$3.verbena-new"
  mv -f "$3.verbena-new" "$3"
}

install_program() {
  rm -rf "$PROGRAM.new"
  put 755 bin/verbena "$PROGRAM.new/bin/verbena"
  put 755 node_modules/node/bin/node "$PROGRAM.new/node_modules/node/bin/node"
  put 755 build/netns.node "$PROGRAM.new/build/netns.node"
  put 755 build/verbena-cni "$PROGRAM.new/build/verbena-cni"
  put 644 package.json "$PROGRAM.new/package.json"
  for file in dist/*.js; do put 644 "$file" "$PROGRAM.new/$file"; done
  rm -rf "$PROGRAM.old"
  [ ! -e "$PROGRAM" ] || mv "$PROGRAM" "$PROGRAM.old"
  mv "$PROGRAM.new" "$PROGRAM"
  rm -rf "$PROGRAM.old"
  mkdir -p "$(dirname "$COMMAND")"
  ln -sfn "$PROGRAM/bin/verbena" "$COMMAND"
  put 644 deploy/systemd/verbena-agent.service "$UNIT"
  reload
}

install_plugin() { # install_plugin NAME
  place=$CNI_BIN/$1
  if [ -e "$place" ] && ! is_ours "$place"; then
    if [ -z "$take" ]; then
      say "$place is another project's: left as it is; --take replaces it and keeps a copy"
      return 1
    fi
    mv "$place" "$place$KEPT"
  fi
  put 755 build/verbena-cni "$place"
}

remove_all() {
  for place in "$CNI_BIN"/*; do
    ! is_ours "$place" || rm -f "$place"
  done
  for kept in "$CNI_BIN"/*"$KEPT"; do
    [ ! -e "$kept" ] || mv "$kept" "${kept%"$KEPT"}"
  done
  rm -rf "$PROGRAM" "$COMMAND" "$UNIT"
  reload
}

take=
case ${1:-} in
  --remove) remove_all; exit ;;
  --take) take=yes; shift ;;
  -*) sed -n '5,6s/^# *//p' "$0" >&2; exit 2 ;;
esac
for file in dist/agent.js dist/verbena.js build/verbena-cni build/netns.node; do
  [ -f "$file" ] || { say "$file is absent: run make first"; exit 1; }
done
[ $# -gt 0 ] || set -- ipoib
status=0
install_program
for name in "$@"; do
  case $name in */* | .*) say "$name is no plugin's name"; exit 2 ;; esac
  install_plugin "$name" || status=1
done
exit "$status"
