/**
 * DEL: by the journal where there is a row, else by configuration and
 * prevResult. Works with no namespace, twice, after a reboot; succeeds when
 * there is nothing left to do.
 *
 * Spec: CNI 1.1.0, section 4 (DEL).
 * @module
 */
import { textOfThrown } from '#values/failure.ts'
import type { Step } from '#values/step.ts'
import { type ChainLink, ipamTypeOf, typeOf } from './chain.ts'
import type { RawConf } from './catalogue.ts'
import { fail } from './failures.ts'
import { attachmentKey, isMarkOfAnother, isOwnNetns } from './identity.ts'
import type { AttachNeeds, Foreign, Wanted } from './needs.ts'
import type { Row } from './row.ts'
import { incomplete, undoRows } from './undo.ts'

/** Which rows a DEL is about. */
export type Detaching = Pick<Wanted, 'owner' | 'root'> & {
  /** All attachments of the container (the request made them together). */
  readonly whole: boolean
}

/** Rows of the container that this DEL takes down, older containers of a pod included. */
export function rowsToDetach({ owner, root, whole }: Detaching, needs: AttachNeeds): Row[] {
  const rows = needs.journal.byContainer(owner.containerId)
  return rows.filter((row) => {
    if (row.root.type !== root.type || row.root.network !== root.network) return false
    return row.root.ifName === root.ifName && (whole || row.owner.ifName === owner.ifName)
  })
}

/**
 * Takes down what the journal knows.
 * @returns how many attachments it knew; with none, use {@link detachByConf}
 * @throws {Failure} `detach-incomplete` (11): something is left, the row stays
 */
export async function detachRows(
  detaching: Detaching,
  needs: AttachNeeds,
  foreign: Foreign | undefined,
): Promise<number> {
  const rows = rowsToDetach(detaching, needs)
  const left = await undoRows(rows, needs, foreign)
  if (left.length > 0) throw incomplete(left)
  return rows.length
}

/**
 * Takes down what a plugin of ours, or the one it replaces, made without a row
 * of ours: links by kind in the pod's namespace, then the addresses by owner.
 */
export async function detachByConf(wanted: Wanted, needs: AttachNeeds): Promise<void> {
  const { owner, netns, prevResult } = wanted
  const links = wanted.plugins.map((raw) => parsedOrNot(raw, needs))
  const state = await needs.kernel.netns(netns)
  const here = state.netns === 'there'
  if (here && isOwnNetns(state, wanted.callerNetns)) throw fail('netns-own', { netns })
  const theirs = here && (await isOfAnother(wanted, state.id, needs))
  const steps: Step[] = []
  for (const link of theirs ? [] : links.toReversed()) {
    if (link.link === 'foreign') continue
    const { conf, plugin } = link
    const { ifName, containerId } = owner
    const request = { conf, netns, ifName, containerId, prevResult }
    const seen = here ? await plugin.observeDetach?.(request, needs.questions) : undefined
    steps.push(...(seen ?? plugin.planDetach(request)))
  }
  await needs.kernel.take(here ? steps : steps.filter(isOfHost))
  for (const link of links) await releaseByOwner(link, wanted, needs)
}

/** True where the interface of that name is of another container, by its mark or the journal. */
async function isOfAnother(
  { owner, netns }: Wanted,
  netnsId: string,
  { kernel, journal }: AttachNeeds,
): Promise<boolean> {
  const alias = (await kernel.link(netns, owner.ifName))?.alias
  if (alias !== undefined && isMarkOfAnother(alias, owner)) return true
  return journal.all().some((row) => {
    const same = row.owner.ifName === owner.ifName && row.owner.containerId === owner.containerId
    return !same && row.netnsId === netnsId && row.stages.length > 0 && namesIt(row, owner)
  })
}

function namesIt(row: Row, { ifName }: Wanted['owner']): boolean {
  return row.result?.interfaces.some(({ name, sandbox }) => name === ifName && sandbox) ?? false
}

/** Without its namespace a link that was lent is on the host. */
function isOfHost(step: Step): boolean {
  if (step.do === 'return-link') return step.link !== undefined
  return 'where' in step && step.where === 'host'
}

/** A configuration that no longer parses must not keep DEL from what needs none. */
function parsedOrNot(raw: RawConf, needs: AttachNeeds): ChainLink {
  const type = typeOf(raw)
  const plugin = needs.catalogue.plugins.get(type)
  if (plugin === undefined) return { link: 'foreign', raw, type }
  try {
    return { link: 'ours', raw, plugin, conf: plugin.parse(raw).conf, addresser: { by: 'none' } }
  } catch (cause) {
    needs.report({ note: 'warning', attachment: type, text: textOfThrown(cause), cause })
    return { link: 'ours', raw, plugin, conf: undefined, addresser: { by: 'none' } }
  }
}

async function releaseByOwner(link: ChainLink, wanted: Wanted, needs: AttachNeeds): Promise<void> {
  const ipam = needs.catalogue.ipams.get(String(ipamTypeOf(link.raw)))
  if (ipam === undefined) return
  const { conf } = ipam.parse(link.raw)
  const kept = await ipam.release({ conf, owner: wanted.owner, held: undefined })
  const attachment = attachmentKey(wanted)
  for (const text of kept ?? []) needs.report({ note: 'left', attachment, text })
}
