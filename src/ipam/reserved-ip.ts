/**
 * SpiderReservedIP: what admission makes of it, and which addresses it keeps
 * from being given out.
 *
 * Spec: Spiderpool admission rules of SpiderReservedIP: the version is derived
 * from the first entry, and every entry is a range of that family.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { type IpRange, formatRange, mergeRanges, parseRange } from '#values/ip-range.ts'
import { forbidden, invalid } from '#schema/fault.ts'
import { type SpiderReservedIp, readSpiderReservedIp } from '#schema/spider-reserved-ip.ts'
import { DEFAULT_SETTINGS, type Settings } from '#schema/spiderpool-settings.ts'
import { unknownKeys } from '#schema/zod.ts'
import { readEntry } from './entry.ts'
import { faultOfVersion } from './network-rules.ts'
import { faultIn, readOr } from './text-fault.ts'

/** The document after defaults and mutation; with faults it must not be stored. */
export type ReservedIpAdmission = {
  readonly document: SpiderReservedIp | undefined
  readonly faults: readonly FieldFault[]
  readonly warnings: readonly string[]
}

/** Admits one against the one it replaces. Pure. */
export function admitReservedIp(
  raw: unknown,
  against: { readonly previous: unknown; readonly settings: Settings | undefined },
): ReservedIpAdmission {
  const read = readSpiderReservedIp(raw)
  if (!read.ok) return { document: undefined, faults: read.faults, warnings: [] }
  const document = mutate(read.value)
  const previous = readSpiderReservedIp(against.previous)
  const before = previous.ok ? previous.value : undefined
  const { settings = DEFAULT_SETTINGS } = against
  const { ipVersion } = document.spec
  const [first = ''] = document.spec.ips ?? []
  const detail =
    first === '' ? 'there is no address to derive it from' : `${first} is no address to derive it`
  const fault =
    faultOfUpdate(document, before) ??
    faultOfVersion({ ipVersion, detail }, settings) ??
    faultOfEntries(document)
  const unknown = unknownKeys(raw, read.value)
  return {
    document,
    faults: fault === undefined ? [] : [fault],
    warnings: unknown.map((path) => `unknown field ${JSON.stringify(path)} is ignored`),
  }
}

/** Addresses of one family that must not be given out, and by which document. */
export type Reserved = { readonly name: string; readonly range: IpRange }

/** What documents reserve; an entry that cannot be read reserves nothing. */
export function reservedIn(documents: readonly unknown[]): Reserved[] {
  return documents.flatMap((raw) => {
    const read = readSpiderReservedIp(raw)
    if (!read.ok || read.value.metadata.deletionTimestamp !== undefined) return []
    const { metadata, spec } = read.value
    const family = spec.ipVersion === 6 ? 6 : 4
    return (spec.ips ?? []).flatMap((text) => {
      const range = readOr(() => readEntry(text, family)).value
      return range === undefined ? [] : [{ name: metadata.name, range }]
    })
  })
}

function mutate(document: SpiderReservedIp): SpiderReservedIp {
  const { spec } = document
  const [first] = spec.ips ?? []
  const derived = first === undefined ? undefined : readOr(() => parseRange(first)).value?.family
  const ipVersion = spec.ipVersion ?? derived
  if (ipVersion !== 4 && ipVersion !== 6) return document
  const read = spec.ips?.map((text) => readOr(() => readEntry(text, ipVersion)).value)
  const known = read?.every((range) => range?.family === ipVersion) === true
  const ranges = read?.filter((range) => range !== undefined) ?? []
  const ips = known ? mergeRanges(ranges).map(formatRange) : spec.ips
  return { ...document, spec: { ...spec, ipVersion, ...(ips === undefined ? {} : { ips }) } }
}

function faultOfUpdate(
  { spec: { ipVersion } }: SpiderReservedIp,
  previous: SpiderReservedIp | undefined,
): FieldFault | undefined {
  if (previous === undefined || previous.spec.ipVersion === ipVersion) return undefined
  return forbidden('spec.ipVersion', `${ipVersion}: it is ${previous.spec.ipVersion}, for good`)
}

function faultOfEntries({ spec }: SpiderReservedIp): FieldFault | undefined {
  const family = spec.ipVersion === 6 ? 6 : 4
  for (const [i, text] of (spec.ips ?? []).entries()) {
    const range = readOr(() => readEntry(text, family))
    if (range.value === undefined) return invalid(`spec.ips[${i}]`, text, faultIn(range))
    if (range.value.family === family) continue
    return invalid(`spec.ips[${i}]`, text, `it is no IPv${family} address`)
  }
  return undefined
}
