#!/bin/bash
# Two nodes (network namespaces), in each one IPoIB child with a P_Key of its own, over two software HCAs.
#
#   test/testbed/testbed.sh run --kernel 6.12 -- bash test/testbed/example-ipoib.sh
set -euo pipefail
ip() { command ip -c=never "$@"; }
now() { cut -d' ' -f1 /proc/uptime; }
fail() { echo "FAILED: $*"; exit 1; }
carrier_of() { ip netns exec "$1" cat "/sys/class/net/$2/carrier" 2> /dev/null; }
await_carrier() { # await_carrier NAMESPACE NETDEV
  for _ in {1..100}; do
    [ "$(carrier_of "$@")" != 1 ] || return 0
    sleep 0.1
  done
  fail "no carrier on $2"
}

echo "kernel $(uname -r), command starts at $(now) s"
# two of the four emulated adapters stay Ethernet, two become InfiniBand HCAs
for pci in 0000:01:00.0 0000:02:00.0; do echo igb > /sys/bus/pci/devices/$pci/driver_override; done
modprobe ib_ipoib
modprobe ibfake name=mlx5_%d pkeys=0xffff
modprobe -a igb igbvf
for pci in /sys/bus/pci/devices/0000:0[1-4]:00.0; do
  for _ in {1..50}; do [ ! -d "$pci/net" ] || break; sleep 0.1; done
  echo "${pci##*/} $(basename "$(readlink "$pci/driver")") $(ls "$pci/net")"
done

ip link set ib0 up
ip link set ib1 up
ip netns add A
ip netns add B
ip link add link ib0 name c1 type ipoib pkey 0x8001
ip link set c1 netns A
ip link add link ib1 name d1 type ipoib pkey 0x8001
ip link set d1 netns B
ip -n A addr add 10.1.0.1/24 dev c1
ip -n A link set c1 up
ip -n B addr add 10.1.0.2/24 dev d1
ip -n B link set d1 up
echo "P_Key 0x8001 is not on the ports yet, carrier of the child: $(carrier_of A c1)"
cat /sys/kernel/debug/ibfake/ports
cut -d' ' -f1 /sys/kernel/debug/ibfake/ports > /tmp/guids
while read -r guid; do echo "$guid 0xffff,0x8001" > /sys/kernel/debug/ibfake/pkeys; done < /tmp/guids
await_carrier A c1
await_carrier B d1

ip -n A -d link show c1
address=$(ip netns exec A cat /sys/class/net/c1/address)
[ "$(tr -cd : <<< "$address" | wc -c)" = 19 ] || fail "address is not 20 bytes: $address"
[[ $(ip -n A -d link show c1) == *"ipoib pkey 0x8001"* ]] || fail "P_Key not read back"
ip netns exec A ping -q -c 2 -W 3 10.1.0.2
echo "done at $(now) s"
