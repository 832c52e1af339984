/**
 * Listens to what IPAMs of ours reserve, and tells by which rule each address
 * was chosen: held before, asked for, or the first that was free.
 * @module
 */
import type { AnyIpam, AttachNeeds } from '#attach/index.ts'
import type { Document } from '#needs/records.ts'
import { cidrParts } from '#values/cidr.ts'
import { type Owner, ownerKey } from '#values/owner.ts'
import { valueAt } from './fields.ts'
import type { Reasons } from './plan-json.ts'

/** The needs with IPAMs that are listened to; `allocations` are those that stand before. */
export function reasoned(
  needs: AttachNeeds,
  allocations: readonly Document[],
): { readonly needs: AttachNeeds; readonly reasons: Reasons } {
  const reasons = new Map<string, NonNullable<ReturnType<Reasons['get']>>>()
  const ipams = [...needs.catalogue.ipams].map(([type, ipam]): [string, AnyIpam] => [
    type,
    {
      ...ipam,
      async reserve(request) {
        const reservation = await ipam.reserve(request)
        const { owner, requested } = request
        const rules = reservation.addressing.ips.map(({ address }) => {
          const { ip } = cidrParts(address)
          return ruleOf(ip, { type, owner, requested, allocations })
        })
        reasons.set(ownerKey(owner), { reservation, rules })
        return reservation
      },
    },
  ])
  const catalogue = { ...needs.catalogue, ipams: new Map(ipams) }
  return { needs: { ...needs, catalogue }, reasons }
}

function ruleOf(
  ip: string,
  of: {
    readonly type: string
    readonly owner: Owner
    readonly requested: readonly string[]
    readonly allocations: readonly Document[]
  },
): string {
  const holder = of.allocations.find((one) => valueAt(one, 'spec', 'address') === ip)
  if (holder !== undefined) {
    const same = valueAt(holder, 'spec', 'owner') === ownerKey(of.owner)
    return same ? 'held by the interface already' : 'kept from an earlier pod of the name'
  }
  if (of.requested.some((text) => text.split('/')[0] === ip)) return 'asked for'
  if (of.type === 'static') return 'as it is written'
  return of.type === 'host-local' ? 'next free after the last one given' : 'lowest free'
}
