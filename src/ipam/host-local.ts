/**
 * IPAM `host-local`: addresses as files, in upstream's own layout, so that
 * both programs can share a network.
 *
 * Spec: CNI plugins, host-local. Better than upstream on purpose: the same
 * container and interface get the same address again, where upstream says
 * `duplicate allocation`; DEL needs no configuration.
 * @module
 */
import type { Files } from '#needs/files.ts'
import { cidrOf, cidrParts, parseCidr } from '#values/cidr.ts'
import { type Ip, ipFromBits, ipToBits, parseIp } from '#values/ip.ts'
import type { Owner } from '#values/owner.ts'
import { HOST_LOCAL_PART, type HostLocalDocument, readRanges } from '#schema/ipam-conf.ts'
import { type JsonObject, isJsonObject, lookUp } from '#wire/cni/conf.ts'
import type { CniDns, CniIp, CniRoute } from '#wire/cni/result.ts'
import { partReader } from './conf-part.ts'
import { routesOfConf } from './conf-route.ts'
import { fail } from './failures.ts'
import { HostLocalFolder } from './host-local-folder.ts'
import type { Held, Ipam, IpamRequest, Reservation } from './ipam.ts'
import { type RangeSet, formatRangeSet, rangeSetsOf, rangeWith } from './range-set.ts'
import { dnsOfResolvConf } from './resolv-conf.ts'

export type HostLocalConf = {
  readonly document: HostLocalDocument
  readonly sets: readonly RangeSet[]
  readonly routes: readonly CniRoute[]
  /** Name of the network: a folder below `dataDir`. */
  readonly network: string
}
type Given = { readonly ip: Ip; readonly set: RangeSet; readonly fresh: boolean }

export function hostLocalIpam({ files }: { readonly files: Files }): Ipam<HostLocalConf> {
  const folders = new Map<string, HostLocalFolder>()
  const folderAt = (path: string): HostLocalFolder => {
    const folder = folders.get(path) ?? new HostLocalFolder(path, files)
    folders.set(path, folder)
    return folder
  }
  const folderOf = ({ document, network }: HostLocalConf): HostLocalFolder =>
    folderAt(`${document.dataDir}/${network}`)
  return {
    type: 'host-local',
    parse: parseConf,
    async reserve(request) {
      checkVersion(request)
      const asked = request.requested.map(requestedIp)
      const dns = await dnsOf(request.conf.document, files)
      const folder = folderOf(request.conf)
      return folder.locked(async () => {
        await folder.sweep()
        return reserve(request, { folder, asked, dns })
      })
    },
    async release({ conf, owner, held, unused }) {
      for (const one of held?.toReversed() ?? []) {
        if (one.held !== 'file') continue
        const slash = one.path.lastIndexOf('/')
        const [folder, ip] = [folderAt(one.path.slice(0, slash)), one.path.slice(slash + 1)]
        await folder.release(ip, owner)
        if (unused) await folder.unsetLast(ip)
      }
      if (held !== undefined || conf === undefined) return
      const folder = folderOf(conf)
      const { mine } = await folder.look(owner)
      for (const ip of mine) await folder.release(ip, owner)
    },
    collect: (conf, isGone) => folderOf(conf).freeOf(isGone),
    async check({ conf, owner, addressing }) {
      const mine = new Set((await folderOf(conf).look(owner)).mine)
      const { containerId } = owner
      const lost = addressing.ips.filter(({ address }) => !mine.has(cidrParts(address).ip))
      return lost.map(({ address }) =>
        fail('address-not-held', { type: 'host-local', containerId, more: address }),
      )
    },
  }
}

const readPart = partReader(HOST_LOCAL_PART)

function parseConf(raw: unknown): { conf: HostLocalConf; warnings: readonly string[] } {
  const { whole, value: document, warnings } = readPart(raw)
  const network = lookUp(whole, 'name')
  if (typeof network !== 'string' || !/^[^/\0]+$/.test(network) || /^\.\.?$/.test(network)) {
    const reason = `${JSON.stringify(network)} cannot be the name of a folder`
    throw fail('ipam-conf-invalid', { field: 'name', reason })
  }
  const sets = rangeSetsOf(document, rangesOfRuntime(whole))
  const routes = routesOfConf(document.routes ?? [])
  return { conf: { document, sets, routes, network }, warnings }
}

/** `runtimeConfig.ipRanges`, which stand before the configuration's own. */
function rangesOfRuntime(whole: JsonObject) {
  const runtime = lookUp(whole, 'runtimeConfig')
  const ranges = isJsonObject(runtime) ? lookUp(runtime, 'ipRanges') : undefined
  if (ranges === undefined) return []
  const read = readRanges(ranges)
  if (read.ok) return read.value
  const [first] = read.faults
  throw fail('ipam-conf-invalid', { field: first?.field, reason: first?.message })
}

type Around = {
  readonly folder: HostLocalFolder
  readonly asked: readonly Ip[]
  readonly dns: CniDns
}

/** Only under the folder's lock. */
async function reserve(
  { conf, owner }: IpamRequest<HostLocalConf>,
  { folder, asked, dns }: Around,
): Promise<Reservation> {
  const left = new Set(asked)
  const { taken, mine } = await folder.look(owner)
  const given: Given[] = []
  try {
    for (const [index, set] of conf.sets.entries()) {
      given.push(await fromSet(set, { index, left, mine, taken, owner, folder }))
    }
    if (left.size > 0) throw fail('addresses-left-over', { addresses: [...left].join(' ') })
  } catch (cause) {
    // all or nothing; what an earlier ADD got stays with it
    for (const { ip, fresh } of given.toReversed()) {
      if (!fresh) continue
      await folder.release(ip, owner)
      await folder.unsetLast(ip)
    }
    throw cause
  }
  const ips = given.map(answerOf)
  const held = given.map(({ ip }): Held => ({ held: 'file', path: folder.pathOf(ip) }))
  const why = ips.map(({ address }) => `${address} from host-local network ${conf.network}`)
  return { addressing: { ips, routes: conf.routes, dns }, held, why }
}

type Choosing = {
  readonly index: number
  /** Addresses asked for that no set has given yet. */
  readonly left: Set<Ip>
  readonly mine: readonly Ip[]
  readonly taken: ReadonlySet<string>
  readonly owner: Owner
  readonly folder: HostLocalFolder
}

async function fromSet(set: RangeSet, choosing: Choosing): Promise<Given> {
  const { index, left, mine, taken, owner, folder } = choosing
  const asked = [...left].find((ip) => rangeWith(set, ip) !== undefined)
  const again = mine.find((ip) => rangeWith(set, ip) !== undefined && (asked ?? ip) === ip)
  if (asked !== undefined) left.delete(asked)
  if (again !== undefined) return { ip: again, set, fresh: false }
  if (asked !== undefined && rangeWith(set, asked)?.gateway === asked) {
    throw fail('address-is-gateway', { index, address: asked })
  }
  const choices = asked === undefined ? inTurn(set, await folder.last(index)) : [asked]
  for (const ip of choices) {
    if (taken.has(ip) || !(await folder.claim(ip, owner))) continue
    await folder.setLast(index, ip)
    return { ip, set, fresh: true }
  }
  const ranges = formatRangeSet(set)
  if (asked === undefined) throw fail('range-set-exhausted', { index, ranges })
  throw fail('address-not-available', { index, address: asked, ranges })
}

/** Every address once, from the one after `last` on, round; the gateways left out. */
function* inTurn(set: RangeSet, last: Ip | undefined): Generator<Ip> {
  const start = last === undefined ? -1 : set.findIndex((one) => rangeWith([one], last))
  const at = last === undefined || start < 0 ? undefined : ipToBits(last)
  const order = start < 0 ? set : [...set.slice(start), ...set.slice(0, start + 1)]
  for (const [i, { range, gateway }] of order.entries()) {
    const from = i === 0 && at !== undefined ? at + 1n : range.first
    const to = i > 0 && i === order.length - 1 && at !== undefined ? at : range.last
    for (let bits = from; bits <= to; bits++) {
      const ip = ipFromBits(range.family, bits)
      if (ip !== gateway) yield ip
    }
  }
}

function answerOf({ ip, set }: Given): CniIp {
  const range = rangeWith(set, ip)
  const prefix = range === undefined ? 0 : cidrParts(range.subnet).prefix
  return { address: cidrOf(ip, prefix), gateway: range?.gateway, interface: undefined }
}

function checkVersion({ conf: { sets }, cniVersion }: IpamRequest<HostLocalConf>): void {
  if (cniVersion !== '0.1.0' && cniVersion !== '0.2.0') return
  const families = sets.map((set) => set[0]?.range.family)
  const isRepeated = new Set(families).size !== families.length
  if (isRepeated) throw fail('family-repeated', { version: cniVersion })
}

function requestedIp(text: string): Ip {
  try {
    return text.includes('/') ? cidrParts(parseCidr(text)).ip : parseIp(text)
  } catch (cause) {
    const reason = `failed to parse IP address "${text}"`
    throw fail('address-requested-invalid', { reason }, cause)
  }
}

async function dnsOf({ resolvConf = '' }: HostLocalDocument, files: Files): Promise<CniDns> {
  return dnsOfResolvConf(resolvConf === '' ? '' : ((await files.read(resolvConf)) ?? ''))
}
