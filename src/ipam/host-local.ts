/**
 * IPAM `host-local`: addresses as files, in upstream's own layout, so that
 * both programs can share a network: `<dataDir>/<network>/<address>` holds
 * `<container>\r\n<interface>` and is created exclusively.
 *
 * Spec: CNI plugins, host-local. Better than upstream on purpose: the same
 * container and interface get the same address again, where upstream says
 * `duplicate allocation`.
 * @module
 */
import type { Files } from '#needs/files.ts'
import { type Family, type Ip, familyOf, ipFromBits, ipToBits, parseIp } from '#values/ip.ts'
import { cidrOf, cidrParts, parseCidr } from '#values/cidr.ts'
import type { Owner } from '#values/owner.ts'
import { type HostLocalDocument, type RangeDocument, readHostLocal } from '#schema/ipam-conf.ts'
import { isJsonObject, lookUp } from '#wire/cni/conf.ts'
import type { Addressing, CniDns, CniIp } from '#wire/cni/result.ts'
import { routesOfConf } from './conf-route.ts'
import { fail } from './failures.ts'
import type { Held, Ipam, IpamRequest, Reservation } from './ipam.ts'
import { type RangeSet, formatRangeSet, rangeSetsOf, rangeWith } from './range-set.ts'
import { dnsOfResolvConf } from './resolv-conf.ts'

export type HostLocalConf = {
  readonly document: HostLocalDocument
  readonly sets: readonly RangeSet[]
  /** Name of the network: a folder below `dataDir`. */
  readonly network: string
}
type Given = { readonly ip: CniIp; readonly held: Held; readonly fresh: boolean }
type Folder = { readonly path: string; readonly files: Files }

export function hostLocalIpam({ files }: { readonly files: Files }): Ipam<HostLocalConf> {
  const folderOf = ({ document, network }: HostLocalConf): Folder => {
    return { path: `${document.dataDir}/${network}`, files }
  }
  return {
    type: 'host-local',
    parse: parseConf,
    reserve(request) {
      const folder = folderOf(request.conf)
      return files.locked(`${folder.path}/lock`, () => reserve(request, folder))
    },
    async release({ conf, owner, held }) {
      if (held !== undefined) {
        for (const one of held) if (one.held === 'file') await files.remove(one.path)
        return
      }
      if (conf === undefined) return
      const folder = folderOf(conf)
      for (const ip of await heldBy(owner, folder)) await files.remove(`${folder.path}/${ip}`)
    },
    async check({ conf, owner, addressing }) {
      const mine = new Set(await heldBy(owner, folderOf(conf)))
      const lost = addressing.ips.filter(({ address }) => !mine.has(cidrParts(address).ip))
      return lost.map(({ address }) =>
        fail('address-not-held', {
          type: 'host-local',
          address,
          containerId: owner.containerId,
        }),
      )
    },
  }
}

function parseConf(raw: unknown): { conf: HostLocalConf; warnings: readonly string[] } {
  const whole = isJsonObject(raw) ? raw : {}
  const part = lookUp(whole, 'ipam')
  if (part === undefined) throw fail('ipam-conf-missing')
  const { read, warnings } = readHostLocal(part)
  if (!read.ok) {
    const [first] = read.faults
    throw fail('ipam-conf-invalid', { field: first?.field, reason: first?.message })
  }
  const sets = rangeSetsOf(read.value, rangesOfRuntime(whole))
  return {
    conf: { document: read.value, sets, network: String(lookUp(whole, 'name') ?? '') },
    warnings,
  }
}

/** `runtimeConfig.ipRanges`, which stand before the configuration's own. */
function rangesOfRuntime(whole: Readonly<Record<string, unknown>>): RangeDocument[][] {
  const runtime = lookUp(whole, 'runtimeConfig')
  const ranges = isJsonObject(runtime) ? lookUp(runtime, 'ipRanges') : undefined
  if (ranges === undefined) return []
  const { read } = readHostLocal({ type: 'host-local', ranges })
  if (read.ok) return read.value.ranges ?? []
  throw fail('ipam-conf-invalid', {
    field: 'runtimeConfig.ipRanges',
    reason: read.faults[0]?.message,
  })
}

async function reserve(
  { conf, owner, cniVersion, requested }: IpamRequest<HostLocalConf>,
  folder: Folder,
): Promise<Reservation> {
  if (cniVersion === '0.1.0' || cniVersion === '0.2.0') checkOnePerFamily(conf, cniVersion)
  const left = new Map(requested.map((text) => [requestedIp(text), text]))
  const mine = await heldBy(owner, folder)
  const given: Given[] = []
  try {
    for (const [index, set] of conf.sets.entries()) {
      given.push(await fromSet(set, { index, left, mine, owner, folder }))
    }
    if (left.size > 0) {
      throw fail('addresses-left-over', { addresses: [...left.keys()].join(' ') })
    }
  } catch (cause) {
    // all or nothing; what an earlier ADD got stays with it
    for (const { held, fresh } of given) {
      if (fresh && held.held === 'file') await folder.files.remove(held.path)
    }
    throw cause
  }
  const addressing: Addressing = {
    ips: given.map(({ ip }) => ip),
    routes: routesOfConf(conf.document.routes ?? []),
    dns: await dnsOf(conf.document, folder.files),
  }
  const why = given.map(({ ip }) => `${ip.address} from host-local network ${conf.network}`)
  return { addressing, held: given.map(({ held }) => held), why }
}

type Choosing = {
  readonly index: number
  /** Addresses asked for that no set has given yet. */
  readonly left: Map<Ip, string>
  readonly mine: readonly Ip[]
  readonly owner: Owner
  readonly folder: Folder
}

async function fromSet(set: RangeSet, choosing: Choosing): Promise<Given> {
  const { index, left, mine, folder } = choosing
  const asked = [...left.keys()].find((ip) => rangeWith(set, ip) !== undefined)
  const again = mine.find((ip) => rangeWith(set, ip) !== undefined && (asked ?? ip) === ip)
  if (again !== undefined) {
    left.delete(again)
    return givenOf(again, set, { folder, fresh: false })
  }
  if (asked !== undefined) {
    left.delete(asked)
    return take(asked, set, choosing)
  }
  const last = await folder.files.read(`${folder.path}/last_reserved_ip.${index}`)
  for (const ip of inTurn(set, last)) {
    if (!(await claim(ip, choosing))) continue
    await folder.files.replace(`${folder.path}/last_reserved_ip.${index}`, ip)
    return givenOf(ip, set, { folder, fresh: true })
  }
  throw fail('range-set-exhausted', { index, ranges: formatRangeSet(set) })
}

async function take(ip: Ip, set: RangeSet, choosing: Choosing): Promise<Given> {
  if (rangeWith(set, ip)?.gateway === ip) throw fail('address-is-gateway', { address: ip })
  if (await claim(ip, choosing)) return givenOf(ip, set, { folder: choosing.folder, fresh: true })
  throw fail('address-not-available', { address: ip, ranges: formatRangeSet(set) })
}

function claim(ip: Ip, { owner, folder }: Choosing): Promise<boolean> {
  return folder.files.createExclusive(
    `${folder.path}/${ip}`,
    `${owner.containerId}\r\n${owner.ifName}`,
  )
}

/** Every address once, from the one after `last` on, round; the gateways left out. */
function* inTurn(set: RangeSet, last: string | undefined): Generator<Ip> {
  const at = last === undefined || last === '' ? undefined : ipOr(last.trim())
  const start = at === undefined ? -1 : set.findIndex((one) => rangeWith([one], at) !== undefined)
  const order = start < 0 ? set : [...set.slice(start), ...set.slice(0, start + 1)]
  for (const [i, { range, gateway }] of order.entries()) {
    const from = i === 0 && start >= 0 && at !== undefined ? ipToBits(at) + 1n : range.first
    const to =
      i > 0 && i === order.length - 1 && start >= 0 && at !== undefined ? ipToBits(at) : range.last
    for (let bits = from; bits <= to; bits++) {
      const ip = ipFromBits(range.family, bits)
      if (ip !== gateway) yield ip
    }
  }
}

function givenOf(ip: Ip, set: RangeSet, of: { folder: Folder; fresh: boolean }): Given {
  const range = rangeWith(set, ip)
  const prefix = range === undefined ? 0 : cidrParts(range.subnet).prefix
  return {
    ip: { address: cidrOf(ip, prefix), gateway: range?.gateway, interface: undefined },
    held: { held: 'file', path: `${of.folder.path}/${ip}` },
    fresh: of.fresh,
  }
}

/** Addresses whose file names this container and interface. */
async function heldBy({ containerId, ifName }: Owner, { path, files }: Folder): Promise<Ip[]> {
  const names = (await files.list(path)).filter((name) => ipOr(name) !== undefined)
  const texts = await Promise.all(names.map((name) => files.read(`${path}/${name}`)))
  return names.flatMap((name, i) => {
    const [container, link] = (texts[i] ?? '').split(/\r?\n/)
    const ip = ipOr(name)
    const isMine =
      container?.trim() === containerId && (link === undefined || link.trim() === ifName)
    return isMine && ip !== undefined ? [ip] : []
  })
}

function checkOnePerFamily({ sets }: HostLocalConf, version: string): void {
  const families = sets.map((set): Family => set[0]?.range.family ?? 4)
  if (new Set(families).size !== families.length) throw fail('family-repeated', { version })
}

function requestedIp(text: string): Ip {
  try {
    return text.includes('/') ? cidrParts(parseCidr(text)).ip : parseIp(text)
  } catch (cause) {
    throw fail(
      'address-requested-invalid',
      { reason: `failed to parse IP address "${text}"` },
      cause,
    )
  }
}

function ipOr(text: string): Ip | undefined {
  if (!/^[0-9a-f.:]+$/i.test(text)) return undefined
  try {
    const ip = parseIp(text)
    return familyOf(ip) === 4 || text.includes(':') ? ip : undefined
  } catch {
    return undefined
  }
}

async function dnsOf({ resolvConf }: HostLocalDocument, files: Files): Promise<CniDns> {
  const text = resolvConf === undefined ? undefined : await files.read(resolvConf)
  return dnsOfResolvConf(text ?? '')
}
