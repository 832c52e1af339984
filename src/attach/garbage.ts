/**
 * What nobody asks for any more: attachments that the runtime no longer knows
 * (GC), links without a row, and what an agent that was killed left half-made.
 *
 * Spec: CNI 1.1.0, section 4 (GC).
 * @module
 */
import { isIfName, parseIfName } from '#values/if-name.ts'
import type { Link } from '#values/link.ts'
import { VERBENA_GROUP, isMovedGroup, movedGroup } from '#values/mark.ts'
import { parseNetnsPath } from '#values/netns.ts'
import { isWaiting } from './ipam-only.ts'
import type { AttachNeeds, Foreign } from './needs.ts'
import type { Row } from './row.ts'
import { incomplete, undoRows } from './undo.ts'

/** What the runtime says is alive. */
export type Alive = { readonly containerId: string; readonly ifName: string }

/**
 * Takes down every attachment of a network that is not in `alive`, then links
 * of ours on the host that no row knows (a namespace that vanished gives an
 * IPoIB child back). Goes on after a failure.
 * @throws {Failure} `detach-incomplete` naming all that is left
 */
export async function collectGarbage(
  of: { readonly network: string; readonly alive: readonly Alive[] },
  needs: AttachNeeds,
  foreign: Foreign | undefined,
): Promise<number> {
  const isAlive = (row: Row): boolean =>
    of.alive.some(
      (one) => one.containerId === row.owner.containerId && one.ifName === row.root.ifName,
    )
  const dead = needs.journal.all().filter((row) => row.root.network === of.network && !isAlive(row))
  const left = await undoRows(dead, needs, foreign)
  const orphans = await removeOrphans(needs)
  if (left.length > 0) throw incomplete(left)
  return dead.length + orphans
}

/** Links with our group on the host that bear the mark of no row. */
async function removeOrphans(needs: AttachNeeds): Promise<number> {
  const links = await needs.kernel.links('host')
  const marks = new Set(needs.journal.all().map((row) => row.mark))
  const orphans = links.filter((link) => {
    return link.group === VERBENA_GROUP && link.alias !== undefined && !marks.has(link.alias)
  })
  const nowhere = parseNetnsPath('/proc/0/ns/net')
  await needs.kernel.take(
    orphans.map(({ name, alias }) => ({
      do: 'delete-link',
      netns: nowhere,
      names: [name],
      mark: alias,
      kind: undefined,
    })),
  )
  return orphans.length + (await returnOrphans(links, marks, needs))
}

/** Links of the host that came back from a pod with its marks, which no row knows. */
async function returnOrphans(
  links: readonly Link[],
  marks: ReadonlySet<string>,
  { kernel }: AttachNeeds,
): Promise<number> {
  const known = new Set([...marks].map(movedGroup))
  const lent = links.filter(({ group, alias }) => {
    return isMovedGroup(group) && !known.has(group) && alias !== undefined && isIfName(alias)
  })
  const netns = parseNetnsPath('/proc/0/ns/net')
  await kernel.take(
    lent.map(({ name, alias = name }) => {
      const link = parseIfName(alias)
      return { do: 'return-link', netns, link, names: [name], mark: undefined, was: undefined }
    }),
  )
  return lent.length
}

/**
 * At start: undoes every attachment that an earlier agent did not finish, in
 * either direction. The runtime's retry makes it anew. What needs the shim stays.
 */
export async function recover(needs: AttachNeeds): Promise<{ undone: number; left: number }> {
  const rows = needs.journal.all().filter((row) => row.state !== 'attached')
  const unfinished = rows.filter((row) => !isWaiting(row))
  const left = await undoRows(unfinished, needs, undefined)
  for (const row of unfinished) {
    const gone = !left.some((other) => other.row.attachment === row.attachment)
    if (gone) needs.report({ note: 'recovered', attachment: row.attachment, text: row.state })
  }
  return { undone: unfinished.length - left.length, left: left.length }
}
