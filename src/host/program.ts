/**
 * Programs of the netns addon: operations that it executes in order, each in a
 * network namespace, and their results. Format: head of `native/netns.c`;
 * integers are little-endian, paths are UTF-8.
 * @module
 */
import type { Bytes } from '#wire/netlink/attribute.ts'

/** Netlink protocols. */
export const PROTOCOL = { route: 0, netfilter: 12, rdma: 20 } as const

/** An operation; `netns` is a descriptor, or -1 for the namespace of the process. */
export type Op = {
  readonly netns: number
  /** The rest is executed even if this one fails. */
  readonly goOn?: boolean
  /** A program of its own begins here: executed whatever became of the operations before. */
  readonly begins?: boolean
} & (
  | { readonly op: 'netlink'; readonly protocol: number; readonly messages: Bytes }
  | { readonly op: 'write-file'; readonly path: string; readonly content: string }
  | { readonly op: 'read-file'; readonly path: string }
  /** Answers at once: EWOULDBLOCK when somebody else has the lock. Data: the descriptor (u32). */
  | { readonly op: 'lock-file'; readonly path: string }
  /** A socket for whole frames of one EtherType on a link. Data: the descriptor (u32). */
  | { readonly op: 'open-packet'; readonly etherType: number; readonly index: number }
)

/** What became of an operation. */
export type OpResult = {
  /** 0, or a negative error number; -ECANCELED (-125) when it was not executed. */
  readonly status: number
  readonly data: Bytes
}

/** Flags. */
const GO_ON = 1
const BEGINS = 2
const HEAD = 16
const RESULT_HEAD = 8
const CODES = {
  netlink: 1,
  'write-file': 2,
  'read-file': 3,
  'lock-file': 4,
  'open-packet': 5,
} as const
const encoder = new TextEncoder()

/** The bytes of a program. */
export function encodeProgram(ops: readonly Op[]): Bytes {
  const bodies = ops.map(bodyOf)
  const program = new Uint8Array(bodies.reduce((size, { bytes }) => size + HEAD + bytes.length, 0))
  const view = new DataView(program.buffer)
  let at = 0
  for (const [number, { arg, bytes }] of bodies.entries()) {
    const op = ops[number]
    if (op === undefined) continue
    program[at] = CODES[op.op]
    program[at + 1] = (op.goOn === true ? GO_ON : 0) | (op.begins === true ? BEGINS : 0)
    view.setInt32(at + 4, op.netns, true)
    view.setUint32(at + 8, arg, true)
    view.setUint32(at + 12, bytes.length, true)
    program.set(bytes, at + HEAD)
    at += HEAD + bytes.length
  }
  return program
}

/** Results, one for each operation. */
export function decodeResults(bytes: Bytes): OpResult[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const results: OpResult[] = []
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 4, true)
    const start = at + RESULT_HEAD
    results.push({
      status: view.getInt32(at, true),
      data: bytes.subarray(start, start + length),
    })
    at = start + length
  }
  return results
}

function bodyOf(op: Op): { arg: number; bytes: Bytes } {
  switch (op.op) {
    case 'netlink':
      return { arg: op.protocol, bytes: op.messages }
    case 'write-file': {
      const path = encoder.encode(op.path)
      const content = encoder.encode(op.content)
      const bytes = new Uint8Array(path.length + content.length)
      bytes.set(path)
      bytes.set(content, path.length)
      return { arg: path.length, bytes }
    }
    case 'open-packet':
      return { arg: 0, bytes: packetAddress(op) }
    case 'read-file':
    case 'lock-file':
      return { arg: 0, bytes: encoder.encode(op.path) }
  }
}

const AF_PACKET = 17

/** struct sockaddr_ll: packet(7); only its protocol is in network byte order. */
function packetAddress({ etherType, index }: { etherType: number; index: number }): Bytes {
  const bytes = new Uint8Array(20)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, AF_PACKET, true)
  view.setUint16(2, etherType)
  view.setInt32(4, index, true)
  return bytes
}
