/**
 * SIGKILL at any moment, on the real kernel: of the agent, while its threads are
 * in the kernel, and of the shim, while another vendor's plugin runs for it or
 * the agent works; and by the plugins themselves, before and after what they do.
 *
 * The moments follow from a seed, which is printed; VERBENA_KILL_SEED and
 * VERBENA_KILLS (how many of each) make others, or the same again.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { KillBench } from './kill-real-bench.ts'
import { DEADLY, REAL_SCENARIOS } from './kill-real-scenarios.ts'
import { NEEDS_DEBIAN_CNI } from './real-node.ts'

const SEED = Number(process.env['VERBENA_KILL_SEED'] ?? Date.now() % 100_000)
const KILLS = Number(process.env['VERBENA_KILLS'] ?? 6)
const TIMEOUT_MS = 60_000 + KILLS * 4_000
/** The latest kill after a call began, in milliseconds: some calls are over by then. */
const LATEST_MS = 60

for (const [i, scenario] of REAL_SCENARIOS.entries()) {
  test(
    `${scenario.does}: agent or shim killed at random times (root)`,
    { ...NEEDS_DEBIAN_CNI, timeout: TIMEOUT_MS },
    async (t) => {
      t.diagnostic(`VERBENA_KILL_SEED=${SEED} VERBENA_KILLS=${KILLS}`)
      await using bench = await KillBench.open(scenario)
      const random = randomOf(SEED + i)
      const faults: string[] = []
      for (let n = 0; n < KILLS; n++) {
        for (const verb of ['ADD', 'DEL'] as const) {
          for (const victim of ['agent', 'shim'] as const) {
            const atMs = random() * LATEST_MS
            const found = await bench.killBy(verb, {
              kill: async ({ child }) => {
                await delay(atMs)
                if (victim === 'agent') await bench.node.kill()
                else child.kill('SIGKILL')
              },
            })
            const where = `${victim} killed ${Math.round(atMs)} ms into ${verb} ${n}`
            faults.push(...found.map((fault) => `${where}: ${fault}`))
          }
        }
      }
      deepEqual(faults, [])
    },
  )
}

for (const scenario of REAL_SCENARIOS.filter(({ needsShim }) => needsShim)) {
  test(
    `${scenario.does}: it kills its shim, or the agent (root)`,
    { ...NEEDS_DEBIAN_CNI },
    async () => {
      await using bench = await KillBench.open(scenario)
      const faults: string[] = []
      for (const verb of ['ADD', 'DEL'] as const) {
        for (const when of DEADLY) {
          for (const victim of ['shim', 'agent'] as const) {
            const { agent, folder } = bench.node
            const died = new Promise((resolve) => agent?.once('exit', resolve))
            const found = await bench.killBy(verb, {
              before: () => {
                return writeFile(
                  `${folder}/kill-${when}`,
                  victim === 'agent' ? `${agent?.pid}` : '',
                )
              },
              kill: async ({ ended }) => void (await (victim === 'agent' ? died : ended)),
            })
            const where = `${victim} killed by a plugin ${when} its ${verb}`
            faults.push(...found.map((fault) => `${where}: ${fault}`))
          }
        }
      }
      deepEqual(faults, [])
    },
  )
}

/** Numbers in [0, 1) that look random (a linear congruential generator). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
