/**
 * SpiderEndpoint: what a pod's interfaces have, by pod name. It goes with its
 * pod, except that of a StatefulSet's or virtual machine's pod, which keeps its
 * addresses for the next one of the same name.
 *
 * Spec: spiderpool.spidernet.io/v2beta1, kind SpiderEndpoint.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { isRecord } from '#schema/zod.ts'
import { fieldOf } from './allocation.ts'
import { isKept } from './allocation-state.ts'
import type { AllocatorState, Finding } from './finding.ts'

/** Kinds of owner whose pods come back under their name, with their addresses. */
const STAYING = new Set(['StatefulSet', 'VirtualMachine', 'VirtualMachineInstance'])

/** Endpoints whose pod does not exist. */
export function checkEndpoints({ endpoints, pods }: AllocatorState): Finding[] {
  if (pods === undefined) return []
  const uids = new Set(pods.map(({ metadata }) => metadata.uid))
  const names = new Set(pods.map(({ metadata }) => placeOf(metadata)))
  return endpoints
    .filter((one) => {
      const uid = textIn(one, 'current', 'uid')
      return uid === '' ? !names.has(placeOf(one.metadata)) : !uids.has(uid)
    })
    .filter((one) => !stays(one))
    .map((one) => ({
      object: `SpiderEndpoint/${placeOf(one.metadata)}`,
      damage: 'endpoint-gone',
      what: `its pod with UID ${textIn(one, 'current', 'uid') || '-'} does not exist`,
      mend: 'verbena repair',
      document: one,
      use: undefined,
    }))
}

/** True for an address that waits for the next pod of its holder's name. */
export function isKeptFor(allocation: Document, { endpoints }: AllocatorState): boolean {
  if (isKept(allocation)) return true
  const namespace = fieldOf(allocation, 'podNamespace')
  const name = fieldOf(allocation, 'podName')
  const own = endpoints.find(({ metadata }) => {
    return metadata.name === name && metadata.namespace === namespace
  })
  return own !== undefined && stays(own)
}

function stays(endpoint: Document): boolean {
  return STAYING.has(textIn(endpoint, 'ownerControllerType'))
}

function placeOf({ namespace, name }: Document['metadata']): string {
  return `${namespace ?? 'default'}/${name}`
}

function textIn(endpoint: Document, ...path: readonly string[]): string {
  const found = ['status', ...path].reduce<unknown>(
    (at, key) => (isRecord(at) ? at[key] : undefined),
    endpoint,
  )
  return typeof found === 'string' ? found : ''
}
