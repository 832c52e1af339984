/**
 * One address held by one interface, as a record. Creating the record is the
 * allocation: the store refuses a second one of the same name.
 * @module
 */
import type { Document, Ref } from '#needs/records.ts'
import { shortHash } from '#values/hash.ts'
import { type Ip, familyOf, ipFromBits, ipToBits, parseIp } from '#values/ip.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import { ALLOCATION_API_VERSION, ALLOCATION_KIND } from '#schema/allocation.ts'
import type { Keeper } from './keeping.ts'
import { LABEL, labelValue, labelsOf } from './labels.ts'

const KIND = { apiVersion: ALLOCATION_API_VERSION, kind: ALLOCATION_KIND } as const

/** Record name of an address: IPv6 as eight groups joined by dashes. */
export function allocationName(ip: Ip): string {
  if (familyOf(ip) === 4) return ip
  const hex = ipToBits(ip).toString(16).padStart(32, '0')
  return (hex.match(/.{4}/g) ?? [])
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join('-')
}

/** The address of a record name. @throws {Failure} `ip-invalid` */
export function addressOfName(name: string): Ip {
  if (!/^([0-9a-f]{1,4}-){7}[0-9a-f]{1,4}$/.test(name)) return parseIp(name)
  const bits = name.split('-').reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
  return ipFromBits(6, bits)
}

export function allocationRef(name: string): Ref {
  return { ...KIND, namespace: undefined, name }
}

/** Selection of all allocations, of one pool, or of one owner; a label can mean others too. */
export function allocationsOf(of: { pool: string } | { owner: Owner } | 'all') {
  if (of === 'all') return KIND
  const labels =
    'pool' in of
      ? { [LABEL.pool]: labelValue(of.pool) }
      : { [LABEL.owner]: shortHash(ownerKey(of.owner)) }
  return { ...KIND, labels }
}

/** The record of an address. */
export function allocationOf(
  ip: Ip,
  by: {
    readonly owner: Owner
    readonly pool: string
    readonly node: string
    /** Where the address stays with a name. */
    readonly keeper?: Keeper | undefined
  },
): Document {
  const { owner, pool, node, keeper } = by
  const { pod } = owner
  const key = ownerKey(owner)
  return {
    ...KIND,
    metadata: {
      name: allocationName(ip),
      labels: labelsOf({ owner: key, pool, node }),
    },
    spec: {
      address: ip,
      pool,
      family: familyOf(ip),
      owner: key,
      ...(pod === undefined
        ? {}
        : { podNamespace: pod.namespace, podName: keeper?.name ?? pod.name, podUid: pod.uid }),
      ...(keeper === undefined ? {} : { controller: keeper.controller }),
      interface: owner.ifName,
      network: owner.network,
      containerId: owner.containerId,
      node,
    },
  }
}

/** Text of one field of an allocation's `spec`; empty when it is not there. */
export function fieldOf(allocation: Document, field: string): string {
  const { spec } = allocation
  if (typeof spec !== 'object' || spec === null) return ''
  const value: unknown = Object.getOwnPropertyDescriptor(spec, field)?.value
  return typeof value === 'string' ? value : ''
}

/** Who holds it, for people. */
export function holderOf(allocation: Document): string {
  const name = fieldOf(allocation, 'podName')
  const pod =
    name === ''
      ? fieldOf(allocation, 'containerId')
      : `${fieldOf(allocation, 'podNamespace')}/${name}`
  return `${pod} (${fieldOf(allocation, 'interface')})`
}
