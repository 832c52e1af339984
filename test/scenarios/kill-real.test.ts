/**
 * SIGKILL of a real agent on the real kernel right before every change that it
 * makes in an ADD and in a DEL: what follows it leaves nothing half-made, a
 * retry succeeds once, and a DEL leaves nothing.
 *
 * Here a part of the changes, every kind among them; all of them (some 450, four
 * minutes) with VERBENA_KILL=all. `kill.test.ts` has every one on the simulated
 * kernel, each time.
 * @module
 */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { KillBench } from './kill-real-bench.ts'
import { REAL_SCENARIOS } from './kill-real-scenarios.ts'
import { NEEDS_DEBIAN_CNI } from './real-node.ts'

const ALL = process.env['VERBENA_KILL'] === 'all'
/** Beside the first of each kind: so many of each verb of each scenario. */
const SPREAD = 3
const TIMEOUT_MS = ALL ? 600_000 : 60_000

/** Every kind of change there is on Ethernet, by its netlink protocol and message. */
const KINDS: readonly (readonly [string, string])[] = [
  ['netlink 0/16', 'create-link, set-link, set-sysctl of a link'],
  ['netlink 0/17', 'delete-link'],
  ['netlink 0/20', 'add-address'],
  ['netlink 0/24', 'add-route'],
  ['netlink 0/25', 'remove-route'],
  ['netlink 0/28', 'add-neighbour'],
  ['netlink 0/29', 'remove-neighbour'],
  ['netlink 0/32', 'add-rule'],
  ['netlink 0/33', 'remove-rule'],
  ['netlink 12/16', 'add-nft-table, remove-nft-table'],
  ['write journal.db-wal', 'a row of the journal'],
  ['write store.db-wal', 'an allocation'],
  ['link ', 'an address of host-local'],
  ['unlink ', 'the same, given back'],
  ['rename to last_reserved_ip.0', 'where host-local goes on counting'],
  ['frame run', "another vendor's plugin"],
  ['frame result', 'the answer'],
]
const killed = new Set<string>()
const VICTIMS = ['agent', 'agent and shim'] as const
type Point = { readonly n: number; readonly only?: string }

for (const scenario of REAL_SCENARIOS) {
  for (const verb of ['ADD', 'DEL'] as const) {
    test(
      `${scenario.does}: agent killed in ${verb} (root)`,
      { ...NEEDS_DEBIAN_CNI, timeout: TIMEOUT_MS },
      async (t) => {
        await using bench = await KillBench.open(scenario)
        const changes = (await bench.changes())[verb]
        const points = ALL ? changes.map((_, i): Point => ({ n: i + 1 })) : someOf(changes)
        const faults: string[] = []
        for (const [i, point] of points.entries()) {
          const { at, faults: found } = await bench.killAt(verb, point, VICTIMS[i % 2] ?? 'agent')
          if (at !== undefined) killed.add(kindOf(at))
          faults.push(...found.map((fault) => `killed before change ${point.n}, ${at}: ${fault}`))
        }
        t.diagnostic(`${points.length} of ${changes.length} kill points`)
        deepEqual(faults, [])
        ok(points.length >= SPREAD)
      },
    )
  }
}

test('every kind of change had a kill point (root)', NEEDS_DEBIAN_CNI, () => {
  deepEqual(
    KINDS.filter(([kind]) => !killed.has(kind)),
    [],
  )
})

/** The first of each kind, and some more in between. */
function someOf(changes: readonly string[]): Point[] {
  const kinds = new Set(changes.map(kindOf))
  const step = Math.ceil(changes.length / SPREAD)
  const spread = changes.flatMap((_, i): Point[] => (i % step === 0 ? [{ n: i + 1 }] : []))
  return [...[...kinds].map((kind) => ({ n: 1, only: kind })), ...spread]
}

/** Temporary names and addresses differ from one time to the next. */
function kindOf(change: string): string {
  return change.replace(/(\d+\.){3}\d+$/, '').replace(/\.[\w.]+\.tmp$/, '.')
}
