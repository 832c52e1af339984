/**
 * SpiderEndpoint of a pod: what its interfaces have, one element an interface.
 * Pure.
 *
 * Spec: spiderpool.spidernet.io/v2beta1, kind SpiderEndpoint. It belongs to its
 * pod, but for pods of a StatefulSet or a virtual machine, which it outlives.
 * @module
 */
import type { Document } from '#needs/records.ts'
import { cidrOf, cidrParts } from '#values/cidr.ts'
import { SPIDER_API_VERSION } from '#schema/spider-ip-pool.ts'
import {
  ENDPOINT_KIND,
  type EndpointInterface,
  type SpiderEndpoint,
  readSpiderEndpoint,
} from '#schema/spider-endpoint.ts'
import type { Granted } from './allocator.ts'
import type { Application } from './application.ts'
import { FINALIZER } from './network-addresses.ts'
import { poolCidr } from './pool.ts'
import type { Addressing } from '#wire/cni/result.ts'

/** Whose endpoint it is. */
export type EndpointOf = {
  readonly pod: Document
  /** The pod's name, or that of its machine. */
  readonly name: string
  /** True for one that outlives its pod. */
  readonly stays: boolean
  readonly node: string
  readonly application: Application
}

/** The endpoint with one interface as it is now; others stay, unless they are another pod's. */
export function withInterface(
  before: Document | undefined,
  one: EndpointInterface,
  of: EndpointOf,
): SpiderEndpoint {
  const { pod, name, application, node } = of
  const { uid = '', namespace = 'default' } = pod.metadata
  const read = before === undefined ? undefined : readSpiderEndpoint(before)
  const current = read?.ok === true ? read.value.status.current : undefined
  const others = current?.uid === uid ? current.ips : []
  const ips = [...others.filter((other) => other.interface !== one.interface), one]
  const owner = { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid }
  const known = read?.ok === true ? read.value.metadata : { name, namespace }
  const { ownerReferences: _, ...metadata } = known
  return {
    apiVersion: SPIDER_API_VERSION,
    kind: ENDPOINT_KIND,
    metadata: {
      ...metadata,
      finalizers: [FINALIZER],
      ...(of.stays ? {} : { ownerReferences: [{ ...owner, controller: true }] }),
    },
    status: {
      current: { uid, node, ips },
      ownerControllerType: application.kind,
      ownerControllerName: application.name,
    },
  }
}

/** Without one interface; undefined when that was the last, or another pod has the name by now. */
export function withoutInterface(
  before: Document,
  of: { readonly uid: string; readonly ifName: string },
): SpiderEndpoint | 'empty' | undefined {
  const read = readSpiderEndpoint(before)
  if (!read.ok) return undefined
  const { status, ...rest } = read.value
  if (status.current.uid !== of.uid) return undefined
  const ips = status.current.ips.filter((one) => one.interface !== of.ifName)
  if (ips.length === status.current.ips.length) return undefined
  if (ips.length === 0) return 'empty'
  return { ...rest, status: { ...status, current: { ...status.current, ips } } }
}

/** What was granted to an interface. */
export function interfaceOf(
  ifName: string,
  granted: readonly Granted[],
  { routes, cleanGateway }: { routes: Addressing['routes']; cleanGateway: boolean },
): EndpointInterface {
  const of = (family: 4 | 6) => {
    const one = granted.find(({ pool }) => pool.spec.ipVersion === family)
    if (one === undefined) return {}
    const { pool, ip } = one
    const { gateway = '' } = pool.spec
    return {
      [`ipv${family}`]: cidrOf(ip, cidrParts(poolCidr(pool)).prefix),
      [`ipv${family}Pool`]: pool.metadata.name,
      ...(gateway === '' ? {} : { [`ipv${family}Gateway`]: gateway }),
    }
  }
  const special = routes
    .filter(({ dst }) => cidrParts(dst).prefix > 0)
    .flatMap(({ dst, gw }) => (gw === undefined ? [] : [{ dst, gw }]))
  return {
    interface: ifName,
    ...of(4),
    ...of(6),
    vlan: 0,
    cleanGateway,
    ...(special.length === 0 ? {} : { routes: special }),
  }
}
