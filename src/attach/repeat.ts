/**
 * What an ADD finds of an earlier one: the same attachment again (answered
 * from the journal), a half-made one (undone first), or an older container of
 * the same pod (set aside: its own DEL takes it down and frees nothing).
 * @module
 */
import { bearsMark } from '#values/mark.ts'
import { type Step, undoOf } from '#values/step.ts'
import { fail } from './failures.ts'
import { attachmentKey } from './identity.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import type { Row, Stage } from './row.ts'
import { undoRows } from './undo.ts'

/**
 * Rows to answer with, or undefined when the attachments must be made; then
 * nothing of an earlier try is in the way any more.
 * @throws {Failure} `detach-incomplete`: something half-made could not be undone
 */
export async function existingRows(
  wanteds: readonly Wanted[],
  needs: AttachNeeds,
  at: { readonly foreign: Foreign | undefined; readonly netnsId: string | undefined },
): Promise<readonly Row[] | undefined> {
  const found = wanteds.map((wanted) => needs.journal.get(attachmentKey(wanted)))
  if (found.every((row) => row === undefined)) return undefined
  const same = found.filter((row) => row !== undefined && isSame(row, wanteds, at.netnsId))
  if (same.length === wanteds.length && (await allPresent(same, needs))) {
    return same.filter((row) => row !== undefined)
  }
  const stale: Row[] = []
  for (const row of found) {
    if (row === undefined) continue
    if (isOlderContainer(row, wanteds)) await setAside(row, needs)
    else stale.push(row)
  }
  const left = await undoRows(stale, needs, at.foreign)
  if (left.length > 0) {
    const attachments = left.map((row) => row.attachment).join(', ')
    throw fail('detach-incomplete', { attachments, reason: 'an earlier try is not undone yet' })
  }
  return undefined
}

function isSame(row: Row, wanteds: readonly Wanted[], netnsId: string | undefined): boolean {
  const containerId = wanteds[0]?.owner.containerId
  return (
    row.state === 'attached' && row.owner.containerId === containerId && row.netnsId === netnsId
  )
}

function isOlderContainer(row: Row, wanteds: readonly Wanted[]): boolean {
  return row.state === 'attached' && row.owner.containerId !== wanteds[0]?.owner.containerId
}

/**
 * Only what is the container's own is left to its own DEL: its link, and the
 * files of host-local, which name the container. The pod's allocations go to
 * the newer container, and with them the host's routes and rules to them, which
 * bear no container and would be taken for the newer one's.
 */
async function setAside(row: Row, needs: AttachNeeds): Promise<void> {
  const steps = row.stages.flatMap((stage) => (stage.stage === 'steps' ? stage.steps : []))
  await needs.kernel.take(steps.filter(leadsToPod).toReversed().flatMap(undoOf))
  const held = row.held.filter((one) => one.held === 'file')
  const { plugins } = row.request
  const aside: Row = {
    ...row,
    attachment: `${row.attachment}@${row.owner.containerId}`,
    held,
    stages: row.stages.map(withoutWays),
    request: { ...row.request, plugins: held.length > 0 ? plugins : plugins.map(withoutIpam) },
  }
  needs.journal.write([aside])
  needs.journal.erase([row.attachment])
}

function leadsToPod(step: Step): boolean {
  return (step.do === 'add-route' || step.do === 'add-rule') && step.where === 'host'
}

function withoutWays(stage: Stage): Stage {
  if (stage.stage !== 'steps') return stage
  return { ...stage, steps: stage.steps.filter((step) => !leadsToPod(step)) }
}

function withoutIpam(raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(raw).filter(([key]) => key !== 'ipam'))
}

/** True when every link that a row made is still there with its mark. */
async function allPresent(
  rows: readonly (Row | undefined)[],
  needs: AttachNeeds,
): Promise<boolean> {
  for (const row of rows) {
    if (row === undefined) return false
    const makes = row.stages.flatMap((s) => (s.stage === 'steps' ? s.steps : []))
    const links = await needs.kernel.links(row.netns)
    for (const step of makes) {
      if (step.do !== 'create-link') continue
      const link = links.find((other) => other.name === step.name)
      if (link === undefined || !bearsMark(link, step.mark)) return false
    }
  }
  return true
}
