/**
 * `docs/guides/standalone.md` word by word on the kernel's own ib_ipoib: under
 * systemd, containerd and podman, `manifests/ipoib-cni.json` as it stands.
 * @module
 */
import { deepEqual, match } from 'node:assert/strict'
import { framesOfGuide } from '#test/standalone/guide.ts'
import { assertServed, inside } from '#test/standalone/looking.ts'
import { IMAGE, Machine } from '#test/standalone/machine.ts'
import { GATEWAY } from '#test/standalone/networks.ts'
import { loadFabric, unloadFabric } from './fabric.ts'
import { vmTest, waitFor } from './guest.ts'
import { ip, ipBatch } from './program.ts'
import { linksOf } from './pod.ts'

/** Emulated: a whole systemd, two container runtimes, a dozen containers. */
const GUIDE_MS = 550_000
const CHILD = /link\/infiniband 80:/
/** Containers of the guide, as `ctr` names them to a plugin. */
const BY_CTR = ['default-one', 'default-two', 'default-three']
/** What a frame must have printed, by its heading and place. */
const PRINTED: Readonly<Record<string, readonly RegExp[]>> = {
  'podman 4 1': [/^\w+ +mynet +ipoib *$/m],
  'podman 4 2': [CHILD, /1 packets received, 0% packet loss/],
  'Pools instead of host-local 1': [/^1 allocations of 1 pools: all is as it must be$/m],
}

vmTest(
  'the guide to containers without Kubernetes',
  async (t) => {
    const [port] = await loadFabric('built-in')
    await ipBatch([
      `link set ${port?.netdev} name ib0 addrgenmode none up`,
      `addr add ${GATEWAY}/24 dev ib0`,
    ])
    await waitFor('the carrier of ib0', async () =>
      (await ip('link')).includes('ib0: <BROADCAST,MULTICAST,UP,LOWER_UP>'),
    )
    {
      await using machine = await Machine.start({ runtimes: '', ownNetwork: false })
      await machine.stock()
      const before = await linksOf(undefined)
      for (const { heading, nth, script } of framesOfGuide()) {
        const startedMs = performance.now()
        const printed = await machine.demand(script)
        t.diagnostic(`${heading} ${nth}: ${Math.round(performance.now() - startedMs)} ms`)
        for (const pattern of PRINTED[`${heading} ${nth}`] ?? []) match(printed, pattern, heading)
        if (heading === 'containerd' && nth === 3) await assertServed(machine, BY_CTR)
        if (heading !== 'Install') continue
        await detachedAfterCrash(machine)
        await tookOver(machine)
      }
      deepEqual(await linksOf(undefined), before)
    }
    await unloadFabric()
  },
  GUIDE_MS,
)

/** The kernel gives a child back when its namespace goes: DEL finds it without one. */
async function detachedAfterCrash(machine: Machine): Promise<void> {
  const before = await linksOf(undefined)
  await machine.demand('install -D -m 644 manifests/ipoib-cni.json /etc/cni/net.d/10-mynet.conf')
  await machine.demand(`ctr run --detach --cni ${IMAGE} crash sleep 600`)
  await machine.demand(`${inside('crash')} ping -c 1 -W 5 ${GATEWAY}`)
  await machine.demand('systemctl kill --signal KILL verbena-agent')
  await machine.demand('ctr task delete --force crash || true; ctr container delete crash')
  await waitFor(
    'the child that came back',
    async () => (await linksOf(undefined)).length > before.length,
  )
  await machine.demand(`CNI_COMMAND=DEL CNI_CONTAINERID=default-crash CNI_NETNS= CNI_IFNAME=eth0 \\
    CNI_PATH=/opt/cni/bin /opt/cni/bin/ipoib < /etc/cni/net.d/10-mynet.conf
  rm /etc/cni/net.d/10-mynet.conf`)
  deepEqual(await linksOf(undefined), before)
}

/** As ipoib-cni leaves a container: a child without a mark, an address of host-local. */
async function tookOver(machine: Machine): Promise<void> {
  await machine.demand(`ip netns add old
ip link add link ib0 name c0 type ipoib
ip link set c0 netns old name eth0
mkdir -p /var/lib/cni/networks/mynet
printf 'old-1\\r\\neth0' > /var/lib/cni/networks/mynet/192.168.2.50
CNI_COMMAND=DEL CNI_CONTAINERID=old-1 CNI_NETNS=/run/netns/old CNI_IFNAME=eth0 \\
  CNI_PATH=/opt/cni/bin /opt/cni/bin/ipoib < manifests/ipoib-cni.json
ip -n old link show eth0 2> /dev/null && exit 1
ip netns del old
test ! -e /var/lib/cni/networks/mynet/192.168.2.50`)
}
