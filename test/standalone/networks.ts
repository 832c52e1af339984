/**
 * What tests of container runtimes set up in their machine: an Ethernet, the
 * agent under systemd, networks for both runtimes.
 * @module
 */
import { IMAGE, Machine } from './machine.ts'

/** Of the network in `manifests/ipoib-cni.json`, at the other end of the wire. */
export const GATEWAY = '192.168.2.1'

/** The interface `ib0` on a wire to an interface with the gateway; `macvlan` for `ipoib`. */
export const WIRE = `ip link add ib0 type veth peer name wire0
ip addr add ${GATEWAY}/24 dev wire0
ip link set ib0 up
ip link set wire0 up
sed -i 's/"ipoib"/"macvlan"/' manifests/ipoib-cni.json
mkdir -p /opt/cni/bin /etc/cni/net.d /run/netns /var/lib/cni/networks`

/** The manifest for `ctr` and for podman. */
export const MYNET = `cp manifests/ipoib-cni.json /etc/cni/net.d/10-mynet.conf
printf '{"cniVersion":"1.0.0","name":"mynet","plugins":[%s]}' "$(cat manifests/ipoib-cni.json)" \\
  > /etc/cni/net.d/mynet.conflist`

/** A pool of two addresses, a network that takes its addresses from it, one joined to the host. */
const RAIL = `verbena apply -f - <<'POOL'
apiVersion: spiderpool.spidernet.io/v2beta1
kind: SpiderIPPool
metadata: {name: rail-0}
spec: {subnet: 192.168.2.0/24, ips: [192.168.2.230-192.168.2.231], gateway: ${GATEWAY}}
POOL
ipam='{"type":"spiderpool","default_ipv4_ippool":["rail-0"]}'
macvlan='{"type":"macvlan","master":"ib0","ipam":'"$ipam"'}'
echo '{"cniVersion":"1.0.0","name":"rail-0","plugins":['"$macvlan"']}' \\
  > /etc/cni/net.d/rail-0.conflist
echo '{"cniVersion":"1.0.0","name":"joined","plugins":['"$macvlan"',{"type":"coordinator"}]}' \\
  > /etc/cni/net.d/joined.conflist`

/** podman without what it says of networks of others. */
export const PODMAN = `podman --log-level error`
/** Words that start a container in the background. */
export const podmanRun = (name: string, networks: string): string =>
  `${PODMAN} run --detach --name ${name} --network ${networks} ${IMAGE} sleep 600`

/** A machine with both networks, the image, and the agent at work. */
export async function readyMachine(): Promise<Machine> {
  const machine = await Machine.start()
  try {
    await machine.stock()
    await machine.demand(`${WIRE}
deploy/systemd/install.sh macvlan coordinator
systemctl start verbena-agent
${MYNET}
${RAIL}`)
    return machine
  } catch (cause) {
    await machine[Symbol.asyncDispose]()
    throw cause
  }
}
