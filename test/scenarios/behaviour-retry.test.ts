/**
 * Every retry, on the real kernel with the real shim and agent: what is tried
 * again, or was cut off in the middle, ends with one link and one address of
 * each, and leaves nothing when it goes.
 * @module
 */
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { readFile, readdir, readlink } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { hostRandom } from '#host/clock.ts'
import { spiderpoolIpam } from '#ipam/index.ts'
import { parseIfName } from '#values/if-name.ts'
import { COORDINATOR, nad, pool } from './documents.ts'
import { KillBench, type Victim } from './kill-real-bench.ts'
import { REAL_SCENARIOS } from './kill-real-scenarios.ts'
import type { Exit } from './program-run.ts'
import { NEEDS_DEBIAN_CNI, NEEDS_NODE, RealNode, type RealCall } from './real-node.ts'
import { demand, podOn, refusalOf, resultOf, until } from './real-pods.ts'
import { heldAddresses, linksIn, wholeState } from './real-state.ts'
import { statusOf } from './status-of.ts'

const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const MACVLAN = { type: 'macvlan', master: 'up0', ipam: POOL } as const
const DOCUMENTS = [
  pool('v4', '10.7.0.0/16', '10.7.0.100-10.7.0.199'),
  nad('macvlan', [MACVLAN]),
  nad('over-host', [MACVLAN, COORDINATOR]),
  nad('mortal-ipam', [{ ...MACVLAN, ipam: { type: 'acme-ipam' } }]),
]

test(
  'ADD twice, a retry after success: the same result, nothing touched (root)',
  NEEDS_NODE,
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    const call = await podOn(node, 'a', 'over-host', 'over-host')
    const first = await demand(node, 'ADD', call)
    const then = await wholeState(node)
    deepEqual(await node.plugin('ADD', call), first)
    equal(await wholeState(node), then)
    deepEqual(await linksIn(node, 'a'), ['eth0', 'net1', 'veth0'])
  },
)

for (const victim of ['agent', 'agent and shim'] satisfies Victim[]) {
  test(
    `the chain killed in mid ADD, then ADD again: ${victim} (root)`,
    NEEDS_DEBIAN_CNI,
    async () => {
      for (const scenario of REAL_SCENARIOS.slice(0, 3)) {
        await using bench = await KillBench.open(scenario)
        // an interface of the chain is made, and is not up yet
        const made = { n: 3, only: 'netlink 0/16' }
        const { at, faults } = await bench.killAt('ADD', made, victim)
        deepEqual({ at, faults }, { at: 'netlink 0/16', faults: [] }, scenario.does)
      }
    },
  )
}

test(
  'the IPAM killed: nobody waits, DEL finds the address by its owner (root)',
  NEEDS_NODE,
  async () => {
    const [scenario] = REAL_SCENARIOS
    ok(scenario)
    await using bench = await KillBench.open(scenario)
    const { node, call } = bench
    const { ADD } = await bench.changes()
    const stored = ADD.findIndex((what, i) => {
      return what.includes('store.db') && ADD[i + 1]?.includes('journal.db') === true
    })
    // the addresses are in the store, and the journal does not know which yet; how many
    // pages that takes is not the same every time
    for (let n = stored + 2; n < stored + 12; n++) {
      await bench.dieAt('ADD', n)
      if ((await heldAddresses(node)).length === 2) break
      await bench.boot()
      await demand(node, 'DEL', call)
    }
    equal((await heldAddresses(node)).length, 2)
    const startedMs = performance.now()
    await using other = spiderpoolIpam({
      records: node.records,
      random: hostRandom(),
      node: 'node-2',
    })
    const owner = { pod: undefined, network: 'net', containerId: 'c2', ifName: parseIfName('eth0') }
    const { conf } = other.parse({ ipam: POOL })
    const given = await other.reserve({ ...NOTHING_ASKED, conf, owner })
    const tookMs = performance.now() - startedMs
    ok(tookMs < 1_000, `another node waited ${Math.round(tookMs)} ms`)
    await other.release({ conf, owner, held: given.held })
    await bench.boot()
    await demand(node, 'DEL', call)
    deepEqual(await bench.left('after DEL'), [])
  },
)

const NOTHING_ASKED = {
  cniVersion: '1.0.0',
  requested: [],
  args: '',
  pod: undefined,
  namespace: undefined,
} as const

test(
  "another vendor's IPAM killed: nothing is left, the retry succeeds (root)",
  NEEDS_NODE,
  async () => {
    await using node = await RealNode.open(DOCUMENTS)
    await node.addScript('acme-ipam', MORTAL_IPAM(`${node.folder}/acme`))
    const call = await podOn(node, 'a', 'mortal-ipam')
    const before = await wholeState(node)
    const refused = refusalOf(await node.plugin('ADD', call))
    match(refused.msg, /acme-ipam/)
    equal(await wholeState(node), before)
    resultOf(await node.plugin('ADD', call))
    await demand(node, 'DEL', call)
    equal(await wholeState(node), before)
  },
)

/** Takes its one address, and dies before it says so; the second time it lives. */
const MORTAL_IPAM = (at: string): string => `[ "$CNI_COMMAND" = DEL ] && { rm -f '${at}'; exit; }
[ -e '${at}' ] && { echo '{"code":100,"msg":"duplicate allocation"}'; exit 1; }
touch '${at}'
[ -e '${at}.died' ] || { touch '${at}.died'; kill -9 $$; }
echo '{"cniVersion":"1.0.0","ips":[{"address":"10.9.0.5/24"}]}'`

test(
  'the agent killed during 40 parallel ADDs, and DELs: after its restart all succeed (root)',
  { ...NEEDS_NODE },
  async (t) => {
    await using node = await RealNode.open(DOCUMENTS)
    const names = Array.from({ length: 40 }, (_, i) => `p${i}`)
    const calls: RealCall[] = []
    for (const name of names) calls.push(await podOn(node, name, 'over-host'))
    const before = await wholeState(node)
    for (const at of [0, 1, 15]) {
      const added = await killedDuring(node, { verb: 'ADD', calls, at })
      t.diagnostic(`ADD: killed after ${at} of 40, start to ready ${Math.round(added.readyMs)} ms`)
      const ips = added.exits.map(resultOf).flatMap((result) => result.ips)
      equal(new Set(ips.map(({ address }) => address)).size, 40)
      equal((await heldAddresses(node)).length, 40)
      const deleted = await killedDuring(node, { verb: 'DEL', calls, at })
      t.diagnostic(`DEL: killed after ${at} of 40, ready after ${Math.round(deleted.readyMs)} ms`)
      const failed = deleted.exits.filter(({ status }) => status !== 0)
      deepEqual(failed, [])
      equal(await wholeState(node), before)
    }
  },
)

/** All calls at once; the agent is killed when `at` of them are answered, and started again. */
async function killedDuring(
  node: RealNode,
  of: { verb: string; calls: readonly RealCall[]; at: number },
): Promise<{ exits: readonly Exit[]; readyMs: number }> {
  let answered = 0
  const running = of.calls.map(async (call) => {
    const exit = await node.plugin(of.verb, call)
    answered++
    return exit
  })
  await delay(10)
  while (answered < of.at) await delay(1)
  await node.kill()
  const readyMs = await node.boot()
  return { exits: await Promise.all(running), readyMs }
}

test('rail 6 of 8 fails: the other seven are rolled back (root)', NEEDS_NODE, async () => {
  const broken = nad('broken', [{ ...MACVLAN, master: 'absent0' }])
  await using node = await RealNode.open([...DOCUMENTS, broken])
  const rails = Array.from({ length: 7 }, (_, i) => (i === 4 ? 'broken' : 'macvlan'))
  const call = await podOn(node, 'a', 'over-host', ...rails)
  const before = await wholeState(node)
  const { msg } = refusalOf(await node.plugin('ADD', call))
  match(msg, /absent0/)
  equal(await wholeState(node), before)
})

test(
  'eight rails, killed in the middle: rolled back, then all there (root)',
  NEEDS_NODE,
  async () => {
    await using bench = await KillBench.open({
      ...EIGHT_RAILS,
      networks: () => Array.from({ length: 8 }, () => [MACVLAN]),
    })
    // before the address of the sixth
    const sixth = { n: 6, only: 'netlink 0/20' }
    const { at, faults } = await bench.killAt('ADD', sixth, 'agent and shim')
    deepEqual({ at, faults }, { at: 'netlink 0/20', faults: [] })
  },
)

const EIGHT_RAILS = {
  does: 'eight rails',
  scripts: () => [],
  links: ['eth0', ...Array.from({ length: 7 }, (_, i) => `net${i + 1}`)],
  held: { addresses: 8, allocations: 8, files: 0 },
  needsShim: false,
} as const

for (const { after, act } of [
  {
    after: 'its retry gets the result',
    act: async (node: RealNode, call: RealCall) => {
      const attached = await wholeState(node)
      resultOf(await node.plugin('ADD', call))
      equal(await wholeState(node), attached)
      await demand(node, 'DEL', call)
    },
  },
  {
    after: 'without a retry GC takes it down',
    act: async (node: RealNode) => {
      const conf = { cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] }
      await demand(node, 'GC', { pod: 'a', conf })
    },
  },
]) {
  test(`shim or runtime killed: the ADD is completed, ${after} (root)`, NEEDS_NODE, async () => {
    await using node = await RealNode.open(DOCUMENTS)
    const call = await podOn(node, 'a', 'over-host')
    const before = await wholeState(node)
    const { agent } = node
    // the request is in the socket when its sender dies, and is read after that
    agent?.kill('SIGSTOP')
    const shim = node.startPlugin('ADD', call)
    await until('the shim to have sent', () => isWaiting(shim.child.pid))
    shim.child.kill('SIGKILL')
    await shim.ended
    agent?.kill('SIGCONT')
    await until('the ADD', async () => (await statusOf(node.folder))[0]?.state === 'attached')
    notEqual(await wholeState(node), before)
    await act(node, call)
    equal(await wholeState(node), before)
  })
}

/** Asleep in its read of the answer: standard input, which may be a socket as well, was before. */
async function isWaiting(pid: number | undefined): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const own = (await readdir(folder)).filter((fd) => Number(fd) > 2)
  const links = await Promise.all(own.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')))
  if (!links.some((link) => link.startsWith('socket:'))) return false
  return (await readFile(`/proc/${pid}/wchan`, 'utf8')).includes('unix_stream')
}
