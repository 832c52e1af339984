/**
 * Programs and results of the netns addon, for tests. Written from the format in
 * `native/netns.c`, apart from the product's own codec, so that a shared mistake shows.
 * Integers are little-endian; netlink messages are host-endian, which is the same on every
 * machine that the project supports.
 * @module
 */
import { transact } from './addon.ts'

/** One operation; `netns` -1 is the thread's own, `goOn` keeps later ones after a failure. */
export type Op = {
  readonly op: number
  readonly goOn?: boolean
  readonly netns?: number | undefined
  readonly arg?: number
  readonly bytes: Uint8Array
}
export type Answer = { readonly status: number; readonly data: Buffer }

export const readFile = (path: string, netns?: number): Op => ({
  op: 3,
  netns,
  bytes: Buffer.from(path),
})

export const writeFile = (to: { path: string; content: string; netns?: number }): Op => ({
  op: 2,
  netns: to.netns,
  arg: Buffer.byteLength(to.path),
  bytes: Buffer.from(to.path + to.content),
})

/** NETLINK_ROUTE unless `protocol` says otherwise. */
export const netlink = (messages: Uint8Array, netns?: number, protocol = 0): Op => ({
  op: 1,
  netns,
  arg: protocol,
  bytes: messages,
})

export function encodeProgram(ops: readonly Op[]): Uint8Array {
  const parts = ops.map(({ op, goOn = false, netns = -1, arg = 0, bytes }) => {
    const head = Buffer.alloc(16)
    head.writeUInt8(op, 0)
    head.writeUInt8(goOn ? 1 : 0, 1)
    head.writeInt32LE(netns, 4)
    head.writeUInt32LE(arg, 8)
    head.writeUInt32LE(bytes.length, 12)
    return Buffer.concat([head, bytes])
  })
  return Buffer.concat(parts)
}

export function decodeResult(result: Uint8Array): Answer[] {
  const all = Buffer.from(result.buffer, result.byteOffset, result.byteLength)
  const answers: Answer[] = []
  for (let at = 0; at < all.length;) {
    const size = all.readUInt32LE(at + 4)
    answers.push({ status: all.readInt32LE(at), data: all.subarray(at + 8, at + 8 + size) })
    at += 8 + size
  }
  return answers
}

/** Encodes, executes and decodes. */
export async function run(...ops: readonly Op[]): Promise<Answer[]> {
  return decodeResult(await transact(encodeProgram(ops)))
}
