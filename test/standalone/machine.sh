#!/bin/bash
# A machine of its own on this kernel: process, mount, host name, cgroup and (unless its caller keeps
# it) network namespace, under a systemd. Its root is this machine's, with the container runtimes laid
# in; whatever is written goes to memory and is gone with it. Killing the process that this script
# becomes ends everything.
#
#   machine.sh enter RUNTIMES CHECKOUT PLACE GROUP own|shared   starts `group` as its process 1
#   machine.sh group RUNTIMES CHECKOUT PLACE GROUP              in control groups of its own, then `boot`
#   machine.sh boot RUNTIMES CHECKOUT PLACE                     becomes systemd
#   machine.sh sweep GROUP                                      removes the control groups
#   machine.sh probe RUNTIMES                                   77 and why, where it cannot be
#
# PLACE is an empty folder to mount at; GROUP the name of its control groups.
set -euo pipefail
HERE=$(readlink -f "$0")
VERB=$1; shift

# Folders that this process has in the hierarchies of control groups, version 1 and 2.
groups() {
  local controllers path at
  while IFS=: read -r _ controllers path; do
    for at in "/sys/fs/cgroup/${controllers#name=}" /sys/fs/cgroup/unified /sys/fs/cgroup; do
      [ -n "$controllers" ] || [ -f "$at/cgroup.controllers" ] || continue
      [ -f "$at$path/cgroup.procs" ] || continue
      echo "$at$path"
      break
    done
  done < /proc/self/cgroup
}

enter_groups() { # enter_groups NAME
  local group value
  for group in $(groups); do
    mkdir -p "$group/$1"
    # version 2 hands its controllers down where the group above has no processes of its own
    for value in $(cat "$group/cgroup.controllers" 2> /dev/null); do
      echo "+$value" 2> /dev/null > "$group/cgroup.subtree_control" || :
    done
    for value in cpuset.cpus cpuset.mems; do
      [ ! -f "$group/tasks" ] || [ ! -f "$group/$value" ] || cat "$group/$value" > "$group/$1/$value"
    done
    echo $$ > "$group/$1/cgroup.procs"
  done
}

# What a killed machine leaves: empty groups, once its last process is reaped.
sweep_groups() { # sweep_groups NAME
  local group
  for group in $(groups); do
    for _ in {1..50}; do
      [ -d "$group/$1" ] || break
      find "$group/$1" -depth -type d -exec rmdir {} + 2> /dev/null || sleep 0.1
    done
  done
}

mount_root() { # mount_root RUNTIMES CHECKOUT PLACE: the new root, in $root
  local runtimes=$1 checkout=$2 place=$3 part
  mount --make-rprivate /
  mount -t tmpfs machine "$place"
  mkdir "$place"/{root,top,scratch,checkout,checkout-scratch}
  root=$place/root
  mount -t overlay -o "lowerdir=/,upperdir=$place/top,workdir=$place/scratch" machine "$root"
  for part in usr etc; do
    [ -z "$runtimes" ] || [ ! -d "$runtimes/$part" ] || cp -a "$runtimes/$part/." "$root/$part/"
  done
  # it may be a file system of its own
  mkdir -p "$root$checkout"
  mount -t overlay checkout "$root$checkout" \
    -o "lowerdir=$checkout,upperdir=$place/checkout,workdir=$place/checkout-scratch"
}

mount_kernel() { # mount_kernel ROOT
  local root=$1 name
  mount -t proc proc "$root/proc"
  # knobs of the whole kernel stay as they are; those of the network are the machine's own
  mount --bind "$root/proc/sys" "$root/proc/sys"
  mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
  mount -o remount,bind,ro "$root/proc/sys"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  mkdir "$root"/dev/{pts,shm,net}
  for name in null zero full random urandom tty net/tun; do
    [ ! -e "/dev/$name" ] || { : > "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; }
  done
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  for name in 0:stdin 1:stdout 2:stderr; do
    ln -s "/proc/self/fd/${name%:*}" "$root/dev/${name#*:}"
  done
}

# The control groups below this machine's own: all hierarchies that there are.
mount_groups() { # mount_groups ROOT
  local at=$1/sys/fs/cgroup controllers folder
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 cgroup2 "$at"; return; fi
  mount -t tmpfs cgroup "$at"
  while IFS=: read -r _ controllers _; do
    folder=$at/${controllers#name=}
    [ -n "$controllers" ] || folder=$at/unified
    mkdir "$folder"
    case $controllers in
      '') mount -t cgroup2 cgroup2 "$folder" ;;
      name=*) mount -t cgroup -o "none,$controllers" cgroup "$folder" ;;
      *) mount -t cgroup -o "$controllers" cgroup "$folder" ;;
    esac
  done < /proc/self/cgroup
}

# No service but the log.
trim_services() { # trim_services ROOT
  local folder link
  for folder in "$1"/{etc,lib}/systemd/system/*.wants; do
    [ -d "$folder" ] || continue
    for link in "$folder"/*; do
      case $link in
        *journald.service | *journald.socket | *journald-dev-log.socket) ;;
        *) rm -f "$link" ;;
      esac
    done
  done
  mkdir -p "$1/etc/systemd/journald.conf.d"
  printf '[Journal]\nReadKMsg=no\nStorage=volatile\n' > "$1/etc/systemd/journald.conf.d/machine.conf"
  : > "$1/etc/fstab"
  echo verbena > "$1/etc/hostname"
  printf '%032d\n' 1 > "$1/etc/machine-id"
}

# What a machine of its own cannot do without.
probe() { # probe RUNTIMES
  local group place status=0
  [ -x /lib/systemd/systemd ] || [ -x "$1/usr/lib/systemd/systemd" ] \
    || { echo "no systemd"; exit 77; }
  [ -n "$(groups)" ] || { echo "no control groups"; exit 77; }
  for group in $(groups); do
    [ -w "$group" ] || { echo "control groups cannot be made in $group"; exit 77; }
  done
  place=$(mktemp -d)
  unshare --mount --pid --uts --cgroup --net --fork sh -euc '
    mount -t tmpfs probe "$1"
    cd "$1"
    mkdir top scratch root
    mount -t overlay -o lowerdir=/,upperdir=top,workdir=scratch probe root' sh "$place" \
    2> /dev/null || status=$?
  rmdir "$place"
  [ "$status" = 0 ] || { echo "no namespaces, or no overlay over / in them"; exit 77; }
}

case $VERB in
  probe) probe "$1" ;;
  enter)
    network=(--net)
    [ "$5" = own ] || network=()
    # ends with its caller, too
    exec setpriv --pdeathsig KILL unshare --mount --pid --uts "${network[@]}" --fork --kill-child \
      "$HERE" group "${@:1:4}"
    ;;
  group)
    # only the machine's processes are in them: version 2 hands nothing down past others
    enter_groups "$4"
    exec unshare --cgroup "$HERE" boot "${@:1:3}"
    ;;
  boot)
    mount_root "$1" "$2" "$3"
    mount_kernel "$root"
    mount_groups "$root"
    trim_services "$root"
    for folder in run tmp var/lib; do
      mkdir -p "$root/$folder"
      mount -t tmpfs machine "$root/$folder"
    done
    chmod 1777 "$root/tmp"
    # the package's plugins would be found before those that a test installs
    mkdir -p "$root/usr/lib/cni-package"
    for name in macvlan host-local; do
      [ ! -e "$root/usr/lib/cni/$name" ] || mv "$root/usr/lib/cni/$name" "$root/usr/lib/cni-package/"
    done
    mkdir "$root/.outside"
    cd "$root"
    pivot_root . .outside
    umount -l /.outside
    rmdir /.outside
    hostname verbena
    ip link set lo up
    cd /
    # a namespace that a runtime mounts is seen by services in mount namespaces of their own
    mount --make-rshared /
    exec env -i container=verbena PATH="$PATH" \
      /lib/systemd/systemd --unit=basic.target --show-status=0 --log-level=warning
    ;;
  sweep) sweep_groups "$1" ;;
  *) exit 2 ;;
esac
