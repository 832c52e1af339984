/**
 * Debian's podman 4 with Verbena as its CNI plugin: `manifests/ipoib-cni.json`
 * over Ethernet, networks with a pool, what is forgotten, and taking over from
 * the plugin that was there.
 */
import { deepEqual, equal, match, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { framesOfGuide, overEthernet } from '#test/standalone/guide.ts'
import { IMAGE, Machine, needsMachine } from '#test/standalone/machine.ts'
import {
  addressIn,
  assertNothingLeft,
  assertReaches,
  attachedIn,
  heldIn,
  inside,
} from '#test/standalone/looking.ts'
import { GATEWAY, MYNET, PODMAN, WIRE, podmanRun, readyMachine } from '#test/standalone/networks.ts'

const NEEDS_MACHINE = needsMachine()
const show = (name: string, ifName: string): string =>
  `${PODMAN} exec ${name} ip addr show ${ifName}`

test(
  'podman: two networks, restart, a killed conmon, a full pool (root)',
  NEEDS_MACHINE,
  async () => {
    await using machine = await readyMachine()
    await machine.demand(podmanRun('a', 'mynet,rail-0'))
    const networks = '{{json .NetworkSettings.Networks}}'
    const told: Record<string, { IPAddress: string }> = JSON.parse(
      await machine.demand(`${PODMAN} inspect --format '${networks}' a`),
    )
    // which of them is eth0 is for podman to say
    const own = [
      await addressIn(machine, show('a', 'eth0')),
      await addressIn(machine, show('a', 'eth1')),
    ]
    deepEqual(own.toSorted(), ['192.168.2.10', '192.168.2.230'])
    equal(told['mynet']?.IPAddress, '192.168.2.10')
    equal(told['rail-0']?.IPAddress, '192.168.2.230')
    await machine.demand(podmanRun('b', 'rail-0'))
    const full = await machine.sh(podmanRun('c', 'rail-0'))
    notEqual(full.status, 0)
    match(full.stderr, /Cannot allocate from pool rail-0: all 2 addresses are used/)
    await machine.demand(`${PODMAN} rm --force c 2> /dev/null || :`)
    await machine.demand(`${PODMAN} restart --time 0 a`)
    equal((await attachedIn(machine)).length, 3)
    await machine.demand(`kill -KILL $(${PODMAN} inspect --format '{{.State.ConmonPid}}' a)`)
    match(
      await machine.demand('verbena check'),
      /^2 allocations of 1 pools: all is as it must be$/m,
    )
    await machine.demand(`${PODMAN} rm --force --time 0 a b`)
    await assertNothingLeft(machine)
  },
)

test(
  'podman: the built-in coordinator, an address that is asked for (root)',
  NEEDS_MACHINE,
  async () => {
    await using machine = await readyMachine()
    match(await machine.demand('verbena get spidercoordinator 2>&1'), /built-in coordinator holds/)
    await machine.demand(podmanRun('a', 'joined'))
    equal((await attachedIn(machine)).length, 2)
    await assertReaches(machine, 'ping', [await addressIn(machine, show('a', 'eth0'))])
    const beside = `${PODMAN} run --rm --cap-add NET_RAW --network container:a ${IMAGE} ping`
    await assertReaches(machine, beside, [GATEWAY])
    await machine.demand(`${PODMAN} rm --force --time 0 a`)
    // podman knows only addresses in `ranges`
    const asked = `${PODMAN} run --rm --network mynet --ip 192.168.2.77 ${IMAGE} ip addr show eth0`
    match((await machine.sh(asked)).stderr, /192\.168\.2\.77 not in any subnet on network mynet/)
    await machine.demand(`cat > /etc/cni/net.d/mynet.conflist <<'NETWORK'
{"cniVersion":"1.0.0","name":"mynet","plugins":[{"type":"macvlan","master":"ib0",
 "ipam":{"type":"host-local","ranges":[[{"subnet":"192.168.2.0/24"}]]}}]}
NETWORK`)
    equal(await addressIn(machine, asked), '192.168.2.77')
    await assertNothingLeft(machine)
  },
)

/** As after a loss of power: no process of the container, no namespace, nothing below /run. */
const lose = (name: string): string =>
  `kill -KILL $(${PODMAN} inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' ${name})
systemctl kill --signal KILL verbena-agent
umount /run/netns/* && rm /run/netns/*
rm -rf /run/containers /run/libpod /run/runc /run/crun /dev/shm/libpod_lock`

test(
  'podman: a container is started again after a loss of power (root)',
  NEEDS_MACHINE,
  async () => {
    await using machine = await readyMachine()
    await machine.demand(podmanRun('a', 'mynet,rail-0'))
    const before = await attachedIn(machine)
    await machine.demand(lose('a'))
    await machine.demand(`${PODMAN} start a`)
    await addressIn(machine, show('a', 'eth0'))
    await addressIn(machine, show('a', 'eth1'))
    deepEqual(await attachedIn(machine), before)
    equal((await heldIn(machine)).length, 2)
    match(
      await machine.demand('verbena check'),
      /^1 allocations of 1 pools: all is as it must be$/m,
    )
    await machine.demand(`${PODMAN} rm --force --time 0 a`)
    await assertNothingLeft(machine)
  },
)

test('GC frees what containers of a lost runtime held (root)', NEEDS_MACHINE, async () => {
  await using machine = await readyMachine()
  await machine.demand(`ctr run --detach --cni ${IMAGE} lost sleep 600`)
  await machine.demand(podmanRun('gone', 'mynet'))
  await machine.demand(`${lose('gone')}
rm -rf /var/lib/containers/storage/libpod
ctr task delete --force lost
ctr container delete lost`)
  await machine.demand(`ctr run --detach --cni ${IMAGE} kept sleep 600`)
  equal((await attachedIn(machine)).length, 3)
  const [frame] = framesOfGuide().filter(({ heading }) => heading === 'What a crash leaves')
  const collect = overEthernet(frame?.script ?? 'false')
  await machine.demand(collect)
  deepEqual(await attachedIn(machine), ['mynet/default-kept/eth0/macvlan'])
  const kept = await addressIn(machine, `${inside('kept')} ip addr show eth0`)
  deepEqual(await heldIn(machine), [kept])
  await machine.demand('ctr task delete --force kept; ctr container delete kept')
  await machine.demand(collect)
  await assertNothingLeft(machine)
})

test('taking over from another plugin, and giving back (root)', NEEDS_MACHINE, async (t) => {
  await using machine = await Machine.start()
  if ((await machine.sh('test -x /usr/lib/cni-package/macvlan')).status !== 0) {
    t.skip('containernetworking-plugins is absent')
    return
  }
  await machine.stock()
  await machine.demand(`${WIRE}\n${MYNET}\ncp /usr/lib/cni-package/* /opt/cni/bin`)
  const refused = await machine.sh('deploy/systemd/install.sh macvlan')
  equal(refused.status, 1)
  match(refused.stderr, /\/opt\/cni\/bin\/macvlan is another project's: left as it is/)
  await machine.demand('systemctl start verbena-agent')
  await machine.demand(podmanRun('old', 'mynet'))
  equal(await addressIn(machine, show('old', 'eth0')), '192.168.2.10')
  deepEqual(await attachedIn(machine), [])
  await machine.demand('deploy/systemd/install.sh --take macvlan')
  await machine.demand(podmanRun('new', 'mynet'))
  equal(await addressIn(machine, show('new', 'eth0')), '192.168.2.11')
  equal((await attachedIn(machine)).length, 1)
  await machine.demand(`${PODMAN} rm --force --time 0 old new`)
  await assertNothingLeft(machine)
  await machine.demand('deploy/systemd/install.sh --remove')
  await machine.demand('cmp /usr/lib/cni-package/macvlan /opt/cni/bin/macvlan')
  equal(await machine.demand('ls /opt/cni/bin'), 'host-local\nmacvlan\n')
})
