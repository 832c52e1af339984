import { deepEqual, equal, fail as assertFail, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '#values/failure.ts'
import { bytesOfHex, readCaptures, readReplies } from '#test/captures/iproute2.ts'
import { readAttributes, textOf, u32, u32Of, u64Of, writeAttributes } from './attribute.ts'
import { decodeAnswer, encodeMessage, readMessages } from './message.ts'
import { innerOf, nest, raw, text, u16, u16Of, u8, u8Of } from './payload.ts'

const REQUESTS = [
  'iproute2-link',
  'iproute2-address',
  'iproute2-route',
  'iproute2-neighbour',
  'iproute2-vf',
  'rdma',
]
const captured = REQUESTS.flatMap(readCaptures)
  .flatMap((capture) => capture.sent)
  .concat(['iproute2', 'rdma'].flatMap(readReplies).flatMap((reply) => reply.received))
  .map(bytesOfHex)

/** Bytes of the family's own header, by the two groups of message types that we know. */
const HEADS: Readonly<Record<number, number>> = {
  16: 16,
  17: 16,
  18: 16,
  108: 16,
  109: 16,
  20: 8,
  21: 8,
  22: 8,
  24: 12,
  25: 12,
  26: 12,
  28: 12,
  29: 12,
  30: 12,
  32: 12,
  33: 12,
  34: 12,
}
const headOf = (type: number): number | undefined =>
  HEADS[type] ?? (type >>> 10 === 5 ? 0 : undefined)

test('readMessages() and encodeMessage() give back every captured datagram', () => {
  for (const bytes of captured) {
    const messages = readMessages(bytes)
    const back = messages.map((message) => encodeMessage(message, message.sequence))
    const whole = new Uint8Array((bytes.length + 3) & ~3)
    let at = 0
    for (const [number, one] of back.entries()) {
      whole.set(one, at)
      // The port number is the kernel's to write: we send 0.
      whole.set(bytes.subarray(at + 12, at + 16), at + 12)
      at += one.length
      equal(messages[number]?.type, readMessages(one)[0]?.type)
    }
    deepEqual(whole, padded(bytes))
  }
})

test('readAttributes() and writeAttributes() give back the attributes of every message', () => {
  let seen = 0
  for (const message of captured.flatMap(readMessages)) {
    const head = headOf(message.type)
    if (head === undefined) continue
    const attributes = message.payload.subarray(head)
    deepEqual(writeAttributes(readAttributes(attributes)), padded(attributes))
    seen++
  }
  equal(seen > 500, true)
})

test('readMessages() of a cut datagram throws netlink-truncated or gives fewer whole ones', () => {
  const longest = captured.toSorted((a, b) => b.length - a.length).slice(0, 3)
  for (const bytes of [...longest, ...captured.slice(0, 40)]) {
    for (let length = 0; length < bytes.length; length++) {
      onlyTruncated(() => {
        const messages = readMessages(bytes.subarray(0, length))
        equal(messages.length < readMessages(bytes).length, true)
      })
    }
  }
})

test('readAttributes() of cut attributes throws netlink-truncated or gives fewer', () => {
  for (const message of captured.flatMap(readMessages)) {
    const attributes = message.payload.subarray(headOf(message.type) ?? message.payload.length)
    for (let length = 0; length < attributes.length; length++) {
      onlyTruncated(() => readAttributes(attributes.subarray(0, length)))
    }
  }
})

test('readAttributes() refuses a length below the header', () => {
  throws(() => readAttributes(Uint8Array.of(0, 0, 1, 0)), { code: 'netlink-truncated' })
})

test('readMessages() refuses a length below the header', () => {
  throws(() => readMessages(new Uint8Array(16)), { code: 'netlink-truncated' })
})

for (const { what, attribute, read, gives } of [
  { what: 'u8()', attribute: u8(1, 0x12), read: u8Of, gives: 0x12 },
  { what: 'u16()', attribute: u16(1, 0x1234), read: u16Of, gives: 0x1234 },
  { what: 'u32()', attribute: u32(1, 0xf234_5678), read: u32Of, gives: 0xf234_5678 },
  {
    what: 'raw()',
    attribute: raw(1, new Uint8Array(8).fill(0xff)),
    read: u64Of,
    gives: 2n ** 64n - 1n,
  },
  { what: 'text()', attribute: text(1, 'größe'), read: textOf, gives: 'größe' },
] as const) {
  test(`${what} is read back`, () => {
    const [back] = readAttributes(writeAttributes([attribute]))
    equal(back === undefined ? undefined : read(back), gives)
  })
}

for (const { what, read } of [
  { what: 'u8Of()', read: u8Of },
  { what: 'u16Of()', read: u16Of },
  { what: 'u32Of()', read: u32Of },
  { what: 'u64Of()', read: u64Of },
]) {
  test(`${what} of an empty attribute throws netlink-truncated`, () => {
    throws(() => read(raw(1, new Uint8Array(0))), { code: 'netlink-truncated' })
  })
}

test('nest() keeps its flag, innerOf() finds what is inside', () => {
  const [back] = readAttributes(writeAttributes([nest(52, [u32(1, 7), u32(2, 8)], true)]))
  equal(back?.flags, 0x8000)
  const inner = back === undefined ? undefined : innerOf(back).get(2)
  equal(inner === undefined ? undefined : u32Of(inner), 8)
})

for (const { errno, command } of [
  { command: 'ip link set dev ib0 vf 9 port_guid 02:00:00:00:00:00:00:01', errno: 22 },
  { command: 'rdma dev set mlx5_2 netns A', errno: 95 },
  { command: 'rdma system set netns exclusive', errno: 16 },
]) {
  test(`decodeAnswer() gives errno ${errno} of ${command}`, () => {
    const replies = ['iproute2', 'rdma'].flatMap(readReplies).filter((r) => r.command === command)
    equal(replies.length, 2)
    for (const { received } of replies) {
      const last = received.map(bytesOfHex).flatMap(readMessages).at(-1)
      deepEqual(last === undefined ? undefined : decodeAnswer(last), { errno, text: undefined })
    }
  })
}

test('decodeAnswer() gives the words of an extended acknowledgement', () => {
  const told = writeAttributes([text(1, 'Invalid prefix')])
  for (const { flags, copied } of [
    { flags: 0x300, copied: 16 },
    { flags: 0x200, copied: 20 },
  ]) {
    const payload = new Uint8Array(4 + copied + told.length)
    payload.set([0xea, 0xff, 0xff, 0xff, copied])
    payload.set(told, 4 + copied)
    const message = { type: 2, flags, sequence: 1, payload }
    deepEqual(decodeAnswer(message), { errno: 22, text: 'Invalid prefix' })
    for (let length = 0; length < payload.length; length++) {
      onlyTruncated(() => decodeAnswer({ ...message, payload: payload.subarray(0, length) }))
    }
  }
})

test('decodeAnswer() takes the end of a dump, with and without a code', () => {
  const done = { type: 3, flags: 2, sequence: 1 }
  deepEqual(decodeAnswer({ ...done, payload: new Uint8Array(0) }), { errno: 0, text: undefined })
  deepEqual(decodeAnswer({ ...done, payload: new Uint8Array(4) }), { errno: 0, text: undefined })
})

/** The kernel pads all but the last attribute of some messages. */
function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array((bytes.length + 3) & ~3)
  whole.set(bytes)
  return whole
}

function onlyTruncated(run: () => unknown): void {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.code === 'netlink-truncated') return
    assertFail(thrown instanceof Error ? thrown : String(thrown))
  }
}
