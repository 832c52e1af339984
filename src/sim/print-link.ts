/**
 * Links of a simulated host as `ip -d addr`, `ip -d link` and `rdma link` of
 * iproute2 6.1 print them, queue and offload counts left out.
 * @module
 */
import { guidOfAddress } from '#values/hardware-address.ts'
import { networkOf, type Cidr, cidrParts } from '#values/cidr.ts'
import { ipFromBits, ipToBits } from '#values/ip.ts'
import { formatPkey } from '#values/pkey.ts'
import { carrierOf, mtuOf } from './carrier.ts'
import { everyLink, isIpoibChild } from './find.ts'
import { scopeOf } from './addresses.ts'
import type { SimAddress, SimHost, SimLink, SimNetns } from './host.ts'

const FOREVER = '       valid_lft forever preferred_lft forever'
const WORD: Readonly<Record<number, string>> = { 1: 'ether', 32: 'infiniband', 772: 'loopback' }
const LOOPBACK = 772
const INFINIBAND = 32
/** QPN 0xffffff and the IPv4 broadcast group of scope 2; the P_Key follows. */
const IPOIB_BROADCAST = '00:ff:ff:ff:ff:12:40:1b'

/** `ip -d addr`: every link with its addresses. */
export function printAddresses(host: SimHost, netns: SimNetns): string {
  return netns.links
    .map(
      (link) => printLink(host, link) + link.addresses.map((a) => addressLines(link, a)).join(''),
    )
    .join('')
}

/** `ip -d link show NAME`. */
export function printLink(host: SimHost, link: SimLink): string {
  const { index, group, alias, txQueueLength } = link
  const qdisc = link.up
    ? link.below === undefined && link.arpType !== LOOPBACK
      ? 'mq'
      : 'noqueue'
    : 'noop'
  const lines = [
    `${index}: ${printedName(link)}: <${flagsOf(host, link).join(',')}> mtu ${mtuOf(host, link)}` +
      ` qdisc ${qdisc}${link.master === undefined ? '' : ` master ${link.master.name}`}` +
      ` state ${stateWord(host, link)} group ${group === 0 ? 'default' : group}` +
      ` qlen ${txQueueLength}`,
    `    link/${WORD[link.arpType] ?? 'none'} ${link.address ?? ''} brd ${broadcastAddress(link)}`,
  ]
  const kind = kindWords(link)
  if (kind !== undefined) lines.push(`    ${kind}`)
  if (alias !== undefined) lines.push(`    alias ${alias}`)
  lines.push(...link.altNames.map((name) => `    altname ${name}`))
  return `${lines.join('\n')}\n`
}

const STACKED: readonly string[] = ['veth', 'macvlan', 'ipvlan', 'vlan']

/** Name of the link, with what it hangs on where that is in the same namespace: `c1@ib0`. */
function printedName(link: SimLink): string {
  const { below, kind } = link
  if (below === undefined || !(isIpoibChild(link) || STACKED.includes(kind.kind))) {
    return link.name
  }
  return `${link.name}@${below.netns === link.netns ? below.name : `if${below.index}`}`
}

function flagsOf(host: SimHost, link: SimLink): string[] {
  const carrier = carrierOf(host, link)
  return [
    ...(link.up && !carrier ? ['NO-CARRIER'] : []),
    ...(link.arpType === LOOPBACK ? ['LOOPBACK'] : ['BROADCAST', 'MULTICAST']),
    ...(link.promiscuous ? ['PROMISC'] : []),
    ...(link.allMulticast ? ['ALLMULTI'] : []),
    ...(link.master?.kind.kind === 'bond' ? ['SLAVE'] : []),
    ...(link.up ? ['UP'] : []),
    ...(carrier ? ['LOWER_UP'] : []),
  ]
}

function stateWord(host: SimHost, link: SimLink): string {
  if (!link.up) return 'DOWN'
  if (link.arpType === LOOPBACK) return 'UNKNOWN'
  if (carrierOf(host, link)) return 'UP'
  return link.below === undefined ? 'DOWN' : 'LOWERLAYERDOWN'
}

function broadcastAddress({ arpType, kind, address }: SimLink): string {
  if (arpType === LOOPBACK) return '00:00:00:00:00:00'
  if (arpType !== INFINIBAND || kind.kind !== 'ipoib') return 'ff:ff:ff:ff:ff:ff'
  const [high, low] = [kind.pkey >>> 8, kind.pkey & 255].map((b) => b.toString(16).padStart(2, '0'))
  return address === undefined
    ? ''
    : `${IPOIB_BROADCAST}:${high}:${low}:00:00:00:00:00:00:ff:ff:ff:ff`
}

function kindWords({ kind }: SimLink): string | undefined {
  switch (kind.kind) {
    case 'ipoib':
      return (
        `ipoib pkey  ${formatPkey(kind.pkey)} mode  ${kind.mode}` +
        ` umcast  ${kind.umcast ? '0001' : '0000'}`
      )
    case 'macvlan':
    case 'bond':
      return `${kind.kind} mode ${kind.mode}`
    case 'ipvlan':
      return `ipvlan  mode ${kind.mode} bridge`
    case 'vlan':
      return `vlan protocol 802.1Q id ${kind.id} <REORDER_HDR>`
    case 'other':
      return kind.name
    case 'physical':
      return undefined
    default:
      return kind.kind
  }
}

function addressLines(link: SimLink, { cidr, duplicate }: SimAddress): string {
  const { prefix, family } = cidrParts(cidr)
  const label = family === 4 ? ` ${link.name}` : ''
  const wide = family === 4 && prefix < 31 && link.arpType !== LOOPBACK
  const brd = wide ? ` brd ${broadcastOf(cidr)}` : ''
  const flags = duplicate ? ' dadfailed tentative' : ''
  const word = family === 4 ? 'inet' : 'inet6'
  return `    ${word} ${cidr}${brd} scope ${scopeOf(cidr)}${label}${flags}\n${FOREVER}\n`
}

/** Last address of an IPv4 network. */
export function broadcastOf(cidr: Cidr): string {
  const { ip, prefix } = cidrParts(networkOf(cidr))
  return ipFromBits(4, ipToBits(ip) | ((1n << BigInt(32 - prefix)) - 1n))
}

/** `rdma link`: port 1 of every device, or of those in the namespace of that name. */
export function printRdmaLinks(host: SimHost, netns?: string): string {
  const shown = [...host.rdma.devices.entries()].filter(
    ([, device]) => netns === undefined || host.rdma.mode === 'shared' || device.netns === netns,
  )
  return shown
    .map(([place, { name, pci }]) => {
      const port = everyLink(host).find((link) => pci !== undefined && link.pci === pci)
      const live = port?.wire === undefined || !host.cut.has(port.wire)
      const state = live
        ? 'state ACTIVE physical_state LINK_UP'
        : 'state DOWN physical_state POLLING'
      if (port !== undefined && port.arpType !== INFINIBAND) {
        return `link ${name}/1 ${state} netdev ${port.name}\n`
      }
      const lids = `lid ${place + 1} sm_lid 1 lmc 0`
      return `link ${name}/1 subnet_prefix ${prefixOf(port)} ${lids} ${state}\n`
    })
    .join('')
}

/** Upper half of the port's GID. */
function prefixOf(port: SimLink | undefined): string {
  const usual = 'fe80:0000:0000:0000'
  if (port?.address === undefined || guidOfAddress(port.address) === undefined) return usual
  const bytes = port.address.split(':').slice(4, 12).join('')
  return (bytes.match(/.{4}/g) ?? []).join(':')
}
