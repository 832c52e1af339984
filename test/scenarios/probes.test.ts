/**
 * Conflict and gateway probes on the real kernel: somebody on the network has
 * the address, or nobody is its gateway; and announcements, as a neighbour hears
 * them.
 * @module
 */
import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Document } from '#needs/records.ts'
import { pool } from './documents.ts'
import { add, difference, linkOf } from './rail-pods.ts'
import { batch, must, openRails } from './rails.ts'
import { NEEDS_NODE, type RealNode } from './real-node.ts'

const BOTH = [
  { family: 4, subnet: '10.71.0.0/16', ips: '10.71.0.100-10.71.0.109', gateway: '10.71.0.1' },
  { family: 6, subnet: 'fd01::/64', ips: 'fd01::100-fd01::109', gateway: 'fd01::1' },
] as const
type Family = (typeof BOTH)[number]

function poolOf({ family, subnet, ips, gateway }: Family): Document {
  const made = pool(`v${family}`, subnet, ips)
  return { ...made, spec: { ...Object(made['spec']), gateway } }
}

function conf({ family }: Family, more: object = {}) {
  const ipam = {
    type: 'spiderpool',
    enableIPConflictDetection: true,
    [`default_ipv${family}_ippool`]: [`v${family}`],
    ...more,
  }
  return { type: 'macvlan', master: 'p1', ipam }
}

/** The first address of the family, and the next one. */
const [FIRST, SECOND] = [
  { 4: '10.71.0.100', 6: 'fd01::100' },
  { 4: '10.71.0.101', 6: 'fd01::101' },
] as const
const HOLDER = '02:00:00:00:0b:ad'

/** Somebody on the network with a pod's address. */
async function addHolder(node: RealNode, { family }: Family): Promise<void> {
  const flag = family === 6 ? ' nodad' : ''
  const prefix = family === 6 ? 64 : 16
  const line = `addr add ${FIRST[family]}/${prefix} dev lan${flag}\n`
  await batch(node, 'lan1', `link set lan address ${HOLDER}\n${line}`)
}

const addresses = async (node: RealNode, pod: string, family: number): Promise<string> =>
  must(node, pod, 'ip', `-${family}`, '-br', 'addr', 'show', 'scope', 'global')

/** The network knows the pod's link by its address. @throws {AssertionError} after a second */
async function awaitKnown(node: RealNode, address: string): Promise<void> {
  const { address: mac } = await linkOf(node, 'a', 'eth0')
  const known = (): Promise<string> => must(node, 'lan1', 'ip', 'neigh', 'show', address)
  for (let tries = 0; tries < 50 && !(await known()).includes(mac); tries++) await setTimeout(20)
  match(await known(), new RegExp(mac))
}

for (const of of BOTH) {
  const { family } = of

  test(
    `IPv${family}: an address that somebody has is refused, and the retry gets another`,
    NEEDS_NODE,
    async () => {
      await using node = await openRails(['a'], [poolOf(of)])
      await addHolder(node, of)
      const before = await node.state()
      const call = { pod: 'a', type: 'macvlan', conf: conf(of) }
      const { status, stdout } = await node.plugin('ADD', call)
      equal(status, 1)
      const said = JSON.parse(stdout)
      equal(
        said.msg,
        `ip conflict: ${FIRST[family]} for eth0 is in use by ${HOLDER} (pool v${family})`,
      )
      deepEqual(difference(before, await node.state()), [], 'nothing is left')
      await add(node, call)
      match(await addresses(node, 'a', family), new RegExp(SECOND[family]))
    },
  )

  test(
    `IPv${family}: a free address is used, and its neighbours are told`,
    NEEDS_NODE,
    async () => {
      await using node = await openRails(['a'], [poolOf(of)])
      // what the network remembers of an earlier owner
      const stale = ['neigh', 'replace', FIRST[family], 'lladdr', '02:00:00:00:01:d0', 'dev', 'lan']
      await must(node, 'lan1', 'ip', ...stale, 'nud', 'stale')
      await add(node, {
        pod: 'a',
        type: 'macvlan',
        conf: conf(of, { enableGatewayDetection: true }),
      })
      match(await addresses(node, 'a', family), new RegExp(FIRST[family]))
      await awaitKnown(node, FIRST[family])
    },
  )

  test(`IPv${family}: without probes its neighbours are told too`, NEEDS_NODE, async () => {
    await using node = await openRails(['a'], [poolOf(of)])
    const stale = ['neigh', 'replace', FIRST[family], 'lladdr', '02:00:00:00:01:d0', 'dev', 'lan']
    await must(node, 'lan1', 'ip', ...stale, 'nud', 'stale')
    await add(node, {
      pod: 'a',
      type: 'macvlan',
      conf: conf(of, { enableIPConflictDetection: false }),
    })
    await awaitKnown(node, FIRST[family])
  })

  test(`IPv${family}: a gateway that does not answer is named`, NEEDS_NODE, async () => {
    await using node = await openRails(['a'], [poolOf(of)])
    const prefix = family === 6 ? 64 : 16
    await must(node, 'lan1', 'ip', 'addr', 'del', `${of.gateway}/${prefix}`, 'dev', 'lan')
    const more = { enableIPConflictDetection: false, enableGatewayDetection: true }
    const { status, stdout } = await node.plugin('ADD', {
      pod: 'a',
      type: 'macvlan',
      conf: conf(of, more),
    })
    equal(status, 1)
    const said = JSON.parse(stdout)
    equal(
      said.msg,
      `gateway unreachable: ${of.gateway} of ${FIRST[family]} does not answer on eth0 ` +
        `(pool v${family})`,
    )
  })

  test(
    `IPv${family}: called as an IPAM it asks by the interface that is there`,
    NEEDS_NODE,
    async () => {
      await using node = await openRails(['a'], [poolOf(of)])
      await addHolder(node, of)
      await batch(node, 'node', `link add ipm0 link p1 type macvlan mode bridge\n`)
      await batch(node, 'node', `link set ipm0 netns ${node.netnsOf('a')} name eth0\n`)
      const call = { pod: 'a', type: 'spiderpool', conf: conf(of) }
      const refused = await node.plugin('ADD', call)
      equal(refused.status, 1)
      match(
        refused.stdout,
        new RegExp(`ip conflict: ${FIRST[family]} for eth0 is in use by ${HOLDER}`),
      )
      const result = await add(node, call)
      match(JSON.stringify(result), new RegExp(SECOND[family]))
      match(await must(node, 'a', 'ip', '-br', 'link', 'show', 'dev', 'eth0'), /UP/)
      equal((await node.plugin('DEL', call)).status, 0)
    },
  )
}

test(
  'called as an IPAM before there is an interface it gives the address, unasked',
  NEEDS_NODE,
  async () => {
    const [of] = BOTH
    await using node = await openRails(['a'], [poolOf(of)])
    await addHolder(node, of)
    const result = await add(node, { pod: 'a', type: 'spiderpool', conf: conf(of) })
    match(JSON.stringify(result), /10\.71\.0\.100/)
    for (let tries = 0; tries < 50 && !node.log.join().includes('nobody is asked'); tries++) {
      await setTimeout(20)
    }
    match(node.log.join('\n'), /eth0 is not in the pod yet: nobody is asked for its addresses/)
  },
)
