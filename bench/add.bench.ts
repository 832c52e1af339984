/**
 * Budget: one macvlan by shim and agent, from exec to result, in at most 1.5 ms
 * and at least 8 times faster than Debian's macvlan + host-local. All are
 * executed in turns, so that what else the machine does is shared.
 * @module
 */
import { join } from 'node:path'
import { Agent } from './agent.ts'
import { type Call, type Plugin, callOf } from './call.ts'
import { hostLocalOf, macvlanConf, poolOf, spiderpoolOf, writeDocuments } from './documents.ts'
import { type Ground, PEER_PATH, onGround } from './ground.ts'
import { median, ms, reportBudgets, say, table } from './report.ts'
import { execTimed } from './shell.ts'

const WARM_ROUNDS = 100
const ROUNDS = 80
const BUDGET_US = 1_500
const BUDGET_RATIO = 8
const PEER = 'Debian: macvlan + host-local'

/** In the order in which they take turns. */
function contestants(ground: Ground, socket: string): ReadonlyMap<string, Plugin> {
  const ours = { folder: ground.cniPath, socket }
  const hostLocal = (by: string) => macvlanConf(0, hostLocalOf(0, join(ground.folder, by)))
  return new Map<string, Plugin>([
    ['verbena: macvlan + spiderpool', { ...ours, conf: macvlanConf(0, spiderpoolOf(0)) }],
    ['verbena: macvlan + host-local', { ...ours, conf: hostLocal('ours') }],
    [PEER, { folder: PEER_PATH, conf: hostLocal('peers') }],
  ])
}

type Timed = { readonly who: string; readonly verb: string; readonly call: Call }

/** A round: everybody's ADD, then everybody's DEL, after the two floors. */
function rounds(ground: Ground, plugins: ReadonlyMap<string, Plugin>, count: number): Timed[] {
  const netns = ground.pods(plugins.size)
  const floors: Timed[] = [
    { file: '/bin/true', env: {}, stdin: '' },
    { file: join(ground.cniPath, 'macvlan'), env: { CNI_COMMAND: 'VERSION' }, stdin: '{}' },
  ].map((call, i) => ({ who: `floor${i}`, verb: 'exec', call }))
  return Array.from({ length: count }, (_, round) => {
    const of = (verb: 'ADD' | 'DEL'): Timed[] =>
      [...plugins].map(([who, plugin], i) => {
        const target = { containerId: `c${i}-${round}`, netns: netns[i] ?? '' }
        return { who, verb, call: callOf(verb, plugin, target) }
      })
    return [...floors, ...of('ADD'), ...of('DEL')]
  }).flat()
}

async function time(ground: Ground, timed: readonly Timed[]) {
  const micros = await execTimed(
    ground,
    timed.map(({ call }) => call),
  )
  return (who: string, verb: string): number[] =>
    timed.flatMap((one, i) => (one.who === who && one.verb === verb ? [micros[i] ?? 0] : []))
}

await onGround({ rails: 1 }, async (ground) => {
  await writeDocuments(ground, 'a', [poolOf(0)])
  await using agent = await Agent.start(ground, { state: 'a' })
  const plugins = contestants(ground, agent.socket)
  const ours = new Map([...plugins].filter(([who]) => who !== PEER))
  const first = await time(ground, rounds(ground, ours, WARM_ROUNDS))
  const taken = await time(ground, rounds(ground, plugins, ROUNDS))
  const of = (who: string, verb: string): number => median(taken(who, verb))
  say(`one interface, exec to exit, ${ROUNDS} rounds in turns, milliseconds`)
  const spread = (who: string, verb: string): string =>
    [0.1, 0.5, 0.9].map((at) => ms(median(taken(who, verb), at))).join(' / ')
  table([
    ['', 'ADD p10 / p50 / p90', '× faster', 'DEL p10 / p50 / p90', '× faster'],
    ...[...plugins.keys()].map((who) => [
      who,
      spread(who, 'ADD'),
      (of(PEER, 'ADD') / of(who, 'ADD')).toFixed(1),
      spread(who, 'DEL'),
      (of(PEER, 'DEL') / of(who, 'DEL')).toFixed(1),
    ]),
  ])
  const [who = ''] = plugins.keys()
  say(`  floor: /bin/true ${ms(of('floor0', 'exec'))}, the shim alone ${ms(of('floor1', 'exec'))}`)
  say(`  the agent's very first ADD ${ms(first(who, 'ADD')[0] ?? 0)}`)
  const ratio = of(PEER, 'ADD') / of(who, 'ADD')
  const like = of(PEER, 'ADD') / of('verbena: macvlan + host-local', 'ADD')
  reportBudgets([
    {
      work: 'ADD of one macvlan, standalone store, exec to result (median)',
      budget: '≤ 1.5 ms',
      measured: `${ms(of(who, 'ADD'))} ms`,
      met: of(who, 'ADD') <= BUDGET_US,
    },
    {
      work: 'the same against Debian macvlan + host-local',
      budget: '≥ 8 × faster',
      measured: `${ratio.toFixed(1)} × (host-local on both sides: ${like.toFixed(1)} ×)`,
      met: ratio >= BUDGET_RATIO,
    },
  ])
})
