#!/bin/bash
# Process 1 of the guest: runs the command with its two output streams on the virtio ports "out" and
# "err", leaves its status and the kernel's complaints in /run/testbed, powers off.
. /run/testbed/conf
export HOME=/root LANG=C.UTF-8 TERM=dumb
export PATH=/run/node:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
for port in /sys/class/virtio-ports/*; do
  case $(< "$port/name") in
    out) exec 5> "/dev/${port##*/}" ;;
    err) exec 6> "/dev/${port##*/}" ;;
  esac
done
# the command gets pipes: a virtio port answers neither poll() nor a second open as programs expect
mkfifo /run/o /run/e
cat /run/o >&5 & out=$!
cat /run/e >&6 & err=$!

# Commands that `testbed.sh exec` leaves in /run/testbed/door. No process is started to look for them.
door() {
  local command id pause
  exec {pause}<> <(:)
  while :; do
    for command in /run/testbed/door/*.cmd; do
      [ -f "$command" ] || continue
      id=${command%.cmd}
      mv "$command" "$id.taken"
      {
        setsid -w /bin/bash "$id.taken" < /dev/null > "$id.out" 2> "$id.err"
        echo $? > "$id.new" && mv "$id.new" "$id.status"
      } &
    done
    read -r -t 0.3 -u "$pause" || :
  done
}
[ -z "$DOOR" ] || door 5>&- 6>&- &

cd "$SHARE" || exit
cut -d' ' -f1 /proc/uptime > /run/testbed/started
setsid -w /bin/bash /run/testbed/command < /dev/null > /run/o 2> /run/e
status=$?
# what the command left running may hold the pipes: 2 s for the rest of the output
for _ in {1..20}; do
  kill -0 $out 2> /dev/null || kill -0 $err 2> /dev/null || break
  sleep 0.1
done
dmesg | grep -E 'BUG:|WARNING:|Call Trace:|Oops|general protection|refcount_t' \
  > /run/testbed/complaints
echo $status > /run/testbed/status
sync
/run/busybox umount "$SHARE" /host 2> /dev/null
/run/busybox poweroff -f
