/**
 * Link messages for the tests of the addon, apart from the product's own codec, so
 * that a shared mistake shows. Integers are host-endian.
 *
 * Spec: rtnetlink(7).
 * @module
 */
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
