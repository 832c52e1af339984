/**
 * Range sets of host-local: one address is given from each set.
 *
 * Spec: CNI plugins, host-local: defaults, checks and their texts.
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { type IpRange, rangeContains, rangeOfCidr } from '#values/ip-range.ts'
import { networkOf, type Cidr, cidrParts, parseCidr } from '#values/cidr.ts'
import { type Ip, bitsOf, familyOf, ipFromBits, ipToBits, parseIp } from '#values/ip.ts'
import type { HostLocalDocument, RangeDocument } from '#schema/ipam-conf.ts'
import { fail } from './failures.ts'

/** Addresses `first` to `last` of a network; the gateway is never given out. */
export type HostRange = {
  readonly subnet: Cidr
  readonly range: IpRange
  readonly gateway: Ip
}
export type RangeSet = readonly HostRange[]

/** `A-B,C-D`: how failures name a set. */
export function formatRangeSet(set: RangeSet): string {
  return set.map(({ range }) => textOfRange(range)).join(',')
}

/** Upstream prints both ends even when they are one. */
function textOfRange({ family, first, last }: IpRange): string {
  return `${ipFromBits(family, first)}-${ipFromBits(family, last)}`
}

/** @throws {Failure} `range-set-none`, `range-set-invalid`, `range-sets-overlap` */
export function rangeSetsOf(
  conf: HostLocalDocument,
  more: readonly (readonly RangeDocument[])[],
): RangeSet[] {
  const { subnet, rangeStart, rangeEnd, gateway } = conf
  const single: RangeDocument[][] =
    subnet === undefined
      ? []
      : [
          [
            {
              subnet,
              ...(rangeStart === undefined ? {} : { rangeStart }),
              ...(rangeEnd === undefined ? {} : { rangeEnd }),
              ...(gateway === undefined ? {} : { gateway }),
            },
          ],
        ]
  const sets = [...more, ...single, ...(conf.ranges ?? [])]
  if (sets.length === 0) throw fail('range-set-none')
  const read = sets.map((set, index) => setOf(set, index))
  for (const [index, set] of read.entries()) {
    const other = read.findIndex(
      (one, i) => i < index && one.some((a) => set.some((b) => meets(a, b))),
    )
    if (other >= 0) throw fail('range-sets-overlap', { index: other, other: index })
  }
  return read
}

function setOf(documents: readonly RangeDocument[], index: number): RangeSet {
  const bad = (reason: string): never => {
    throw fail('range-set-invalid', { index, reason })
  }
  if (documents.length === 0) return bad('empty range set')
  const set = documents.map((document) => rangeOf(document, bad))
  const families = new Set(set.map(({ range }) => range.family))
  if (families.size > 1) return bad('mixed address families')
  for (const [i, a] of set.entries()) {
    const b = set.find((one, k) => k > i && meets(a, one))
    if (b === undefined) continue
    return bad(`subnets ${textOfRange(a.range)} and ${textOfRange(b.range)} overlap`)
  }
  return set
}

function rangeOf(document: RangeDocument, bad: (reason: string) => never): HostRange {
  const subnet = readOr(() => parseCidr(document.subnet), bad)
  const { prefix, family } = cidrParts(subnet)
  const network = networkOf(subnet)
  if (prefix > bitsOf(family) - 2) bad(`Network ${network} too small to allocate from`)
  if (network !== subnet) {
    bad(
      `Network has host bits set. For a subnet mask of length ${prefix} ` +
        `the network address is ${cidrParts(network).ip}`,
    )
  }
  const whole = rangeOfCidr(subnet)
  const gateway =
    document.gateway === undefined || document.gateway === ''
      ? ipFromBits(family, whole.first + 1n)
      : readOr(() => parseIp(document.gateway ?? ''), bad)
  // the broadcast address of IPv4 is no host's; IPv6 has none
  const end = family === 4 ? whole.last - 1n : whole.last
  const first = endOf('RangeStart', document.rangeStart, { whole, subnet, bad }) ?? whole.first + 1n
  const last = endOf('RangeEnd', document.rangeEnd, { whole, subnet, bad }) ?? end
  if (first > last) {
    bad(`RangeStart ${ipFromBits(family, first)} not in network ${network}`)
  }
  return { subnet, range: { family, first, last }, gateway }
}

function endOf(
  name: string,
  text: string | undefined,
  of: { whole: IpRange; subnet: Cidr; bad: (reason: string) => never },
): bigint | undefined {
  if (text === undefined || text === '') return undefined
  const ip = readOr(() => parseIp(text), of.bad)
  const bits = ipToBits(ip)
  const at = { family: familyOf(ip), first: bits, last: bits }
  if (!rangeContains(of.whole, at)) of.bad(`${name} ${text} not in network ${of.subnet}`)
  return bits
}

function meets(a: HostRange, b: HostRange): boolean {
  const [x, y] = [a.range, b.range]
  return x.family === y.family && x.first <= y.last && y.first <= x.last
}

function readOr<T>(read: () => T, bad: (reason: string) => never): T {
  try {
    return read()
  } catch (cause) {
    const failure = failureIn(cause)
    return bad(failure === undefined ? String(cause) : failure.message)
  }
}

/** The range of a set that an address lies in. */
export function rangeWith(set: RangeSet, ip: Ip): HostRange | undefined {
  const bits = ipToBits(ip)
  const at = { family: familyOf(ip), first: bits, last: bits }
  return set.find(({ range }) => rangeContains(range, at))
}
