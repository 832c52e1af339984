/**
 * Programs and results of the netns addon, for tests. Written from the format in
 * `native/netns.c`, apart from the product's own codec, so that a shared mistake shows.
 * Integers are little-endian; netlink messages are host-endian, which is the same on every
 * machine that the project supports.
 * @module
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

type Addon = { transact(program: Uint8Array): Promise<Uint8Array> }

/** The built file. */
export const ADDON: string = fileURLToPath(new URL('../../build/netns.node', import.meta.url))

/** Runs a program on a pool thread. */
export function transact(program: Uint8Array): Promise<Uint8Array> {
  const addon: Addon = createRequire(import.meta.url)(ADDON)
  return addon.transact(program)
}

/** Options of a test that needs the addon, and of one that needs root and `ip` too. */
export const NEEDS_ADDON: { readonly skip: string | false; readonly timeout: number } = {
  skip: existsSync(ADDON) ? false : 'build/netns.node is absent: run make native',
  timeout: 60_000,
}
export const NEEDS_ROOT: typeof NEEDS_ADDON = {
  ...NEEDS_ADDON,
  skip: NEEDS_ADDON.skip || (process.getuid?.() === 0 ? false : 'not root'),
}

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

/** One message with `ifinfomsg` of `index` (0: none), and the link's name where it is given. */
export function link(of: { type: number; flags: number; index?: number; name?: string }): Buffer {
  const name = Buffer.from(of.name === undefined ? '' : `${of.name}\0`)
  const attribute = Buffer.alloc(of.name === undefined ? 0 : 4 + Math.ceil(name.length / 4) * 4)
  if (attribute.length > 0) {
    attribute.writeUInt16LE(4 + name.length, 0)
    attribute.writeUInt16LE(3, 2) // IFLA_IFNAME
    name.copy(attribute, 4)
  }
  const message = Buffer.alloc(32)
  message.writeUInt32LE(32 + attribute.length, 0)
  message.writeUInt16LE(of.type, 4)
  message.writeUInt16LE(of.flags, 6)
  message.writeUInt32LE(7, 8)
  message.writeInt32LE(of.index ?? 0, 20)
  return Buffer.concat([message, attribute])
}

export const RTM = { newLink: 16, deleteLink: 17, getLink: 18 } as const
export const NLM = { request: 1, ack: 4, dump: 0x300 } as const

/** A dump of all links. */
export const DUMP_LINKS: Buffer = link({ type: RTM.getLink, flags: NLM.request | NLM.dump })

/** `type` of every message received, in order. */
export function messageTypes(data: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at < data.length; at += (data.readUInt32LE(at) + 3) & ~3) {
    types.push(data.readUInt16LE(at + 4))
  }
  return types
}

/** IFLA_IFNAME of every RTM_NEWLINK among the messages received. */
export function linkNames(data: Buffer): string[] {
  const names: string[] = []
  for (let at = 0; at < data.length; at += (data.readUInt32LE(at) + 3) & ~3) {
    const end = at + data.readUInt32LE(at)
    if (data.readUInt16LE(at + 4) !== RTM.newLink) continue
    for (let nla = at + 32; nla < end; nla += (data.readUInt16LE(nla) + 3) & ~3) {
      const size = data.readUInt16LE(nla)
      if ((data.readUInt16LE(nla + 2) & 0x3fff) !== 3) continue
      names.push(data.toString('utf8', nla + 4, nla + size - 1))
    }
  }
  return names
}
