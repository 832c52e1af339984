/**
 * What an ADD of a pod's networks comes to, attachment by attachment: made by
 * the ADD itself, so whoever only wants to know gives it a host and a store that
 * are copies. What plugins of other vendors would do is not known and is said.
 *
 * Spec: CNI 1.1.0, sections 3 and 4.
 * @module
 */
import { type Step, undoOfAll } from '#values/step.ts'
import { attachAll } from './add.ts'
import { typeOf } from './chain.ts'
import type { Catalogue, RawConf } from './catalogue.ts'
import { reserveOnly } from './ipam-only.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import type { Row } from './row.ts'

/** One attachment as it would be made. */
export type PlannedAttachment = {
  /** With the configurations as the plugins would get them. */
  readonly wanted: Wanted
  /** The rows of its journal; none where nothing of it is known. */
  readonly rows: readonly Row[]
  readonly steps: readonly Step[]
  /** What takes the steps back, in order. */
  readonly undo: readonly Step[]
  /** One sentence for each thing that is not known, or taken for granted. */
  readonly unknown: readonly string[]
}

/** What is left of a chain when that is taken away which nobody here can tell. */
type Part = {
  readonly plugins: readonly RawConf[]
  /** The main plugin of another vendor that makes the interface. */
  readonly main: RawConf | undefined
  readonly unknown: readonly string[]
}

/**
 * Makes all that can be told of `wanteds`, in one go as an ADD does.
 * @throws {Failure} what the ADD would be refused for
 */
export async function planPod(
  wanteds: readonly Wanted[],
  needs: AttachNeeds,
): Promise<PlannedAttachment[]> {
  const parts = wanteds.map((wanted) => knownPart(wanted, needs.catalogue))
  const known = wanteds.flatMap((wanted, i) => {
    const plugins = parts[i]?.plugins ?? []
    return plugins.length === 0 ? [] : [{ wanted, made: { ...wanted, plugins } }]
  })
  const made = known.map((one) => one.made)
  const rows = made.length === 0 ? [] : await attachAll(made, needs, PASSES_ON)
  const rowOf = new Map(known.map(({ wanted }, i) => [wanted, rows[i]]))
  const planned: PlannedAttachment[] = []
  for (const [i, wanted] of wanteds.entries()) {
    const reserved = await reservedRow(wanted, parts[i]?.main, needs)
    const its = [rowOf.get(wanted), reserved].filter((row) => row !== undefined)
    planned.push(plannedOf(wanted, its, parts[i]?.unknown ?? []))
  }
  return planned
}

function plannedOf(
  wanted: Wanted,
  rows: readonly Row[],
  unknown: readonly string[],
): PlannedAttachment {
  const stages = rows
    .flatMap((row) => row.stages)
    .flatMap((one) => (one.stage === 'steps' ? [one.steps] : []))
  const undo = stages.toReversed().flatMap(undoOfAll)
  return { wanted, rows, steps: stages.flat(), undo, unknown }
}

/** A chained plugin of another vendor is taken to give on what it got. */
const PASSES_ON: Foreign = {
  run: () => Promise.resolve({ status: 0, stdout: '', stderr: '' }),
}

/** Without a known main plugin nothing after it can be told. */
function knownPart({ plugins }: Wanted, catalogue: Catalogue): Part {
  const types = plugins.map(typeOf)
  const isOurs = (type: string): boolean => catalogue.plugins.has(type)
  const main = types.findIndex((type) => !isOurs(type) || roleOf(type, catalogue) === 'main')
  const first = types[main]
  if (first !== undefined && !isOurs(first)) {
    const after = types.slice(main + 1)
    const unknown = [
      `plugin ${first} is of another vendor: its steps are not known`,
      ...after.map((type) => `plugin ${type} follows ${first}: its steps are not known`),
    ]
    return { plugins: plugins.slice(0, main), main: plugins[main], unknown }
  }
  const read = plugins.map((raw) => withoutForeignIpam(raw, catalogue))
  const others = types.filter((type) => !isOurs(type))
  return {
    plugins: read.map(({ raw }) => raw),
    main: undefined,
    unknown: [
      ...read.flatMap(({ unknown }) => unknown),
      ...others.map((type) => {
        const rest = 'its steps are not known; its result is taken to be the one that it got'
        return `plugin ${type} is of another vendor: ${rest}`
      }),
    ],
  }
}

function roleOf(type: string, { plugins }: Catalogue): string | undefined {
  return plugins.get(type)?.role
}

function withoutForeignIpam(
  raw: RawConf,
  { plugins, ipams }: Catalogue,
): { readonly raw: RawConf; readonly unknown: readonly string[] } {
  const type = ipamTypeOf(raw)
  if (type === undefined || ipams.has(type)) return { raw, unknown: [] }
  if (plugins.get(typeOf(raw))?.role !== 'main') return { raw, unknown: [] }
  const { ipam: _, ...rest } = raw
  const unknown = `IPAM ${type} is of another vendor: its addresses and routes are not known`
  return { raw: rest, unknown: [unknown] }
}

function ipamTypeOf({ ipam }: RawConf): string | undefined {
  if (typeof ipam !== 'object' || ipam === null || !('type' in ipam)) return undefined
  return typeof ipam.type === 'string' && ipam.type !== '' ? ipam.type : undefined
}

/** Another vendor's main plugin asks an IPAM of ours as that IPAM is called. */
async function reservedRow(
  wanted: Wanted,
  main: RawConf | undefined,
  needs: AttachNeeds,
): Promise<Row | undefined> {
  const type = main === undefined ? undefined : ipamTypeOf(main)
  const ipam = type === undefined ? undefined : needs.catalogue.ipams.get(type)
  if (main === undefined || type === undefined || ipam === undefined) return undefined
  const root = { ...wanted.root, type }
  return reserveOnly({ ...wanted, plugins: [main], root }, ipam, needs)
}
