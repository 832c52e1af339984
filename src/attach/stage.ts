/**
 * One stage of ours, for all attachments of a request at once: observed and
 * reserved side by side, planned, journalled in one write, taken in one go.
 * @module
 */
import type { Reservation } from '#ipam/index.ts'
import { parseResult } from '#wire/cni/result-parse.ts'
import { fail } from './failures.ts'
import { runForeign } from './foreign-stage.ts'
import type { Doing, Making } from './making.ts'
import type { AttachNeeds } from './needs.ts'
import { type Given, type Planned, type Turn, allOrFirstFailure, planTogether } from './planning.ts'
import { probesOf } from './probing.ts'
import { requestedIps } from './requested.ts'
import { takeTogether } from './taking.ts'

type Links = Turn['links']

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
  if (mine.length === 0) return
  const { needs } = doing
  needs.journal.write(mine.map(({ making }) => making.row))
  const given = new Map(
    await allOrFirstFailure(
      mine.map(async ({ making, links }) => [making, await reserve(making, links, doing)] as const),
    ),
  )
  const planned = await planAsRecalled(mine, doing, given)
  for (const { making, row } of planned) making.row = row
  needs.journal.write(planned.map(({ row }) => row))
  await takeTogether(
    planned.map(({ steps }) => steps),
    { kernel: needs.kernel, expected: doing.recalled?.expected() ?? [] },
  )
  await Promise.all(planned.map(({ making }) => completeResult(making, needs)))
}

/** A plan that is refused by what was recalled is made anew from what is so. */
async function planAsRecalled(
  mine: readonly Turn[],
  doing: Doing,
  given: ReadonlyMap<Making, Given>,
): Promise<Planned[]> {
  const { recalled, needs } = doing
  try {
    return await planTogether(mine, doing, given)
  } catch (cause) {
    if (recalled === undefined || recalled.expected().length === 0) throw cause
    needs.masters?.clear()
    return planTogether(mine, { ...doing, recalled: undefined }, given)
  }
}

const NOTHING: Given = { addressing: undefined, held: [], probes: [] }

/** Addresses of one attachment; the row knows them before anything else happens. */
async function reserve(making: Making, links: Links, doing: Doing): Promise<Given> {
  const given = await addressesOf(making, links, doing)
  making.row = { ...making.row, held: [...making.row.held, ...given.held], state: 'reserved' }
  return given
}

async function addressesOf(making: Making, links: Links, doing: Doing): Promise<Given> {
  const main = links.find((link) => link.addresser.by !== 'none')
  if (main === undefined || main.addresser.by === 'none') return NOTHING
  const { addresser } = main
  if (addresser.by === 'foreign') {
    const answer = await runForeign(making, addresser.type, main.raw, doing)
    const { ips, routes, dns } = parseResult(answer, making.wanted.cniVersion)
    if (ips.length === 0) throw fail('ipam-answer-empty', { type: addresser.type })
    return { ...NOTHING, addressing: { ips, routes, dns } }
  }
  const { owner, cniVersion, pod, namespace, networkRef } = making.wanted
  const reservation: Reservation = await addresser.ipam.reserve({
    conf: addresser.conf,
    owner,
    cniVersion,
    requested: requestedIps(main.raw, making.wanted.args),
    args: making.wanted.args,
    pod,
    namespace,
    networkRef,
  })
  const { addressing, held } = reservation
  const probes = probesOf(reservation, addresser, { ...making, needs: doing.needs })
  return { addressing, held, probes }
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
