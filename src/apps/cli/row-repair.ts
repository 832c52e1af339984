/**
 * Repairs of rows that cannot be read, in the files themselves. A row whose
 * name is an address is replaced or kept while an interface has the address.
 * @module
 */
import { addressOfName, recordOfUse, type Use } from '#ipam/index.ts'
import type { Document, Records } from '#needs/records.ts'
import { ALLOCATION_KIND } from '#schema/allocation.ts'
import { POOL_KIND, SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import {
  type DamagedRow,
  REMOVED_SUFFIX,
  realignRow,
  removeRow,
  replaceRow,
} from '#store/salvage.ts'
import type { JournalSeen } from './journals.ts'
import type { LiveLook } from './live-look.ts'
import type { Planned } from './planned.ts'
import { listAll } from './store.ts'

type Knowing = {
  readonly records: Records
  readonly uses: readonly Use[]
  readonly look: LiveLook
  readonly journals: readonly JournalSeen[]
}

/** In the order of the rows. */
export async function damagedRows(
  rows: readonly DamagedRow[],
  knowing: Knowing,
): Promise<Planned[]> {
  const plan: Planned[] = []
  for (const row of rows) plan.push(await plannedOf(row, rows, knowing))
  return plan
}

async function plannedOf(
  row: DamagedRow,
  rows: readonly DamagedRow[],
  knowing: Knowing,
): Promise<Planned> {
  const common = { object: objectOf(row, knowing), damage: damageOf(row), cause: row.reason }
  if (row.readable) {
    const action = 'write its columns as its text has them'
    return { ...common, action, mend: async () => realignRow(row) }
  }
  const address = addressIn(row)
  const use = knowing.uses.find(({ ip }) => ip === address)
  if (use !== undefined) {
    const document = recordOfUse(use, await poolsOf(rows, knowing))
    const action = `write that ${use.owner.ifName} of container ${use.owner.containerId} holds it`
    return { ...common, action, mend: async () => replaceRow(row, document) }
  }
  const kept = address === undefined ? undefined : whyKept(address, knowing.look)
  if (kept !== undefined) return { ...common, action: `none: ${kept}`, mend: undefined }
  const again =
    row.table === 'documents' && address === undefined ? '; apply the document again' : ''
  const action = `take the row away, its text is kept in ${row.path}${REMOVED_SUFFIX}${again}`
  return { ...common, action, mend: async () => removeRow(row) }
}

function objectOf(
  { kind, namespace, name, table, path }: DamagedRow,
  { journals }: Knowing,
): string {
  if (table === 'attachments') {
    return `Journal/${journals.find((one) => one.path === path)?.node ?? path}/${name}`
  }
  const place = namespace === '' ? name : `${namespace}/${name}`
  return `${kind.split(' ')[1] ?? kind}/${place}`
}

function damageOf({ table, readable }: DamagedRow): string {
  if (readable) return 'row-misplaced'
  return table === 'documents' ? 'row-unreadable' : 'journal-unreadable'
}

/** The address that a row's name stands for: only an allocation's. */
function addressIn({ kind, name }: DamagedRow): string | undefined {
  if (!kind.endsWith(` ${ALLOCATION_KIND}`)) return undefined
  try {
    return addressOfName(name)
  } catch {
    return undefined
  }
}

function whyKept(address: string, look: LiveLook): string | undefined {
  if (!look.looked) return `an interface may have it, ${look.reason}`
  const where = look.live.get(address)
  return where === undefined ? undefined : `${where} has it, delete its pod or container first`
}

/** None where one of them cannot be read either. */
async function poolsOf(
  rows: readonly DamagedRow[],
  { records }: Knowing,
): Promise<readonly Document[]> {
  const kind = { apiVersion: SPIDER_API_VERSION, kind: POOL_KIND }
  if (rows.some((row) => row.kind === `${kind.apiVersion} ${kind.kind}`)) return []
  return listAll(kind, records)
}
