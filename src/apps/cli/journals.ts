/**
 * The journals of this machine's agents, as files: which attachments there are,
 * and rows that nothing stands behind.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Row } from '#attach/index.ts'
import { addressOfName, type Use } from '#ipam/index.ts'
import { openJournal } from '#store/journal.ts'
import { type DamagedRow, damagedAttachments, removeRow } from '#store/salvage.ts'
import { ownerKey } from '#values/owner.ts'
import type { LiveLook } from './live-look.ts'
import type { Planned } from './planned.ts'

/** An agent's journal. */
export type JournalSeen = {
  readonly node: string
  readonly path: string
  readonly rows: readonly Row[]
  /** Rows that cannot be read; then `rows` is empty. */
  readonly damaged: readonly DamagedRow[]
}

const FILE = 'journal.db'

/** Journals in the folders, or in those beside the store, one an agent, named after its node. */
export async function readJournals(
  store: string,
  states: readonly string[] | undefined,
): Promise<JournalSeen[]> {
  const folders = states ?? (store === ':memory:' ? [] : foldersBeside(store))
  const paths = folders.map((folder) => join(folder, FILE)).filter((path) => existsSync(path))
  return Promise.all(paths.map(readJournal))
}

function foldersBeside(store: string): string[] {
  const folder = dirname(store)
  if (!existsSync(folder)) return []
  const inside = readdirSync(folder, { withFileTypes: true })
  return inside.filter((one) => one.isDirectory()).map(({ name }) => join(folder, name))
}

async function readJournal(path: string): Promise<JournalSeen> {
  const node = basename(dirname(path))
  const damaged = damagedAttachments(path)
  if (damaged.some(({ readable }) => !readable)) return { node, path, rows: [], damaged }
  await using journal = openJournal({ path })
  return { node, path, rows: journal.all(), damaged }
}

/** Addresses that attachments have of pools. */
export function usesOf({ node, rows }: JournalSeen, look: LiveLook): Use[] {
  const isGone = ({ netnsId }: Row): boolean =>
    look.looked && netnsId !== undefined && !look.netns.has(netnsId)
  return rows
    .filter(({ state }) => state === 'attached')
    .flatMap((row) => {
      const [gone, owner] = [isGone(row), row.owner]
      return row.held.flatMap((one): Use[] =>
        one.held === 'allocation'
          ? [{ owner, node, ip: addressOfName(one.name), pool: one.pool, gone }]
          : [],
      )
    })
}

/** Owners whose attachment is being made or taken down. */
export function busyOwners({ rows }: JournalSeen): string[] {
  return rows.filter(({ state }) => state !== 'attached').map(({ owner }) => ownerKey(owner))
}

/**
 * Rows of containers whose namespace and links are gone, and whose pod is not
 * there to come back: DEL never came for them.
 */
export function emptyRows(
  { node, path, rows }: JournalSeen,
  look: LiveLook,
  uids: ReadonlySet<string | undefined>,
): Planned[] {
  if (!look.looked) return []
  return rows
    .filter(({ netnsId, mark, owner }) => {
      const gone = netnsId !== undefined && !look.netns.has(netnsId) && !look.marks.has(mark)
      return gone && (owner.pod === undefined || !uids.has(owner.pod.uid))
    })
    .map((row): Planned => {
      const more = whatIsLeft(row)
      return {
        object: `Journal/${node}/${row.attachment}`,
        damage: 'row-empty',
        cause: `the namespace and the links of container ${row.owner.containerId} are gone`,
        action: more ?? 'erase the row',
        mend: more === undefined ? async () => removeRow(damagedRow(path, row)) : undefined,
      }
    })
}

/** What only its agent can take back; undefined when a row is all there is. */
function whatIsLeft({ stages, owner }: Row): string | undefined {
  const foreign = stages.some((stage) => stage.stage === 'foreign')
  const onHost = stages.some(
    (stage) =>
      stage.stage === 'steps' &&
      stage.steps.some(
        (step) => 'where' in step && step.where === 'host' && step.do !== 'set-link',
      ),
  )
  if (!foreign && !onHost) return undefined
  const what = foreign ? "another vendor's plugin" : 'routes and rules on the host'
  return `none: it has ${what} behind it, its agent takes it down by DEL of ${owner.containerId}`
}

function damagedRow(path: string, row: Row): DamagedRow {
  const body = JSON.stringify(row)
  const { attachment: name } = row
  const reason = 'nothing stands behind it'
  return { path, table: 'attachments', kind: '', namespace: '', name, reason, body, readable: true }
}
