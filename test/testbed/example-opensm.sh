#!/bin/bash
# A real OpenSM gives the ports of the software HCAs their LIDs, states and P_Keys.
#
#   test/testbed/testbed.sh run --packages opensm,infiniband-diags -- bash test/testbed/example-opensm.sh
set -euo pipefail
ip() { command ip -c=never "$@"; }
now() { cut -d' ' -f1 /proc/uptime; }
since() { awk "BEGIN { print $(now) - $1 }"; }
carriers() { ip netns exec A cat /sys/class/net/c0/carrier; ip netns exec B cat /sys/class/net/c1/carrier; }
await() { # await TENTHS COMMAND...
  local n=$1; shift
  while ! "$@" > /dev/null 2>&1; do
    [ $((n -= 1)) -gt 0 ] || { echo "FAILED: $*"; tail -5 log out 2> /dev/null; exit 1; }
    sleep 0.1
  done
}
ports_there() { [ -e /dev/infiniband/umad1 ] && [ -d /sys/class/net/ib1 ]; }
both_up() { [ "$(carriers | tr -d '\n')" = 11 ]; }

for pci in 0000:03:00.0 0000:04:00.0; do echo igb > /sys/bus/pci/devices/$pci/driver_override; done
modprobe -a ib_ipoib ib_umad
modprobe ibfake sm=2 name=mlx5_%d
await 50 ports_there
ip link set ib0 up
ip link set ib1 up
echo "@$(now) before the subnet manager:"
cat /sys/kernel/debug/ibfake/ports

g0=0x0002c90300001001 g1=0x0002c90300002001
mkdir -p /tmp/osm
cd /tmp/osm
echo "Default=0x7fff,ipoib : ALL=full ;" > partitions.conf
export OSM_TMP_DIR=/tmp/osm OSM_CACHE_DIR=/tmp/osm
opensm -g $g0 -P /tmp/osm/partitions.conf -f /tmp/osm/log -e -s 2 -d 2 > out 2>&1 &
sm=$!
await 200 grep -q 'SUBNET UP' log
echo "@$(now) SUBNET UP"
cat /sys/kernel/debug/ibfake/ports

ip netns add A
ip netns add B
ip link add link ib0 name c0 type ipoib pkey 0x8005
ip link set c0 netns A
ip -n A addr add 10.5.0.1/24 dev c0
ip -n A link set c0 up
ip link add link ib1 name c1 type ipoib pkey 0x8005
ip link set c1 netns B
ip -n B addr add 10.5.0.2/24 dev c1
ip -n B link set c1 up
sleep 1
echo "@$(now) P_Key 0x8005 not assigned: carriers $(carriers | xargs)"

printf 'Default=0x7fff,ipoib : ALL=full ;\nTenant=0x0005,ipoib : %s=full, %s=full ;\n' $g0 $g1 > new
mv new partitions.conf
signal=$(now)
kill -HUP $sm
await 100 grep -q 0x8005 /sys/class/infiniband/mlx5_1/ports/1/pkeys/1
echo "@$(now) signal to P_Key $(since "$signal") s"
await 100 both_up
echo "@$(now) signal to carrier of both children $(since "$signal") s"
cat /sys/kernel/debug/ibfake/ports
ip netns exec A ping -q -c 2 -W 3 10.5.0.2

smpquery -D pkeys 0 1 | head -2
smpquery -G nodeinfo $g1 | head -4
sminfo
grep -E 'ERR|error' log | cut -c1-160 | sort | uniq -c | head -20 || :
kill $sm
