/**
 * One stage of ours, for all attachments of a request at once: observed and
 * reserved side by side, planned, journalled in one write, taken in one go.
 * @module
 */
import type { Held, Reservation } from '#ipam/index.ts'
import type { Step } from '#values/step.ts'
import type { PluginRequest } from '#cni/index.ts'
import { parseResult } from '#wire/cni/result-parse.ts'
import type { Addressing, CniResult } from '#wire/cni/result.ts'
import type { ChainLink } from './chain.ts'
import { fail } from './failures.ts'
import { runForeign } from './foreign-stage.ts'
import type { Doing, Making } from './making.ts'
import type { AttachNeeds } from './needs.ts'
import { requestedIps } from './requested.ts'
import type { Row } from './row.ts'

type Ours = Extract<ChainLink, { link: 'ours' }>
type Turn = { readonly making: Making; readonly links: readonly Ours[] }
type Planned = { readonly making: Making; readonly steps: readonly Step[]; readonly row: Row }

/** @throws {Failure} of the first attachment that cannot be made; the caller undoes */
export async function applyOurStages(
  makings: readonly Making[],
  n: number,
  doing: Doing,
): Promise<void> {
  const mine = makings.flatMap((making): Turn[] => {
    const stage = making.stages[n]
    return stage?.stage === 'ours' ? [{ making, links: stage.links }] : []
  })
  const [first, ...others] = mine
  if (first === undefined) return
  const { needs } = doing
  needs.journal.write(mine.map(({ making }) => making.row))
  const given = new Map(
    await allOrFirstFailure(
      mine.map(async ({ making, links }) => [making, await reserve(making, links, doing)] as const),
    ),
  )
  // what the first makes (the pod's second way out) is there for the others to plan with
  const head = await planStage(first, { doing, given, before: [] })
  const before = head.steps
  const rest = await allOrFirstFailure(
    others.map((one) => planStage(one, { doing, given, before })),
  )
  const planned = [head, ...rest]
  for (const { making, row } of planned) making.row = row
  needs.journal.write(planned.map(({ row }) => row))
  await needs.kernel.take(planned.flatMap(({ steps }) => steps))
  await Promise.all(planned.map(({ making }) => completeResult(making, needs)))
}

/** Waits for all, so that no reservation is still on its way when the undo begins. */
async function allOrFirstFailure<T>(works: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(works)
  const failed = settled.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

type Planning = {
  readonly doing: Doing
  readonly given: ReadonlyMap<Making, Given>
  /** Steps of this request that come before. */
  readonly before: readonly Step[]
}

async function planStage(
  { making, links }: Turn,
  { doing: { needs }, given, before }: Planning,
): Promise<Planned> {
  const addressing = given.get(making)?.addressing
  let result = making.row.result ?? making.wanted.prevResult
  const steps: Step[] = []
  for (const link of links) {
    const request = {
      ...requestOf(making, link, { addressing, prevResult: result }),
      planned: [...before, ...steps],
    }
    const saw = await link.plugin.observe(request, needs.questions)
    steps.push(...link.plugin.plan(request, saw))
    result = link.plugin.answer(request, saw)
    for (const text of link.plugin.warnings?.(request, saw) ?? []) {
      needs.report({ note: 'warning', attachment: making.row.attachment, text })
    }
  }
  const stages = [...making.row.stages, { stage: 'steps', steps } as const]
  return { making, steps, row: { ...making.row, state: 'open', stages, result } }
}

function requestOf(
  { wanted, temp, row }: Making,
  link: Ours,
  given: { addressing: Addressing | undefined; prevResult: CniResult | undefined },
): PluginRequest<unknown> {
  const { owner, netns } = wanted
  const isMain = link.plugin.role === 'main'
  return {
    conf: link.conf,
    netns,
    ifName: owner.ifName,
    containerId: owner.containerId,
    mark: row.mark,
    temp,
    prevResult: given.prevResult,
    addressing: isMain ? given.addressing : undefined,
  }
}

type Given = { readonly addressing: Addressing | undefined; readonly held: readonly Held[] }

/** Addresses of one attachment; the row knows them before anything else happens. */
async function reserve(making: Making, links: readonly Ours[], doing: Doing): Promise<Given> {
  const given = await addressesOf(making, links, doing)
  making.row = { ...making.row, held: [...making.row.held, ...given.held], state: 'reserved' }
  return given
}

async function addressesOf(making: Making, links: readonly Ours[], doing: Doing): Promise<Given> {
  const main = links.find((link) => link.addresser.by !== 'none')
  if (main === undefined || main.addresser.by === 'none') return { addressing: undefined, held: [] }
  const { addresser } = main
  if (addresser.by === 'foreign') {
    const answer = await runForeign(making, addresser.type, main.raw, doing)
    const { ips, routes, dns } = parseResult(answer, making.wanted.cniVersion)
    if (ips.length === 0) throw fail('ipam-answer-empty', { type: addresser.type })
    return { addressing: { ips, routes, dns }, held: [] }
  }
  const { owner, cniVersion, pod, namespace } = making.wanted
  const reservation: Reservation = await addresser.ipam.reserve({
    conf: addresser.conf,
    owner,
    cniVersion,
    requested: requestedIps(main.raw, making.wanted.args),
    args: making.wanted.args,
    pod,
    namespace,
  })
  return { addressing: reservation.addressing, held: reservation.held }
}

/** Fills in what only the kernel knew: the hardware address of an interface it made. */
async function completeResult(making: Making, needs: AttachNeeds): Promise<void> {
  const { result } = making.row
  if (result === undefined || result.interfaces.every((i) => i.mac !== undefined)) return
  const links = await needs.kernel.links(making.wanted.netns)
  const interfaces = result.interfaces.map((one) => {
    if (one.mac !== undefined || one.sandbox === undefined) return one
    const link = links.find((other) => other.name === one.name)
    // what an IPoIB link can carry falls when it joins its group, which may be after the answer
    const mtu = link?.kind.kind === 'ipoib' ? one.mtu : (one.mtu ?? link?.mtu)
    return { ...one, mac: link?.address, mtu }
  })
  making.row = { ...making.row, result: { ...result, interfaces } }
}
