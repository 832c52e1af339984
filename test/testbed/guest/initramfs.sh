#!/bin/busybox sh
# init of the initramfs: puts the guest's root together and hands over to pid1.sh.
#
# The machine's / comes read-only over 9p; under it, for what the machine lacks, the tools; over both a
# tmpfs, so that nothing written gets out. 9p tags: root, tools, mods (kernel modules), host (the
# shared folder, writable), ctl (folder of this run, not cached: conf, pid1.sh, command, status).
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for m in $(cat /m/order); do insmod "/m/$m"; done

o=trans=virtio,version=9p2000.L,msize=512000
n=/newroot
v=$(uname -r)
mount -t 9p -o $o,cache=none ctl /ctl
. /ctl/conf
mount -t 9p -o $o,ro,cache=loose root /ro
mount -t 9p -o $o,ro,cache=loose tools /q
mount -t tmpfs tmpfs /rw
mkdir /rw/up /rw/work
mount -t overlay -o lowerdir=/ro:/q,upperdir=/rw/up,workdir=/rw/work overlay $n
mkdir -p $n/proc $n/sys $n/dev $n/run $n/tmp "$n/lib/modules/$v"
mount -t 9p -o $o,ro,cache=loose mods "$n/lib/modules/$v"

mount -t proc proc $n/proc
mount -t sysfs sys $n/sys
mount -t devtmpfs dev $n/dev
mkdir -p $n/dev/pts $n/dev/shm
mount -t devpts pts $n/dev/pts
ln -s /proc/self/fd $n/dev/fd
for i in 0:stdin 1:stdout 2:stderr; do ln -s /proc/self/fd/${i%:*} $n/dev/${i#*:}; done
for d in dev/shm run tmp; do mount -t tmpfs tmp $n/$d; done
chmod 1777 $n/tmp $n/dev/shm
mount -t cgroup2 cgroup2 $n/sys/fs/cgroup
mount -t debugfs debugfs $n/sys/kernel/debug

mkdir -p "$n$SHARE" $n/host $n/run/testbed
mount -t 9p -o $o,cache=loose host "$n$SHARE"
mount -o bind "$n$SHARE" $n/host
mount -o bind /ctl $n/run/testbed

# the Node image lies in the machine's page cache; DAX maps it without a copy
if [ -n "$NODE" ]; then
  for m in $(cat /m/pmem); do insmod "/m/$m"; done
  mkdir $n/run/node
  for i in 1 2 3 4 5 6 7 8 9 10; do
    [ -b /dev/pmem0 ] && break
    sleep 0.05
  done
  mount -t ext4 -o ro,dax=always /dev/pmem0 $n/run/node || mount -t ext4 -o ro /dev/pmem0 $n/run/node
fi

hostname testbed
ip link set lo up
cp /bin/busybox $n/run/busybox
exec switch_root $n /bin/bash /run/testbed/pid1.sh
