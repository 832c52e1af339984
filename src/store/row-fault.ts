/**
 * What is wrong with a row of a store or a journal, as it stands in the file.
 * @module
 */
import { formatLabels } from './record-layout.ts'
import { type SqlRow, textIn } from './statements.ts'

/** Undefined where nothing is wrong; `readable` where the text is right and a column is not. */
export type RowFault = { readonly reason: string; readonly readable: boolean }

/** A document: columns `api_version`, `kind`, `namespace`, `name`, `owner`, `labels`, `body`. */
export function faultOfDocument(row: SqlRow): RowFault | undefined {
  const document = parsed(textIn(row, 'body'))
  if (document === undefined) return { reason: 'its text is no JSON object', readable: false }
  const metadata = objectIn(document, 'metadata')
  if (metadata === undefined) return { reason: 'it has no metadata', readable: false }
  const said = [document['apiVersion'], document['kind'], metadata['namespace'] ?? '']
  const columns = ['api_version', 'kind', 'namespace'].map((column) => textIn(row, column))
  if (said.join(' ') !== columns.join(' ') || metadata['name'] !== textIn(row, 'name')) {
    return { reason: 'its text is that of another document', readable: false }
  }
  if (typeof metadata['uid'] !== 'string') return { reason: 'it has no UID', readable: false }
  if (formatLabels(textsIn(metadata, 'labels')) !== textIn(row, 'labels')) {
    return { reason: 'it is found by other labels than its own', readable: true }
  }
  if (controllerOf(metadata) !== textIn(row, 'owner')) {
    return { reason: 'it is found by another owner than its own', readable: true }
  }
  return undefined
}

/** An attachment: columns `attachment`, `container`, `body`. */
export function faultOfRow(row: SqlRow): RowFault | undefined {
  const attachment = parsed(textIn(row, 'body'))
  if (attachment === undefined) return { reason: 'its text is no JSON object', readable: false }
  if (attachment['attachment'] !== textIn(row, 'attachment')) {
    return { reason: 'its text is that of another attachment', readable: false }
  }
  const owner = objectIn(attachment, 'owner')
  const request = objectIn(attachment, 'request')
  const missing = [
    ...['mark', 'netns', 'state'].filter((key) => typeof attachment[key] !== 'string'),
    ...['held', 'stages'].filter((key) => !Array.isArray(attachment[key])),
    ...(typeof owner?.['containerId'] === 'string' ? [] : ['owner']),
    ...(typeof objectIn(attachment, 'root')?.['network'] === 'string' ? [] : ['root']),
    ...(Array.isArray(request?.['plugins']) ? [] : ['request']),
  ]
  if (missing.length > 0) return { reason: `it has no ${missing.join(', ')}`, readable: false }
  if (owner?.['containerId'] !== textIn(row, 'container')) {
    return { reason: 'it is found by another container than its own', readable: true }
  }
  return undefined
}

type Obj = Readonly<Record<string, unknown>>

function parsed(text: string): Obj | undefined {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return undefined
  }
}

function objectIn(of: Obj, key: string): Obj | undefined {
  return objectOf(of[key])
}

function objectOf(value: unknown): Obj | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? Object.fromEntries(Object.entries(value)) : undefined
}

function textsIn(of: Obj, key: string): Record<string, string> {
  const pairs = Object.entries(objectIn(of, key) ?? {})
  return Object.fromEntries(pairs.map(([name, value]) => [name, String(value)]))
}

function controllerOf(metadata: Obj): string {
  const references: unknown = metadata['ownerReferences']
  if (!Array.isArray(references)) return ''
  const uid = references.map(objectOf).find((one) => one?.['controller'] === true)?.['uid']
  return typeof uid === 'string' ? uid : ''
}
