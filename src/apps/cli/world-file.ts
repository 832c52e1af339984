/**
 * The file of a world: read with every fault and its path, and written again
 * with what has changed.
 *
 * Spec: docs/reference/world.md.
 * @module
 */
import { fail } from '#apps/failures.ts'
import { type World, world as worldSchema } from '#schema/world.ts'
import { isRecord, readWith } from '#schema/zod.ts'
import { simHost } from '#sim/read-world.ts'
import { withDefaults } from '#sim/world-defaults.ts'
import { failureIn } from '#values/failure.ts'
import { parseJson } from '#values/json-text.ts'
import type { Context } from './context.ts'
import { textOfSource } from './sources.ts'

/** A world as it was written, and as it was read. */
export type WorldFile = {
  readonly file: string
  readonly raw: Readonly<Record<string, unknown>>
  readonly world: World
}

/** A fault of a world: where it is and what is so. */
export type WorldFault = { readonly field: string; readonly message: string }

/** @throws {Failure} `file-unreadable`, `world-unreadable`, `world-invalid` */
export async function readWorld(file: string, context: Pick<Context, 'stdin'>): Promise<WorldFile> {
  const raw = worldIn(parsed(await textOfSource(file, context), file))
  if (!isRecord(raw)) throw fail('world-unreadable', { file, reason: 'it is not a JSON object' })
  const read = readWith(worldSchema, raw)
  if (!read.ok) throw worldInvalid(file, read.faults)
  checkFit(file, read.value)
  return { file, raw, world: read.value }
}

/** The first fault is told, all are in the details. */
export function worldInvalid(file: string, faults: readonly WorldFault[]): Error {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  const field = first === undefined || first.field === '' ? 'the whole' : first.field
  return fail('world-invalid', { file, field, reason: `${first?.message ?? ''}${more}`, faults })
}

/** Builds the host once: what does not fit together is a fault with the path of its link. */
function checkFit(file: string, world: World): void {
  try {
    simHost(withDefaults(world))
  } catch (cause) {
    const failure = failureIn(cause)
    if (failure?.code !== 'sim-world-invalid') throw cause
    const { of, reason } = failure.details
    throw worldInvalid(file, [{ field: pathOf(String(of), world), message: String(reason) }])
  }
}

/** `NETNS/LINK` or the name of a link alone; the last of a name, which is the one too many. */
function pathOf(of: string, { netns }: World): string {
  for (const [name, { links = [] }] of Object.entries(netns)) {
    const index = links.findLastIndex((link) => [link.name, `${name}/${link.name}`].includes(of))
    if (index >= 0) return `netns.${name}.links[${index}]`
  }
  return of in netns ? `netns.${of}` : of
}

/** What an earlier call printed has the world in it. */
function worldIn(raw: unknown): unknown {
  return isRecord(raw) && 'exit' in raw && 'world' in raw ? raw['world'] : raw
}

function parsed(text: string, file: string): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw fail('world-unreadable', { file, reason })
  }
}
