/**
 * Reads a CNI result of any version: a `prevResult`, or what a delegated plugin
 * printed. Keys are read without regard to case, as upstream does; fields of an
 * interface that are not known here are kept.
 *
 * Spec: CNI 1.1.0, section 5 (Success) and section 3 (prevResult); earlier
 * versions of the same sections.
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { type HardwareAddress, parseHardwareAddress } from '#values/hardware-address.ts'
import { parseIfName } from '#values/if-name.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import { parseCidr } from '#values/cidr.ts'
import { parseJson } from '#values/json-text.ts'
import { fail } from '#wire/failures.ts'
import { type JsonObject, isJsonObject, keyFolder, lookUp } from './conf.ts'
import { EMPTY_RESULT } from './empty-result.ts'
import {
  CNI_VERSIONS,
  type CniDns,
  type CniInterface,
  type CniIp,
  type CniResult,
  type CniRoute,
  type CniVersion,
} from './result.ts'
import { shapeOf } from './result-json.ts'
import { knownVersion } from './version.ts'

const foldResult = keyFolder(['cniVersion', 'interfaces', 'ips', 'ip4', 'ip6', 'routes', 'dns'])
const foldInterface = keyFolder(['name', 'mac', 'mtu', 'sandbox', 'socketPath', 'pciID'])
const foldIp = keyFolder(['address', 'ip', 'gateway', 'interface', 'routes'])
const foldRoute = keyFolder(['dst', 'gw', 'mtu', 'advmss', 'priority', 'table', 'scope'])
const foldDns = keyFolder(['nameservers', 'domain', 'search', 'options'])

/**
 * The `prevResult` of a configuration of `version`; undefined when it has none.
 * Its own version may be absent, or one of the same shape.
 * @throws {Failure} `cni-prev-result-unreadable`
 */
export function prevResultOf(conf: JsonObject, version: CniVersion): CniResult | undefined {
  const raw = lookUp(conf, 'prevResult')
  if (raw === undefined) return undefined
  try {
    return ofShape(raw, version)
  } catch (cause) {
    const { field, reason } = failureIn(cause)?.details ?? {}
    const told = field === 'cniVersion' ? reason : `${textOr(field)}: ${textOr(reason)}`
    throw fail('cni-prev-result-unreadable', { reason: told, field })
  }
}

/**
 * Reads what a plugin printed for a configuration of `version`. Nothing, and
 * `null`, are an empty result.
 * @throws {Failure} `cni-result-unreadable`, `cni-result-version`
 */
export function parseResult(text: string, version: CniVersion): CniResult {
  if (text.trim() === '') return EMPTY_RESULT
  let raw: unknown
  try {
    raw = parseJson(text)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it is not JSON'
    throw fail('cni-result-unreadable', { field: 'result', reason })
  }
  if (raw === null) return EMPTY_RESULT
  const own = isJsonObject(raw) ? (lookUp(raw, 'cniVersion') ?? version) : version
  const said = typeof own === 'string' ? own : JSON.stringify(own)
  const known = knownVersion(said)
  if (known === undefined) throw fail('cni-result-version', { version: said })
  return ofShape(raw, known)
}

function ofShape(raw: unknown, version: CniVersion): CniResult {
  const from = foldResult(objectOf(raw, 'result'))
  const shape = shapeOf(version)
  const family = CNI_VERSIONS.filter((each) => shapeOf(each) === shape)
  const own = from['cniVersion'] ?? version
  if (!family.some((each) => each === own)) {
    const reason = `result type supports [${family.join(' ')}] but unmarshalled CNIVersion is `
    throw fail('cni-result-unreadable', { field: 'cniVersion', reason: reason + quoted(own) })
  }
  if (shape === 'by-family') return byFamily(from)
  return {
    interfaces: items(from, 'interfaces').map(readInterface),
    ips: items(from, 'ips').map(readIp),
    routes: items(from, 'routes').map((each, at) => readRoute(each, `routes[${at}]`)),
    dns: readDns(from['dns']),
  }
}

function byFamily(from: JsonObject): CniResult {
  const parts = ['ip4', 'ip6'].flatMap((key) => {
    if (from[key] === undefined) return []
    const part = foldIp(objectOf(from[key], key))
    const address = wrapped(`${key}.ip`, () => parseCidr(textOf(part, 'ip', key) ?? ''))
    const ip: CniIp = { address, gateway: readIpText(part, 'gateway', key), interface: undefined }
    const routes = items(part, 'routes', key)
    return [{ ip, routes: routes.map((each, at) => readRoute(each, `${key}.routes[${at}]`)) }]
  })
  return {
    interfaces: [],
    ips: parts.map(({ ip }) => ip),
    routes: parts.flatMap(({ routes }) => routes),
    dns: readDns(from['dns']),
  }
}

function readInterface(raw: unknown, at: number): CniInterface {
  const path = `interfaces[${at}]`
  const from = foldInterface(objectOf(raw, path))
  const { name: _n, mac: _a, mtu: _m, sandbox: _s, ...rest } = from
  const mac = textOf(from, 'mac', path) ?? ''
  const known = hardwareAddress(mac)
  return {
    name: wrapped(`${path}.name`, () => parseIfName(textOf(from, 'name', path) ?? '')),
    mac: known,
    mtu: numberOf(from, 'mtu', path),
    sandbox: textOf(from, 'sandbox', path) || undefined,
    // An address of another length is another vendor's matter: it is passed on, not judged.
    rest: known === undefined && mac !== '' ? { ...rest, mac } : rest,
  }
}

function hardwareAddress(text: string): HardwareAddress | undefined {
  try {
    return text === '' ? undefined : parseHardwareAddress(text)
  } catch {
    return undefined
  }
}

function readIp(raw: unknown, at: number): CniIp {
  const path = `ips[${at}]`
  const from = foldIp(objectOf(raw, path))
  return {
    address: wrapped(`${path}.address`, () => parseCidr(textOf(from, 'address', path) ?? '')),
    gateway: readIpText(from, 'gateway', path),
    interface: numberOf(from, 'interface', path),
  }
}

function readRoute(raw: unknown, path: string): CniRoute {
  const from = foldRoute(objectOf(raw, path))
  return {
    dst: wrapped(`${path}.dst`, () => parseCidr(textOf(from, 'dst', path) ?? '')),
    gw: readIpText(from, 'gw', path),
    mtu: numberOf(from, 'mtu', path),
    advmss: numberOf(from, 'advmss', path),
    priority: numberOf(from, 'priority', path),
    table: numberOf(from, 'table', path),
    scope: numberOf(from, 'scope', path),
  }
}

/** The `dns` object of a result or a configuration. @throws {Failure} `cni-result-unreadable` */
export function readDns(raw: unknown): CniDns {
  const from = raw === undefined || raw === null ? {} : foldDns(objectOf(raw, 'dns'))
  const texts = (key: string): string[] =>
    items(from, key, 'dns').map((each) => {
      if (typeof each === 'string') return each
      throw unreadable(`dns.${key}`, 'it has an item that is not a string')
    })
  return {
    nameservers: texts('nameservers'),
    domain: textOf(from, 'domain', 'dns') || undefined,
    search: texts('search'),
    options: texts('options'),
  }
}

function objectOf(raw: unknown, field: string): JsonObject {
  if (isJsonObject(raw)) return raw
  throw unreadable(field, 'it is not an object')
}

function items(from: JsonObject, key: string, path = ''): readonly unknown[] {
  const list = from[key] ?? []
  if (Array.isArray(list)) return list
  throw unreadable(pathOf(path, key), 'it is not an array')
}

function textOf(from: JsonObject, key: string, path: string): string | undefined {
  const text = from[key]
  if (text === undefined || typeof text === 'string') return text
  throw unreadable(pathOf(path, key), 'it is not a string')
}

function numberOf(from: JsonObject, key: string, path: string): number | undefined {
  const number = from[key]
  if (number === undefined) return undefined
  if (typeof number === 'number' && Number.isSafeInteger(number)) return number
  throw unreadable(pathOf(path, key), 'it is not a whole number')
}

function readIpText(from: JsonObject, key: string, path: string): Ip | undefined {
  const text = textOf(from, key, path) ?? ''
  return text === '' ? undefined : wrapped(pathOf(path, key), () => parseIp(text))
}

function wrapped<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw fail('cni-result-unreadable', { field, reason: failureIn(cause)?.message }, cause)
  }
}

function unreadable(field: string, reason: string): Error {
  return fail('cni-result-unreadable', { field, reason })
}

function pathOf(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`
}

function quoted(value: unknown): string {
  return JSON.stringify(value)
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : 'it is not readable'
}
