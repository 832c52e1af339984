/**
 * Budget: one agent allocates at least 20,000 addresses per second in memory.
 * Beside it what the bytes of an ADD cost: a macvlan's configuration parsed,
 * and its steps encoded for the kernel. Needs no privilege.
 * @module
 */
import { PLUGINS } from '#cni/index.ts'
import type { ActionStep } from '#host/action.ts'
import { actionsOf } from '#host/actions.ts'
import { hostRandom } from '#host/clock.ts'
import { LinkBook } from '#host/link-book.ts'
import { Namespaces } from '#host/namespaces.ts'
import { encodeProgram } from '#host/program.ts'
import { spiderpoolIpam } from '#ipam/index.ts'
import { openRecords } from '#store/records.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { parseIp } from '#values/ip.ts'
import { VERBENA_PROTOCOL } from '#values/mark.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { MAIN_TABLE } from '#values/route.ts'
import { macvlanConf, poolOf, spiderpoolOf } from './documents.ts'
import { median, reportBudgets, say, table } from './report.ts'

const ROUNDS = 5
/** Of a pool of 4,000. */
const ADDRESSES = 3_000
const ENCODINGS = 5_000
const BUDGET_PER_S = 20_000
const ETH0 = parseIfName('eth0')

/** Reserves, then releases; both per second. */
async function allocations(): Promise<{ reserve: number; release: number }> {
  await using records = await openRecords({ path: ':memory:' })
  await records.create(poolOf(0))
  const ipam = spiderpoolIpam({ records, random: hostRandom(), node: 'bench' })
  const { conf } = ipam.parse({ ipam: spiderpoolOf(0) })
  const owners = Array.from({ length: ADDRESSES }, (_, i) => ({
    pod: undefined,
    network: 'net0',
    containerId: `c${i}`,
    ifName: ETH0,
  }))
  const rest = { requested: [], args: '', pod: undefined, namespace: undefined }
  const startedMs = performance.now()
  const kept = []
  for (const owner of owners) {
    const { held } = await ipam.reserve({ conf, owner, cniVersion: '1.0.0', ...rest })
    kept.push({ conf, owner, held })
  }
  const reservedMs = performance.now()
  for (const one of kept) await ipam.release(one)
  const releasedMs = performance.now()
  return {
    reserve: ADDRESSES / ((reservedMs - startedMs) / 1000),
    release: ADDRESSES / ((releasedMs - reservedMs) / 1000),
  }
}

const NETNS = parseNetnsPath('/proc/self/ns/net')

/** What macvlan plans for one address with a gateway. */
const STEPS: readonly ActionStep[] = [
  {
    do: 'create-link',
    netns: NETNS,
    way: 'in-place',
    temp: ETH0,
    name: ETH0,
    mark: 'verbena:bench',
    spec: { kind: 'macvlan', parent: parseIfName('rail0'), mode: 'bridge' },
    mtu: 1500,
    address: parseHardwareAddress('02:00:00:00:00:01'),
  },
  { do: 'set-link', where: NETNS, link: ETH0, set: { up: true } },
  { do: 'add-address', where: NETNS, link: ETH0, cidr: parseCidr('10.64.0.10/16') },
  {
    do: 'add-route',
    where: NETNS,
    route: {
      dst: parseCidr('0.0.0.0/0'),
      via: parseIp('10.64.0.1'),
      dev: ETH0,
      table: MAIN_TABLE,
      scope: 'global',
      src: undefined,
      priority: undefined,
      onlink: false,
      protocol: VERBENA_PROTOCOL,
    },
  },
]

/** Microseconds of one. */
function microsOf(work: () => void): number {
  const startedMs = performance.now()
  for (let i = 0; i < ENCODINGS; i++) work()
  return ((performance.now() - startedMs) * 1000) / ENCODINGS
}

/** Bytes of the program that the addon gets, made anew. */
function encodedBytes(spaces: Namespaces): number {
  const book = new LinkBook(hostRandom())
  const actions = STEPS.flatMap((step) => actionsOf(step, { book, spaces }))
  for (const handle of book.lookedUp()) handle.index = 2
  const ops = actions.flatMap(({ op }) => op() ?? [])
  return encodeProgram(ops).length
}

const macvlan = PLUGINS.get('macvlan')
const conf = macvlanConf(0, spiderpoolOf(0))
using spaces = new Namespaces({ hostNetns: -1, hostRoot: '' })
const parses: number[] = []
const encodings: number[] = []
const rates: { reserve: number; release: number }[] = []
for (let round = 0; round < ROUNDS; round++) {
  rates.push(await allocations())
  parses.push(microsOf(() => macvlan?.parse(conf)))
  encodings.push(microsOf(() => encodedBytes(spaces)))
}
const reserve = median(rates.map((rate) => rate.reserve))
const release = median(rates.map((rate) => rate.release))
say(`store in memory, ${ADDRESSES} addresses of a pool of 4,000; median of ${ROUNDS} rounds`)
table([
  ['', 'measured'],
  ['reserve, addresses per second', Math.round(reserve).toString()],
  ['release, addresses per second', Math.round(release).toString()],
  ['parse of a macvlan configuration, µs', median(parses).toFixed(1)],
  [`encode of its steps (${encodedBytes(spaces)} bytes), µs`, median(encodings).toFixed(1)],
])
reportBudgets([
  {
    work: 'addresses reserved per second by one agent, store in memory',
    budget: '≥ 20,000',
    measured: Math.round(reserve).toString(),
    met: reserve >= BUDGET_PER_S,
  },
])
