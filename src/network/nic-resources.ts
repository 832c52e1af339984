/**
 * Interfaces of the node that a pod's networks lie on, as resources that the
 * scheduler can count: `spidernet.io/<master>-nic`.
 * @module
 */
import type { Document } from '#needs/records.ts'
import type { SpiderMultusConfig } from '#schema/spider-multus-config.ts'
import { readNetworks } from './annotation.ts'
import { nadNameOf } from './nad-of-config.ts'
import { POD_ANNOTATION } from './network-annotation.ts'

/** Namespace of a default network that is named without one. */
const MULTUS_NAMESPACE = 'kube-system'

/** One of each for every interface below a network that the pod's annotations name. */
export function nicResourcesOf(
  { namespace = '', annotations = {} }: Document['metadata'],
  configs: readonly SpiderMultusConfig[],
): ReadonlyMap<string, number> {
  const first = namesIn(annotations[POD_ANNOTATION.defaultNetwork], MULTUS_NAMESPACE)
  const others = namesIn(annotations[POD_ANNOTATION.networks], namespace)
  const masters = [...first, ...others].flatMap((name) => {
    const config = configs.find((one) => `${one.metadata.namespace}/${nadNameOf(one)}` === name)
    return config === undefined ? [] : mastersOf(config)
  })
  return new Map(masters.map((master) => [`spidernet.io/${master}-nic`, 1]))
}

function namesIn(text: string | undefined, defaultNamespace: string): string[] {
  if (text === undefined || text === '') return []
  const { selections } = readNetworks(text, { defaultNamespace })
  return selections.flatMap((one) => (one === undefined ? [] : [`${one.namespace}/${one.name}`]))
}

function mastersOf({ spec }: SpiderMultusConfig): readonly string[] {
  switch (spec.cniType) {
    case 'macvlan':
    case 'ipvlan':
    case 'vlan':
      return spec[spec.cniType]?.master ?? []
    case 'ipoib':
      return spec.ipoib?.master ? [spec.ipoib.master] : []
    default:
      return []
  }
}
