/**
 * Pools that a pod names by annotation: for all its interfaces, or for each.
 *
 * Spec: Spiderpool annotations `ipam.spidernet.io/ippools` and `.../ippool`.
 * Keys are read without regard to case, as upstream does.
 * @module
 */
import { keyFolder, isJsonObject } from '#wire/cni/conf.ts'
import { fail } from './failures.ts'

/** Pool names by family, as written (they may hold wildcards); and whose word it is. */
export type Candidates = {
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
  readonly source: string
  readonly cleanGateway: boolean
}

const EACH = 'ipam.spidernet.io/ippools'
const ALL = 'ipam.spidernet.io/ippool'
const fold = keyFolder(['interface', 'ipv4', 'ipv6', 'cleangateway'])

/** @throws {Failure} `pool-annotation-invalid` naming the annotation and what is wrong with it */
export function readPoolAnnotation(
  annotations: Readonly<Record<string, string>> | undefined,
  ifName: string,
): Candidates | undefined {
  const each = annotations?.[EACH]
  if (each !== undefined) return ofInterface(parse(EACH, each), ifName)
  const all = annotations?.[ALL]
  return all === undefined ? undefined : candidates(ALL, parse(ALL, all))
}

function ofInterface(list: unknown, ifName: string): Candidates {
  const bad = (reason: string): never => {
    throw fail('pool-annotation-invalid', { annotation: EACH, reason })
  }
  if (!Array.isArray(list) || list.length === 0) return bad('it is no list of interfaces')
  const items = list.map((item: unknown) =>
    isJsonObject(item) ? fold(item) : bad('an item is no object'),
  )
  const named = items.filter(({ interface: name }) => name !== undefined && name !== '')
  if (named.length !== 0 && named.length !== items.length) {
    return bad('some items name an interface and some do not')
  }
  const names = named.map(({ interface: name }) => String(name))
  if (new Set(names).size !== names.length) return bad('an interface is there twice')
  const index = named.length > 0 ? names.indexOf(ifName) : placeOf(ifName)
  const item = items[index]
  return item === undefined ? bad(`interface ${ifName} is not in it`) : candidates(EACH, item)
}

/** eth0 is the first, net1 the second. */
function placeOf(ifName: string): number {
  const number = /^net(\d+)$/.exec(ifName)?.[1]
  return number === undefined ? 0 : Number(number)
}

function candidates(annotation: string, raw: unknown): Candidates {
  const bad = (reason: string): never => {
    throw fail('pool-annotation-invalid', { annotation, reason })
  }
  if (!isJsonObject(raw)) return bad('it is no object')
  const { ipv4, ipv6, cleangateway } = fold(raw)
  const names = (list: unknown, key: string): string[] => {
    if (list === undefined) return []
    if (!Array.isArray(list)) return bad(`${key} is no list of pool names`)
    const texts = list.map((name: unknown) =>
      typeof name === 'string' && name !== '' ? name : bad(`${key} holds no name`),
    )
    return new Set(texts).size === texts.length ? texts : bad(`${key} holds a pool twice`)
  }
  const found = { ipv4: names(ipv4, 'ipv4'), ipv6: names(ipv6, 'ipv6') }
  if (found.ipv4.length + found.ipv6.length === 0) return bad('it names no pool')
  return { ...found, source: 'pod', cleanGateway: cleangateway === true }
}

function parse(annotation: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw fail('pool-annotation-invalid', { annotation, reason: 'it is not JSON' }, cause)
  }
}
