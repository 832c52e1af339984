/**
 * Budget: one macvlan by shim and agent, from exec to result, in at most 1.5 ms
 * and at least 8 times faster than Debian's macvlan + host-local. All are
 * executed in turns, so that what else the machine does is shared; twice: pods
 * one after the other, and one after the agent had nothing to do for a while.
 * @module
 */
import { join } from 'node:path'
import { Agent } from './agent.ts'
import { type Call, type Plugin, callOf } from './call.ts'
import { hostLocalOf, macvlanConf, poolOf, spiderpoolOf, writeDocuments } from './documents.ts'
import { type Ground, PEER_PATH, onGround } from './ground.ts'
import { type Budget, median, ms, reportBudgets, say, table } from './report.ts'
import { execTimed } from './shell.ts'

const WARM_ROUNDS = 100
const ROUNDS = 80
/** Pods one after the other, as on a node that starts several. */
const IN_ROW = 10
const ROW_ROUNDS = 20
const BUDGET_US = 1_500
const BUDGET_RATIO = 8
const PEER = 'Debian: macvlan + host-local'
const LIKE = 'verbena: macvlan + host-local'

/** In the order in which they take turns. */
function contestants(ground: Ground, socket: string): ReadonlyMap<string, Plugin> {
  const ours = { folder: ground.cniPath, socket }
  const hostLocal = (by: string) => macvlanConf(0, hostLocalOf(0, join(ground.folder, by)))
  return new Map<string, Plugin>([
    ['verbena: macvlan + spiderpool', { ...ours, conf: macvlanConf(0, spiderpoolOf(0)) }],
    [LIKE, { ...ours, conf: hostLocal('ours') }],
    [PEER, { folder: PEER_PATH, conf: hostLocal('peers') }],
  ])
}

type Timed = { readonly who: string; readonly verb: string; readonly call: Call }

/** A round: everybody's ADDs, then everybody's DELs, after the two floors. */
function rounds(
  ground: Ground,
  plugins: ReadonlyMap<string, Plugin>,
  { count, inRow, tag }: { count: number; inRow: number; tag: string },
): Timed[] {
  const netns = ground.pods(plugins.size * inRow)
  const floors: Timed[] = [
    { file: '/bin/true', env: {}, stdin: '' },
    { file: join(ground.cniPath, 'macvlan'), env: { CNI_COMMAND: 'VERSION' }, stdin: '{}' },
  ].map((call, i) => ({ who: `floor${i}`, verb: 'exec', call }))
  return Array.from({ length: count }, (_, round) => {
    const of = (verb: 'ADD' | 'DEL'): Timed[] =>
      [...plugins].flatMap(([who, plugin], i) =>
        Array.from({ length: inRow }, (__, pod) => {
          const containerId = `${tag}${i}-${round}-${pod}`
          const target = { containerId, netns: netns[i * inRow + pod] ?? '' }
          return { who, verb, call: callOf(verb, plugin, target) }
        }),
      )
    return [...floors, ...of('ADD'), ...of('DEL')]
  }).flat()
}

/** Microseconds of every call of one contestant. */
type Times = (who: string, verb: string) => number[]

async function time(ground: Ground, timed: readonly Timed[]): Promise<Times> {
  const micros = await execTimed(
    ground,
    timed.map(({ call }) => call),
  )
  return (who, verb) =>
    timed.flatMap((one, i) => (one.who === who && one.verb === verb ? [micros[i] ?? 0] : []))
}

/** One line a contestant. */
function tell(title: string, names: readonly string[], taken: Times): void {
  const of = (who: string, verb: string): number => median(taken(who, verb))
  const spread = (who: string, verb: string): string =>
    [0.1, 0.5, 0.9].map((at) => ms(median(taken(who, verb), at))).join(' / ')
  say(title)
  table([
    ['', 'ADD p10 / p50 / p90', '× faster', 'DEL p10 / p50 / p90', '× faster'],
    ...names.map((who) => [
      who,
      spread(who, 'ADD'),
      (of(PEER, 'ADD') / of(who, 'ADD')).toFixed(1),
      spread(who, 'DEL'),
      (of(PEER, 'DEL') / of(who, 'DEL')).toFixed(1),
    ]),
  ])
  say(`  floor: /bin/true ${ms(of('floor0', 'exec'))}, the shim alone ${ms(of('floor1', 'exec'))}`)
}

/** `when` says how the ADDs came. */
function budgetsOf(when: string, who: string, taken: Times): Budget[] {
  const of = (name: string): number => median(taken(name, 'ADD'))
  const ratio = of(PEER) / of(who)
  const like = of(PEER) / of(LIKE)
  return [
    {
      work: `ADD of one macvlan, standalone store, exec to result, ${when} (median)`,
      budget: '≤ 1.5 ms',
      measured: `${ms(of(who))} ms`,
      met: of(who) <= BUDGET_US,
    },
    {
      work: `the same against Debian macvlan + host-local, ${when}`,
      budget: '≥ 8 × faster',
      measured: `${ratio.toFixed(1)} × (host-local on both sides: ${like.toFixed(1)} ×)`,
      met: ratio >= BUDGET_RATIO,
    },
  ]
}

await onGround({ rails: 1 }, async (ground) => {
  await writeDocuments(ground, 'a', [poolOf(0)])
  await using agent = await Agent.start(ground, { state: 'a' })
  const plugins = contestants(ground, agent.socket)
  const ours = new Map([...plugins].filter(([who]) => who !== PEER))
  const warm = { count: WARM_ROUNDS, inRow: 1, tag: 'w' }
  const first = await time(ground, rounds(ground, ours, warm))
  const row = await time(
    ground,
    rounds(ground, plugins, { count: ROW_ROUNDS, inRow: IN_ROW, tag: 'r' }),
  )
  const pause = await time(ground, rounds(ground, plugins, { count: ROUNDS, inRow: 1, tag: 'p' }))
  const names = [...plugins.keys()]
  const [who = ''] = names
  const head = 'one interface, exec to exit, milliseconds'
  tell(`${head}: ${IN_ROW} pods in a row, ${ROW_ROUNDS} rounds in turns`, names, row)
  tell(`${head}: one pod after a pause, ${ROUNDS} rounds in turns`, names, pause)
  say(`  the agent's very first ADD ${ms(first(who, 'ADD')[0] ?? 0)}`)
  reportBudgets([...budgetsOf('in a row', who, row), ...budgetsOf('after a pause', who, pause)])
})
