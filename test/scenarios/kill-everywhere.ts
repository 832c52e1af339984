/**
 * Kills an agent before every change that one request makes, lets another
 * agent follow it, and looks at what is left.
 * @module
 */
import { settleReleases } from '#attach/index.ts'
import { allocationsOf } from '#ipam/index.ts'
import type { PodRef } from '#values/owner.ts'
import { nad, networks, POOLS } from './documents.ts'
import { addPod, type Ground, makeGround, stateOf } from './ground.ts'
import type { Scenario } from './kill-scenarios.ts'
import { type Life, makeLife, type Point } from './life.ts'
import { type Asked, bootAgent, type MemoryAgent } from './memory-agent.ts'
import { WORLD } from './world.ts'

/** `TAKE-OVER` is the ADD of a newer container while the older one is attached. */
export type Verb = 'ADD' | 'DEL' | 'TAKE-OVER'

/** Where the agent was killed, and every way in which the world was not as it must be. */
export type Killed = { readonly points: readonly Point[]; readonly faults: readonly string[] }

type Options = { readonly late?: boolean }
type Bench = {
  readonly scenario: Scenario
  readonly ground: Ground
  readonly asked: Asked
  /** State without the pod's interfaces. */
  readonly before: string
  boot(life?: Life): MemoryAgent
}

/** Kills before every change of the verb, once each. */
export async function killEverywhere(
  scenario: Scenario,
  verb: Verb,
  options: Options = {},
): Promise<Killed> {
  const points: Point[] = []
  const faults: string[] = []
  for (let last = 1; ; last++) {
    const life = makeLife(last)
    const found = await killOnce(scenario, { verb, life, options })
    if (life.end === undefined) return { points, faults: [...faults, ...found] }
    points.push(life.end)
    const where = `${verb} killed before change ${last}, ${life.end.what}`
    faults.push(...found.map((fault) => `${where}: ${fault}`))
  }
}

async function killOnce(
  scenario: Scenario,
  of: { verb: Verb; life: Life; options: Options },
): Promise<string[]> {
  const { verb, life, options } = of
  await using ground = await makeGround(WORLD, [
    ...POOLS,
    ...scenario.networks.map((plugins, i) => nad(`net${i}`, plugins)),
  ])
  const [first = '', ...others] = scenario.networks.map((_, i) => `net${i}`)
  const annotations = networks(first, ...others)
  if (scenario.defaultRoute !== undefined) {
    const last = { name: others.at(-1), namespace: 'kube-system' }
    const elements = [{ ...last, 'default-route': scenario.defaultRoute }]
    annotations['k8s.v1.cni.cncf.io/networks'] = JSON.stringify(elements)
  }
  const pod: PodRef = await addPod(ground, 'pod-1', annotations)
  const bench: Bench = {
    scenario,
    ground,
    asked: { netns: 'p1', container: 'c0ffee000001', pod, ...scenario.alone },
    before: await stateOf(ground),
    boot: (mortal) =>
      bootAgent(ground, {
        ...options,
        ...(scenario.plugins === undefined ? {} : { plugins: scenario.plugins }),
        ...(mortal === undefined ? {} : { life: mortal }),
      }),
  }
  return await KILLED[verb](bench, life)
}

/** After recovery nothing is left; a repeated ADD makes it all, once; its DEL leaves nothing. */
async function killedAdd(bench: Bench, life: Life): Promise<string[]> {
  const { ground, asked, before, scenario } = bench
  await refusal(bench.boot(life).call('ADD', asked))
  const next = bench.boot()
  const faults: string[] = []
  if (life.end !== undefined) {
    await next.recover()
    if (scenario.needsShim !== true) {
      faults.push(...differences('after recovery', before, await stateOf(ground)))
    }
  }
  const refused = await refusal(next.call('ADD', asked))
  if (refused !== undefined) return [...faults, `the repeated ADD is refused: ${refused}`]
  faults.push(...(await wrongNumbers(bench)))
  return [...faults, ...(await deleted(bench, next))]
}

/** After recovery all of it is there, or nothing; DEL succeeds, twice, and leaves nothing. */
async function killedDel(bench: Bench, life: Life): Promise<string[]> {
  const { ground, asked, before, scenario } = bench
  const refused = await refusal(bench.boot().call('ADD', asked))
  if (refused !== undefined) return [`ADD is refused: ${refused}`]
  const attached = await stateOf(ground)
  const mortal = bench.boot(life)
  await refusal(mortal.call('DEL', asked).then(() => settleReleases(mortal.attach)))
  const next = bench.boot()
  await next.recover()
  await settleReleases(next.attach)
  const after = await stateOf(ground)
  const faults =
    after === attached || scenario.needsShim === true
      ? []
      : differences('after recovery', before, after)
  return [...faults, ...(await deleted(bench, next))]
}

/** The newer container gets all, once, whatever became of the first try; both DELs succeed. */
async function killedTakeOver(bench: Bench, life: Life): Promise<string[]> {
  const { asked } = bench
  const newer = { ...asked, netns: 'p2', container: 'beef00000002' }
  const refused = await refusal(bench.boot().call('ADD', asked))
  if (refused !== undefined) return [`the older container's ADD is refused: ${refused}`]
  await refusal(bench.boot(life).call('ADD', newer))
  const next = bench.boot()
  await next.recover()
  const again = await refusal(next.call('ADD', newer))
  if (again !== undefined) return [`the newer container's repeated ADD is refused: ${again}`]
  const gone = await refusal(next.call('DEL', asked))
  if (gone !== undefined) return [`the older container's DEL is refused: ${gone}`]
  const faults = await wrongNumbers(bench, 'p2')
  return [...faults, ...(await deleted({ ...bench, asked: newer }, next))]
}

const KILLED = { ADD: killedAdd, DEL: killedDel, 'TAKE-OVER': killedTakeOver } as const

async function deleted({ ground, asked, before }: Bench, agent: MemoryAgent): Promise<string[]> {
  for (const time of ['DEL', 'a second DEL']) {
    const refused = await refusal(agent.call('DEL', asked))
    if (refused !== undefined) return [`${time} is refused: ${refused}`]
    await settleReleases(agent.attach)
  }
  return differences('after DEL', before, await stateOf(ground))
}

/** One link and one address of each, and no row that is not attached. */
async function wrongNumbers({ scenario, ground }: Bench, netns = 'p1'): Promise<string[]> {
  const { items } = await ground.records.list(allocationsOf('all'))
  const links = ground.host.netns.get(netns)?.links.map(({ name }) => name) ?? []
  const rows = ground.journal.all()
  const files = [...ground.files.keys()].filter((path) => !path.includes('last_reserved_ip'))
  const found = {
    links: links.filter((name) => name !== 'lo').toSorted(),
    allocations: items.length,
    files: files.length,
    foreign: ground.foreign.size,
    rows: rows.filter(({ state }) => state === 'attached').length,
    unfinished: rows.filter(({ state }) => state !== 'attached').length,
  }
  const { links: wanted, held, networks: all } = scenario
  const expected = { links: [...wanted].toSorted(), ...held, rows: all.length || 1, unfinished: 0 }
  const [is, must] = [JSON.stringify(found), JSON.stringify(expected)]
  return is === must ? [] : [`after a repeated ADD there is ${is}, not ${must}`]
}

/** Lines that are in one state only; their order says how old things are, and is no state. */
function differences(when: string, before: string, after: string): string[] {
  const [old, now] = [before, after].map((text) => text.split('\n').toSorted())
  if (old === undefined || now === undefined || old.join('\n') === now.join('\n')) return []
  const gone = old.filter((line) => !now.includes(line)).map((line) => `- ${line.trim()}`)
  const more = now.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`)
  return [`${when} the state differs: ${[...gone, ...more].join(' | ') || 'lines are repeated'}`]
}

async function refusal(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  }
}
