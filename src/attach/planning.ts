/**
 * Plans one stage of several attachments together. Their plugins look side by
 * side; they decide in order, each knowing the steps of those before it: what
 * the first interface of a pod gets is there for the others, and no two of them
 * choose the same number.
 * @module
 */
import type { PluginRequest } from '#cni/index.ts'
import type { Held } from '#ipam/index.ts'
import type { Probe } from '#values/probe.ts'
import type { Step } from '#values/step.ts'
import type { Addressing, CniResult } from '#wire/cni/result.ts'
import type { ChainLink } from './chain.ts'
import type { Doing, Making } from './making.ts'
import type { Row } from './row.ts'

type Ours = Extract<ChainLink, { link: 'ours' }>

/** Plugins of ours that follow one another in one attachment. */
export type Turn = { readonly making: Making; readonly links: readonly Ours[] }

/** Addresses of one attachment, and what is asked of the network before they are used. */
export type Given = {
  readonly addressing: Addressing | undefined
  readonly held: readonly Held[]
  readonly probes: readonly Probe[]
}

/** What was decided, and the row that says so. */
export type Planned = {
  readonly making: Making
  readonly steps: readonly Step[]
  readonly row: Row
}

type Open = Turn & {
  readonly given: Given
  readonly steps: Step[]
  result: CniResult | undefined
}

/** @throws {Failure} of the first plugin that refuses */
export async function planTogether(
  turns: readonly Turn[],
  doing: Doing,
  given: ReadonlyMap<Making, Given>,
): Promise<Planned[]> {
  const opens = turns.map((turn): Open => {
    const { row, wanted } = turn.making
    const own = given.get(turn.making) ?? { addressing: undefined, held: [], probes: [] }
    return { ...turn, given: own, steps: [], result: row.result ?? wanted.prevResult }
  })
  const longest = Math.max(...turns.map(({ links }) => links.length))
  for (let at = 0; at < longest; at++) await planPlace(opens, at, doing)
  return opens.map(({ making, steps, result }) => {
    const stages = [...making.row.stages, { stage: 'steps', steps } as const]
    return { making, steps, row: { ...making.row, state: 'open', stages, result } }
  })
}

/** The plugins that have the same place in each chain. */
async function planPlace(opens: readonly Open[], at: number, doing: Doing): Promise<void> {
  const { needs, recalled } = doing
  const questions = recalled?.questions ?? needs.questions
  const turn = opens.flatMap((open, i) => {
    const link = open.links[at]
    return link === undefined ? [] : [{ open, link, before: opens.slice(0, i + 1) }]
  })
  const requestNow = ({ open, link, before }: (typeof turn)[number]): PluginRequest<unknown> => ({
    ...requestOf(open, link),
    planned: before.flatMap(({ steps }) => steps),
    siblings: doing.siblings,
  })
  const seen = await allOrFirstFailure(
    turn.map((one) => one.link.plugin.observe(requestNow(one), questions)),
  )
  for (const [i, one] of turn.entries()) {
    const { open, link } = one
    const request = requestNow(one)
    const saw = seen[i]
    const steps = link.plugin.plan(request, saw)
    open.result = link.plugin.answer(request, saw)
    for (const text of link.plugin.warnings?.(request, saw) ?? []) {
      needs.report({ note: 'warning', attachment: open.making.row.attachment, text })
    }
    open.steps.push(...steps)
  }
}

function requestOf({ making, given, result }: Open, link: Ours): PluginRequest<unknown> {
  const { wanted, temp, row } = making
  const { owner, netns } = wanted
  const isMain = link.plugin.role === 'main'
  return {
    conf: link.conf,
    netns,
    ifName: owner.ifName,
    containerId: owner.containerId,
    mark: row.mark,
    temp,
    prevResult: result,
    addressing: isMain ? given.addressing : undefined,
    probes: isMain ? given.probes : [],
  }
}

/** Waits for all, so that no reservation is still on its way when the undo begins. */
export async function allOrFirstFailure<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(works)
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}
