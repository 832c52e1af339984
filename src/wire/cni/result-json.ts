/**
 * Prints a CNI result in any version of the specification: three shapes,
 * 0.1.0 and 0.2.0, 0.3.0 to 0.4.0, and 1.0.0 onward. Key order and what is
 * left out when empty are those of the reference library, which prints the
 * fields of 1.1.0 for 1.0.0 too.
 *
 * Spec: CNI 1.1.0, section 5 (Success); earlier versions of the same section.
 * Conversions as in pkg/types of the reference library.
 * @module
 */
import { type Family, familyOf } from '#values/ip.ts'
import { fail } from '#wire/failures.ts'
import type { JsonObject } from './conf.ts'
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute, CniVersion } from './result.ts'

/** Which of the three shapes a version has. */
export type ResultShape = 'by-family' | 'with-version' | 'current'

const SHAPES: Readonly<Record<CniVersion, ResultShape>> = {
  '0.1.0': 'by-family',
  '0.2.0': 'by-family',
  '0.3.0': 'with-version',
  '0.3.1': 'with-version',
  '0.4.0': 'with-version',
  '1.0.0': 'current',
  '1.1.0': 'current',
}
/** Fields of an interface that came with 1.1.0 and that older shapes have no place for. */
const LATER_FIELDS: ReadonlySet<string> = new Set(['mtu', 'socketPath', 'pciID'])

/** The shape of results in `version`. */
export function shapeOf(version: CniVersion): ResultShape {
  return SHAPES[version]
}

/**
 * The result as a JSON value, as it is passed on in `prevResult`.
 * @throws {Failure} `cni-result-unconvertible`: 0.1.0 and 0.2.0 know no result without address
 */
export function encodeResult(result: CniResult, version: CniVersion): JsonObject {
  const shape = shapeOf(version)
  if (shape === 'by-family') return byFamily(result, version)
  const old = shape === 'with-version'
  return {
    cniVersion: version,
    ...listed(
      'interfaces',
      result.interfaces.map((each) => encodeInterface(each, old)),
    ),
    ...listed(
      'ips',
      result.ips.map((each) => encodeIp(each, old)),
    ),
    ...listed(
      'routes',
      result.routes.map((each) => (old ? shortRoute(each) : encodeRoute(each))),
    ),
    ...(old || !isEmptyDns(result.dns) ? { dns: encodeDns(result.dns) } : {}),
  }
}

/**
 * The text that a plugin prints, indented as the reference library does.
 * @throws {Failure} `cni-result-unconvertible`
 */
export function formatResult(result: CniResult, version: CniVersion): string {
  return JSON.stringify(encodeResult(result, version), undefined, 4)
}

function byFamily(result: CniResult, version: CniVersion): JsonObject {
  const [ip4, ip6] = [familyPart(result, 4), familyPart(result, 6)]
  if (ip4 === undefined && ip6 === undefined) throw fail('cni-result-unconvertible')
  return {
    cniVersion: version,
    ...set('ip4', ip4),
    ...set('ip6', ip6),
    dns: encodeDns(result.dns),
  }
}

/** The first address of a family with every route of it. */
function familyPart({ ips, routes }: CniResult, family: Family): JsonObject | undefined {
  const first = ips.find(({ address }) => familyOf(address) === family)
  if (first === undefined) return undefined
  const its = routes.filter(({ dst }) => familyOf(dst) === family)
  return {
    ip: first.address,
    ...set('gateway', first.gateway),
    ...listed('routes', its.map(shortRoute)),
  }
}

function encodeInterface(
  { name, mac, mtu, sandbox, rest }: CniInterface,
  old: boolean,
): JsonObject {
  const kept = Object.entries(rest).filter(([key]) => !old || !LATER_FIELDS.has(key))
  return {
    name,
    ...set('mac', mac),
    ...(old ? {} : set('mtu', mtu)),
    ...set('sandbox', sandbox),
    ...Object.fromEntries(kept),
  }
}

function encodeIp(ip: CniIp, old: boolean): JsonObject {
  return {
    ...(old ? { version: String(familyOf(ip.address)) } : {}),
    ...set('interface', ip.interface),
    address: ip.address,
    ...set('gateway', ip.gateway),
  }
}

function shortRoute({ dst, gw }: CniRoute): JsonObject {
  return { dst, ...set('gw', gw) }
}

function encodeRoute(route: CniRoute): JsonObject {
  return {
    ...shortRoute(route),
    ...set('mtu', route.mtu),
    ...set('advmss', route.advmss),
    ...set('priority', route.priority),
    ...set('table', route.table),
    ...set('scope', route.scope),
  }
}

function encodeDns({ nameservers, domain, search, options }: CniDns): JsonObject {
  return {
    ...listed('nameservers', nameservers),
    ...set('domain', domain),
    ...listed('search', search),
    ...listed('options', options),
  }
}

function isEmptyDns({ nameservers, domain, search, options }: CniDns): boolean {
  return domain === undefined && nameservers.length + search.length + options.length === 0
}

function set(key: string, value: unknown): JsonObject {
  return value === undefined ? {} : { [key]: value }
}

function listed(key: string, items: readonly unknown[]): JsonObject {
  return items.length === 0 ? {} : { [key]: items }
}
