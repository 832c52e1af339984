/**
 * Tells the neighbours of a link whose its addresses are now. Nobody waits for
 * that: an IPoIB link carries a while after it is up, and a packet socket takes
 * the kernel 10 to 20 ms to close. What cannot be told is no failure: neighbours
 * find out by themselves, later.
 *
 * Spec: RFC 5227 section 2.3, RFC 4861 section 7.2.6.
 * @module
 */
import { familyOf } from '#values/ip.ts'
import type { AnnounceStep } from '#values/probe.ts'
import { encodeArpRequest } from '#wire/neighbour/arp.ts'
import { ETHER_TYPE, type FrameLink } from '#wire/neighbour/frame.ts'
import { encodeUnsolicited } from '#wire/neighbour/ndp.ts'
import type { Bytes } from '#wire/netlink/attribute.ts'
import { carryingLink } from './frame-link.ts'
import { limitOf } from './limit.ts'
import { type HostView, Namespaces } from './namespaces.ts'
import { PacketSocket } from './packet-socket.ts'

/** How long a carrier is waited for, in milliseconds. */
const CARRIER_MS = 5_000
/** Sockets at a time: each holds a thread of the pool while it is closed. */
const atATime = limitOf(4)

/** Begins to tell, and returns. */
export function announce(step: AnnounceStep, view: HostView): void {
  tell(step, view).catch(() => undefined)
}

async function tell({ where, link, ips }: AnnounceStep, view: HostView): Promise<void> {
  using spaces = new Namespaces(view)
  const netns = spaces.enter(where)
  const on = await carryingLink({ netns, link, waitMs: CARRIER_MS })
  if (on === undefined) return
  await atATime(async () => {
    await using socket = await PacketSocket.open({
      netns,
      link,
      index: on.index,
      etherType: ETHER_TYPE.arp,
    })
    for (const ip of ips) await socket.send(frameOf(on, ip))
  })
}

function frameOf(on: FrameLink, ip: AnnounceStep['ips'][number]): Bytes {
  if (familyOf(ip) === 6) return encodeUnsolicited(on, ip)
  return encodeArpRequest(on, { senderIp: ip, targetIp: ip })
}
