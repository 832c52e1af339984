/**
 * Asks the network for addresses before they are used: ARP and neighbour
 * discovery by packet sockets, the same on Ethernet and IPoIB. The kernel's own
 * duplicate detection takes a second and does not say who.
 *
 * Spec: RFC 5227, RFC 4861, RFC 4862; see `values/probe.ts` for tries and times.
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { type HardwareAddress, hardwareAddressFromBytes } from '#values/hardware-address.ts'
import { type Ip, familyOf } from '#values/ip.ts'
import { fail } from '#values/failures.ts'
import { type Probe, type ProbeStep, PROBING } from '#values/probe.ts'
import { NO_IP, decodeArp, encodeArpRequest } from '#wire/neighbour/arp.ts'
import { ARP_TYPE, ETHER_TYPE, type FrameLink, payloadOf } from '#wire/neighbour/frame.ts'
import { decodeNdp, encodeSolicitation, linkLocalOf } from '#wire/neighbour/ndp.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { type CarryingLink, carryingLink } from './frame-link.ts'
import type { Namespaces } from './namespaces.ts'
import { PacketSocket } from './packet-socket.ts'

/** Milliseconds. An IPoIB link carries once it has joined its group. */
const CARRIER_MS = 1_000
const POLL_MS = 10

/** One address that somebody is asked for. */
type Question = { readonly ip: Ip; readonly senderIp: Ip }
/** Who answered, by address. */
type Answers = Map<Ip, HardwareAddress>

/** @throws {Failure} `ip-conflict`, `gateway-unreachable` */
export async function probe(step: ProbeStep, spaces: Namespaces): Promise<void> {
  const { link, probes } = step
  const netns = spaces.enter(step.where)
  const on = await carryingLink({ netns, link, waitMs: CARRIER_MS })
  const ask = (questions: readonly Question[], until: 'all' | 'one'): Promise<Answers> =>
    on === undefined ? Promise.resolve(new Map()) : askAll({ netns, link, on, questions, until })
  const wanted = probes.filter(({ conflict }) => conflict)
  const holders = await ask(
    wanted.map(({ ip }) => ({ ip, senderIp: NO_IP })),
    'one',
  )
  const about = ({ ip, pool = '-' }: Probe) => ({ address: ip, ifName: link, pool })
  for (const one of wanted) {
    const holder = holders.get(one.ip)
    if (holder !== undefined) throw fail('ip-conflict', { ...about(one), holder })
  }
  const behind = probes.flatMap((one) => {
    return one.gateway === undefined ? [] : [{ one, ip: one.gateway, senderIp: one.ip }]
  })
  const answered = await ask(behind, 'all')
  const missing = behind.find(({ ip }) => !answered.has(ip))
  if (missing === undefined) return
  throw fail('gateway-unreachable', { ...about(missing.one), gateway: missing.ip })
}

type Asking = {
  readonly netns: number
  readonly link: ProbeStep['link']
  readonly on: CarryingLink
  readonly questions: readonly Question[]
  /** `one`: the first answer decides; `all`: every question wants one. */
  readonly until: 'all' | 'one'
}

/** Asks until it is decided, as often and as long as is set. */
async function askAll({ netns, link, on, questions, until }: Asking): Promise<Answers> {
  const answers: Answers = new Map()
  const enough = (): boolean =>
    until === 'one' ? answers.size > 0 : questions.every(({ ip }) => answers.has(ip))
  const listen = async (etherType: number): Promise<PacketSocket> =>
    PacketSocket.open({ netns, link, index: on.index, etherType })
  const has = (family: 4 | 6): boolean => questions.some(({ ip }) => familyOf(ip) === family)
  await using arp = has(4) ? await listen(ETHER_TYPE.arp) : undefined
  await using ndp = has(6) ? await listen(ETHER_TYPE.ipv6) : undefined
  for (let tries = 0; tries < PROBING.tries && !enough(); tries++) {
    for (const { ip, senderIp } of questions.filter((one) => !answers.has(one.ip))) {
      if (familyOf(ip) === 4) await arp?.send(encodeArpRequest(on, { senderIp, targetIp: ip }))
      else if (ndp !== undefined) await solicit(ndp, on, ip)
    }
    for (let ms = 0; ms < PROBING.waitMs && !enough(); ms += POLL_MS) {
      await setTimeout(POLL_MS)
      for (const frame of (await arp?.receive()) ?? []) noteArp(frame, on, answers)
      for (const frame of (await ndp?.receive()) ?? []) noteNdp(frame, on, answers)
    }
  }
  return answers
}

/**
 * From nowhere, as whoever has no address yet; and from an address that can be
 * answered alone: an IPoIB child with user multicast does not hear what is said
 * to all nodes once another link of its port does.
 */
async function solicit(ndp: PacketSocket, on: FrameLink, target: Ip): Promise<void> {
  await ndp.send(encodeSolicitation(on, { target }))
  await ndp.send(encodeSolicitation(on, { target, source: linkLocalOf(on) }))
}

/** Whoever says that an address is its own, or asks from nowhere whether it may be. */
function noteArp(frame: Bytes, on: FrameLink, answers: Answers): void {
  const payload = payloadOf(frame, on.arpType)
  const found = payload === undefined ? undefined : decodeArp(payload, on)
  if (found === undefined || found.sender === on.address) return
  answers.set(found.senderIp === NO_IP ? found.targetIp : found.senderIp, found.sender)
}

function noteNdp(frame: Bytes, on: FrameLink, answers: Answers): void {
  const payload = payloadOf(frame, on.arpType)
  const found = payload === undefined ? undefined : decodeNdp(payload, on)
  if (found === undefined) return
  const isProbe = found.kind === 'solicitation' && found.source === '::'
  if (found.kind === 'solicitation' && !isProbe) return
  const sender = found.address ?? senderOf(frame, on)
  if (sender !== on.address) answers.set(found.target, sender)
}

/** Of a frame; on IPoIB nobody can tell, and the broadcast address stands for it. */
function senderOf(frame: Bytes, { arpType, broadcast }: FrameLink): HardwareAddress {
  const isEthernet = arpType === ARP_TYPE.ethernet
  return isEthernet ? hardwareAddressFromBytes(frame.subarray(6, 12)) : broadcast
}
