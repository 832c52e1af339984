/**
 * Network annotations of a pod → what it asks for, in the short form
 * (`ns/name@if, name`) and as a JSON array.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3,
 * section 4.1. Texts of errors are Multus' where it has one, and then the item.
 * @module
 */
import { Failure } from '#values/failure.ts'
import { parseGuid } from '#values/guid.ts'
import { parseHardwareAddress } from '#values/hardware-address.ts'
import { type IfName, parseIfName } from '#values/if-name.ts'
import { type Ip, parseIp } from '#values/ip.ts'
import { parseCidr } from '#values/cidr.ts'
import { type NetworkSelectionJson, readNetworkSelection } from '#schema/network-selection.ts'
import { fail, failTogether } from './failures.ts'
import { readJson } from './json.ts'

/** A network that a pod asks for. Texts are as they were written. */
export type NetworkSelection = {
  readonly namespace: string
  readonly name: string
  readonly ifName: IfName | undefined
  readonly ips: readonly string[]
  readonly mac: string | undefined
  readonly guid: string | undefined
  readonly portMappings: readonly unknown[] | undefined
  readonly bandwidth: Readonly<Record<string, unknown>> | undefined
  readonly deviceId: string | undefined
  readonly cniArgs: Readonly<Record<string, unknown>>
  /** Gateways; empty asks for no default route at all, undefined does not ask. */
  readonly defaultRoute: readonly Ip[] | undefined
}

/** A network that is asked for by its name alone, or by the cluster. */
export const NO_SELECTION: NetworkSelection = {
  namespace: '',
  name: '',
  ifName: undefined,
  ips: [],
  mac: undefined,
  guid: undefined,
  portMappings: undefined,
  bandwidth: undefined,
  deviceId: undefined,
  cniArgs: {},
  defaultRoute: undefined,
}

/** What one annotation asks for: every item that is legal, in its place, and what is wrong. */
export type ReadNetworks = {
  /** Undefined where the item is wrong, so that the places of the others hold. */
  readonly selections: readonly (NetworkSelection | undefined)[]
  readonly problems: readonly Failure[]
}

const TEXT = {
  short: 'parsePodNetworkAnnotation: parsePodNetworkObjectName',
  json:
    'parsePodNetworkAnnotation: failed to parse pod Network Attachment Selection Annotation ' +
    'JSON format',
}
const EMPTY = 'parsePodNetworkAnnotation: pod annotation does not have "network" as key'
const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const DOTTED = /^([0-9a-f]{4}\.){2,}[0-9a-f]{4}$/i

/** @throws {Failure} `network-annotation-invalid`: the first problem, the others in `also` */
export function parseNetworks(text: string, of: { defaultNamespace: string }): NetworkSelection[] {
  const { selections, problems } = readNetworks(text, of)
  if (problems.length > 0) throw failTogether(problems)
  return selections.filter((selection) => selection !== undefined)
}

/** The same with every problem. A text with `[`, `{` or `"` is JSON. */
export function readNetworks(text: string, of: { defaultNamespace: string }): ReadNetworks {
  if (text === '') return { selections: [], problems: [problem(EMPTY, '""')] }
  const items = /[[{"]/.test(text) ? jsonItems(text) : text.split(',').map(shortItem)
  const read = items.map((item) => collect(() => selectionOf(item(), of.defaultNamespace)))
  return {
    selections: read.map((one) => (one instanceof Failure ? undefined : one)),
    problems: read.filter((one) => one instanceof Failure),
  }
}

/** Reads one item of either form. @throws {Failure} `network-annotation-invalid` */
type Item = () => Partial<NetworkSelectionJson> & { readonly shown: string }

function shortItem(part: string): Item {
  const shown = part.trim()
  return () => {
    const bad = (reason: string): never => {
      throw problem(`${TEXT.short}: ${reason}`, shown)
    }
    const slashes = shown.split('/')
    if (slashes.length > 2) bad("Invalid network object (failed at '/')")
    const [namespace, rest = ''] = slashes.length === 2 ? slashes : ['', shown]
    const ats = rest.split('@')
    if (ats.length > 2) bad("Invalid network object (failed at '@')")
    const item = { namespace: (namespace ?? '').trim(), name: (ats[0] ?? '').trim() }
    const wrong = Object.values(item).find((name) => name !== '' && !NAME.test(name))
    if (wrong !== undefined) {
      bad(
        'Failed to parse: one or more items did not match comma-delimited format (must ' +
          'consist of lower case alphanumeric characters). Must start and end with an ' +
          `alphanumeric character), mismatch @ '${wrong}'`,
      )
    }
    return { ...item, interface: (ats[1] ?? '').trim(), shown }
  }
}

function jsonItems(text: string): Item[] {
  const bad = (reason: string): Item[] => [
    () => {
      throw problem(`${TEXT.json}: ${reason}`, text)
    },
  ]
  const read = readJson(text)
  if (!read.ok) return bad(read.reason)
  if (!Array.isArray(read.value)) return bad('it is not an array')
  return read.value.map((raw: unknown, index) => () => {
    const element = readNetworkSelection(raw, index)
    const shown = `[${index}] ${JSON.stringify(raw)}`
    if (element.ok) return { ...element.value, shown }
    const reasons = element.faults.map(({ field, message }) => `${field}: ${message}`)
    throw problem(`${TEXT.json}: ${reasons.join('; ')}`, shown)
  })
}

function selectionOf(item: ReturnType<Item>, defaultNamespace: string): NetworkSelection {
  const { name = '', namespace = '', shown, ips = [], mac = '', deviceID = '' } = item
  const guid = item['infiniband-guid'] ?? ''
  const wrong: string[] = []
  const at = (text: string, read: () => void): void => {
    const cause = collect(read)
    if (cause instanceof Failure) wrong.push(`${text}: ${reasonOf(cause)}`)
  }
  at('parsePodNetworkAnnotation: failed to mac', () => mac && parseHardwareAddress(colons(mac)))
  at('parsePodNetworkAnnotation: failed to validate infiniband GUID', () => {
    if (guid !== '') parseGuid(colons(guid))
  })
  for (const ip of ips) {
    if (ip.includes('/')) at(`failed to parse CIDR "${ip}"`, () => parseCidr(ip))
    else at(`failed to parse IP address "${ip}"`, () => parseIp(ip))
  }
  if (wrong.length > 0) throw problem(wrong.join('; '), shown)
  return {
    namespace: namespace === '' ? defaultNamespace : namespace,
    name,
    ifName: ifNameOf(item, shown),
    ips,
    mac: mac === '' ? undefined : mac,
    guid: guid === '' ? undefined : guid,
    portMappings: item.portMappings,
    bandwidth: item.bandwidth,
    deviceId: deviceID === '' ? undefined : deviceID,
    cniArgs: item['cni-args'] ?? {},
    defaultRoute: gatewaysOf(item, shown),
  }
}

function ifNameOf(item: Partial<NetworkSelectionJson>, shown: string): IfName | undefined {
  const text = item.interface || item.interfaceRequest || ''
  if (text === '') return undefined
  const name = collect(() => parseIfName(text))
  if (!(name instanceof Failure)) return name
  const rule =
    "Failed to parse interface name: must be less than 15 chars and not contain '/' or spaces. " +
    `interface name '${text}'`
  throw problem(`${TEXT.short}: ${rule}`, shown, name)
}

function gatewaysOf(item: Partial<NetworkSelectionJson>, shown: string): Ip[] | undefined {
  return item['default-route']?.map((text) => {
    const ip = collect(() => parseIp(text))
    if (!(ip instanceof Failure)) return ip
    throw problem(`${TEXT.json}: default-route ${text}: ${reasonOf(ip)}`, shown, ip)
  })
}

/** `0200.5e10.0001` → `02:00:5e:10:00:01`; dashes likewise; anything else as it is. */
function colons(address: string): string {
  if (!DOTTED.test(address)) return address.replaceAll('-', ':')
  return (address.replaceAll('.', '').match(/../g) ?? []).join(':')
}

/** Why a text cannot be read, without the text. */
function reasonOf({ details: { reason }, message }: Failure): string {
  return typeof reason === 'string' ? reason : message
}

function problem(text: string, item: string, cause?: unknown): Failure {
  return fail('network-annotation-invalid', { text, item }, cause)
}

/** What `read` gives, or the Failure that it throws. */
function collect<T>(read: () => T): T | Failure {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof Failure) return cause
    throw cause
  }
}
