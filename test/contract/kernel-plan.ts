/**
 * One attachment with every kind of step in it or in its undo, and what the
 * questions answer once it was taken.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseIp } from '#values/ip.ts'
import type { Link } from '#values/link.ts'
import { VERBENA_PROTOCOL, VERBENA_TABLE } from '#values/mark.ts'
import type { NftTable } from '#values/nft.ts'
import type { Rule } from '#values/route.ts'
import type { CreateLink, Step } from '#values/step.ts'
import { type ContractWorld, linkAt, macvlan, routeBy, RULE } from './kernel-world.ts'

const NAME = parseIfName('net1')
const VETH = parseIfName('veth0')
const [LENT, LO] = [parseIfName('ext0'), parseIfName('lo')]
/** Host's end of the veth. */
export const PEER = parseIfName('vbctpeer')
const MAC = parseHardwareAddress('02:00:00:00:10:01')

/** A veth of ours: one end in the pod, `PEER` in the host. */
export function veth(world: ContractWorld): CreateLink {
  const address = parseHardwareAddress('02:00:00:00:10:02')
  return {
    ...macvlan(world),
    name: VETH,
    spec: { kind: 'veth', peer: { name: PEER, address, mtu: 1400 } },
    mtu: 1400,
  }
}

const FREE = { ip: parseIp('10.99.0.7'), gateway: undefined, pool: undefined }
const MARK_RULE: Rule = { ...RULE, to: undefined, fwmark: { mark: 1, mask: 0xffffffff } }
const RP_FILTER = 'net/ipv4/conf/all/rp_filter'

/** Marks what comes in by the veth. */
const MARKS: NftTable = {
  name: VERBENA_TABLE,
  chains: [
    {
      name: 'prerouting',
      type: 'filter',
      hook: 'prerouting',
      priority: -150,
      rules: [
        { nft: 'mark-new-from', link: VETH, mark: 1 },
        { nft: 'save-mark', mark: 1 },
      ],
    },
  ],
}

/** A macvlan with addresses, and a veth to the host. */
export async function wholePlan(world: ContractWorld): Promise<Step[]> {
  const { pod } = world
  const link = { ...macvlan(world), temp: NAME, mtu: 1300 }
  const was = await world.kernel.sysctl(pod, RP_FILTER)
  const pair: CreateLink = {
    ...veth(world),
    temp: VETH,
    mark: `${link.mark} 2`,
    address: parseHardwareAddress('02:00:00:00:10:03'),
  }
  const [lent] = (await world.kernel.links('host')).filter(({ name }) => name === world.spare)
  const neighbour = { link: PEER, ip: parseIp('10.99.0.7'), address: MAC, permanent: true }
  return [
    link,
    { do: 'set-link', where: pod, link: NAME, set: { addrGenMode: 'none', txQueueLength: 500 } },
    { do: 'set-sysctl', where: pod, path: RP_FILTER, value: '2', was },
    {
      do: 'set-sysctl',
      where: pod,
      path: `net/ipv4/conf/${NAME}/arp_notify`,
      value: '1',
      was: undefined,
    },
    { do: 'set-link', where: pod, link: NAME, set: { up: true } },
    { do: 'probe', where: pod, link: NAME, probes: [{ ...FREE, conflict: true }] },
    { do: 'add-address', where: pod, link: NAME, cidr: parseCidr('10.99.0.7/24') },
    { do: 'add-address', where: pod, link: NAME, cidr: parseCidr('fd99::7/64') },
    { do: 'add-route', where: pod, route: routeBy(NAME, '10.98.0.0/16', '10.99.0.1') },
    { do: 'add-route', where: pod, route: routeBy(NAME, 'fd98::/64', 'fd99::1') },
    { do: 'add-route', where: pod, route: { ...routeBy(NAME, '10.97.0.1/32'), table: 101 } },
    { do: 'announce', where: pod, link: NAME, ips: [FREE.ip] },
    pair,
    { do: 'set-link', where: pod, link: VETH, set: { up: true } },
    { do: 'set-link', where: 'host', link: PEER, set: { up: true } },
    { do: 'add-neighbour', where: 'host', neighbour },
    { do: 'add-route', where: 'host', route: { ...routeBy(PEER, '10.99.0.7/32'), table: 500 } },
    { do: 'add-rule', where: 'host', rule: RULE },
    { do: 'add-rule', where: pod, rule: MARK_RULE },
    { do: 'add-nft-table', where: pod, table: MARKS },
    ...(lent === undefined ? [] : lending(world, lent)),
    { do: 'set-link', where: pod, link: LO, set: { mtu: 60000 }, was: { mtu: 65536 } },
  ]
}

/** Lends a link of the host to the pod, with settings that go back with it. */
function lending({ pod, spare }: ContractWorld, link: Link): Step[] {
  const { index, mtu, address, txQueueLength, promiscuous, allMulticast, up, group, alias } = link
  const own = { index, mtu, txQueueLength, promiscuous, allMulticast, up, group, alias }
  const was = { ...own, ...(address === undefined ? {} : { address }) }
  const [temp, mark] = [parseIfName('vbct2'), 'verbena contract 3']
  const set = { mtu: 1280, txQueueLength: 77, promiscuous: true, up: true } as const
  return [
    { do: 'move-link', netns: pod, link: spare, temp, name: LENT, mark, was },
    { do: 'rename-link', netns: pod, from: temp, to: LENT },
    { do: 'set-link', where: pod, link: LENT, set },
    { do: 'add-address', where: pod, link: LENT, cidr: parseCidr('10.96.0.7/24') },
  ]
}

/** Asserts that all of `wholePlan()` is there. */
export async function readBack(world: ContractWorld): Promise<void> {
  const { kernel, pod } = world
  const link = await linkAt(world, pod, NAME)
  deepEqual(
    [link.mtu, link.up, link.carrier, link.address, link.alias],
    [1300, true, true, MAC, macvlan(world).mark],
  )
  const addresses = await kernel.addresses(pod)
  deepEqual(
    addresses.filter((a) => a.link === NAME).map((a) => `${a.cidr} ${a.scope}`),
    ['10.99.0.7/24 global', 'fd99::7/64 global'],
  )
  const routes = (await kernel.routes(pod)).filter((r) => r.protocol === VERBENA_PROTOCOL)
  deepEqual(routes.map((r) => `${r.dst} ${r.via} ${r.dev} ${r.table} ${r.scope}`).toSorted(), [
    `10.97.0.1/32 undefined ${NAME} 101 link`,
    `10.98.0.0/16 10.99.0.1 ${NAME} 254 global`,
    `fd98::/64 fd99::1 ${NAME} 254 global`,
  ])
  const connected = (await kernel.routes(pod)).filter((r) => r.dst === '10.99.0.0/24')
  deepEqual(
    connected.map((r) => [r.protocol, r.scope, r.src]),
    [[2, 'link', '10.99.0.7']],
  )
  deepEqual(
    (await kernel.rules('host')).filter((r) => r.protocol === VERBENA_PROTOCOL),
    [RULE],
  )
  deepEqual(
    (await kernel.rules(pod)).filter((r) => r.protocol === VERBENA_PROTOCOL),
    [MARK_RULE],
  )
  equal(await kernel.sysctl(pod, RP_FILTER), '2')
  equal(await kernel.sysctl(pod, `net/ipv4/conf/${NAME}/arp_notify`), '1')
  deepEqual(await kernel.nftTables(pod), [VERBENA_TABLE])
  const lent = await linkAt(world, pod, LENT)
  deepEqual(
    [lent.mtu, lent.txQueueLength, lent.promiscuous, lent.up, lent.alias],
    [1280, 77, true, true, world.spare],
  )
  equal(await kernel.link('host', world.spare), undefined)
  equal((await linkAt(world, pod, LO)).mtu, 60000)
  if (world.neighbours === undefined) return
  ok((await world.neighbours('host')).includes(`10.99.0.7 dev ${PEER} lladdr ${MAC} PERMANENT`))
}
