/**
 * What an ADD finds of an earlier one: the same attachment again (answered
 * from the journal), a half-made one (undone first), or an older container of
 * the same pod (set aside: its own DEL takes it down and frees nothing).
 * @module
 */
import { bearsMark, movedGroup } from '#values/mark.ts'
import { type Step, undoOf } from '#values/step.ts'
import { attachmentKey } from './identity.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import type { Row, Stage } from './row.ts'
import { incomplete, undoRows } from './undo.ts'

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
  if (same.length === wanteds.length && (await allPresent(same, wanteds, needs))) {
    return same.filter((row) => row !== undefined)
  }
  const stale: Row[] = []
  for (const row of found) {
    if (row === undefined) continue
    if (isOlderContainer(row, wanteds)) await setAside(row, needs)
    else stale.push(row)
  }
  const left = await undoRows(stale, needs, at.foreign)
  if (left.length > 0) throw incomplete(left, 'an earlier try is not undone yet: ')
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
 * What is the container's own is left to its own DEL: its link, and the files of
 * host-local, which name the container. The pod's allocations go to the newer
 * container, and are the older one's again should that fail; a DEL frees them
 * only for who has them. The host's routes and rules to them bear no container
 * and would be taken for the newer one's.
 */
async function setAside(row: Row, needs: AttachNeeds): Promise<void> {
  const steps = row.stages.flatMap((stage) => (stage.stage === 'steps' ? stage.steps : []))
  await needs.kernel.take(steps.filter(goesOn).toReversed().flatMap(undoOf))
  const aside: Row = {
    ...row,
    attachment: `${row.attachment}@${row.owner.containerId}`,
    stages: row.stages.map(withoutWays),
  }
  needs.journal.write([aside])
  needs.journal.erase([row.attachment])
}

function goesOn(step: Step): boolean {
  if (step.do === 'move-link') return true
  if (step.do === 'create-link') return step.spec.kind === 'vlan'
  return (step.do === 'add-route' || step.do === 'add-rule') && step.where === 'host'
}

function withoutWays(stage: Stage): Stage {
  if (stage.stage !== 'steps') return stage
  return { ...stage, steps: stage.steps.filter((step) => !goesOn(step)) }
}

/**
 * True when every link that a row made is there with its mark. Looked for where
 * the request says: after a reboot another namespace can have the row's number.
 */
async function allPresent(
  rows: readonly (Row | undefined)[],
  wanteds: readonly Wanted[],
  needs: AttachNeeds,
): Promise<boolean> {
  const netns = wanteds[0]?.netns
  for (const row of rows) {
    if (row === undefined || netns === undefined) return false
    const makes = row.stages.flatMap((s) => (s.stage === 'steps' ? s.steps : []))
    const links = await needs.kernel.links(netns)
    for (const step of makes) {
      if (step.do !== 'create-link' && step.do !== 'move-link') continue
      const link = links.find((other) => other.name === step.name)
      if (link === undefined) return false
      const group = movedGroup(step.mark)
      const ours = step.do === 'move-link' ? link.group === group : bearsMark(link, step.mark)
      if (!ours) return false
    }
  }
  return true
}
