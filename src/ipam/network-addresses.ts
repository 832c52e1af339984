/**
 * Addresses of a pool or a SpiderSubnet, and its lists in canonical form.
 * Intervals throughout: a /64 costs no more than a /32.
 *
 * Spec: Spiderpool's IP text rules. Better than upstream on purpose: a list of
 * one entry is made canonical as any other.
 * @module
 */
import { cidrParts, parseCidr } from '#values/cidr.ts'
import type { Family } from '#values/ip.ts'
import {
  type IpRange,
  countOfRanges,
  formatRange,
  mergeRanges,
  subtractRanges,
} from '#values/ip-range.ts'
import { readEntry } from './entry.ts'
import { type NetworkSpec, faultOfEntry } from './network-rules.ts'
import { readOr } from './text-fault.ts'

/** Addresses of a network, merged; a text that cannot be read counts for nothing. */
export function addressesOf({ spec }: { readonly spec: NetworkSpec }): IpRange[] {
  const family = networkFamily(spec.subnet)
  if (family === undefined) return []
  const read = (texts: readonly string[] = []): IpRange[] =>
    texts.flatMap((text) => readOr(() => readEntry(text, family)).value ?? [])
  return subtractRanges(read(spec.ips), read(spec.excludeIPs))
}

/** A list in canonical form; as it is where an entry is wrong, for validation to name. */
function normalised(key: 'ips' | 'excludeIPs', spec: NetworkSpec) {
  const texts = spec[key]
  const cidr = readOr(() => parseCidr(spec.subnet)).value
  if (texts === undefined || cidr === undefined) return {}
  if (texts.some((text) => faultOfEntry(text, cidr) !== undefined)) return {}
  const { family } = cidrParts(cidr)
  return { [key]: mergeRanges(texts.map((text) => readEntry(text, family))).map(formatRange) }
}

/**
 * What admission writes into a network that is not on its way out: the
 * finalizer, its CIDR as label `key`, its version, its lists in canonical form.
 */
export function completed<T extends Network>(network: T, key: string): T {
  const { metadata, spec } = network
  const finalizers = [...new Set([...(metadata.finalizers ?? []), FINALIZER])]
  const labels = { ...metadata.labels, [key]: cidrLabel(spec.subnet) }
  const ipVersion = spec.ipVersion ?? networkFamily(spec.subnet)
  return {
    ...network,
    metadata: { ...metadata, finalizers, labels },
    spec: {
      ...spec,
      ...(ipVersion === undefined ? {} : { ipVersion }),
      ...normalised('ips', spec),
      ...normalised('excludeIPs', spec),
    },
  }
}

type Network = {
  readonly metadata: {
    readonly finalizers?: readonly string[] | undefined
    readonly labels?: Readonly<Record<string, string>> | undefined
  }
  readonly spec: NetworkSpec & { readonly ipVersion?: number | undefined }
}

/** Undefined where the subnet cannot be read. */
export function networkFamily(subnet: string): Family | undefined {
  return readOr(() => cidrParts(parseCidr(subnet)).family).value
}

/** Counts go up to 2^63-1. */
export function capped(count: bigint): bigint {
  return count > INT64_MAX ? INT64_MAX : count
}

const INT64_MAX = 2n ** 63n - 1n

/** How many addresses a network has, exactly. */
export function sizeOf(network: { readonly spec: NetworkSpec }): bigint {
  return countOfRanges(addressesOf(network))
}

/** A CIDR as the value of a label. */
function cidrLabel(subnet: string): string {
  return subnet.replaceAll(/[.:/]/g, '-')
}

/** Keeps pools and subnets while something hangs on them. */
export const FINALIZER = 'spiderpool.spidernet.io'
