/**
 * IPAM `static`: the addresses of the configuration, or those asked for.
 *
 * Spec: CNI plugins, static: CNI_ARGS are added, `args.cni.ips` and then
 * `runtimeConfig.ips` replace everything, with upstream's texts.
 * @module
 */
import { failureIn } from '#values/failure.ts'
import { rangeContains, rangeOfCidr } from '#values/ip-range.ts'
import { type Ip, familyOf, ipToBits, parseIp } from '#values/ip.ts'
import { cidrOf, cidrParts, parseCidr } from '#values/cidr.ts'
import { STATIC_PART, type StaticDocument } from '#schema/ipam-conf.ts'
import { parseCniArgs } from '#wire/cni/args.ts'
import { NO_DNS } from '#wire/cni/empty-result.ts'
import type { CniIp, CniRoute } from '#wire/cni/result.ts'
import { partReader, textsAt } from './conf-part.ts'
import { routesOfConf } from './conf-route.ts'
import { fail } from './failures.ts'
import type { Ipam } from './ipam.ts'

export type StaticConf = {
  readonly document: StaticDocument
  readonly routes: readonly CniRoute[]
  /** Addresses that replace all others: `runtimeConfig.ips`, else `args.cni.ips`. */
  readonly replaced: readonly string[]
}

export function staticIpam(): Ipam<StaticConf> {
  return {
    type: 'static',
    parse: parseConf,
    async reserve({ conf, cniVersion, args }) {
      const ips =
        conf.replaced.length > 0
          ? conf.replaced.map((text) =>
              ipOf(text, "an entry in the 'ips' field is NOT in CIDR notation, got"),
            )
          : [...addressesOf(conf.document), ...addressesOfArgs(args)]
      if (cniVersion === '0.1.0' || cniVersion === '0.2.0') checkOnePerFamily(ips, cniVersion)
      const { document, routes } = conf
      const dns = { ...NO_DNS, ...document.dns }
      const why = ips.map(({ address }) => `${address} from the configuration`)
      return { addressing: { ips, routes, dns }, held: [], why }
    },
    async release() {
      // nothing is held: the configuration is the only record
    },
    async check({ conf, addressing, owner }) {
      const there = new Set(addressing.ips.map(({ address }) => address))
      const lost = addressesOf(conf.document).filter(({ address }) => !there.has(address))
      if (conf.replaced.length > 0) return []
      return lost.map(({ address }) =>
        fail('address-not-held', {
          type: 'static',
          containerId: owner.containerId,
          more: address,
        }),
      )
    },
  }
}

const readPart = partReader(STATIC_PART)

function parseConf(raw: unknown): { conf: StaticConf; warnings: readonly string[] } {
  const { whole, value, warnings } = readPart(raw)
  const runtime = textsAt(whole, ['runtimeConfig', 'ips'])
  const cni = textsAt(whole, ['args', 'cni', 'ips'])
  const replaced = runtime.length > 0 ? runtime : cni
  return { conf: { document: value, routes: routesOfConf(value.routes ?? []), replaced }, warnings }
}

function addressesOf({ addresses = [] }: StaticDocument): CniIp[] {
  return addresses.map(({ address, gateway }) => ({
    ...ipOf(address, "the 'address' field is expected to be in CIDR notation, got", CONF_FIELD),
    gateway: gateway === undefined || gateway === '' ? undefined : gatewayOf(gateway, CONF_FIELD),
  }))
}

/** `IP=a/b,c/d` and `GATEWAY=x,y`, each gateway for the addresses whose network holds it. */
function addressesOfArgs(text: string): CniIp[] {
  const args = parseCniArgs(text)
  const list = (key: string): string[] =>
    (args.get(key) ?? '').split(',').filter((one) => one !== '')
  const gateways = list('GATEWAY').map((one) => gatewayOf(one))
  return list('IP').map((one) => {
    const ip = ipOf(one, "the 'ip' field is expected to be in CIDR notation, got")
    const whole = rangeOfCidr(ip.address)
    const gateway = gateways.find((gw) => {
      const bits = ipToBits(gw)
      return rangeContains(whole, { family: familyOf(gw), first: bits, last: bits })
    })
    return { ...ip, gateway }
  })
}

/** Where addresses stand that nobody asks for. */
const CONF_FIELD = 'ipam.addresses'

function ipOf(text: string, complaint: string, field?: string): CniIp {
  try {
    const { ip, prefix } = cidrParts(parseCidr(text.trim()))
    return { address: cidrOf(ip, prefix), gateway: undefined, interface: undefined }
  } catch (cause) {
    throw fail('address-requested-invalid', { reason: `${complaint}: '${text}'`, field }, cause)
  }
}

function gatewayOf(text: string, field?: string): Ip {
  try {
    return parseIp(text)
  } catch (cause) {
    const reason = `invalid gateway address: ${text}`
    const more = failureIn(cause)?.message
    throw fail('address-requested-invalid', { reason, more, field }, cause)
  }
}

function checkOnePerFamily(ips: readonly CniIp[], version: string): void {
  const families = ips.map(({ address }) => cidrParts(address).family)
  if (new Set(families).size !== families.length) throw fail('family-repeated', { version })
}
