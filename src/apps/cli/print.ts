/**
 * Text of what commands print, in the forms of kubectl: tables, ages, lines.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { kindOf } from '#schema/kinds.ts'
import type { PlacedError } from './admission.ts'

const GAP = '   '

/** A table: columns as wide as their widest cell, three blanks between them. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(GAP)
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

/** How long ago `since` (RFC 3339) was: `34s`, `5m12s`, `3h`, `2d4h`, as kubectl says it. */
export function formatAge(since: string | undefined, nowMs: number): string {
  const startMs = Date.parse(since ?? '')
  if (Number.isNaN(startMs)) return '<unknown>'
  const seconds = Math.floor((nowMs - startMs) / 1000)
  if (seconds < -1) return '<invalid>'
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (seconds < 120) return `${Math.max(seconds, 0)}s`
  if (minutes < 10) return pair([minutes, 'm'], [seconds % 60, 's'])
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return pair([hours, 'h'], [minutes % 60, 'm'])
  if (hours < 48) return `${hours}h`
  if (days < 8) return pair([days, 'd'], [hours % 24, 'h'])
  if (days < 730) return `${days}d`
  const years = Math.floor(days / 365)
  return years < 8 ? pair([years, 'y'], [days % 365, 'd']) : `${years}y`
}

/** `spiderippool.spiderpool.spidernet.io/v4-91`: a document on one line. */
export function nameOf({ apiVersion, kind, metadata }: Document): string {
  const [group] = apiVersion.includes('/') ? apiVersion.split('/') : ['']
  const singular = kindOf({ apiVersion, kind })?.names[0] ?? kind.toLowerCase()
  return `${singular}${group === '' ? '' : `.${group}`}/${metadata.name}`
}

/** One document, or several parted by `---`. Loads the YAML library when it is called. */
export async function formatYaml(documents: readonly unknown[]): Promise<string> {
  const { yamlText } = await import('./yaml-text.ts')
  return yamlText(documents)
}

/** An error of a document for people, on one line. */
export function errorLine({ object, where, field, message }: PlacedError): string {
  const parts = object === where ? [where] : [where, object]
  const text = [...parts, ...(field === '' ? [] : [field]), message].join(': ')
  return `verbena: ${text.replaceAll(/\s*\n\s*/g, ' ')}\n`
}

type Part = readonly [count: number, unit: string]

function pair(first: Part, second: Part): string {
  return second[0] === 0 ? first.join('') : `${first.join('')}${second.join('')}`
}
