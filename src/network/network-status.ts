/**
 * Annotation `network-status` of a pod: what its interfaces became.
 *
 * Spec: Kubernetes Network Custom Resource Definition De-facto Standard 1.3,
 * section 5.2. Elements are printed as Multus prints them: four blanks, keys in
 * this order, elements joined by a comma without a break.
 * @module
 */
import { cidrParts } from '#values/cidr.ts'
import type { Ip } from '#values/ip.ts'
import type { CniInterface, CniIp, CniResult } from '#wire/cni/result.ts'

/** One attachment that was made. */
export type MadeAttachment = {
  /** `namespace/name` of the NAD, or the name of the network. */
  readonly network: string
  readonly isDefault: boolean
  readonly result: CniResult
  /** Content of the CNI device information file; undefined when there is none. */
  readonly deviceInfo: Readonly<Record<string, unknown>> | undefined
}

/** Text of the annotation. `made` is in the order of the attachments, the default network first. */
export function networkStatusOf(made: readonly MadeAttachment[]): string {
  const elements = made.flatMap(statusesOf).map((status) => JSON.stringify(status, undefined, 4))
  return `[${elements.join(',')}]`
}

type Status = Readonly<Record<string, unknown>>
type Inside = { readonly index: number; readonly link: CniInterface }

function statusesOf(one: MadeAttachment): Status[] {
  const { interfaces, ips } = one.result
  const inside = interfaces.flatMap((link, index) => (link.sandbox ? [{ index, link }] : []))
  if (inside.length < 2) return [statusOf(one, inside[0]?.link, ips, true)]
  const main = mainOf(inside, ips)
  return inside.map((at, place) => {
    const last = place === inside.length - 1
    const own = ips.filter(
      (ip) => ip.interface === at.index || (last && ip.interface === undefined),
    )
    return statusOf(one, at.link, own, at === main)
  })
}

/** The interface that has a gateway, else the first. */
function mainOf(inside: readonly Inside[], ips: readonly CniIp[]): Inside | undefined {
  const gated = ips.find(({ gateway }) => gateway !== undefined)?.interface
  return inside.find(({ index }) => index === gated) ?? inside[0]
}

function statusOf(
  { network, isDefault, result, deviceInfo }: MadeAttachment,
  link: CniInterface | undefined,
  ips: readonly CniIp[],
  main: boolean,
): Status {
  const gateways = main ? gatewaysOf(result) : []
  return {
    name: network,
    ...(link === undefined ? {} : { interface: link.name }),
    ...(ips.length === 0 ? {} : { ips: ips.map(({ address }) => cidrParts(address).ip) }),
    ...(link?.mac === undefined ? {} : { mac: link.mac }),
    ...(link?.mtu === undefined ? {} : { mtu: link.mtu }),
    ...(isDefault && main ? { default: true } : {}),
    dns: dnsOf(result),
    ...(deviceInfo === undefined ? {} : { 'device-info': deviceInfo }),
    ...(gateways.length === 0 ? {} : { gateway: gateways }),
  }
}

/** A default route without a gateway leads by that of the address of its IP version. */
function gatewaysOf({ routes, ips }: CniResult): Ip[] {
  return routes.flatMap(({ dst, gw }) => {
    const { prefix, family } = cidrParts(dst)
    if (prefix !== 0) return []
    const beside = ips.find(({ address }) => cidrParts(address).family === family)
    return gw ?? beside?.gateway ?? []
  })
}

function dnsOf({ dns }: CniResult): Status {
  const { nameservers, domain, search, options } = dns
  return {
    ...(nameservers.length === 0 ? {} : { nameservers }),
    ...(domain ? { domain } : {}),
    ...(search.length === 0 ? {} : { search }),
    ...(options.length === 0 ? {} : { options }),
  }
}
