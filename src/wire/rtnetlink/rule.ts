/**
 * Policy rules: RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE.
 *
 * Spec: Linux include/uapi/linux/fib_rules.h, struct fib_rule_hdr and enum for
 * FRA; ip-rule(8). Integers are host-endian, addresses big-endian.
 * @module
 */
import { type Cidr, cidrParts } from '#values/cidr.ts'
import type { Family } from '#values/ip.ts'
import type { Rule } from '#values/route.ts'
import { fail } from '#wire/failures.ts'
import {
  type Attribute,
  type Bytes,
  readAttributes,
  u32,
  u32Of,
  writeAttributes,
} from '#wire/netlink/attribute.ts'
import { FLAG, type Request, joinPayload } from '#wire/netlink/message.ts'
import { raw, u8, u8Of } from '#wire/netlink/payload.ts'
import { FAMILY, cidrOfAttribute, familyFromNumber, ipBytes } from './ip-bytes.ts'

/** `nlmsg_type` of each rule message. */
export const RULE_MESSAGE = { new: 32, delete: 33, get: 34 } as const

/** A rule as the kernel reports it. */
export type KernelRule = Rule & {
  /** FR_ACT_TO_TBL: it looks a table up. */
  readonly looksUp: boolean
  /** Attributes not known here (interfaces, ports, ...), in kernel order. */
  readonly rest: readonly Attribute[]
}

const FRA = {
  dst: 1,
  src: 2,
  priority: 6,
  mark: 10,
  table: 15,
  mask: 16,
  protocol: 21,
} as const
const KNOWN: ReadonlySet<number> = new Set(Object.values(FRA))
const TO_TABLE = 1 // FR_ACT_TO_TBL
const HEAD = 12
const ACK = FLAG.request | FLAG.ack

/** Adds a rule; EEXIST when there is one that is the same in everything. */
export function encodeAddRule(rule: Rule): Request {
  const payload = joinPayload(header(rule, TO_TABLE), writeAttributes(attributesOf(rule)))
  return { type: RULE_MESSAGE.new, flags: ACK | FLAG.create | FLAG.exclusive, payload }
}

/**
 * Takes the first rule away that has all that is given here, its protocol
 * included (0: any); ENOENT when there is none.
 */
export function encodeRemoveRule(rule: Rule): Request {
  const payload = joinPayload(header(rule, 0), writeAttributes(attributesOf(rule)))
  return { type: RULE_MESSAGE.delete, flags: ACK, payload }
}

/** All rules of a family. */
export function encodeDumpRules(family: Family): Request {
  const payload = new Uint8Array(HEAD)
  payload[0] = FAMILY[family]
  return { type: RULE_MESSAGE.get, flags: FLAG.request | FLAG.dump, payload }
}

/**
 * Decodes the payload of RTM_NEWRULE; undefined for a family that is not IP.
 * @throws {Failure} `netlink-truncated`
 */
export function decodeRule(payload: Bytes): KernelRule | undefined {
  if (payload.length < HEAD) {
    throw fail('netlink-truncated', { of: 'rule', need: HEAD, have: payload.length })
  }
  const [number = 0, toBits = 0, fromBits = 0, , table = 0, , , action] = payload
  const family = familyFromNumber(number)
  if (family === undefined) return undefined
  const all = readAttributes(payload.subarray(HEAD))
  const by = new Map(all.map((attribute) => [attribute.type, attribute]))
  const cidr = (type: number, prefix: number): Cidr | undefined => {
    const attribute = by.get(type)
    return attribute === undefined ? undefined : cidrOfAttribute({ attribute, prefix, family })
  }
  const wide = by.get(FRA.table)
  const priority = by.get(FRA.priority)
  const protocol = by.get(FRA.protocol)
  return {
    family,
    // The kernel leaves a priority of 0 out.
    priority: priority === undefined ? 0 : u32Of(priority),
    from: cidr(FRA.src, fromBits),
    to: cidr(FRA.dst, toBits),
    fwmark: markOf(by),
    table: wide === undefined ? table : u32Of(wide),
    protocol: protocol === undefined ? 0 : u8Of(protocol),
    looksUp: action === TO_TABLE,
    rest: all.filter((attribute) => !KNOWN.has(attribute.type)),
  }
}

function markOf(by: ReadonlyMap<number, Attribute>): Rule['fwmark'] {
  const mark = by.get(FRA.mark)
  const mask = by.get(FRA.mask)
  if (mask === undefined) return undefined
  return { mark: mark === undefined ? 0 : u32Of(mark), mask: u32Of(mask) }
}

function attributesOf(rule: Rule): Attribute[] {
  const attributes: Attribute[] = []
  if (rule.from !== undefined) attributes.push(raw(FRA.src, ipBytes(cidrParts(rule.from).ip)))
  if (rule.to !== undefined) attributes.push(raw(FRA.dst, ipBytes(cidrParts(rule.to).ip)))
  if (rule.fwmark !== undefined) {
    attributes.push(u32(FRA.mark, rule.fwmark.mark), u32(FRA.mask, rule.fwmark.mask))
  }
  if (rule.table > 255) attributes.push(u32(FRA.table, rule.table))
  if (rule.priority !== undefined) attributes.push(u32(FRA.priority, rule.priority))
  if (rule.protocol !== 0) attributes.push(u8(FRA.protocol, rule.protocol))
  return attributes
}

function header(rule: Rule, action: number): Bytes {
  const bytes = new Uint8Array(HEAD)
  const bits = (cidr: Cidr | undefined): number => (cidr === undefined ? 0 : cidrParts(cidr).prefix)
  const table = rule.table > 255 ? 0 : rule.table
  bytes.set([FAMILY[rule.family], bits(rule.to), bits(rule.from), 0, table, 0, 0, action])
  return bytes
}
