/**
 * Names of an attachment: its journal key, the mark its links bear, the name
 * a link has until it is renamed last.
 * @module
 */
import { shortHash } from '#values/hash.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import type { Wanted } from './needs.ts'

/** Bytes of the owner in an IFALIAS (the kernel takes 255 in all). */
const MARK_BYTES = 230

/**
 * Journal key: the owner, and the plugin's type where the runtime called one
 * plugin of a chain by itself (each call of the chain is an attachment then).
 */
export function attachmentKey({ owner, root }: Pick<Wanted, 'owner' | 'root'>): string {
  return `${ownerKey(owner)}/${root.type}`
}

/** IFALIAS of every link of this owner's container: a newer container of a pod has another. */
export function markOf(owner: Owner): string {
  const container = owner.pod === undefined ? '' : `@${owner.containerId.slice(0, 12)}`
  return `verbena:${ownerKey(owner).slice(0, MARK_BYTES)}${container}`
}

/** Unique on the host: two containers of one pod have two. */
export function tempNameOf(owner: Owner): IfName {
  return parseIfName(`vb${shortHash(`${ownerKey(owner)}/${owner.containerId}`)}`)
}
