/**
 * A whole nf_tables table of family `inet`: made, removed and listed. What
 * changes something goes in a batch, which the kernel commits as one.
 *
 * Spec: Linux include/uapi/linux/netfilter/{nfnetlink,nf_tables}.h. Headers are
 * host-endian (little-endian) but for `res_id`; attribute integers are big-endian.
 * @module
 */
import type { NftChain, NftTable } from '#values/nft.ts'
import { fail } from '#wire/failures.ts'
import {
  type Attribute,
  type Bytes,
  readAttributes,
  textOf,
  writeAttributes,
} from '#wire/netlink/attribute.ts'
import {
  encodeMessage,
  FLAG,
  joinPayload,
  readMessages,
  type Request,
} from '#wire/netlink/message.ts'
import { text } from '#wire/netlink/payload.ts'
import { be32, expressionsOf, nested } from './expression.ts'

const NF_TABLES = 10 // NFNL_SUBSYS_NFTABLES, upper byte of nlmsg_type
const of = (command: number): number => (NF_TABLES << 8) | command
const TYPE = {
  batchBegin: 16,
  batchEnd: 17,
  newTable: of(0),
  getTable: of(1),
  deleteTable: of(2),
  newChain: of(3),
  newRule: of(6),
} as const
const INET = 1 // NFPROTO_INET
const GENERIC_BYTES = 4 // struct nfgenmsg: u8 family, u8 version, be16 res_id

const TABLE = { name: 1, flags: 2 } as const
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const
const HOOK = { number: 1, priority: 2 } as const
const RULE = { table: 1, chain: 2, expressions: 4 } as const
const HOOK_NUMBER = { prerouting: 0, output: 3 } as const
const ACCEPT = 1 // NF_ACCEPT

/**
 * One batch that makes `table` with all its chains (policy accept) and rules,
 * or nothing: a table of that name is there already → EEXIST. Every message
 * between the two ends of the batch is acknowledged.
 */
export function encodeAddTable({ name, chains }: NftTable): Bytes {
  const rules = chains.flatMap((chain) => chain.rules.map((rule) => ({ chain, rule })))
  return encodeBatch([
    change(TYPE.newTable, FLAG.exclusive, [text(TABLE.name, name), be32(TABLE.flags, 0)]),
    ...chains.map((chain) => newChain(name, chain)),
    ...rules.map(({ chain, rule }) =>
      change(TYPE.newRule, FLAG.create | FLAG.append, [
        text(RULE.table, name),
        text(RULE.chain, chain.name),
        nested(RULE.expressions, expressionsOf(rule)),
      ]),
    ),
  ])
}

/** One batch that removes the table with all in it; ENOENT when there is none. */
export function encodeRemoveTable(name: string): Bytes {
  return encodeBatch([change(TYPE.deleteTable, 0, [text(TABLE.name, name)])])
}

/** A dump request for the tables of family `inet`; not a batch. */
export function encodeListTables(): Bytes {
  return encodeMessage(
    { type: TYPE.getTable, flags: FLAG.request | FLAG.dump, payload: generic(INET, 0) },
    0,
  )
}

/**
 * Names of the `inet` tables in the messages of a dump, in the kernel's order.
 * @throws {Failure} `netlink-truncated`; `netlink-attribute-missing`, a table without a name
 */
export function decodeTableNames(bytes: Bytes): string[] {
  const names: string[] = []
  for (const { type, payload } of readMessages(bytes)) {
    if (type !== TYPE.newTable) continue
    if (payload.length < GENERIC_BYTES) {
      throw fail('netlink-truncated', {
        of: 'nf_tables table',
        need: GENERIC_BYTES,
        have: payload.length,
      })
    }
    if (payload[0] !== INET) continue
    const attributes = readAttributes(payload.subarray(GENERIC_BYTES))
    const name = attributes.find((a) => a.type === TABLE.name)
    if (name === undefined) {
      throw fail('netlink-attribute-missing', { of: 'nf_tables table', type: TABLE.name })
    }
    names.push(textOf(name))
  }
  return names
}

function newChain(table: string, { name, type, hook, priority }: NftChain): Request {
  return change(TYPE.newChain, FLAG.create, [
    text(CHAIN.table, table),
    text(CHAIN.name, name),
    text(CHAIN.type, type),
    be32(CHAIN.policy, ACCEPT),
    nested(CHAIN.hook, [be32(HOOK.number, HOOK_NUMBER[hook]), be32(HOOK.priority, priority)]),
  ])
}

function change(type: number, flags: number, attributes: readonly Attribute[]): Request {
  return {
    type,
    flags: FLAG.request | FLAG.ack | flags,
    payload: joinPayload(generic(INET, 0), writeAttributes(attributes)),
  }
}

/** The messages between begin and end, numbered from 0 as nft numbers them. */
function encodeBatch(changes: readonly Request[]): Bytes {
  const edge = (type: number): Request => ({
    type,
    flags: FLAG.request,
    payload: generic(0, NF_TABLES),
  })
  const messages = [edge(TYPE.batchBegin), ...changes, edge(TYPE.batchEnd)].map(encodeMessage)
  const bytes = new Uint8Array(messages.reduce((size, message) => size + message.length, 0))
  let at = 0
  for (const message of messages) {
    bytes.set(message, at)
    at += message.length
  }
  return bytes
}

function generic(family: number, resource: number): Bytes {
  return Uint8Array.of(family, 0, resource >>> 8, resource)
}
