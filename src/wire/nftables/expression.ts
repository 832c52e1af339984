/**
 * Expressions of nf_tables rules: what nft compiles our three kinds of rule
 * to. A rule is a list of expressions that load, compare and store over
 * register 1; the first comparison that does not hold ends it.
 *
 * Spec: Linux include/uapi/linux/netfilter/nf_tables.h. Attribute integers are
 * big-endian; what is compared or stored (marks, states) is host-endian.
 * @module
 */
import type { NftRule } from '#values/nft.ts'
import type { Attribute, Bytes } from '#wire/netlink/attribute.ts'
import { nest, raw, text } from '#wire/netlink/payload.ts'

const ELEMENT = 1 // NFTA_LIST_ELEM
const EXPRESSION = { name: 1, data: 2 } as const
const VALUE = 1 // NFTA_DATA_VALUE
const REGISTER = 1 // NFT_REG_1, 16 bytes
const META = { into: 1, key: 2, from: 3 } as const
const CT = { into: 1, key: 2, from: 4 } as const
const COMPARE = { register: 1, operator: 2, data: 3 } as const
const BITWISE = { from: 1, into: 2, length: 3, mask: 4, xor: 5 } as const
const IMMEDIATE = { into: 1, data: 2 } as const

const META_KEY = { mark: 3, inName: 6 } as const
const CT_KEY = { state: 0, mark: 3 } as const
const OPERATOR = { equal: 0, notEqual: 1 } as const
/** NF_CT_STATE_BIT(IP_CT_NEW). */
const STATE_NEW = 8
/** IFNAMSIZ: nft compares the name with all zeros behind it. */
const NAME_BYTES = 16

/** A big-endian attribute of 32 bits, as this family wants them. */
export function be32(type: number, value: number): Attribute {
  return raw(type, Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value))
}

/** An attribute with attributes inside it, flagged so: this family insists on the flag. */
export function nested(type: number, inner: readonly Attribute[]): Attribute {
  return nest(type, inner, true)
}

/** The expressions of a rule, in nft's order. */
export function expressionsOf(rule: NftRule): Attribute[] {
  switch (rule.nft) {
    case 'mark-new-from':
      return [
        loadMeta(META_KEY.inName),
        compare('equal', nameBytes(rule.link)),
        loadCt(CT_KEY.state),
        keepBits(STATE_NEW),
        compare('notEqual', hostU32(0)),
        immediate(rule.mark),
        storeMeta(META_KEY.mark),
      ]
    case 'save-mark':
      return [
        loadMeta(META_KEY.mark),
        compare('equal', hostU32(rule.mark)),
        loadMeta(META_KEY.mark),
        storeCt(CT_KEY.mark),
      ]
    case 'restore-mark':
      return [
        loadCt(CT_KEY.mark),
        compare('equal', hostU32(rule.mark)),
        loadCt(CT_KEY.mark),
        storeMeta(META_KEY.mark),
      ]
  }
}

function expression(name: string, inner: readonly Attribute[]): Attribute {
  return nested(ELEMENT, [text(EXPRESSION.name, name), nested(EXPRESSION.data, inner)])
}

function loadMeta(key: number): Attribute {
  return expression('meta', [be32(META.key, key), be32(META.into, REGISTER)])
}

function storeMeta(key: number): Attribute {
  return expression('meta', [be32(META.key, key), be32(META.from, REGISTER)])
}

function loadCt(key: number): Attribute {
  return expression('ct', [be32(CT.key, key), be32(CT.into, REGISTER)])
}

function storeCt(key: number): Attribute {
  return expression('ct', [be32(CT.key, key), be32(CT.from, REGISTER)])
}

function compare(operator: keyof typeof OPERATOR, value: Bytes): Attribute {
  return expression('cmp', [
    be32(COMPARE.register, REGISTER),
    be32(COMPARE.operator, OPERATOR[operator]),
    nested(COMPARE.data, [raw(VALUE, value)]),
  ])
}

/** Register AND `bits`. */
function keepBits(bits: number): Attribute {
  return expression('bitwise', [
    be32(BITWISE.from, REGISTER),
    be32(BITWISE.into, REGISTER),
    be32(BITWISE.length, 4),
    nested(BITWISE.mask, [raw(VALUE, hostU32(bits))]),
    nested(BITWISE.xor, [raw(VALUE, hostU32(0))]),
  ])
}

function immediate(value: number): Attribute {
  return expression('immediate', [
    be32(IMMEDIATE.into, REGISTER),
    nested(IMMEDIATE.data, [raw(VALUE, hostU32(value))]),
  ])
}

function hostU32(value: number): Bytes {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24)
}

function nameBytes(name: string): Bytes {
  const bytes = new Uint8Array(NAME_BYTES)
  new TextEncoder().encodeInto(name, bytes)
  return bytes
}
