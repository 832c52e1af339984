/**
 * Rules of coordinators: of a SpiderCoordinator and of the block of that name
 * in a SpiderMultusConfig. Errors of both name the field as if it stood in a
 * SpiderCoordinator; `hijackCIDR` is called `extraCIDR` in them.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import { bitsOf, familyOf, type Ip, parseIp } from '#values/ip.ts'
import { cidrOf, parseCidr } from '#values/cidr.ts'
import { invalid, notSupported } from '#schema/fault.ts'
import {
  type CoordinatorSpec,
  POD_CIDR_TYPES,
  type SpiderCoordinator,
  spiderCoordinator,
} from '#schema/spider-coordinator.ts'
import { isRecord, readWith, unknownKeys } from '#schema/zod.ts'
import type { Admission } from './admission.ts'
import { readCoordinatorNumbers } from './written-number.ts'

const FINALIZER = 'spiderpool.spidernet.io'

/** Defaults, normalises and checks a SpiderCoordinator. */
export function admitSpiderCoordinator(raw: unknown): Admission<SpiderCoordinator> {
  const meant = isRecord(raw)
    ? readCoordinatorNumbers(raw['spec'])
    : { spec: undefined, warnings: [] }
  const input = isRecord(raw) && 'spec' in raw ? { ...raw, spec: meant.spec } : raw
  const read = readWith(spiderCoordinator, input)
  if (!read.ok) return { document: undefined, faults: read.faults, warnings: meant.warnings }
  const { metadata, spec } = read.value
  const finalizers = new Set([...(metadata.finalizers ?? []), FINALIZER])
  const document = {
    ...read.value,
    metadata: { ...metadata, finalizers: [...finalizers] },
    spec: {
      ...normaliseCoordinator(spec),
      vethLinkAddress: spec.vethLinkAddress ?? '',
      vethMTU: spec.vethMTU ?? 1500,
    },
  }
  const missing = notSupported('spec.podCIDRType', '', POD_CIDR_TYPES)
  const fault = spec.podCIDRType === undefined ? missing : coordinatorFault(document.spec)
  const pruned = unknownKeys(input, read.value).map((path) => `unknown field "${path}" is ignored`)
  const warnings = [...meant.warnings, ...pruned]
  return { document, faults: fault === undefined ? [] : [fault], warnings }
}

/** Bare addresses become CIDRs of one address: the plugin takes nothing else. */
export function normaliseCoordinator(spec: CoordinatorSpec): CoordinatorSpec {
  const { hijackCIDR, policyRoutes } = spec
  return {
    ...spec,
    ...(hijackCIDR && { hijackCIDR: hijackCIDR.map(asCidr) }),
    ...(policyRoutes && { policyRoutes: policyRoutes.map((r) => ({ ...r, dst: asCidr(r.dst) })) }),
  }
}

/** The first rule that the block breaks, in the order in which admission looks. */
export function coordinatorFault(spec: CoordinatorSpec): FieldFault | undefined {
  for (const rule of RULES) {
    const fault = rule(spec)
    if (fault !== undefined) return fault
  }
  return undefined
}

type Rule = (spec: CoordinatorSpec) => FieldFault | undefined

const RULES: readonly Rule[] = [
  podCidrFault,
  hijackFault,
  routesFault,
  macPrefixFault,
  queueFault,
  rpFilterFault,
  vethFault,
]

function podCidrFault({ podCIDRType }: CoordinatorSpec): FieldFault | undefined {
  const known: readonly (string | undefined)[] = [...POD_CIDR_TYPES, undefined]
  if (known.includes(podCIDRType)) return undefined
  return notSupported('spec.podCIDRType', podCIDRType, POD_CIDR_TYPES)
}

function hijackFault({ hijackCIDR = [] }: CoordinatorSpec): FieldFault | undefined {
  const index = hijackCIDR.findIndex((text) => familyOfText(text) === undefined)
  if (index < 0) return undefined
  return invalid(`spec.extraCIDR[${index}]`, hijackCIDR[index], 'it is neither an IP nor a CIDR')
}

function routesFault({ policyRoutes = [] }: CoordinatorSpec): FieldFault | undefined {
  for (const [index, { dst, gw }] of policyRoutes.entries()) {
    const field = `spec.policyRoutes[${index}]`
    const [family, ip] = [familyOfText(dst), ipOf(gw)]
    if (family === undefined) return invalid(field, dst, 'dst is neither an IP nor a CIDR')
    if (ip === undefined) return invalid(field, gw, 'gw is not an IP')
    if (family !== familyOf(ip)) return invalid(field, gw, `gw is not of the IP version of ${dst}`)
  }
  return undefined
}

function macPrefixFault({ podMACPrefix = '' }: CoordinatorSpec): FieldFault | undefined {
  const field = 'spec.podMACPrefix'
  if (podMACPrefix === '') return undefined
  const first = /^([0-9a-f]{2}):[0-9a-f]{2}$/i.exec(podMACPrefix)?.[1]
  if (first === undefined) return invalid(field, podMACPrefix, 'not a valid MAC prefix')
  if (Number.parseInt(first, 16) % 2 === 0) return undefined
  const detail = 'not a unicast MAC: the lowest bit of the first byte must be 0'
  return invalid(field, podMACPrefix, detail)
}

function queueFault({ txQueueLen }: CoordinatorSpec): FieldFault | undefined {
  if (txQueueLen >= 0) return undefined
  return invalid('spec.txQueueLen', txQueueLen, "txQueueLen can't be less than 0")
}

function rpFilterFault({ podRPFilter }: CoordinatorSpec): FieldFault | undefined {
  if (podRPFilter <= 2) return undefined
  return notSupported('spec.podRPFilter', podRPFilter, [0, 1, 2])
}

function vethFault({ vethLinkAddress = '', vethMTU }: CoordinatorSpec): FieldFault | undefined {
  if (vethLinkAddress !== '' && ipOf(vethLinkAddress) === undefined) {
    return invalid(
      'spec.vethLinkAddress',
      vethLinkAddress,
      'vethLinkAddress is an invalid IP address',
    )
  }
  if (vethMTU === undefined || vethMTU > 0) return undefined
  return invalid('spec.vethMTU', vethMTU, 'vethMTU must be greater than 0')
}

function asCidr(text: string): string {
  const ip = ipOf(text)
  return ip === undefined ? text : cidrOf(ip, bitsOf(familyOf(ip)))
}

/** IP version of an address or a CIDR; undefined when it is neither. */
function familyOfText(text: string): 4 | 6 | undefined {
  try {
    return familyOf(text.includes('/') ? parseCidr(text) : parseIp(text))
  } catch {
    return undefined
  }
}

function ipOf(text: string): Ip | undefined {
  try {
    return parseIp(text)
  } catch {
    return undefined
  }
}
