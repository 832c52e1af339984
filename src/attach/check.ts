/**
 * CHECK: compares the whole attachment with what its ADD answered, by every
 * plugin and IPAM of ours in the chain.
 *
 * Spec: CNI 1.1.0, section 4 (CHECK).
 * @module
 */
import { type Taken, checkStanding } from '#cni/index.ts'
import type { Failure } from '#values/failure.ts'
import { parseChain } from './chain.ts'
import { fail } from './failures.ts'
import { attachmentKey, markOf } from './identity.ts'
import type { AttachNeeds, Wanted } from './needs.ts'
import type { Row } from './row.ts'

/** Every way in which an attachment differs from its result; empty when it is as it should be. */
export async function checkAttachment(wanted: Wanted, needs: AttachNeeds): Promise<Failure[]> {
  const { owner, netns, prevResult } = wanted
  const row = needs.journal.get(attachmentKey(wanted))
  // what the replaced plugins made has no row: its result says what there must be
  const isKnown = row === undefined ? prevResult !== undefined : row.state === 'attached'
  if (!isKnown) {
    return [fail('attachment-missing', { ifName: owner.ifName, containerId: owner.containerId })]
  }
  const faults: Failure[] = []
  const addressing = prevResult ?? row?.result
  for (const link of parseChain(wanted, needs.catalogue).links) {
    if (link.link === 'foreign') continue
    const { ifName, containerId } = owner
    const request = {
      conf: link.conf,
      netns,
      ifName,
      containerId,
      mark: markOf(owner),
      temp: ifName,
      prevResult: addressing,
      addressing: undefined,
    }
    faults.push(...(await link.plugin.check(request, needs.questions)))
    if (link.addresser.by !== 'ours' || addressing === undefined) continue
    const { ipam, conf } = link.addresser
    faults.push(...(await ipam.check({ conf, owner, addressing })))
  }
  const taken = row === undefined ? [] : takenIn(row, needs)
  return [...faults, ...(await checkStanding(taken, needs.questions))]
}

/** Steps of all attachments of the namespace, the oldest first. */
function takenIn({ attachment, netns, netnsId }: Row, { journal }: AttachNeeds): Taken[] {
  const rows = journal.all().filter((one) => one.netns === netns && one.netnsId === netnsId)
  return rows
    .toSorted((a, b) => a.since - b.since)
    .flatMap((row) => row.stages.map((stage) => ({ row, stage })))
    .flatMap(({ row, stage }): Taken[] => {
      if (stage.stage !== 'steps') return []
      return stage.steps.map((step) => ({ step, own: row.attachment === attachment }))
    })
}
