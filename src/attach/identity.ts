/**
 * Names of an attachment: its journal key, the mark its links bear, the name of
 * one that is on the host before it is in the pod.
 * @module
 */
import { shortHash } from '#values/hash.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import type { CallerNetns, Wanted } from './needs.ts'

const MARK = 'verbena:'
/** Bytes of the owner in an IFALIAS (the kernel takes 255 in all). */
const MARK_BYTES = 230

/**
 * Journal key: the owner, and the plugin's type where the runtime called one
 * plugin of a chain by itself (each call of the chain is an attachment then).
 */
export function attachmentKey({ owner, root }: Pick<Wanted, 'owner' | 'root'>): string {
  return `${ownerKey(owner)}/${root.type}`
}

/** True for the agent's or the caller's own namespace, unless the caller allows it. */
export function isOwnNetns(
  { id, own }: { readonly id: string; readonly own: boolean },
  callerNetns: CallerNetns,
): boolean {
  return callerNetns !== null && (own || id === callerNetns)
}

/** IFALIAS of every link of this owner's container: a newer container of a pod has another. */
export function markOf(owner: Owner): string {
  const container = owner.pod === undefined ? '' : `@${owner.containerId.slice(0, 12)}`
  return `${MARK}${ownerKey(owner).slice(0, MARK_BYTES)}${container}`
}

/** True for an alias that {@link markOf} gave to another container's link. */
export function isMarkOfAnother(alias: string, owner: Owner): boolean {
  if (!alias.startsWith(MARK)) return false
  // a DEL may come without CNI_ARGS, and so without the pod
  return alias !== markOf(owner) && !alias.endsWith(`@${owner.containerId.slice(0, 12)}`)
}

/** Unique on the host: two containers of one pod have two. */
export function tempNameOf(owner: Owner): IfName {
  return parseIfName(`vb${shortHash(`${ownerKey(owner)}/${owner.containerId}`)}`)
}
