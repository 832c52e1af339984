/**
 * What can be wrong with allocations and pools, and what must be known to tell.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { Ip } from '#values/ip.ts'
import type { Owner } from '#values/owner.ts'

/** What is wrong, in one word. */
export type Damage =
  | 'misnamed'
  | 'unreadable'
  | 'mislabelled'
  | 'address-twice'
  | 'pool-missing'
  | 'outside-pool'
  | 'holder-gone'
  | 'held-twice'
  | 'unused'
  | 'released'
  | 'used-not-held'
  | 'used-by-another'
  | 'pool-unreadable'
  | 'pool-empty'
  | 'pool-counts'
  | 'endpoint-gone'

/** One thing that is not as it must be. */
export type Finding = {
  /** `Allocation/172.91.0.112`. */
  readonly object: string
  readonly damage: Damage
  readonly what: string
  /** The command that mends it. */
  readonly mend: string
  /** The document that is wrong; undefined where the damage is that there is none. */
  readonly document: Document | undefined
  /** Who uses the address, where that is what is wrong. */
  readonly use: Use | undefined
}

/** An address that an attachment has, by the word of its agent. */
export type Use = {
  readonly owner: Owner
  readonly node: string
  readonly ip: Ip
  /** Where it came from; undefined where the agent does not say. */
  readonly pool: string | undefined
  /** Its namespace is gone: it has the address no more, and may come back for it. */
  readonly gone: boolean
}

export type AllocatorState = {
  readonly allocations: readonly Document[]
  readonly pools: readonly Document[]
  /** Undefined where no store knows pods: then nobody is missed. */
  readonly pods: readonly Document[] | undefined
  readonly endpoints: readonly Document[]
  /** Of the agents that could be asked. */
  readonly uses: readonly Use[]
  /** Nodes of which all attachments are known. */
  readonly nodes: ReadonlySet<string>
  /** Identities of owners whose attachment is being made or taken down. */
  readonly busy: ReadonlySet<string>
  /** Where an interface has an address now, by address; undefined where nobody could look. */
  readonly live: ReadonlyMap<string, string> | undefined
}
