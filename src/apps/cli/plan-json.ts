/**
 * A plan as it is printed for programs.
 *
 * Spec: docs/reference/plan.md.
 * @module
 */
import type { PlannedAttachment } from '#attach/index.ts'
import { allocationName, type Reservation } from '#ipam/index.ts'
import { isRecord } from '#schema/zod.ts'
import type { AdmissionError } from '#values/admission.ts'
import { cidrParts } from '#values/cidr.ts'
import { ownerKey } from '#values/owner.ts'
import type { Step } from '#values/step.ts'
import { lookUp } from '#wire/cni/conf.ts'

type Conf = Readonly<Record<string, unknown>>

/** An address with where it comes from; `pool` is null where it is of no pool. */
export type PlanAddress = {
  readonly family: 4 | 6
  /** With the prefix length of its network. */
  readonly address: string
  readonly pool: string | null
  readonly why: string
}

export type PlanAttachment = {
  readonly interface: string
  /** `namespace/name` of the network object. */
  readonly network: string
  readonly default: boolean
  /** The configurations as the plugins would get them on standard input. */
  readonly plugins: readonly Conf[]
  /** Capability arguments that plugins of the chain declare. */
  readonly runtimeConfig: Conf
  readonly devices: readonly { readonly resource: string | null; readonly id: string }[]
  readonly addresses: readonly PlanAddress[]
  readonly steps: readonly Step[]
  readonly undo: readonly Step[]
  /** One sentence for each thing that cannot be told. */
  readonly unknown: readonly string[]
}

export type Plan = {
  readonly attachments: readonly PlanAttachment[]
  readonly errors: readonly AdmissionError[]
  readonly warnings: readonly string[]
}

/** What was reserved for an owner, with the rule by which each address was chosen. */
export type Reasons = ReadonlyMap<
  string,
  { readonly reservation: Reservation; readonly rules: readonly string[] }
>

/** `resource` is what the kubelet counts for the network. */
export function attachmentJson(
  { wanted, steps, undo, unknown }: PlannedAttachment,
  of: {
    readonly reasons: Reasons
    readonly isDefault: boolean
    readonly resource: string | undefined
  },
): PlanAttachment {
  const { owner, plugins, networkRef } = wanted
  return {
    interface: owner.ifName,
    network: networkRef ?? owner.network,
    default: of.isDefault,
    plugins,
    runtimeConfig: runtimeConfigOf(plugins),
    devices: devicesOf(plugins).map((id) => ({ resource: of.resource ?? null, id })),
    addresses: addressesOf(ownerKey(owner), of.reasons),
    steps,
    undo,
    unknown,
  }
}

function runtimeConfigOf(plugins: readonly Conf[]): Conf {
  const each = plugins.map((conf) => lookUp(conf, 'runtimeConfig')).filter(isRecord)
  return Object.assign({}, ...each)
}

function devicesOf(plugins: readonly Conf[]): string[] {
  const ids: unknown[] = plugins.flatMap((conf) => {
    const runtime = lookUp(conf, 'runtimeConfig')
    const injected = isRecord(runtime) ? lookUp(runtime, 'deviceID') : undefined
    return [lookUp(conf, 'deviceID'), injected]
  })
  return [...new Set(ids.filter((id): id is string => typeof id === 'string' && id !== ''))]
}

function addressesOf(key: string, reasons: Reasons): PlanAddress[] {
  const found = reasons.get(key)
  if (found === undefined) return []
  const { reservation, rules } = found
  return reservation.addressing.ips.map(({ address }, i) => {
    const { ip, family } = cidrParts(address)
    const held = reservation.held.find(
      (one) => one.held === 'allocation' && one.name === allocationName(ip),
    )
    const pool = held?.held === 'allocation' ? held.pool : null
    const why = [reservation.why[i], rules[i]].filter((text) => text !== undefined).join('; ')
    return { family, address, pool, why }
  })
}
