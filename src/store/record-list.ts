/**
 * Lists of documents: by kind, namespace and labels, in pages. All pages of a
 * list give the version that stood when the first was read, so that a watch
 * from there misses nothing.
 * @module
 */
import type { Page, Selection, Stored } from '#needs/records.ts'
import type { SQLInputValue } from 'node:sqlite'
import { labelOf } from './record-layout.ts'
import { type RecordRows, decode } from './record-rows.ts'
import { type SqlRow, type Statements, numberIn, textIn } from './statements.ts'

const COLUMNS = 'd.revision AS revision, d.namespace AS namespace, d.name AS name, d.body AS body'

/** One page. */
export function listPage(selection: Selection, rows: RecordRows, sql: Statements): Page {
  const { limit, from } = selection
  const at = from === undefined ? undefined : placeOf(from)
  const resourceVersion = at?.version ?? String(rows.revision())
  const kind = rows.kindOf(selection)
  if (kind === undefined) return { items: [], next: undefined, resourceVersion }
  const { text, values } = queryOf(selection, { kind, after: at })
  const found = sql.all(text, ...values, limit === undefined ? -1 : limit + 1)
  const page = limit === undefined ? found : found.slice(0, limit)
  const last = found.length > page.length ? page.at(-1) : undefined
  const next = last === undefined ? undefined : `${resourceVersion}/${keyOf(last)}`
  return { items: page.map(itemOf), next, resourceVersion }
}

type Place = { readonly version: string; readonly namespace: string; readonly name: string }
type Query = { readonly text: string; readonly values: readonly SQLInputValue[] }

function queryOf(
  { namespace, labels = {} }: Selection,
  { kind, after }: { readonly kind: number; readonly after: Place | undefined },
): Query {
  const wheres = ['d.deleted = 0', 'd.kind = ?']
  const values: SQLInputValue[] = [kind]
  if (namespace !== undefined) {
    wheres.push('d.namespace = ?')
    values.push(namespace)
  }
  if (after !== undefined) {
    wheres.push('(d.namespace, d.name) > (?, ?)')
    values.push(after.namespace, after.name)
  }
  const wanted = Object.entries(labels).map(([key, value]) => labelOf(key, value))
  for (const label of wanted) {
    wheres.push('instr(d.labels, ?) > 0')
    values.push(`\n${label}\n`)
  }
  const where = wheres.join(' AND ')
  const order = 'ORDER BY namespace, name LIMIT ?'
  const [first] = wanted
  if (first === undefined) {
    return { text: `SELECT ${COLUMNS} FROM documents d WHERE ${where} ${order}`, values }
  }
  // the index for what it holds, and the few that came after it
  const text =
    `SELECT ${COLUMNS} FROM labels l CROSS JOIN documents d ON d.revision = l.revision ` +
    `WHERE l.label = ? AND l.kind = ? AND ${where} ` +
    `UNION ALL SELECT ${COLUMNS} FROM documents d NOT INDEXED ` +
    `WHERE d.revision > (SELECT revision FROM marks WHERE name = 'indexed') AND ${where} ${order}`
  return { text, values: [first, kind, ...values, ...values] }
}

function itemOf(row: SqlRow): Stored {
  return decode(textIn(row, 'body'), numberIn(row, 'revision'))
}

function keyOf(row: SqlRow): string {
  return `${textIn(row, 'namespace')}/${textIn(row, 'name')}`
}

/** Neither a version nor a namespace has a slash in it. */
function placeOf(from: string): Place {
  const [version = '', namespace = '', ...name] = from.split('/')
  return { version, namespace, name: name.join('/') }
}
