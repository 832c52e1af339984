/**
 * What pods and namespaces say of addresses by annotation: pools for all
 * interfaces or for each, and routes.
 *
 * Spec: Spiderpool annotations `ipam.spidernet.io/...`. Keys of their JSON are
 * read without regard to case, as upstream does.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { failureIn } from '#values/failure.ts'
import { type Cidr, parseCidr } from '#values/cidr.ts'
import { type Ip, familyOf, parseIp } from '#values/ip.ts'
import { type JsonObject, isJsonObject, keyFolder } from '#wire/cni/conf.ts'
import { badAnnotation as bad, parseAnnotation as parse } from './annotation-text.ts'
import { placeOf } from './pod-network.ts'

/** Pool names by family, as written (they may hold wildcards); and whose word it is. */
export type Candidates = {
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
  readonly source: string
  /** The annotation of the pod that they are in. */
  readonly annotation?: string
  readonly cleanGateway: boolean
}

/** A route that a pod asks for; it goes to the interface whose network has `gw`. */
export type AskedRoute = { readonly dst: Cidr; readonly gw: Ip }

/** The annotations, by what they are for. */
export const POOL_ANNOTATION = {
  each: 'ipam.spidernet.io/ippools',
  all: 'ipam.spidernet.io/ippool',
  routes: 'ipam.spidernet.io/routes',
  ipv4: 'ipam.spidernet.io/default-ipv4-ippool',
  ipv6: 'ipam.spidernet.io/default-ipv6-ippool',
} as const
const KEY = POOL_ANNOTATION
const fold = keyFolder(['interface', 'ipv4', 'ipv6', 'cleangateway', 'dst', 'gw'])

/** Pools that the pod names for an interface. @throws {Failure} `pool-annotation-invalid` */
export function poolsOfPod(pod: Document | undefined, ifName: string): Candidates | undefined {
  const annotations = pod?.metadata.annotations
  const each = annotations?.[KEY.each]
  if (each !== undefined) return ofInterface(parse(KEY.each, each), { pod, ifName })
  const all = annotations?.[KEY.all]
  return all === undefined ? undefined : candidates(KEY.all, parse(KEY.all, all))
}

/** Pools that a namespace names for its pods. @throws {Failure} `pool-annotation-invalid` */
export function poolsOfNamespace(namespace: Document | undefined): Candidates | undefined {
  const listAt = (key: string): string[] => {
    const text = namespace?.metadata.annotations?.[key]
    return text === undefined || text === '' ? [] : namesIn(parse(key, text), key)
  }
  const found = { ipv4: listAt(KEY.ipv4), ipv6: listAt(KEY.ipv6) }
  if (found.ipv4.length + found.ipv6.length === 0) return undefined
  return { ...found, source: 'namespace', cleanGateway: false }
}

/** Routes that the pod asks for. @throws {Failure} `pool-annotation-invalid` */
export function routesOfPod(pod: Document | undefined): AskedRoute[] {
  const text = pod?.metadata.annotations?.[KEY.routes]
  if (text === undefined || text === '') return []
  const list = parse(KEY.routes, text)
  if (!Array.isArray(list)) return bad(KEY.routes, 'it is no list of routes')
  return list.map((item: unknown, i) => {
    if (!isJsonObject(item)) return bad(KEY.routes, `item ${i} is no object`)
    const { dst, gw } = fold(item)
    try {
      const route = { dst: parseCidr(textOf(dst)), gw: parseIp(textOf(gw)) }
      if (familyOf(route.gw) === familyOf(route.dst)) return route
    } catch (cause) {
      return bad(KEY.routes, `item ${i}: ${failureIn(cause)?.message ?? 'it is no route'}`)
    }
    return bad(KEY.routes, `item ${i}: gw ${textOf(gw)} is not of the family of ${textOf(dst)}`)
  })
}

function ofInterface(
  list: unknown,
  { pod, ifName }: { readonly pod: Document | undefined; readonly ifName: string },
): Candidates {
  if (!Array.isArray(list) || list.length === 0) return bad(KEY.each, 'it is no list of interfaces')
  const items = list.map((item: unknown): JsonObject =>
    isJsonObject(item) ? fold(item) : bad(KEY.each, 'an item is no object'),
  )
  const strange = items.find(({ interface: name }) => typeof (name ?? '') !== 'string')
  if (strange !== undefined) return bad(KEY.each, 'interface of an item is no text')
  const names = items.map(({ interface: name }) => textOf(name))
  const named = names.filter((name) => name !== '')
  if (named.length !== 0 && named.length !== items.length) {
    return bad(KEY.each, 'some items name an interface and some do not')
  }
  const twice = named.find((name, i) => named.indexOf(name) !== i)
  if (twice !== undefined) return bad(KEY.each, `interface ${twice} is there twice`)
  const place = named.length > 0 ? names.indexOf(ifName) : placeOf(pod, ifName)
  const item = place === undefined ? undefined : items[place]
  return item === undefined
    ? bad(KEY.each, `interface ${ifName} is not in it`)
    : candidates(KEY.each, item)
}

function candidates(annotation: string, raw: unknown): Candidates {
  if (!isJsonObject(raw)) return bad(annotation, 'it is no object')
  const { ipv4, ipv6, cleangateway } = fold(raw)
  if (typeof (cleangateway ?? false) !== 'boolean') {
    return bad(annotation, 'cleangateway is neither true nor false')
  }
  // a null is nothing, as Go reads it
  const names = (list: unknown): string[] =>
    list === undefined || list === null ? [] : namesIn(list, annotation)
  const found = { ipv4: names(ipv4), ipv6: names(ipv6) }
  if (found.ipv4.length + found.ipv6.length === 0) return bad(annotation, 'it names no pool')
  return { ...found, source: 'pod', annotation, cleanGateway: cleangateway === true }
}

function namesIn(list: unknown, annotation: string): string[] {
  if (!Array.isArray(list)) return bad(annotation, 'it holds no list of pool names')
  const names = list.map((name: unknown) => {
    if (typeof name !== 'string') return bad(annotation, `${JSON.stringify(name)} is no pool name`)
    return name || bad(annotation, 'a name is empty')
  })
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  return twice === undefined ? names : bad(annotation, `pool ${twice} is there twice`)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
