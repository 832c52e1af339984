/**
 * CNI result: what ADD answers, as one value for all versions of the
 * specification. `encode` and `decode` for each version are in `result-json.ts`.
 *
 * Spec: CNI 1.1.0, section 5.
 * @module
 */
import type { HardwareAddress } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import type { Cidr } from '#values/cidr.ts'
import type { Ip } from '#values/ip.ts'

/** Versions we speak, oldest first. */
export const CNI_VERSIONS = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const
export type CniVersion = (typeof CNI_VERSIONS)[number]

export type CniInterface = {
  readonly name: IfName
  /** Undefined until it is known (the kernel makes it). 6 bytes, or 20 on IPoIB. */
  readonly mac: HardwareAddress | undefined
  /** Bytes. */
  readonly mtu: number | undefined
  /** CNI_NETNS as given; undefined for an interface of the host. */
  readonly sandbox: string | undefined
  /** Fields of later versions and other vendors: kept. */
  readonly rest: Readonly<Record<string, unknown>>
}

export type CniIp = {
  readonly address: Cidr
  readonly gateway: Ip | undefined
  /** Index into `interfaces`. */
  readonly interface: number | undefined
}

export type CniRoute = {
  readonly dst: Cidr
  readonly gw: Ip | undefined
  readonly mtu: number | undefined
  readonly advmss: number | undefined
  readonly priority: number | undefined
  readonly table: number | undefined
  /** 0 global, 253 link, 254 host. */
  readonly scope: number | undefined
}

export type CniDns = {
  readonly nameservers: readonly string[]
  readonly domain: string | undefined
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** The result of an attachment, whatever version it is printed in. */
export type CniResult = {
  readonly interfaces: readonly CniInterface[]
  readonly ips: readonly CniIp[]
  readonly routes: readonly CniRoute[]
  readonly dns: CniDns
}

/** What an IPAM gives the main plugin of an attachment: a result without interfaces. */
export type Addressing = {
  readonly ips: readonly CniIp[]
  readonly routes: readonly CniRoute[]
  readonly dns: CniDns
}
