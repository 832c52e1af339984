/**
 * Burst at boot: every pod of a full node at once, on an agent that has only
 * just started.
 * @module
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { COORDINATOR, nad, pool } from './documents.ts'
import { NEEDS_NODE, RealNode, type RealCall } from './real-node.ts'
import { podOn, resultOf } from './real-pods.ts'
import { heldAddresses, wholeState } from './real-state.ts'

const POOL = { type: 'spiderpool', default_ipv4_ippool: ['v4'] } as const
const MACVLAN = { type: 'macvlan', master: 'up0', ipam: POOL } as const
const PODS = 120
const ROUNDS = 3
/** A runtime gives up on an ADD after this, in milliseconds. */
const RUNTIME_MS = 220_000
/** What the agent's memory comes to and stays at, whatever the number of rounds, in MiB. */
const MOST_MIB = 220

test(
  `a burst of ${PODS} ADDs at boot: none fails, memory is flat (root)`,
  { ...NEEDS_NODE, timeout: 180_000 },
  async (t) => {
    await using node = await RealNode.open([
      pool('v4', '10.7.0.0/16', `10.7.0.100-10.7.0.${100 + PODS - 1}`),
      nad('over-host', [MACVLAN, COORDINATOR]),
    ])
    const calls: RealCall[] = []
    for (let i = 0; i < PODS; i++) calls.push(await podOn(node, `p${i}`, 'over-host'))
    const before = await wholeState(node)
    await node.kill()
    // the shims are there first, as after a reboot
    const startedMs = performance.now()
    const waiting = calls.map((call) => node.plugin('ADD', call))
    await node.boot()
    const ips = (await Promise.all(waiting)).map(resultOf).flatMap((result) => result.ips)
    const tookMs = performance.now() - startedMs
    ok(tookMs < RUNTIME_MS)
    t.diagnostic(`${PODS} ADDs before the agent was ready: ${Math.round(tookMs)} ms`)
    equal(new Set(ips.map(({ address }) => address)).size, PODS)
    equal((await heldAddresses(node)).length, PODS)
    await all(node, 'DEL', calls)
    equal(await wholeState(node), before)
    const memory: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      await all(node, 'ADD', calls)
      await all(node, 'DEL', calls)
      memory.push(await rssMib(node))
    }
    t.diagnostic(`memory after each round: ${memory.join(', ')} MiB`)
    ok(Math.max(...memory) < MOST_MIB, memory.join())
    equal(await wholeState(node), before)
  },
)

async function all(node: RealNode, verb: string, calls: readonly RealCall[]): Promise<void> {
  const exits = await Promise.all(calls.map((call) => node.plugin(verb, call)))
  deepEqual(
    exits.filter(({ status }) => status !== 0),
    [],
  )
}

/** Resident memory of the agent. */
async function rssMib(node: RealNode): Promise<number> {
  const status = await readFile(`/proc/${node.agent?.pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
}
