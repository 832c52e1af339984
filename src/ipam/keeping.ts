/**
 * Addresses that stay with a name: a pod of a StatefulSet, or of a virtual
 * machine, that is made again has the addresses it had. Between the two nobody
 * holds them, and they are `kept`.
 *
 * Spec: Spiderpool, fixed addresses: ordinals start to start+replicas-1 of a
 * StatefulSet (apps/v1); a KubeVirt machine while it exists.
 * @module
 */
import type { Document, Records } from '#needs/records.ts'
import type { Settings } from '#schema/spiderpool-settings.ts'
import { isRecord } from '#schema/zod.ts'

/** Under which name a pod's addresses stay. */
export type Keeper = {
  /** `StatefulSet/web`. */
  readonly controller: string
  /** The pod's name, or that of its machine. */
  readonly name: string
}

const STATEFUL_SET = 'StatefulSet'
const MACHINE = 'VirtualMachineInstance'
const KUBEVIRT = 'kubevirt.io/v1'
/** A pod that a running machine is about to move to. */
const MIGRATION = ['kubevirt.io/migrationJobUID', 'kubevirt.io/migrationJobName'] as const

/** Undefined for a pod whose addresses are free when it goes. */
export function keeperOf(pod: Document | undefined, settings: Settings): Keeper | undefined {
  const owner = pod?.metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (pod === undefined || owner === undefined) return undefined
  const { apiVersion, kind, name } = owner
  const group = apiVersion.split('/')[0] ?? ''
  if (kind === STATEFUL_SET && group === 'apps' && settings.enableStatefulSet) {
    return { controller: `${kind}/${name}`, name: pod.metadata.name }
  }
  if (kind === MACHINE && group === 'kubevirt.io' && settings.enableKubevirtStaticIP) {
    return { controller: `${kind}/${name}`, name }
  }
  return undefined
}

/** True for a pod that has the addresses of another one that lives. */
export function isMigrationTarget(pod: Document | undefined): boolean {
  const { labels = {}, annotations = {} } = pod?.metadata ?? {}
  return MIGRATION.some((key) => labels[key] !== undefined || annotations[key] !== undefined)
}

/** Whose addresses are asked about. */
export type KeptName = {
  readonly controller: string
  readonly namespace: string
  readonly name: string
}

/** True while a pod of that name is to come again. */
export async function comesAgain(
  { controller, namespace, name }: KeptName,
  { records, settings }: { readonly records: Records; readonly settings: Settings },
): Promise<boolean> {
  const [kind = '', owner = ''] = controller.split('/')
  if (kind === STATEFUL_SET && settings.enableStatefulSet) {
    const ref = { apiVersion: 'apps/v1', kind, namespace, name: owner }
    const set = await records.get(ref)
    return set !== undefined && hasOrdinal(set, name)
  }
  if (kind !== MACHINE || !settings.enableKubevirtStaticIP) return false
  const found = await Promise.all(
    [MACHINE, 'VirtualMachine'].map((one) =>
      records.get({ apiVersion: KUBEVIRT, kind: one, namespace, name: owner }),
    ),
  )
  return found.some((one) => one !== undefined && one.metadata.deletionTimestamp === undefined)
}

/** True when a pod's name ends in an ordinal that the set has. */
export function hasOrdinal(set: Document, podName: string): boolean {
  if (set.metadata.deletionTimestamp !== undefined) return false
  const { name } = set.metadata
  const digits = podName.startsWith(`${name}-`) ? podName.slice(name.length + 1) : ''
  if (!/^(0|[1-9]\d{0,8})$/.test(digits)) return false
  const spec = isRecord(set['spec']) ? set['spec'] : {}
  const start = isRecord(spec['ordinals']) ? numberOr(spec['ordinals']['start'], 0) : 0
  const ordinal = Number(digits)
  return ordinal >= start && ordinal < start + numberOr(spec['replicas'], 1)
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}
