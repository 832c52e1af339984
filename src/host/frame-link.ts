/**
 * A link of a namespace as far as frames on it need it, once it carries.
 * @module
 */
import { setTimeout } from 'node:timers/promises'
import { type HardwareAddress, hardwareAddressFromBytes } from '#values/hardware-address.ts'
import type { IfName } from '#values/if-name.ts'
import { readMessages } from '#wire/netlink/message.ts'
import { ARP_TYPE, type FrameLink } from '#wire/neighbour/frame.ts'
import { LINK_MESSAGE, decodeLink, encodeGetLink } from '#wire/rtnetlink/link.ts'
import { routeOp } from './action.ts'
import { askProgram } from './netns-call.ts'
import { refusal } from './refusal.ts'

/** With its index in its namespace. */
export type CarryingLink = FrameLink & { readonly index: number }

/** Milliseconds between two looks: at first, and at most. */
const POLL = { firstMs: 10, mostMs: 80 } as const
const BROADCAST = 2 // IFLA_BROADCAST

/**
 * The link when it has a carrier, which is waited for; undefined when it gets
 * none in time, or is of a kind without addresses of its own.
 * @throws {Failure} `kernel-refused`: there is no such link
 */
export async function carryingLink(of: {
  readonly netns: number
  readonly link: IfName
  readonly waitMs: number
}): Promise<CarryingLink | undefined> {
  let waitedMs = 0
  for (let ms: number = POLL.firstMs; ; ms = Math.min(2 * ms, POLL.mostMs)) {
    const { carrier, frameLink } = await lookAt(of)
    if (frameLink === undefined) return undefined
    if (carrier) return frameLink
    if (waitedMs >= of.waitMs) return undefined
    await setTimeout(ms)
    waitedMs += ms
  }
}

async function lookAt(of: {
  readonly netns: number
  readonly link: IfName
}): Promise<{ carrier: boolean; frameLink: CarryingLink | undefined }> {
  const [result] = await askProgram([routeOp(of.netns, encodeGetLink({ name: of.link }))])
  const message =
    result === undefined || result.status < 0
      ? undefined
      : readMessages(result.data).find(({ type }) => type === LINK_MESSAGE.new)
  if (message === undefined) {
    const failed = result ?? { status: -1, data: new Uint8Array(0) }
    throw refusal(failed, { step: 'find link', of: of.link })
  }
  const { index, carrier, arpType, address, rest } = decodeLink(message.payload)
  const data = rest.find(({ type }) => type === BROADCAST)?.data
  const broadcast: HardwareAddress | undefined = data?.length
    ? hardwareAddressFromBytes(data)
    : undefined
  const isKnown = arpType === ARP_TYPE.ethernet || arpType === ARP_TYPE.infiniband
  if (!isKnown || address === undefined || broadcast === undefined) {
    return { carrier, frameLink: undefined }
  }
  return { carrier, frameLink: { index, arpType, address, broadcast } }
}
