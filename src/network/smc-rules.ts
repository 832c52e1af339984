/**
 * Rules of a SpiderMultusConfig, in the order in which admission looks; the
 * first that is broken is the answer. Fields in the answers are Spiderpool's
 * fixed words, not always the keys of the spec.
 * @module
 */
import type { FieldFault } from '#values/admission.ts'
import type { Document } from '#needs/records.ts'
import { forbidden, invalid } from '#schema/fault.ts'
import { subdomainFault } from '#schema/metadata.ts'
import type { SpiderMultusConfig, SpiderMultusConfigSpec } from '#schema/spider-multus-config.ts'
import { isRecord } from '#schema/zod.ts'
import { blockFault } from './block-rules.ts'
import { BLOCK_KEYS, CNI_BLOCKS, poolsOf, resourceOf } from './cni-block.ts'
import { readJson } from './json.ts'
import { NETWORK_ANNOTATION, SMC } from './network-annotation.ts'
import { coordinatorFault } from './spider-coordinator.ts'

/** What the rules are told of the rest of the world. */
export type Surroundings = {
  /** The stored document that this one updates. */
  readonly previous: Document | undefined
  /** NetworkAttachmentDefinitions that there are. */
  readonly nads: readonly Document[]
}

type Rule = (smc: SpiderMultusConfig, around: Surroundings) => FieldFault | undefined

const ANNOTATIONS = 'metadata.annotations'
const CNI_TYPE = 'spec.cniType'
const CNI_VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0']

/** The first rule that is broken. `smc` has its defaults. */
export function ruleFault(smc: SpiderMultusConfig, around: Surroundings): FieldFault | undefined {
  for (const rule of RULES) {
    const fault = rule(smc, around)
    if (fault !== undefined) return fault
  }
  return undefined
}

const RULES: readonly Rule[] = [
  renameFault,
  nadNameFault,
  nadOwnerFault,
  cniVersionFault,
  ({ spec }) => blockFault(spec),
  otherBlockFault,
  injectFault,
  customFault,
  ({ spec }) => spec.coordinator && coordinatorFault(spec.coordinator),
  chainFault,
]

/** The NAD keeps its name; taking the name away is allowed. */
function renameFault(smc: SpiderMultusConfig, { previous }: Surroundings): FieldFault | undefined {
  const after = smc.metadata.annotations?.[NETWORK_ANNOTATION.nadName]
  if (previous === undefined || after === undefined) return undefined
  const before = previous.metadata.annotations?.[NETWORK_ANNOTATION.nadName]
  if (before === after) return undefined
  const what =
    before === undefined
      ? `it's unsupported to changed Multus net-attach-def '${smc.metadata.name}' to ` +
        'customized name'
      : "it's unsupported to change customized Multus net-attach-def resource name from " +
        `'${before}' to`
  return invalid(ANNOTATIONS, after, `${what} '${after}'`)
}

function nadNameFault(smc: SpiderMultusConfig): FieldFault | undefined {
  const name = smc.metadata.annotations?.[NETWORK_ANNOTATION.nadName]
  if (name === undefined) return undefined
  if (name === '') {
    return invalid(ANNOTATIONS, name, 'invalid custom net-attach-def resource empty name')
  }
  const reason = subdomainFault(name)
  if (reason === undefined) return undefined
  return invalid(ANNOTATIONS, name, `invalid custom net-attach-def resource name: ${reason}`)
}

/** A NAD without such an owner is taken over. */
function nadOwnerFault(smc: SpiderMultusConfig, { nads }: Surroundings): FieldFault | undefined {
  const { name, namespace } = smc.metadata
  const nadName = smc.metadata.annotations?.[NETWORK_ANNOTATION.nadName] ?? name
  const nad = nads.find(({ metadata }) => {
    return metadata.name === nadName && metadata.namespace === namespace
  })
  const owner = nad?.metadata.ownerReferences?.find((ref) => {
    return ref.kind === SMC.kind && ref.name !== name
  })
  if (owner === undefined) return undefined
  const detail = `net-attach-def ${namespace ?? ''}/${nadName} belongs to ${SMC.kind} ${owner.name}`
  return invalid(ANNOTATIONS, nadName, detail)
}

function cniVersionFault(smc: SpiderMultusConfig): FieldFault | undefined {
  const version = smc.metadata.annotations?.[NETWORK_ANNOTATION.cniVersion]
  if (version === undefined || CNI_VERSIONS.includes(version)) return undefined
  return invalid(ANNOTATIONS, version, `unsupported CNI version ${version}`)
}

/** An empty `customCNI` is what an automatic custom network leaves behind: no other block. */
function otherBlockFault({ spec }: SpiderMultusConfig): FieldFault | undefined {
  const { key, field } = CNI_BLOCKS[spec.cniType]
  const others = BLOCK_KEYS.filter((other) => {
    return other !== key && spec[other] !== undefined && spec[other] !== ''
  })
  if (others.length === 0) return undefined
  const detail =
    `the cniType ${spec.cniType} only supports ${field}, please remove other CNI configs: ` +
    others.map((other) => `spec.${other}`).join(', ')
  return forbidden(CNI_TYPE, detail)
}

function injectFault(smc: SpiderMultusConfig): FieldFault | undefined {
  const { injectRdma, injectNetwork } = NETWORK_ANNOTATION
  const { annotations = {} } = smc.metadata
  const asked = [injectRdma, injectNetwork].filter((key) => annotations[key] !== undefined)
  const [first] = asked
  if (first === undefined) return undefined
  const { cniType } = smc.spec
  if (cniType === 'ovs' || cniType === 'custom') {
    return forbidden(CNI_TYPE, `the cniType ${cniType} doesn't support annotation ${first}`)
  }
  const { field } = CNI_BLOCKS[cniType]
  const resource = resourceOf(smc.spec)
  if (first === injectRdma && resource === '') {
    return invalid(field, resource, `annotation ${first} needs a resource name`)
  }
  if (resource === '' || countPools(smc.spec) > 0) return undefined
  return invalid(field, {}, `annotation ${first} needs a pool in ippools`)
}

function countPools(spec: SpiderMultusConfigSpec): number {
  const { ipv4 = [], ipv6 = [] } = poolsOf(spec) ?? {}
  return ipv4.length + ipv6.length
}

function customFault({ spec }: SpiderMultusConfig): FieldFault | undefined {
  const { cniType, customCNI = '' } = spec
  if (cniType !== 'custom' || customCNI === '') return undefined
  const bad = (reason: string): FieldFault => {
    return forbidden(CNI_BLOCKS.custom.field, `customCniConfig ${reason}`)
  }
  const read = readJson(customCNI)
  if (!read.ok) return bad(`isn't a valid JSON encoding: ${read.reason}`)
  if (!isRecord(read.value)) return bad('is no CNI configuration: it is not a JSON object')
  const { type, plugins } = read.value
  if (plugins === undefined || plugins === null) {
    return isName(type)
      ? undefined
      : bad('is no CNI configuration: it has neither type nor plugins')
  }
  if (!Array.isArray(plugins)) return bad('is no CNI configuration: plugins is not an array')
  if (plugins.length === 0) return bad('is no CNI configuration: plugins is empty')
  const untyped = plugins.findIndex((one: unknown) => !isRecord(one) || !isName(one['type']))
  return untyped < 0 ? undefined : bad(`is no CNI configuration: plugins[${untyped}] has no type`)
}

function chainFault({ spec }: SpiderMultusConfig): FieldFault | undefined {
  for (const [index, text] of (spec.chainCNIJsonData ?? []).entries()) {
    const reason = chainedFault(text)
    if (reason === undefined) continue
    return forbidden('spec.chainCNIJsonData', `entry ${index} ${reason}: ${text}`)
  }
  return undefined
}

function chainedFault(text: string): string | undefined {
  const read = readJson(text)
  if (!read.ok) return `is not JSON (${read.reason})`
  if (!isRecord(read.value)) return 'is not a JSON object'
  return isName(read.value['type']) ? undefined : 'has no type'
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
