/**
 * CHECK of a main plugin: the link, its addresses and its routes against
 * prevResult. Routes may be in any table: a later plugin may have moved them.
 *
 * Spec: CNI 1.1.0, section 4 (CHECK).
 * @module
 */
import type { Failure } from '#values/failure.ts'
import { bitsOf } from '#values/ip.ts'
import { cidrParts, networkOf } from '#values/cidr.ts'
import type { Link } from '#values/link.ts'
import type { LinkAddress, Route } from '#values/route.ts'
import type { KernelQuestions } from '#needs/kernel.ts'
import type { CniInterface, CniIp, CniResult } from '#wire/cni/result.ts'
import { fail } from './failures.ts'
import { kindName } from './main-link.ts'
import type { PluginRequest } from './plugin.ts'

export type CheckNeeds = Pick<KernelQuestions, 'link' | 'addresses' | 'routes'>

/** A setting of the link, as it is and as it should be; equal ones are fine. */
export type Setting = {
  readonly setting: string
  readonly found: unknown
  readonly wanted: unknown
}

/** What the plugin knows of its own link. */
export type LinkClaims = {
  readonly kind: string
  /** The MTU is what it was made with; false where the kernel may change it. */
  readonly keepsMtu: boolean
  /** Settings beyond name, kind, state, address and MTU. */
  settings(link: Link): readonly Setting[]
}

/** Every difference between the pod and prevResult, as far as the main plugin made it. */
export async function checkMain(
  { netns, ifName, prevResult }: PluginRequest<unknown>,
  needs: CheckNeeds,
  claims: LinkClaims,
): Promise<Failure[]> {
  if (prevResult === undefined) return [fail('plugin-prev-result-missing')]
  const named = prevResult.interfaces.filter(({ name, sandbox }) => name === ifName && sandbox)
  const told = named.find(({ sandbox }) => sandbox === netns) ?? named[0]
  if (told === undefined) {
    return [fail('check-interface-missing', { ifName, where: 'prevResult' })]
  }
  const sandbox = told.sandbox ?? ''
  if (sandbox !== netns) return [fail('check-sandbox-differs', { sandbox, netns })]
  const [link, addresses, routes] = await Promise.all([
    needs.link(netns, ifName),
    needs.addresses(netns),
    needs.routes(netns),
  ])
  if (link === undefined) return [fail('check-interface-missing', { ifName, where: netns })]
  const ips = ownIps(prevResult, told)
  return [
    ...checkLink(link, told, claims),
    ...checkAddresses(link, ips, addresses),
    ...checkRoutes({ link, ips, prevResult, routes, where: netns }),
  ]
}

function ownIps({ ips, interfaces }: CniResult, told: CniInterface): CniIp[] {
  return ips.filter((ip) => ip.interface === undefined || interfaces[ip.interface] === told)
}

function checkLink(link: Link, told: CniInterface, claims: LinkClaims): Failure[] {
  const ifName = link.name
  if (kindName(link) !== claims.kind) {
    return [fail('check-interface-kind', { ifName, kind: claims.kind, more: kindName(link) })]
  }
  const settings: Setting[] = [
    { setting: 'state', found: link.up ? 'up' : 'down', wanted: 'up' },
    { setting: 'address', found: link.address, wanted: told.mac },
    { setting: 'MTU', found: link.mtu, wanted: claims.keepsMtu ? told.mtu : undefined },
    ...claims.settings(link),
  ]
  return settings
    .filter(({ found, wanted }) => wanted !== undefined && found !== wanted)
    .map((setting) => fail('check-setting-differs', { ifName, ...setting }))
}

function checkAddresses(
  { name: ifName }: Link,
  ips: readonly CniIp[],
  addresses: readonly LinkAddress[],
): Failure[] {
  return ips.flatMap(({ address }) => {
    const found = addresses.find(({ link, cidr }) => link === ifName && cidr === address)
    if (found === undefined) return [fail('check-address-missing', { ifName, address })]
    return found.duplicate ? [fail('check-address-duplicate', { ifName, address })] : []
  })
}

/** A default route is found by its family alone: whose gateway it is, another plugin may decide. */
function checkRoutes(of: {
  link: Link
  ips: readonly CniIp[]
  prevResult: CniResult
  routes: readonly Route[]
  where: string
}): Failure[] {
  const { link, ips, prevResult, routes, where } = of
  const connected = ips
    .map(({ address }) => address)
    .filter((cidr) => {
      const { prefix, family } = cidrParts(cidr)
      return prefix < bitsOf(family)
    })
  const prefixes = connected
    .map(networkOf)
    .filter((dst) => !routes.some((route) => route.dst === dst && route.dev === link.name))
  const wanted = prevResult.routes.filter(({ dst, gw }) => {
    const isDefault = cidrParts(dst).prefix === 0
    return !routes.some(
      (route) =>
        route.dst === networkOf(dst) && (gw === undefined || isDefault || route.via === gw),
    )
  })
  return [...prefixes, ...wanted.map(({ dst }) => dst)].map((dst) =>
    fail('check-route-missing', { dst, where }),
  )
}
