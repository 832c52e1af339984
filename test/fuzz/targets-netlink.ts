/**
 * Targets: what comes from the kernel by netlink, begun from captured replies.
 * @module
 */
import { deepEqual } from 'node:assert/strict'
import { bytesOfHex, readReplies } from '#test/captures/iproute2.ts'
import { readAttributes, writeAttributes } from '#wire/netlink/attribute.ts'
import { decodeAnswer, encodeMessage, readMessages } from '#wire/netlink/message.ts'
import { decodeTableNames } from '#wire/nftables/table.ts'
import { decodeRdmaDevice } from '#wire/rdma/device.ts'
import { decodeRdmaPort } from '#wire/rdma/port.ts'
import { decodeNetnsMode } from '#wire/rdma/system.ts'
import { decodeAddress } from '#wire/rtnetlink/address.ts'
import { decodeLink } from '#wire/rtnetlink/link.ts'
import { decodeNeighbour } from '#wire/rtnetlink/neighbour.ts'
import { decodeRoute } from '#wire/rtnetlink/route.ts'
import { decodeRule } from '#wire/rtnetlink/rule.ts'
import { decodeVfs } from '#wire/rtnetlink/vf.ts'
import { bytesOf } from './engine.ts'
import { must, type Target } from './target.ts'

const HEAD_BYTES = 16
const FILES = ['iproute2', 'iproute2-kinds', 'rdma'] as const

let replies: readonly Uint8Array[] | undefined

/** Every captured reply once. */
function captured(): readonly Uint8Array[] {
  replies ??= FILES.flatMap((name) =>
    readReplies(name).flatMap(({ received }) => received.map(bytesOfHex)),
  )
  return replies
}

/** Payloads of captured messages: what stands after their head. */
function payloads(): Uint8Array[] {
  return captured().flatMap((bytes) => readMessages(bytes).map(({ payload }) => payload))
}

function payloadTarget(name: string, decode: (payload: Uint8Array) => unknown): Target {
  return { name, form: 'bytes', seeds: payloads, run: (input) => void decode(bytesOf(input)) }
}

export const NETLINK_TARGETS: readonly Target[] = [
  {
    name: 'netlink-attributes',
    form: 'bytes',
    seeds: () => payloads().map((payload) => payload.subarray(HEAD_BYTES)),
    run(input) {
      const read = readAttributes(bytesOf(input))
      deepEqual(
        must('what was written reads', () => readAttributes(writeAttributes(read))),
        read,
      )
    },
  },
  {
    name: 'netlink-messages',
    form: 'bytes',
    seeds: captured,
    run(input) {
      for (const message of readMessages(bytesOf(input))) {
        const again = must('what was written reads', () =>
          readMessages(encodeMessage(message, message.sequence)),
        )
        deepEqual(again, [message])
        decodeAnswer(message)
      }
    },
  },
  payloadTarget('link', decodeLink),
  payloadTarget('address', decodeAddress),
  payloadTarget('route', decodeRoute),
  payloadTarget('rule', decodeRule),
  payloadTarget('neighbour', decodeNeighbour),
  payloadTarget('vfs', (payload) => decodeVfs(payload, payload.length % 2 === 0 ? 6 : 20)),
  payloadTarget('rdma-device', decodeRdmaDevice),
  payloadTarget('rdma-port', decodeRdmaPort),
  payloadTarget('rdma-system', decodeNetnsMode),
  payloadTarget('nftables-names', decodeTableNames),
]
