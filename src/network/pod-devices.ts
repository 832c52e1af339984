/**
 * Which devices the kubelet gave to a pod, and which of its networks gets
 * which: the n-th network of a resource takes the n-th device of it, the default
 * network first, and no device is taken twice.
 *
 * Order of devices: containers as they stand in the pod, sorted within each.
 * @module
 */
import { readCheckpoint, readPodResources } from '#schema/pod-resources.ts'
import type { Reading } from '#schema/zod.ts'
import { fail } from './failures.ts'
import { readJson } from './json.ts'

/** Resource → ids of devices, in order. */
export type PodDevices = ReadonlyMap<string, readonly string[]>
export const NO_DEVICES: PodDevices = new Map()

/** Where the kubelet writes what it gave away. */
export const KUBELET_CHECKPOINT = '/var/lib/kubelet/device-plugins/kubelet_internal_checkpoint'

type Source = { readonly file: string; readonly text: string }
type Given = {
  readonly container: string
  readonly resource: string
  readonly ids: readonly string[]
}

/**
 * Of the kubelet's PodResources `List` answer.
 * @throws {Failure} `pod-resources-unreadable`
 */
export function devicesInAnswer(
  source: Source,
  pod: { readonly namespace: string; readonly name: string },
): PodDevices {
  const { podresources } = valueOf(source, readPodResources)
  const its = podresources.filter(
    ({ namespace, name }) => namespace === pod.namespace && name === pod.name,
  )
  const given = its.flatMap(({ containers }) =>
    containers.flatMap(({ name: container, devices }) =>
      devices.map((one) => ({ container, resource: one.resourcename, ids: one.deviceids })),
    ),
  )
  return devicesOf(given, [...new Set(given.map(({ container }) => container))])
}

/**
 * Of the kubelet's checkpoint; `containers` are the names in the pod's order.
 * @throws {Failure} `pod-resources-unreadable`
 */
export function devicesInCheckpoint(
  source: Source,
  pod: { readonly uid: string; readonly containers: readonly string[] },
): PodDevices {
  const { poddeviceentries } = valueOf(source, readCheckpoint).data
  const given = poddeviceentries
    .filter(({ poduid }) => poduid === pod.uid)
    .map(({ containername: container, resourcename: resource, deviceids }) => ({
      container,
      resource,
      ids: Array.isArray(deviceids) ? deviceids : Object.values(deviceids).flat(),
    }))
  const others = given.map(({ container }) => container).toSorted()
  return devicesOf(given, [...new Set([...pod.containers, ...others])])
}

function devicesOf(given: readonly Given[], containers: readonly string[]): PodDevices {
  const devices = new Map<string, string[]>()
  for (const container of containers) {
    const its = Map.groupBy(
      given.filter((one) => one.container === container),
      ({ resource }) => resource,
    )
    for (const [resource, each] of its) {
      const before = devices.get(resource) ?? []
      const ids = each.flatMap((one) => one.ids).toSorted()
      devices.set(resource, [...new Set([...before, ...ids])])
    }
  }
  return devices
}

/** One device or none for each network, in their order; `resources` are what they count. */
export function deviceOfEach(
  resources: readonly (string | undefined)[],
  devices: PodDevices,
): (string | undefined)[] {
  const taken = new Map<string, number>()
  return resources.map((resource) => {
    if (resource === undefined) return undefined
    const next = taken.get(resource) ?? 0
    taken.set(resource, next + 1)
    return devices.get(resource)?.[next]
  })
}

function valueOf<T>({ file, text }: Source, read: (raw: unknown) => Reading<T>): T {
  const json = readJson(text)
  if (!json.ok) throw fail('pod-resources-unreadable', { file, reason: json.reason })
  const document = read(json.value)
  if (document.ok) return document.value
  const reason = document.faults.map(({ field, message }) => `${field}: ${message}`).join('; ')
  throw fail('pod-resources-unreadable', { file, reason })
}
