/**
 * Rules that SpiderIPPool and SpiderSubnet share: family, CIDR, entries,
 * gateway, routes, each with its kind and field.
 *
 * Spec: Spiderpool, validation of SpiderIPPool and SpiderSubnet. Better than
 * upstream on purpose: a reversed range is refused, an entry is named by its
 * place, a gateway is compared by number.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { type Cidr, cidrParts, networkOf, parseCidr } from '#values/cidr.ts'
import { rangeContains, rangeOfCidr } from '#values/ip-range.ts'
import { type Family, parseIp } from '#values/ip.ts'
import { forbidden, invalid, notSupported } from '#schema/fault.ts'
import { readEntry } from './entry.ts'
import { faultIn, readOr } from './text-fault.ts'

/** What pools and subnets have in common. */
export type NetworkSpec = {
  readonly ipVersion?: number
  readonly subnet: string
  readonly ips?: readonly string[]
  readonly excludeIPs?: readonly string[]
  readonly gateway?: string
  readonly routes?: readonly { readonly dst: string; readonly gw: string }[]
}

/** Families that the configuration has on. */
export type Families = { readonly enableIPv4: boolean; readonly enableIPv6: boolean }

/** Rules 1 to 3: there is a version, it is 4 or 6, and its family is on. */
export function faultOfVersion(
  { ipVersion, detail }: { readonly ipVersion: number | undefined; readonly detail: string },
  { enableIPv4, enableIPv6 }: Families,
): FieldFault | undefined {
  if (ipVersion === undefined) return invalid('spec.ipVersion', '', detail)
  if (ipVersion !== 4 && ipVersion !== 6) return notSupported('spec.ipVersion', ipVersion, [4, 6])
  const on = ipVersion === 4 ? enableIPv4 : enableIPv6
  return on ? undefined : forbidden('spec.ipVersion', `${ipVersion}: IPv${ipVersion} is disabled`)
}

/** Rules 4 and 5: a CIDR of the family, in its canonical form. */
export function faultOfCidr({ ipVersion, subnet }: NetworkSpec): FieldFault | undefined {
  const cidr = readOr(() => parseCidr(subnet))
  const [text, reason] = [cidr.value, faultIn(cidr)]
  if (text === undefined) return invalid('spec.subnet', subnet, reason)
  if (cidrParts(text).family !== ipVersion) {
    return invalid('spec.subnet', subnet, `it is no IPv${ipVersion} CIDR`)
  }
  if (networkOf(text) === subnet) return undefined
  return invalid('spec.subnet', subnet, `it is not in its canonical form, ${networkOf(text)}`)
}

/** Rule 8: every entry is an address or a range of the network. */
export function faultOfEntries(spec: NetworkSpec): FieldFault | undefined {
  const cidr = parseCidr(spec.subnet)
  for (const key of ['ips', 'excludeIPs'] as const) {
    for (const [i, text] of (spec[key] ?? []).entries()) {
      const reason = faultOfEntry(text, cidr)
      if (reason !== undefined) return invalid(`spec.${key}[${i}]`, text, reason)
    }
  }
  return undefined
}

/** Why a text is no address or range of a network, or undefined. */
export function faultOfEntry(text: string, cidr: Cidr): string | undefined {
  const range = readOr(() => readEntry(text, cidrParts(cidr).family))
  if (range.value === undefined) return faultIn(range)
  return rangeContains(rangeOfCidr(cidr), range.value) ? undefined : `it is not in subnet ${cidr}`
}

/** Rules 10 and 11: an address of the network that is not given out. */
export function faultOfGateway(spec: NetworkSpec): FieldFault | undefined {
  const { gateway: text = '', ips = [], excludeIPs = [], subnet } = spec
  if (text === '') return undefined
  const cidr = parseCidr(subnet)
  const { family } = cidrParts(cidr)
  const range = readOr(() => readEntry(parseIp(text), family))
  if (range.value === undefined) return invalid('spec.gateway', text, faultIn(range))
  const reason = faultOfEntry(text, cidr)
  if (reason !== undefined) return invalid('spec.gateway', text, reason)
  const { value } = range
  const has = (entry: string): boolean => rangeContains(readEntry(entry, family), value)
  const at = ips.findIndex(has)
  if (at < 0 || excludeIPs.some(has)) return undefined
  return invalid(`spec.ips[${at}]`, ips[at], `it has the gateway ${text}, which excludeIPs has not`)
}

/** Rules 12 to 15. */
export function faultOfRoutes(spec: NetworkSpec): FieldFault | undefined {
  const cidr = parseCidr(spec.subnet)
  const { family } = cidrParts(cidr)
  const all = spec.routes ?? []
  for (const [i, { dst, gw }] of all.entries()) {
    const field = `spec.routes[${i}]`
    const reason = faultOfTarget(dst, family)
    const isRepeated = all.findIndex((other) => other.dst === dst) < i
    if (isRepeated) return invalid(`${field}.dst`, dst, 'it is there twice')
    if (reason !== undefined) return invalid(`${field}.dst`, dst, reason)
    const hop = readOr(() => parseIp(gw))
    const hopReason = hop.value === undefined ? faultIn(hop) : faultOfEntry(gw, cidr)
    if (hopReason !== undefined) return invalid(`${field}.gw`, gw, hopReason)
  }
  return undefined
}

function faultOfTarget(dst: string, family: Family): string | undefined {
  const cidr = readOr(() => parseCidr(dst))
  if (cidr.value === undefined) return faultIn(cidr)
  const parts = cidrParts(cidr.value)
  if (parts.prefix === 0) return 'the default route is that of spec.gateway'
  return parts.family === family ? undefined : `it is no IPv${family} CIDR`
}
