/**
 * The world after a call, as it is printed: as it was written, with what the
 * call changed, and with what a later call needs to give it back as it was.
 * @module
 */
import { isDeepStrictEqual } from 'node:util'
import { world as worldSchema } from '#schema/world.ts'
import { isRecord, readWith } from '#schema/zod.ts'
import { simHost } from '#sim/read-world.ts'
import { withDefaults } from '#sim/world-defaults.ts'
import type { SimWorld } from '#sim/world.ts'
import { worldOf } from '#sim/write-world.ts'
import { asWritten } from './as-written.ts'
import type { WhatIf } from './what-if.ts'
import type { WorldFile } from './world-file.ts'
import { objectsAfter } from './world-objects.ts'

type Raw = Readonly<Record<string, unknown>>

/** `whatIf` is the host that the file describes, after the call. */
export async function worldAfter({ raw, world }: WorldFile, whatIf: WhatIf): Promise<unknown> {
  const { kernel, journal } = whatIf
  const leftOut = { before: new Set(world.leftOut), now: new Set<string>() }
  const standing = await objectsAfter(world.objects ?? [], whatIf, leftOut)
  const { objects: _, journal: __, leftOut: ___, before: first, ...bare } = raw
  const before = hostPart(whatIf.before)
  const host = hostPart(worldOf(kernel))
  const changed = asWritten({ raw: bare, before, after: host }, leftOut)
  // what is left out is made up from what is there: where that would be another host, it is said
  const whole = 'files' in raw ? host : pruned(host)
  const written: Raw = Object(isDeepStrictEqual(hostOf(changed), host) ? changed : whole)
  const noted = [...leftOut.now].toSorted()
  const back = asWritten(
    { raw: written, before: host, after: before },
    { before: new Set(noted), now: new Set() },
  )
  const rows: unknown[] = JSON.parse(JSON.stringify(journal.all()))
  const comesBack = isDeepStrictEqual(withoutFiles(back), withoutFiles(bare))
  const kept = first ?? (comesBack ? undefined : withoutFiles(bare))
  const made: Raw = {
    ...(asBefore(first, written, host) ?? written),
    ...(rows.length === 0 ? {} : { journal: rows }),
    // with nothing attached, nothing is to be left out again
    ...(rows.length === 0 || noted.length === 0 ? {} : { leftOut: noted }),
    ...(rows.length === 0 || kept === undefined ? {} : { before: kept }),
    ...('objects' in raw || standing.length > 0 ? { objects: standing } : {}),
  }
  const order = isRecord(first) && rows.length === 0 ? { ...first, ...raw } : raw
  const keys = [...new Set([...Object.keys(order), ...Object.keys(made)])]
  return Object.fromEntries(keys.filter((key) => key in made).map((key) => [key, made[key]]))
}

/** What was written at first, where it says what the host is now. */
function asBefore(first: unknown, { files }: Raw, host: unknown): Raw | undefined {
  if (!isRecord(first)) return undefined
  const again = files === undefined ? first : { ...first, files }
  return isDeepStrictEqual(hostOf(again), host) ? again : undefined
}

/** Without an empty list of files that nobody wrote. */
function pruned(host: unknown): unknown {
  return isRecord(host) && isDeepStrictEqual(host['files'], {}) ? withoutFiles(host) : host
}

/** IPAMs keep files of their own, by which no two worlds differ for a reader of hosts. */
function withoutFiles(written: unknown): Raw {
  const { files: _, ...others } = isRecord(written) ? written : {}
  return others
}

/** Namespaces, RDMA devices, wires and files, as JSON gives them back. */
function hostPart({ objects: _, ...host }: SimWorld): unknown {
  return JSON.parse(JSON.stringify(host))
}

/** What a reader makes of it. */
function hostOf(written: unknown): unknown {
  const read = readWith(worldSchema, written)
  return read.ok ? hostPart(worldOf({ host: simHost(withDefaults(read.value)) })) : undefined
}
